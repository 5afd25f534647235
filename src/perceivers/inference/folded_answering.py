"""The last three verbs in the fast form: queries by their structure, answers by folded maps, values laid out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

import torch
from torch import Tensor

from perceivers.decoders.base import PerceiverAbstractDecoder
from perceivers.decoders.chunking import require_query_mask
from perceivers.errors import ConfigurationError
from perceivers.inference.budget import Budget
from perceivers.inference.overrides import is_overridden
from perceivers.inference.prepared_decoder import PreparedDecoder, Progress
from perceivers.modalities.adapters import Postprocessor
from perceivers.modalities.base import AbstractPostprocessor, PositionedPreprocessor
from perceivers.models.answering import Answering, PlainAnswering, Question
from perceivers.nn.token_structure import AffineMap, TokenStructure
from perceivers.outputs import Encoded, PerceiverDecoderOutput

NO_WEIGHTS = (
    "`output_attentions` needs the plain model: the prepared form never builds attention matrices; "
    "call the model that it was prepared from"
)


def refuse_weights(output_attentions: bool) -> None:
    """ConfigurationError where attention weights are asked for."""
    if output_attentions:
        raise ConfigurationError(NO_WEIGHTS)


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

    def chunk_size(self, question: Question) -> int:
        """As many as fit, and at most as many as asked."""
        refuse_weights(question.output_attentions)
        return self._budget.smaller(question.chunk_size).rows(self._values_a_query)


class FoldedAnswering(Answering):
    """A decoder whose cross-attend is folded, with the linear maps after it.

    Args:
        decoder: lays out answers; its own cross-attend is not needed any more.
        folded: answers.
        postprocessor: makes values; what of it is linear is folded into the answers.
        budget: how much is computed at a time.
        progress: told how far a decode is.
        preprocessor: of a decoder that asks with the input's tokens: what they are made by.
    """

    def __init__(
        self,
        decoder: PerceiverAbstractDecoder,
        folded: PreparedDecoder,
        postprocessor: Postprocessor,
        budget: Budget,
        progress: Progress | None,
        preprocessor: Any,
    ) -> None:
        self._decoder = decoder
        self._folded = folded
        self._postprocessor = postprocessor
        self._budget = budget
        self._progress = progress
        self._preprocessor = preprocessor

    def build_queries(self, encoded: Encoded, question: Question) -> dict[str, TokenStructure]:
        """What the queries consist of, by modality."""
        refuse_weights(question.output_attentions)
        require_query_mask(question.query_mask, self._decoder, encoded, question.asked_for)
        decoder = self._decoder
        if not decoder.needs_tokens:
            return cast("dict[str, TokenStructure]", decoder.query_structures(encoded, question.asked_for))
        tokens = cast("Tensor", encoded.tokens)
        structure: TokenStructure | None = TokenStructure(tokens.shape[1], tokens)
        preprocessor = self._preprocessor
        if isinstance(preprocessor, PositionedPreprocessor) and tokens.shape[-1] != preprocessor.num_channels:
            structure = preprocessor.structure_of(
                tokens, cast("Any", encoded.index_dims), interpolate_pos_encoding=True
            )
        assert structure is not None
        indices = decoder.token_indices(encoded, question.asked_for)
        return {"": structure if indices is None else structure.at(indices)}

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
        return PerceiverDecoderOutput(logits=self._values(answers, grid))

    def _values(self, answers: Mapping[str, Tensor], grid: tuple[int, ...] | None) -> Any:
        if list(answers) == [""]:
            post = self._postprocessor
            linear = is_linear(post)
            values: Any = answers[""]
            values = (
                cast("AbstractPostprocessor", post).arrange(values) if linear else post.of_chunk(values, None)
            )
            values = values if grid is None else self._decoder.arrange(values, grid)
            return values if linear else post.of_whole(values, None)
        parts = postprocessors_of(self._decoder, self._postprocessor)
        if any(part is None for part in parts.values()):
            sizes = {name: some.shape[1] for name, some in answers.items()}
            return self._postprocessor(torch.cat(list(answers.values()), dim=1), modality_sizes=sizes)
        return {name: _postprocessed(parts[name], some) for name, some in sorted(answers.items())}


def postprocessors_of(decoder: PerceiverAbstractDecoder, postprocessor: Any) -> dict[str, Any]:
    """Name -> what makes values of a modality's answers; None where that happens to all answers at once."""
    names = sorted(getattr(decoder, "modalities", {"": None}))
    if names == [""]:
        return {"": postprocessor}
    own = getattr(postprocessor, "modalities", {})
    if not set(names) <= set(own) or postprocessor.input_is_dict:
        return dict.fromkeys(names)
    return {name: own[name] for name in names}


def linear_map(postprocessor: Any) -> AffineMap | None:
    """The map that a postprocessor applies to every token, where that is all it does."""
    return AffineMap.of(postprocessor.linear_map()) if is_linear(postprocessor) else None


def is_linear(postprocessor: Any) -> bool:
    """Whether a postprocessor is a linear map of every token, to be folded into the answers."""
    if not isinstance(postprocessor, AbstractPostprocessor):
        return False
    return (
        not is_overridden(postprocessor, "forward", "linear_map") and postprocessor.linear_map() is not None
    )


def _postprocessed(postprocessor: Any, answers: Tensor) -> Any:
    """Values of one of several modalities; a linear postprocessor is folded into the answers already."""
    if is_linear(postprocessor):
        return postprocessor.arrange(answers)
    return postprocessor(answers, pos=None, modality_sizes=None)
