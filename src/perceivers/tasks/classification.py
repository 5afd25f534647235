"""What all tasks that name classes share: loss, metrics, ranked answers, the picture of confusions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import torch.nn.functional as F
from torch import Tensor, nn

from perceivers.errors import MissingExtraError
from perceivers.tasks.base import Batch, Parts, Step, Task
from perceivers.tasks.confusions import draw_confusions

if TYPE_CHECKING:
    from torchmetrics import MetricCollection

NUM_ALTERNATIVES = 5
LABELS = "labels"
MULTI_LABEL = "multi_label_classification"

TaskArguments = TypeVar("TaskArguments")


class ClassificationTask(Task[TaskArguments]):
    """One class, or several at once, out of those that the model's configuration names.

    A subclass gives batches with `labels`: class ids [batch], or shares [batch, num_labels] in [0, 1] (several classes, or
    mixtures while training). Everything else in the batch is handed to the model by name.
    """

    @property
    def label_smoothing(self) -> float:
        """Share of the target probability spread over all classes while training, in [0, 1)."""
        return float(getattr(self.arguments, "label_smoothing", 0.0))

    def step(self, model: nn.Module, batch: Batch) -> Step:
        """Compute cross-entropy, softmax or sigmoid as the configuration's `problem_type` says."""
        inputs = {name: value for name, value in batch.items() if name != LABELS}
        logits = model(**inputs).logits
        smoothing = self.label_smoothing if model.training else 0.0
        losses = classification_losses(logits, batch[LABELS], _is_multi_label(model), smoothing)
        return Step(losses.mean(), {"preds": logits, "target": batch[LABELS], "value": losses})

    def metrics(self, parts: Parts) -> MetricCollection:
        """Fresh metrics.

        For one class: accuracy (top-1, and top-5 where there are more than five classes), macro F1, loss, confusions. For
        several labels at once: mean average precision, macro F1, loss.
        """
        try:
            from torchmetrics import MeanMetric, MetricCollection
        except ImportError as error:
            raise MissingExtraError("torchmetrics", "train", "Measuring accuracy") from error
        count = parts.model.config.num_labels
        found = _multi_label_metrics(count) if _is_multi_label(parts.model) else _single_label_metrics(count)
        return MetricCollection({**found, "loss": MeanMetric()}, compute_groups=False)

    def show_evaluation(self, parts: Parts, values: Mapping[str, Tensor], folder: Path) -> list[Path]:
        """Draw the confusion matrix."""
        if "confusions" not in values:
            return []
        path = folder / "confusions.png"
        draw_confusions(values["confusions"].cpu().numpy(), class_names(parts), path)
        return [path]


def class_names(parts: Parts) -> list[str]:
    """Names of the model's classes by id."""
    labels = parts.model.config.id2label or {}
    return [labels[index] for index in range(len(labels))]


def ranked_answers(
    logits: Tensor, names: Sequence[str], *, multi_label: bool = False
) -> list[dict[str, Any]]:
    """What the tables say of each row of `logits` [batch, num_labels].

    Returns:
        For each row `label`, its `probability`, and `probabilities` of the likeliest classes, falling. Several labels
        at once: `label` joins those with a probability above 0.5, or is empty.
    """
    scores = (logits.sigmoid() if multi_label else logits.softmax(dim=-1)).double().cpu()
    answers = []
    for row in scores:
        top = row.topk(min(NUM_ALTERNATIVES, len(names)))
        ranked = {
            names[int(index)]: float(value) for value, index in zip(top.values, top.indices, strict=True)
        }
        label, probability = next(iter(ranked.items()))
        if multi_label:
            label = ", ".join(names[int(index)] for index in (row > 0.5).nonzero())
        answers.append({"label": label, "probability": probability, "probabilities": ranked})
    return answers


def classification_losses(
    logits: Tensor, targets: Tensor, multi_label: bool, label_smoothing: float = 0.0
) -> Tensor:
    """Cross-entropy of each sample.

    Args:
        logits: [batch, num_labels].
        targets: class ids [batch], or shares [batch, num_labels] in [0, 1].
        multi_label: sigmoid cross-entropy, the mean over the classes, instead of softmax.
        label_smoothing: share of each target that is spread evenly: over all classes, or over yes and no of each.

    Returns:
        [batch].
    """
    if not multi_label:
        return F.cross_entropy(logits, targets, label_smoothing=label_smoothing, reduction="none")
    smoothed = targets.to(logits.dtype) * (1.0 - label_smoothing) + 0.5 * label_smoothing
    return F.binary_cross_entropy_with_logits(logits, smoothed, reduction="none").mean(dim=-1)


def _is_multi_label(model: Any) -> bool:
    # A model inside accelerate's or torch's wrappers keeps its configuration one level down.
    config = getattr(model, "config", None) or model.module.config
    return bool(config.problem_type == MULTI_LABEL)


def _single_label_metrics(count: int) -> dict[str, Any]:
    from torchmetrics.classification import MulticlassAccuracy, MulticlassConfusionMatrix, MulticlassF1Score

    metrics: dict[str, Any] = {
        "accuracy": MulticlassAccuracy(count, average="micro"),
        "f1": MulticlassF1Score(count, average="macro"),
        "confusions": MulticlassConfusionMatrix(count),
    }
    if count > 5:
        metrics["top_5_accuracy"] = MulticlassAccuracy(count, top_k=5, average="micro")
    return metrics


def _multi_label_metrics(count: int) -> dict[str, Any]:
    from torchmetrics.classification import MultilabelAveragePrecision, MultilabelF1Score

    return {
        "mean_average_precision": MultilabelAveragePrecision(count, average="macro"),
        "f1": MultilabelF1Score(count, average="macro"),
    }
