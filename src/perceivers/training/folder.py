"""The folder of a training run: who may use it, how it is filled whole or not at all, and how a new run replaces an old one.

A run that replaces another works in the folder `.new` inside the other's, and takes its place when it is complete. Whatever
stops the process, the folder holds the old run or the new one, and `--resume` goes on with the new one.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from torch import Tensor

from perceivers.arguments import ARGUMENTS_FILE, RunArguments
from perceivers.errors import ConfigurationError, PerceiversError
from perceivers.folder_lock import FolderLock
from perceivers.records import RESULTS_FILE, read_json, write_json, writing
from perceivers.tasks.base import Parts, Task
from perceivers.training.checkpoints import FOLDER as CHECKPOINTS
from perceivers.training.history import CSV_FILE, LINES_FILE
from perceivers.training.lock import require_shared
from perceivers.training.replacing import NEW
from perceivers.training.reporting import could_not_draw, draw_learning_curve
from perceivers.training.resuming import require_same
from perceivers.training.trackers import TENSORBOARD_FOLDER, WANDB_FOLDER

if TYPE_CHECKING:
    from accelerate import Accelerator

PARTIAL = ".partial-"
EVALUATION_FILE, LEARNING_CURVE = "evaluation.json", "learning_curve.png"
# What grows in the folder while the run goes on.
GROWING = (LINES_FILE, CSV_FILE, TENSORBOARD_FOLDER, WANDB_FOLDER)
# What a process that was killed may have left behind.
LEFT_OVER = (f"{PARTIAL}*", ".saving-*", ".*.partial")


@dataclass(frozen=True)
class RunFolder:
    """Where a run is written.

    Args:
        output: what the user named: where the complete run lies.
        working: where it is written until then: `output`, or a folder inside where it replaces another.
        finished: results of this very run, where it has ended before; else None.
        token: of the lock.
    """

    output: Path
    working: Path
    finished: dict[str, Any] | None
    token: str

    def complete(self) -> None:
        """Put the run, whose results are written, in the place of the one that it replaces."""
        if self.working != self.output:
            with writing(self.output, "the new run is whole in .new; make room, then --resume"):
                _take_place(self.working, self.output)


class Claim:
    """A run's claim to its folder, held while it is entered.

    Args:
        task: what is trained for.
        arguments: of the run.
        accelerator: joins the processes; the main one claims for all.
    """

    def __init__(self, task: Task[Any], arguments: RunArguments, accelerator: Accelerator) -> None:
        self._task, self._arguments, self._accelerator = task, arguments, accelerator
        self._lock = FolderLock(Path(arguments.output))

    def __enter__(self) -> RunFolder:
        """Claim the folder.

        Raises:
            ConfigurationError: it holds another run, another process trains into it, or processes do not share it.
            PerceiversError: nothing can be written there.
        """
        output = Path(self._arguments.output)
        try:
            found = on_main(self._accelerator, self._claimed)
            working = output / found.working.relative_to(found.output)
            require_shared(output, found.token, self._accelerator)
        except BaseException:
            self._lock.release()
            raise
        return RunFolder(output, working, found.finished, found.token)

    def __exit__(self, *error: object) -> None:
        """Let go of it."""
        self._lock.release()

    def _claimed(self) -> RunFolder:
        output = Path(self._arguments.output)
        if output.is_file():
            raise ConfigurationError(f"`output` must be a folder, received the file {str(output)!r}")
        self._lock.take()
        with writing(output, "give another folder"):
            _clean(output)
            return _claim(output, self._task, self._arguments, self._lock.token)


def on_main(accelerator: Accelerator, ask: Callable[[], Any]) -> Any:
    """What the main process finds, on all of them; the error that it meets, too."""
    if accelerator.num_processes == 1:
        return ask()
    from accelerate.utils import broadcast_object_list

    said: list[Any] = [None, None]
    if accelerator.is_main_process:
        try:
            said[0] = ask()
        except PerceiversError as error:
            said[1] = error
    broadcast_object_list(said)
    if said[1] is not None:
        raise said[1]
    return said[0]


def _claim(output: Path, task: Task[Any], arguments: RunArguments, token: str) -> RunFolder:
    new, recorded = output / NEW, output / ARGUMENTS_FILE
    if not recorded.exists() and not (new / ARGUMENTS_FILE).exists():
        return RunFolder(output, output, None, token)
    if arguments.resume and (new / ARGUMENTS_FILE).exists():
        require_same(new, output, task, arguments, has_ended=finished_results(new) is not None)
        return RunFolder(output, new, None, token)
    if arguments.overwrite:
        shutil.rmtree(new, ignore_errors=True)
        return RunFolder(output, new, None, token)
    if not arguments.resume:
        raise ConfigurationError(
            f"`output` {str(output)!r} already holds a training run; give another folder, --overwrite to replace it, or "
            "--resume to go on with it"
        )
    finished = finished_results(output)
    require_same(output, output, task, arguments, has_ended=finished is not None)
    return RunFolder(output, output, finished, token)


def finished_results(folder: Path) -> dict[str, Any] | None:
    """What a finished run measured; None where there is none, or only one that was stopped before its end."""
    if not (folder / RESULTS_FILE).is_file():
        return None
    results: dict[str, Any] = read_json(folder / RESULTS_FILE)
    return results if results.get("finished", True) else None


def _clean(output: Path) -> None:
    """Remove what killed processes have left, and finish what one was about to."""
    new = output / NEW
    if finished_results(new) is not None:
        _take_place(new, output)
    elif new.is_dir() and not (new / ARGUMENTS_FILE).exists():
        shutil.rmtree(new, ignore_errors=True)
    for folder in (output, output / CHECKPOINTS, new, new / CHECKPOINTS):
        for pattern in LEFT_OVER:
            for path in folder.glob(pattern):
                if path.is_dir():
                    shutil.rmtree(path, ignore_errors=True)
                else:
                    path.unlink(missing_ok=True)


def _take_place(new: Path, output: Path) -> None:
    """Move a complete run over another; a process that is killed meanwhile leaves no mixture that passes for a run."""
    old = read_json(output / RESULTS_FILE) if (output / RESULTS_FILE).is_file() else {}
    # While both have their arguments, nothing of the new run is in its place yet.
    if (output / ARGUMENTS_FILE).exists() and (new / ARGUMENTS_FILE).exists():
        for name in GROWING:
            _remove(output / name)
    for name in (ARGUMENTS_FILE, RESULTS_FILE, EVALUATION_FILE, *old.get("files", ())):
        # Names from a file: nothing outside the folder is meant.
        if name == Path(name).name:
            (output / name).unlink(missing_ok=True)
    shutil.rmtree(output / CHECKPOINTS, ignore_errors=True)
    shutil.rmtree(new / CHECKPOINTS, ignore_errors=True)
    last = (ARGUMENTS_FILE, RESULTS_FILE)
    for path in sorted(new.iterdir(), key=lambda path: last.index(path.name) if path.name in last else -1):
        if (output / path.name).is_dir():
            shutil.rmtree(output / path.name)
        os.replace(path, output / path.name)
    new.rmdir()


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def save_run(
    folder: Path,
    parts: Parts,
    weights: dict[str, Tensor],
    history: list[dict[str, float]],
    results: dict[str, Any],
) -> None:
    """Write all files beside the folder first, then move them in, the results last.

    `results["files"]` becomes the names of what was written.

    Raises:
        PerceiversError: they cannot be written; the folder is as it was.
    """
    with (
        writing(folder, "the checkpoints are whole; make room, then --resume"),
        tempfile.TemporaryDirectory(dir=folder, prefix=PARTIAL) as name,
    ):
        partial_folder = Path(name)
        parts.model.save_pretrained(partial_folder, state_dict=weights)
        parts.processor.save_pretrained(partial_folder)
        write_json(partial_folder / "history.json", history)
        results["files"] = sorted(path.name for path in partial_folder.iterdir())
        write_json(partial_folder / RESULTS_FILE, results)
        _move_in(partial_folder, folder)


def save_pictures(
    folder: Path,
    task: Task[Any],
    parts: Parts,
    history: list[dict[str, float]],
    results: dict[str, Any],
    shown: dict[str, Tensor],
) -> list[str]:
    """Draw the learning curve and what measures have a picture, when all else is saved: a run is never lost to a drawing.

    Returns:
        A line for each that could not be drawn.
    """
    drawings: list[tuple[str, Callable[[Path], Any]]] = [
        ("the learning curve", lambda to: draw_learning_curve(history, task.headline, to / LEARNING_CURVE)),
        ("the picture of the weights", lambda to: task.show_model(parts, to)),
    ]
    if shown:
        drawings.append(("the pictures of the test", lambda to: task.show_evaluation(parts, shown, to)))
    failed = []
    for what, draw in drawings:
        try:
            with tempfile.TemporaryDirectory(dir=folder, prefix=PARTIAL) as name:
                draw(Path(name))
                results["files"] += sorted(path.name for path in Path(name).iterdir())
                write_json(folder / RESULTS_FILE, results)
                _move_in(Path(name), folder)
        except Exception as error:  # whatever a drawing raises
            failed.append(could_not_draw(what, error))
    return failed


def _move_in(source: Path, folder: Path) -> None:
    for path in sorted(source.iterdir(), key=lambda path: path.name == RESULTS_FILE):
        if path.is_dir():
            shutil.rmtree(folder / path.name, ignore_errors=True)
        os.replace(path, folder / path.name)
