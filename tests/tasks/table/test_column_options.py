"""Options of single columns: read by their types, refused by name, and with an effect on what a model is given."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from perceivers.data.frames import ColumnTable
from perceivers.errors import ConfigurationError, DataError
from perceivers.kinds.base import Kind
from perceivers.kinds.image.kind import ImageKind
from perceivers.kinds.number.kind import NumberKind
from perceivers.kinds.series.kind import SeriesKind
from perceivers.tasks.columns import Columns
from perceivers.tasks.table.column_options import options_by_column
from perceivers.tasks.table.options import TableArguments
from perceivers.tasks.table.plan import plan_table

KINDS: dict[str, type[Kind]] = {
    "s": SeriesKind,
    "s:x": SeriesKind,
    "photo": ImageKind,
    "age": NumberKind,
    "size": NumberKind,
}
COUNT = 13


def table() -> ColumnTable:
    generator = np.random.default_rng(0)
    cells: dict[str, list[Any]] = {
        "s": [generator.normal(size=(3, 47)).tolist() for _ in range(COUNT)],
        "age": generator.normal(size=COUNT).tolist(),
        "size": generator.normal(size=COUNT).tolist(),
        "y": ["ab"[index % 2] for index in range(COUNT)],
    }
    return ColumnTable(cells, "table")


def plan(*given: str) -> Columns:
    return plan_table(table(), TableArguments(target=("y",), column_options=given)).chosen.surveyed(table())


@pytest.mark.parametrize(
    ("given", "column", "name", "value"),
    [
        ("s:channels-first=true", "s", "channels_first", True),
        ("s:channels_first=False", "s", "channels_first", False),
        ("s:missing=mark", "s", "missing", "mark"),
        ("s:channel-columns=x,7", "s", "channel_columns", ("x", "7")),
        ("s:channel-columns=x=y", "s", "channel_columns", ("x=y",)),
        ("s:max-length=31", "s", "max_length", 31),
        ("s:max-length=none", "s", "max_length", None),
        # The longest name of a column that it begins with.
        ("s:x:time-column=t", "s:x", "time_column", "t"),
        ("photo:white-level=4095", "photo", "white_level", 4095),
        ("photo:pixel-mean=1,0.5,0", "photo", "pixel_mean", (1, 0.5, 0)),
        ("photo:image-channels=1", "photo", "image_channels", 1),
    ],
)
def test_a_value_is_read_as_its_option_takes_it(given: str, column: str, name: str, value: Any) -> None:
    found = options_by_column([given], KINDS, "table")
    assert found == {column: {name: value}}
    assert type(found[column][name]) is type(value)


@pytest.mark.parametrize(
    ("given", "error", "message"),
    [
        (
            "t:missing=mark",
            DataError,
            "a column that is read of `table`, received 't:missing=mark'; it has s, ",
        ),
        ("s=steps", DataError, "`column_options` must be NAME:OPTION=VALUE"),
        (
            "s:white-level=3",
            ConfigurationError,
            "an option of series, received 's:white-level=3'; it has time-column, ",
        ),
        (
            "s:missing",
            ConfigurationError,
            "one of stop, interpolate, mark behind the =, received 's:missing'",
        ),
        ("s:channels-first=7", ConfigurationError, "must have true or false behind the ="),
        ("s:max-length=long", ConfigurationError, "a whole number or null behind the ="),
    ],
)
def test_what_cannot_be_taken_is_told(given: str, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        options_by_column([given], KINDS, "table")


def test_what_is_chosen_goes_before_advice_and_notes_say_how() -> None:
    (series, _) = plan().inputs
    assert series.kind.num_channels == 47
    advice = "take `--column-options s:channels-first=true`"
    assert len(series.notes()) == 1
    assert advice in series.notes()[0]
    (turned, _) = plan("s:channels-first=true").inputs
    assert (turned.kind.num_channels, turned.notes()) == (3, [])
    # All else is as advised.
    changed = {**vars(series.kind.options), "channels_first": True}
    assert vars(turned.kind.options) == changed


def test_columns_that_are_read_together_have_their_options_together() -> None:
    (_, numbers) = plan("size:number-bins=5").inputs
    assert (numbers.columns, numbers.kind.options.number_bins) == (("age", "size"), 5)
    with pytest.raises(
        ConfigurationError,
        match="must be alike for age, size, which are read together, received number-bins 3 and 5",
    ):
        plan("size:number-bins=5", "age:number-bins=3")


def test_options_that_are_impossible_or_without_effect_are_told_with_their_column() -> None:
    with pytest.raises(ConfigurationError, match="`column_options` of s: `max_length` must be at least 1"):
        plan("s:max-length=0")
    with pytest.raises(
        ConfigurationError,
        match=r"`column_options` of s: `steps_per_patch` is for `tokens` both .*`--column-options s:tokens=b",
    ):
        plan("s:tokens=patterns", "s:steps-per-patch=5")


def test_a_row_that_cannot_be_read_is_told_with_the_option_that_a_table_has(tmp_path: Path) -> None:
    (series, numbers) = plan("s:missing=stop").inputs
    gap = [[0.5] * 47, [0.25] * 47, [None, *[0.5] * 46]]
    gap = [[np.nan if each is None else each for each in channel] for channel in gap]
    wanted = "take `--column-options s:missing=interpolate` or `--column-options s:missing=mark`"
    with pytest.raises(DataError, match=wanted):
        series.read({"s": gap}, table())
    # A model that is loaded says so, too.
    Columns((series,), {}).save_pretrained(tmp_path)
    (again,) = Columns.from_pretrained(tmp_path).inputs
    with pytest.raises(DataError, match=wanted):
        again.read({"s": gap}, table())
    assert json.loads((tmp_path / "columns.json").read_text())["inputs"][0]["by_column"] is True
    assert numbers.by_column


def test_the_order_of_day_and_month_is_said_of_a_column_of_which_no_cell_tells_it() -> None:
    days, months = range(1, 12), (3, 5, 7)
    cells = {
        "born": [f"{day:02d}/{month:02d}/2024" for day in days for month in months],
        "sold": [f"{day + 12}/{month}/2023" for day in days for month in months],
        "price": [day / 7 for day in days for month in months],
    }
    table = ColumnTable(cells, "made")
    asked: dict[str, Any] = {"target": ("price",), "column": ("born=date",)}
    with pytest.raises(
        DataError, match="say --column-options born:day-order=month-first or born:day-order=day-first"
    ):
        plan_table(table, TableArguments(**asked))
    chosen = ("born:day-order=month-first",)
    plan = plan_table(table, TableArguments(**asked, column_options=chosen))
    (dates,) = plan.chosen.inputs
    assert dates.kind.forms == {"born": "month first", "sold": "day first"}
