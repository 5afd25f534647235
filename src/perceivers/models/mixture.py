"""What models of any modalities share: values and masks by name, and modalities that samples lose while training."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

import torch
from torch import Tensor

from perceivers.configuration import PerceiverConfig
from perceivers.errors import ConfigurationError, ShapeError
from perceivers.modalities.base import AbstractPreprocessor
from perceivers.modalities.multimodal import PerceiverMultimodalPreprocessor
from perceivers.models.modality_types import build_preprocessor, drop_probabilities
from perceivers.models.task import PerceiverTaskModel
from perceivers.nn.attention import two_axes
from perceivers.outputs import Encoded


class PerceiverMixtureModel(PerceiverTaskModel):
    """A model of whatever `config.modalities` describes.

    Args:
        config: gives `modalities`, see PerceiverForPrediction.
    """

    def __init__(self, config: PerceiverConfig) -> None:
        super().__init__(config)
        if not config.modalities:
            raise ConfigurationError(
                f"`modalities` must describe at least one modality for {type(self).__name__}, received "
                f"{config.modalities!r}"
            )
        self._names = sorted(config.modalities)
        self._drop_probabilities = drop_probabilities(config.modalities)

    def encode(
        self, inputs: Any, attention_mask: Any = None, interpolate_pos_encoding: bool = False, **options: Any
    ) -> Encoded:
        """See PerceiverModel.encode; `inputs`, `attention_mask` and `pos` as `forward` takes them."""
        if "pos" in options:
            options["pos"] = self._own("pos", options["pos"])
        return self.perceiver.encode(
            self._own("inputs", inputs), self._own_mask(attention_mask), interpolate_pos_encoding, **options
        )

    def _own(self, argument: str, values: Any) -> Any:
        """What the preprocessor takes: the value of a single modality comes without its name there."""
        if len(self._names) > 1 or not isinstance(values, Mapping):
            return values
        if list(values) != self._names:
            raise ShapeError(f"`{argument}` must name {self._names}, received {sorted(values)}")
        return values[self._names[0]]

    def _own_mask(self, mask: Any) -> Any:
        mask = two_axes(mask)
        if mask is not None and len(self._names) > 1 and not isinstance(mask, Mapping):
            raise ShapeError(
                f"`attention_mask` must be a mapping with some of {self._names}, received {type(mask).__name__}"
            )
        # An empty mapping hides nothing, whatever the number of modalities.
        return self._own("attention_mask", mask or None) if isinstance(mask, Mapping) else mask

    def _mask_in_training(self, inputs: Any, attention_mask: Any) -> Any:
        """The mask; while training, without the modalities that samples lose in this step. One that a sample has stays."""
        if not (self.training and self._drop_probabilities):
            return attention_mask
        present = [name for name in self._names if isinstance(inputs, Mapping) and name in inputs]
        if len(present) < 2:
            return attention_mask
        some = inputs[present[0]]
        masks = dict(self._own_mask(attention_mask) or {})
        has = {name: _samples_that_count(masks.get(name), some) for name in present}
        kept = {
            name: torch.rand(some.shape[0], device=some.device) >= self._drop_probabilities.get(name, 0.0)
            for name in present
        }
        keeps_one = torch.stack([has[name] & kept[name] for name in present]).any(dim=0)
        for name in present:
            if name not in self._drop_probabilities:
                continue
            stays = kept[name] | ~keeps_one
            mask = masks.get(name)
            masks[name] = stays if mask is None else mask.to(torch.bool) & _as_column(stays, mask.ndim)
        return masks


def mixture_preprocessor(config: PerceiverConfig) -> AbstractPreprocessor:
    """What makes tokens of `config.modalities`; of a single one its own preprocessor."""
    modalities = cast("Mapping[str, Mapping[str, Any]]", config.modalities)
    built = {name: build_preprocessor(config, name, modalities[name]) for name in sorted(modalities)}
    if len(built) == 1:
        return next(iter(built.values()))
    return PerceiverMultimodalPreprocessor(built, min_padding_size=config.input_padding_size)


def _samples_that_count(mask: Tensor | None, inputs: Tensor) -> Tensor:
    """Bool [batch]: the samples that have a modality."""
    if mask is None:
        return torch.ones(inputs.shape[0], dtype=torch.bool, device=inputs.device)
    counts = mask.to(torch.bool)
    return counts if mask.ndim == 1 else counts.any(dim=1)


def _as_column(samples: Tensor, ndim: int) -> Tensor:
    return samples if ndim == 1 else samples[:, None]
