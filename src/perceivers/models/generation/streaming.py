"""Showing tokens as they are drawn: what a streamer does, and one for texts."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

from perceivers.errors import ConfigurationError


class Streamer(Protocol):
    """Whoever wants tokens as they come; the streamers of Transformers are such."""

    def put(self, value: Any) -> None:
        """Receive the prompt's ids [batch, length], then, for each step, the ids drawn [batch]: tensors, or arrays."""

    def end(self) -> None:
        """Hear that nothing else comes."""


class TextStreamer:
    """One text, shown as whole characters as soon as their last byte is there.

    Args:
        decode: bytes of ids, such as `tokenizer.decode_bytes` of a list.
        write: receives pieces of text.
        skip_prompt: do not show the prompt.
    """

    def __init__(
        self, decode: Callable[[list[int]], bytes], write: Callable[[str], Any], *, skip_prompt: bool = True
    ) -> None:
        self._decode, self._write = decode, write
        self._skips = skip_prompt
        self._rest = b""

    def put(self, value: Any) -> None:
        """See Streamer.

        Raises:
            ConfigurationError: there are several texts.
        """
        if value.shape[0] != 1:
            raise ConfigurationError(f"`streamer` shows one text, received {value.shape[0]}: give one prompt")
        if value.ndim == 2 and self._skips:
            return
        self._rest += self._decode(value.flatten().tolist())
        whole = _whole_characters(self._rest)
        if whole:
            self._write(self._rest[:whole].decode("utf-8", errors="replace"))
            self._rest = self._rest[whole:]

    def end(self) -> None:
        """See Streamer; what is left of a character is shown as one that is unknown."""
        if self._rest:
            self._write(self._rest.decode("utf-8", errors="replace"))
            self._rest = b""


def _whole_characters(text: bytes) -> int:
    """Bytes up to the start of a last character that is not complete yet."""
    for back in range(1, min(3, len(text)) + 1):
        lead = text[-back]
        if lead >= 0xC0:
            needed = 2 if lead < 0xE0 else 3 if lead < 0xF0 else 4
            return len(text) - back if needed > back else len(text)
        if lead < 0x80:
            break
    return len(text)
