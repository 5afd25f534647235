"""How sets of points are read and learned, from their numbers, their spacing and how they stand: pure functions, one place.

docs/learning/points.md says what each choice brought on held-out training sets.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from perceivers.arguments.advice import Advice
from perceivers.kinds.passes import stem_learning
from perceivers.kinds.points.augmentation import AXES, radius
from perceivers.kinds.points.options import PointOptions

# Sets of up to so many points stay whole; of larger ones, and of surfaces, so many are drawn anew each time.
MOST_POINTS = 512
# Sets of fewer points are read point by point: a network over so few tokens finds their neighbours by itself.
FEW_POINTS = 100
# Steps a root of a set, for such sets; passes; sets a step; the share of steps that climb.
STEPS_OF_A_ROOT, FEWEST_PASSES, MOST_PASSES, MOST_A_STEP, CLIMB = 114.0, 8, 200, 32, 0.1
# Points that the stages leave: those of small sets are all seen once, then every second or so.
CENTRES = (128, 32)
# Sets that nobody has looked at may be larger than those that were: by this factor, they stay whole, too.
ROOM = 1.25
# Channels of the stages. Of few sets, wide ones learn nothing more, and cost twice the time.
NARROW, WIDE = (32, 64), (64, 128)
MANY_ROWS = 2_000
# A point of a plane has eight others around it on a grid; on a surface in space more tell how it bends.
NEIGHBOURS_IN_PLANE, NEIGHBOURS_IN_SPACE = 9, 16
# Places along an axis that are told apart: never fewer or more than this.
FEWEST_PLACES, MOST_PLACES = 4, 32
# Points of a set that are compared with all its others, when its spacing is measured.
COMPARED = 64
# Sets stand in no common direction where the mean of their directions is shorter than this many times what chance leaves.
CHANCE = 2.5
FEWEST_TURNED = 24
# Turning of sets that stand upright, in degrees.
SLIGHT_TURN, FULL_TURN = 12.0, 180.0

# Sets are blurred by this share of their spacing.
BLUR = 0.1
# A multiplication takes so many times as long as one of a convolution: points are looked up, and there are few of each.
TIMES_A_CONVOLUTION = 10


@dataclass(frozen=True)
class Looks:
    """What some sets look like.

    Args:
        num_points: of the largest of them; of surfaces, as many as are wanted.
        num_coordinates: of a point.
        spacing: distance from a point to the nearest other one, as a share of its set's radius: the middle one of all.
        turned: axis that they are turned about at random; None where they stand in common directions.
    """

    num_points: int
    num_coordinates: int
    spacing: float
    turned: Literal["x", "y", "z"] | None


def looks_of(sets: Iterable[np.ndarray]) -> Looks:
    """Numbers, spacing and directions of some sets, at least one.

    Args:
        sets: coordinates of each, [num_points, num_coordinates].
    """
    given = [each.astype(np.float64) for each in sets]
    spacings = [spacing_of(each) for each in given]
    return Looks(
        num_points=max(len(each) for each in given),
        num_coordinates=given[0].shape[1],
        spacing=float(np.median(spacings)),
        turned=turned_about(given),
    )


def spacing_of(coordinates: np.ndarray) -> float:
    """Distance from a point to the nearest other place, as a share of the set's radius; the middle one of up to 64 points.

    Args:
        coordinates: [num_points, num_coordinates].

    Returns:
        Above 0; 1 for a set that is all in one place.
    """
    size = radius(coordinates)
    if size == 0.0:
        return 1.0
    asked = coordinates[np.linspace(0, len(coordinates) - 1, min(COMPARED, len(coordinates))).astype(int)]
    distances = np.linalg.norm(asked[:, None] - coordinates[None], axis=2)
    # A point itself, and others in the same place, are no neighbours.
    distances[distances <= 1e-9 * size] = np.inf
    return min(float(np.median(distances.min(axis=1))) / size, 1.0)


def turned_about(sets: list[np.ndarray]) -> Literal["x", "y", "z"] | None:
    """The axis that sets are turned about at random, z before y before x; None where they stand in common directions.

    Seen along the axis, each set has a direction in which it is longest, and one in which it leans from the middle of its
    bounding box. Where sets stand as they were made, these directions, or their doubles and fourfolds, agree: their mean is
    longer than that of as many directions by chance, whose length is about the root of 1 / n.

    Args:
        sets: coordinates of each, [num_points, num_coordinates].
    """
    num_coordinates = sets[0].shape[1]
    if num_coordinates < 2 or len(sets) < FEWEST_TURNED:
        return None
    axes: tuple[Literal["x", "y", "z"], ...] = ("z",) if num_coordinates == 2 else ("z", "y", "x")
    for axis in axes:
        plane = [index for index in range(min(num_coordinates, 3)) if index != AXES[axis]]
        if not _agree(np.array([_directions(each[:, plane]) for each in sets])):
            return axis
    return None


def _directions(coordinates: np.ndarray) -> tuple[complex, complex, complex]:
    """How a set in a plane leans, is long, and is square, each as a number whose angle is 1, 2 and 4 times a direction."""
    places = coordinates[:, 0] + 1j * coordinates[:, 1]
    low, high = coordinates.min(axis=0), coordinates.max(axis=0)
    places = places - places.mean()
    size = float(np.abs(places).max()) or 1.0
    middle = complex(*((low + high) / 2.0)) - complex(*coordinates.mean(axis=0))
    return middle / size, complex((places**2).mean()) / size**2, complex((places**4).mean()) / size**4


def _agree(directions: np.ndarray) -> bool:
    """Whether any column of directions [num_sets, 3] has a mean that chance does not explain."""
    longest = np.sqrt((np.abs(directions) ** 2).sum(axis=0))
    means = np.abs(directions.sum(axis=0)) / np.where(longest > 1e-9, longest, np.inf)
    return bool((means > CHANCE).any())


def points_options(num_rows: int, looks: Looks) -> PointOptions:
    """What a token is, how many there are, how finely places are told, and how sets are changed while training.

    - Sets of up to 512 points stay whole; of larger ones, and of surfaces, 512 are drawn anew each time.
    - Of fewer than 100 points each is a token by itself, whose place is told by twice as many frequencies.
    - Of more, a token is a neighbourhood: 9 points in the plane, 16 in space. A first stage looks around up to 128 points, a
      second one around up to 32 of these; from 2,000 sets on they are twice as wide.
    - As many places along an axis are told apart as points lie along it, from 4 to 32, by half as many frequencies.
    - Sets that are turned about an axis at random are turned about it while training; others, by up to 12 degrees. All are
      stretched by up to 12 %, blurred by a tenth of their spacing, and lose up to a tenth of their points.

    Args:
        num_rows: training sets.
        looks: of some of them.
    """
    places = min(max(round(2.0 / looks.spacing), FEWEST_PLACES), MOST_PLACES)
    num_points = min(math.ceil(ROOM * looks.num_points), MOST_POINTS)
    is_flat = looks.num_coordinates <= 2
    turn = FULL_TURN if looks.turned else SLIGHT_TURN
    is_small = num_points < FEW_POINTS
    form: dict[str, Any] = (
        {"input_form": "single"}
        if is_small
        else {
            "input_form": "neighbourhoods",
            "neighbourhood_widths": WIDE if num_rows >= MANY_ROWS else NARROW,
            "neighbourhood_centres": CENTRES,
            "num_neighbours": NEIGHBOURS_IN_PLANE if is_flat else NEIGHBOURS_IN_SPACE,
        }
    )
    resolution = 2 * places if is_small else places
    return PointOptions(
        **form,
        num_points=num_points,
        max_resolution=resolution,
        num_fourier_bands=max(resolution // 2, 1),
        rotation=0.0 if looks.num_coordinates < 2 else turn,
        rotation_axis=looks.turned or "z",
        scale=0.12,
        jitter=round(BLUR * looks.spacing, 4),
        drop=0.1,
    )


def points_learning(num_rows: int, options: PointOptions, num_columns: int) -> Advice:
    """The network and the loop for so many training sets; of neighbourhoods, see `perceivers.kinds.passes.stem_learning`.

    Points by themselves are learned as the recipe of the digits has it: 32 latents of 64 channels, three layers, nothing held
    back but by changed sets, 114 times the root of the number of sets as steps.

    Args:
        num_rows: training sets.
        options: what the model sees of them.
        num_columns: numbers of a point.
    """
    if options.input_form != "neighbourhoods":
        return _single_learning(num_rows) if options.num_points < FEW_POINTS else Advice()
    values = options.form_values()
    from perceivers.nn.neighbourhoods import num_multiplications

    cost = num_multiplications(
        options.num_points,
        num_columns,
        values["neighbourhood_widths"],
        values["neighbourhood_centres"],
        values["num_neighbours"],
    )
    # They have no convolutions.
    return stem_learning(num_rows, TIMES_A_CONVOLUTION * cost, in_bfloat16=False)


def _single_learning(num_rows: int) -> Advice:
    batch_size = max(min(num_rows // 4, MOST_A_STEP), 1)
    a_pass = -(-num_rows // batch_size)
    passes = min(max(round(STEPS_OF_A_ROOT * math.sqrt(num_rows) / a_pass), FEWEST_PASSES), MOST_PASSES)
    steps = passes * a_pass
    return Advice(
        epochs=passes,
        batch_size=batch_size,
        learning_rate=0.003,
        warmup_steps=max(round(CLIMB * steps), 1),
        # The mean looks back on a hundredth of the run.
        ema_decay=min(max(1.0 - 100.0 / steps, 0.8), 0.99),
        weight_decay=0.05,
        num_latents=32,
        latent_channels=64,
        qk_channels=64,
        num_layers=3,
        dropout=0.0,
        mlp_dropout=0.0,
    )
