"""Chunks: the same answers, a few rows at a time."""

from __future__ import annotations

import pytest
import torch

import perceivers
from perceivers.decoders.base import EVERYTHING, ask_for
from perceivers.decoders.chunking import decode_in_chunks, join
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


def decode(decoder, encoded, asked_for=EVERYTHING, **options):
    seen = []

    def postprocess(answers, sizes):
        seen.append(answers.shape[1])
        return answers

    options = {"chunk_size": None, "query_mask": None, "output_attentions": False, **options}
    with torch.no_grad():
        return decode_in_chunks(decoder, encoded, asked_for, postprocess=postprocess, **options), seen


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


def test_mappings_are_joined_name_by_name():
    rows = torch.arange(24.0).reshape(2, 4, 3)
    joined = join([{"b": rows[:, :1], "a": rows[:, 1:2]}, {"b": rows[:, 2:]}])
    assert list(joined) == ["a", "b"]
    assert torch.equal(joined["b"], rows[:, [0, 2, 3]])
    assert torch.equal(joined["a"], rows[:, 1:2])
