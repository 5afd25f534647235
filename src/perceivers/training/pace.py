"""How fast a run goes: how long it will take, and how many of its steps fit into a limit of time."""

from __future__ import annotations

from dataclasses import dataclass

# A run that ends sooner than this, in seconds, is not announced.
LEAST_ANNOUNCED = 10.0
# Seconds of a session after which its pace is told.
LEAST_MEASURED = 1.0
# And where only one look was made, which pays for what is loaded with it: the second is waited for so long.
MOST_WAITED = 20.0
# Share of the limit after which a number of steps that was found stands, and is only lowered where time runs out.
TRIAL_SHARE = 0.05
# Share of the limit by which a run may be late before its steps are lowered again.
TOLERANCE = 0.02
# How often, at least, a run with a limit looks at the clock.
LOOKS_AT_CLOCK = 20
# What one look costs before any was made: a forward pass takes about a third of a step.
FORWARD_SHARE = 0.35


@dataclass
class Stopwatch:
    """Time that a session has spent on steps and on looks at the validation samples.

    Args:
        step: at the last mark.
        seconds: of steps alone, at the last mark.
        step_seconds: of one step between the last two marks; None before the second, and where one waited for a compiler.
        look_seconds: of the latest look; None before the first.
        num_looks: since the session began.
        looks: spent on looks since the session began.
        is_told: whether the user knows how long it will take.
        waits: spent on steps that waited for a compiler.
        has_waited: whether one of them was since the last mark.
    """

    step: int | None = None
    seconds: float = 0.0
    step_seconds: float | None = None
    look_seconds: float | None = None
    num_looks: int = 0
    looks: float = 0.0
    is_told: bool = False
    waits: float = 0.0
    has_waited: bool = False

    def looked(self, seconds: float) -> None:
        """Note what a look took."""
        self.look_seconds = seconds
        self.num_looks += 1
        self.looks += seconds

    def waited(self, seconds: float) -> None:
        """Note a step of so many seconds that waited for a compiler: the pace until the next mark says nothing."""
        self.waits += seconds
        self.has_waited = True

    @property
    def is_worth_telling(self) -> bool:
        """Whether the pace is known well enough to be told."""
        spent = self.seconds + self.looks - self.waits
        return spent >= (MOST_WAITED if self.num_looks == 1 else LEAST_MEASURED)

    def mark(self, step: int, seconds: float) -> None:
        """Note that `step` steps are done after `seconds` of training; the pace is that since the last mark.

        Where a step waited for a compiler since then, there is no pace before the next mark.
        """
        spent = seconds - self.looks
        if self.has_waited:
            self.step_seconds, self.has_waited = None, False
        elif self.step is not None and step > self.step:
            self.step_seconds = max(spent - self.seconds, 1e-9) / (step - self.step)
        self.step, self.seconds = step, spent


def is_marked(steps_of_session: int, step: int, total_steps: int) -> bool:
    """Whether the clock is looked at after this step: after 1, 2, 4, 8 ... steps of a session, and every 20th of the run."""
    every = max(total_steps // LOOKS_AT_CLOCK, 1)
    return steps_of_session & (steps_of_session - 1) == 0 or step % every == 0


def seconds_left(
    step: int, total_steps: int, step_seconds: float, look_seconds: float, steps_a_look: float
) -> float:
    """Seconds of training that a run still needs: its steps, the looks among them, and the look at its end."""
    left = total_steps - step
    return left * (step_seconds + look_seconds / steps_a_look) + (
        look_seconds if left % steps_a_look else 0.0
    )


def steps_that_fit(
    step: int,
    seconds: float,
    planned: int,
    limit: float,
    *,
    step_seconds: float,
    look_seconds: float,
    steps_a_look: float,
) -> int:
    """Number of steps of a whole run that fit into a limit.

    Args:
        step: steps done.
        seconds: of training until now.
        planned: steps that are never exceeded.
        limit: seconds of training.
        step_seconds: of one step.
        look_seconds: of one look at the validation samples; there is one at the end.
        steps_a_look: steps between two looks.

    Returns:
        A number in [step, planned]; at least 1.
    """
    left = limit - seconds - look_seconds
    fits = step + int(max(left, 0.0) / (step_seconds + look_seconds / steps_a_look))
    return max(min(fits, planned), step, 1)


def bounded_steps(chosen: int, fits: int, *, tolerance: float, is_settled: bool) -> int:
    """The number of steps that a run goes on with.

    A number that has settled stays, so that a resumed run ends as an undisturbed one does; it is lowered only where the run
    would be late.

    Args:
        chosen: until now.
        fits: see `steps_that_fit`.
        tolerance: steps that are too many and do not count as late.
        is_settled: whether the trial is over.
    """
    return fits if not is_settled or chosen - fits > tolerance else chosen


def steps_of_other_limit(chosen: int, planned: int, *, done: int, share: float) -> int:
    """The number of steps to go on with until the pace is known, where the limit of time becomes another one.

    Args:
        chosen: for the former limit.
        planned: never exceeded.
        done: by now. A run that has not come to its end makes one more at least.
        share: the new limit over the former one.
    """
    if done >= chosen and share <= 1.0:
        return chosen
    return min(max(round(share * chosen), done + 1), planned)


def in_words(seconds: float) -> str:
    """A length of time as people say it: 40 s, 6 min, 2 h 10 min."""
    if seconds < 100.0:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60.0)
    if minutes < 100:
        return f"{minutes} min"
    hours, rest = divmod(minutes, 60)
    return f"{hours} h {rest} min" if rest else f"{hours} h"
