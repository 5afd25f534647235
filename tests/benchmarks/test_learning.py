"""The benchmark of learning, end to end on tiny models: its sets, its sides, its report."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import learning
import numpy as np
import pytest
from learning import HEADER, Learned, row_of
from learning_sets import LearningSet, digits_of, downloaded, pictures_of
from measuring import Outcome
from PIL import Image
from small_network import accuracy_of_small_network


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Pictures of which one class is bright, and a table."""
    chance = np.random.default_rng(0)
    for part, count in (("train", 13), ("test", 5)):
        for label, level in (("dark", 40), ("light", 200)):
            place = tmp_path / "rooms" / part / label
            place.mkdir(parents=True)
            for index in range(count):
                pixels = chance.integers(level - 20, level + 20, (11, 11, 3)).astype(np.uint8)
                Image.fromarray(pixels).save(place / f"{index}.png")
    (tmp_path / "text" / "fruit").mkdir(parents=True)
    for part in ("train", "test"):
        (tmp_path / "text" / "fruit" / f"{part}.csv").write_text("text,label\nred,apple\nlong,banana\n")
    return tmp_path


def test_sets_of_a_folder_are_those_that_are_there(folder: Path) -> None:
    found = {each.name: each for each in downloaded(folder)}
    assert list(found) == ["rooms", "fruit"]
    assert found["rooms"].task == "image-classification"
    assert found["fruit"].data == str(folder / "text" / "fruit")


def test_a_run_stands_beside_a_cheap_method_a_network_and_the_majority(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def run(function: Callable[..., Any], *arguments: Any) -> Outcome:
        return Outcome(function(*arguments), None)

    monkeypatch.setattr(learning, "in_fresh_process", run)
    report = folder / "report.md"
    learning.main(
        ["--folder", str(folder), "--sets", "rooms", "--seeds", "3", "--small", "--output", str(report)]
    )
    line = report.read_text().splitlines()[-1]
    cells = [cell.strip() for cell in line.strip("|").split("|")]
    assert len(cells) == len(HEADER)
    assert cells[:2] == ["rooms", "image-classification"]
    assert cells[7] == "0.500"
    assert cells[5].startswith("1.000")
    assert "rooms" in capsys.readouterr().out
    with pytest.raises(SystemExit, match="received nowhere"):
        learning.main(["--sets", "nowhere"])


def test_a_row_has_means_and_spreads() -> None:
    runs = [
        Learned("accuracy", here, 0.5, "svm", None, 0.25, {"train": 1234, "validation": 7, "test": 11}, 60.0)
        for here in (0.75, 0.85)
    ]
    row = row_of(LearningSet("a", "text-classification", "a"), runs)
    assert row[2] == "1,234, 7, 11"
    assert row[4:8] == ["0.800 ± 0.071", "0.500 ± 0.000 (svm)", "-", "0.250 ± 0.000"]


def test_the_small_network_tells_bright_pictures_from_dark_ones(folder: Path) -> None:
    assert accuracy_of_small_network(folder / "rooms", seconds=20.0, seed=0) == 1.0


def test_arrays_become_pictures_and_words_lie_in_silence(tmp_path: Path) -> None:
    soundfile = pytest.importorskip("soundfile")
    pixels = np.full((2, 3, 3), 7, np.uint8)
    np.savez(tmp_path / "a.npz", x_train=pixels, y_train=[1, 0], x_test=pixels[:1], y_test=[1])
    pictures_of(tmp_path / "a.npz", tmp_path / "pictures")
    names = sorted(str(path.relative_to(tmp_path / "pictures")) for path in tmp_path.glob("pictures/*/*/*"))
    assert names == ["test/1/00000.png", "train/0/00001.png", "train/1/00000.png"]
    sounds = tmp_path / "sounds"
    sounds.mkdir()
    for name in ("3_ann_4.wav", "3_ann_5.wav"):
        soundfile.write(sounds / name, np.full(101, 0.5), 1000)
    digits_of(sounds, tmp_path / "long", seconds=2.0)
    waveform, _ = soundfile.read(tmp_path / "long" / "train" / "3" / "3_ann_5.wav")
    assert len(waveform) == 2000
    assert np.count_nonzero(waveform) == 101
    assert (tmp_path / "long" / "test" / "3" / "3_ann_4.wav").is_file()
