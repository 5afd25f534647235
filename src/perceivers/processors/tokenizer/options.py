"""What one call of the tokenizer asks for, checked once and spelled out."""

from __future__ import annotations

import dataclasses
import logging
import warnings
from dataclasses import dataclass

from perceivers.errors import ConfigurationError
from perceivers.processors.tokenizer.batch_encoding import require_tensor_type
from perceivers.processors.tokenizer.padding import (
    DO_NOT_PAD,
    LONGEST,
    MAX_LENGTH,
    padding_strategy,
    require_side,
    rounded_up,
)
from perceivers.processors.tokenizer.truncation import DO_NOT_TRUNCATE, LONGEST_FIRST, truncation_strategy

logger = logging.getLogger(__name__)

# Published tokenizer files write 1e30 for "no limit".
NO_LIMIT = int(1e30)
_LARGEST_LIMIT = int(1e20)


@dataclass(frozen=True, kw_only=True)
class EncodingOptions:
    """The settled arguments of one call; argument names and meanings are those of PerceiverTokenizer."""

    add_special_tokens: bool
    padding: str
    truncation: str
    max_length: int | None
    stride: int
    pad_to_multiple_of: int | None
    padding_side: str
    return_tensors: str | None
    return_token_type_ids: bool
    return_attention_mask: bool
    return_overflowing_tokens: bool
    return_special_tokens_mask: bool
    return_length: bool
    warn_above: int | None
    """Rows longer than this are warned of; None: never."""


def settle_lengths(
    padding: object,
    truncation: object,
    max_length: int | None,
    pad_to_multiple_of: int | None,
    model_max_length: int,
    *,
    verbose: bool = True,
) -> tuple[str, str, int | None]:
    """The strategies for padding and truncation, and the length they work with.

    A length without a word on truncation truncates, unless padding is asked for: so does the published tokenizer.
    """
    pad = padding_strategy(padding)
    cut = truncation_strategy(truncation)
    if max_length is not None and max_length < 0:
        raise ConfigurationError(f"`max_length` must be at least 0, received {max_length}")
    if max_length is not None and truncation is None and padding is False:
        logger.info("`max_length` was given without `truncation`: truncating, longest text first")
        cut = LONGEST_FIRST
    if verbose and max_length is not None and padding is True and cut == DO_NOT_TRUNCATE:
        warnings.warn(
            "`max_length` has no effect with `padding=True` and no truncation: give `padding='max_length'` to pad to "
            "it, `truncation=True` to cut at it",
            stacklevel=4,
        )
    if max_length is None and MAX_LENGTH in (pad, None if cut == DO_NOT_TRUNCATE else MAX_LENGTH):
        if model_max_length <= _LARGEST_LIMIT:
            max_length = model_max_length
        else:
            logger.warning(
                "neither `max_length` nor `model_max_length` sets a limit: rows keep their lengths"
            )
            cut = DO_NOT_TRUNCATE
            pad = DO_NOT_PAD if pad == MAX_LENGTH else pad
    _require_multiple("max_length", pad, cut, max_length, pad_to_multiple_of)
    return pad, cut, max_length


def settle(
    *,
    padding: object,
    truncation: object,
    max_length: int | None,
    stride: int,
    pad_to_multiple_of: int | None,
    padding_side: str,
    return_tensors: object,
    return_token_type_ids: bool | None,
    return_attention_mask: bool | None,
    verbose: bool,
    model_max_length: int,
    model_input_names: list[str],
    add_special_tokens: bool,
    return_overflowing_tokens: bool,
    return_special_tokens_mask: bool,
    return_length: bool,
) -> EncodingOptions:
    """Check the arguments of one call and fill in what was left to the tokenizer's own settings."""
    if stride < 0:
        raise ConfigurationError(f"`stride` must be at least 0, received {stride}")
    pad, cut, length = settle_lengths(
        padding, truncation, max_length, pad_to_multiple_of, model_max_length, verbose=verbose
    )
    if return_token_type_ids is None:
        return_token_type_ids = "token_type_ids" in model_input_names
    if return_attention_mask is None:
        return_attention_mask = "attention_mask" in model_input_names
    return EncodingOptions(
        add_special_tokens=add_special_tokens,
        padding=pad,
        truncation=cut,
        max_length=length,
        stride=stride,
        pad_to_multiple_of=pad_to_multiple_of,
        padding_side=require_side("padding_side", padding_side),
        return_tensors=require_tensor_type(return_tensors),
        return_token_type_ids=return_token_type_ids,
        return_attention_mask=return_attention_mask,
        return_overflowing_tokens=return_overflowing_tokens,
        return_special_tokens_mask=return_special_tokens_mask,
        return_length=return_length,
        warn_above=model_max_length if verbose and max_length is None and cut == DO_NOT_TRUNCATE else None,
    )


def with_max_length(options: EncodingOptions, argument: str, max_length: int | None) -> EncodingOptions:
    """The options with another length; None changes nothing.

    Args:
        options: settled.
        argument: the name under which the caller gave the length.
        max_length: ids a row.
    """
    if max_length is None:
        return options
    if max_length < 0:
        raise ConfigurationError(f"`{argument}` must be at least 0, received {max_length}")
    _require_multiple(argument, options.padding, options.truncation, max_length, options.pad_to_multiple_of)
    return dataclasses.replace(options, max_length=max_length)


def _require_multiple(
    argument: str, padding: str, truncation: str, max_length: int | None, multiple: int | None
) -> None:
    both = padding != DO_NOT_PAD and truncation != DO_NOT_TRUNCATE and max_length is not None
    if both and rounded_up(max_length or 0, multiple) != max_length:
        raise ConfigurationError(
            f"`{argument}` must be a multiple of `pad_to_multiple_of` ({multiple}) where rows are padded and "
            f"truncated, received {max_length}"
        )


def target_width(longest: int, padding: str, max_length: int | None, multiple: int | None) -> int:
    """The width that shorter rows are padded to; 0 where none are.

    Args:
        longest: the longest row.
        padding: one of PADDING_STRATEGIES.
        max_length: for "max_length".
        multiple: `pad_to_multiple_of`.
    """
    if padding == DO_NOT_PAD:
        return 0
    width = longest if padding == LONGEST or max_length is None else max_length
    return rounded_up(width, multiple)
