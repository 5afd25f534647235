"""A model filled with the tensors of a checkpoint, one at a time, so that memory holds about one copy of the weights."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from perceivers.checkpoints.contract import FillableModel
from perceivers.checkpoints.matching import KeyMatch, describe_mismatches, described, match_keys
from perceivers.checkpoints.reading import StoredTensor
from perceivers.errors import (
    CheckpointError,
    CheckpointMismatchError,
    ConfigurationError,
    MetaDeviceError,
)
from perceivers.nn.late_weights import is_late, leave


@dataclass(frozen=True, kw_only=True)
class LoadOptions:
    """What to do with what does not fit, and what the tensors become."""

    dtype: torch.dtype
    """Type of the floating-point tensors."""
    device: torch.device
    """Where they go."""
    ignore_mismatched_sizes: bool = False
    """Draw tensors of another shape anew, with a warning, instead of raising."""
    strict: bool = False
    """Raise for missing and for unexpected keys instead of warning."""
    cure: str = "`ignore_mismatched_sizes=True` draws those of another shape anew"
    """What whoever loads can do about tensors of another shape."""


def fill_model(
    model: FillableModel,
    stored: Mapping[str, StoredTensor],
    options: LoadOptions,
    change: Callable[[str, Tensor], Tensor] | None = None,
) -> KeyMatch:
    """Give `model`, built on the meta device, the tensors of a checkpoint and starting values for the others.

    Args:
        model: the model; tensors of it that are not on the meta device are replaced or kept.
        stored: the checkpoint.
        options: see LoadOptions.
        change: what to do with each tensor, called with the model's key.

    Raises:
        CheckpointMismatchError: shapes differ, or the two have nothing in common, or they differ at all and `strict` is set.
    """
    places = _places(model)
    first_keys: dict[int, str] = {}
    aliases = {key: first_keys.setdefault(id(tensor), key) for key, (_, _, tensor) in places.items()}
    wanted = {key: tuple(places[key][2].shape) for key in aliases.values()}
    match = match_keys(
        {key: tensor.shape for key, tensor in stored.items()}, wanted, model.base_model_prefix, aliases
    )
    _judge(match, type(model).__name__, options)

    keys_of: dict[str, list[str]] = {}
    for key, first in aliases.items():
        keys_of.setdefault(first, []).append(key)
    drawn: list[str] = []
    for key in wanted:
        old = places[key][2]
        dtype = options.dtype if old.is_floating_point() else old.dtype
        if key in match.sources and _stays(old, keys_of[key]):
            module, name, _ = places[key]
            # Whoever reads it later asks what type it has before.
            _place(places, [key], old.detach().to(dtype))
            leave(module, name, partial(_read, stored[match.sources[key]], key, dtype, options, change))
            continue
        if key in match.sources:
            tensor = _read(stored[match.sources[key]], key, dtype, options, change)
        elif old.is_meta:
            tensor = torch.empty(old.shape, dtype=dtype, device=options.device)
            drawn.append(key)
        else:
            tensor = old.detach()
        _place(places, keys_of[key], tensor.to(device=options.device, dtype=dtype))
    model.initialize_parameters(drawn)
    _require_complete(model)
    return match


def _stays(old: Tensor, keys: Sequence[str]) -> bool:
    """Whether a tensor stays in the file; one that several modules share does not."""
    return isinstance(old, nn.Parameter) and old.is_meta and [is_late(key) for key in keys] == [True]


def _read(
    stored: StoredTensor,
    key: str,
    dtype: torch.dtype,
    options: LoadOptions,
    change: Callable[[str, Tensor], Tensor] | None,
) -> Tensor:
    tensor = stored.read(dtype)
    tensor = tensor if change is None else change(key, tensor)
    return tensor.to(device=options.device, dtype=dtype)


def choose_dtype(
    requested: str | torch.dtype | None,
    configured: str | torch.dtype | None,
    stored: Mapping[str, StoredTensor],
) -> torch.dtype:
    """The floating-point type to load in.

    Args:
        requested: a type or its name; None or "auto" for the one that the checkpoint was saved in.
        configured: the type (or its name) that config.json says, if it does.
        stored: the checkpoint, asked when config.json does not say.
    """
    choice: Any = requested
    if choice is None or choice == "auto":
        floating = (tensor.dtype for tensor in stored.values() if tensor.dtype.is_floating_point)
        choice = configured or next(floating, torch.float32)
    found = getattr(torch, choice.removeprefix("torch."), None) if isinstance(choice, str) else choice
    if not isinstance(found, torch.dtype) or not found.is_floating_point:
        raise ConfigurationError(
            f'`dtype` must be a floating-point type such as torch.bfloat16, its name, or "auto", received {choice!r}'
        )
    return found


# What Transformers spreads over several devices; here a model lies whole on the first of them.
_AUTOMATIC = ("auto", "balanced", "balanced_low_0", "sequential")


def choose_device(device: str | int | torch.device | None, device_map: object) -> torch.device:
    """Where to load: `device`, or `device_map` as Transformers calls it when that is one device; else torch's default.

    Args:
        device: a device, or its name or number.
        device_map: the same, or {"": device}; "auto" (or "balanced", "balanced_low_0", "sequential") is the accelerator of
            this machine, and the CPU where it has none.

    Raises:
        ConfigurationError: both are given, or no device with memory.
        MetaDeviceError: neither is given, under `torch.device("meta")`.
    """
    if device is not None and device_map is not None:
        raise ConfigurationError("give `device` or `device_map`, not both")
    chosen: object = device
    if device_map is not None:
        whole = isinstance(device_map, Mapping) and list(device_map) == [""]
        chosen = device_map[""] if whole else device_map  # type: ignore[index]
    if chosen is None:
        default = torch.get_default_device()
        if default.type == "meta":
            raise MetaDeviceError(
                "a checkpoint cannot be loaded under `torch.device('meta')`, where tensors have no values: load it outside, "
                "or build the model from its configuration"
            )
        return default
    if isinstance(chosen, str) and chosen in _AUTOMATIC:
        accelerator = torch.accelerator.current_accelerator() if torch.accelerator.is_available() else None
        return accelerator or torch.device("cpu")
    try:
        found = torch.device(chosen)  # type: ignore[call-overload]
    except (RuntimeError, TypeError) as problem:
        name = "device" if device is not None else "device_map"
        raise ConfigurationError(
            f'`{name}` must be one device such as "cuda:0" for the whole model, received {chosen!r}'
        ) from problem
    if not isinstance(found, torch.device) or found.type == "meta":
        raise ConfigurationError(f"`device` must be a device with memory, received {chosen!r}")
    return found


def _places(model: FillableModel) -> dict[str, tuple[nn.Module, str, Tensor]]:
    """For every key of the state dict: the module that holds the tensor, the name there, the tensor."""
    saved = model.state_dict(keep_vars=True).keys()
    places: dict[str, tuple[nn.Module, str, Tensor]] = {}
    for path, module in model.named_modules(remove_duplicate=False):
        own = [
            *module.named_parameters(recurse=False, remove_duplicate=False),
            *module.named_buffers(recurse=False, remove_duplicate=False),
        ]
        for name, tensor in own:
            key = f"{path}.{name}" if path else name
            if key in saved:
                places[key] = (module, name, tensor)
    return {key: places[key] for key in saved if key in places}


def _place(places: Mapping[str, tuple[nn.Module, str, Tensor]], keys: list[str], tensor: Tensor) -> None:
    """Put one tensor at all the keys that share it."""
    old = places[keys[0]][2]
    new: Tensor = tensor
    if isinstance(old, nn.Parameter):
        new = nn.Parameter(tensor, requires_grad=old.requires_grad)
    for key in keys:
        module, name, _ = places[key]
        setattr(module, name, new)


def _judge(match: KeyMatch, model: str, options: LoadOptions) -> None:
    """Raise or warn about what does not fit."""
    if not match.sources:
        raise CheckpointMismatchError(
            f"no tensor of the checkpoint fits {model}: it holds {', '.join(match.unexpected[:5]) or 'nothing'}, "
            f"the model needs {', '.join(match.missing[:5])}"
        )
    wrong: list[str] = []
    notes: list[str] = []
    if match.mismatched:
        (notes if options.ignore_mismatched_sizes else wrong).append(describe_mismatches(match))
    if match.missing:
        text = described("missing from the checkpoint", match.missing)
        (wrong if options.strict else notes).append(text)
    if match.unexpected:
        text = described("in the checkpoint without a place in the model", match.unexpected)
        (wrong if options.strict else notes).append(text)
    if wrong:
        hint = f"; {options.cure}" if match.mismatched else ""
        raise CheckpointMismatchError(
            "\n".join([f"the checkpoint does not fit {model}{hint}:", *wrong, *notes])
        )
    if notes:
        drawn = (
            " what is missing or of another shape starts untrained:"
            if match.missing or match.mismatched
            else ""
        )
        warnings.warn("\n".join([f"{model} and the checkpoint differ;{drawn}", *notes]), stacklevel=5)


def _require_complete(model: FillableModel) -> None:
    left = [
        name
        for name, tensor in [*model.named_parameters(), *model.named_buffers()]
        if tensor.is_meta and not _stays(tensor, [name])
    ]
    if left:
        raise CheckpointError(
            f"{type(model).__name__} keeps values that no checkpoint holds: {', '.join(left)}; "
            "compute them in forward, or register them as persistent buffers"
        )
