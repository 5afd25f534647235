"""The `.ts` format: what its header says decides how the lines below are read."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from perceivers.errors import DataError
from perceivers.processors.series.ts import read_ts

HEADER = (
    "# A comment\n@problemName Steps\n@timeStamps false\n@dimensions 2\n@classLabel true left right\n@data\n"
)


def write(folder: Path, text: str) -> Path:
    path = folder / "steps.ts"
    path.write_text(text, encoding="utf-8")
    return path


def test_channels_stand_between_colons_and_the_class_at_the_end(tmp_path: Path) -> None:
    path = write(tmp_path, HEADER + "1,2,3:10,20,30:left\n\n-0.5:7e1:right\n")
    first, second = read_ts(path)
    assert first.values.tolist() == [[1.0, 10.0], [2.0, 20.0], [3.0, 30.0]]
    assert (first.label, first.line) == ("left", 7)
    assert second.values.tolist() == [[-0.5, 70.0]]
    assert (second.label, second.line) == ("right", 9)


def test_without_classes_the_last_channel_is_a_channel(tmp_path: Path) -> None:
    path = write(tmp_path, "@classlabel FALSE\n@data\n1,2:3,4:5,6\n")
    (series,) = read_ts(path)
    assert series.label is None
    assert series.values.tolist() == [[1.0, 3.0, 5.0], [2.0, 4.0, 6.0]]


def test_a_question_mark_is_a_missing_value(tmp_path: Path) -> None:
    (series,) = read_ts(write(tmp_path, HEADER + "1,?:?,4:left\n"))
    assert np.array_equal(np.isnan(series.values), [[False, True], [True, False]])


def test_numbers_stand_where_classes_do_and_are_read_where_they_are_taken(tmp_path: Path) -> None:
    path = write(tmp_path, "@targetlabel true\n@data\n1,2,3:0.25\n4,5:-7e2\n")
    first, second = read_ts(path, takes_numbers=True)
    assert (first.label, second.label) == ("0.25", "-7e2")
    assert first.values.tolist() == [[1.0], [2.0], [3.0]]
    path = write(tmp_path, "@targetlabel false\n@classlabel true a\n@data\n1,2,3:a\n")
    assert read_ts(path)[0].label == "a"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            HEADER + "1,2:3,x:left\n",
            r"steps.ts`, line 7: expected a number, or \? for a missing one, received 'x'",
        ),
        (HEADER + "1,2:3:left\n", r"line 7: all channels must have as many steps, received \[1, 2\]"),
        (HEADER + "1,2:left\n", r"line 7: expected 2 channels \(`@dimensions`\), received 1"),
        (
            HEADER + "1,2:3,4\n",
            "line 7: expected a class or a number behind the last colon, as the header says, received '3,4'",
        ),
        (HEADER, "holds no series: expected one a line after @data"),
        ("series: 1,2\n", "line 1: expected a header line that begins with @, received 'series: 1,2'"),
        ("@timeStamps true\n@data\n", "line 1: series with a time at every value .* write them as a table"),
        ("@targetLabel true\n@data\n", "line 1: the targets are numbers .* as a table, with --target label"),
        ("@classLabel maybe\n@data\n", "line 1: expected true or false, received 'maybe'"),
        ("@dimensions none\n@data\n", "line 1: expected a number of channels, at least 1, received 'none'"),
    ],
)
def test_what_does_not_follow_the_format_is_named_with_its_line(
    tmp_path: Path, text: str, message: str
) -> None:
    with pytest.raises(DataError, match=message):
        read_ts(write(tmp_path, text))


def test_a_file_that_is_no_text_is_named(tmp_path: Path) -> None:
    path = tmp_path / "steps.ts"
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(DataError, match=r"steps.ts` cannot be read as text"):
        read_ts(path)
