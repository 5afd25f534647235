"""Arguments of `forward` that have no meaning for a Perceiver: harmless ones are passed over, all others refused by name."""

from __future__ import annotations

import difflib
import inspect
from collections.abc import Callable, Mapping
from typing import Any

from perceivers.errors import ConfigurationError

#: What tokenizers and training loops hand on beside the inputs: it says nothing that a Perceiver could use.
HARMLESS = ("length", "num_items_in_batch", "special_tokens_mask", "token_type_ids")

#: What other models of Transformers take. None and False, which ask for nothing, are passed over.
REFUSED: Mapping[str, str] = {
    "encoder_attention_mask": "there is one input and one mask, `attention_mask`",
    "encoder_hidden_states": "there is one input, `inputs`",
    "head_mask": "heads cannot be switched off",
    "inputs_embeds": "give tokens to a PerceiverModel without a preprocessor instead",
    "logits_to_keep": "the outputs that are wanted are named by `positions` or `subsampled_output_points`",
    "past_key_values": "nothing is kept between calls: encode once and decode as often as wanted",
    "position_ids": "positions are given as `pos`, where a model takes them",
    "use_cache": "nothing is kept between calls: encode once and decode as often as wanted",
}


def pass_over(others: Mapping[str, Any], forward: Callable[..., Any]) -> None:
    """Nothing, if all of the arguments that `forward` does not know are harmless.

    Args:
        others: what was given beyond the known arguments.
        forward: the method, whose arguments a message may propose.

    Raises:
        ConfigurationError: an argument of other models asks for something; the message says why it is not done.
        TypeError: nothing knows an argument.
    """
    for name, value in others.items():
        if name in HARMLESS:
            continue
        if name not in REFUSED:
            near = difflib.get_close_matches(name, inspect.signature(forward).parameters, n=1)
            proposal = f"; did you mean `{near[0]}`?" if near else ""
            raise TypeError(f"{forward.__qualname__} has no argument `{name}`{proposal}")
        if value is not None and value is not False:
            raise ConfigurationError(
                f"`{name}` must be left out, received {type(value).__name__}: {REFUSED[name]}"
            )
