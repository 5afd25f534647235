"""convert_haiku: a parameter file of the original Perceivers, in JAX, into a folder that `from_pretrained` reads."""

from __future__ import annotations

import copy
import importlib
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from perceivers.arguments import ARGUMENTS_FILE
from perceivers.checkpoints.loading import LoadOptions, fill_model
from perceivers.checkpoints.reading import StoredTensor
from perceivers.configuration import PerceiverConfig
from perceivers.conversion.causal_names import causal_tensors
from perceivers.conversion.haiku_files import Parameters, read_haiku
from perceivers.conversion.haiku_names import target_of
from perceivers.conversion.hierarchy_names import hierarchy_tensors
from perceivers.conversion.layer_names import as_tensors
from perceivers.errors import ConfigurationError
from perceivers.folder_lock import alone_in
from perceivers.records import writing

if TYPE_CHECKING:
    from perceivers.models.base import PerceiverPreTrainedModel


@dataclass(frozen=True)
class Architecture:
    """One of the original networks."""

    model: str
    """The class, a name of this package."""
    sizes: Mapping[str, Any] | None = field(default_factory=dict)
    """What the released checkpoint's configuration has other than PerceiverConfig's defaults; None: none was released."""
    tensors: Callable[[Parameters, PerceiverConfig], dict[str, Tensor]] | None = None
    """The state dict of a file's arrays, and a configuration; None for Perceiver IO, see `convert_parameters`."""

    def released_config(self) -> PerceiverConfig:
        """The configuration of the released checkpoint, with the arithmetic that it was trained with.

        Raises:
            ConfigurationError: no checkpoint was released.
        """
        if self.sizes is None:
            raise ConfigurationError(
                f"`config` must give the sizes of {self.model}, of which no checkpoint was released, received None"
            )
        own: dict[str, Any] = {} if self.tensors else {"fidelity": "deepmind"}
        return PerceiverConfig(**own, **copy.deepcopy(dict(self.sizes)))

    def with_its_arithmetic(self, config: PerceiverConfig) -> PerceiverConfig:
        """A configuration of sizes, set to the original's arithmetic; the others than Perceiver IO have no second one."""
        config = copy.deepcopy(config)
        if self.tensors is None:
            if config.fidelity != "deepmind":
                config.set_fidelity("deepmind")
            config.conv_kernel_order = "height_width"
        return config


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
    # The copy task of 131,072 tokens (`random_mirrored_131072`), of which the authors' data count positions from 1.
    "causal-language-modeling": Architecture(
        "PerceiverForCausalLM",
        {
            "vocab_size": 259,
            "max_position_embeddings": 131_072,
            "d_model": 1024,
            "num_latents": 1024,
            "d_latents": 1024,
            "num_self_attends_per_block": 6,
            "num_cross_attention_heads": 16,
            "num_self_attention_heads": 16,
            "cross_attention_widening_factor": 4,
            "self_attention_widening_factor": 4,
            "hidden_act": "relu2",
            "causal_positions": "sinusoidal",
            "first_position": 1,
        },
        causal_tensors,
    ),
    "hierarchical-perceiver": Architecture("HierarchicalPerceiver", None, hierarchy_tensors),
}

_LOADED = LoadOptions(
    dtype=torch.float32,
    device=torch.device("cpu"),
    strict=True,
    cure="`config` must have the sizes of the network in the file, and `architecture` be its kind",
)


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

    The result has the original's arithmetic (of Perceiver IO `fidelity="deepmind"`) and its convolution kernels as they are
    (`conv_kernel_order="height_width"`). Every parameter of the file must have a place, and every one of the model be there.

    Args:
        source: a pickle (`.pickle`, `.pystate`), read without running what it may hold, or a `.npz`, see
            `perceivers.conversion.haiku_files.read_haiku`.
        destination: folder to write.
        architecture: a key of ARCHITECTURES, such as "optical-flow".
        config: sizes of the network, of "hierarchical-perceiver" see `perceivers.hierarchical_config`; None for those of the
            released checkpoint.
        prefixes: which prefixes of a `.npz` to read; None for all.
        max_shard_size: see `PerceiverPreTrainedModel.save_pretrained`.

    Returns:
        The converted model, in evaluation mode.

    Raises:
        CheckpointError: the file is unreadable, or does not fit the architecture.
        ConfigurationError: no such architecture; no sizes of one whose checkpoint was not released; or `destination` holds
            a training run.
        PerceiversError: nothing can be written to `destination`.
    """
    if architecture not in ARCHITECTURES:
        raise ConfigurationError(
            f"`architecture` must be one of {', '.join(ARCHITECTURES)}, received {architecture!r}"
        )
    _require_no_run(Path(destination))
    chosen = ARCHITECTURES[architecture]
    built_from = chosen.with_its_arithmetic(chosen.released_config() if config is None else config)
    parameters = read_haiku(Path(source), prefixes)
    tensors = (
        convert_parameters(parameters, architecture)
        if chosen.tensors is None
        else chosen.tensors(parameters, built_from)
    )
    stored = {key: StoredTensor.of(tensor) for key, tensor in tensors.items()}
    model_class = getattr(importlib.import_module("perceivers"), chosen.model)
    with torch.device("meta"):
        model: PerceiverPreTrainedModel = model_class(built_from)
    fill_model(model, stored, _LOADED)
    model.eval()
    with alone_in(Path(destination)), writing(Path(destination), "give another folder, or make room there"):
        model.save_pretrained(destination, max_shard_size=max_shard_size)
    return model


def _require_no_run(folder: Path) -> None:
    """A run that is written over has the weights of another network beside its own columns and results."""
    if (folder / ARGUMENTS_FILE).exists():
        raise ConfigurationError(
            f"`output` {str(folder)!r} holds a training run, whose weights would be lost; give another folder"
        )


def convert_parameters(parameters: Parameters, architecture: str) -> dict[str, Tensor]:
    """Haiku's arrays as a state dict of one of the networks of Perceiver IO.

    Args:
        parameters: (module, parameter) to array.
        architecture: a key of ARCHITECTURES.

    Raises:
        CheckpointError: parameters that the architecture does not have; the message lists the first ones.
    """
    return as_tensors(
        parameters,
        lambda module, parameter: target_of(module, parameter, architecture),
        f"Perceiver IO's {architecture} network",
    )
