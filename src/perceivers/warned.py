"""What code warns of, as commands print what is to be known: a line each, once, without where in the code it was said."""

from __future__ import annotations

import warnings
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TextIO

from rich.console import Console
from rich.text import Text

# Lines from one place of the code, such as one for each file: more say the same.
MOST_ALIKE = 5


@contextmanager
def plain_warnings() -> Iterator[None]:
    """Print warnings so until it ends; which are shown at all, Python decides as ever (`-W`, PYTHONWARNINGS)."""
    with warnings.catch_warnings():
        print_warnings_plainly()
        yield


def print_warnings_plainly() -> None:
    """Print warnings so from now on, in this process: of a command, or of one that works for it."""
    told: set[str] = set()
    places: Counter[tuple[str, int]] = Counter()

    def show(
        message: Warning | str,
        category: type[Warning],
        filename: str,
        lineno: int,
        file: TextIO | None = None,
        line: str | None = None,
    ) -> None:
        text = " ".join(str(message).split())
        if text in told:
            return
        told.add(text)
        places[filename, lineno] += 1
        if places[filename, lineno] > MOST_ALIKE + 1:
            return
        print_warning(text if places[filename, lineno] <= MOST_ALIKE else "and more of this kind")

    warnings.showwarning = show


def print_warning(line: str) -> None:
    """Print what went wrong and stopped nothing, where errors go; nothing in it is taken for markup."""
    Console(stderr=True).print(
        Text.assemble(("warning: ", "bold yellow"), line), highlight=False, soft_wrap=True
    )
