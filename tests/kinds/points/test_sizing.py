"""How sets of points are read and learned, from their numbers, their spacing and how they stand."""

from __future__ import annotations

import math

import numpy as np
import pytest

from perceivers.arguments.advice import Advice
from perceivers.data.tables import ListTable
from perceivers.kinds.points.augmentation import rotation_matrix
from perceivers.kinds.points.kind import PointsKind
from perceivers.kinds.points.options import PointOptions
from perceivers.kinds.points.sizing import (
    Looks,
    looks_of,
    points_learning,
    points_options,
    spacing_of,
    turned_about,
)


def lattice(*sides: int) -> np.ndarray:
    return np.stack(np.meshgrid(*map(np.arange, sides), indexing="ij"), axis=-1).reshape(-1, len(sides))


def bars(count: int, axis: str | None, num_coordinates: int = 3) -> list[np.ndarray]:
    """Bars that are long along x and lean to one end of it, each turned about an axis by an angle of its own, or not."""
    generator = np.random.default_rng(0)
    found = []
    for _ in range(count):
        bar = generator.random((53, num_coordinates)) ** 2 * (5.0, 2.0, 1.0)[:num_coordinates]
        angle = generator.uniform(0.0, 2.0 * math.pi)
        turn = np.eye(num_coordinates) if axis is None else rotation_matrix(angle, num_coordinates, axis)
        found.append(bar @ turn.T)
    return found


def test_spacing_is_the_distance_to_the_nearest_other_place_in_radii():
    # Corners of 5 x 5 places are the root of 8 from the middle, and each place is 1 from the next.
    assert spacing_of(lattice(5, 5)) == pytest.approx(1.0 / math.sqrt(8.0))
    # In any unit, and whatever lies there twice.
    twice = np.concatenate([lattice(5, 5)] * 2)
    assert spacing_of(twice * 700.0) == pytest.approx(1.0 / math.sqrt(8.0))
    assert spacing_of(np.ones((3, 2))) == 1.0
    assert spacing_of(np.array([[0.0], [1.0], [2.0]])) == 1.0


def test_sets_that_are_turned_at_random_are_known_from_sets_that_stand():
    assert turned_about(bars(41, None)) is None
    assert turned_about(bars(41, "z")) == "z"
    assert turned_about(bars(41, "y")) == "y"
    assert turned_about(bars(41, None, 2)) is None
    assert turned_about(bars(41, "z", 2)) == "z"
    # Of few sets nothing is known, and on a line nothing turns.
    assert turned_about(bars(7, "z")) is None
    assert turned_about(bars(41, None, 1)) is None


def test_sets_whose_kinds_stand_across_each_other_stand_all_the_same():
    across = [
        bar @ rotation_matrix(math.pi / 2 * (index % 4), 2).T for index, bar in enumerate(bars(44, None, 2))
    ]
    # Neither their leaning nor their length agrees, but the squares that they lie on do.
    assert turned_about(across) is None


def test_looks_are_those_of_all_sets():
    looks = looks_of([lattice(5, 5), lattice(3, 3)])
    assert looks == Looks(25, 2, pytest.approx((1.0 / math.sqrt(8.0) + 1.0 / math.sqrt(2.0)) / 2.0), None)


@pytest.mark.parametrize(
    ("num_points", "spacing", "expected"),
    [
        # 8 x 8 pixels: eight places along an axis.
        (80, 0.25, (100, 8, 4)),
        (300, 0.1, (375, 20, 10)),
        (2_000, 0.02, (512, 32, 16)),
        (99, 1.0, (124, 4, 2)),
        # Few points by themselves: twice as many frequencies.
        (42, 0.25, (53, 16, 8)),
        (3, 1.0, (4, 8, 4)),
    ],
)
def test_places_are_as_many_as_points_lie_along_an_axis(num_points, spacing, expected):
    options = points_options(270, Looks(num_points, 2, spacing, None))
    assert (options.num_points, options.max_resolution, options.num_fourier_bands) == expected


def test_neighbours_and_turns_follow_the_space_that_points_lie_in():
    plane, space = (points_options(270, Looks(99, axes, 0.2, None)) for axes in (2, 3))
    assert (plane.num_neighbours, space.num_neighbours) == (9, 16)
    assert (plane.rotation, plane.rotation_axis) == (12.0, "z")
    turned = points_options(270, Looks(99, 3, 0.2, "y"))
    assert (turned.rotation, turned.rotation_axis) == (180.0, "y")
    assert points_options(270, Looks(99, 1, 0.2, None)).rotation == 0.0


def test_stages_are_wider_for_many_sets():
    looks = Looks(80, 2, 0.25, None)
    assert points_options(1_999, looks).neighbourhood_widths == (32, 64)
    assert points_options(2_000, looks).neighbourhood_widths == (64, 128)


def test_sets_are_blurred_by_a_share_of_their_spacing():
    assert points_options(270, Looks(42, 2, 0.25, None)).jitter == 0.025
    assert points_options(270, Looks(999, 3, 0.04, None)).jitter == 0.004


def test_larger_sets_are_learned_in_fewer_passes():
    small, large = (
        points_options(270, Looks(80, 2, 0.25, None)),
        points_options(20_000, Looks(999, 3, 0.04, None)),
    )
    assert points_learning(1_300, small, 3).epochs == 60
    assert points_learning(20_000, small, 3).epochs > points_learning(20_000, large, 3).epochs
    # Many points by themselves are learned as the general rule says.
    assert points_learning(270, PointOptions(), 3) == Advice()


def test_few_points_by_themselves_are_learned_in_steps_by_the_root_of_the_sets():
    options = points_options(1_295, Looks(39, 2, 0.25, None))
    assert (options.input_form, options.neighbourhood_widths) == ("single", None)
    advice = points_learning(1_295, options, 3)
    # 114 sqrt(1,295) = 4,102 steps of 32 sets, in whole passes of 41.
    assert (advice.epochs, advice.batch_size, advice.warmup_steps) == (100, 32, 410)
    assert advice.ema_decay == pytest.approx(1.0 - 100.0 / 4_100.0)
    assert points_learning(3, options, 3).epochs == 66


def test_cells_of_a_column_choose_and_what_cannot_be_read_is_passed_over():
    cells = ["missing.off", *(bar.tolist() * 2 for bar in bars(41, "z"))]
    table = ListTable([{"points": cell} for cell in cells], "sets")
    advised = PointsKind.advise_alone(cells, table, 41)
    assert (advised.input_form, advised.num_points, advised.num_neighbours) == ("neighbourhoods", 133, 16)
    assert (advised.rotation, advised.rotation_axis) == (180.0, "z")
    assert PointsKind.advise(["missing.off"], table, 41, 0.0) == PointOptions()
    flat = [np.array(cell)[:, :2].tolist() for cell in cells[1:]]
    assert PointsKind.advise(cells, table, 41, 0.0, {"num_coordinates": 2}) == PointsKind.advise(
        flat, table, 41, 0.0
    )
    assert PointsKind.advise(cells, table, 41, 0.0) != PointsKind.advise(flat, table, 41, 0.0)
    picture = np.zeros((8, 8), np.uint8)
    picture[2:6, 1:5] = 255
    of_pictures = PointsKind.advise([picture] * 3, table, 3, 0.0)
    assert (of_pictures.num_points, of_pictures.input_form, of_pictures.rotation) == (20, "single", 12.0)
