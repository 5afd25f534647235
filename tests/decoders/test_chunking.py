"""Chunks: the same answers, a few rows at a time."""

from __future__ import annotations

import pytest
import torch

import perceivers
from perceivers.decoders.asked_for import EVERYTHING, ask_for
from perceivers.decoders.chunking import (
    answer_in_chunks,
    build_in_chunks,
    join,
    join_chunks,
    require_query_mask,
)
from perceivers.errors import ShapeError


@pytest.fixture
def decoder(config, lively):
    return lively(
        perceivers.PerceiverBasicDecoder(
            config,
            4,
            output_index_dims=13,
            num_channels=8,
            trainable_position_encoding_kwargs={"num_channels": 8, "index_dims": 13},
        )
    )


def decode(decoder, encoded, asked_for=EVERYTHING, chunk_size=None, query_mask=None, output_attentions=False):
    seen = []

    def postprocess(answers, sizes):
        seen.append(answers.shape[1])
        return answers

    with torch.no_grad():
        require_query_mask(query_mask, decoder, encoded, asked_for)
        queries = build_in_chunks(decoder, encoded, asked_for, chunk_size)
        answers = answer_in_chunks(decoder, encoded.latents, queries, query_mask, output_attentions)
        return join_chunks(answers, postprocess), seen


@pytest.mark.parametrize(
    ("chunk_size", "chunks"), [(None, [13]), (1, [1] * 13), (5, [5, 5, 3]), (13, [13]), (14, [13])]
)
def test_no_chunk_is_larger_than_asked(chunk_size, chunks, decoder, encode):
    encoded = encode()
    answered, seen = decode(decoder, encoded, chunk_size=chunk_size)
    assert seen == chunks
    torch.testing.assert_close(answered.logits, decode(decoder, encoded)[0].logits)
    assert answered.cross_attentions is None


def test_weights_and_masks_go_with_their_rows(decoder, encode):
    encoded = encode()
    options = {"output_attentions": True, "query_mask": torch.rand(2, 13) < 0.5}
    whole, _ = decode(decoder, encoded, **options)
    chunked, _ = decode(decoder, encoded, chunk_size=4, **options)
    torch.testing.assert_close(chunked.logits, whole.logits)
    torch.testing.assert_close(chunked.cross_attentions[0], whole.cross_attentions[0])
    assert whole.cross_attentions[0].shape == (2, 1, 13, 5)


def test_a_mask_counts_the_points_asked_for(decoder, encode):
    encoded, asked_for = encode(), ask_for(positions=[3, 1])
    decode(decoder, encoded, asked_for, query_mask=torch.ones(2, 2))
    with pytest.raises(ShapeError, match=r"`query_mask` must have shape \[2, 2\], received \[2, 13\]"):
        decode(decoder, encoded, asked_for, query_mask=torch.ones(2, 13))


def test_no_points_give_no_rows(decoder, encode):
    for chunk_size in (None, 4):
        answered, _ = decode(decoder, encode(), ask_for(positions=[]), chunk_size=chunk_size)
        assert answered.logits.shape == (2, 0, 4)


def test_a_chunk_of_nothing_is_refused(decoder, encode):
    with pytest.raises(ShapeError, match="`chunk_size` must be at least 1, received 0"):
        decode(decoder, encode(), chunk_size=0)


def test_a_chunk_is_asked_answered_and_made_values_of_before_the_next_one(decoder, encode):
    order = []
    build, attend = decoder.build_queries, decoder.attend

    class Told:
        num_outputs = staticmethod(decoder.num_outputs)

        def build_queries(self, encoded, asked_for, rows):
            order.append(f"ask {rows.start}")
            return build(encoded, asked_for, rows)

        def attend(self, *arguments):
            order.append("answer")
            return attend(*arguments)

    encoded = encode()
    queries = build_in_chunks(Told(), encoded, EVERYTHING, 7)
    answers = answer_in_chunks(Told(), encoded.latents, queries, None, False)
    assert order == []
    join_chunks(answers, lambda values, sizes: order.append("values") or values)
    assert order == ["ask 0", "answer", "values", "ask 7", "answer", "values"]


def test_mappings_are_joined_name_by_name():
    rows = torch.arange(24.0).reshape(2, 4, 3)
    joined = join([{"b": rows[:, :1], "a": rows[:, 1:2]}, {"b": rows[:, 2:]}])
    assert list(joined) == ["a", "b"]
    assert torch.equal(joined["b"], rows[:, [0, 2, 3]])
    assert torch.equal(joined["a"], rows[:, 1:2])
