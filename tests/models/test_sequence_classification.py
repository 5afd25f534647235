"""Classification of texts: lengths, losses, the vocabulary's size."""

from __future__ import annotations

import math

import pytest
import torch

from perceivers.errors import ShapeError


@pytest.fixture
def ids():
    return torch.randint(0, 31, (2, 11))


@torch.no_grad()
def answering(model, scores):
    """A model that gives the same scores for every text."""
    head = model.perceiver.decoder.decoder.final_layer
    head.weight.zero_()
    head.bias.copy_(torch.as_tensor(scores))
    return model


def test_one_class_a_text(tiny, ids):
    model = answering(tiny("sequence_classification"), torch.tensor([0.5, 0.3, 0.2]).log())
    output = model(ids, labels=torch.tensor([2, 0]))
    assert output.logits.shape == (2, 3)
    assert output.loss.item() == pytest.approx(-(math.log(0.2) + math.log(0.5)) / 2, rel=1e-5)
    assert model.config.problem_type is None


def test_several_classes_a_text(tiny, ids):
    model = answering(tiny("sequence_classification"), torch.logit(torch.tensor([0.5, 0.3, 0.2])))
    loss = model(ids, labels=torch.tensor([[0.0, 1.0, 0.0], [1.0, 1.0, 1.0]])).loss
    expected = -sum(math.log(p) for p in (0.5, 0.3, 0.8, 0.5, 0.3, 0.2)) / 6
    assert loss.item() == pytest.approx(expected, rel=1e-5)


def test_a_number_a_text(tiny, ids):
    model = answering(tiny("sequence_classification", num_labels=1), [2.0])
    assert model(ids, labels=torch.tensor([5.0, 1.0])).loss.item() == pytest.approx((9 + 1) / 2)
    several = answering(tiny("sequence_classification", problem_type="regression"), [1.0, 2.0, 3.0])
    loss = several(ids, labels=torch.tensor([[1.0, 2.0, 3.0], [0.0, 4.0, 3.0]])).loss
    assert loss.item() == pytest.approx((1 + 4) / 6)


def test_labels_out_of_range_are_refused(tiny, ids):
    with pytest.raises(ShapeError, match=r"`labels` must be in \[0, 2\].*received labels from 1 to 3"):
        tiny("sequence_classification")(ids, labels=torch.tensor([1, 3]))


def test_a_longer_text_needs_interpolated_positions(tiny):
    model = tiny("sequence_classification")
    ids = torch.randint(0, 31, (2, 13))
    with pytest.raises(ShapeError, match="`inputs` must be at most 11 bytes long"):
        model(ids)
    logits = model(ids, interpolate_pos_encoding=True).logits
    assert torch.equal(logits, model.decode(model.encode(ids, interpolate_pos_encoding=True)))
    other = ids.clone()
    other[:, 12] = 30 - other[:, 12]
    assert (model(other, interpolate_pos_encoding=True).logits - logits).abs().max() > 1e-4


def test_the_vocabulary_can_grow_and_shrink(tiny, ids, same):
    model = tiny("sequence_classification")
    before = model(ids).logits
    model.resize_token_embeddings(37)
    same(model(ids).logits, before)
    model.resize_token_embeddings(31)
    same(model(ids).logits, before)
    assert model.config.vocab_size == 31
