"""Autoencoding of video, sound and label together: the released multimodal-perceiver."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import prod
from typing import Any, cast

import torch
from torch import Tensor

from perceivers.configuration import PerceiverConfig
from perceivers.decoders.asked_for import gather_rows
from perceivers.decoders.base import PerceiverAbstractDecoder
from perceivers.decoders.basic import PerceiverBasicDecoder
from perceivers.decoders.classification import PerceiverClassificationDecoder
from perceivers.decoders.multimodal import PerceiverMultimodalDecoder
from perceivers.decoders.video import PerceiverBasicVideoAutoencodingDecoder
from perceivers.errors import ShapeError
from perceivers.modalities.audio import PerceiverAudioPostprocessor, PerceiverAudioPreprocessor
from perceivers.modalities.base import require_finite
from perceivers.modalities.image import PerceiverImagePreprocessor
from perceivers.modalities.label import PerceiverClassificationPostprocessor, PerceiverOneHotPreprocessor
from perceivers.modalities.multimodal import (
    PerceiverMultimodalPostprocessor,
    PerceiverMultimodalPreprocessor,
)
from perceivers.modalities.projection import PerceiverProjectionPostprocessor
from perceivers.models.answering import DECODING_CHUNK
from perceivers.models.losses import classification_loss, mean_absolute_error, weighted_sum
from perceivers.models.other_arguments import pass_over
from perceivers.models.perceiver import PerceiverModel
from perceivers.models.task import PerceiverTaskModel
from perceivers.outputs import PerceiverClassifierOutput, PerceiverModelOutput


class PerceiverForMultimodalAutoencoding(PerceiverTaskModel):
    """Video, sound and class label through one bottleneck of latents and back.

    Args:
        config: `num_frames`, `image_size` (the resolution that Fourier frequencies reach, in patches), `output_shape`,
            `audio_samples_per_frame`, `samples_per_patch`, `num_labels`, patch sizes, paddings and mask probabilities.
    """

    def __init__(self, config: PerceiverConfig) -> None:
        super().__init__(config)
        self.perceiver = PerceiverModel(
            config,
            input_preprocessor=_preprocessor(config),
            decoder=_decoder(config),
            output_postprocessor=_postprocessor(config),
        )
        self.initialize_new_parameters()

    def forward(
        self,
        inputs: Mapping[str, Tensor] | None = None,
        attention_mask: Any = None,
        subsampled_output_points: Mapping[str, Tensor | None] | None = None,
        output_attentions: bool | None = None,
        output_hidden_states: bool | None = None,
        labels: Mapping[str, Tensor] | None = None,
        return_dict: bool | None = None,
        **others: Any,
    ) -> PerceiverClassifierOutput | tuple[Any, ...]:
        """Decode all outputs, or the points asked for; with labels, the loss on points.

        Args:
            inputs: any of `image` [batch, frames, channels, height, width] in [0, 1], `audio` [batch, samples, 1] in [-1, 1]
                and `label` [batch, num_labels] (zeros where it is to be predicted, or left out).
            attention_mask: [batch, num_tokens], nonzero where a token counts, or by modality.
            subsampled_output_points: by modality, flat indices of the outputs to decode: pixels of `output_shape`, patches
                of sound; None or no entry for all. See PerceiverModel.decode.
            output_attentions: see PerceiverModel.
            output_hidden_states: see PerceiverModel.
            labels: targets by modality, any of `image` and `audio` (the inputs by default) and `label` (class ids [batch]).
                Unless points are given, they are then drawn (`config.num_training_points` of each) from arrays of the
                targets' sizes; video or sound without a target is not decoded.
            return_dict: see PerceiverModel.
            others: what tokenizers and training loops hand on, such as `token_type_ids`, is passed over; anything else is
                refused, see `perceivers.models.other_arguments`.

        Returns:
            `logits` by modality: `audio` [batch, num_samples], `image` [batch, num_pixels, channels], `label`
            [batch, num_labels]; and `loss`, the sum of the mean absolute errors and the cross-entropy by
            `config.loss_weights`, when labels are given.
        """
        pass_over(others, self.forward)
        if not isinstance(inputs, Mapping) or not inputs:
            received = inputs if inputs is None else f"{type(inputs).__name__} of length {len(inputs)}"
            raise ShapeError(f"`inputs` must be a mapping from modality to values, received {received}")
        output_dims = None
        targets: dict[str, Tensor] = {}
        if labels is not None:
            targets = self._targets(inputs, labels)
            output_dims = {
                name: self._output_dims(name, target) for name, target in targets.items() if name != "label"
            }
            if subsampled_output_points is None:
                subsampled_output_points = self._draw_points(output_dims, next(iter(inputs.values())).device)
        outputs = cast(
            "PerceiverModelOutput",
            self.perceiver(
                inputs,
                attention_mask=attention_mask,
                subsampled_output_points=subsampled_output_points,
                output_attentions=output_attentions,
                output_hidden_states=output_hidden_states,
                return_dict=True,
                output_dims=output_dims,
            ),
        )
        loss = None
        if labels is not None:
            logits = cast("Mapping[str, Tensor]", outputs.logits)
            loss = self._loss(logits, targets, subsampled_output_points or {})
        return self._finish(self._task_output(outputs, outputs.logits, loss), return_dict)

    def reconstruct(
        self, inputs: Mapping[str, Tensor], attention_mask: Any = None, chunk_size: int | None = None
    ) -> dict[str, Tensor]:
        """Encode once and decode everything, equal to the loop over subsampled chunks that the reference documents.

        Args:
            inputs: see `forward`; any number of frames and any picture size. A modality that is left out is predicted, at the
                configuration's size.
            attention_mask: see `forward`.
            chunk_size: outputs decoded at a time; None takes 16,384. Changes memory only.

        Returns:
            `audio` [batch, samples, 1], `image` [batch, frames, channels, height, width], `label` [batch, num_labels].
        """
        encoded = self.encode(inputs, attention_mask)
        output_dims = dict(encoded.output_dims)
        decoded = self.decode(
            encoded,
            output_dims=output_dims,
            coordinate_rule="subsampled",
            chunk_size=DECODING_CHUNK if chunk_size is None else chunk_size,
        )
        video = output_dims.get("image", tuple(self.config.output_shape[1:]))
        return {
            "audio": decoded["audio"][..., None],
            "image": decoded["image"].unflatten(1, video).movedim(-1, 2),
            "label": decoded["label"],
        }

    def _targets(self, inputs: Mapping[str, Tensor], labels: Mapping[str, Tensor]) -> dict[str, Tensor]:
        if not isinstance(labels, Mapping) or (unknown := set(labels) - {"audio", "image", "label"}):
            received = sorted(unknown) if isinstance(labels, Mapping) else type(labels).__name__
            raise ShapeError(
                f"`labels` must be a mapping with any of audio, image and label, received {received}"
            )
        reconstructed = {name: inputs[name] for name in ("audio", "image") if name in inputs}
        batch_size, config = len(next(iter(inputs.values()))), self.config
        if "audio" in labels:
            samples = f"samples divisible by {config.samples_per_patch}"
            _require_target("audio", labels["audio"], (batch_size, samples, 1), config.samples_per_patch)
        if "image" in labels:
            video = (batch_size, "frames", config.image_channels, "height", "width")
            _require_target("image", labels["image"], video)
        return {**reconstructed, **labels}

    def _output_dims(self, name: str, target: Tensor) -> tuple[int, ...]:
        preprocessor = cast("PerceiverMultimodalPreprocessor", self.perceiver.input_preprocessor)
        return tuple(cast("Any", preprocessor.modalities[name]).output_dims(target))

    def _draw_points(
        self, output_dims: Mapping[str, tuple[int, ...]], device: torch.device
    ) -> dict[str, Tensor]:
        """Random outputs of each modality, the same for every sample of the batch; none of video or sound without sizes."""
        return {
            name: torch.randperm(prod(output_dims.get(name, (0,))), device=device)[
                : self.config.num_training_points
            ]
            for name in ("audio", "image")
        }

    def _loss(
        self,
        logits: Mapping[str, Tensor],
        targets: Mapping[str, Tensor],
        points: Mapping[str, Tensor | None],
    ) -> Tensor:
        losses: dict[str, Tensor] = {}
        for name in ("audio", "image"):
            if name in targets and name in logits:
                wanted = self._at_points(name, targets[name], points.get(name))
                losses[name] = mean_absolute_error(logits[name], wanted.reshape(logits[name].shape))
        if "label" in targets and "label" in logits:
            losses["label"] = classification_loss(
                logits["label"], targets["label"], self.config.num_labels, self.config.problem_type
            )
        return weighted_sum(losses, self.config.loss_weights)

    def _at_points(self, name: str, target: Tensor, points: Tensor | None) -> Tensor:
        """Values of a target, one row for each output point."""
        if name == "audio":
            rows = target.reshape(target.shape[0], -1, self.config.samples_per_patch)
        else:
            rows = target.movedim(2, -1).flatten(1, 3)
        return rows if points is None else gather_rows(rows, torch.as_tensor(points, device=rows.device))


def _require_target(
    name: str, target: Tensor, expected: Sequence[int | str], samples_per_patch: int = 1
) -> None:
    """ShapeError unless a target has floating-point, finite values on the axes expected."""
    argument = f"labels[{name!r}]"
    fits = target.ndim == len(expected) and all(
        isinstance(size, str) or size == actual for size, actual in zip(expected, target.shape, strict=True)
    )
    if not fits or not target.is_floating_point() or target.shape[1] % samples_per_patch != 0:
        wanted = ", ".join(str(size) for size in expected)
        raise ShapeError(
            f"`{argument}` must be floating-point values [{wanted}], received {list(target.shape)} of {target.dtype}"
        )
    require_finite(argument, target)


def _video_positions(config: PerceiverConfig) -> dict[str, Any]:
    return {
        "num_bands": config.video_num_bands,
        "max_resolution": (config.num_frames, *config.image_height_width),
    }


def _audio_positions(config: PerceiverConfig) -> dict[str, Any]:
    return {"num_bands": config.audio_num_bands, "max_resolution": (config.num_audio_samples,)}


def _preprocessor(config: PerceiverConfig) -> PerceiverMultimodalPreprocessor:
    return PerceiverMultimodalPreprocessor(
        modalities={
            "audio": PerceiverAudioPreprocessor(
                config,
                samples_per_patch=config.samples_per_patch,
                fourier_position_encoding_kwargs=_audio_positions(config),
            ),
            "image": PerceiverImagePreprocessor(
                config,
                prep_type="patches",
                spatial_downsample=config.video_patch_size,
                temporal_downsample=config.video_frames_per_patch,
                in_channels=config.image_channels,
                fourier_position_encoding_kwargs=_video_positions(config),
            ),
            "label": PerceiverOneHotPreprocessor(config),
        },
        mask_probs=config.mask_probabilities,
        min_padding_size=config.input_padding_size,
    )


def _decoder(config: PerceiverConfig) -> PerceiverMultimodalDecoder:
    modalities: dict[str, PerceiverAbstractDecoder] = {
        "audio": PerceiverBasicDecoder(
            config,
            output_num_channels=config.output_num_channels,
            output_index_dims=(config.num_audio_samples // config.samples_per_patch,),
            position_encoding_type="fourier",
            position_encoding_only=True,
            fourier_position_encoding_kwargs=_audio_positions(config),
        ),
        "image": PerceiverBasicVideoAutoencodingDecoder(
            config,
            output_shape=config.output_shape,
            position_encoding_type="fourier",
            position_encoding_only=True,
            fourier_position_encoding_kwargs=_video_positions(config),
        ),
        "label": PerceiverClassificationDecoder(
            config,
            position_encoding_only=True,
            trainable_position_encoding_kwargs={
                "num_channels": config._label_trainable_num_channels,
                "index_dims": 1,
            },
        ),
    }
    return PerceiverMultimodalDecoder(
        config,
        modalities=modalities,
        output_num_channels=config.output_num_channels,
        min_padding_size=config.query_padding_size,
        use_query_residual=False,
    )


def _postprocessor(config: PerceiverConfig) -> PerceiverMultimodalPostprocessor:
    channels = config.output_num_channels
    return PerceiverMultimodalPostprocessor(
        modalities={
            "audio": PerceiverAudioPostprocessor(config, in_channels=channels),
            "image": PerceiverProjectionPostprocessor(channels, config.image_channels),
            "label": PerceiverClassificationPostprocessor(config, in_channels=channels),
        }
    )
