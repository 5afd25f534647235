"""Sets of points as a kind of data: guessed, read, settled, batched."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from perceivers.configuration import PerceiverConfig
from perceivers.data.tables import ListTable
from perceivers.errors import ConfigurationError, DataError
from perceivers.kinds.points.kind import PointsKind
from perceivers.kinds.points.options import PointOptions
from perceivers.kinds.points.reading import PointSet
from perceivers.kinds.registry import guess_kind
from perceivers.models.modality_types import build_preprocessor

SMALL: dict[str, Any] = {"num_points": 40, "num_fourier_bands": 2, "max_resolution": 4}
NOTHING = ListTable([{"cloud": None}], "sets")


def settled(*sets: np.ndarray, **chosen: Any) -> PointsKind:
    kind = PointsKind(PointOptions(**{**SMALL, **chosen}))
    return kind.settle([PointSet(points) for points in sets], ["cloud"])


@pytest.mark.parametrize(
    ("name", "cells"),
    [
        ("x", ["a.off", "b.PLY"]),
        ("points", ["a.npy", "b.npz"]),
        ("cloud", ["a.csv", "b.txt"]),
        ("points", [[[1, 2, 3], [4, 5, 6]]]),
        ("points", ["[[1, 2], [3, 4]]"]),
        ("points", [np.zeros((5, 3))]),
        ("points", [[{"x": 1, "y": 2.5, "q": 3}], '[{"q": 1, "y": 2, "x": 3}]']),
    ],
)
def test_columns_of_sets_are_known(name: str, cells: list[Any]) -> None:
    assert guess_kind(name, cells) is PointsKind


@pytest.mark.parametrize(
    ("name", "cells"),
    [
        ("points", [3, 21, 7]),
        ("points", ["a.png"]),
        ("points", [np.zeros((5, 3), np.uint8)]),
        ("notes", ["a.txt"]),
        ("points", [np.zeros(5)]),
        ("points", [["a", "b"]]),
        ("points", [[{"x": 1, "y": 2, "type": "archer"}]]),
        ("points", [[{"health": 1, "age": 2}]]),
        ("units", [[{"x": 1, "y": 2}]]),
    ],
)
def test_columns_of_other_things_are_not(name: str, cells: list[Any]) -> None:
    assert PointsKind.guess(name, cells) == 0.0


def test_arrays_of_other_names_may_be_points_or_something_surer() -> None:
    assert 0.0 < PointsKind.guess("signal", [np.zeros((5, 3))]) < 0.5


def test_points_have_as_many_coordinates_as_are_usual_or_asked_for() -> None:
    wide, flat = np.ones((4, 5)), np.ones((4, 2))
    assert (settled(wide).num_coordinates, settled(wide).num_features) == (3, 2)
    asked = settled(wide, num_coordinates=2, feature_channels=7)
    assert (asked.num_coordinates, asked.num_features) == (2, 3)
    kind = PointsKind(PointOptions(**SMALL)).settle([PointSet(flat, usual_coordinates=2)], ["cloud"])
    assert (kind.num_coordinates, kind.num_features) == (2, 0)
    assert PointsKind(kind.options).with_state(kind.state()) == kind


def test_sets_that_cannot_be_settled_on_are_named() -> None:
    with pytest.raises(
        DataError, match="'cloud' must have equally many numbers, received points of 3 and of 5"
    ):
        settled(np.ones((4, 5)), np.ones((4, 3)))
    with pytest.raises(
        ConfigurationError, match="at most the 3 numbers of a point in the column 'cloud', received 4"
    ):
        settled(np.ones((4, 3)), num_coordinates=4)
    with pytest.raises(
        ConfigurationError, match="`feature_channels` needs points with features, received points of 3"
    ):
        settled(np.ones((4, 3)), feature_channels=5)


def test_cells_are_read_with_the_numbers_that_are_known() -> None:
    kind = settled(np.ones((4, 3)))
    value = kind.read({"cloud": [[1, 2, 3]]}, ["cloud"], NOTHING)
    assert value is not None
    assert value.num_columns == 3
    assert kind.read({"cloud": None}, ["cloud"], NOTHING) is None
    with pytest.raises(DataError, match="points must have 3 numbers each, received points of 2"):
        kind.read({"cloud": [[1, 2]]}, ["cloud"], NOTHING)


def test_sets_of_several_sizes_and_absent_ones_are_masked() -> None:
    kind = settled(np.ones((4, 3)), normalization="none", coordinate_range=5.0)
    small, large = np.full((2, 3), 1.0, np.float32), np.full((5, 3), 2.0, np.float32)
    given = kind.tensors([PointSet(small), None, PointSet(large)])[""]
    assert given.values.shape == (3, 5, 3)
    assert given.mask is not None
    assert given.mask.sum(dim=1).tolist() == [2, 0, 5]
    assert given.values.sum(dim=(1, 2)).tolist() == [6.0, 0.0, 30.0]
    assert kind.tensors([PointSet(large)])[""].mask is None


def test_a_batch_of_absent_sets_is_as_small_as_can_be_and_the_model_takes_it() -> None:
    kind = settled(np.ones((4, 5)))
    given = kind.tensors([None, None])[""]
    assert given.values.shape == (2, 1, 5)
    assert given.mask is not None
    assert given.mask.tolist() == [[False], [False]]
    modality = build_preprocessor(PerceiverConfig(), "cloud", kind.modalities()[""])
    assert modality(given.values)[0].shape[:2] == (2, 1)


def test_variation_stays_on_the_border_without_normalisation() -> None:
    points = np.array([[2.0, -2.0, 9.0], [0.0, 0.0, 9.0]], np.float32)
    kind = settled(points, num_coordinates=2, normalization="none", coordinate_range=2.0, shift=1.5)
    shifted = np.stack(
        [kind.vary(PointSet(points), np.random.default_rng(seed)).shape for seed in range(30)]  # type: ignore[misc]
    )
    assert np.abs(shifted[..., :2]).max() == 2.0
    assert (shifted[..., 2] == 9.0).all()
    assert kind.tensors([PointSet(points)])[""].values[0].tolist() == points.tolist()


def test_what_is_shown_are_the_points_that_the_model_saw() -> None:
    points = np.random.default_rng(0).normal(size=(50, 3)).astype(np.float32)
    kind = settled(points)
    shown = kind.show(PointSet(points), {"": torch.arange(40.0)}, {"": (40,)})
    assert shown is not None
    # 40 of the 50, centred, the farthest at distance 1.
    assert shown.points.shape == (40, 3)
    assert np.linalg.norm(shown.points, axis=1).max() == pytest.approx(1.0, abs=1e-6)
    assert shown.attention.tolist() == list(range(40))
    assert "<img" in kind.html(shown, ["cloud"])
    assert kind.show(None, {}, {}) is None


def far_sphere() -> np.ndarray:
    """A sphere of 1 m at a surveyed place."""
    directions = np.random.default_rng(0).normal(size=(211, 3))
    return directions / np.linalg.norm(directions, axis=1)[:, None] + (500_000.0, 5_400_000.0, 200.0)


def write_far(path: Path, points: np.ndarray) -> None:
    lines = [" ".join(f"{value:.4f}" for value in point) for point in points]
    if path.suffix == ".npy":
        np.save(path, points)
    elif path.suffix == ".off":
        path.write_text(f"OFF\n{len(lines)} 1 0\n" + "\n".join(lines) + "\n3 0 1 2\n")
    elif path.suffix == ".obj":
        path.write_text("".join(f"v {line}\n" for line in lines))
    elif path.suffix == ".ply":
        order, mark = (">", "big") if "big" in path.name else ("<", "little")
        kind = np.dtype([(axis, f"{order}f8") for axis in "xyz"] + [("red", "u1"), ("nx", f"{order}f4")])
        rows = np.zeros(len(points), kind)
        for axis, column in zip("xyz", points.T, strict=True):
            rows[axis] = column
        head = f"ply\nformat binary_{mark}_endian 1.0\nelement vertex {len(points)}\n" + "".join(
            f"property {name} {axis}\n" for name, axis in (("double", "x"), ("double", "y"), ("double", "z"))
        )
        path.write_bytes(
            (head + "property uchar red\nproperty float nx\nend_header\n").encode() + rows.tobytes()
        )
    else:
        path.write_text("\n".join(lines) + "\n")


@pytest.mark.parametrize("name", ["a.npy", "a.xyz", "a.off", "a.obj", "little.ply", "big.ply", "a.csv"])
def test_a_small_set_far_from_0_keeps_its_shape(name: str, tmp_path: Path) -> None:
    points = far_sphere()
    write_far(tmp_path / name, points)
    kind = PointsKind(PointOptions(num_points=500, rotation=30.0, point_scale=0.01, jitter=0.01))
    value = kind.read({"points": name}, ["points"], ListTable([{"points": name}], "t", root=tmp_path))
    assert value is not None
    kind = kind.settle([value], ["points"])
    for seen in (value, kind.vary(value, np.random.default_rng(0))):
        coordinates = kind.tensors([seen])[""].values[0, :, :3].double()
        if name == "a.off":
            # Points on its one face, a triangle: all of them differ.
            assert len(coordinates.unique(dim=0)) == 500
            continue
        distances = (coordinates - coordinates.mean(dim=0)).norm(dim=1)
        assert 0.8 < float(distances.min()) <= float(distances.max()) < 1.1
        assert min(len(coordinates[:, axis].unique()) for axis in range(3)) > 200


AROUND: dict[str, Any] = {
    "input_form": "neighbourhoods",
    "neighbourhood_widths": (5, 7),
    "neighbourhood_centres": (11, 3),
    "num_neighbours": 4,
}


def test_what_a_set_is_to_the_model_is_said() -> None:
    assert settled(np.ones((4, 3))).described() == "up to 40 points of 3 coordinates, a token each"
    kind = settled(np.ones((4, 5)), **AROUND)
    assert kind.described() == (
        "up to 40 points of 3 coordinates and 2 features, by the 4 nearest around each as 3 tokens"
    )
    assert settled(np.ones((4, 3)), **{**AROUND, "num_points": 2}).num_tokens == 2


def test_the_modality_has_what_the_form_says() -> None:
    assert "neighbourhood_widths" not in settled(np.ones((4, 3))).modalities()[""]
    modality = settled(np.ones((4, 3)), **AROUND).modalities()[""]
    assert (modality["neighbourhood_widths"], modality["neighbourhood_centres"]) == ([5, 7], [11, 3])
    assert modality["num_neighbours"] == 4


def test_points_are_shown_with_the_weight_of_the_token_nearest_to_them() -> None:
    line = np.array([[0.0, 0.0], [1.0, 0.0], [5.0, 0.0], [9.0, 0.0], [10.0, 0.0]], np.float32)
    kind = PointsKind(PointOptions(**{**SMALL, **AROUND, "neighbourhood_centres": (5, 2)}))
    kind = kind.settle([PointSet(line, 2)], ["cloud"])
    shown = kind.show(PointSet(line, 2), {"": torch.tensor([0.25, 0.75])}, {"": (2,)})
    assert shown is not None
    # Tokens are the two ends; which comes first, a preference of directions says.
    ends = shown.attention[[0, -1]].tolist()
    assert sorted(ends) == [0.25, 0.75]
    assert shown.attention[[1, 3]].tolist() == ends


def test_whoever_wants_points_by_themselves_gets_no_neighbourhoods() -> None:
    advised = {"input_form": "neighbourhoods", "num_neighbours": 9, "num_points": 42}
    assert PointsKind.suiting({"input_form": "single"}, advised) == {
        "input_form": "neighbourhoods",
        "num_points": 42,
    }


def test_a_simple_method_reads_counts_in_a_grid() -> None:
    kind = settled(np.ones((4, 3)))
    found = kind.simplified({"cloud": [[1, 2, 3], [4, 5, 7]]}, ["cloud"], NOTHING)
    assert found is not None
    assert (found.shape, float(found.sum())) == ((216,), 1.0)
    assert kind.simplified({"cloud": None}, ["cloud"], NOTHING) is None


def test_arrays_with_their_coordinates_first_are_refused() -> None:
    cloud = np.random.default_rng(0).normal(size=(32, 3))
    with pytest.raises(
        DataError,
        match=r"received \[3, 32\] and the like, 3 points of 32 numbers each: the coordinates come first",
    ):
        settled(cloud.T, np.zeros((2, 41)))
    assert settled(cloud).num_columns == 3
    # Few points of many numbers, beside others: no error of the axes.
    assert settled(cloud.T, np.zeros((4, 32))).num_columns == 32
    assert settled(cloud.T[:, :31]).num_columns == 31
    assert settled(cloud.T[:1]).num_columns == 32


def test_a_lesser_set_has_half_of_the_points() -> None:
    kind = settled(np.zeros((5, 3)))
    (half,) = kind.lesser(PointSet(np.arange(15, dtype=np.float32).reshape(5, 3)))
    assert half.num_columns == 3
    assert half.shape.shape == (3, 3)
