"""Sets of entities in cells and files: every form gives the same, and what is none is named."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from perceivers.errors import DataError
from perceivers.kinds.entities.reading import read_entities

UNITS = [{"type": "archer", "health": 40, "x": 1.5}, {"type": "guard", "health": None, "x": -2.0}]
EXPECTED = ({"type": "archer", "health": 40, "x": 1.5}, {"type": "guard", "x": -2.0})


def test_lists_json_text_and_files_of_json_are_the_same(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text(json.dumps(UNITS))
    (tmp_path / "c.jsonl").write_text("\n".join(map(json.dumps, UNITS)))
    for cell in (
        UNITS,
        tuple(UNITS),
        np.array(UNITS, dtype=object),
        json.dumps(UNITS),
        "a.json",
        "c.jsonl",
    ):
        assert read_entities(cell, tmp_path) == EXPECTED


def test_tables_hold_texts_and_archives_arrays(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("type,health,x\narcher,40,1.5\nguard,,-2.0\n")
    assert read_entities("a.csv", tmp_path) == (
        {"type": "archer", "health": "40", "x": "1.5"},
        {"type": "guard", "x": "-2.0"},
    )
    np.savez(tmp_path / "a.npz", type=["archer", "guard"], health=[40.0, np.nan], place=[[1, 2], [3, 4]])
    assert read_entities(tmp_path / "a.npz") == (
        {"type": "archer", "health": 40.0, "place.0": 1, "place.1": 2},
        {"type": "guard", "place.0": 3, "place.1": 4},
    )


def test_objects_and_lists_within_are_attributes_of_longer_names() -> None:
    (entity,) = read_entities([{"place": {"x": 1, "y": {"low": 2}}, "speed": [3, None], "seen": True}])
    assert entity == {"place.x": 1, "place.y.low": 2, "speed.0": 3, "seen": True}
    assert read_entities("[]") == ()


def test_cells_of_frames_and_data_bases_are_what_they_say() -> None:
    pandas = pytest.importorskip("pandas")
    row = {"a": pandas.NA, "b": pandas.NaT, "c": Decimal("1.5"), "d": np.float32(2.5), "e": np.str_("archer")}
    assert read_entities([row]) == ({"c": 1.5, "d": 2.5, "e": "archer"},)


@pytest.mark.parametrize(
    ("cell", "message"),
    [
        (3, "entities must be a list of objects, the same as JSON, or a path, received int 3"),
        ("", "received str ''"),
        ("[{", "entities must be a JSON list of objects, received '\\[\\{'"),
        (["archer"], "entity 1 must be an object of attributes, received str 'archer'"),
        ([{}, 3], "entity 2 must be an object"),
        ([{"x": float("inf")}], "the attribute 'x' of entity 1 must be finite, received inf"),
        ([{"x": b"1"}], "the attribute 'x' of entity 1 must be a number, a name or nothing, received bytes"),
        (
            [{"a": {"b": {"c": {"d": {"e": 1}}}}}],
            "the attribute 'a.b.c.d' of entity 1 must not hold deeper objects",
        ),
        ("a.txt", "a.txt` must end with one of .json, .jsonl, .csv, .tsv, .npz"),
        ("none.json", "none.json"),
        ("bad.csv", "bad.csv"),
        ("uneven.npz", r"must hold arrays of equally many entities, received a \[2\], b \[3\]"),
        ("number.json", "number.json"),
        ("inner.json", "inner.json`: the attribute 'x' of entity 1 must be finite"),
    ],
)
def test_what_is_no_set_is_named(cell: Any, message: str, tmp_path: Path) -> None:
    (tmp_path / "bad.csv").write_bytes(b"")
    (tmp_path / "number.json").write_text("3")
    (tmp_path / "inner.json").write_text('[{"x": 1e999}]')
    np.savez(tmp_path / "uneven.npz", a=[1, 2], b=[1, 2, 3])
    with pytest.raises(DataError, match=message):
        read_entities(cell, tmp_path)
