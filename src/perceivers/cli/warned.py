"""What code warns of, as the command prints what is to be known: a line each, once, without where in the code it was said."""

from __future__ import annotations

import warnings
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

# Lines from one place of the code, such as one for each file: more say the same.
MOST_ALIKE = 5


@contextmanager
def plain_warnings() -> Iterator[None]:
    """Print warnings so until it ends; which are shown at all, Python decides as ever (`-W`, PYTHONWARNINGS)."""
    told: set[str] = set()
    places: Counter[tuple[str, int]] = Counter()

    def show(message: Warning | str, category: type[Warning], filename: str, lineno: int, *_: Any) -> None:
        line = " ".join(str(message).split())
        if line in told:
            return
        told.add(line)
        places[filename, lineno] += 1
        if places[filename, lineno] > MOST_ALIKE + 1:
            return
        from perceivers.training.reporting import print_warning

        print_warning(line if places[filename, lineno] <= MOST_ALIKE else "and more of this kind")

    with warnings.catch_warnings():
        warnings.showwarning = show
        yield
