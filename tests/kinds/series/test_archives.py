"""Archives of series as tables of any task."""

from __future__ import annotations

from pathlib import Path

import pytest

from perceivers.errors import DataError
from perceivers.kinds.series.archives import archive_table, has_own_form, own_form_tables

NUMBERS = "@targetlabel true\n@data\n1,2,3:0.25\n4,5,6:7\n"
CLASSES = "@classlabel true a b\n@data\n1,2,3:a\n"
ARFF = "@relation x\n@attribute a numeric\n@attribute b numeric\n@attribute target {p,q}\n@data\n1,2,p\n"


def write(folder: Path, **files: str) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        stem, _, ending = name.rpartition("_")
        (folder / f"{stem}.{ending}").write_text(text, encoding="utf-8")
    return folder


def test_the_parts_of_a_folder_are_tables_with_their_targets(tmp_path: Path) -> None:
    folder = write(tmp_path, X_TRAIN_ts=NUMBERS, X_TEST_ts=CLASSES)
    tables = own_form_tables(str(folder))
    assert set(tables) == {"train", "test"}
    assert tables["train"].column("label") == ["0.25", "7"]
    assert tables["train"].column("series")[1].tolist() == [[4.0], [5.0], [6.0]]
    assert tables["train"].name(1).endswith("X_TRAIN.ts, line 4")
    assert tables["test"].column("label") == ["a"]


def test_a_single_file_is_the_training_part_and_an_arff_file_is_read_too(tmp_path: Path) -> None:
    folder = write(tmp_path, x_ts=NUMBERS, y_arff=ARFF)
    assert list(own_form_tables(str(folder / "x.ts"))) == ["train"]
    assert archive_table(folder / "y.arff").column("label") == ["p"]


def test_the_same_series_in_other_forms_are_no_other_data(tmp_path: Path) -> None:
    lines = "1\t0.5\t0.6\t0.7\t0.8\t0.9\t1.0\t1.1\t1.2\n"
    folder = write(tmp_path, X_TRAIN_ts=NUMBERS, X_TEST_ts=NUMBERS, X_TRAIN_tsv=lines, X_TEST_tsv=lines)
    assert set(own_form_tables(str(folder))) == {"train", "test"}


def test_tables_with_names_and_films_are_none(tmp_path: Path) -> None:
    folder = write(tmp_path, X_TRAIN_ts=NUMBERS, train_csv="a,b\n1,2\n")
    assert own_form_tables(str(folder)) == {}
    assert own_form_tables(str(folder / "train.csv")) == {}
    assert own_form_tables(str(tmp_path / "nothing.ts")) == {}
    (tmp_path / "film.ts").write_bytes(b"\x47" + bytes(187))
    assert not has_own_form(tmp_path / "film.ts")


def test_files_of_two_data_sets_in_a_folder_are_refused(tmp_path: Path) -> None:
    folder = write(tmp_path, X_TRAIN_ts=NUMBERS, other_ts=NUMBERS)
    with pytest.raises(DataError, match=r"must hold \.ts files of one data set, ending in _TRAIN and _TEST"):
        own_form_tables(str(folder))
