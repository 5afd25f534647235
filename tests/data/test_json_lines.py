"""Tables of JSON."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest

from perceivers.data.json_lines import JsonFile
from perceivers.errors import DataError


def table(folder: Path, text: str, name: str = "x.json") -> JsonFile:
    (folder / name).write_text(text, encoding="utf-8")
    return JsonFile(folder / name)


@pytest.mark.parametrize(
    "text",
    [
        '{"day": "2024-03-31", "x": 1}\n\n{"day": "001", "x": 2.5}\n',
        '[{"day": "2024-03-31", "x": 1},\n {"day": "001", "x": 2.5}]',
        '{"day": ["2024-03-31", "001"],\n "x": [1, 2.5]}',
        '{"version": 2,\n "data": [{"day": "2024-03-31", "x": 1}, {"day": "001", "x": 2.5}]}',
    ],
)
def test_texts_stay_texts_in_every_form(tmp_path: Path, text: str) -> None:
    data = table(tmp_path, text).dataset()
    assert data["day"][:] == ["2024-03-31", "001"]
    assert data["x"][:] == [1.0, 2.5]


def test_keys_may_be_absent_and_lists_are_lists(tmp_path: Path) -> None:
    data = table(tmp_path, '{"a": [1, 2]}\n{"b": {"c": "d"}}\n').dataset()
    assert data["a"][:] == [[1, 2], None]
    assert data["b"][:] == [None, {"c": "d"}]


def test_numbers_beside_texts_are_texts(tmp_path: Path) -> None:
    data = table(tmp_path, '{"a": 1}\n{"a": "x"}\n{"a": true}\n').dataset()
    assert data["a"][:] == ["1", "x", "true"]


def test_packed_files_are_read(tmp_path: Path) -> None:
    (tmp_path / "x.jsonl.gz").write_bytes(gzip.compress(b'{"a": "1"}\n'))
    assert list(JsonFile(tmp_path / "x.jsonl.gz").rows()) == [{"a": "1"}]


def test_a_stream_has_the_columns_of_all_first_rows(tmp_path: Path) -> None:
    stream = table(tmp_path, '{"a": 1}\n{"b": "2024-03-31"}\n').stream()
    assert list(stream) == [{"a": 1, "b": None}, {"a": None, "b": "2024-03-31"}]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "x.json` cannot be read as a table: it is empty"),
        ("[]", "x.json` cannot be read as a table: it is empty"),
        (
            '{"a": 1}\n{"a": \n',
            r"x.json`, row 2 \(line 2\): this is no JSON: Expecting value.*; mend the line, or leave it out",
        ),
        (
            '{"a": 1}\n[1]\n',
            r"x.json`, row 2 \(line 2\): expected an object with a value a column, received list",
        ),
        ("[1, 2]", r"x.json`, row 1: expected an object with a value a column, received int"),
        ('"a"', "x.json` cannot be read as a table: expected a list of objects, .* received str"),
        ("[" * 100_000, "x.json`: this is no JSON"),
    ],
)
def test_a_fault_is_named_with_its_line(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(DataError, match=message):
        table(tmp_path, text).dataset()


@pytest.mark.parametrize(
    "text",
    [
        '{"a": [1, 2], "b": ["x", "y"]}',
        '{"a": {"0": 1, "1": 2}, "b": {"0": "x", "1": "y"}}',
        '{"columns": ["a", "b"], "index": [0, 1], "data": [[1, "x"], [2, "y"]]}',
        '{"rows": [{"a": 1, "b": "x"}, {"a": 2, "b": "y"}]}',
    ],
)
def test_a_table_in_one_line_is_no_single_row(tmp_path: Path, text: str) -> None:
    assert list(table(tmp_path, text).rows()) == [{"a": 1, "b": "x"}, {"a": 2, "b": "y"}]
    # But where the name says that each line is a row.
    assert list(table(tmp_path, text, "x.jsonl").rows()) == [json.loads(text)]


def test_an_object_alone_that_is_no_table_is_a_row(tmp_path: Path) -> None:
    assert list(table(tmp_path, '{"a": 1, "b": [2, 3]}').rows()) == [{"a": 1, "b": [2, 3]}]


def test_half_a_letter_costs_its_row_alone(tmp_path: Path) -> None:
    torn: dict[int, str] = {}
    rows = table(tmp_path, '{"a": "\\ud83d\\ude00"}\n{"a": "\\ud83d"}\n', "x.jsonl").rows(torn)
    assert list(rows) == [{"a": "\U0001f600"}, {}]
    assert "row 2 (line 2)" in torn[1]
