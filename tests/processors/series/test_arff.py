"""Series in Weka's format."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from perceivers.errors import DataError
from perceivers.processors.series.arff import read_arff

HEAD = (
    "% a comment\n@relation X\n@attribute 'first step' numeric\n@attribute att1 REAL\n"
    "@attribute target {up,'a b'}\n@data\n"
)


def write(path: Path, text: str) -> Path:
    path.write_text(text)
    return path


def test_numbers_are_steps_and_the_nominal_attribute_is_the_class(tmp_path: Path) -> None:
    series = read_arff(write(tmp_path / "x.arff", HEAD + "1,2.5,up\n\n?,3, 'a b'\n"))
    assert [line.label for line in series] == ["up", "a b"]
    assert [line.line for line in series] == [7, 9]
    assert series[0].values.tolist() == [[1.0], [2.5]]
    assert np.isnan(series[1].values[0, 0])


def test_a_last_number_that_is_called_so_is_the_class(tmp_path: Path) -> None:
    text = "@attribute a numeric\n@ATTRIBUTE Class integer\n@DATA\n0.5,1\n"
    assert read_arff(write(tmp_path / "x.arff", text))[0].label == "1"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (HEAD, "holds no series: expected one a line after @data"),
        (HEAD + "1,2\n", r"line 7: expected 3 values, received 2"),
        (HEAD + "1,fast,up\n", r"line 7: expected a number, or \? for a missing one, received 'fast'"),
        (HEAD + "{0 1}\n", r"line 7: rows that name their places"),
        ("hello\n", r"line 1: expected @attribute, @data or @relation, received 'hello'"),
        ("@attribute bag relational\n", r"line 1: relational attributes .* has them as .ts files too"),
        ("@attribute day date\n", r"line 1: expected a numeric or a nominal attribute, received 'date'"),
        (
            "@attribute a {x}\n@attribute b {y}\n@data\n",
            r"line 3: expected one nominal attribute, the class, received 2",
        ),
    ],
)
def test_a_mistake_is_named_with_file_and_line(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(DataError, match=message):
        read_arff(write(tmp_path / "x.arff", text))


def test_a_file_that_is_no_text_is_named(tmp_path: Path) -> None:
    (tmp_path / "x.arff").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(DataError, match=r"x.arff` cannot be read as text"):
        read_arff(tmp_path / "x.arff")
