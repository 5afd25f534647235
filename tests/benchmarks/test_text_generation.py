"""The benchmark of text-generation: its sequences, its lines, what it needs."""

from __future__ import annotations

import numpy as np
import pytest
from text_generation import Row, cache, main, mirrored


def test_the_second_half_is_the_first_in_reverse() -> None:
    ids = mirrored(3, np.random.default_rng(0))
    assert ids.shape == (3, 512)
    assert ids[:, 0].tolist() == [1] * 3
    assert ids[:, -1].tolist() == [2] * 3
    assert (ids[:, 1:256] == ids[:, 256:511].flip(1)).all()
    assert ids[:, 1:-1].min() >= 6
    assert ids.max() <= 261


def test_keeping_keys_writes_the_same_bytes() -> None:
    none, exact, sliding = cache(num_new=3, context=13, num_latents=5)
    assert "bytes equal" in exact.figure
    assert none.aim == sliding.aim == "-"
    assert Row("a", "b", "c", is_reached=False, seconds=3.4).cells() == ["a", "b", "c", "no", "-", "3 s"]


def test_parts_that_read_a_folder_ask_for_it(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["--parts", "context", "copy"])
    assert "context needs --folder, where input.txt is" in capsys.readouterr().err
