"""Random changes of a set of points that leave its class as it is."""

from __future__ import annotations

import math

import numpy as np

AXES = {"x": 0, "y": 1, "z": 2}


def rotation_matrix(angle: float, num_coordinates: int, axis: str = "z") -> np.ndarray:
    """The matrix that turns column vectors by `angle` radians.

    Args:
        angle: counter-clockwise seen from the positive end of the axis, or of x towards y in the plane.
        num_coordinates: 2, or 3 and more; coordinates past the third stay.
        axis: "x", "y" or "z"; a plane has "z" only.

    Returns:
        [num_coordinates, num_coordinates].
    """
    first, second = [index for index in range(3) if index != AXES[axis]]
    if axis == "y":  # z turns towards x, so that all three axes have the same sense
        first, second = second, first
    matrix = np.eye(num_coordinates)
    matrix[first, first] = matrix[second, second] = math.cos(angle)
    matrix[first, second], matrix[second, first] = -math.sin(angle), math.sin(angle)
    return matrix


def radius(coordinates: np.ndarray) -> float:
    """Distance of the farthest point from the mean of [num_points, num_coordinates]."""
    return float(np.linalg.norm(coordinates - coordinates.mean(axis=0), axis=1).max())


def vary_points(
    points: np.ndarray,
    generator: np.random.Generator,
    *,
    num_coordinates: int,
    drop: float = 0.0,
    rotation: float = 0.0,
    rotation_axis: str = "z",
    scale: float = 0.0,
    point_scale: float = 0.0,
    jitter: float = 0.0,
    shift: float = 0.0,
) -> np.ndarray:
    """Leave out, turn, scale, blur and shift points; features stay with their points.

    Args:
        points: [num_points, num_columns], coordinates first.
        generator: source of chance.
        num_coordinates: leading columns that are coordinates.
        drop: up to this share of the points is left out; one at least stays.
        rotation: largest angle about the origin in degrees, in each direction.
        rotation_axis: see `rotation_matrix`.
        scale: largest relative change of size, drawn for each coordinate.
        point_scale: the same, drawn for each coordinate of each point.
        jitter: standard deviation of what is added to each coordinate of each point, as a share of the set's radius.
        shift: largest shift along each coordinate, in the unit of the coordinates.

    Returns:
        float32 [at most num_points, num_columns].
    """
    if drop:
        stay = generator.random(len(points)) >= generator.uniform(0.0, drop)
        stay[int(generator.integers(len(points)))] = True
        points = points[stay]
    coordinates = points[:, :num_coordinates].astype(np.float64)
    if rotation:
        angle = math.radians(generator.uniform(-rotation, rotation))
        coordinates = coordinates @ rotation_matrix(angle, num_coordinates, rotation_axis).T
    if scale:
        coordinates = coordinates * generator.uniform(1.0 - scale, 1.0 + scale, num_coordinates)
    if point_scale:
        coordinates = coordinates * generator.uniform(1.0 - point_scale, 1.0 + point_scale, coordinates.shape)
    if jitter:
        coordinates = coordinates + generator.normal(0.0, jitter * radius(coordinates), coordinates.shape)
    if shift:
        coordinates = coordinates + generator.uniform(-shift, shift, num_coordinates)
    return np.concatenate([coordinates, points[:, num_coordinates:]], axis=1).astype(np.float32)
