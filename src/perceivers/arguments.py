"""What a user chooses, one documented dataclass a concern: command-line options, Python API and saved record at once.

No import of torch here: `perceivers --help` reads these classes.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, TypeVar

from perceivers.errors import ConfigurationError, DataError

ARGUMENTS_FILE = "arguments.json"

Arguments = TypeVar("Arguments")


@dataclass(frozen=True, kw_only=True)
class DataArguments:
    """Where the samples come from and how they are divided."""

    data: str
    """A bundled name (`perceivers samples` lists them) or a folder."""
    test_fraction: float = 0.2
    """Share of the samples held out for the test, in (0, 1); a folder's own `test` part comes first."""
    validation_fraction: float = 0.1
    """Share of the remaining samples that is watched while training, in [0, 1); 0 watches none. A folder's
    own `val` or `validation` part comes first."""
    split_seed: int = 0
    """Seed of the division into parts. Training seeds leave it as it is, so the test part never changes."""
    unreadable: Literal["stop", "skip"] = "stop"
    """What a file that cannot be read does: stop with an error that names it, or be left out and reported."""

    def __post_init__(self) -> None:
        _require("test_fraction", self.test_fraction, 0.0 < self.test_fraction < 1.0, "in (0, 1)")
        _require(
            "validation_fraction",
            self.validation_fraction,
            0.0 <= self.validation_fraction < 1.0,
            "in [0, 1)",
        )
        _require_choice("unreadable", self.unreadable, ("stop", "skip"))


@dataclass(frozen=True, kw_only=True)
class TrainingArguments:
    """How long and how the loop runs."""

    epochs: int = 80
    """Passes over the training samples."""
    batch_size: int = 32
    """Samples a forward pass, on each process."""
    gradient_accumulation_steps: int = 1
    """Batches whose gradients are averaged before one optimiser step."""
    max_gradient_norm: float = 10.0
    """Gradients whose global norm is above this are scaled down to it."""
    mixed_precision: Literal["no", "bf16", "fp16"] = "no"
    """Number format of the forward pass; the weights stay in float32."""
    seed: int = 0
    """Seed of the initial weights, the order of the samples, the augmentation and the dropout."""
    workers: int = 0
    """Processes that load samples beside the training process."""
    device: Literal["auto", "cpu"] = "auto"
    """`auto` takes the accelerator that is there."""

    def __post_init__(self) -> None:
        for name in ("epochs", "batch_size", "gradient_accumulation_steps"):
            _require(name, getattr(self, name), getattr(self, name) >= 1, "at least 1")
        _require("max_gradient_norm", self.max_gradient_norm, self.max_gradient_norm > 0.0, "above 0")
        _require("workers", self.workers, self.workers >= 0, "at least 0")
        _require_choice("mixed_precision", self.mixed_precision, ("no", "bf16", "fp16"))
        _require_choice("device", self.device, ("auto", "cpu"))


@dataclass(frozen=True, kw_only=True)
class OptimizationArguments:
    """Optimiser and learning rate.

    The rate climbs linearly for `warmup_steps`, stays until `constant_fraction` of all steps, and follows a half
    cosine to zero. The paper's ImageNet schedule is `warmup_steps=0, constant_fraction=0.5`; its language schedule is
    `warmup_steps=1000, constant_fraction=0`.
    """

    optimizer: Literal["adamw", "lamb"] = "adamw"
    """`lamb` scales each parameter's step to the parameter's own size; the papers use it with large batches."""
    learning_rate: float = 3e-3
    """Highest learning rate."""
    weight_decay: float = 0.05
    """Decoupled weight decay; biases and normalisation parameters have none."""
    beta1: float = 0.9
    """Decay of the running mean of gradients, in [0, 1)."""
    beta2: float = 0.999
    """Decay of the running mean of squared gradients, in [0, 1)."""
    epsilon: float = 1e-6
    """Added to the root of the mean squared gradient."""
    warmup_steps: int = 100
    """Optimiser steps of linear climb; a run of fewer steps only climbs."""
    constant_fraction: float = 0.0
    """Share of all steps before the decay begins, in [0, 1]."""

    def __post_init__(self) -> None:
        _require("learning_rate", self.learning_rate, self.learning_rate > 0.0, "above 0")
        _require("weight_decay", self.weight_decay, self.weight_decay >= 0.0, "at least 0")
        for name in ("beta1", "beta2"):
            _require(name, getattr(self, name), 0.0 <= getattr(self, name) < 1.0, "in [0, 1)")
        _require("epsilon", self.epsilon, self.epsilon > 0.0, "above 0")
        _require("warmup_steps", self.warmup_steps, self.warmup_steps >= 0, "at least 0")
        _require(
            "constant_fraction", self.constant_fraction, 0.0 <= self.constant_fraction <= 1.0, "in [0, 1]"
        )
        _require_choice("optimizer", self.optimizer, ("adamw", "lamb"))


@dataclass(frozen=True, kw_only=True)
class ImageClassificationArguments:
    """Model and augmentation of `image-classification`: pixels with Fourier positions, a label out."""

    image_height: int = 16
    """Height of the model's input in pixels; pictures of any size are resized to it."""
    image_width: int = 16
    """Width of the model's input in pixels."""
    num_latents: int = 32
    """Vectors that the whole picture is gathered into."""
    latent_channels: int = 64
    """Size of each of them."""
    num_layers: int = 3
    """Self-attention layers over the latents."""
    num_heads: int = 4
    """Heads of each of those layers; divides `latent_channels`."""
    num_fourier_bands: int = 8
    """Frequencies an axis, from 1 to half the picture's size."""
    dropout: float = 0.0
    """Share of attention weights left out while training, in [0, 1)."""
    label_smoothing: float = 0.0
    """Share of the target probability spread over all classes, in [0, 1)."""
    shift: float = 0.1
    """Random shift while training, up to this share of the picture's size, in each direction."""
    rotation: float = 12.0
    """Random rotation while training, up to this many degrees, in each direction."""
    scale: float = 0.12
    """Random change of size while training, up to this share, larger or smaller; each axis has its own."""

    def __post_init__(self) -> None:
        for name in (
            "image_height",
            "image_width",
            "num_latents",
            "latent_channels",
            "num_layers",
            "num_heads",
            "num_fourier_bands",
        ):
            _require(name, getattr(self, name), getattr(self, name) >= 1, "at least 1")
        if self.latent_channels % self.num_heads:
            raise ConfigurationError(
                f"`num_heads` must divide `latent_channels`, received {self.num_heads} heads and "
                f"{self.latent_channels} channels"
            )
        for name in ("dropout", "label_smoothing", "scale"):
            _require(name, getattr(self, name), 0.0 <= getattr(self, name) < 1.0, "in [0, 1)")
        _require("shift", self.shift, 0.0 <= self.shift <= 1.0, "in [0, 1]")
        _require("rotation", self.rotation, 0.0 <= self.rotation <= 180.0, "in [0, 180]")


@dataclass(frozen=True, kw_only=True)
class RunArguments:
    """One training run, without what only its task knows."""

    output: str
    """Folder that receives the run."""
    data: DataArguments
    """Samples."""
    training: TrainingArguments = field(default_factory=TrainingArguments)
    """Loop."""
    optimization: OptimizationArguments = field(default_factory=OptimizationArguments)
    """Optimiser and learning rate."""
    overwrite: bool = False
    """Replace the run that `output` already holds."""


def save_arguments(folder: Path, *, task: str, model: object, run: RunArguments) -> None:
    """Write the resolved arguments of a run as `arguments.json`, the form `load_arguments` reads."""
    if not dataclasses.is_dataclass(model) or isinstance(model, type):
        raise ConfigurationError(f"`model` must be an instance of a dataclass, received {model!r}")
    record = {"task": task, "model": dataclasses.asdict(model), "run": dataclasses.asdict(run)}
    (folder / ARGUMENTS_FILE).write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")


def load_arguments(folder: Path) -> tuple[str, dict[str, Any], RunArguments]:
    """Read `arguments.json` of a run: the task's name, its own arguments as a mapping, and the run's."""
    path = folder / ARGUMENTS_FILE
    if not path.is_file():
        raise DataError(
            f"`folder` must be a training run with a file {ARGUMENTS_FILE}, received {str(folder)!r} without one; "
            "`perceivers train` writes such folders"
        )
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
        run = record["run"]
        return (
            record["task"],
            record["model"],
            RunArguments(
                output=run["output"],
                data=from_mapping(DataArguments, run["data"]),
                training=from_mapping(TrainingArguments, run["training"]),
                optimization=from_mapping(OptimizationArguments, run["optimization"]),
                overwrite=run["overwrite"],
            ),
        )
    except (json.JSONDecodeError, KeyError, TypeError) as error:
        raise DataError(f"{str(path)!r} is not a record that `perceivers train` wrote: {error!r}") from error


def from_mapping(kind: type[Arguments], values: Mapping[str, Any]) -> Arguments:
    """Build an arguments dataclass from a mapping, naming keys that it does not have."""
    known = {entry.name for entry in dataclasses.fields(kind)}  # type: ignore[arg-type]
    unknown = sorted(set(values) - known)
    if unknown:
        raise ConfigurationError(
            f"{kind.__name__} has no field {', '.join(unknown)}; it has {', '.join(sorted(known))}"
        )
    return kind(**values)


def _require(name: str, value: float, holds: bool, expected: str) -> None:
    if not holds:
        raise ConfigurationError(f"`{name}` must be {expected}, received {value}")


def _require_choice(name: str, value: str, choices: tuple[str, ...]) -> None:
    if value not in choices:
        raise ConfigurationError(f"`{name}` must be one of {', '.join(choices)}, received {value!r}")
