"""Which parts are measured on, and what makes a division doubtful."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from datasets import IterableDataset

from perceivers.arguments import DataArguments
from perceivers.data.division import with_answers
from perceivers.data.rows import load_splits
from perceivers.data.splits import Splits
from perceivers.data.tables import ListTable, StreamTable, Table
from perceivers.errors import DataError

ROWS = [{"file": f"{row % 5}_{row}.wav", "who": f"w{row % 5}", "label": "ab"[row % 2]} for row in range(30)]


def load(tables: dict[str, Any], **options: Any) -> Splits:
    return load_splits(DataArguments(data="d", **options), tables, _row, labels="label")


def _row(row: Any, table: Any) -> Any:
    return row


def who(splits: Splits, part: str) -> set[str]:
    samples = splits.part(part)  # type: ignore[arg-type]
    return {samples[index]["who"] for index in range(len(samples))}


@pytest.mark.parametrize("options", [{"group_column": "who"}, {"group_pattern": "^(.)_"}])
def test_a_group_stays_in_one_part(options: dict[str, str]) -> None:
    splits = load({"train": ListTable(ROWS, "d")}, **options, test_fraction=0.2, validation_fraction=0.25)
    parts = [who(splits, part) for part in ("train", "validation", "test")]
    assert [len(part) for part in parts] == [3, 1, 1]
    assert len(set.union(*parts)) == 5


def test_groups_on_both_sides_of_parts_of_their_own_are_told() -> None:
    tables = {"train": ListTable(ROWS[:20], "d"), "test": ListTable(ROWS[20:], "d")}
    assert load(tables, group_column="who", validation_fraction=0.0).notes == (
        "5 groups are in the training part and in the test part, which were given apart: w0, w1, w2 and 2 more",
    )


def test_a_stream_needs_a_test_part_that_has_answers() -> None:
    stream = StreamTable(IterableDataset.from_generator(lambda: iter(ROWS)), "d", buffer_size=3, seed=0)
    with pytest.raises(DataError, match="`test_data` must be given with `streaming`: `d` is a stream"):
        load({"train": stream}, streaming=True)
    unlabelled = ListTable([{"file": "x"}], "t")
    tables, notes = with_answers({"train": stream, "test": unlabelled}, ["label"], DataArguments(data="d"))
    assert list(tables) == ["train"]
    assert notes == ["`t` has no values of label: it is left out, it can be given to `perceivers predict`"]


@pytest.mark.parametrize("given", [{"group_column": "who"}, {"group_pattern": "^(.)_"}])
def test_groups_that_a_stream_takes_no_notice_of_are_told(given: dict[str, str]) -> None:
    (name,) = given
    stream = StreamTable(IterableDataset.from_generator(lambda: iter(ROWS)), "d", buffer_size=3, seed=0)
    tables = {"train": stream, "test": ListTable(ROWS[20:], "d")}
    options = {"streaming": True, "test_data": "t"}
    assert load(tables, **options).notes == ()
    assert load(tables, **given, **options).notes == (
        f"`{name}` changes nothing here: `d` is a stream, which is not divided, and whether its groups are in the other "
        "parts, too, is not looked at",
    )
    with pytest.raises(DataError, match="`d` must have a column 'speaker', received file, who, label"):
        load(tables, group_column="speaker", **options)


def test_equal_files_of_the_parts_are_told(tmp_path: Path) -> None:
    for row in ROWS:
        (tmp_path / row["file"]).write_bytes(b"same")
    table = ListTable(ROWS, "d", root=tmp_path)
    notes = load({"train": table}).notes
    assert len(notes) == 3
    assert "lie in more than one part" in notes[0]
    assert "lie in more than one class" in notes[1]
    assert "--group-pattern" in notes[2]
    # Who knows the groups needs no hint.
    assert len(load({"train": table}, group_column="who").notes) == 2


def test_a_part_without_answers_is_for_predictions() -> None:
    train: Table = ListTable(ROWS, "train.csv")
    tables = {"train": train, "test": ListTable([{"file": "x"}], "test.csv"), "validation": train}
    kept, notes = with_answers(tables, ["label"], DataArguments(data="d"))
    assert list(kept) == ["train", "validation"]
    assert notes == [
        "`test.csv` has no values of label: it is left out, and a share of the training rows is held out as test part; it "
        "can be given to `perceivers predict`"
    ]
    kept, notes = with_answers(tables, ["label"], DataArguments(data="d", test_data="test.csv"))
    assert "test" in kept
    with pytest.raises(DataError, match="rows without answers are for predict"):
        load(kept)
