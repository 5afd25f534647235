"""What a model is given of a piece: inputs, and which of the tokens that follow them count."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Any

import numpy as np
import torch
from torch import Tensor

from perceivers.models.losses import IGNORED_LABEL
from perceivers.tasks.text_generation.codes import Codes, Ids
from perceivers.tasks.text_generation.reading import Piece


@dataclass(frozen=True)
class Crop:
    """A stretch of a piece. Place 0 is the start id, place i the value i - 1, the last place the end id where there is one.

    Args:
        piece: that it is cut from.
        start: place of the first input.
        end: place behind the last input, which is that of the last token to be answered.
        num_scored: tokens that count, the last ones.
        scores_end: whether the end id counts.
    """

    piece: Piece
    start: int
    end: int
    num_scored: int
    scores_end: bool = True

    def ids(self, codes: Codes) -> Ids:
        """Ids of the places from `start` to `end`, both included."""
        length = len(self.piece.values)
        first, last = max(self.start - 1, 0), min(self.end, length)
        parts = [codes.encode(self.piece.values[first:last])]
        if self.start == 0:
            parts.insert(0, np.asarray([codes.bos_id]))
        if self.end > length:
            parts.append(np.asarray([codes.eos_id]))
        return np.concatenate(parts)


def last_place(piece: Piece) -> int:
    """The last place that can be answered: the end id, where the document ends, or the last value."""
    return len(piece.values) + piece.is_end


@dataclass(frozen=True)
class Crops:
    """Pieces cut into stretches of so many answered tokens, one after another; what comes before is seen, too.

    Args:
        pieces: samples whose items are pieces.
        starts: running number of the first crop of each piece.
        context: inputs at most.
        stride: answered tokens of a crop.
        scores_end: see Crop.
    """

    pieces: Any
    starts: Sequence[int]
    context: int
    stride: int
    scores_end: bool

    @classmethod
    def of(cls, pieces: Any, context: int, stride: int, *, scores_end: bool) -> Crops:
        """Cut all pieces; places that are only an end count where it is scored."""
        counts = [
            max(-(-_num_answered(pieces[index], scores_end) // stride), 1) for index in range(len(pieces))
        ]
        return cls(pieces, [0, *accumulate(counts)], context, stride, scores_end)

    def __len__(self) -> int:
        """Count the crops."""
        return self.starts[-1]

    def __getitem__(self, index: int) -> Crop:
        """The crop at `index`; the first of a piece is the short one, so that all others are whole."""
        if not 0 <= index < len(self):
            raise IndexError(f"`index` must be in [0, {len(self)}), received {index}")
        number = bisect_right(self.starts, index) - 1
        piece: Piece = self.pieces[number]
        total = _num_answered(piece, self.scores_end)
        end = total - (self.starts[number + 1] - 1 - index) * self.stride
        return Crop(piece, max(end - self.context, 0), end, min(self.stride, end), self.scores_end)

    def name(self, index: int) -> str:
        """What the crop is called."""
        number = bisect_right(self.starts, index) - 1
        crop = self[index]
        found: str = self.pieces.name(number)
        return f"{found}, tokens {max(crop.end - crop.num_scored, 0)} to {crop.end}"

    @property
    def num_tokens(self) -> int:
        """Values of all pieces."""
        return sum(len(self.pieces[index].values) for index in range(len(self.pieces)))


def drawn_crop(crop: Crop, context: int, num_latents: int, generator: np.random.Generator) -> Crop:
    """A stretch anywhere in the piece of a crop, as Perceiver AR's code draws them.

    The piece, lengthened in front by what is missing to a whole stretch that ends behind as many tokens as there are latents,
    is cut at a place where each is as likely: ends lie anywhere from there on, and the past is short near the start.

    Args:
        crop: of the piece.
        context: inputs at most.
        num_latents: tokens that count, at most.
        generator: of the draw.
    """
    last = last_place(crop.piece)
    end = int(generator.integers(min(num_latents, last), last + 1))
    return Crop(crop.piece, max(end - context, 0), end, min(num_latents, end))


def batch_of(crops: Sequence[Crop], codes: Codes, num_latents: int) -> dict[str, Tensor]:
    """Tensors of crops: `inputs` [batch, length] with padding in front, `attention_mask`, `targets` [batch, latents].

    Targets are the ids that follow the last inputs, -100 where none counts.
    """
    rows = [crop.ids(codes) for crop in crops]
    length = max(len(row) - 1 for row in rows)
    count = min(num_latents, length)
    inputs = np.full((len(rows), length), codes.pad_id, dtype=np.int64)
    mask = np.zeros((len(rows), length), dtype=bool)
    targets = np.full((len(rows), count), IGNORED_LABEL, dtype=np.int64)
    for index, (row, crop) in enumerate(zip(rows, crops, strict=True)):
        size = len(row) - 1
        inputs[index, length - size :], mask[index, length - size :] = row[:-1], True
        scored = min(crop.num_scored, count)
        targets[index, count - scored :] = row[len(row) - scored :]
        if not crop.scores_end and crop.end > len(crop.piece.values):
            targets[index, -1] = IGNORED_LABEL
    return {name: torch.from_numpy(each) for name, each in
            {"inputs": inputs, "attention_mask": mask, "targets": targets}.items()}  # fmt: skip


def _num_answered(piece: Piece, scores_end: bool) -> int:
    return last_place(piece) if scores_end else len(piece.values)
