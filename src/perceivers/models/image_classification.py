"""Classification of pictures: one model, three ways to make tokens of pixels."""

from __future__ import annotations

from typing import Any, cast

from torch import Tensor

from perceivers.configuration import PerceiverConfig
from perceivers.decoders.base import PerceiverAbstractDecoder
from perceivers.decoders.classification import PerceiverClassificationDecoder, PerceiverProjectionDecoder
from perceivers.modalities.image import PerceiverImagePreprocessor
from perceivers.models.other_arguments import pass_over
from perceivers.models.perceiver import PerceiverModel
from perceivers.models.task import PerceiverTaskModel, one_of
from perceivers.outputs import PerceiverClassifierOutput, PerceiverModelOutput


class PerceiverImageClassifier(PerceiverTaskModel):
    """Class scores of pictures; subclasses say how pixels become tokens.

    Args:
        config: gives `num_labels`, `problem_type` and all sizes.
        preprocessor: makes tokens of pictures.
        use_query_residual: of the decoder's cross-attend.
    """

    def __init__(
        self,
        config: PerceiverConfig,
        preprocessor: PerceiverImagePreprocessor,
        use_query_residual: bool = True,
    ) -> None:
        super().__init__(config)
        self.num_labels = config.num_labels
        decoder: PerceiverAbstractDecoder
        if config.mean_of_latents:
            decoder = PerceiverProjectionDecoder(config)
        else:
            decoder = PerceiverClassificationDecoder(
                config,
                num_channels=config.d_latents,
                trainable_position_encoding_kwargs={"num_channels": config.d_latents, "index_dims": 1},
                use_query_residual=use_query_residual,
            )
        self.perceiver = PerceiverModel(config, input_preprocessor=preprocessor, decoder=decoder)
        self.initialize_new_parameters()

    def forward(
        self,
        inputs: Tensor | None = None,
        attention_mask: Tensor | None = None,
        output_attentions: bool | None = None,
        output_hidden_states: bool | None = None,
        labels: Tensor | None = None,
        return_dict: bool | None = None,
        pixel_values: Tensor | None = None,
        **others: Any,
    ) -> PerceiverClassifierOutput | tuple[Any, ...]:
        """Class scores of pictures.

        Args:
            inputs: pictures [batch, image_channels, height, width], normalised as the image processor does.
            attention_mask: [batch, num_tokens], nonzero where a token counts.
            output_attentions: see PerceiverModel.
            output_hidden_states: see PerceiverModel.
            labels: see `perceivers.models.losses.classification_loss`.
            return_dict: see PerceiverModel.
            pixel_values: another name of `inputs`.
            others: what tokenizers and training loops hand on, such as `token_type_ids`, is passed over; anything else is
                refused, see `perceivers.models.other_arguments`.

        Returns:
            `logits` [batch, num_labels], and `loss` when labels are given.
        """
        pass_over(others, self.forward)
        pictures = one_of(inputs, pixel_values, "pixel_values")
        return self._run(
            pictures, attention_mask, output_attentions, output_hidden_states, labels, False, return_dict
        )

    def _run(
        self,
        pictures: Tensor,
        attention_mask: Tensor | None,
        output_attentions: bool | None,
        output_hidden_states: bool | None,
        labels: Tensor | None,
        interpolate_pos_encoding: bool,
        return_dict: bool | None,
    ) -> PerceiverClassifierOutput | tuple[Any, ...]:
        outputs = cast(
            "PerceiverModelOutput",
            self.perceiver(
                pictures,
                attention_mask=attention_mask,
                output_attentions=output_attentions,
                output_hidden_states=output_hidden_states,
                interpolate_pos_encoding=interpolate_pos_encoding,
                return_dict=True,
            ),
        )
        return self._finish(self._classify(outputs, labels), return_dict)


class PerceiverForImageClassificationLearned(PerceiverImageClassifier):
    """Pixels through a linear map, with learned positions beside them: no knowledge of two dimensions at all.

    Args:
        config: `image_size` is the side (or height and width) that positions are learned for; the released model has 224.
    """

    def __init__(self, config: PerceiverConfig) -> None:
        preprocessor = PerceiverImagePreprocessor(
            config,
            prep_type="conv1x1",
            spatial_downsample=1,
            in_channels=config.image_channels,
            out_channels=config.image_projection_channels,
            position_encoding_type="trainable",
            concat_or_add_pos="concat",
            project_pos_dim=config.projected_position_channels,
            trainable_position_encoding_kwargs={
                "num_channels": config.position_channels,
                "index_dims": config.image_height_width,
            },
        )
        super().__init__(config, preprocessor, config.learned_classifier_query_residual)

    def forward(  # type: ignore[override]
        self,
        inputs: Tensor | None = None,
        attention_mask: Tensor | None = None,
        output_attentions: bool | None = None,
        output_hidden_states: bool | None = None,
        labels: Tensor | None = None,
        interpolate_pos_encoding: bool = False,
        return_dict: bool | None = None,
        pixel_values: Tensor | None = None,
        **others: Any,
    ) -> PerceiverClassifierOutput | tuple[Any, ...]:
        """As PerceiverImageClassifier.forward; `interpolate_pos_encoding` admits pictures of another size (bicubic)."""
        pass_over(others, self.forward)
        pictures = one_of(inputs, pixel_values, "pixel_values")
        return self._run(
            pictures,
            attention_mask,
            output_attentions,
            output_hidden_states,
            labels,
            interpolate_pos_encoding,
            return_dict,
        )


class PerceiverForImageClassificationFourier(PerceiverImageClassifier):
    """Pixels as they are, with Fourier features of their positions beside them.

    Args:
        config: `fourier_num_bands` and `fourier_max_resolution` say the positions; any picture size is taken.
    """

    def __init__(self, config: PerceiverConfig) -> None:
        super().__init__(
            config,
            PerceiverImagePreprocessor(
                config,
                prep_type="pixels",
                spatial_downsample=1,
                in_channels=config.image_channels,
                fourier_position_encoding_kwargs={
                    "num_bands": config.fourier_num_bands,
                    "max_resolution": config.fourier_max_resolution,
                },
            ),
        )


class PerceiverForImageClassificationConvProcessing(PerceiverImageClassifier):
    """Features of a convolutional stem, with Fourier features of their positions beside them.

    Args:
        config: `stem_channels`, `stem_num_layers`, `stem_batch_norm` and `stem_padding` say the stem, `fourier_num_bands`
            and `stem_max_resolution` the positions; any picture size is taken.
    """

    def __init__(self, config: PerceiverConfig) -> None:
        super().__init__(
            config,
            PerceiverImagePreprocessor(
                config,
                prep_type="conv",
                spatial_downsample=4**config.stem_num_layers,
                in_channels=config.image_channels,
                out_channels=config.stem_channels,
                conv2d_use_batchnorm=config.stem_batch_norm,
                fourier_position_encoding_kwargs={
                    "num_bands": config.fourier_num_bands,
                    "max_resolution": config.stem_max_resolution,
                },
            ),
        )
