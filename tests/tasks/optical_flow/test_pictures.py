"""Pictures are held at several sizes, and pairs are made of them, held-out ones always the same."""

import pickle
from functools import partial

import numpy as np
import pytest

from perceivers.data.draws import generator_of
from perceivers.tasks.optical_flow.pictures import (
    Difficulty,
    MadePairs,
    PairMaker,
    PicturePool,
    UnmadePairs,
    halvings,
)


def pictures(count=3, height=61, width=83):
    generator = np.random.default_rng(0)
    return [generator.integers(0, 256, (height, width, 3), dtype=np.uint8) for _ in range(count)]


EASY = Difficulty(3.0, 1, 0.5)


def test_halvings_are_means_of_squares():
    picture = np.zeros((5, 6, 3), dtype=np.uint8)
    picture[0, 0], picture[1, 1] = 100, 200
    sizes = halvings(picture)
    assert [size.shape for size in sizes] == [(5, 6, 3), (2, 3, 3)]
    assert sizes[1][0, 0].tolist() == [75, 75, 75]
    assert not sizes[1][1:].any()


def test_drawn_pictures_leave_a_frame_room():
    pool = PicturePool(pictures())
    generator = np.random.default_rng(1)
    heights = {picture.shape[0] for picture in pool.draw(generator, 200, 12, 17)}
    # 61, 30 are at least 1.5 x 12 = 18 high, and 83, 41 at least 25.5 wide; 15 x 20 is too small.
    assert heights == {61, 30}
    # Where none has room, the whole picture is taken.
    assert {picture.shape[0] for picture in pool.draw(generator, 20, 100, 100)} == {61}


def test_pictures_are_read_once_while_there_is_room():
    class Counted(list):
        reads = 0

        def __getitem__(self, index):
            type(self).reads += 1
            return super().__getitem__(index)

    PicturePool(Counted(pictures())).draw(np.random.default_rng(0), 50, 12, 17)
    assert Counted.reads == 3
    PicturePool(Counted(pictures()), most_bytes=0).draw(np.random.default_rng(0), 50, 12, 17)
    assert Counted.reads == 3 + 50


def test_a_curriculum_grows_from_its_first_motion():
    hard = Difficulty(8.0, 3, 0.6)
    assert hard.grown(0.0, 0.25) == Difficulty(2.0, 0, 0.0)
    assert hard.grown(0.5, 0.25) == Difficulty(5.0, 1, 0.3)
    assert hard.grown(1.0, 0.25) == hard


def test_a_made_pair_comes_both_ways():
    forward, back = PairMaker(12, 17)(PicturePool(pictures()), np.random.default_rng(2), EASY)
    assert forward.first.shape == (12, 17, 3)
    assert forward.flow.shape == (12, 17, 2)
    assert forward.valid.all()
    np.testing.assert_array_equal(forward.first, back.second)
    np.testing.assert_array_equal(forward.second, back.first)
    assert 0 <= forward.first.min() < 0.4 < forward.first.max() <= 1
    # Motions of a few pixels that change slowly: the way back is about the opposite.
    assert np.abs(forward.flow.mean(axis=(0, 1)) + back.flow.mean(axis=(0, 1))).max() < 1.5


def test_held_out_pairs_are_always_the_same_and_all_different():
    def made():
        generator = partial(generator_of, 7, 11)
        return MadePairs(PicturePool(pictures()), 4, "pictures", PairMaker(12, 17), EASY, generator)

    first, again = made(), pickle.loads(pickle.dumps(made()))
    assert len(first) == 4
    for index in range(4):
        np.testing.assert_array_equal(first[index].second, again[index].second)
    assert len({float(first[index].flow[0, 0, 0]) for index in range(4)}) == 4
    assert first.name(2) == "pair 3 made of pictures"
    with pytest.raises(IndexError, match="past the last pair"):
        first[4]


def test_unmade_pairs_are_the_pool():
    pool = PicturePool(pictures())
    unmade = UnmadePairs(pool, 5, "pictures")
    assert len(unmade) == 5
    assert unmade[4] is pool
    assert unmade.name(0) == "pair 1 made of pictures"
    with pytest.raises(IndexError, match="past the last pair"):
        unmade[5]
