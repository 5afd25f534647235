"""What a model and its configuration must have, so that a checkpoint can be read into them and written from them."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, ClassVar, Protocol, Self

from torch import Tensor, nn


class Configuration(Protocol):
    """What config.json becomes."""

    fidelity: str
    """Which arithmetic: "transformers" or "deepmind"."""
    conv_kernel_order: str
    """How the file stores the stem's kernel: "width_height" or "height_width"."""
    attn_implementation: str
    """Which attention runs; not part of the file."""
    dtype: Any
    """The floating-point type (or its name) that the weights were saved in, None where it is not known."""

    def validate(self) -> None:
        """Raise ConfigurationError for values that no model can be built from."""

    def set_fidelity(self, fidelity: str) -> None:
        """Set every field that the arithmetic governs."""

    def to_dict(self) -> dict[str, Any]:
        """Every key that config.json holds."""

    def to_json_string(self) -> str:
        """config.json's text."""

    @classmethod
    def from_dict(cls, values: Mapping[str, Any], **overrides: Any) -> Self:
        """From config.json's mapping; `overrides` win."""

    @classmethod
    def from_json_file(cls, path: str | os.PathLike[str], **overrides: Any) -> Self:
        """From a config.json."""


class FillableModel(Protocol):
    """A module that is built from a configuration alone, and can draw starting values for any of its tensors."""

    config_class: ClassVar[type[Any]]
    """A Configuration."""
    base_model_prefix: ClassVar[str]
    """Name of the base model inside a task model: its keys may be there with and without it."""

    def __init__(self, config: Any, **arguments: Any) -> None: ...

    def initialize_parameters(self, names: Iterable[str] | None = None) -> None:
        """Draw the values of these keys of the state dict."""

    def state_dict(self, *, keep_vars: bool = False) -> dict[str, Any]:
        """As every module has it, like the methods below."""

    def named_modules(self, *, remove_duplicate: bool = True) -> Iterator[tuple[str, nn.Module]]:
        """Every module inside, by its path."""

    def named_parameters(self) -> Iterator[tuple[str, nn.Parameter]]:
        """Every parameter, by its key."""

    def named_buffers(self) -> Iterator[tuple[str, Tensor]]:
        """Every buffer, by its key."""

    def eval(self) -> Any:
        """Evaluation mode."""
