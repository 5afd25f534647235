"""What a question may take: bytes, pixels, seconds, rows, and places in the queue."""

from __future__ import annotations

from dataclasses import dataclass

from perceivers.arguments.base import require, require_at_least


@dataclass(frozen=True, kw_only=True)
class Limits:
    """What a question may take; more is refused before it costs anything."""

    megabytes: int = 64
    """Of a request's body, in 2^20 bytes."""
    megapixels: float = 50.0
    """Of a picture once it is decoded, in millions of pixels."""
    seconds: float = 120.0
    """Of a sound or a film."""
    rows: int = 256
    """Questions of one request."""
    waiting: int = 64
    """Requests that may wait for the model; the next one is told to come again."""
    patience: float = 120.0
    """Seconds after which a request that still waits is told so."""

    def __post_init__(self) -> None:
        require_at_least(1, self, "megabytes", "rows", "waiting")
        for name in ("megapixels", "seconds", "patience"):
            value = getattr(self, name)
            require(name, value, 0.0 < value < float("inf"), "above 0, and finite")

    @property
    def body(self) -> int:
        """Bytes of a request's body."""
        return self.megabytes << 20

    @property
    def pixels(self) -> int:
        """Pixels of a picture."""
        return round(self.megapixels * 1e6)
