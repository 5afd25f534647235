"""What a file's inputs and outputs are called: a name a tensor, of its role and, where there are several, its modality.

inputs, mask, positions             of a model that takes one array
inputs_photo, mask_photo, ...       of one that takes several, by the modality
visible_slots, visible_groups       which points a model is shown that says what it was not shown
logits, logits_price, ...           what it says, by the answer or the modality
latents, tokens                     between an encoder and its decoder
points, points_sound, ...           flat indices of the outputs that a decoder is asked for
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

# Argument of a model's `forward` -> the role that names its tensors.
INPUTS, MASK = "inputs", "mask"
ROLES = {
    "inputs": INPUTS,
    "attention_mask": MASK,
    "pos": "positions",
    "visible_slots": "visible_slots",
    "visible_groups": "visible_groups",
}


def flattened(given: Mapping[str, Any]) -> dict[str, Any]:
    """A model's arguments as tensors, or arrays, by their names in the file; what is None is left out.

    Args:
        given: `inputs`, `attention_mask`, `pos`: a tensor each, or tensors by modality.
    """
    found: dict[str, Any] = {}
    for argument, role in ROLES.items():
        found.update(named(role, given.get(argument)))
    return found


def named(role: str, values: Any) -> dict[str, Any]:
    """A tensor by its role, or several by role and modality."""
    if values is None:
        return {}
    if isinstance(values, Mapping):
        return {f"{role}_{name}": value for name, value in values.items() if value is not None}
    return {role: values}


def arguments_of(tensors: Mapping[str, Any]) -> dict[str, Any]:
    """What `flattened` was given, from what it gave."""
    given: dict[str, Any] = {}
    for argument, role in ROLES.items():
        values = taken(role, tensors)
        if values is not None:
            given[argument] = values
    return given


def taken(role: str, tensors: Mapping[str, Any]) -> Any:
    """The tensor of a role, or its tensors by modality; None where there is none."""
    if role in tensors:
        return tensors[role]
    prefix = f"{role}_"
    several = {name.removeprefix(prefix): value for name, value in tensors.items() if name.startswith(prefix)}
    return several or None
