"""Pictures that synthetic pairs are made of, and the pairs as samples.

A frame of a few dozen pixels shows little of a picture of a thousand, so each picture is held at several sizes, each half
the one before: a texture may be a whole scene or a detail of it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np

from perceivers.tasks.optical_flow.augmentation import FlowSample
from perceivers.tasks.optical_flow.synthesis.pairs import SyntheticPair, synthesize_pair

Array = np.ndarray
# Pictures are not made smaller than this many times the frame's sides: textures need room to be drawn from.
LEAST_ROOM = 1.5
CACHE_BYTES = 256 * 2**20


@dataclass(frozen=True)
class Difficulty:
    """How hard made pairs are; see `synthesize_pair`.

    Args:
        max_motion: pixels.
        max_objects: number.
        deformation: in [0, 1].
    """

    max_motion: float
    max_objects: int
    deformation: float

    def grown(self, share: float, first_motion: float) -> Difficulty:
        """The same at a moment of a curriculum.

        Args:
            share: how much of the curriculum is done, in [0, 1]; 1 gives the difficulty itself.
            first_motion: share of `max_motion` that it begins with.
        """
        return Difficulty(
            self.max_motion * (first_motion + (1.0 - first_motion) * share),
            int(self.max_objects * share),
            self.deformation * share,
        )


class Pictures(Protocol):
    """Anything with a length whose items are pictures: a list of arrays, the rows of a table."""

    def __len__(self) -> int:
        """Count the pictures."""

    def __getitem__(self, index: int, /) -> Array:
        """Give the picture at `index`, from 0: uint8 [rows, columns, 3] in [0, 255]."""


@dataclass
class PicturePool:
    """Pictures at several sizes, read when they are first drawn and kept while there is room.

    Args:
        pictures: gives uint8 [rows, columns, 3] in [0, 255] by index.
        most_bytes: memory that kept pictures may take.
    """

    pictures: Pictures
    most_bytes: int = CACHE_BYTES
    _kept: dict[int, list[Array]] = field(default_factory=dict, repr=False)
    _bytes: int = 0

    def draw(self, generator: np.random.Generator, count: int, height: int, width: int) -> list[Array]:
        """Draw pictures, each at a random one of its sizes that leaves a frame some room; the same one may come twice.

        Args:
            generator: of random numbers.
            count: how many.
            height: of the frame, in pixels.
            width: of the frame, in pixels.
        """
        drawn = []
        for index in generator.integers(len(self.pictures), size=count):
            sizes = self._sizes(int(index))
            room = [
                picture
                for picture in sizes
                if picture.shape[0] >= LEAST_ROOM * height and picture.shape[1] >= LEAST_ROOM * width
            ]
            drawn.append((room or sizes[:1])[int(generator.integers(max(len(room), 1)))])
        return drawn

    def _sizes(self, index: int) -> list[Array]:
        if index in self._kept:
            return self._kept[index]
        sizes = halvings(self.pictures[index])
        size = sum(picture.nbytes for picture in sizes)
        if self._bytes + size <= self.most_bytes:
            self._kept[index] = sizes
            self._bytes += size
        return sizes


@dataclass(frozen=True)
class PairMaker:
    """Makes pairs of a given size.

    Args:
        height: of the frames, in pixels.
        width: of the frames, in pixels.
    """

    height: int
    width: int

    def __call__(
        self, pool: PicturePool, generator: np.random.Generator, difficulty: Difficulty
    ) -> tuple[FlowSample, FlowSample]:
        """A random pair, forward and reversed."""
        pictures = pool.draw(generator, 1 + difficulty.max_objects, self.height, self.width)
        pair = synthesize_pair(
            pictures,
            generator,
            height=self.height,
            width=self.width,
            max_motion=difficulty.max_motion,
            max_objects=difficulty.max_objects,
            deformation=difficulty.deformation,
        )
        return both_ways(pair)


@dataclass(frozen=True)
class UnmadePairs:
    """Training samples of a data set of pictures: each is the pool itself, of which the task makes a new pair every time.

    Args:
        pool: the pictures.
        count: pairs in a pass.
        source: what the pictures are called.
    """

    pool: PicturePool
    count: int
    source: str

    def __len__(self) -> int:
        """Count the pairs of a pass."""
        return self.count

    def __getitem__(self, index: int) -> PicturePool:
        """Give the pool; IndexError past the last pair."""
        if not 0 <= index < self.count:
            raise IndexError("`index` is past the last pair")
        return self.pool

    def name(self, index: int) -> str:
        """See Samples."""
        return f"pair {index + 1} made of {self.source}"


@dataclass(frozen=True)
class MadePairs:
    """Held-out pairs of a data set of pictures, the same ones every time.

    Args:
        pool: the pictures.
        count: how many pairs.
        source: what the pictures are called.
        maker: makes them.
        difficulty: of all of them.
        generator_of: gives the generator of the pair at an index.
    """

    pool: PicturePool
    count: int
    source: str
    maker: PairMaker
    difficulty: Difficulty
    generator_of: Callable[[int], np.random.Generator]

    def __len__(self) -> int:
        """Count the pairs."""
        return self.count

    def __getitem__(self, index: int) -> FlowSample:
        """Make the pair at `index`, forward for even ones and reversed for odd ones."""
        if not 0 <= index < self.count:
            raise IndexError("`index` is past the last pair")
        return self.maker(self.pool, self.generator_of(index), self.difficulty)[index % 2]

    def name(self, index: int) -> str:
        """See Samples."""
        return f"pair {index + 1} made of {self.source}"


def both_ways(pair: SyntheticPair) -> tuple[FlowSample, FlowSample]:
    """A pair of frames in [0, 255] as samples in [0, 1]: from the first to the second, and back."""
    first, second = pair.first / np.float32(255.0), pair.second / np.float32(255.0)
    valid = np.ones(pair.flow.shape[:2], dtype=bool)
    return FlowSample(first, second, pair.flow, valid), FlowSample(second, first, pair.reversed_flow, valid)


def halvings(picture: Array) -> list[Array]:
    """A picture uint8 [rows, columns, 3] and its halves, quarters and so on, by the mean of 2 x 2 pixels."""
    sizes = [picture]
    while min(sizes[-1].shape[:2]) >= 4:
        rows, columns = (size // 2 * 2 for size in sizes[-1].shape[:2])
        blocks = sizes[-1][:rows, :columns].reshape(rows // 2, 2, columns // 2, 2, -1)
        sizes.append(np.rint(blocks.mean(axis=(1, 3))).astype(np.uint8))
    return sizes
