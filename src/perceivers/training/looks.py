"""What divisions of the samples say of a run's length: a look at held-out samples after each pass, and the best of all."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import torch
from torch import Tensor

# A loss before the first pass that is below this is taken for it.
SMALLEST = 1e-6
# Standard errors by which a shorter run's losses on held-out samples may be above the best one's. Of the test parts of 40
# tables used for choosing, 10 became better by it and 5 worse, by nothing in the mean; of 12 runs that read texts in a table,
# 6 and 1, by 0.012 of R² or log loss in the mean. Half and whole standard errors end tables too soon.
NEARLY = 0.25


@dataclass
class Looks:
    """One run's looks at its held-out samples: before the first pass and after each.

    Args:
        passes: that were done, by look.
        scores: by look.
        measured: what the task's step measured of the held-out samples, by look.
        seconds: that the run took.
        planned: passes of the whole run, where its training has ended early; 0 where it was made to its end.
    """

    passes: list[float] = field(default_factory=list)
    scores: list[dict[str, float]] = field(default_factory=list)
    measured: list[dict[str, Tensor]] = field(default_factory=list)
    seconds: float = 0.0
    planned: float = 0.0

    def add(self, passes: float, scores: Mapping[str, float], measured: Mapping[str, Tensor]) -> None:
        """Take a look's findings."""
        self.passes.append(passes)
        self.scores.append(dict(scores))
        self.measured.append(dict(measured))

    def state_dict(self) -> dict[str, Any]:
        """For checkpoints."""
        return dict(vars(self))

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take over what a checkpoint holds."""
        vars(self).update(state)


@dataclass(frozen=True)
class Length:
    """How long to train, and what is expected of it.

    Args:
        passes: over the samples.
        share: of a whole run that these are, in [0, 1].
        scores: mean scores on held-out samples, by passes done.
        measured: what was measured of all held-out samples after so many passes.
        seconds: that it took to find out.
    """

    passes: float
    share: float
    scores: Mapping[float, Mapping[str, float]]
    measured: Mapping[str, Tensor]
    seconds: float


def best_length(runs: Sequence[Looks], by: tuple[str, Literal["higher", "lower"]] | None) -> Length:
    """The number of passes after which the mean score on held-out samples is best; of equal ones the largest.

    A score that is better when lower, such as a loss, counts as a share of what it was before the first pass, so that the
    division that happens to hold the odd samples does not choose for all. Where it was measured of each sample, the least
    number is taken whose mean is within `NEARLY` standard errors of the best one's: what the samples hardly tell apart, a
    model that has learned less is as likely to answer.

    Args:
        runs: one a division; all were planned to have equally many passes. Looks that one of them lacks, because a limit of
            time has made it shorter, are left out.
        by: the score that chooses, and which way it improves; None: the last look is best.
    """
    found = [dict(zip(run.passes, run.scores, strict=True)) for run in runs]
    known = sorted(set.intersection(*map(set, found)))
    scores = {passes: _mean([each[passes] for each in found]) for passes in known}
    worth = {
        passes: 0.0 if by is None else sum(_worth(each, passes, *by) for each in found) for passes in known
    }
    best = max(known, key=lambda passes: (worth[passes], passes))
    if by is not None and by[1] == "lower":
        best = _first_near(runs, known, best, by[0])
    chosen = [run.measured[run.passes.index(best)] for run in runs]
    measured = {name: torch.cat([each[name] for each in chosen]) for name in chosen[0]}
    planned = max(known[-1], 1.0, *(run.planned for run in runs))
    return Length(best, best / planned, scores, measured, sum(run.seconds for run in runs))


def _first_near(runs: Sequence[Looks], known: Sequence[float], best: float, name: str) -> float:
    """The least number of passes whose losses are hardly above those after `best`, sample by sample."""
    if any(name not in each or each[name].ndim != 1 for run in runs for each in run.measured):
        return best
    losses = {passes: torch.cat([_as_shares(run, passes, name) for run in runs]) for passes in known}
    if len(losses[best]) < 2:
        return best
    for passes in known:
        above = losses[passes] - losses[best]
        error = above.std() / len(above) ** 0.5
        if above.mean() <= NEARLY * error:
            return passes
    return best


def _as_shares(run: Looks, passes: float, name: str) -> Tensor:
    """Each sample's loss after so many passes, as a share of the mean loss before the first one."""
    first = run.measured[0][name].float().mean().abs().clamp_min(SMALLEST)
    return run.measured[run.passes.index(passes)][name].float() / first


def _worth(
    scores: Mapping[float, Mapping[str, float]], passes: float, name: str, better: Literal["higher", "lower"]
) -> float:
    """How good a division finds so many passes: more is better."""
    score, first = scores[passes][name], abs(scores[min(scores)][name])
    return score if better == "higher" else -score / max(first, SMALLEST)


def _mean(scores: Sequence[Mapping[str, float]]) -> dict[str, float]:
    return {name: sum(each[name] for each in scores) / len(scores) for name in scores[0]}
