"""What a run starts from: another checkpoint's sizes and weights, and which weights it then trains."""

from __future__ import annotations

import warnings
from dataclasses import replace
from pathlib import Path
from typing import Any

from torch import nn

from perceivers.arguments import NetworkArguments, StartArguments
from perceivers.arguments.open import USUAL_SIZE, given, usual_values
from perceivers.checkpoints.locating import resolve_file
from perceivers.configuration import CONFIG_NAME, PerceiverConfig
from perceivers.errors import CheckpointError, ConfigurationError
from perceivers.models.base import PerceiverPreTrainedModel
from perceivers.tasks.base import Task
from perceivers.tasks.sizes import values_of_size

# Everything of the PerceiverModel but these is read before the latents are finished.
BEHIND_THE_LATENTS = ("perceiver.decoder.", "perceiver.output_postprocessor.")
# Options of a network's size, and what configurations call them.
SIZES = {
    "num_latents": "num_latents",
    "latent_channels": "d_latents",
    "num_blocks": "num_blocks",
    "num_layers": "num_self_attends_per_block",
    "num_heads": "num_self_attention_heads",
    "num_cross_heads": "num_cross_attention_heads",
    "qk_channels": "qk_channels",
    "v_channels": "v_channels",
    "widening_factor": "self_attention_widening_factor",
}
# What has no weights, so that a run may choose it anew.
FREE = {"dropout": "attention_probs_dropout_prob", "mlp_dropout": "mlp_dropout_prob"}


def start_config(arguments: StartArguments, network: object = None) -> PerceiverConfig | None:
    """Configuration of the checkpoint that a run starts from; None for new weights.

    Args:
        arguments: see StartArguments.
        network: the run's, which says how much is left out while training; None: the checkpoint does.

    Raises:
        CheckpointError: there is no checkpoint of that name.
    """
    if arguments.start is None:
        return None
    config = PerceiverConfig.from_json_file(Path(resolve_file(arguments.start, CONFIG_NAME)))
    # What is new in a run's model starts as that of a run that starts from nothing.
    config.fan_in_scaling = True if config.fan_in_scaling is None else config.fan_in_scaling
    if isinstance(network, NetworkArguments):
        for name, key in FREE.items():
            setattr(config, key, getattr(network, name))
    return config


def take_sizes(task: Task[Any], arguments: StartArguments) -> None:
    """Give a task the network of the checkpoint that the run starts from: it is planned, recorded and learned as that.

    Dropout is the checkpoint's, too, where the user gave none.

    Args:
        task: whose arguments are not complete yet; changed in place. Without options of a network it stays as it is.
        arguments: see StartArguments.

    Raises:
        CheckpointError: there is no checkpoint of that name.
        ConfigurationError: the user gave another size.
    """
    config = start_config(arguments)
    if config is None or not isinstance(task.arguments, NetworkArguments):
        return
    sizes = {name: getattr(config, key) for name, key in SIZES.items()}
    usual = usual_values(type(task.asked)) if task.arguments.size == USUAL_SIZE else {}
    asked = {name: value for name, value in given(task.asked).items() if usual.get(name) != value}
    others = [
        f"{name} {asked[name]!r}, the checkpoint {size!r}"
        for name, size in sizes.items()
        if asked.get(name) not in (None, size)
    ]
    size = task.arguments.size
    named = {name: own for name, own in values_of_size(task.name, size).items() if name in sizes}
    if any(sizes[name] != own for name, own in named.items() if asked.get(name) is None):
        others.insert(0, f"size {size!r}")
    if others:
        raise ConfigurationError(
            f"`start` {arguments.start!r} has a network of its own, whose sizes are taken, received {'; '.join(others)}: "
            "leave these options out, or --start"
        )
    free = {name: getattr(config, key) for name, key in FREE.items() if name not in asked}
    task.arguments = replace(task.arguments, **sizes, **free)


def take_weights(model: PerceiverPreTrainedModel, arguments: StartArguments) -> list[str]:
    """Fill a new model with the weights of the checkpoint that the run starts from.

    Args:
        model: with its own starting values, which stay where the checkpoint has none of the same name and size.
        arguments: see StartArguments.

    Returns:
        Keys of the state dict that keep their new values.

    Raises:
        CheckpointError: the checkpoint has nothing that fits.
    """
    if arguments.start is None:
        return []
    with warnings.catch_warnings():
        # What is missing is returned here, and reported by the run.
        warnings.simplefilter("ignore")
        loaded, info = type(model).from_pretrained(
            arguments.start, config=model.config, ignore_mismatched_sizes=True, output_loading_info=True
        )
    fresh = set(info["missing_keys"]) | {key for key, *_ in info["mismatched_keys"]}
    wanted = {
        key: tensor
        for key, tensor in loaded.state_dict().items()
        if key not in fresh and (arguments.start_from == "all" or reads_inputs(key))
    }
    if not wanted:
        raise CheckpointError(f"`start` {arguments.start!r} has no weights that fit {type(model).__name__}")
    model.load_state_dict(wanted, strict=False)
    return sorted(set(model.state_dict()) - set(wanted))


def freeze(model: nn.Module, arguments: StartArguments) -> None:
    """Take the weights that are not to be trained out of training."""
    if arguments.trained == "decoder":
        for name, parameter in model.named_parameters():
            parameter.requires_grad_(not reads_inputs(name))


def reads_inputs(key: str) -> bool:
    """Whether a parameter belongs to inputs, latents or encoder."""
    return key.startswith("perceiver.") and not key.startswith(BEHIND_THE_LATENTS)
