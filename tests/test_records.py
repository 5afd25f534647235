"""Files are whole or not there, and what cannot be written or read is said with its name."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch

from perceivers.errors import ConfigurationError, DataError, PerceiversError
from perceivers.records import read_json, whole_file, write_json, writing


def test_what_is_written_is_read_and_can_be_read_by_people(tmp_path: Path) -> None:
    record = {"name": "Äpfel €", "values": [1, 2.5, None]}
    write_json(tmp_path / "x.json", record)
    assert read_json(tmp_path / "x.json") == record
    text = (tmp_path / "x.json").read_bytes().decode("utf-8")
    assert text == json.dumps(record, indent=2, ensure_ascii=False) + "\n"
    assert '\n  "name": "Äpfel €",\n' in text


@pytest.mark.parametrize("content", [b"{", b"\xff", b"[" * 100_000])
def test_what_is_no_json_is_named(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "x.json").write_bytes(content)
    with pytest.raises(DataError, match=r"^`.*x\.json` cannot be read as JSON: "):
        read_json(tmp_path / "x.json")
    with pytest.raises(DataError, match=r"`.*absent\.json` cannot be read as JSON: .*No such file"):
        read_json(tmp_path / "absent.json")


def test_a_file_that_is_half_written_takes_no_place_and_leaves_nothing(tmp_path: Path) -> None:
    path = tmp_path / "x.txt"
    path.write_text("old")

    def half(error: type[BaseException]) -> None:
        with whole_file(path) as partial:
            assert partial.parent == path.parent
            partial.write_text("ha")
            raise error

    for error in (ValueError, KeyboardInterrupt):
        with pytest.raises(error):
            half(error)
        assert [each.name for each in tmp_path.iterdir()] == ["x.txt"]
        assert path.read_text() == "old"
    with pytest.raises(ValueError, match="before"), whole_file(path):
        raise ValueError("before anything is written")
    with whole_file(path) as partial:
        partial.write_text("new")
    assert path.read_text() == "new"
    assert [each.name for each in tmp_path.iterdir()] == ["x.txt"]


def test_what_cannot_be_written_is_said_with_the_cure() -> None:
    from safetensors import SafetensorError

    for error in (
        OSError("No space left"),
        RuntimeError("write failed"),
        SafetensorError("Error while serializing"),
    ):
        with pytest.raises(PerceiversError) as said, writing(Path("runs/x"), "make room"):
            raise error
        assert str(said.value) == f"'runs/x' could not be written: {error}; make room"
        assert said.value.__cause__ is error


@pytest.mark.parametrize("error", [ConfigurationError("of ours"), ValueError("of others"), KeyError("x")])
def test_other_errors_stay_what_they_are(error: Exception) -> None:
    with pytest.raises(type(error)) as said, writing(Path("runs/x"), "make room"):
        raise error
    assert said.value is error


def test_a_file_of_torch_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    with (
        pytest.raises(PerceiversError, match=r"could not be written: .*; make room"),
        writing(tmp_path, "make room"),
    ):
        torch.save({"a": torch.zeros(3)}, tmp_path / "absent" / "x.pt")


def test_a_name_that_is_no_text_is_read_back_alike(tmp_path: Path) -> None:
    # As Python calls a file whose name was written in Latin-1; beside it a pair of surrogates, which is one letter.
    record = {"caf\udce9.png": ["\U0001f600", "ä"]}
    write_json(tmp_path / "x.json", record)
    assert read_json(tmp_path / "x.json") == record
    assert "\U0001f600" in (tmp_path / "x.json").read_text(encoding="utf-8")
