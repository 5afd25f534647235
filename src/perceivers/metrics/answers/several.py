"""Several answers measured at once: each metric finds its own answer in what a step measured."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import TYPE_CHECKING, Any

from torch import Tensor

from perceivers.errors import MissingExtraError

if TYPE_CHECKING:
    from torchmetrics import Metric, MetricCollection

# A collection's names may not hold the first; columns of tables may.
_DOT, _IN_ITS_PLACE = ".", "\N{ONE DOT LEADER}"


def of_answer(name: str, metric: Metric) -> Metric:
    """A metric that is updated with `**measured`, of which it takes `"{name}/preds"` and `"{name}/target"`."""
    found: Metric = _classes()[0](name, metric)
    return found


def collected(metrics: Mapping[str, Metric]) -> MetricCollection:
    """A collection that computes under the names of `metrics`, which may have dots in them, as columns of tables do.

    Example:
        metrics = collected({
            f"{answer}/{name}": of_answer(answer, measure(name, "class", 3))
            for answer in ("species", "sex")
            for name in ("accuracy", "f1")
        })
        metrics.update(**{"species/preds": logits, "species/target": ids, "sex/preds": ..., "sex/target": ...})
        print(metrics.compute()["species/accuracy"])
    """
    found: MetricCollection = _classes()[1](metrics)
    return found


@cache
def _classes() -> tuple[Any, Any]:
    """Both classes, made when they are first asked for: torchmetrics belongs to an extra."""
    try:
        from torchmetrics import Metric, MetricCollection
    except ImportError as error:
        raise MissingExtraError("torchmetrics", "train", "Measuring answers") from error

    class OfAnswer(Metric):
        """A metric of one answer."""

        is_differentiable = False
        full_state_update = False

        def __init__(self, name: str, metric: Any) -> None:
            super().__init__()
            self.answer, self.metric = name, metric

        def update(self, **measured: Tensor) -> None:
            self.metric.update(measured[f"{self.answer}/preds"], measured[f"{self.answer}/target"])

        def compute(self) -> Tensor:
            # Who has gathered the rows already switches gathering off at the outer metric alone.
            self.metric.sync_on_compute = self.sync_on_compute
            return self.metric.compute()

        def reset(self) -> None:
            super().reset()
            self.metric.reset()

    class Collected(MetricCollection):
        """Metrics whose names may have dots."""

        def __init__(self, metrics: Mapping[str, Any]) -> None:
            safe = {name.replace(_DOT, _IN_ITS_PLACE): metric for name, metric in metrics.items()}
            super().__init__(safe, compute_groups=False)

        def compute(self) -> dict[str, Any]:
            return {name.replace(_IN_ITS_PLACE, _DOT): value for name, value in super().compute().items()}

    return OfAnswer, Collected
