"""The losses, against numbers worked out by hand."""

from __future__ import annotations

import math

import pytest
import torch

from perceivers.errors import ShapeError
from perceivers.models.losses import (
    classification_loss,
    end_point_error,
    masked_language_modeling_loss,
    mean_absolute_error,
    weighted_sum,
)

NAN, INFINITY = float("nan"), float("inf")


def log_odds(*probabilities):
    return torch.tensor(probabilities).log()


def test_masked_bytes_are_scored_by_the_probability_of_the_true_byte():
    logits = torch.stack([log_odds(0.5, 0.25, 0.25), log_odds(0.2, 0.7, 0.1), log_odds(0.1, 0.1, 0.8)])[None]
    loss = masked_language_modeling_loss(logits, torch.tensor([[1, -100, 2]]))
    assert loss.item() == pytest.approx(-(math.log(0.25) + math.log(0.8)) / 2)
    shorter = masked_language_modeling_loss(logits, torch.tensor([[-100, 0]]))
    assert shorter.item() == pytest.approx(-math.log(0.2))


@pytest.mark.parametrize("shape", [(3,), (3, 5), (2, 6), (2, 5, 1)])
def test_labels_of_bytes_have_a_row_for_each_text_and_fit_into_the_logits(shape):
    message = r"`labels` must have shape \[2, at most 5\], received \["
    with pytest.raises(ShapeError, match=message):
        masked_language_modeling_loss(torch.zeros(2, 5, 7), torch.zeros(shape, dtype=torch.long))


@pytest.mark.parametrize("problem_type", [None, "single_label_classification"])
def test_one_class_is_scored_by_cross_entropy(problem_type):
    logits = torch.stack([log_odds(0.5, 0.25, 0.25), log_odds(0.2, 0.7, 0.1)])
    expected = -(math.log(0.25) + math.log(0.2)) / 2
    for labels in (torch.tensor([1, 0]), torch.tensor([[1], [0]])):
        assert classification_loss(logits, labels, 3, problem_type).item() == pytest.approx(expected)
    ignored = classification_loss(logits, torch.tensor([-100, 0]), 3, problem_type)
    assert ignored.item() == pytest.approx(-math.log(0.2))


@pytest.mark.parametrize("problem_type", [None, "multi_label_classification"])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bool, torch.float64])
def test_several_classes_are_scored_by_binary_cross_entropy(problem_type, dtype):
    odds = torch.tensor([[0.25, 0.5, 0.8], [0.1, 0.4, 0.9]])
    labels = torch.tensor([[1, 0, 1], [0, 0, 0]]).to(dtype)
    loss = classification_loss(torch.logit(odds), labels, 3, problem_type)
    expected = -sum(math.log(p) for p in (0.25, 0.5, 0.8, 0.9, 0.6, 0.1)) / 6
    assert loss.item() == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("problem_type", [None, "regression"])
def test_one_number_is_scored_by_its_squared_error(problem_type):
    logits = torch.tensor([[1.0], [-2.0]])
    for labels in (torch.tensor([4.0, -1.0]), torch.tensor([[4], [-1]])):
        assert classification_loss(logits, labels, 1, problem_type).item() == pytest.approx((9 + 1) / 2)


def test_several_numbers_are_scored_by_their_mean_squared_error():
    logits, labels = torch.tensor([[1.0, 2.0, 3.0]]), torch.tensor([[1.0, 4.0, 0.0]])
    assert classification_loss(logits, labels, 3, "regression").item() == pytest.approx((0 + 4 + 9) / 3)


@pytest.mark.parametrize(
    ("labels", "problem_type", "message"),
    [
        (
            torch.tensor([3, 0]),
            None,
            r"`labels` must be in \[0, 2\] \(or -100, ignored\), received labels from 0 to 3",
        ),
        (torch.tensor([-1, 0]), None, r"`labels` must be in \[0, 2\].* from -1 to 0"),
        (torch.tensor([1, 0, 1]), None, r"`labels` must be class ids \[2\], received \[3\]"),
        (
            torch.rand(2),
            "single_label_classification",
            "`labels` must be whole numbers, received torch.float32",
        ),
        (torch.rand(2, 5), None, r"`labels` must have shape \[2, 3\], received \[2, 5\]"),
        (torch.rand(2, 5), "regression", r"`labels` must have shape \[2, 3\], received \[2, 5\]"),
    ],
)
def test_labels_that_fit_no_class_are_refused(labels, problem_type, message):
    with pytest.raises(ShapeError, match=message):
        classification_loss(torch.zeros(2, 3), labels, 3, problem_type)


def test_bytes_out_of_range_are_refused():
    with pytest.raises(ShapeError, match=r"`labels` must be in \[0, 6\].* from 2 to 7"):
        masked_language_modeling_loss(torch.zeros(1, 3, 7), torch.tensor([[2, -100, 7]]))


def flow(*vectors):
    """A picture of one row."""
    return torch.tensor(vectors, dtype=torch.float32)[None, None]


def test_the_end_point_error_is_the_mean_distance_in_scaled_pixels():
    # Labels over 10: (0, 0), (1, 2), (-1, 0); distances 5, 13 and 0.
    labels = flow((0, 0), (10, 20), (-10, 0))
    predicted = flow((3, 4), (6, 14), (-1, 0))
    assert end_point_error(predicted, labels, 10.0).item() == pytest.approx(18 / 3)
    valid = torch.tensor([[[True, False, True]]])
    assert end_point_error(predicted, labels, 10.0, valid).item() == pytest.approx(5 / 2)
    assert end_point_error(predicted, labels, 10.0, valid.long()).item() == pytest.approx(5 / 2)


@pytest.mark.parametrize("unknown", [NAN, INFINITY, -INFINITY])
def test_unknown_displacements_count_for_nothing_and_leave_gradients_finite(unknown):
    labels = flow((0, 0), (unknown, 20), (-10, unknown))
    predicted = flow((3, 4), (6, 14), (-1, 0)).requires_grad_()
    loss = end_point_error(predicted, labels, 10.0)
    assert loss.item() == pytest.approx(5)
    loss.backward()
    torch.testing.assert_close(predicted.grad, flow((0.6, 0.8), (0, 0), (0, 0)))


def test_a_right_prediction_has_a_finite_gradient():
    predicted = flow((1, 2)).requires_grad_()
    end_point_error(predicted, flow((10, 20)), 10.0).backward()
    assert predicted.grad.tolist() == [[[[0.0, 0.0]]]]


def test_where_nothing_is_known_the_loss_is_zero():
    predicted = flow((1, 2)).requires_grad_()
    loss = end_point_error(predicted, flow((NAN, 0)), 10.0)
    assert loss.item() == 0
    loss.backward()
    assert not predicted.grad.any()


def test_flow_labels_of_another_shape_are_refused():
    with pytest.raises(
        ShapeError, match=r"`labels` must have shape \[1, 3, 5, 2\] \(a displacement .*\[1, 2, 3, 5\]"
    ):
        end_point_error(torch.zeros(1, 3, 5, 2), torch.zeros(1, 2, 3, 5), 10.0)
    with pytest.raises(
        ShapeError, match=r"`valid_mask` must have shape \[1, 3, 5\], received \[1, 3, 5, 1\]"
    ):
        end_point_error(torch.zeros(1, 3, 5, 2), torch.zeros(1, 3, 5, 2), 10.0, torch.ones(1, 3, 5, 1))


@pytest.mark.parametrize("dtype", [torch.int32, torch.int16, torch.uint8])
def test_class_ids_may_be_any_whole_numbers(dtype):
    logits, labels = torch.randn(2, 3), torch.tensor([1, 2])
    expected = classification_loss(logits, labels, 3)
    assert torch.equal(classification_loss(logits, labels.to(dtype), 3), expected)
    assert torch.equal(masked_language_modeling_loss(logits[None], labels.to(dtype)[None]), expected)


def test_targets_are_not_rounded_to_half_precision():
    # 1000.7 and 100.3 are 1000 and 100.5 in bfloat16.
    displacement = flow((1000.7, 0)).expand(1, 1, 2, 2)
    loss = end_point_error(torch.zeros(1, 1, 2, 2, dtype=torch.bfloat16), displacement, 1.0)
    assert loss.item() == pytest.approx(1000.7)
    number, target = torch.zeros(2, 1, dtype=torch.bfloat16), torch.tensor([100.3, 100.3])
    assert classification_loss(number, target, 1).item() == pytest.approx(100.3**2)
    assert mean_absolute_error(number[:, 0], target).item() == pytest.approx(100.3)


def test_losses_are_summed_by_their_weights():
    losses = {"a": torch.tensor(2.0), "b": torch.tensor(3.0)}
    assert weighted_sum(losses, {"b": 0.5, "c": 7.0}).item() == pytest.approx(2 + 1.5)
    with pytest.raises(
        ShapeError, match="`labels` must give a target for at least one modality, received none"
    ):
        weighted_sum({}, {"a": 1.0})
