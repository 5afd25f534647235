"""Where a run's history goes while it goes on: files in its folder, and the trackers that are asked for."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from perceivers.training.history import HistoryFiles
from perceivers.training.trackers import open_trackers
from perceivers.warned import print_warning

if TYPE_CHECKING:
    from accelerate.tracking import GeneralTracker


class RunLog:
    """Takes the rows of a run's history; `with` closes the trackers.

    A tracker that fails (no network, a full disk elsewhere) is told no more, with a warning: no run is lost to one.

    Args:
        folder: where the run is written.
        track: names of trackers, see RunArguments.
        run_name: what trackers call the run.
        settings: of the run, in concerns.
        writes: False on all processes but the main one, where nothing is done.
    """

    def __init__(
        self,
        folder: Path,
        track: Sequence[str],
        run_name: str,
        settings: Mapping[str, Any],
        writes: bool,
    ) -> None:
        self._folder, self._track, self._run_name = folder, tuple(track), run_name
        self._settings, self._writes = settings, writes
        self._files = HistoryFiles(folder, "csv" in track)
        self._trackers: dict[str, GeneralTracker] = {}

    def __enter__(self) -> Self:
        """Start the trackers."""
        if self._writes and self._track:
            settings = plain_settings(self._settings)
            for name in dict.fromkeys(self._track):
                self._guarded(name, partial(self._open, name, settings))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for name, tracker in list(self._trackers.items()):
            self._guarded(name, tracker.finish)
        self._trackers.clear()

    def begin(self, history: Sequence[Mapping[str, float]]) -> None:
        """Write the rows that an earlier session left, if any."""
        if self._writes:
            self._files.begin(history)

    def add(self, history: Sequence[Mapping[str, float]]) -> None:
        """Write and tell the latest row of `history`."""
        if not self._writes:
            return
        self._files.add(history)
        row = dict(history[-1])
        self._tell({name: value for name, value in row.items() if name != "step"}, round(row["step"]))

    def add_test(self, scores: Mapping[str, float], step: int) -> None:
        """Tell the measures on the test part."""
        if scores:
            self._tell({f"test_{name}": value for name, value in scores.items()}, step)

    def _open(self, name: str, settings: Mapping[str, Any]) -> None:
        self._trackers.update(open_trackers([name], self._folder, self._run_name, settings))

    def _tell(self, values: Mapping[str, float], step: int) -> None:
        for name, tracker in list(self._trackers.items()):
            self._guarded(name, partial(tracker.log, dict(values), step=step))

    def _guarded(self, name: str, call: Callable[[], Any]) -> None:
        try:
            call()
        except Exception as error:  # whatever a tracker raises
            self._trackers.pop(name, None)
            print_warning(f"{name} tracks no more: {str(error) or type(error).__name__}; the run goes on")


def plain_settings(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Settings in concerns as one mapping of numbers, texts and truth values: `training.epochs` -> 3.

    Args:
        settings: as `arguments.yaml` holds them.
    """
    plain: dict[str, Any] = {}
    for concern, values in settings.items():
        named = values if isinstance(values, Mapping) else {None: values}
        for name, value in named.items():
            key = concern if name is None else f"{concern}.{name}"
            plain[key] = value if isinstance(value, bool | int | float | str) else _said(value)
    return plain


def _said(value: Any) -> str:
    if value is None:
        return "none"
    return " ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)
