"""Flow of what Python has: pairs, sequences of frames, paths between them, and what is none of these."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from perceivers.errors import DataError
from perceivers.tasks.base import Unreadable
from perceivers.tasks.optical_flow.frames import Pair, pairs_of_inputs
from perceivers.tasks.optical_flow.options import OpticalFlowArguments
from perceivers.tasks.optical_flow.values import flows_of_values, pairs_of_values

ARGUMENTS = OpticalFlowArguments()
PIXELS = [np.random.default_rng(seed).integers(0, 256, (5, 7, 3), dtype=np.uint8) for seed in range(3)]
A, B, C = PIXELS


@pytest.fixture
def paths(tmp_path: Path) -> list[Path]:
    found = [tmp_path / f"{index}.png" for index in range(3)]
    for path, pixels in zip(found, PIXELS, strict=True):
        Image.fromarray(pixels).save(path)
    return found


def pairs_of(values: list[Any]) -> list[Pair]:
    left_out: list[Unreadable] = []
    found = list(pairs_of_values(values, ARGUMENTS, left_out))
    assert not left_out
    return found


def flows_of(values: list[Any]) -> list[Any]:
    return flows_of_values(
        values, ARGUMENTS, lambda first, second: np.ones((*first.shape[:2], 2), np.float32)
    )


def test_a_pair_may_be_two_of_anything_that_is_a_picture_or_a_mapping(paths: list[Path]) -> None:
    first, second = paths[:2]
    asked: list[Any] = [
        (A, B),
        [Image.fromarray(A), Image.fromarray(B)],
        (first, str(second)),
        {"first": first.read_bytes(), "second": {"path": str(second)}},
        (torch.from_numpy(A), second),
    ]
    found = pairs_of(asked)
    assert len(found) == len(asked)
    for pair in found:
        np.testing.assert_array_equal(pair.first, A)
        np.testing.assert_array_equal(pair.second, B)
    assert [pair.source for pair in found] == [f"values, row {number}" for number in range(1, 6)]
    assert [pair.name for pair in found] == ["row_1", "row_2", "0", "row_4", "row_5"]


def test_frames_side_by_side_are_one_sequence_and_a_pair_between_them_is_its_own() -> None:
    found = pairs_of([A, Image.fromarray(B), C, (C, A), B, A])
    expected = [(A, B), (B, C), (C, A), (B, A)]
    for pair, (first, second) in zip(found, expected, strict=True):
        np.testing.assert_array_equal(pair.first, first)
        np.testing.assert_array_equal(pair.second, second)
    assert found[1].source == "values, row 2 to values, row 3"


def test_paths_of_pictures_and_folders_are_called_as_on_the_command_line(paths: list[Path]) -> None:
    for given in (paths, [paths[0].parent]):
        expected = pairs_of_inputs([str(path) for path in given], ARGUMENTS)
        assert [(pair.source, pair.name) for pair in pairs_of(given)] == [
            (pair.source, pair.name) for pair in expected
        ]


def test_what_cannot_be_read_is_an_error_in_its_place(paths: list[Path]) -> None:
    small = A[:4]
    torn = Image.open(paths[0])
    torn.close()
    asked = [
        (A, B),
        (A, str(paths[0].parent / "absent.png")),
        (A, small),
        5,
        (A, B, C),
        {"first": A},
        "x" * 5000,
        (torn, A),
        (B, C),
        A,
        (A, None),
    ]
    found = flows_of(asked)
    assert [isinstance(each, DataError) for each in found] == [index not in (0, 8) for index in range(11)]
    said = [str(each) for each in found]
    assert said[1].startswith("`values, row 2`: 'second': `")
    assert said[1].endswith("absent.png` cannot be read as a picture: there is no such file")
    assert said[2] == "`values, row 3`: both frames must be of one size, received 7 x 5 and 7 x 4"
    for index in (3, 4, 5):
        assert said[index].startswith(
            f"`values, row {index + 1}` must be a frame (a path, bytes, an array or a PIL picture), a pair of frames, "
            "(first, second) or a mapping with these names, or the path of a film, a folder or a table, received "
        )
    assert "xxx" in said[6]
    assert said[7].startswith("`values, row 8`: 'first' cannot be read as a picture: ")
    assert said[9] == (
        "`values, row 10` is a single frame; flow needs a second one after it: give the two side by side, or as a pair, "
        "(first, second)"
    )
    assert said[10] == (
        "`values, row 11`: 'second': a picture must be a path, bytes or pixels, received None"
    )


def test_a_sequence_begins_anew_behind_a_frame_that_cannot_be_read(paths: list[Path]) -> None:
    absent = paths[0].parent / "absent.png"
    found = flows_of([paths[0], paths[1], absent, paths[1], paths[2], A[:4], B])
    assert [type(each).__name__ for each in found] == [
        "Prediction", "DataError", "Prediction", "DataError", "DataError"
    ]  # fmt: skip
    assert str(found[1]) == f"`{absent}` cannot be read as a picture: there is no such file"
    assert found[0].source == f"{paths[0]} to 1.png"
    assert "both frames must be of one size" in str(found[3])
