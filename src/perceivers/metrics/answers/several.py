"""Several answers measured at once: each metric finds its own answer in what a step measured."""

from __future__ import annotations

from torch import Tensor

from perceivers.metrics.running import Metric


def of_answer(name: str, metric: Metric) -> Metric:
    """A metric that is updated with `**measured`, of which it takes `"{name}/preds"` and `"{name}/target"`.

    Example:
        metrics = Metrics({
            f"{answer}/{name}": of_answer(answer, measure(name, "class", 3))
            for answer in ("species", "sex")
            for name in ("accuracy", "f1")
        })
        metrics.update(**{"species/preds": logits, "species/target": ids, "sex/preds": ..., "sex/target": ...})
        print(metrics.compute()["species/accuracy"])
    """
    return _OfAnswer(name, metric)


class _OfAnswer:
    """A metric of one answer."""

    def __init__(self, name: str, metric: Metric) -> None:
        self._answer, self._metric = name, metric

    def update(self, *given: Tensor, **measured: Tensor) -> None:
        assert not given
        self._metric.update(measured[f"{self._answer}/preds"], measured[f"{self._answer}/target"])

    def compute(self) -> Tensor:
        return self._metric.compute()

    def reset(self) -> None:
        self._metric.reset()
