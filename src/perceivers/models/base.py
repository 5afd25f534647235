"""PerceiverPreTrainedModel: what every model shares that is not the network: starting values, device, loading, saving."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from perceivers.configuration import PerceiverConfig
from perceivers.errors import ConfigurationError, ShapeError
from perceivers.nn.initialization import initialize_tensors


class PerceiverPreTrainedModel(nn.Module):
    """Base of every model: a network that is built from a configuration alone.

    A subclass builds its modules in `__init__` and ends it with `self.initialize_parameters()`; a model that wraps
    another one ends with `self.initialize_new_parameters()`, so that nothing is drawn twice.

    Args:
        config: what the model is built from; kept as `config`.
    """

    config_class: ClassVar[type[PerceiverConfig]] = PerceiverConfig
    base_model_prefix: ClassVar[str] = "perceiver"
    main_input_name: ClassVar[str] = "inputs"

    config: PerceiverConfig

    def __init__(self, config: PerceiverConfig) -> None:
        super().__init__()
        if not isinstance(config, PerceiverConfig):
            raise ConfigurationError(
                f"`config` must be a PerceiverConfig, received {type(config).__name__}; "
                f"use {type(self).__name__}.from_pretrained to load a checkpoint"
            )
        self.config = config

    @property
    def base_model(self) -> nn.Module:
        """The PerceiverModel inside a task model; the model itself when it is one."""
        inner = getattr(self, self.base_model_prefix, self)
        return inner if isinstance(inner, nn.Module) else self

    @property
    def device(self) -> torch.device:
        """Where the parameters are (the first one's device)."""
        return next(self.parameters()).device

    @property
    def dtype(self) -> torch.dtype:
        """Type of the floating-point parameters (the first one's)."""
        return next(parameter.dtype for parameter in self.parameters() if parameter.is_floating_point())

    def num_parameters(self, only_trainable: bool = False, exclude_embeddings: bool = False) -> int:
        """Number of scalar parameters; a parameter that is shared counts once.

        Args:
            only_trainable: leave out the frozen ones.
            exclude_embeddings: leave out the embedding tables (`nn.Embedding`).
        """
        embeddings = {
            id(module.weight)
            for module in self.modules()
            if isinstance(module, nn.Embedding) and exclude_embeddings
        }
        return sum(
            parameter.numel()
            for parameter in self.parameters()
            if id(parameter) not in embeddings and (parameter.requires_grad or not only_trainable)
        )

    def get_input_embeddings(self) -> nn.Parameter:
        """The latent array `[num_latents, d_latents]`, as in Transformers: not the byte embeddings of the text models."""
        latents = self._embeddings().latents
        assert isinstance(latents, nn.Parameter)
        return latents

    def set_input_embeddings(self, value: Tensor) -> None:
        """Replace the latent array by `value`, `[num_latents, d_latents]` of the same size."""
        latents = self.get_input_embeddings()
        if value.shape != latents.shape:
            raise ShapeError(f"`value` must have shape {list(latents.shape)}, received {list(value.shape)}")
        self._embeddings().latents = value if isinstance(value, nn.Parameter) else nn.Parameter(value)

    def gradient_checkpointing_enable(
        self, gradient_checkpointing_kwargs: Mapping[str, Any] | None = None
    ) -> None:
        """Recompute the layers' activations in the backward pass instead of keeping them, while training.

        Args:
            gradient_checkpointing_kwargs: only `{"use_reentrant": False}`, which is what happens anyway.
        """
        unusable = dict(gradient_checkpointing_kwargs or {})
        if unusable.get("use_reentrant") is False:
            del unusable["use_reentrant"]
        if unusable:
            raise ConfigurationError(
                f"`gradient_checkpointing_kwargs` may hold use_reentrant=False only, received {unusable}"
            )
        self._set_gradient_checkpointing(True)

    def gradient_checkpointing_disable(self) -> None:
        """Keep the layers' activations again."""
        self._set_gradient_checkpointing(False)

    @property
    def is_gradient_checkpointing(self) -> bool:
        """Whether any layer recomputes its activations in the backward pass."""
        return any(getattr(module, "gradient_checkpointing", False) for module in self.modules())

    def initialize_parameters(self, names: Iterable[str] | None = None) -> None:
        """Draw the values that training from scratch starts from; repeatable under `torch.manual_seed`.

        `config.initializer_range` is the standard deviation of latents, positions, tables, padding and mask vectors;
        linear layers and convolutions scale with their fan-in, see `perceivers.nn.initialization`.

        Args:
            names: keys of the state dict, running statistics included; None for all.
        """
        wanted = None if names is None else set(names)
        unknown = sorted((wanted or set()) - self.state_dict(keep_vars=True).keys())
        if unknown:
            raise ConfigurationError(
                f"`names` must be keys of the state dict of {type(self).__name__}, received {', '.join(unknown)}"
            )
        initialize_tensors(self, wanted, self.config.initializer_range)

    def initialize_new_parameters(self) -> None:
        """Draw only what no inner PerceiverPreTrainedModel has drawn already: the last line of a wrapping model."""
        inner = [
            f"{path}."
            for path, module in self.named_modules()
            if path and isinstance(module, PerceiverPreTrainedModel)
        ]
        self.initialize_parameters(key for key in self.state_dict() if not key.startswith(tuple(inner)))

    def _embeddings(self) -> nn.Module:
        embeddings = getattr(self.base_model, "embeddings", None)
        if not isinstance(embeddings, nn.Module):
            raise ConfigurationError(f"{type(self).__name__} has no latent array `embeddings.latents`")
        return embeddings

    def _set_gradient_checkpointing(self, active: bool) -> None:
        layers = [module for module in self.modules() if hasattr(module, "gradient_checkpointing")]
        if not layers:
            raise ConfigurationError(f"{type(self).__name__} has no layer that can recompute its activations")
        for layer in layers:
            layer.gradient_checkpointing = active  # type: ignore[assignment]
