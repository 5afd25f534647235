"""Motions of the plane that are known exactly in both directions: an affine map after a smooth displacement.

Frame 1's point x goes to `y = c + t + M (x + s(x) - c)` in frame 2, where s is a sum of plane waves. The way back has no
closed form, but a fast exact one: `z = c + M^-1 (y - c - t)` undoes the affine part, and x is the fixed point of
`x = z - s(x)`. That map contracts by the steepness of s (its Lipschitz bound `sum |a| 2 pi |f|` over the waves), which
is kept at 0.5 or less: s is then also too flat to fold the plane, and every step halves the error at least.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from perceivers.errors import ConfigurationError

LARGEST_STEEPNESS = 0.5
# Pixels: less than what a float32 flow of ten pixels resolves.
TOLERANCE = 1e-6
# 0.5 ** 60 of any displacement is below the tolerance.
MOST_ITERATIONS = 60

Array = np.ndarray


@dataclass(frozen=True)
class Warp:
    """Where points of frame 1 are in frame 2, and back. Points are (x, y) in pixels on the last axis.

    Args:
        matrix: M, [2, 2], invertible.
        shift: t, [2] pixels.
        centre: c, [2] pixels: what the matrix turns and scales about.
        amplitudes: [num_waves, 2] pixels.
        frequencies: [num_waves, 2] cycles a pixel along x and y.
        phases: [num_waves] radians.
    """

    matrix: Array
    shift: Array
    centre: Array
    amplitudes: Array
    frequencies: Array
    phases: Array

    def __post_init__(self) -> None:
        if abs(np.linalg.det(self.matrix)) < 1e-6:
            raise ConfigurationError(f"`matrix` must be invertible, received {self.matrix.tolist()}")
        if steepness(self.amplitudes, self.frequencies) > LARGEST_STEEPNESS + 1e-9:
            raise ConfigurationError(
                f"`amplitudes` and `frequencies` must have a steepness of at most {LARGEST_STEEPNESS}, received "
                f"{steepness(self.amplitudes, self.frequencies):.3g}: lower amplitudes or frequencies"
            )

    def forward(self, points: Array) -> Array:
        """Positions in frame 2 of points [..., 2] of frame 1."""
        moved = points + self._waves(points) - self.centre
        return self.centre + self.shift + moved @ self.matrix.T

    def inverse(self, points: Array) -> Array:
        """Positions in frame 1 of points [..., 2] of frame 2."""
        straight = self.centre + (points - self.centre - self.shift) @ np.linalg.inv(self.matrix).T
        found = straight - self._waves(straight)
        for _ in range(MOST_ITERATIONS if len(self.phases) else 0):
            better = straight - self._waves(found)
            moved = float(np.abs(better - found).max(initial=0.0))
            found = better
            if moved < TOLERANCE:
                break
        return found

    def _waves(self, points: Array) -> Array:
        """S at points [..., 2], in pixels."""
        if not len(self.phases):
            return np.zeros_like(points)
        angles = 2.0 * np.pi * (points @ self.frequencies.T) + self.phases
        return np.sin(angles) @ self.amplitudes


def steepness(amplitudes: Array, frequencies: Array) -> float:
    """Bound on how fast a sum of waves changes, pixels a pixel: the sum of |amplitude| x 2 pi |frequency|."""
    sizes = np.linalg.norm(amplitudes, axis=-1) * np.linalg.norm(frequencies, axis=-1)
    return float(2.0 * np.pi * sizes.sum())


def random_warp(
    generator: np.random.Generator,
    *,
    height: int,
    width: int,
    max_motion: float,
    deformation: float,
    centre: Array | None = None,
) -> Warp:
    """Draw a motion of a frame.

    The translation points anywhere and is uniformly long between 0 and `max_motion`. Rotation, scale and shear move a
    point half a frame's diagonal from the centre by up to half of `max_motion`; waves of one to three cycles a frame
    by up to `deformation` x `max_motion`, less where they would be too steep.

    Args:
        generator: of random numbers.
        height: of the frame, in pixels.
        width: of the frame, in pixels.
        max_motion: longest translation, in pixels.
        deformation: strength of the smooth part, in [0, 1]; 0 leaves the motion affine.
        centre: see Warp; None: the frame's.
    """
    middle = np.array([(width - 1) / 2, (height - 1) / 2]) if centre is None else centre
    radius = np.hypot(height, width) / 2
    angle = generator.uniform(0.0, 2.0 * np.pi)
    shift = generator.uniform(0.0, max_motion) * np.array([np.cos(angle), np.sin(angle)])
    linear = generator.uniform(-1.0, 1.0, (2, 2)) * min(max_motion / radius, 0.5) / 4
    turn = generator.uniform(-1.0, 1.0) * min(max_motion / radius, 0.5) / 4
    matrix = np.eye(2) + linear + turn * np.array([[0.0, -1.0], [1.0, 0.0]])
    count = int(generator.integers(1, 4)) if deformation > 0.0 else 0
    frequencies = generator.uniform(-1.0, 1.0, (count, 2)) * 3.0 / np.array([width, height])
    amplitudes = generator.uniform(-1.0, 1.0, (count, 2)) * deformation * max_motion / max(count, 1)
    steep = steepness(amplitudes, frequencies)
    if steep > LARGEST_STEEPNESS:
        amplitudes = amplitudes * (LARGEST_STEEPNESS / steep)
    phases = generator.uniform(0.0, 2.0 * np.pi, count)
    return Warp(matrix, shift, middle, amplitudes, frequencies, phases)
