"""Ctrl-C and SIGTERM while a run trains: the first asks it to end after the step at hand, another Ctrl-C stops at once."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from types import FrameType, TracebackType
from typing import Any, Self

# A launcher hands on the Ctrl-C that the terminal has sent to its processes already: both are one, seconds apart at most.
SAME = 0.5


class Interruption:
    """Listens for Ctrl-C and SIGTERM while it is entered; other threads than the first cannot, and let them be.

    Args:
        tells: whether the first signal is answered by a line.

    Attributes:
        number: the signal that came, or None.
        is_agreed: whether all processes know that the run is to end.
    """

    def __init__(self, *, tells: bool) -> None:
        self._tells = tells
        self._former: dict[int, Any] = {}
        self._process = os.getpid()
        self._since = 0.0
        self.number: int | None = None
        self.is_agreed = False

    def __enter__(self) -> Self:
        if threading.current_thread() is threading.main_thread():
            for number in (signal.SIGINT, signal.SIGTERM):
                self._former[number] = signal.signal(number, self._heard)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for number, handler in self._former.items():
            signal.signal(number, handler)
        self._former.clear()

    def _heard(self, number: int, frame: FrameType | None) -> None:
        if os.getpid() != self._process:
            # A process that was forked from this one is no part of the agreement.
            signal.signal(number, signal.SIG_DFL)
            os.kill(os.getpid(), number)
            return
        if self.number is None:
            self.number, self._since = number, time.monotonic()
            if self._tells:
                # Not through a stream, whose lock the interrupted code may hold.
                os.write(sys.__stderr__.fileno() if sys.__stderr__ else 2, TOLD)
        elif number == signal.SIGINT and time.monotonic() - self._since > SAME:
            raise KeyboardInterrupt


TOLD = b"\nending after the step at hand, then saving; Ctrl-C again stops at once\n"
