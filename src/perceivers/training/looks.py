"""What divisions of the samples say of a run's length: a look at held-out samples after each pass, and the best of all."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import torch
from torch import Tensor

# A loss before the first pass that is below this is taken for it.
SMALLEST = 1e-6


@dataclass
class Looks:
    """One run's looks at its held-out samples: before the first pass and after each.

    Args:
        passes: that were done, by look.
        scores: by look.
        measured: what the task's step measured of the held-out samples, by look.
        seconds: that the run took.
    """

    passes: list[float] = field(default_factory=list)
    scores: list[dict[str, float]] = field(default_factory=list)
    measured: list[dict[str, Tensor]] = field(default_factory=list)
    seconds: float = 0.0

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
    division that happens to hold the odd samples does not choose for all.

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
    chosen = [run.measured[run.passes.index(best)] for run in runs]
    measured = {name: torch.cat([each[name] for each in chosen]) for name in chosen[0]}
    return Length(best, best / max(known[-1], 1.0), scores, measured, sum(run.seconds for run in runs))


def _worth(
    scores: Mapping[float, Mapping[str, float]], passes: float, name: str, better: Literal["higher", "lower"]
) -> float:
    """How good a division finds so many passes: more is better."""
    score, first = scores[passes][name], abs(scores[min(scores)][name])
    return score if better == "higher" else -score / max(first, SMALLEST)


def _mean(scores: Sequence[Mapping[str, float]]) -> dict[str, float]:
    return {name: sum(each[name] for each in scores) / len(scores) for name in scores[0]}
