"""How good the answers of a model are: each one's measures under names of their own, and one score of all of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import torch
from torch import Tensor

from perceivers.answers.base import Answer
from perceivers.metrics.answers import of_answer
from perceivers.metrics.named import mean_of
from perceivers.metrics.running import Metrics
from perceivers.models.answers.losses import has_target
from perceivers.tasks.base import Step

SCORE, LOSS = "score", "loss"


@dataclass(frozen=True)
class Measures:
    """What is measured of answers.

    Args:
        answers: by the name that the model has for each.
        several: whether results name each measure's answer.
    """

    answers: Mapping[str, Answer]
    several: bool

    @property
    def headline(self) -> tuple[str, Literal["higher", "lower"]]:
        """The first measure of the only answer, or of several their mean score; and which way it improves."""
        if self.several:
            return SCORE, "higher"
        answer = next(iter(self.answers.values()))
        return answer.measures[0], answer.better(answer.measures[0])

    def name(self, answer: str, measure: str) -> str:
        """What a measure is called in the results: with its answer's title, where there are several."""
        return f"{self.answers[answer].title}/{measure}" if self.several else measure

    def metrics(self) -> Metrics:
        """Fresh metrics of every answer, and the loss."""
        found = {
            self.name(name, measure): of_answer(name, answer.metric(measure))
            for name, answer in self.answers.items()
            for measure in answer.measures
        }
        return Metrics({**found, LOSS: mean_of(LOSS)})

    def summarized(self, scores: Mapping[str, float]) -> dict[str, float]:
        """Of several answers, the mean of each one's score that is known: accuracy, R2, or the measure chosen."""
        if not self.several:
            return dict(scores)
        found = [
            scores[full]
            for name, answer in self.answers.items()
            if (full := self.name(name, answer.score)) in scores
        ]
        known = [score for score in found if score == score]
        return {SCORE: sum(known) / len(known) if known else float("nan"), **scores}

    def draw(self, values: Mapping[str, Tensor], folder: Path) -> list[Path]:
        """Draw what is no single number, such as confusions; the files written."""
        written = []
        for name, answer in self.answers.items():
            own = {
                measure: values[full]
                for measure in answer.measures
                if (full := self.name(name, measure)) in values
            }
            written += answer.draw_measures(own, folder, f"{name}-" if self.several else "")
        return written


def step_of(
    answers: Mapping[str, Answer],
    said: Mapping[str, Tensor],
    scores: Mapping[str, Tensor],
    targets: Mapping[str, Tensor],
    label_smoothing: float,
    exact: Mapping[str, Tensor] | None = None,
) -> Step:
    """Each answer's loss over the samples that have a target, their weighted sum, and what the measures need.

    Args:
        answers: by name.
        said: what is trained: what each query says, or the mean over views.
        scores: what is answered.
        targets: of each answer, see `Answer.stack`.
        label_smoothing: share of the target probability spread over all classes.
        exact: targets of those answers that learn rounded ones, see `Answer.exact`.
    """
    # Where each row has an answer of its own, every row counts alike; else every answer.
    is_own = all(answer.where for answer in answers.values())
    sums: list[Tensor] = []
    counts: list[Tensor] = []
    measured: dict[str, Tensor] = {}
    any_scores = next(iter(scores.values()))
    of_samples = torch.zeros(len(any_scores), device=any_scores.device)
    for name, answer in answers.items():
        losses = answer.losses(said[name], targets[name], label_smoothing)
        sums.append(answer.weight * losses.sum())
        counts.append(has_target(targets[name], answer.description).sum())
        of_samples = of_samples + answer.weight * losses.detach()
        preds, truth = answer.measured(scores[name].detach().float(), targets[name])
        if exact is not None and name in exact:
            truth = answer.truth(exact[name]).to(preds.device)
        measured |= {f"{name}/preds": preds, f"{name}/target": truth}
    summed, counted = torch.stack(sums), torch.stack(counts)
    total = summed.sum() / counted.sum().clamp(min=1) if is_own else (summed / counted.clamp(min=1)).sum()
    return Step(total, {**measured, LOSS: of_samples})
