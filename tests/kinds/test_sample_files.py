"""Bundled data written out as a user's files."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from perceivers.data.bundled import BUNDLED, BundledData, bundled_tables
from perceivers.data.tables import ListTable, Table
from perceivers.errors import DataError
from perceivers.kinds import sample_files
from perceivers.kinds.sample_files import write_samples


def bundle(monkeypatch: pytest.MonkeyPatch, **tables: Table) -> None:
    """Put a data set `mine` with these parts in the place of the bundled ones."""
    entry = BundledData(modality="any", content="", package="", licence="", reader="")
    monkeypatch.setattr(sample_files, "BUNDLED", {"mine": entry})
    monkeypatch.setattr(sample_files, "bundled_tables", lambda name: dict(tables))


def test_pictures_are_the_test_part_of_the_default_division_in_class_folders(tmp_path: Path) -> None:
    written = write_samples("digits", tmp_path, count=5)
    assert len(written) == 5
    rows = bundled_tables("digits")["train"]
    for path in written:
        row = rows[int(path.stem)]
        assert path.parent.name == row["label"]
        assert np.array_equal(np.asarray(Image.open(path)), row["image"])


def test_parts_do_not_overlap_and_all_joins_them(tmp_path: Path) -> None:
    names = {
        split: {path.name for path in write_samples("digits", tmp_path / split, split=split)}
        for split in ("train", "validation", "test", "all")
    }
    assert [len(part) for part in names.values()] == [1295, 143, 359, 1797]
    assert names["train"] | names["validation"] | names["test"] == names["all"]


def test_sounds_are_sixteen_bit_wav_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    soundfile = pytest.importorskip("soundfile")
    sounds = np.float32([[0.0, 0.5, -0.25, 1.5], [0.0, -2.0, 0.125, 1.0]])
    rows = [{"audio": s, "sampling_rate": 11_025, "label": n} for s, n in zip(sounds, "ab", strict=True)]
    bundle(
        monkeypatch,
        train=ListTable(rows, "mine", ["mine/first take", "mine/b"]),
        test=ListTable(rows[:1], "mine"),
    )
    written = write_samples("mine", tmp_path, split="train")
    # A share of each class is watched while training, but a class of one sample stays in the training part.
    assert written == [tmp_path / "a" / "first-take.wav", tmp_path / "b" / "b.wav"]
    samples, rate = soundfile.read(written[0], dtype="float32")
    assert rate == 11_025
    assert np.allclose(samples, [0.0, 0.5, -0.25, 1.0], atol=1e-4)
    assert soundfile.info(written[0]).subtype == "PCM_16"


def test_series_are_tables_with_a_row_a_step(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    series = np.float32([[0.1, 2], [np.nan, 4], [5, 1 / 3]])
    bundle(monkeypatch, train=ListTable([{"series": series, "label": "up/down"}] * 3, "mine"))
    (written,) = write_samples("mine", tmp_path, count=1)
    assert written.parent.name == "up-down", "a class' name is no path"
    rows = list(csv.reader(written.read_text(encoding="utf-8").splitlines()))
    assert rows[:3] == [["channel_1", "channel_2"], ["0.1", "2.0"], ["", "4.0"]]
    assert np.float32(rows[3][1]) == np.float32(1 / 3)


def test_text_is_one_table_with_its_columns(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = [{"text": f'line "{index}",\nand more', "label": "ab"[index % 2]} for index in range(20)]
    bundle(monkeypatch, train=ListTable(rows, "mine"))
    written = write_samples("mine", tmp_path, split="validation")
    assert written == [tmp_path / "validation.csv"]
    with written[0].open(encoding="utf-8", newline="") as file:
        read = list(csv.DictReader(file))
    assert all(row in rows for row in read)
    # 20 less 4 for the test; of the 8 of each class left, 0.1 is rounded to one.
    assert len(read) == 2


def test_a_mixed_table_has_its_pictures_and_sounds_beside_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    soundfile = pytest.importorskip("soundfile")
    pictures = np.arange(2 * 3 * 5, dtype=np.uint8).reshape(2, 3, 5)
    rows = [
        {
            "photo of it": picture,
            "sound": {"array": np.float32([0.5, -0.25]), "sampling_rate": 8_000} if index else None,
            "note": "a, b",
            "price": [None, 2.5][index],
        }
        for index, picture in enumerate(pictures)
    ]
    bundle(monkeypatch, train=ListTable(rows[:1], "mine"), test=ListTable(rows, "mine"))
    written = write_samples("mine", tmp_path)
    files = ["test/photo-of-it/0001.png", "test/photo-of-it/0002.png", "test/sound/0002.wav"]
    assert written == [tmp_path / name for name in ("test.csv", *files)]
    with written[0].open(encoding="utf-8", newline="") as file:
        read = list(csv.DictReader(file))
    assert read == [
        {"photo of it": files[0], "sound": "", "note": "a, b", "price": ""},
        {"photo of it": files[1], "sound": files[2], "note": "a, b", "price": "2.5"},
    ]
    assert np.array_equal(np.asarray(Image.open(tmp_path / files[1])), pictures[1])
    samples, rate = soundfile.read(tmp_path / files[2], dtype="float32")
    assert rate == 8_000
    assert np.allclose(samples, [0.5, -0.25], atol=1e-4)


def test_content_of_files_in_a_table_is_written_beside_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = [{"video": {"bytes": b"a film", "path": "far/x.MP4"}, "label": "a"}]
    bundle(monkeypatch, train=ListTable(rows, "mine"), test=ListTable(rows, "mine"))
    table, film = write_samples("mine", tmp_path)
    assert film == tmp_path / "test" / "video" / "0001.mp4"
    assert film.read_bytes() == b"a film"
    assert table.read_text().split() == ["video,label", "test/video/0001.mp4,a"]


def test_files_are_copied_under_their_own_names(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    film = tmp_path / "package" / "film.one.mp4"
    film.parent.mkdir()
    film.write_bytes(b"moving pictures")
    bundle(monkeypatch, train=ListTable([{"file": str(film)}], "mine"))
    (written,) = write_samples("mine", tmp_path / "out", split="all")
    assert written == tmp_path / "out" / "film.one.mp4"
    assert written.read_bytes() == b"moving pictures"


def test_pictures_with_names_of_their_own_keep_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = [{"image": np.zeros((3, 5), dtype=np.uint8), "file": "moon.jpg"}]
    bundle(monkeypatch, train=ListTable(rows, "mine"))
    assert write_samples("mine", tmp_path, split="all") == [tmp_path / "moon.png"]


def test_a_wrong_name_count_or_part_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(DataError, match=f"`name` must be one of {', '.join(BUNDLED)}, received 'letters'"):
        write_samples("letters", tmp_path)
    with pytest.raises(DataError, match="`count` must be at least 1, received 0"):
        write_samples("digits", tmp_path, count=0)
    bundle(monkeypatch, train=ListTable([{"text": "a"}], "mine"))
    with pytest.raises(DataError, match="`split` 'test' of 'mine' holds no samples"):
        write_samples("mine", tmp_path)
