"""PerceiverTokenizer as a PreTrainedTokenizer: Transformers' own class, whose rows the library's tokenizer makes."""

from __future__ import annotations

from typing import Any

from perceivers.integrations.transformers.package import BatchEncoding, transformers
from perceivers.processors.tokenizer.byte_tokenizer import PerceiverTokenizer as PlainTokenizer
from perceivers.processors.tokenizer.vocabulary import NUMBERED_ROLES

_USUAL = tuple(f"[{role.removesuffix('_token').upper()}]" for role in NUMBERED_ROLES)
# Transformers' names of two options -> the library's.
_STRATEGIES = {"padding_strategy": "padding", "truncation_strategy": "truncation"}
# Options that the library's tokenizer has, too; others, where they are given, are for Transformers' own.
_KNOWN = frozenset(
    {
        *_STRATEGIES,
        "max_length",
        "pad_to_multiple_of",
        "padding_side",
        "return_attention_mask",
        "return_length",
        "return_special_tokens_mask",
        "return_tensors",
        "return_token_type_ids",
        "split_special_tokens",
        "verbose",
    }
)
_ARRAYS = (None, "pt", "np")


class PerceiverTokenizer(transformers.PerceiverTokenizer):  # type: ignore[misc]
    """Chat templates, added tokens and files are Transformers'; texts become ids many times as fast.

    The library's tokenizer takes texts and lists of texts, alone or in pairs, while the six special tokens are the only
    tokens beside the bytes. With further tokens, words that are split already, or rows that were cut off, Transformers' own
    way is taken. Both give the same rows.

    Args:
        values: see transformers.PerceiverTokenizer.
    """

    _plain: PlainTokenizer | None = None

    @property
    def plain(self) -> PlainTokenizer | None:
        """The library's tokenizer with the same settings; None while there are tokens that it was not told of."""
        tokens = self._added_tokens_decoder
        if len(tokens) != len(_USUAL) or any(
            token_id not in tokens or not _is_usual(tokens[token_id], name)
            for token_id, name in enumerate(_USUAL)
        ):
            return None
        if any(getattr(self, role) != name for role, name in zip(NUMBERED_ROLES, _USUAL, strict=True)):
            return None
        if self._plain is None:
            self._plain = PlainTokenizer()
        for name in ("model_max_length", "model_input_names", "padding_side", "truncation_side"):
            setattr(self._plain, name, getattr(self, name))
        self._plain.split_special_tokens = self.split_special_tokens
        return self._plain

    def _encode_plus(
        self, text: Any, text_pair: Any = None, add_special_tokens: bool = True, **options: Any
    ) -> Any:
        asked = {
            name: value for name, value in options.items() if value is not None and (value or name in _KNOWN)
        }
        plain = self.plain if _is_text(text) and _is_pair(text, text_pair) else None
        asked["return_tensors"] = getattr(asked.get("return_tensors"), "value", asked.get("return_tensors"))
        if plain is None or asked["return_tensors"] not in _ARRAYS or not _KNOWN.issuperset(asked):
            return super()._encode_plus(text, text_pair, add_special_tokens, **options)
        for given, name in _STRATEGIES.items():
            chosen = asked.pop(given, None)
            value = str(getattr(chosen, "value", chosen))
            asked[name] = False if chosen is None or value.startswith("do_not_") else value
        verbose = options.get("verbose", True)
        encoded = plain(text, text_pair, add_special_tokens=add_special_tokens, **{**asked, "verbose": False})
        rows = encoded["input_ids"]
        longest = max(rows, key=len) if isinstance(text, list) or asked["return_tensors"] else rows
        self._eventual_warn_about_too_long_sequence(longest, options.get("max_length"), verbose)
        return BatchEncoding(dict(encoded.items()))

    def _decode(self, token_ids: Any, skip_special_tokens: bool = False, **options: Any) -> str:
        plain = self.plain if not any(options.values()) and not self.clean_up_tokenization_spaces else None
        if plain is None or not isinstance(token_ids, list):
            return str(super()._decode(token_ids, skip_special_tokens=skip_special_tokens, **options))
        return str(plain.decode(token_ids, skip_special_tokens=skip_special_tokens))


def _is_usual(token: Any, name: str) -> bool:
    return str(token) == name and not (token.lstrip or token.rstrip or token.single_word)


def _is_text(value: Any) -> bool:
    if isinstance(value, list):
        return bool(value) and all(isinstance(each, str) for each in value)
    return isinstance(value, str)


def _is_pair(text: Any, pair: Any) -> bool:
    if pair is None:
        return True
    return _is_text(pair) and type(pair) is type(text) and (isinstance(text, str) or len(pair) == len(text))
