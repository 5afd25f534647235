"""Films of which no single picture tells the class: a patch of noise moves over other noise, in one of four directions.

Run: python benchmarks/made_films.py FOLDER. Writes FOLDER/train and FOLDER/test with a folder for each direction.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

FRAMES, FRAME_RATE, SIDE, PATCH = 12, 10, 48, 16
DIRECTIONS = {"right": (0, 1), "left": (0, -1), "down": (1, 0), "up": (-1, 0)}
# Films of each part, as many of each direction.
PARTS = {"train": 400, "test": 200}
# Pixels from one picture to the next.
SLOWEST, FASTEST = 1.0, 2.4


def moving_patches(place: Path) -> str:
    """Write the films, the same each time, and give the folder."""
    from perceivers.processors.video.writing import video_writer

    chance = np.random.default_rng(0)
    for part, count in PARTS.items():
        for index in range(count):
            direction = list(DIRECTIONS)[index % len(DIRECTIONS)]
            path = place / part / direction / f"{index:03d}.mp4"
            path.parent.mkdir(parents=True, exist_ok=True)
            with path.open("wb") as file, video_writer(file, FRAME_RATE, SIDE, SIDE, None) as writer:
                writer.add(moving_patch(DIRECTIONS[direction], chance), None)
    return str(place)


def moving_patch(direction: tuple[int, int], chance: np.random.Generator) -> np.ndarray:
    """[FRAMES, SIDE, SIDE, 3] uint8: the patch begins anywhere from where it stays in the picture."""
    ground, patch = (0.8 * noise(side, chance) for side in (SIDE, PATCH))
    patch = patch + chance.uniform(0.0, 0.2, 3)
    way = np.array(direction) * chance.uniform(SLOWEST, FASTEST) * (FRAMES - 1)
    lowest, highest = np.maximum(-way, 0.0), SIDE - PATCH - np.maximum(way, 0.0)
    start = chance.uniform(lowest, highest)
    frames = np.empty((FRAMES, SIDE, SIDE, 3))
    for index in range(FRAMES):
        top, left = np.clip(np.round(start + way * index / (FRAMES - 1)), 0, SIDE - PATCH).astype(int)
        frames[index] = ground
        frames[index, top : top + PATCH, left : left + PATCH] = patch
    frames += chance.normal(0.0, 0.02, frames.shape)
    return (frames.clip(0.0, 1.0) * 255).round().astype(np.uint8)


def noise(side: int, chance: np.random.Generator) -> np.ndarray:
    """[side, side, 3] in [0, 1], smooth over some pixels."""
    values = chance.normal(size=(side, side, 3))
    for axis in (0, 1):
        values = sum(np.roll(values, step, axis) for step in (-2, -1, 0, 1, 2))
    return (values - values.min()) / np.ptp(values)


if __name__ == "__main__":
    moving_patches(Path(sys.argv[1]))
