"""convert_haiku: a parameter file of DeepMind's Perceiver IO into a folder that `from_pretrained` reads."""

from __future__ import annotations

import copy
import importlib
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from perceivers.checkpoints.loading import LoadOptions, fill_model
from perceivers.checkpoints.reading import StoredTensor
from perceivers.configuration import PerceiverConfig
from perceivers.conversion.haiku_files import Parameters, read_haiku
from perceivers.conversion.haiku_names import target_of
from perceivers.errors import CheckpointError, ConfigurationError
from perceivers.folder_lock import alone_in
from perceivers.records import writing

if TYPE_CHECKING:
    from perceivers.models.base import PerceiverPreTrainedModel


@dataclass(frozen=True)
class Architecture:
    """One of the released networks."""

    model: str
    """The class, a name of this package."""
    sizes: Mapping[str, Any] = field(default_factory=dict)
    """What the released checkpoint's configuration has other than PerceiverConfig's defaults."""

    def released_config(self) -> PerceiverConfig:
        """The configuration of the released checkpoint, with the arithmetic that it was trained with."""
        return PerceiverConfig(fidelity="deepmind", **copy.deepcopy(dict(self.sizes)))


_IMAGE = {
    "num_latents": 512,
    "d_latents": 1024,
    "num_blocks": 8,
    "num_self_attends_per_block": 6,
    "num_self_attention_heads": 8,
    "num_cross_attention_heads": 1,
    "num_labels": 1000,
}

ARCHITECTURES: Mapping[str, Architecture] = {
    "masked-language-modeling": Architecture(
        "PerceiverForMaskedLM", {"qk_channels": 256, "v_channels": 1280}
    ),
    "image-classification-learned": Architecture(
        "PerceiverForImageClassificationLearned", {**_IMAGE, "d_model": 512, "image_size": 224}
    ),
    "image-classification-fourier": Architecture(
        "PerceiverForImageClassificationFourier", {**_IMAGE, "d_model": 261}
    ),
    "image-classification-conv": Architecture(
        "PerceiverForImageClassificationConvProcessing", {**_IMAGE, "d_model": 322}
    ),
    "optical-flow": Architecture(
        "PerceiverForOpticalFlow",
        {
            "num_latents": 2048,
            "d_latents": 512,
            "d_model": 322,
            "num_blocks": 1,
            "num_self_attends_per_block": 24,
            "num_self_attention_heads": 16,
            "num_cross_attention_heads": 1,
        },
    ),
    "multimodal-autoencoding": Architecture(
        "PerceiverForMultimodalAutoencoding",
        {
            "num_latents": 784,
            "d_latents": 512,
            "d_model": 704,
            "num_blocks": 1,
            "num_self_attends_per_block": 8,
            "num_self_attention_heads": 8,
            "num_cross_attention_heads": 1,
            "num_labels": 700,
        },
    ),
}


def convert_haiku(
    source: str | os.PathLike[str],
    destination: str | os.PathLike[str],
    architecture: str,
    config: PerceiverConfig | None = None,
    *,
    prefixes: Sequence[str] | None = None,
    max_shard_size: int | str = "5GB",
) -> PerceiverPreTrainedModel:
    """Convert a parameter file of the original JAX code and save it as a checkpoint of this library.

    The result has the original's arithmetic (`fidelity="deepmind"`) and its convolution kernels as they are
    (`conv_kernel_order="height_width"`). Every parameter of the file must have a place, and every one of the model be there.

    Args:
        source: a pickle (`.pickle`, `.pystate`), read without running what it may hold, or a `.npz`, see
            `perceivers.conversion.haiku_files.read_haiku`.
        destination: folder to write.
        architecture: a key of ARCHITECTURES, such as "optical-flow".
        config: sizes of the network; None for those of the released checkpoint.
        prefixes: which prefixes of a `.npz` to read; None for all.
        max_shard_size: see `PerceiverPreTrainedModel.save_pretrained`.

    Returns:
        The converted model, in evaluation mode.

    Raises:
        CheckpointError: the file is unreadable, or does not fit the architecture.
        ConfigurationError: no such architecture.
        PerceiversError: nothing can be written to `destination`.
    """
    if architecture not in ARCHITECTURES:
        raise ConfigurationError(
            f"`architecture` must be one of {', '.join(ARCHITECTURES)}, received {architecture!r}"
        )
    built_from = ARCHITECTURES[architecture].released_config() if config is None else copy.deepcopy(config)
    if built_from.fidelity != "deepmind":
        built_from.set_fidelity("deepmind")
    built_from.conv_kernel_order = "height_width"
    tensors = convert_parameters(read_haiku(Path(source), prefixes), architecture)
    stored = {key: StoredTensor.of(tensor) for key, tensor in tensors.items()}
    model_class = getattr(importlib.import_module("perceivers"), ARCHITECTURES[architecture].model)
    with torch.device("meta"):
        model: PerceiverPreTrainedModel = model_class(built_from)
    fill_model(model, stored, LoadOptions(dtype=torch.float32, device=torch.device("cpu"), strict=True))
    model.eval()
    with alone_in(Path(destination)), writing(Path(destination), "give another folder, or make room there"):
        model.save_pretrained(destination, max_shard_size=max_shard_size)
    return model


def convert_parameters(parameters: Parameters, architecture: str) -> dict[str, Tensor]:
    """Haiku's arrays as a state dict of the architecture's model.

    Args:
        parameters: (module, parameter) to array.
        architecture: a key of ARCHITECTURES.

    Raises:
        CheckpointError: parameters that the architecture does not have; the message lists them.
    """
    tensors: dict[str, Tensor] = {}
    strange: list[str] = []
    for (module, parameter), array in parameters.items():
        try:
            target = target_of(module, parameter, architecture)
        except KeyError:
            strange.append(f"{module}/{parameter}")
            continue
        if target is not None:
            key, turn = target
            tensors[key] = torch.from_numpy(np.array(turn(array), order="C"))
    if strange:
        raise CheckpointError(
            "\n  ".join(
                [f"{len(strange)} parameters are none of Perceiver IO's {architecture} network:", *strange]
            )
        )
    return tensors
