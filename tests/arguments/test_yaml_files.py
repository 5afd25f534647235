"""YAML of plain values: what is read, and what a hostile file cannot do."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from perceivers.arguments.yaml_files import read_yaml
from perceivers.errors import DataError


def test_plain_values_are_read(tmp_path: Path) -> None:
    path = tmp_path / "a.yaml"
    path.write_text("a: [1, 2.5, x, null, true]\nb: {c: 'é'}\n", encoding="utf-8")
    assert read_yaml(path) == {"a": [1, 2.5, "x", None, True], "b": {"c": "é"}}


def test_references_are_refused_so_that_a_short_file_cannot_fill_the_memory(tmp_path: Path) -> None:
    lines = ["a0: &a0 [x, x]", *(f"a{i}: &a{i} [*a{i - 1}, *a{i - 1}]" for i in range(1, 60))]
    path = tmp_path / "laughs.yaml"
    path.write_text("\n".join(lines))
    with pytest.raises(
        DataError, match=r"laughs\.yaml' cannot be read as YAML: \*a0 refers to another place"
    ):
        read_yaml(path)


@pytest.mark.parametrize(
    "text", ["!!python/object/apply:os.system ['true']", "a: [", "\x00", "[" * 5000, "- &a\n- *b"]
)
def test_objects_nesting_and_damage_are_refused_by_name(text: str, tmp_path: Path) -> None:
    path = tmp_path / "bad.yaml"
    path.write_text(text)
    with pytest.raises(DataError, match=r"bad\.yaml' cannot be read as YAML"):
        read_yaml(path)


def test_a_long_list_takes_no_minute(tmp_path: Path) -> None:
    path = tmp_path / "long.yaml"
    path.write_text("a: [" + "1," * 20_000 + "1]")
    begun = time.process_time()
    assert read_yaml(path) == {"a": [1] * 20_001}
    # A tenth of a second; PyYAML's own parser takes three.
    assert time.process_time() - begun < 1.0
