"""Metrics of optical flow against errors worked out by hand, valid pixels only, in batches of any size."""

import sys

import pytest
import torch

from perceivers.errors import ConfigurationError, MissingExtraError, ShapeError
from perceivers.metrics.optical_flow import (
    _classes,
    end_point_error,
    end_point_errors,
    flow_error_rate,
    flow_metrics,
)


def picture(*motions):
    """[1, 1, number of motions, 2]."""
    return torch.tensor(motions, dtype=torch.float32)[None, None]


# Errors of 0, 5 (3 and 4), 2 and 4 pixels; true motions are 0, 10, 200 and 100 pixels long.
TARGET = picture((0, 0), (6, 8), (200, 0), (0, 100))
PREDS = picture((0, 0), (9, 12), (202, 0), (0, 96))
VALID = torch.ones(1, 1, 4, dtype=torch.bool)


def test_errors_and_lengths_are_the_euclidean_ones():
    errors, lengths = end_point_errors(PREDS, TARGET, VALID)
    assert errors.tolist() == [0, 5, 2, 4]
    assert lengths.tolist() == [0, 10, 200, 100]


def test_all_metrics_by_hand():
    metrics = flow_metrics()
    metrics.update(preds=PREDS, target=TARGET, valid=VALID)
    # 4 of 100 pixels is less than 5 %: no outlier for KITTI, though beyond 3 pixels. 5 pixels are not more than 5.
    expected = {"epe": 11 / 4, "error_1px": 3 / 4, "error_3px": 2 / 4, "error_5px": 0.0, "fl_all": 1 / 4}
    assert {name: float(value) for name, value in metrics.compute().items()} == expected


def test_invalid_pixels_do_not_count_whatever_they_hold():
    valid = torch.tensor([[[True, True, False, False]]])
    target = TARGET.clone()
    target[0, 0, 2] = float("nan")
    target[0, 0, 3] = 1e10
    metrics = flow_metrics()
    metrics.update(preds=PREDS, target=target, valid=valid)
    values = metrics.compute()
    assert float(values["epe"]) == 5 / 2
    assert float(values["fl_all"]) == 1 / 2


def test_uneven_batches_give_what_one_batch_gives():
    generator = torch.Generator().manual_seed(3)
    target = torch.randn(7, 5, 11, 2, generator=generator) * 9
    preds = target + torch.randn(7, 5, 11, 2, generator=generator) * 4
    valid = torch.rand(7, 5, 11, generator=generator) > 0.4
    valid[6] = False
    at_once, in_parts = flow_metrics(), flow_metrics()
    at_once.update(preds=preds, target=target, valid=valid)
    for rows in (slice(0, 4), slice(4, 6), slice(6, 7)):
        in_parts.update(preds=preds[rows], target=target[rows], valid=valid[rows])
    for name, value in at_once.compute().items():
        torch.testing.assert_close(in_parts.compute()[name], value, rtol=1e-12, atol=0)


def test_metrics_start_anew_after_a_reset():
    metric = end_point_error()
    metric.update(PREDS, TARGET, VALID)
    metric.reset()
    metric.update(PREDS[:, :, 1:2], TARGET[:, :, 1:2], VALID[:, :, 1:2])
    assert float(metric.compute()) == 5


def test_half_precision_predictions_are_compared_in_full():
    # 1000.25 is no bfloat16 number: the prediction 1000 is a quarter of a pixel off, and rounding may not hide it.
    metric = end_point_error()
    metric.update(picture((1000, 0)).bfloat16(), picture((1000.25, 0)), VALID[:, :, :1])
    assert float(metric.compute()) == 0.25


@pytest.mark.filterwarnings("ignore:The ``compute`` method")
def test_nothing_valid_gives_no_number():
    metric = flow_error_rate(3.0)
    metric.update(PREDS, TARGET, torch.zeros_like(VALID))
    assert metric.compute().isnan()


def test_wrong_shapes_are_named():
    with pytest.raises(ShapeError, match=r"received \[1, 1, 4, 2\] and \[1, 1, 3, 2\]"):
        end_point_errors(PREDS, TARGET[:, :, 1:], VALID)
    with pytest.raises(
        ShapeError, match=r"`valid` must be bool \[1, 1, 4\], received torch.int64 \[1, 1, 4\]"
    ):
        end_point_errors(PREDS, TARGET, VALID.long())
    with pytest.raises(ConfigurationError, match=r"must be at least 0, received -1 and 0"):
        flow_error_rate(-1)


def test_the_missing_package_is_named(monkeypatch):
    _classes.cache_clear()
    monkeypatch.setitem(sys.modules, "torchmetrics", None)
    with pytest.raises(MissingExtraError, match=r"Measuring optical flow needs the package `torchmetrics`"):
        end_point_error()
