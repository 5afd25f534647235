"""What cells that stand for files say of themselves."""

from __future__ import annotations

from pathlib import Path

from perceivers.kinds.cells import ending, first_bytes


def test_endings_are_those_of_paths() -> None:
    assert ending("far/A.TAR.Gz") == ".gz"
    assert ending(Path("a.png")) == ".png"
    assert ending({"path": "a.wav", "bytes": None}) == ".wav"
    assert ending({"path": None, "bytes": b"x"}) == ending(b"a.png") == ending(3.5) == ending("a word") == ""


def test_first_bytes_are_those_of_content() -> None:
    assert first_bytes(bytes(range(40))) == bytes(range(16))
    assert first_bytes({"bytes": b"ab", "path": "a.png"}) == b"ab"
    assert first_bytes({"bytes": None, "path": "a.png"}) == first_bytes("a.png") == first_bytes(None) == b""
