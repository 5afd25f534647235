"""Heads of answers: scores by hand, quantiles in order, what several queries say together."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from perceivers.configuration_answers import read_answer
from perceivers.models.answers.heads import AnswerHead, TokenReading, ascending_quantiles, average_of_queries
from perceivers.nn.learning_rates import learning_rate_factors


def answer(**description):
    return read_answer("it", description)


def test_a_head_is_tanh_layers_and_a_linear_one_for_each_query():
    head = AnswerHead(3, answer(type="class", num_labels=4, mlp_layers=2, num_queries=2))
    answered = torch.randn(5, 2, 3)
    received = head(answered)
    first, second = head.hidden
    for query in range(2):
        hidden = torch.tanh(answered[:, query] @ first.weight[query].T + first.bias[query])
        hidden = torch.tanh(hidden @ second.weight[query].T + second.bias[query])
        expected = hidden @ head.classifier.weight[query].T + head.classifier.bias[query]
        torch.testing.assert_close(received[:, query], expected)
    assert received.shape == (5, 2, 4)
    assert len(AnswerHead(3, answer(type="labels", num_labels=4)).hidden) == 0


@pytest.mark.parametrize(
    ("description", "shape"),
    [
        ({"type": "number"}, (5, 2)),
        ({"type": "number", "quantiles": [0.5]}, (5, 2, 1)),
        ({"type": "number", "quantiles": [0.1, 0.2, 0.9, 0.95]}, (5, 2, 4)),
        ({"type": "labels", "num_labels": 1}, (5, 2, 1)),
    ],
)
def test_numbers_have_no_axis_of_scores_but_quantiles_have(description, shape):
    head = AnswerHead(3, answer(**description, num_queries=2))
    assert head(torch.randn(5, 2, 3)).shape == shape


def test_what_is_read_off_tokens_is_a_linear_map_of_the_mean_of_those_that_count():
    reading = TokenReading(3, answer(type="class", num_labels=4, num_queries=2, token_rate=5.0))
    tokens = torch.randn(3, 5, 3)
    mask = torch.tensor([[True] * 5, [True, False, True, False, False], [False] * 5])
    means = torch.stack([tokens[0].mean(0), (tokens[1, 0] + tokens[1, 2]) / 2, torch.zeros(3)])
    expected = (means @ reading.linear.weight.T + reading.linear.bias).reshape(3, 2, 4)
    torch.testing.assert_close(reading(tokens, mask), expected)
    torch.testing.assert_close(reading(tokens, None)[0], expected[0])
    assert learning_rate_factors(reading) == {id(each): 5.0 for each in reading.parameters()}


def test_what_was_read_off_tokens_is_added_to_the_scores():
    head = AnswerHead(3, answer(type="number", num_queries=2))
    answered, seen = torch.randn(5, 2, 3), torch.randn(5, 2, 1)
    torch.testing.assert_close(head(answered, seen), head(answered) + seen[..., 0])


USUAL = (-1.6449, -0.5244, 0.0, 1.6449)


def test_scores_of_zero_give_the_usual_quantiles():
    torch.testing.assert_close(ascending_quantiles(torch.zeros(2, 4), USUAL)[0], torch.tensor(USUAL))
    head = AnswerHead(3, answer(type="number", quantiles=[0.05, 0.3, 0.5, 0.95]))
    with torch.no_grad():
        head.classifier.weight.zero_()
        head.classifier.bias.zero_()
    torch.testing.assert_close(head(torch.randn(2, 1, 3))[0, 0], torch.tensor(USUAL), atol=1e-4, rtol=0)


def test_the_middle_score_moves_all_quantiles_and_the_others_their_distance():
    moved = ascending_quantiles(torch.tensor([0.0, 0.0, 2.5, 0.0]), USUAL)
    torch.testing.assert_close(moved, torch.tensor(USUAL) + 2.5)
    wide = ascending_quantiles(torch.tensor([0.0, 0.0, 0.0, 30.0]), USUAL)
    torch.testing.assert_close(wide[:3], torch.tensor(USUAL[:3]))
    # softplus(x) is x for large x; its shift here is log(exp(1.6449) - 1) = 1.4311.
    torch.testing.assert_close(wide[3], torch.tensor(31.4311), atol=1e-3, rtol=0)


@given(st.lists(st.floats(-50, 50, width=32), min_size=4, max_size=4))
def test_quantiles_never_cross(scores):
    assert (ascending_quantiles(torch.tensor(scores), USUAL).diff() >= 0).all()


def test_what_one_query_says_is_the_answer():
    said = torch.randn(5, 1, 3)
    assert torch.equal(average_of_queries(said, answer(type="class", num_labels=3)), said[:, 0])


def test_probabilities_of_several_queries_are_averaged():
    said = torch.randn(5, 7, 3)
    classes = average_of_queries(said, answer(type="class", num_labels=3, num_queries=7))
    torch.testing.assert_close(classes.softmax(-1), said.softmax(-1).mean(1))
    labels = average_of_queries(said, answer(type="labels", num_labels=3, num_queries=7))
    torch.testing.assert_close(labels.sigmoid(), said.sigmoid().mean(1))
    far = torch.tensor([[[200.0, -200.0], [200.0, -190.0]]])
    for kind in ("class", "labels"):
        assert torch.isfinite(average_of_queries(far, answer(type=kind, num_labels=2, num_queries=2))).all()
    half = average_of_queries(said.to(torch.bfloat16), answer(type="class", num_labels=3, num_queries=7))
    assert half.dtype == torch.bfloat16


def test_numbers_of_several_queries_are_averaged():
    numbers = torch.randn(5, 7)
    torch.testing.assert_close(
        average_of_queries(numbers, answer(type="number", num_queries=7)), numbers.mean(1)
    )
    quantiles = torch.randn(5, 7, 2)
    described = answer(type="number", quantiles=[0.1, 0.9], num_queries=7)
    torch.testing.assert_close(average_of_queries(quantiles, described), quantiles.mean(1))
