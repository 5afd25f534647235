"""Stretches of pieces: every token is answered once, what comes before is seen, ends are learned and not measured."""

from __future__ import annotations

import numpy as np
import pytest

from perceivers.tasks.text_generation.codes import ByteCodes
from perceivers.tasks.text_generation.crops import Crop, Crops, batch_of, drawn_crop
from perceivers.tasks.text_generation.reading import Piece


class Pieces(list):
    def name(self, index):
        return f"piece {index}"


def piece_of(length, is_end=True, first=0):
    return Piece(np.arange(first, first + length, dtype=np.uint8), is_end)


def test_all_tokens_are_answered_once_in_stretches_the_first_of_which_is_short() -> None:
    pieces = Pieces([piece_of(11), piece_of(3, first=100), piece_of(6, is_end=False, first=200)])
    crops = Crops.of(pieces, 7, 3, scores_end=True)
    # 11 and the end, 3 and the end, 6.
    assert len(crops) == 4 + 2 + 2
    assert [(crop.start, crop.end, crop.num_scored) for crop in crops] == [
        (0, 3, 3),
        (0, 6, 3),
        (2, 9, 3),
        (5, 12, 3),
        (0, 1, 1),
        (0, 4, 3),
        (0, 3, 3),
        (0, 6, 3),
    ]
    targets = [batch_of([crop], ByteCodes(), 5)["targets"][0].tolist() for crop in crops]
    answered = [each for row in targets for each in row if each >= 0]
    ends = [2]
    values = [range(11), range(100, 103), range(200, 206)]
    expected = [[value + 6 for value in each] for each in values]
    assert answered == [*expected[0], *ends, *expected[1], *ends, *expected[2]]
    assert crops.num_tokens == 20
    assert crops.name(2) == "piece 0, tokens 6 to 9"
    with pytest.raises(IndexError, match=r"`index` must be in \[0, 8\), received 8"):
        crops[8]


def test_ends_are_not_measured_where_they_do_not_count() -> None:
    crops = Crops.of(Pieces([piece_of(6)]), 7, 3, scores_end=False)
    answered = [batch_of([crop], ByteCodes(), 5)["targets"][0].tolist() for crop in crops]
    assert [each for row in answered for each in row if each >= 0] == [6, 7, 8, 9, 10, 11]


def test_a_batch_has_its_padding_in_front() -> None:
    piece = piece_of(9)
    batch = batch_of([Crop(piece, 0, 2, 2), Crop(piece, 3, 10, 4)], ByteCodes(), 4)
    # Place 0 is the start; place i is byte i - 1, whose id is i + 5; behind the last one comes the end.
    assert batch["inputs"].tolist() == [[0, 0, 0, 0, 0, 1, 6], [8, 9, 10, 11, 12, 13, 14]]
    assert batch["attention_mask"].tolist() == [[False] * 5 + [True] * 2, [True] * 7]
    assert batch["targets"].tolist() == [[-100, -100, 6, 7], [12, 13, 14, 2]]


def test_drawn_stretches_end_anywhere_and_have_every_length_of_past() -> None:
    crop = Crop(piece_of(23), 0, 5, 5)
    drawn = [drawn_crop(crop, 11, 5, np.random.default_rng(seed)) for seed in range(300)]
    assert {each.end for each in drawn} == set(range(5, 25))
    assert {each.end - each.start for each in drawn} == set(range(5, 12))
    assert {each.num_scored for each in drawn} == {5}
    short = drawn_crop(Crop(piece_of(2), 0, 2, 2), 11, 5, np.random.default_rng(0))
    assert (short.start, short.end, short.num_scored) == (0, 3, 3)
