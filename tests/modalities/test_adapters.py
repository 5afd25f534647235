"""No part, a plain function and a part of ours answer the same calls of a model."""

from __future__ import annotations

import copy

import pytest
import torch
from torch import nn

import perceivers
from perceivers.errors import ConfigurationError, ShapeError
from perceivers.modalities.adapters import (
    AnswersAsTheyAre,
    CallablePostprocessor,
    CallablePreprocessor,
    TokensAsTheyAre,
    as_postprocessor,
    as_preprocessor,
)


class Halves:
    """A function with channels: every second value of each token."""

    num_channels = 2

    def __init__(self):
        self.calls = []

    def __call__(self, inputs, **options):
        self.calls.append(options)
        return inputs[..., ::2], None, inputs


def config(**changes):
    sizes = {"num_latents": 5, "d_latents": 8, "d_model": 3, "num_self_attends_per_block": 1}
    return perceivers.PerceiverConfig(num_cross_attention_heads=1, **sizes, **changes)


def test_tokens_pass_through_and_say_where_they_lie():
    adapter, tokens = as_preprocessor(None, 3), torch.randn(2, 7, 3)
    assert isinstance(adapter, TokensAsTheyAre)
    made, sizes, features = adapter(tokens, interpolate_pos_encoding=True)
    assert made is tokens
    assert features is tokens
    assert sizes is None
    assert (adapter.num_channels, adapter.index_dims(tokens), adapter.output_dims(tokens)) == (3, (7,), None)
    assert adapter.own_positions(tokens, None) is None
    assert adapter.input_mask(torch.tensor([[2] * 7, [0] * 7]), tokens, None).tolist() == [
        [True] * 7,
        [False] * 7,
    ]
    with pytest.raises(ShapeError, match="`pos` needs an `input_preprocessor` with positions"):
        adapter(tokens, pos=torch.zeros(2, 7, 1))


def test_a_function_is_called_with_what_was_given_and_nothing_more():
    function, inputs = Halves(), torch.randn(2, 7, 3)
    adapter = as_preprocessor(function, 11)
    assert isinstance(adapter, CallablePreprocessor)
    made, _, features = adapter(inputs, interpolate_pos_encoding=False)
    assert torch.equal(made, inputs[..., [0, 2]])
    assert features is inputs
    assert function.calls == [{"interpolate_pos_encoding": False}]
    assert (adapter.num_channels, adapter.index_dims(inputs), adapter.output_dims(inputs)) == (2, None, None)
    assert adapter.own_positions(inputs, None) is None
    assert adapter.input_mask(torch.ones(2, 7), made, None).all()
    with pytest.raises(ConfigurationError, match="received a Identity without it"):
        as_preprocessor(nn.Identity(), 3)


def test_a_preprocessor_and_a_postprocessor_of_ours_need_no_adapter():
    part = perceivers.PerceiverOneHotPreprocessor(config())
    assert as_preprocessor(part, 3) is part
    post = perceivers.PerceiverProjectionPostprocessor(3, 2)
    assert as_postprocessor(post) is post


def test_a_function_of_answers_sees_them_all():
    seen = []

    def function(answers, modality_sizes=None):
        seen.append((answers.shape[1], modality_sizes))
        return answers.mean(1)

    adapter, answers = as_postprocessor(function), torch.randn(2, 7, 3)
    assert isinstance(adapter, CallablePostprocessor)
    assert adapter.of_chunk(answers, None) is answers
    assert torch.equal(adapter.of_whole(answers, {"a": 7}), answers.mean(1))
    assert torch.equal(adapter(answers), answers.mean(1))
    assert seen == [(7, {"a": 7}), (7, None)]


def test_without_a_postprocessor_answers_are_values():
    adapter, answers = as_postprocessor(None), torch.randn(2, 7, 3)
    assert isinstance(adapter, AnswersAsTheyAre)
    assert adapter.of_chunk(answers, None) is answers
    assert adapter.of_whole(answers, None) is answers
    assert adapter(answers) is answers


@pytest.mark.parametrize("part", [None, Halves()])
def test_a_model_keeps_what_it_was_given_and_adds_no_key(part):
    model = perceivers.PerceiverModel(config(), input_preprocessor=part)
    assert model.input_preprocessor is part
    assert model.output_postprocessor is None
    model(torch.randn(2, 7, 3))
    assert {key.split(".")[0] for key in model.state_dict()} == {"embeddings", "encoder"}
    assert {name for name, _ in model.named_children()} == {"embeddings", "encoder"}


def test_a_part_that_is_replaced_is_the_one_that_is_used():
    model = perceivers.PerceiverModel(config(), input_preprocessor=Halves()).eval()
    inputs = torch.randn(2, 7, 3)
    before = model(inputs).last_hidden_state
    twin = copy.deepcopy(model)

    class Others(Halves):
        def __call__(self, inputs, **options):
            return inputs[..., 1:], None, inputs

    model.input_preprocessor = Others()
    assert not torch.allclose(model(inputs).last_hidden_state, before)
    assert torch.equal(twin(inputs).last_hidden_state, before)
