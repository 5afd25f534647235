"""Classification of texts as bytes (GLUE, for example)."""

from __future__ import annotations

from typing import Any, cast

from torch import Tensor, nn

from perceivers.configuration import PerceiverConfig
from perceivers.decoders.classification import PerceiverClassificationDecoder
from perceivers.modalities.text import PerceiverTextPreprocessor
from perceivers.models.other_arguments import pass_over
from perceivers.models.perceiver import PerceiverModel
from perceivers.models.task import PerceiverTaskModel, one_of
from perceivers.outputs import PerceiverClassifierOutput, PerceiverModelOutput


class PerceiverForSequenceClassification(PerceiverTaskModel):
    """Class scores, or regression targets, of a text.

    Args:
        config: gives `num_labels`, `problem_type` and the language model's sizes.
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
            config, input_preprocessor=PerceiverTextPreprocessor(config), decoder=decoder
        )
        self.initialize_new_parameters()

    def forward(
        self,
        inputs: Tensor | None = None,
        attention_mask: Tensor | None = None,
        output_attentions: bool | None = None,
        output_hidden_states: bool | None = None,
        labels: Tensor | None = None,
        return_dict: bool | None = None,
        input_ids: Tensor | None = None,
        interpolate_pos_encoding: bool = False,
        **others: Any,
    ) -> PerceiverClassifierOutput | tuple[Any, ...]:
        """Class scores of texts.

        Args:
            inputs: ids [batch, length], length at most `max_position_embeddings`.
            attention_mask: [batch, length], nonzero where a byte counts.
            output_attentions: see PerceiverModel.
            output_hidden_states: see PerceiverModel.
            labels: see `perceivers.models.losses.classification_loss`.
            return_dict: see PerceiverModel.
            input_ids: another name of `inputs`.
            interpolate_pos_encoding: admit a longer text by stretching the positions linearly.
            others: what tokenizers and training loops hand on, such as `token_type_ids`, is passed over; anything else is
                refused, see `perceivers.models.other_arguments`.

        Returns:
            `logits` [batch, num_labels], and `loss` when labels are given.
        """
        pass_over(others, self.forward)
        outputs = cast(
            "PerceiverModelOutput",
            self.perceiver(
                one_of(inputs, input_ids, "input_ids"),
                attention_mask=attention_mask,
                output_attentions=output_attentions,
                output_hidden_states=output_hidden_states,
                interpolate_pos_encoding=interpolate_pos_encoding,
                return_dict=True,
            ),
        )
        return self._finish(self._classify(outputs, labels), return_dict)

    def resize_token_embeddings(self, new_num_tokens: int) -> nn.Embedding:
        """Change the number of ids, keeping the rows of those that stay; new ones are drawn.

        Returns:
            The new embedding table.
        """
        text = cast("PerceiverTextPreprocessor", self.perceiver.input_preprocessor)
        text.resize(new_num_tokens, self.config.initializer_range)
        self.config.vocab_size = new_num_tokens
        return text.embeddings
