"""Checkpoints that a run can be resumed from: complete, and whole or not there at all."""

from __future__ import annotations

import re
import shutil
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from perceivers.errors import CheckpointError

if TYPE_CHECKING:
    from accelerate import Accelerator

FOLDER = "checkpoints"
_COMPLETE = re.compile(r"step-(\d{8})")


@dataclass
class Position:
    """Where a run is: what a checkpoint holds beside weights, optimiser, schedule and random states.

    Args:
        epoch: finished passes over the data.
        batches: batches done of the current pass.
        batches_seen: batches done in all.
        step: optimiser steps done.
        loss_sum: sum of the losses since the last row of the history.
        loss_count: number of them.
        history: one row a look at the validation samples.
        waited: looks since the best one.
        seconds: spent on training, over all sessions.
        passes: over the data that the whole run had, when the present one began.
        total_steps: optimiser steps of the whole run where a limit of time has chosen them; 0 where nothing has.
        is_settled: whether that choice is no trial any more.
        time_limit: minutes that it was made for; 0 before it was made.
        trial_from: seconds after which the trial began: 0, or when the limit became another one.
    """

    epoch: int = 0
    batches: int = 0
    batches_seen: int = 0
    step: int = 0
    loss_sum: float = 0.0
    loss_count: int = 0
    history: list[dict[str, float]] = field(default_factory=list)
    waited: int = 0
    seconds: float = 0.0
    passes: int = 1
    total_steps: int = 0
    is_settled: bool = False
    time_limit: float = 0.0
    trial_from: float = 0.0

    def state_dict(self) -> dict[str, Any]:
        """What accelerate writes."""
        return asdict(self)

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take over what accelerate read."""
        vars(self).update(state)


class RunCheckpoints:
    """The checkpoints of one run; only the last one is kept.

    Args:
        output: the run's folder.
        accelerator: holds model, optimiser and what else was registered with it.
    """

    def __init__(self, output: Path, accelerator: Accelerator) -> None:
        self.folder = output / FOLDER
        self._accelerator = accelerator

    def last(self) -> Path | None:
        """The last complete checkpoint."""
        if not self.folder.is_dir():
            return None
        complete = [path for path in self.folder.iterdir() if _COMPLETE.fullmatch(path.name)]
        return max(complete, key=lambda path: path.name, default=None)

    def save(self, step: int) -> None:
        """Write a checkpoint beside the last one, name it when it is complete, then remove the last one.

        Raises:
            CheckpointError: it could not be written (the disk may be full); the last one is left as it was.
        """
        former, complete = self.last(), self.folder / f"step-{step:08d}"
        partial = self.folder / f".partial-step-{step:08d}"
        if complete == former:
            return
        try:
            if self._accelerator.is_main_process:
                shutil.rmtree(partial, ignore_errors=True)
                partial.mkdir(parents=True)
            self._accelerator.wait_for_everyone()
            self._accelerator.save_state(str(partial))
        except Exception as error:  # each writer of a part raises something else
            shutil.rmtree(partial, ignore_errors=True)
            raise CheckpointError(
                f"the checkpoint of step {step} could not be written to {str(self.folder)!r}: {error}; "
                f"{_named(former)}"
            ) from error
        self._accelerator.wait_for_everyone()
        if self._accelerator.is_main_process:
            partial.rename(complete)
            if former is not None:
                shutil.rmtree(former, ignore_errors=True)
        self._accelerator.wait_for_everyone()

    def load(self) -> bool:
        """Take over the last complete checkpoint, if there is one; whether there was."""
        last = self.last()
        if last is None:
            return False
        try:
            self._accelerator.load_state(str(last))
        except Exception as error:  # whatever the reader of a part raises
            raise CheckpointError(f"the checkpoint {str(last)!r} cannot be read: {error}") from error
        return True

    def describe_last(self) -> str:
        """The last complete checkpoint in words, for errors."""
        return _named(self.last())

    def remove(self) -> None:
        """Remove all checkpoints, after the run's results are saved or before it starts anew."""
        if self._accelerator.is_main_process:
            shutil.rmtree(self.folder, ignore_errors=True)


def _named(checkpoint: Path | None) -> str:
    return "there is no earlier one" if checkpoint is None else f"the last good one is {str(checkpoint)!r}"
