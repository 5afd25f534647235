"""Files, and those of folders, asked about one by one."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from perceivers.data.opening import find_files
from perceivers.tasks.base import Prediction, Unreadable, guarded


def of_each_file(
    say: Callable[[str], Prediction],
    inputs: Sequence[str],
    left_out: list[Unreadable] | None,
    *,
    suffixes: Sequence[str],
    what: str,
) -> list[Prediction]:
    """What is said of each file.

    Args:
        say: of the path of a file.
        inputs: files and folders.
        left_out: receives what cannot be read; None: the first such input is an error.
        suffixes: of the files of folders.
        what: the files hold, for errors.
    """

    def files(given: str) -> Iterator[str]:
        yield from map(str, find_files([given], suffixes, what))

    def said(file: str) -> Iterator[Prediction]:
        yield say(file)

    return [
        prediction
        for given in inputs
        for file in guarded(given, files(given), left_out)
        for prediction in guarded(file, said(file), left_out)
    ]
