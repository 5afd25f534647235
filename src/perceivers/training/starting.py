"""What a run starts from: another checkpoint's sizes and weights, and which weights it then trains."""

from __future__ import annotations

import warnings
from pathlib import Path

from torch import nn

from perceivers.arguments import StartArguments
from perceivers.checkpoints.locating import resolve_file
from perceivers.configuration import CONFIG_NAME, PerceiverConfig
from perceivers.errors import CheckpointError
from perceivers.models.base import PerceiverPreTrainedModel

# Everything of the PerceiverModel but these is read before the latents are finished.
BEHIND_THE_LATENTS = ("perceiver.decoder.", "perceiver.output_postprocessor.")


def start_config(arguments: StartArguments) -> PerceiverConfig | None:
    """Configuration of the checkpoint that a run starts from; None for new weights.

    Raises:
        CheckpointError: there is no checkpoint of that name.
    """
    if arguments.start is None:
        return None
    config = PerceiverConfig.from_json_file(Path(resolve_file(arguments.start, CONFIG_NAME)))
    # What is new in a run's model starts as that of a run that starts from nothing.
    config.fan_in_scaling = True if config.fan_in_scaling is None else config.fan_in_scaling
    return config


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
