"""How many steps fit into a limit, and how long all of them take, worked out by hand; and a run whose clock is set."""

from __future__ import annotations

import itertools
import json
import math
import time
from pathlib import Path
from typing import Any

import pytest
import torch

from line_task import LineTask, run
from perceivers.arguments import TrainingArguments, read_recipe
from perceivers.errors import ConfigurationError
from perceivers.training import loop
from perceivers.training.pace import (
    Stopwatch,
    bounded_steps,
    in_words,
    is_marked,
    seconds_left,
    steps_of_other_limit,
    steps_that_fit,
)


class Clock:
    """A clock that moves by what a step and a look take, and not otherwise."""

    def __init__(self, step: float, look: float) -> None:
        self.now, self.step, self.look = 1000.0, step, look

    def monotonic(self) -> float:
        return self.now


class TimedTask(LineTask):
    """Every training step takes `clock.step`, every batch that is measured `clock.look`."""

    clock: Clock

    def step(self, model: Any, batch: Any) -> Any:
        self.clock.now += self.clock.step if model.training else self.clock.look
        return super().step(model, batch)


@pytest.fixture
def timed(monkeypatch: pytest.MonkeyPatch) -> TimedTask:
    task = TimedTask()
    # A pass is three steps and one look, of one batch.
    task.clock = Clock(step=2.0, look=1.0)
    monkeypatch.setattr(loop, "time", task.clock)
    return task


def history(folder: Path) -> list[dict[str, float]]:
    rows: list[dict[str, float]] = json.loads((folder / "history.json").read_text())
    return rows


def test_steps_that_fit_leave_room_for_the_looks_and_the_last_one() -> None:
    pace = {"step_seconds": 2.0, "look_seconds": 3.0}
    # 100 - 10 - 3 seconds are left; ten steps and a look are 23 seconds.
    assert steps_that_fit(5, 10.0, 1000, 100.0, steps_a_look=10, **pace) == 5 + int(87 / 2.3)
    assert steps_that_fit(5, 10.0, 1000, 100.0, steps_a_look=math.inf, **pace) == 5 + 43
    assert steps_that_fit(5, 10.0, 31, 100.0, steps_a_look=10, **pace) == 31, "never more than were planned"
    assert steps_that_fit(5, 200.0, 31, 100.0, steps_a_look=10, **pace) == 5, "too late: it ends here"


def test_what_is_left_counts_steps_and_looks() -> None:
    assert seconds_left(10, 40, 2.0, 3.0, 10) == pytest.approx(30 * 2 + 3 * 3)
    assert seconds_left(10, 40, 2.0, 3.0, math.inf) == pytest.approx(30 * 2 + 3)


def test_a_number_that_has_settled_is_only_lowered_where_the_run_would_be_late() -> None:
    assert bounded_steps(100, 130, tolerance=5.0, is_settled=False) == 130
    assert bounded_steps(100, 130, tolerance=5.0, is_settled=True) == 100
    assert bounded_steps(100, 96, tolerance=5.0, is_settled=True) == 100
    assert bounded_steps(100, 94, tolerance=5.0, is_settled=True) == 94


def test_the_clock_is_looked_at_early_and_then_twenty_times() -> None:
    assert [step for step in range(1, 20) if is_marked(step, step + 1, 1000)] == [1, 2, 4, 8, 16]
    assert sum(is_marked(step, step, 1000) for step in range(1, 1001)) == pytest.approx(20 + 10, abs=2)


def test_a_stopwatch_leaves_looks_out_of_the_pace_of_steps() -> None:
    watch = Stopwatch()
    watch.mark(1, 10.0)
    assert watch.step_seconds is None
    watch.looked(7.0)
    watch.mark(3, 21.0)
    assert (watch.step_seconds, watch.look_seconds) == (2.0, 7.0)


def test_the_first_look_pays_for_what_is_loaded_with_it_so_that_a_second_is_waited_for() -> None:
    watch = Stopwatch()
    watch.mark(1, 3.0)
    assert watch.is_worth_telling
    watch.looked(7.0)
    assert not watch.is_worth_telling
    watch.looked(0.5)
    assert watch.is_worth_telling
    slow = Stopwatch()
    slow.looked(21.0)
    assert slow.is_worth_telling


@pytest.mark.parametrize(
    ("seconds", "words"), [(41.4, "41 s"), (360.0, "6 min"), (7200.0, "2 h"), (7800.0, "2 h 10 min")]
)
def test_times_are_said_as_people_do(seconds: float, words: str) -> None:
    assert in_words(seconds) == words


def test_a_run_ends_within_its_limit_with_the_rate_at_its_end(
    timed: TimedTask, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    results, _ = run(tmp_path / "run", timed, epochs=100, time_limit=2.0, checkpoint_every=1_000)
    # 120 seconds; three steps and a look are 7.
    assert results["planned_steps"] == 300
    assert results["steps"] == pytest.approx(120 / (7 / 3), abs=3)
    assert 113.0 <= results["seconds"]["training"] <= 120.0
    assert f"{results['steps']} of 300 steps fit into 2 min" in capsys.readouterr().out
    assert history(tmp_path / "run")[-1]["learning_rate"] == pytest.approx(0.0, abs=1e-12)


def test_a_machine_that_becomes_slow_shortens_the_run_again(timed: TimedTask, tmp_path: Path) -> None:
    class Slower(TimedTask):
        def step(self, model: Any, batch: Any) -> Any:
            if self.clock.now > 1100.0:
                self.clock.step = 6.0
            return super().step(model, batch)

    slower = Slower()
    slower.clock = timed.clock
    results, _ = run(tmp_path / "run", slower, epochs=100, time_limit=4.0, checkpoint_every=1_000)
    assert results["steps"] < 75
    assert results["seconds"]["training"] <= 1.1 * 240.0


def test_a_limit_that_all_steps_fit_into_changes_nothing(timed: TimedTask, tmp_path: Path) -> None:
    _, free = run(tmp_path / "free")
    _, limited = run(tmp_path / "limited", timed, time_limit=4.0)
    assert torch.equal(free, limited)


def test_a_resumed_run_keeps_the_steps_that_were_chosen(timed: TimedTask, tmp_path: Path) -> None:
    class Cut(TimedTask):
        def step(self, model: Any, batch: Any) -> Any:
            if self.clock.now > 1075.0:
                raise RuntimeError("the power is off")
            return super().step(model, batch)

    options: dict[str, Any] = {"epochs": 100, "time_limit": 2.0}
    _, whole = run(tmp_path / "whole", timed, **options)
    cut = Cut()
    cut.clock = timed.clock
    timed.clock.now = 1000.0
    with pytest.raises(RuntimeError, match="the power is off"):
        run(tmp_path / "cut", cut, **options)
    _, resumed = run(tmp_path / "cut", timed, resume=True, **options)
    assert torch.equal(resumed, whole)
    assert history(tmp_path / "cut") == history(tmp_path / "whole")


def cut_at(timed: TimedTask, moment: float, folder: Path, **options: Any) -> None:
    """Train until the power is off."""

    class Cut(TimedTask):
        def step(self, model: Any, batch: Any) -> Any:
            if self.clock.now > moment:
                raise RuntimeError("the power is off")
            return super().step(model, batch)

    cut = Cut()
    cut.clock = timed.clock
    with pytest.raises(RuntimeError, match="the power is off"):
        run(folder, cut, **options)


@pytest.mark.parametrize("limit", [1.0, 4.0])
def test_a_run_is_resumed_within_another_limit_with_the_rate_at_its_end(
    limit: float, timed: TimedTask, tmp_path: Path
) -> None:
    cut_at(timed, 1040.0, tmp_path / "run", epochs=100, time_limit=2.0)
    results, _ = run(tmp_path / "run", timed, resume=True, epochs=100, time_limit=limit)
    # Three steps and a look are 7 seconds; what the first session has trained counts.
    assert results["steps"] == pytest.approx(60 * limit / (7 / 3), abs=4)
    assert 0.9 * 60 * limit <= results["seconds"]["training"] <= 60 * limit
    rates = [row["learning_rate"] for row in history(tmp_path / "run")]
    assert rates[-1] == pytest.approx(0.0, abs=1e-12)
    assert read_recipe(tmp_path / "run" / "arguments.yaml")["training"]["time_limit"] == limit


def test_a_run_without_a_limit_is_resumed_within_one(timed: TimedTask, tmp_path: Path) -> None:
    cut_at(timed, 1040.0, tmp_path / "run", epochs=100)
    results, _ = run(tmp_path / "run", timed, resume=True, epochs=100, time_limit=2.0)
    assert results["steps"] == pytest.approx(120 / (7 / 3), abs=4)
    assert results["seconds"]["training"] <= 120.0


def test_a_run_that_is_resumed_without_a_limit_keeps_the_one_that_it_had(
    timed: TimedTask, tmp_path: Path
) -> None:
    options: dict[str, Any] = {"epochs": 100, "time_limit": 2.0}
    _, whole = run(tmp_path / "whole", timed, **options)
    timed.clock.now = 1000.0
    cut_at(timed, 1075.0, tmp_path / "cut", **options)
    _, resumed = run(tmp_path / "cut", timed, resume=True, epochs=100)
    assert torch.equal(resumed, whole)
    assert read_recipe(tmp_path / "cut" / "arguments.yaml")["training"]["time_limit"] == 2.0


def test_steps_for_another_limit_are_as_many_more_until_the_pace_is_known() -> None:
    assert steps_of_other_limit(100, 1000, done=30, share=2.5) == 250
    assert steps_of_other_limit(100, 170, done=30, share=2.5) == 170, "never more than were planned"
    assert steps_of_other_limit(100, 1000, done=30, share=0.25) == 31, "one more, to end with"
    assert steps_of_other_limit(100, 1000, done=100, share=0.25) == 100, "it has come to its end"
    assert steps_of_other_limit(100, 1000, done=100, share=1.5) == 150


def test_how_long_it_will_take_is_said_once_where_there_is_no_limit(
    timed: TimedTask, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run(tmp_path / "run", timed, epochs=40, checkpoint_every=1_000)
    told = [line for line in capsys.readouterr().out.splitlines() if "--time-limit" in line]
    # After two steps: 118 are left, and 40 looks, taken for a third of a step's time until one was made.
    left = 118 * 2.0 + 118 / 3 * 0.7 + 0.7
    assert told == [f"about {round(left / 60)} min; --time-limit MINUTES bounds it"]


def test_a_clock_on_the_wall_that_jumps_changes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hours, now = itertools.cycle((0.0, 7200.0, -86400.0)), time.time
    with monkeypatch.context() as patch:
        patch.setattr(time, "time", lambda: now() + next(hours))
        results, jumped = run(tmp_path / "jumped", epochs=4, time_limit=60.0)
    assert results["steps"] == 12
    assert 0.0 <= results["seconds"]["training"] < 3600.0
    _, steady = run(tmp_path / "steady", epochs=4)
    assert torch.equal(jumped, steady)


def test_a_limit_must_be_above_nothing() -> None:
    with pytest.raises(ConfigurationError, match="`time_limit` must be above 0, received 0"):
        TrainingArguments(time_limit=0.0)
