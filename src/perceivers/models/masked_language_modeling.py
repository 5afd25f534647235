"""Masked language modelling on bytes: the released language-perceiver."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

from torch import Tensor, nn
from torch.nn import functional as F

from perceivers.configuration import PerceiverConfig
from perceivers.decoders.asked_for import ask_for, gather_rows, one_array, require_indices
from perceivers.decoders.base import Queries
from perceivers.decoders.basic import PerceiverBasicDecoder
from perceivers.modalities.text import PerceiverEmbeddingDecoder, PerceiverTextPreprocessor
from perceivers.models.losses import masked_language_modeling_loss
from perceivers.models.other_arguments import pass_over
from perceivers.models.perceiver import PerceiverModel
from perceivers.models.task import LinearHead, PerceiverTaskModel, one_of
from perceivers.models.verbs import or_default
from perceivers.nn.token_structure import AffineMap
from perceivers.outputs import Encoded, PerceiverDecoderOutput, PerceiverMaskedLMOutput


class PerceiverForMaskedLM(PerceiverTaskModel):
    """Scores of every byte at every position.

    Args:
        config: the language checkpoint has `qk_channels` 256 and `v_channels` 1280, the rest as by default.
    """

    answers_positions = True

    def __init__(self, config: PerceiverConfig) -> None:
        super().__init__(config)
        text = PerceiverTextPreprocessor(config)
        decoder = PerceiverBasicDecoder(
            config,
            output_num_channels=config.d_latents,
            output_index_dims=config.max_position_embeddings,
            num_channels=config.d_model,
            qk_channels=config.decoder_qk_channels,
            v_channels=config.d_model,
            num_heads=config.decoder_num_heads,
            use_query_residual=False,
            final_project=False,
            trainable_position_encoding_kwargs={
                "num_channels": config.d_model,
                "index_dims": config.max_position_embeddings,
            },
        )
        self.perceiver = PerceiverModel(config, input_preprocessor=text, decoder=decoder)
        self.embedding_decoder = PerceiverEmbeddingDecoder(config)
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
        positions: Tensor | None = None,
        **others: Any,
    ) -> PerceiverMaskedLMOutput | tuple[Any, ...]:
        """Scores of every byte at every position the model knows, whatever the text's length, or at those asked for.

        Args:
            inputs: ids [batch, length], length at most `max_position_embeddings`.
            attention_mask: [batch, length], nonzero where a byte counts.
            output_attentions: see PerceiverModel.
            output_hidden_states: see PerceiverModel.
            labels: ids [batch, at most max_position_embeddings], -100 where nothing is asked; with `positions`, ids
                [batch, num_positions].
            return_dict: see PerceiverModel.
            input_ids: another name of `inputs`.
            interpolate_pos_encoding: admit a longer text by stretching input and output positions linearly; the scores then
                have one row a byte.
            positions: indices of bytes, [num_positions] or [batch, num_positions]; only these are decoded, which is what
                training wants: 15 % of the bytes are asked for.
            others: what tokenizers and training loops hand on, such as `token_type_ids`, is passed over; anything else is
                refused, see `perceivers.models.other_arguments`.

        Returns:
            `logits` [batch, max_position_embeddings or num_positions, vocab_size], and `loss` when labels are given.
        """
        pass_over(others, self.forward)
        ids = one_of(inputs, input_ids, "input_ids")
        with_weights = or_default(output_attentions, self.config.output_attentions)
        encoded = self.encode(
            ids,
            attention_mask,
            interpolate_pos_encoding,
            output_attentions=with_weights,
            output_hidden_states=or_default(output_hidden_states, self.config.output_hidden_states),
        )
        decoded = self.decode(encoded, positions=positions, output_attentions=with_weights)
        answers = decoded if with_weights else PerceiverDecoderOutput(logits=decoded)
        logits = cast("Tensor", answers.logits)
        weights = (encoded.cross_attentions or ()) + (answers.cross_attentions or ())
        loss = None if labels is None else masked_language_modeling_loss(logits, labels)
        output = PerceiverMaskedLMOutput(
            loss=loss,
            logits=logits,
            hidden_states=encoded.hidden_states,
            attentions=encoded.attentions,
            cross_attentions=weights or None,
        )
        return self._finish(output, return_dict)

    def decode(self, encoded: Encoded, **asked_for: Any) -> Any:
        """Scores of the positions asked for, see PerceiverModel.decode.

        `positions` [num_positions] or [batch, num_positions] gives [batch, num_positions, vocab_size], and only those are
        computed.
        """
        asked_for.setdefault("output_dims", self._output_dims(_length(encoded)))
        asked_for.setdefault("query_mask", self._query_mask_at(encoded, asked_for))
        decoded = self.perceiver.decode(encoded, **asked_for)
        if isinstance(decoded, PerceiverDecoderOutput):
            decoded.logits = self._scores(cast("Tensor", decoded.logits))
            return decoded
        return self._scores(decoded)

    def build_queries(self, encoded: Encoded, **asked_for: Any) -> Queries:
        """See PerceiverModel.build_queries; a text longer than `max_position_embeddings` has a query for each byte."""
        asked_for.setdefault("output_dims", self._output_dims(_length(encoded)))
        return self.perceiver.build_queries(encoded, **asked_for)

    def linear_head(self) -> LinearHead:
        """See PerceiverTaskModel: the scores, by the table of the input embeddings."""
        text = cast("PerceiverTextPreprocessor", self.perceiver.input_preprocessor)
        return LinearHead("embedding_decoder", AffineMap(text.embeddings.weight, self.embedding_decoder.bias))

    def resize_token_embeddings(self, new_num_tokens: int) -> nn.Embedding:
        """Change the number of ids, keeping the rows and biases of those that stay; new ones are drawn.

        Returns:
            The new embedding table.
        """
        text = cast("PerceiverTextPreprocessor", self.perceiver.input_preprocessor)
        text.resize(new_num_tokens, self.config.initializer_range)
        self.embedding_decoder.resize(new_num_tokens)
        self.config.vocab_size = new_num_tokens
        return text.embeddings

    def _scores(self, hidden_states: Tensor) -> Tensor:
        text = cast("PerceiverTextPreprocessor", self.perceiver.input_preprocessor)
        return self.embedding_decoder(hidden_states, embedding_layer=text.embeddings)

    def _output_dims(self, length: int) -> tuple[int] | None:
        return (length,) if length > self.config.max_position_embeddings else None

    def _query_mask(self, attention_mask: Tensor | None) -> Tensor | None:
        """The input mask, for the output positions: the JAX original asks nothing of padding."""
        if attention_mask is None or not self.config.use_query_mask:
            return None
        missing = self.config.max_position_embeddings - attention_mask.shape[1]
        return F.pad(attention_mask, (0, max(missing, 0)))

    def _query_mask_at(self, encoded: Encoded, asked_for: Mapping[str, Any]) -> Tensor | None:
        """The query mask of the positions asked for."""
        mask = self._query_mask(encoded.mask)
        selection = ask_for(
            subsampled_output_points=asked_for.get("subsampled_output_points"),
            positions=asked_for.get("positions"),
        )
        indices = one_array(selection).indices
        if mask is None or indices is None:
            return mask
        require_indices(indices, (mask.shape[1],), mask.shape[0])
        return gather_rows(mask[..., None], indices.to(mask.device))[..., 0]


def _length(encoded: Encoded) -> int:
    return cast("tuple[int]", encoded.index_dims)[0]
