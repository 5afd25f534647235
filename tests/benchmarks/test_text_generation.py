"""The benchmark of text-generation: its sequences, its lines, what it needs."""

from __future__ import annotations

import numpy as np
import pytest
from text_generation import Row, cache, file, main, mirrored


def test_the_second_half_is_the_first_in_reverse() -> None:
    ids, positions = mirrored(3, 255, np.random.default_rng(0))
    assert positions[0].tolist() == list(range(511))
    assert ids.shape == (3, 512)
    assert ids[:, 0].tolist() == [1] * 3
    assert ids[:, -1].tolist() == [2] * 3
    assert (ids[:, 1:256] == ids[:, 256:511].flip(1)).all()
    assert ids[:, 1:-1].min() >= 6
    assert ids.max() <= 261
    short, places = mirrored(1, 2, np.random.default_rng(0))
    # Byte 254 and byte 255 of the longest have their mirrors at 257 and 256.
    assert places.tolist() == [[253, 254, 255, 256, 257]]
    assert short[0, [1, 2]].tolist() == short[0, [4, 3]].tolist()


def test_keeping_keys_writes_the_same_bytes() -> None:
    none, exact, sliding = cache(num_new=3, context=13, num_latents=5)
    assert "bytes equal" in exact.figure
    assert none.aim == sliding.aim == "-"
    assert Row("a", "b", "c", is_reached=False, seconds=3.4).cells() == ["a", "b", "c", "no", "-", "3 s"]


@pytest.mark.slow
def test_a_file_writes_the_same_bytes() -> None:
    torch_row, file_row = file(num_new=3, context=13, num_latents=5, repetitions=1)
    assert "bytes equal" in file_row.figure
    assert torch_row.aim == "-"


def test_parts_that_read_a_folder_ask_for_it(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["--parts", "context", "copy"])
    assert "context needs --folder, where input.txt is" in capsys.readouterr().err
