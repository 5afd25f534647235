"""The last three verbs in the fast form: queries by their structure, answers by folded maps, values laid out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import cast

from torch import Tensor

from perceivers.decoders.base import PerceiverAbstractDecoder
from perceivers.decoders.chunking import require_query_mask
from perceivers.decoders.structure import AttendedAnswers, DecoderStructure, PlainAnswers
from perceivers.errors import ConfigurationError
from perceivers.inference.budget import Budget
from perceivers.inference.folded_values import FoldedValues
from perceivers.inference.overrides import is_overridden
from perceivers.inference.prepared_decoder import PreparedDecoder, Progress
from perceivers.inference.token_readers import are_values
from perceivers.inference.tracing import is_traced
from perceivers.modalities.adapters import Postprocessor
from perceivers.modalities.structure import InputStructure, TokensOfGroups
from perceivers.models.answering import Answering, PlainAnswering, Question
from perceivers.nn.token_structure import TokenStructure
from perceivers.outputs import Encoded, PerceiverDecoderOutput

NO_WEIGHTS = (
    "`output_attentions` needs the plain model: the prepared form never builds attention matrices; "
    "call the model that it was prepared from"
)


def refuse_weights(output_attentions: bool) -> None:
    """ConfigurationError where attention weights are asked for."""
    if output_attentions:
        raise ConfigurationError(NO_WEIGHTS)


def decoder_structure(decoder: PerceiverAbstractDecoder) -> DecoderStructure:
    """What a decoder says of its queries and answers, unless a subclass changed them since."""
    structure = decoder.structure()
    if isinstance(structure, PlainAnswers):
        return structure
    if structure.layer is None:
        return PlainAnswers("its answers come about in another way")
    for part in decoder.modules():
        if not isinstance(part, PerceiverAbstractDecoder):
            continue
        changed = [name for name in ("build_queries", "attend") if is_overridden(part, name, "structure")]
        if changed:
            return PlainAnswers(
                f"{type(part).__name__} changes how queries are built or answered",
                asks_with_inputs="build_queries" in changed or decoder.needs_tokens,
            )
    return structure


class BudgetedAnswering(PlainAnswering):
    """A decoder that is not folded, by chunks that fit into a budget.

    Args:
        decoder: as in PlainAnswering.
        postprocessor: as in PlainAnswering.
        budget: how much is computed at a time.
        latent_shape: number of latents, and their channels.
    """

    def __init__(
        self,
        decoder: PerceiverAbstractDecoder,
        postprocessor: Postprocessor,
        budget: Budget,
        latent_shape: tuple[int, ...],
    ) -> None:
        super().__init__(decoder, postprocessor)
        self._budget = budget
        # Queries, attention weights and answers of a chunk exist at the same time.
        self._values_a_query = 4 * max(latent_shape)

    def chunk_size(self, question: Question) -> int | None:
        """As many as fit, and at most as many as asked; all of them while a graph is captured."""
        refuse_weights(question.output_attentions)
        if is_traced():
            return question.chunk_size
        return self._budget.smaller(question.chunk_size).rows(self._values_a_query)


class FoldedAnswering(Answering):
    """A decoder whose cross-attend is folded, with the linear maps after it.

    Args:
        decoder: lays out answers; its own cross-attend is not needed any more.
        structure: what it says of its queries.
        folded: answers them.
        values: what makes values of the answers.
        budget: how much is computed at a time.
        progress: told how far a decode is.
        tokens: of a decoder that asks with the input's tokens: what these consist of.
    """

    def __init__(
        self,
        decoder: PerceiverAbstractDecoder,
        structure: AttendedAnswers,
        folded: PreparedDecoder,
        values: FoldedValues,
        budget: Budget,
        progress: Progress | None,
        tokens: InputStructure,
    ) -> None:
        self._decoder = decoder
        self._structure = structure
        self._folded = folded
        self._values = values
        self._budget = budget
        self._progress = progress
        self._tokens = tokens

    def build_queries(self, encoded: Encoded, question: Question) -> Mapping[str, TokenStructure]:
        """What the queries consist of, by modality."""
        refuse_weights(question.output_attentions)
        require_query_mask(question.query_mask, self._decoder, encoded, question.asked_for)
        if self._structure.queries is not None:
            return self._structure.queries(encoded, question.asked_for)
        assert self._structure.token_indices is not None
        indices = self._structure.token_indices(encoded, question.asked_for)
        tokens = self._token_structure(cast("Tensor", encoded.tokens), encoded.index_dims)
        return {"": tokens if indices is None else tokens.at(indices)}

    def decode(
        self, encoded: Encoded, queries: Mapping[str, TokenStructure], question: Question
    ) -> dict[str, Tensor]:
        """Answers by modality, after the maps that are folded in."""
        budget = self._budget.smaller(question.chunk_size)
        return self._folded.answer(encoded.latents, queries, question.query_mask, budget, self._progress)

    def postprocess(
        self, encoded: Encoded, answers: Mapping[str, Tensor], question: Question
    ) -> PerceiverDecoderOutput:
        """See Answering."""
        grid = self._decoder.whole_grid(encoded, question.asked_for)

        def arrange(values: Tensor) -> Tensor:
            return values if grid is None else self._decoder.arrange(values, grid)

        return PerceiverDecoderOutput(logits=self._values(answers, arrange))

    def _token_structure(self, kept: Tensor, index_dims: tuple[int, ...] | None) -> TokenStructure:
        """The input's tokens, of which they themselves were kept or the values that they are made of."""
        known = self._tokens
        if isinstance(known, TokensOfGroups) and known.of_values is not None and are_values(kept, known):
            return known.of_values(kept, cast("tuple[int, ...]", index_dims))
        return TokenStructure(kept.shape[1], kept)
