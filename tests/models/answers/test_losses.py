"""Losses of answers: by hand, without targets, of several queries, smoothed."""

from __future__ import annotations

import math

import pytest
import torch

from perceivers.configuration_answers import read_answer
from perceivers.errors import ConfigurationError, ShapeError
from perceivers.models.answers.losses import answer_losses, has_target, mean_loss, pinball

CLASS = read_answer("kind", {"type": "class", "num_labels": 3})
LABELS = read_answer("tags", {"type": "labels", "num_labels": 2})
NUMBER = read_answer("age", {"type": "number"})
QUANTILES = read_answer("price", {"type": "number", "quantiles": [0.25, 0.5]})
NAN = math.nan


def close(received, expected):
    torch.testing.assert_close(received, torch.as_tensor(expected), atol=1e-5, rtol=1e-5)


def test_a_class_loses_its_cross_entropy():
    logits = torch.tensor([[1.0, 2.0, 0.5], [0.0, 0.0, 0.0], [3.0, 1.0, 1.0]])
    targets = torch.tensor([1, -100, 0])
    # log(e^1 + e^2 + e^0.5) = 2.46438, log(e^3 + 2 e) = 3.23956.
    close(answer_losses(logits, targets, CLASS), [0.46438, 0.0, 0.23954])
    assert has_target(targets, CLASS).tolist() == [True, False, True]


def test_shares_of_classes_are_targets_too():
    logits = torch.randn(3, 3)
    targets = torch.tensor([[0.0, 1.0, 0.0], [0.25, 0.75, 0.0], [NAN, NAN, NAN]])
    ids = answer_losses(logits, torch.tensor([1, 1, -100]), CLASS)
    other = answer_losses(logits, torch.tensor([0, 0, -100]), CLASS)
    close(answer_losses(logits, targets, CLASS), [ids[0], 0.25 * other[1] + 0.75 * ids[1], 0.0])
    assert has_target(targets, CLASS).tolist() == [True, True, False]


def test_labels_lose_the_mean_over_those_that_are_known():
    logits = torch.tensor([[0.0, 2.0], [1.0, -1.0], [0.5, 0.5]])
    targets = torch.tensor([[1.0, 0.0], [NAN, 1.0], [NAN, NAN]])
    # log 2 = 0.69315, log(1 + e^2) = 2.12693, log(1 + e) = 1.31326.
    close(answer_losses(logits, targets, LABELS), [(0.69315 + 2.12693) / 2, 1.31326, 0.0])
    assert has_target(targets, LABELS).tolist() == [True, True, False]
    flags = torch.tensor([[True, False], [False, True], [False, False]])
    close(answer_losses(logits, flags, LABELS), answer_losses(logits, flags.float(), LABELS))
    assert has_target(flags, LABELS).all()


def test_a_number_loses_its_squared_error():
    targets = torch.tensor([1.0, NAN, -0.5])
    close(answer_losses(torch.tensor([3.0, 7.0, 0.0]), targets, NUMBER), [4.0, 0.0, 0.25])
    assert has_target(targets, NUMBER).tolist() == [True, False, True]
    close(answer_losses(torch.tensor([3.0]), torch.tensor([1]), NUMBER), [4.0])


def test_quantiles_lose_more_on_the_side_that_they_should_not_be_on():
    values = torch.tensor([[1.0, 2.0], [1.0, 2.0], [0.0, 0.0]])
    targets = torch.tensor([3.0, 0.0, NAN])
    # 0.25 x 2 and 0.5 x 1; 0.75 x 1 and 0.5 x 2; no target.
    close(answer_losses(values, targets, QUANTILES), [(0.5 + 0.5) / 2, (0.75 + 1.0) / 2, 0.0])
    close(pinball(values[0], targets[0], [0.25, 0.5]), [0.5, 0.5])


def test_a_constant_answer_that_loses_least_is_the_quantile():
    numbers = torch.arange(101.0)
    candidates = torch.arange(101.0)[:, None].expand(-1, 101)[..., None]
    lost = pinball(candidates, numbers.expand(101, -1), [0.25])[..., 0].mean(dim=1)
    assert int(lost.argmin()) == 25


@pytest.mark.parametrize(
    ("answer", "shape", "targets"),
    [
        (CLASS, (3,), torch.tensor([1, -100, 0])),
        (CLASS, (3,), torch.tensor([[0.0, 0.5, 0.5], [NAN, NAN, NAN], [1.0, 0.0, 0.0]])),
        (LABELS, (2,), torch.tensor([[1.0, 0.0], [NAN, NAN], [0.0, NAN]])),
        (NUMBER, (), torch.tensor([1.0, NAN, 2.0])),
        (QUANTILES, (2,), torch.tensor([1.0, NAN, 2.0])),
    ],
)
def test_several_queries_lose_the_mean_of_what_each_one_loses(answer, shape, targets):
    said = torch.randn(3, 5, *shape, requires_grad=True)
    each = torch.stack([answer_losses(said[:, query], targets, answer) for query in range(5)])
    received = answer_losses(said, targets, answer)
    close(received, each.mean(0))
    assert received[1] == 0
    received.sum().backward()
    assert torch.isfinite(said.grad).all()
    assert said.grad[1].abs().max() == 0
    assert answer_losses(said.to(torch.bfloat16), targets, answer).dtype == torch.float32


def test_smoothing_spreads_a_share_of_the_target():
    logits = torch.randn(2, 3)
    spread = torch.tensor([[0.1, 0.8, 0.1], [0.8, 0.1, 0.1]])
    expected = -(spread * logits.log_softmax(1)).sum(1)
    close(answer_losses(logits, torch.tensor([1, 0]), CLASS, label_smoothing=0.3), expected)
    shares = torch.tensor([[0.0, 1.0, 0.0], [1.0, 0.0, 0.0]])
    close(answer_losses(logits, shares, CLASS, label_smoothing=0.3), expected)
    some = torch.tensor([[1.0, 0.0], [NAN, 1.0]])
    softened = torch.tensor([[0.85, 0.15], [NAN, 0.85]])
    close(
        answer_losses(logits[:, :2], some, LABELS, label_smoothing=0.3),
        answer_losses(logits[:, :2], softened, LABELS),
    )


def test_the_mean_is_that_of_the_samples_that_have_a_target():
    losses = torch.tensor([2.0, 0.0, 4.0], requires_grad=True)
    assert mean_loss(losses, torch.tensor([True, False, True])) == 3
    nothing = mean_loss(0 * losses, torch.zeros(3, dtype=torch.bool))
    assert nothing == 0
    nothing.backward()
    assert losses.grad.tolist() == [0, 0, 0]


@pytest.mark.parametrize(
    ("logits", "targets", "answer", "message"),
    [
        (torch.zeros(2, 3), torch.tensor([0, 3]), CLASS, r"`labels` must be in \[0, 2\]"),
        (torch.zeros(2, 3), torch.tensor([0]), CLASS, r"must be class ids \[2\], received \[1\]"),
        (torch.zeros(2, 3), torch.tensor([True, False]), CLASS, "whole numbers, received torch.bool"),
        (torch.zeros(2, 3), torch.zeros(2), CLASS, r"type 'class' must have shape \[2, 3\], received \[2\]"),
        (
            torch.zeros(2, 2),
            torch.zeros(2, 3),
            LABELS,
            r"'labels' must have shape \[2, 2\], received \[2, 3\]",
        ),
        (torch.zeros(2), torch.zeros(2, 1), NUMBER, r"'number' must have shape \[2\], received \[2, 1\]"),
    ],
)
def test_targets_that_do_not_fit_are_refused(logits, targets, answer, message):
    with pytest.raises(ShapeError, match=message):
        answer_losses(logits, targets, answer)


def test_smoothing_needs_labels():
    with pytest.raises(ConfigurationError, match="`label_smoothing` must be 0 for a number"):
        answer_losses(torch.zeros(2), torch.zeros(2), NUMBER, label_smoothing=0.1)
    for share in (1.0, -0.1):
        with pytest.raises(ConfigurationError, match="`label_smoothing` must be at least 0 and below 1"):
            answer_losses(torch.zeros(2, 3), torch.zeros(2, dtype=torch.int64), CLASS, label_smoothing=share)
