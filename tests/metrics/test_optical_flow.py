"""Metrics of optical flow against errors worked out by hand, valid pixels only, in batches of any size."""

import pytest
import torch

from perceivers.errors import ShapeError
from perceivers.metrics.optical_flow import flow_metrics, flow_sums


def picture(*motions):
    """[1, 1, number of motions, 2]."""
    return torch.tensor(motions, dtype=torch.float32)[None, None]


# Errors of 0, 5 (3 and 4), 2 and 4 pixels; true motions are 0, 10, 200 and 100 pixels long.
TARGET = picture((0, 0), (6, 8), (200, 0), (0, 100))
PREDS = picture((0, 0), (9, 12), (202, 0), (0, 96))
VALID = torch.ones(1, 1, 4, dtype=torch.bool)


def measured(*pictures):
    metrics = flow_metrics()
    for each in pictures:
        metrics.update(sums=flow_sums(*each))
    return {name: float(value) for name, value in metrics.compute().items()}


def test_sums_of_a_picture_by_hand():
    # 4 of 100 pixels is less than 5 %: no outlier for KITTI, though beyond 3 pixels. 5 pixels are not more than 5.
    assert flow_sums(PREDS, TARGET, VALID).tolist() == [[4, 11, 3, 2, 0, 1, 310]]


def test_all_metrics_by_hand():
    expected = {"epe": 11 / 4, "error_1px": 3 / 4, "error_3px": 2 / 4, "error_5px": 0.0, "fl_all": 1 / 4}
    expected["relative_epe"] = 11 / 310
    assert measured((PREDS, TARGET, VALID)) == pytest.approx(expected)


def test_invalid_pixels_do_not_count_whatever_they_hold():
    valid = torch.tensor([[[True, True, False, False]]])
    target = TARGET.clone()
    target[0, 0, 2] = float("nan")
    target[0, 0, 3] = 1e10
    assert flow_sums(PREDS, target, valid).tolist() == [[2, 5, 1, 1, 0, 1, 10]]


def test_every_pixel_counts_the_same_however_they_are_divided():
    generator = torch.Generator().manual_seed(3)
    target = torch.randn(7, 5, 11, 2, generator=generator) * 9
    preds = target + torch.randn(7, 5, 11, 2, generator=generator) * 4
    valid = torch.rand(7, 5, 11, generator=generator) > 0.4
    valid[6] = False
    at_once = measured((preds, target, valid))
    parts = (slice(0, 4), slice(4, 6), slice(6, 7))
    in_parts = measured(*((preds[rows], target[rows], valid[rows]) for rows in parts))
    assert in_parts == pytest.approx(at_once, rel=1e-6)
    errors = (preds - target)[valid].double().norm(dim=-1)
    assert at_once["epe"] == pytest.approx(float(errors.mean()), rel=1e-6)
    # Not the mean of the pictures' means, since their numbers of valid pixels differ.
    of_pictures = [(preds[i] - target[i])[valid[i]].norm(dim=-1).mean() for i in range(6)]
    assert at_once["epe"] != pytest.approx(float(torch.stack(of_pictures).mean()), rel=1e-4)


def test_pictures_of_different_sizes_are_measured_together():
    wide = (PREDS, TARGET, VALID)
    high = (PREDS.transpose(1, 2)[:, :2], TARGET.transpose(1, 2)[:, :2], VALID.transpose(1, 2)[:, :2])
    assert measured(wide, high)["epe"] == pytest.approx((11 + 5) / 6)


def test_metrics_start_anew_after_a_reset():
    metrics = flow_metrics()
    metrics.update(sums=flow_sums(PREDS, TARGET, VALID))
    metrics.reset()
    metrics.update(sums=flow_sums(PREDS[:, :, 1:2], TARGET[:, :, 1:2], VALID[:, :, 1:2]))
    assert float(metrics.compute()["epe"]) == 5


def test_half_precision_predictions_are_compared_in_full():
    # 1000.25 is no bfloat16 number: the prediction 1000 is a quarter of a pixel off, and rounding may not hide it.
    sums = flow_sums(picture((1000, 0)).bfloat16(), picture((1000.25, 0)), VALID[:, :, :1])
    assert float(sums[0, 1]) == 0.25


def test_nothing_valid_gives_no_number():
    assert all(value != value for value in measured((PREDS, TARGET, ~VALID)).values())


def test_zero_flow_is_what_the_error_is_measured_by():
    assert measured((torch.zeros_like(TARGET), TARGET, VALID))["relative_epe"] == 1.0
    assert measured((2 * TARGET, TARGET, VALID))["relative_epe"] == 1.0
    assert measured((0.75 * TARGET, TARGET, VALID))["relative_epe"] == 0.25
    still = torch.zeros_like(TARGET)
    assert measured((PREDS, still, VALID))["relative_epe"] == float("inf")


def test_wrong_shapes_are_named():
    with pytest.raises(ShapeError, match=r"received \[1, 1, 4, 2\] and \[1, 1, 3, 2\]"):
        flow_sums(PREDS, TARGET[:, :, 1:], VALID)
    with pytest.raises(
        ShapeError, match=r"`valid` must be bool \[1, 1, 4\], received torch.int64 \[1, 1, 4\]"
    ):
        flow_sums(PREDS, TARGET, VALID.long())
