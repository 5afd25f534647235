"""How far predicted flow is from the truth: end-point error, error rates, KITTI's Fl-all.

Every valid pixel of everything that is measured counts the same, however pixels are divided into pictures and batches.
So `flow_sums` takes sums and counts of each picture, and the metrics add them up. (Benchmarks that average the means of
pictures, as Middlebury's table does, agree where all pictures are of one size.)
"""

from __future__ import annotations

import torch
from torch import Tensor

from perceivers.errors import ShapeError
from perceivers.metrics.running import Metric, Metrics, Summed, ratio

# Columns of `flow_sums`: the number of valid pixels, then what is added up over them.
PIXELS, END_POINT_ERROR, MOTION = "pixels", "epe", "motion"
THRESHOLDS = {"error_1px": 1.0, "error_3px": 3.0, "error_5px": 5.0}
FL_ALL = "fl_all"
COLUMNS = (PIXELS, END_POINT_ERROR, *THRESHOLDS, FL_ALL, MOTION)
# Metrics that are means over pixels, and what the error is divided by in the one that is not.
MEANS = (END_POINT_ERROR, *THRESHOLDS, FL_ALL)
RELATIVE = "relative_epe"
# KITTI's outliers: off by more than 3 pixels and by more than 5 % of the true motion.
KITTI_PIXELS, KITTI_SHARE = 3.0, 0.05


def flow_sums(preds: Tensor, target: Tensor, valid: Tensor) -> Tensor:
    """What the metrics of each picture are made of.

    Args:
        preds: [batch, height, width, 2], in pixels.
        target: the same shape; where `valid` is False it may hold anything, NaN too.
        valid: bool [batch, height, width].

    Returns:
        float32 [batch, 7]: number of valid pixels, sum of their end-point errors (the distances between predicted and true
        motion), how many are off by more than 1, 3 and 5 pixels, and by more than 3 pixels and 5 % of the true motion, and
        the sum of the lengths of their true motions, which is the error of zero flow.
    """
    if preds.ndim != 4 or preds.shape[-1] != 2 or target.shape != preds.shape:
        raise ShapeError(
            f"`preds` and `target` must both have shape [batch, height, width, 2], received {list(preds.shape)} and "
            f"{list(target.shape)}"
        )
    if valid.shape != preds.shape[:-1] or valid.dtype != torch.bool:
        raise ShapeError(
            f"`valid` must be bool {list(preds.shape[:-1])}, received {valid.dtype} {list(valid.shape)}"
        )
    truth = torch.where(valid[..., None], target.float(), 0.0)
    motion = truth.norm(dim=-1)
    errors = torch.where(valid, (preds.float() - truth).norm(dim=-1), 0.0)
    outliers = (errors > KITTI_PIXELS) & (errors > KITTI_SHARE * motion)
    columns = [valid, errors, *(errors > pixels for pixels in THRESHOLDS.values()), outliers, motion]
    return torch.stack([column.float().sum(dim=(1, 2)) for column in columns], dim=-1)


def flow_metrics() -> Metrics:
    """`epe` in pixels; `error_1px`, `error_3px`, `error_5px` and `fl_all` as shares in [0, 1]; `relative_epe`.

    The last is `epe` divided by what the answer "nothing moves" has on the same pixels: 1 is no better than that answer, 0
    is without error. Where truly nothing moves it is infinite, or NaN if the prediction says so too.

    Example:
        metrics = flow_metrics()
        metrics.update(sums=flow_sums(preds, target, valid))  # as often as wanted
        print(metrics.compute()["epe"])
    """
    metrics = {name: _ratio_of_columns(name, PIXELS) for name in MEANS}
    metrics[RELATIVE] = _ratio_of_columns(END_POINT_ERROR, MOTION)
    return Metrics(metrics)


def _ratio_of_columns(over: str, under: str) -> Metric:
    """NaN where nothing was valid: there is no error to speak of, and 0 would be praise."""
    columns = [COLUMNS.index(over), COLUMNS.index(under)]
    return Summed(lambda sums, **_: sums[:, columns].double().sum(dim=0), ratio, (2,))
