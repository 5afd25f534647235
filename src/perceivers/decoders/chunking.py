"""Decoding in chunks of bounded memory: the same queries and answers, a few rows at a time."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from perceivers.decoders.base import AskedFor, PerceiverAbstractDecoder
from perceivers.errors import ShapeError
from perceivers.nn.packing import row_ranges
from perceivers.outputs import Encoded, PerceiverDecoderOutput

Postprocess = Callable[[Any, Mapping[str, int] | None], Any]


def decode_rows(
    decoder: PerceiverAbstractDecoder,
    encoded: Encoded,
    asked_for: AskedFor,
    *,
    rows: slice | None,
    query_mask: Tensor | None,
    output_attentions: bool,
    postprocess: Postprocess,
) -> PerceiverDecoderOutput:
    """Build the queries of some rows of what is asked for, let them attend, turn the answers into values.

    Args:
        decoder: builds and answers.
        encoded: what is asked.
        asked_for: which outputs.
        rows: which rows of those; None for all.
        query_mask: [batch, number of outputs asked for], nonzero where a query may look at the latents.
        output_attentions: also return the cross-attention weights.
        postprocess: from answers and their modality sizes to values.
    """
    queries = decoder.build_queries(encoded, asked_for, rows)
    mask = query_mask if query_mask is None or rows is None else query_mask[:, rows]
    answered = decoder.attend(queries.tokens, encoded.latents, mask, output_attentions)
    values = postprocess(answered.logits, queries.modality_sizes)
    return PerceiverDecoderOutput(logits=values, cross_attentions=answered.cross_attentions)


def decode_in_chunks(
    decoder: PerceiverAbstractDecoder,
    encoded: Encoded,
    asked_for: AskedFor,
    *,
    chunk_size: int | None,
    query_mask: Tensor | None,
    output_attentions: bool,
    postprocess: Postprocess,
) -> PerceiverDecoderOutput:
    """As `decode_rows` for every row, at most `chunk_size` at a time, values and weights joined; None: all at once."""
    num_outputs = decoder.num_outputs(encoded, asked_for)
    if query_mask is not None and tuple(query_mask.shape) != (encoded.latents.shape[0], num_outputs):
        raise ShapeError(
            f"`query_mask` must have shape {[encoded.latents.shape[0], num_outputs]}, received {list(query_mask.shape)}"
        )
    ranges: Sequence[slice | None] = (
        [None] if chunk_size is None else list(row_ranges(num_outputs, chunk_size))
    )
    chunks = [
        decode_rows(
            decoder,
            encoded,
            asked_for,
            rows=rows,
            query_mask=query_mask,
            output_attentions=output_attentions,
            postprocess=postprocess,
        )
        for rows in ranges
    ]
    if len(chunks) == 1:
        return chunks[0]
    weights = [chunk.cross_attentions for chunk in chunks if chunk.cross_attentions is not None]
    return PerceiverDecoderOutput(
        logits=join([chunk.logits for chunk in chunks]),
        cross_attentions=tuple(torch.cat(parts, dim=2) for parts in zip(*weights, strict=True)) or None,
    )


def join(chunks: Sequence[Any]) -> Any:
    """Values of consecutive rows laid side by side; mappings name by name, where a chunk may lack a name."""
    if not isinstance(chunks[0], Mapping):
        return torch.cat(list(chunks), dim=1)
    names = sorted({name for chunk in chunks for name in chunk})
    return {name: join([chunk[name] for chunk in chunks if name in chunk]) for name in names}
