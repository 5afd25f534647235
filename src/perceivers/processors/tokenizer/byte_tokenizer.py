"""The byte tokenizer: text in, ids of its UTF-8 bytes out, drop-in for the published one."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Self

from perceivers.checkpoints.foreign import without_foreign
from perceivers.errors import ConfigurationError, DataError, NameConflictError
from perceivers.processors.tokenizer.added_tokens import AddedToken, as_added_token
from perceivers.processors.tokenizer.arrangement import has_pairs, pieces_of_texts
from perceivers.processors.tokenizer.batch_encoding import BatchEncoding
from perceivers.processors.tokenizer.byte_codec import Piece, byte_tokens
from perceivers.processors.tokenizer.files import (
    ADDED_TOKENS,
    TOKENIZER_CONFIG,
    read_tokenizer,
    upload_folder,
    write_json,
)
from perceivers.processors.tokenizer.options import NO_LIMIT, EncodingOptions, with_max_length
from perceivers.processors.tokenizer.padding import require_side
from perceivers.processors.tokenizer.row_builder import RowBuilder
from perceivers.processors.tokenizer.text_inputs import as_texts
from perceivers.processors.tokenizer.vocabulary import NUMBERED_ROLES


class PerceiverTokenizer(RowBuilder):
    """Turns texts into ids: byte b is id b + 6, `[CLS] text [SEP]`, or `[CLS] text [SEP] pair [SEP]`.

    Args:
        pad_token: id 0; a string or an AddedToken, None for no token in that role. So are the others.
        bos_token: id 1.
        eos_token: id 2.
        mask_token: id 3.
        cls_token: id 4.
        sep_token: id 5.
        model_max_length: ids that the model takes; None for no limit.
        padding_side: "right" or "left".
        truncation_side: "right" or "left", the side that is cut.
        model_input_names: results of a call that are given unasked.
        clean_up_tokenization_spaces: the default for decode.
        split_special_tokens: treats special tokens inside a text as plain text.
        extra_special_tokens: a list of further special tokens, or a mapping from attribute names to tokens.
        additional_special_tokens: the older name of that list.
        added_tokens_decoder: tokens by id, as `tokenizer_config.json` holds them.
        name_or_path: where the tokenizer came from.
        kwargs: more roles (`unk_token`, any `..._token`); anything else is kept and saved. So are flags such as
            `add_bos_token=False`: rows are framed by [CLS] and [SEP], whatever they say, as in Transformers.

    Raises:
        ConfigurationError: a token is none, or a name has another meaning.
        NameConflictError: a name in `kwargs` is that of a method; a ConfigurationError and an AttributeError.
    """

    vocab_files_names: Mapping[str, str] = {}
    is_fast = False

    def __init__(
        self,
        pad_token: str | AddedToken | None = "[PAD]",
        bos_token: str | AddedToken | None = "[BOS]",
        eos_token: str | AddedToken | None = "[EOS]",
        mask_token: str | AddedToken | None = "[MASK]",
        cls_token: str | AddedToken | None = "[CLS]",
        sep_token: str | AddedToken | None = "[SEP]",
        model_max_length: int | None = 2048,
        *,
        padding_side: str = "right",
        truncation_side: str = "right",
        model_input_names: Sequence[str] = ("input_ids", "attention_mask"),
        clean_up_tokenization_spaces: bool = False,
        split_special_tokens: bool = False,
        extra_special_tokens: Sequence[str | AddedToken] | Mapping[str, str | AddedToken] | None = None,
        additional_special_tokens: Sequence[str | AddedToken] | None = None,
        added_tokens_decoder: Mapping[int | str, object] | None = None,
        name_or_path: str = "",
        **kwargs: Any,
    ) -> None:
        self._require_no_methods(kwargs)
        # A flag such as add_bos_token=False ends like a role and is none.
        more_roles = {
            name: value
            for name, value in kwargs.items()
            if name.endswith("_token") and not isinstance(value, bool)
        }
        tokens = (pad_token, bos_token, eos_token, mask_token, cls_token, sep_token)
        roles: dict[str, Any] = dict(zip(NUMBERED_ROLES, tokens, strict=True))
        roles |= more_roles
        extra = extra_special_tokens if extra_special_tokens else additional_special_tokens or ()
        if isinstance(extra, Mapping):
            roles |= extra
            extra = ()
        if not isinstance(extra, list | tuple):
            raise ConfigurationError(
                f"`extra_special_tokens` must be a list of tokens or a mapping from names to tokens, received {extra!r}"
            )
        placed = {
            int(token_id): as_added_token(token) for token_id, token in (added_tokens_decoder or {}).items()
        }
        super().__init__(roles, extra, placed)
        self.padding_side = require_side("padding_side", padding_side)
        self.truncation_side = require_side("truncation_side", truncation_side)
        self.model_max_length = NO_LIMIT if model_max_length is None else model_max_length
        self.model_input_names = list(model_input_names)
        self.clean_up_tokenization_spaces = clean_up_tokenization_spaces
        self.split_special_tokens = split_special_tokens
        self.name_or_path = name_or_path
        self.init_kwargs = {name: value for name, value in kwargs.items() if name not in more_roles}
        self._warned_of_length = False

    def __repr__(self) -> str:
        return (
            f"{type(self).__name__}(name_or_path={self.name_or_path!r}, vocab_size={self.vocab_size}, "
            f"model_max_length={self.model_max_length}, padding_side={self.padding_side!r}, "
            f"truncation_side={self.truncation_side!r}, special_tokens={self.special_tokens_map})"
        )

    def __call__(
        self,
        text: Any = None,
        text_pair: Any = None,
        text_target: Any = None,
        text_pair_target: Any = None,
        add_special_tokens: bool = True,
        padding: bool | str = False,
        truncation: bool | str | None = None,
        max_length: int | None = None,
        stride: int = 0,
        is_split_into_words: bool = False,
        pad_to_multiple_of: int | None = None,
        padding_side: str | None = None,
        return_tensors: str | None = None,
        return_token_type_ids: bool | None = None,
        return_attention_mask: bool | None = None,
        return_overflowing_tokens: bool = False,
        return_special_tokens_mask: bool = False,
        return_offsets_mapping: bool = False,
        return_length: bool = False,
        verbose: bool = True,
        split_special_tokens: bool | None = None,
        max_target_length: int | None = None,
    ) -> BatchEncoding:
        """Encode one text, or a list of texts.

        Args:
            text: a string, a list of strings, a list of ids, or a list of these; inside a list, two texts are a pair.
            text_pair: second texts, one for each text.
            text_target: texts whose ids are given as `labels`, or as `input_ids` if there is no `text`.
            text_pair_target: second texts of the targets.
            add_special_tokens: puts [CLS] and [SEP] around the texts.
            padding: True or "longest", "max_length", or False.
            truncation: True or "longest_first", "only_first", "only_second", or False.
            max_length: ids a row, special tokens included; None takes `model_max_length` where one is needed.
            stride: kept ids that are repeated at the start of the overflowing ones.
            is_split_into_words: a list of strings is one text, of which each string is encoded alone.
            pad_to_multiple_of: rounds padded widths up.
            padding_side: "right" or "left"; None takes the tokenizer's.
            return_tensors: "pt", "np", or None for lists.
            return_token_type_ids: 0 for the first text and its special tokens, 1 for the second.
            return_attention_mask: 1 for ids, 0 for padding.
            return_overflowing_tokens: also the ids that were cut off, as lists.
            return_special_tokens_mask: 1 for added special tokens and padding, 0 for text.
            return_offsets_mapping: not available, as in Transformers.
            return_length: the number of ids a row.
            verbose: warns, once, of rows longer than `model_max_length`.
            split_special_tokens: treats special tokens inside the text as plain text.
            max_target_length: what `max_length` is for `text_target`; None takes that. Without targets it bounds nothing.

        Returns:
            `input_ids` and what was asked for: [num_ids] lists for one text, [batch, num_ids] for several; tensors
            are [batch, num_ids] int64 always.
        """
        if text is None and text_target is None:
            raise DataError("`text` or `text_target` must be given, received None for both")
        if return_offsets_mapping:
            raise ConfigurationError(
                "`return_offsets_mapping` must be False: an id is a byte, and offsets would count characters; "
                "tokenize(text[:n]) tells how many ids n characters have"
            )
        options = self._settle(
            padding=padding,
            truncation=truncation,
            max_length=max_length,
            stride=stride,
            pad_to_multiple_of=pad_to_multiple_of,
            padding_side=padding_side,
            return_tensors=return_tensors,
            return_token_type_ids=return_token_type_ids,
            return_attention_mask=return_attention_mask,
            verbose=verbose,
            add_special_tokens=add_special_tokens,
            return_overflowing_tokens=return_overflowing_tokens,
            return_special_tokens_mask=return_special_tokens_mask,
            return_length=return_length,
        )
        split = self.split_special_tokens if split_special_tokens is None else split_special_tokens
        of_targets = with_max_length(options, "max_target_length", max_target_length)
        if text is None:
            return self._encode(text_target, text_pair_target, of_targets, is_split_into_words, split)
        encoding = self._encode(text, text_pair, options, is_split_into_words, split)
        if text_target is not None:
            target = self._encode(text_target, text_pair_target, of_targets, is_split_into_words, split)
            encoding["labels"] = target["input_ids"]
        return encoding

    def encode(self, text: Any, text_pair: Any = None, add_special_tokens: bool = True, **kwargs: Any) -> Any:
        """The `input_ids` that a call with the same arguments gives.

        Args:
            text: as in a call.
            text_pair: as in a call.
            add_special_tokens: as in a call.
            kwargs: as in a call.
        """
        return self(text, text_pair, add_special_tokens=add_special_tokens, **kwargs)["input_ids"]

    def tokenize(self, text: str, *, split_special_tokens: bool | None = None) -> list[str]:
        """The tokens of a text: one character a byte, and whole special or added tokens.

        Args:
            text: one text.
            split_special_tokens: as in a call.
        """
        split = self.split_special_tokens if split_special_tokens is None else split_special_tokens
        if split:
            return byte_tokens(text)
        tokens: list[str] = []
        for piece in self._finder.split(text):
            tokens += [piece] if piece in self._ids else byte_tokens(piece)
        return tokens

    def save_pretrained(
        self,
        save_directory: str | os.PathLike[str],
        *,
        filename_prefix: str | None = None,
        legacy_format: bool | None = None,
        push_to_hub: bool = False,
        repo_id: str | None = None,
        **hub_arguments: Any,
    ) -> tuple[str, ...]:
        """Write the files that from_pretrained, here and in Transformers, reads; gives their paths.

        Args:
            save_directory: made if absent.
            filename_prefix: put before the file names, with a dash.
            legacy_format: without effect: a byte tokenizer has one format.
            push_to_hub: uploads the folder's files afterwards.
            repo_id: where to; the folder's name if None.
            hub_arguments: as in push_to_hub.
        """
        if not push_to_hub and (hub_arguments or repo_id is not None):
            given = ", ".join(sorted([*hub_arguments, *(["repo_id"] if repo_id is not None else [])]))
            raise ConfigurationError(f"without `push_to_hub=True` nothing uses {given}")
        prefix = f"{filename_prefix}-" if filename_prefix else ""
        paths = [write_json(save_directory, prefix + TOKENIZER_CONFIG, self._settings())]
        added = {token: token_id for token, token_id in self._ids.items() if token_id >= len(NUMBERED_ROLES)}
        if added:
            paths.append(write_json(save_directory, prefix + ADDED_TOKENS, added))
        else:
            Path(save_directory, prefix + ADDED_TOKENS).unlink(missing_ok=True)
        if push_to_hub:
            upload_folder(save_directory, repo_id or Path(save_directory).resolve().name, hub_arguments)
        return tuple(map(str, paths))

    def push_to_hub(self, repo_id: str, **hub_arguments: Any) -> str:
        """Upload the tokenizer's files; gives the commit's address.

        Args:
            repo_id: the repository's name on the model hub, made if absent.
            hub_arguments: `private`, `token`, `revision`, `commit_message`, `commit_description`, `create_pr`.
        """
        with tempfile.TemporaryDirectory() as folder:
            self.save_pretrained(folder)
            return upload_folder(folder, repo_id, {"commit_message": "Upload tokenizer", **hub_arguments})

    @classmethod
    def from_pretrained(
        cls,
        pretrained_model_name_or_path: str | os.PathLike[str],
        *,
        revision: str | None = None,
        subfolder: str | None = None,
        cache_dir: str | os.PathLike[str] | None = None,
        token: str | bool | None = None,
        local_files_only: bool = False,
        force_download: bool = False,
        **kwargs: Any,
    ) -> Self:
        """The tokenizer that was saved in a folder or on the model hub; the default one if there are no files of it.

        Args:
            pretrained_model_name_or_path: a folder, or a name such as "deepmind/language-perceiver".
            revision: branch, tag or commit.
            subfolder: folder inside it.
            cache_dir: where downloads are kept.
            token: access token.
            local_files_only: never asks the network.
            force_download: downloads again what is there.
            kwargs: constructor arguments that win over the saved ones. What Transformers takes beyond them is listed in
                `perceivers.checkpoints.foreign`: passed over, or refused with a reason.

        Raises:
            CheckpointError: the name or a file's content is at fault.
            ConfigurationError: an argument asks for what is not done, such as `trust_remote_code=True`.
        """
        kwargs = without_foreign(kwargs)
        hub_options = {
            "revision": revision,
            "cache_dir": cache_dir,
            "token": token,
            "local_files_only": local_files_only,
            "force_download": force_download,
        }
        saved = read_tokenizer(pretrained_model_name_or_path, hub_options, subfolder or "")
        return cls(**(saved | {"name_or_path": os.fspath(pretrained_model_name_or_path)} | kwargs))

    def _require_no_methods(self, names: Iterable[str]) -> None:
        for name in names:
            if callable(getattr(type(self), name, None)):
                raise NameConflictError(
                    f"`{name}` conflicts with the method {name} of {type(self).__name__}: give it another name"
                )

    def _encode(
        self,
        text: Any,
        text_pair: Any,
        options: EncodingOptions,
        is_split_into_words: bool,
        split_special_tokens: bool,
    ) -> BatchEncoding:
        first, second, is_batch = as_texts(text, text_pair, is_split_into_words)
        finder = None if split_special_tokens else self._finder
        first_ids = pieces_of_texts(first, finder, self._ids)
        second_ids: Sequence[Piece | None] = [None] * len(second)
        if has_pairs(second):
            present = iter(pieces_of_texts([pair for pair in second if pair is not None], finder, self._ids))
            second_ids = [None if pair is None else next(present) for pair in second]
        return self._finish(first_ids, second_ids, options, axis=is_batch, tensor_axis=True)

    def _settings(self) -> dict[str, Any]:
        """What `tokenizer_config.json` holds."""
        roles = dict.fromkeys(NUMBERED_ROLES) | self.special_tokens_map
        settings: dict[str, Any] = {
            **self.init_kwargs,
            **roles,
            "added_tokens_decoder": {str(number): token.to_dict() for number, token in self._added.items()},
            "backend": "custom",
            "clean_up_tokenization_spaces": self.clean_up_tokenization_spaces,
            "model_input_names": self.model_input_names,
            "model_max_length": self.model_max_length,
            "padding_side": self.padding_side,
            "split_special_tokens": self.split_special_tokens,
            "tokenizer_class": "PerceiverTokenizer",
            "truncation_side": self.truncation_side,
        }
        return settings | ({"extra_special_tokens": self._extra} if self._extra else {})
