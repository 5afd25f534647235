"""Decoding in chunks of bounded memory: the same queries and answers, a few rows at a time, each made when it is wanted."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from perceivers.decoders.asked_for import AskedFor
from perceivers.decoders.base import PerceiverAbstractDecoder, Queries
from perceivers.errors import ShapeError
from perceivers.nn.packing import row_ranges
from perceivers.outputs import Encoded, PerceiverDecoderOutput

#: From answers and the number of queries of each modality among them to values.
Postprocess = Callable[[Any, Mapping[str, int] | None], Any]


@dataclass(frozen=True)
class QueryChunk:
    """Some of the queries.

    Attributes:
        rows: which ones of those asked for; None for all.
        queries: themselves.
    """

    rows: slice | None
    queries: Queries


@dataclass(frozen=True)
class AnswerChunk:
    """What the latents answer some of the queries.

    Attributes:
        answers: [batch, number of queries, channels].
        modality_sizes: number of queries of each modality, where there are several.
        cross_attentions: as in PerceiverDecoderOutput.
    """

    answers: Any
    modality_sizes: Mapping[str, int] | None
    cross_attentions: tuple[Tensor, ...] | None


def build_in_chunks(
    decoder: PerceiverAbstractDecoder, encoded: Encoded, asked_for: AskedFor, chunk_size: int | None
) -> Iterator[QueryChunk]:
    """Queries for what is asked for, at most `chunk_size` at a time; None: all at once."""
    ranges: Sequence[slice | None] = (
        [None]
        if chunk_size is None
        else list(row_ranges(decoder.num_outputs(encoded, asked_for), chunk_size))
    )
    # Nothing here holds a chunk while the next one is made.
    return (QueryChunk(rows, decoder.build_queries(encoded, asked_for, rows)) for rows in ranges)


def answer_in_chunks(
    decoder: PerceiverAbstractDecoder,
    latents: Tensor,
    chunks: Iterable[QueryChunk],
    query_mask: Tensor | None,
    output_attentions: bool,
) -> Iterator[AnswerChunk]:
    """What latents [batch, num_latents, channels] answer each chunk of queries.

    Args:
        decoder: answers.
        latents: of the inputs.
        chunks: the queries.
        query_mask: [batch, number of all queries], nonzero where a query may look at the latents.
        output_attentions: also return the cross-attention weights.
    """

    def answer(chunk: QueryChunk) -> AnswerChunk:
        mask = query_mask if query_mask is None or chunk.rows is None else query_mask[:, chunk.rows]
        answered = decoder.attend(chunk.queries.tokens, latents, mask, output_attentions)
        return AnswerChunk(answered.logits, chunk.queries.modality_sizes, answered.cross_attentions)

    return map(answer, chunks)


def join_chunks(chunks: Iterable[AnswerChunk], postprocess: Postprocess) -> PerceiverDecoderOutput:
    """Values of all chunks laid side by side, and their attention weights.

    Args:
        chunks: the answers.
        postprocess: what is made of each chunk of them, before the next one is answered.
    """

    def finish(chunk: AnswerChunk) -> PerceiverDecoderOutput:
        return PerceiverDecoderOutput(
            logits=postprocess(chunk.answers, chunk.modality_sizes), cross_attentions=chunk.cross_attentions
        )

    finished = list(map(finish, chunks))
    if len(finished) == 1:
        return finished[0]
    weights = [each.cross_attentions for each in finished if each.cross_attentions is not None]
    return PerceiverDecoderOutput(
        logits=join([each.logits for each in finished]),
        cross_attentions=tuple(torch.cat(parts, dim=2) for parts in zip(*weights, strict=True)) or None,
    )


def require_query_mask(
    query_mask: Tensor | None, decoder: PerceiverAbstractDecoder, encoded: Encoded, asked_for: AskedFor
) -> None:
    """ShapeError unless a mask has an entry for each query of each sample."""
    if query_mask is None:
        return
    expected = (encoded.latents.shape[0], decoder.num_outputs(encoded, asked_for))
    if tuple(query_mask.shape) != expected:
        raise ShapeError(f"`query_mask` must have shape {list(expected)}, received {list(query_mask.shape)}")


def join(chunks: Sequence[Any]) -> Any:
    """Values of consecutive rows laid side by side; mappings name by name, where a chunk may lack a name."""
    if not isinstance(chunks[0], Mapping):
        return torch.cat(list(chunks), dim=1)
    names = sorted({name for chunk in chunks for name in chunk})
    return {name: join([chunk[name] for chunk in chunks if name in chunk]) for name in names}
