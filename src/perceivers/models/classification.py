"""Classification of sound, video with sound, series, points and any other modalities, alone or together."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

import torch
from torch import Tensor

from perceivers.configuration import PerceiverConfig
from perceivers.decoders.classification import PerceiverClassificationDecoder
from perceivers.errors import ConfigurationError, ShapeError
from perceivers.modalities.base import AbstractPreprocessor
from perceivers.modalities.multimodal import PerceiverMultimodalPreprocessor
from perceivers.models.classification_modalities import build_preprocessor, drop_probabilities
from perceivers.models.perceiver import PerceiverModel
from perceivers.models.task import PerceiverTaskModel
from perceivers.outputs import Encoded, PerceiverClassifierOutput, PerceiverModelOutput


class PerceiverForClassification(PerceiverTaskModel):
    """Class scores, or regression targets, of whatever `config.modalities` describes.

    Example:
        config = PerceiverConfig(
            num_cross_attention_heads=1,
            num_labels=527,
            problem_type="multi_label_classification",
            modalities={
                "audio": {"type": "audio", "samples_per_patch": 128, "max_resolution": 480},
                "video": {"type": "image", "max_resolution": [32, 56, 56], "drop_probability": 0.3},
            },
        )
        model = PerceiverForClassification(config)
        logits = model({"audio": samples, "video": frames}).logits

    Args:
        config: gives `modalities`: name -> {"type": one of MODALITY_TYPES, that type's settings by name, and, where there are
            several modalities, "drop_probability"}; `num_labels`, `problem_type` and the sizes of latents and layers.
    """

    def __init__(self, config: PerceiverConfig) -> None:
        super().__init__(config)
        if not config.modalities:
            raise ConfigurationError(
                f"`modalities` must describe at least one modality for {type(self).__name__}, received "
                f"{config.modalities!r}"
            )
        self.num_labels = config.num_labels
        self._names = sorted(config.modalities)
        self._drop_probabilities = drop_probabilities(config.modalities)
        decoder = PerceiverClassificationDecoder(
            config,
            num_channels=config.d_latents,
            trainable_position_encoding_kwargs={"num_channels": config.d_latents, "index_dims": 1},
            use_query_residual=True,
        )
        self.perceiver = PerceiverModel(config, input_preprocessor=_preprocessor(config), decoder=decoder)
        self.initialize_new_parameters()

    def forward(
        self,
        inputs: Any,
        attention_mask: Any = None,
        output_attentions: bool | None = None,
        output_hidden_states: bool | None = None,
        labels: Tensor | None = None,
        return_dict: bool | None = None,
        pos: Any = None,
    ) -> PerceiverClassifierOutput | tuple[Any, ...]:
        """Class scores.

        Args:
            inputs: name -> what the modality's preprocessor takes; a modality that the batch lacks is left out. Where there
                is a single modality: what it takes, or a mapping as well.
            attention_mask: name -> mask, nonzero where something counts: an entry for each token or, where several inputs
                make a token (steps, samples, frames), for each input; or [batch], for each sample that has the modality.
                Modalities that are not named count whole. Where there is a single modality: its mask, or a mapping.
            output_attentions: see PerceiverModel.
            output_hidden_states: see PerceiverModel.
            labels: see `perceivers.models.losses.classification_loss`.
            return_dict: see PerceiverModel.
            pos: name -> positions of tokens, each sample its own, see the preprocessors; or those of the single modality.

        Returns:
            `logits` [batch, num_labels], and `loss` when labels are given.
        """
        if self.training and self._drop_probabilities:
            attention_mask = self._dropped(inputs, attention_mask)
        outputs = cast(
            "PerceiverModelOutput",
            self.perceiver(
                self._own("inputs", inputs),
                attention_mask=self._own_mask(attention_mask),
                output_attentions=output_attentions,
                output_hidden_states=output_hidden_states,
                return_dict=True,
                pos=self._own("pos", pos),
            ),
        )
        return self._finish(self._classify(outputs, labels), return_dict)

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
        if mask is not None and len(self._names) > 1 and not isinstance(mask, Mapping):
            raise ShapeError(
                f"`attention_mask` must be a mapping with some of {self._names}, received {type(mask).__name__}"
            )
        # An empty mapping hides nothing, whatever the number of modalities.
        return self._own("attention_mask", mask or None) if isinstance(mask, Mapping) else mask

    def _dropped(self, inputs: Any, attention_mask: Any) -> Any:
        """The mask without the modalities that samples lose in this step of training."""
        present = [name for name in self._names if isinstance(inputs, Mapping) and name in inputs]
        if len(present) < 2:
            return attention_mask
        some = inputs[present[0]]
        masks = dict(self._own_mask(attention_mask) or {})
        has = {name: _rows_that_count(masks.get(name), some) for name in present}
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


def _preprocessor(config: PerceiverConfig) -> AbstractPreprocessor:
    modalities = cast("Mapping[str, Mapping[str, Any]]", config.modalities)
    built = {name: build_preprocessor(config, name, modalities[name]) for name in sorted(modalities)}
    if len(built) == 1:
        return next(iter(built.values()))
    return PerceiverMultimodalPreprocessor(built, min_padding_size=config.input_padding_size)


def _rows_that_count(mask: Tensor | None, inputs: Tensor) -> Tensor:
    """Bool [batch]: the samples that have a modality."""
    if mask is None:
        return torch.ones(inputs.shape[0], dtype=torch.bool, device=inputs.device)
    counts = mask.to(torch.bool)
    return counts if mask.ndim == 1 else counts.any(dim=1)


def _as_column(rows: Tensor, ndim: int) -> Tensor:
    return rows if ndim == 1 else rows[:, None]
