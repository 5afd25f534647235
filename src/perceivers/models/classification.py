"""Classification of sound, video with sound, series, points and any other modalities, alone or together."""

from __future__ import annotations

from typing import Any, cast

from torch import Tensor

from perceivers.configuration import PerceiverConfig
from perceivers.decoders.classification import PerceiverClassificationDecoder
from perceivers.models.mixture import PerceiverMixtureModel, mixture_preprocessor
from perceivers.models.perceiver import PerceiverModel
from perceivers.outputs import PerceiverClassifierOutput, PerceiverModelOutput


class PerceiverForClassification(PerceiverMixtureModel):
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
        self.num_labels = config.num_labels
        decoder = PerceiverClassificationDecoder(
            config,
            num_channels=config.d_latents,
            trainable_position_encoding_kwargs={"num_channels": config.d_latents, "index_dims": 1},
            use_query_residual=True,
        )
        self.perceiver = PerceiverModel(
            config, input_preprocessor=mixture_preprocessor(config), decoder=decoder
        )
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
        attention_mask = self._mask_in_training(inputs, attention_mask)
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
