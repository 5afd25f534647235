"""Films in which a handwritten digit moves while a voice says another one: made of scikit-learn's digits and captcha's takes.

One needs eyes and ears for it: what is seen tells nothing of what is heard.
"""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from perceivers.data.bundled import captcha_audio, digits
from perceivers.data.tables import LABEL_COLUMN, Table
from perceivers.processors.video.writing import video_writer

FRAMES, FRAME_RATE, SIDE, ENLARGED = 12, 10, 32, 3
# Films of each part, and the pictures that they are made of: no picture is in two parts.
PARTS = {"train": 1000, "validation": 100, "test": 200}
PICTURES = {"train": (0, 1000), "validation": (1000, 1300), "test": (1300, 1797)}


class MadeFilms(Table):
    """Films that are made when they are first asked for, each the same every time; a few kilobytes each, they are kept.

    Args:
        part: "train", "validation" or "test".
        pictures: rows of all handwritten digits.
        takes: samples and rate in Hz of each spoken character.
    """

    def __init__(self, part: str, pictures: Table, takes: Mapping[str, tuple[np.ndarray, int]]) -> None:
        super().__init__(f"seen-and-heard, {part} part", ("video", LABEL_COLUMN))
        self._part, self._number = part, list(PARTS).index(part)
        first, last = PICTURES[part]
        self._pictures = [pictures[index] for index in range(first, last)]
        self._takes = takes
        self._made: dict[int, bytes] = {}

    def __len__(self) -> int:
        """See Table."""
        return PARTS[self._part]

    def __getitem__(self, index: int) -> Mapping[str, Any]:
        """See Table."""
        if index not in self._made:
            self._made[index] = self._film(index)
        content = {"bytes": self._made[index], "path": f"{self._part}/{index:03d}.mp4"}
        return {"video": content, LABEL_COLUMN: self._label(index)}

    def _film(self, index: int) -> bytes:
        picture, heard = self._contents(index)
        generator = self._generator(index, 1)
        waveform, rate = self._said(heard, index), self._takes[heard][1]
        stored = io.BytesIO()
        with video_writer(stored, FRAME_RATE, SIDE, SIDE, rate) as writer:
            writer.add(_moving(self._pictures[picture]["image"], generator), waveform)
        return stored.getvalue()

    def column(self, name: str) -> Sequence[Any]:
        """See Table."""
        read = self._label if name == LABEL_COLUMN else lambda index: self[index][name]
        return [read(index) for index in range(len(self))]

    def _label(self, index: int) -> str:
        picture, heard = self._contents(index)
        return f"seen {self._pictures[picture][LABEL_COLUMN]},heard {heard}"

    def _contents(self, index: int) -> tuple[int, str]:
        """Which picture is seen and which digit is heard, each drawn without regard to the other."""
        generator = self._generator(index, 0)
        return int(generator.integers(len(self._pictures))), str(generator.integers(10))

    def _said(self, digit: str, index: int) -> np.ndarray:
        """A changed take of the digit, as long as the film."""
        spoken, rate = self._takes[digit]
        take = captcha_audio.changed_take(spoken, rate, (7, self._number, index))
        wanted = FRAMES * rate // FRAME_RATE
        silence = np.zeros(max(wanted - len(take), 0), dtype=np.float32)
        return np.concatenate([take, silence])[:wanted]

    def _generator(self, index: int, purpose: int) -> np.random.Generator:
        return np.random.default_rng((self._number, index, purpose))


def tables() -> dict[str, Table]:
    """Give `train`, 1,000 films, `validation`, 100, and `test`, 200.

    Returns:
        Tables with the columns `video`, a mapping with the `bytes` of an .mp4 of 12 frames, 32 x 32 pixels, at 10 Hz with
        sound, and `label`, such as "seen 3,heard 7". There is one voice: `heard` tells how steady answers are, not how well
        another speaker would be understood.
    """
    pictures, takes = digits.tables()["train"], captcha_audio.takes()
    return {part: MadeFilms(part, pictures, takes) for part in PARTS}


def _moving(digit: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    """[frames, 32, 32, 3] uint8: the digit goes in a straight line, in a colour of its own, on a dark ground."""
    large = np.kron(digit, np.ones((ENLARGED, ENLARGED), dtype=np.uint8)).astype(np.float32) / 255
    size = len(large)
    start, end = generator.integers(0, SIDE - size, size=(2, 2), endpoint=True)
    ground, ink = generator.uniform(0, 60, size=3), generator.uniform(150, 255, size=3)
    frames = np.empty((FRAMES, SIDE, SIDE, 3), dtype=np.float32)
    for index in range(FRAMES):
        top, left = np.round(start + (end - start) * index / (FRAMES - 1)).astype(int)
        shape = np.zeros((SIDE, SIDE, 1), dtype=np.float32)
        shape[top : top + size, left : left + size, 0] = large
        frames[index] = ground + shape * (ink - ground)
    return frames.round().astype(np.uint8)
