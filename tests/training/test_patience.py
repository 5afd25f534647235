from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from line_task import TEST, TRAIN, LineTask, run
from perceivers.errors import ConfigurationError
from perceivers.training.patience import looks_in_vain

# Steps so long that the loss rises again.
TOO_LONG: dict[str, Any] = {
    "batch_size": TRAIN,
    "watch_every": 1,
    "optimization": {"learning_rate": 1.5, "constant_fraction": 1.0},
}


@pytest.mark.parametrize(
    ("scores", "better", "waited"),
    [
        ([], "lower", 0),
        ([3.0, 2.0, 1.0], "lower", 0),
        ([3.0, 1.0, 2.0, 1.5], "lower", 2),
        ([3.0, 1.0, 2.0, 1.5], "higher", 3),
        ([1.0, 1.0, 1.0], "higher", 2),
        ([math.nan, math.nan], "lower", 2),
        ([5.0, math.nan, 4.0], "lower", 0),
    ],
)
def test_looks_since_the_best_one_are_counted(
    scores: list[float], better: Literal["higher", "lower"], waited: int
) -> None:
    assert looks_in_vain([{"loss": score} for score in scores], "loss", better) == waited


@given(st.lists(st.floats(-5, 5), min_size=1, max_size=11))
def test_the_first_of_the_best_looks_lies_so_many_looks_back(scores: list[float]) -> None:
    waited = looks_in_vain([{"loss": score} for score in scores], "loss", "lower")
    assert scores.index(min(scores)) == len(scores) - 1 - waited


def test_a_run_ends_after_so_many_looks_without_a_better_one_and_saves_the_best(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    results, whole = run(tmp_path / "whole", steps=9, keep_best=True, **TOO_LONG)
    history = json.loads((tmp_path / "whole" / "history.json").read_text())
    losses = [row["validation_loss"] for row in history]
    best = losses.index(min(losses))
    assert 0 < best < 5, "the run can end before its last step"
    assert results["steps"] == 9
    capsys.readouterr()
    found, weights = run(tmp_path / "patient", steps=9, keep_best=True, patience=2, **TOO_LONG)
    assert found["steps"] == best + 3
    assert found["planned_steps"] == 9
    assert found["finished"]
    assert found["validation"] == results["validation"]
    assert weights.equal(whole)
    assert json.loads((tmp_path / "patient" / "history.json").read_text()) == history[: best + 3]
    assert f"2 looks without a better one: ends at step {best + 3} of 9" in capsys.readouterr().out


def test_looks_that_go_on_getting_better_end_nothing(tmp_path: Path) -> None:
    results, _ = run(tmp_path / "run", epochs=3, patience=1, optimization={"learning_rate": 0.01})
    assert results["steps"] == results["planned_steps"]


def test_patience_without_a_validation_part_is_an_error(tmp_path: Path) -> None:
    class Unwatched(LineTask):
        sizes = (TRAIN, 0, TEST)

    with pytest.raises(
        ConfigurationError,
        match=r"`patience` waits for better looks at a validation part, received none: give --validation-fraction, or",
    ):
        run(tmp_path / "run", Unwatched(), patience=2)
    with pytest.raises(ConfigurationError, match=r"`patience` must be at least 1, received 0"):
        run(tmp_path / "run", patience=0)
