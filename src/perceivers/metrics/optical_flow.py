"""How far predicted flow is from the truth: end-point error, error rates, KITTI's Fl-all, as torchmetrics metrics.

Every valid pixel of everything that is measured counts the same, however the pixels are divided into batches: sums are
kept, not means of batches. Benchmarks that average the means of pictures (Middlebury's table) agree where all pictures are
of one size.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from perceivers.errors import ConfigurationError, MissingExtraError, ShapeError

if TYPE_CHECKING:
    from torchmetrics import Metric, MetricCollection

FLOW_CHANNELS = 2
# KITTI's outliers: off by more than 3 pixels and by more than 5 % of the true motion.
KITTI_PIXELS, KITTI_SHARE = 3.0, 0.05


def end_point_errors(preds: Tensor, target: Tensor, valid: Tensor) -> tuple[Tensor, Tensor]:
    """Distance between predicted and true motion of each valid pixel, and the length of the true motion.

    Args:
        preds: [..., height, width, 2], in pixels.
        target: the same shape; values where `valid` is False may be anything, NaN too.
        valid: bool [..., height, width].

    Returns:
        Two float64 arrays [num_valid], in pixels.
    """
    if preds.shape != target.shape or preds.shape[-1:] != (FLOW_CHANNELS,):
        raise ShapeError(
            f"`preds` and `target` must both have shape [..., height, width, 2], received {list(preds.shape)} and "
            f"{list(target.shape)}"
        )
    if valid.shape != preds.shape[:-1] or valid.dtype != torch.bool:
        raise ShapeError(
            f"`valid` must be bool {list(preds.shape[:-1])}, received {valid.dtype} {list(valid.shape)}"
        )
    truth = target[valid].double()
    return (preds[valid].double() - truth).norm(dim=-1), truth.norm(dim=-1)


def end_point_error() -> Metric:
    """Mean end-point error over all valid pixels, in pixels; `update(preds, target, valid)`, see `end_point_errors`."""
    metric: Metric = _classes()[0]()
    return metric


def flow_error_rate(pixels: float, share: float = 0.0) -> Metric:
    """Share of valid pixels that are off by more than `pixels` and by more than `share` of the true motion's length.

    Args:
        pixels: threshold in pixels, at least 0.
        share: threshold as a part of the true motion, at least 0; 3 pixels and 0.05 are KITTI's Fl-all.
    """
    if pixels < 0 or share < 0:
        raise ConfigurationError(f"`pixels` and `share` must be at least 0, received {pixels} and {share}")
    metric: Metric = _classes()[1](pixels, share)
    return metric


def flow_metrics() -> MetricCollection:
    """`epe` in pixels; `error_1px`, `error_3px`, `error_5px` and `fl_all` as shares in [0, 1]."""
    _require_torchmetrics()
    from torchmetrics import MetricCollection

    return MetricCollection(
        {
            "epe": end_point_error(),
            "error_1px": flow_error_rate(1.0),
            "error_3px": flow_error_rate(3.0),
            "error_5px": flow_error_rate(5.0),
            "fl_all": flow_error_rate(KITTI_PIXELS, KITTI_SHARE),
        },
        compute_groups=False,
    )


def _require_torchmetrics() -> None:
    try:
        import torchmetrics  # noqa: F401
    except ImportError as error:
        raise MissingExtraError("torchmetrics", "train", "Measuring optical flow") from error


@cache
def _classes() -> tuple[Any, Any]:
    """Both metrics' classes, made when they are first asked for: torchmetrics belongs to an extra."""
    _require_torchmetrics()
    from torchmetrics import Metric

    class EndPointError(Metric):
        is_differentiable = False
        higher_is_better = False
        full_state_update = False

        def __init__(self) -> None:
            super().__init__()
            self.add_state("total", torch.zeros((), dtype=torch.float64), dist_reduce_fx="sum")
            self.add_state("count", torch.zeros((), dtype=torch.int64), dist_reduce_fx="sum")

        def update(self, preds: Tensor, target: Tensor, valid: Tensor) -> None:
            errors, _ = end_point_errors(preds, target, valid)
            self.total += errors.sum()
            self.count += errors.numel()

        def compute(self) -> Tensor:
            # NaN where nothing was valid: there is no error to speak of, and 0 would be praise.
            return self.total / self.count

    class FlowErrorRate(Metric):
        is_differentiable = False
        higher_is_better = False
        full_state_update = False

        def __init__(self, pixels: float, share: float) -> None:
            super().__init__()
            self.pixels, self.share = pixels, share
            self.add_state("wrong", torch.zeros((), dtype=torch.int64), dist_reduce_fx="sum")
            self.add_state("count", torch.zeros((), dtype=torch.int64), dist_reduce_fx="sum")

        def update(self, preds: Tensor, target: Tensor, valid: Tensor) -> None:
            errors, lengths = end_point_errors(preds, target, valid)
            self.wrong += ((errors > self.pixels) & (errors > self.share * lengths)).sum()
            self.count += errors.numel()

        def compute(self) -> Tensor:
            return self.wrong.double() / self.count

    return EndPointError, FlowErrorRate
