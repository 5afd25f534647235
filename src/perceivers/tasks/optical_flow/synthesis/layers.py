"""What a layer of a synthetic scene looks like: a picture continued over the whole plane, and a soft-edged outline.

Both are functions of a point of the plane, so a scene can be drawn at any positions, also between pixels.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from perceivers.tasks.optical_flow.sampling import sample_bilinear

Array = np.ndarray


@dataclass(frozen=True)
class Texture:
    """A picture as a function of frame-1 points.

    Args:
        picture: uint8 or float32 [rows, columns, channels].
        matrix: [2, 2], from frame pixels to picture pixels.
        offset: [2], the picture's point (x, y) at the frame's origin.
    """

    picture: Array
    matrix: Array
    offset: Array

    def at(self, points: Array) -> Array:
        """Colours [..., channels] at points [..., 2] of frame 1; the picture is mirrored beyond its borders."""
        return sample_bilinear(self.picture, points @ self.matrix.T + self.offset)


@dataclass(frozen=True)
class Outline:
    """A closed shape: a circle whose radius varies with the direction, stretched and turned.

    Args:
        centre: [2], (x, y) in frame-1 pixels.
        radii: [2], half axes in pixels.
        turn: angle of the first half axis, in radians.
        waves: relative amplitude [num_waves] of the k-th harmonic of the radius, k from 2 on; summing below 1.
        phases: [num_waves] radians.
    """

    centre: Array
    radii: Array
    turn: float
    waves: Array
    phases: Array

    def coverage(self, points: Array) -> Array:
        """How much the shape covers a pixel at points [..., 2]: 1 inside, 0 outside, rising over about one pixel."""
        cosine, sine = np.cos(self.turn), np.sin(self.turn)
        local = (points - self.centre) @ np.array([[cosine, -sine], [sine, cosine]]) / self.radii
        angle = np.arctan2(local[..., 1], local[..., 0])
        radius = np.ones_like(angle)
        for order, (size, phase) in enumerate(zip(self.waves, self.phases, strict=True), start=2):
            radius = radius + size * np.sin(order * angle + phase)
        inside = (radius - np.hypot(local[..., 0], local[..., 1])) * self.radii.min()
        return np.clip(inside + 0.5, 0.0, 1.0)


def random_texture(
    generator: np.random.Generator,
    picture: Array,
    *,
    height: int,
    width: int,
    turn: float = 0.3,
    zoom: float = 0.5,
) -> Texture:
    """Draw a part of a picture, turned, resized and flipped at random.

    Args:
        generator: of random numbers.
        picture: float32 [rows, columns, channels].
        height: of the frame, in pixels.
        width: of the frame, in pixels.
        turn: largest rotation, in radians, in each direction.
        zoom: the picture's size changes by up to this many doublings or halvings.
    """
    angle = generator.uniform(-turn, turn)
    flip = np.diag(generator.choice([-1.0, 1.0], 2))
    scale = 2.0 ** generator.uniform(-zoom, zoom)
    matrix = scale * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]) @ flip
    middle = np.array([(width - 1) / 2, (height - 1) / 2])
    rows, columns = picture.shape[:2]
    room = np.maximum(np.array([columns - scale * width, rows - scale * height]) / 2, 0.0)
    target = np.array([(columns - 1) / 2, (rows - 1) / 2]) + generator.uniform(-1.0, 1.0, 2) * room
    return Texture(picture, matrix, target - matrix @ middle)


def random_outline(generator: np.random.Generator, *, height: int, width: int) -> Outline:
    """Draw a shape that lies at least partly in the frame, a tenth to a half of its shorter side in radius."""
    side = min(height, width)
    centre = generator.uniform(0.0, 1.0, 2) * np.array([width - 1, height - 1])
    radii = side * generator.uniform(0.1, 0.5, 2)
    waves = generator.uniform(0.0, 0.4, 4) / np.arange(2, 6)
    phases = generator.uniform(0.0, 2.0 * np.pi, 4)
    return Outline(centre, radii, float(generator.uniform(0.0, np.pi)), waves, phases)
