"""From what was encoded to what is asked for: the last three verbs, as any part that answers has them."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, cast

import torch
from torch import Tensor

from perceivers.decoders.asked_for import AskedFor
from perceivers.decoders.base import PerceiverAbstractDecoder
from perceivers.decoders.chunking import (
    AnswerChunk,
    QueryChunk,
    answer_in_chunks,
    build_in_chunks,
    join_chunks,
    require_query_mask,
)
from perceivers.modalities.adapters import Postprocessor
from perceivers.outputs import Encoded, PerceiverDecoderOutput

# Outputs decoded at a time where nobody says otherwise: some 70 MB an array of the released multimodal model's queries.
DECODING_CHUNK = 16384


@dataclass(frozen=True)
class Question:
    """What a caller wants to know.

    Attributes:
        asked_for: which outputs.
        query_mask: [batch, num_outputs], nonzero where an output may look at the latents.
        chunk_size: outputs at a time, at most; None leaves it to who answers.
        output_attentions: whether attention weights are wanted.
    """

    asked_for: AskedFor
    query_mask: Tensor | None = None
    chunk_size: int | None = None
    output_attentions: bool = False


class Answering(ABC):
    """Builds queries, has the latents answer them, makes values of the answers.

    What one verb returns is for the next one alone: tensors, or chunks of them that are made when they are wanted.
    """

    @abstractmethod
    def build_queries(self, encoded: Encoded, question: Question) -> Any:
        """Queries for what is asked for."""

    @abstractmethod
    def decode(self, encoded: Encoded, queries: Any, question: Question) -> Any:
        """What the latents answer them."""

    @abstractmethod
    def postprocess(self, encoded: Encoded, answers: Any, question: Question) -> PerceiverDecoderOutput:
        """Values of the answers, laid out as the decoder and the postprocessor say, and attention weights."""


class PlainAnswering(Answering):
    """A decoder and a postprocessor as they are, by chunks whatever can be made of some answers alone.

    Args:
        decoder: builds queries and answers them.
        postprocessor: makes values.
    """

    def __init__(self, decoder: PerceiverAbstractDecoder, postprocessor: Postprocessor) -> None:
        self.decoder = decoder
        self.postprocessor = postprocessor

    def build_queries(self, encoded: Encoded, question: Question) -> Iterator[QueryChunk]:
        """See Answering."""
        require_query_mask(question.query_mask, self.decoder, encoded, question.asked_for)
        return build_in_chunks(self.decoder, encoded, question.asked_for, self.chunk_size(question))

    def decode(
        self, encoded: Encoded, queries: Iterator[QueryChunk], question: Question
    ) -> Iterator[AnswerChunk]:
        """See Answering."""
        return answer_in_chunks(
            self.decoder, encoded.latents, queries, question.query_mask, question.output_attentions
        )

    def postprocess(
        self, encoded: Encoded, answers: Iterator[AnswerChunk], question: Question
    ) -> PerceiverDecoderOutput:
        """See Answering."""
        answered = join_chunks(answers, self.postprocessor.of_chunk)
        grid = self.decoder.whole_grid(encoded, question.asked_for)
        if grid is not None:
            answered.logits = self.decoder.arrange(cast("Tensor", answered.logits), grid)
        sizes = self.decoder.modality_sizes(encoded, question.asked_for)
        answered.logits = self.postprocessor.of_whole(answered.logits, sizes)
        return answered

    def chunk_size(self, question: Question) -> int | None:
        """Outputs at a time: as asked, or DECODING_CHUNK while neither gradients nor weights need them all at once."""
        if question.chunk_size is not None:
            return question.chunk_size
        at_once = torch.is_grad_enabled() or torch.compiler.is_compiling() or question.output_attentions
        return None if at_once else DECODING_CHUNK
