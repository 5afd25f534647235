"""Films at the size that models see, kept in memory as long as there is room: small data sets are decoded once."""

from __future__ import annotations

import threading
from typing import Any

from perceivers.processors.video.clip import Clip


class ClipCache:
    """Whole films by their key; what came first stays, and when it is full nothing more is kept.

    Args:
        max_bytes: room for frames and sound.
    """

    def __init__(self, max_bytes: int) -> None:
        self.max_bytes = max_bytes
        self._films: dict[str, Clip] = {}
        self._bytes = 0
        self._lock = threading.Lock()

    def has_room(self, size: int) -> bool:
        """Whether a film of `size` bytes would be kept."""
        return self._bytes + size <= self.max_bytes

    def add(self, key: str, film: Clip) -> None:
        """Keep a film, if there is room."""
        size = film.frames.nbytes + film.waveform.nbytes
        with self._lock:
            if key not in self._films and self._bytes + size <= self.max_bytes:
                self._films[key] = film
                self._bytes += size

    def get(self, key: str) -> Clip | None:
        """The film, or None if it is not kept."""
        return self._films.get(key)

    def __getstate__(self) -> dict[str, Any]:
        # A process that is not forked starts with an empty one, instead of being sent all films.
        return {"max_bytes": self.max_bytes}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__init__(state["max_bytes"])  # type: ignore[misc]
