"""`perceivers convert`: a parameter file of the original JAX code into a folder that `from_pretrained` reads."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

Architecture = Literal[
    "masked-language-modeling",
    "image-classification-learned",
    "image-classification-fourier",
    "image-classification-conv",
    "optical-flow",
    "multimodal-autoencoding",
    "causal-language-modeling",
    "hierarchical-perceiver",
]


def convert(
    source: Path,
    /,
    *,
    architecture: Architecture,
    output: Path,
    config: Path | None = None,
) -> None:
    """Convert the authors' parameters (Haiku) of Perceiver IO, Perceiver AR or the Hierarchical Perceiver.

    The folder receives `config.json` and `model.safetensors`.

    Args:
        source: pickled parameters (read without running what the pickle may hold), or an `.npz` of them.
        architecture: the network that the parameters belong to.
        output: folder that receives the checkpoint.
        config: a `config.json` with the network's sizes; the released checkpoint's if not given. Of the Hierarchical
            Perceiver none was released, of Perceiver AR the copy task of 131,072 tokens.
    """
    from rich.console import Console

    from perceivers.configuration import PerceiverConfig
    from perceivers.conversion import convert_haiku

    sizes = None if config is None else PerceiverConfig.from_json_file(config)
    model = convert_haiku(source, output, architecture, sizes)
    Console().print(
        f"{type(model).__name__} with {model.num_parameters():,} parameters saved in {output}",
        highlight=False,
        soft_wrap=True,
    )
