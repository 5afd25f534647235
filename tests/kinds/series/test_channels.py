"""Columns of steps that are no channels."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from perceivers.data.tables import ListTable
from perceivers.kinds.series.channels import channels_of_cells, choose_channels
from perceivers.kinds.series.files import SeriesColumns

COUNT = 11
NOISE = np.random.default_rng(0).normal(size=(2, COUNT)).round(3).astype(str).tolist()


def chosen(name: str, *cells: list[Any], columns: SeriesColumns | None = None) -> tuple[list[str], list[str]]:
    series = [{name: own, "x": noise} for own, noise in zip(cells, NOISE, strict=True)]
    return choose_channels([name, "x"], series, columns or SeriesColumns(), "steps.csv")


@pytest.mark.parametrize(
    ("name", "cells", "reason"),
    [
        ("Unnamed: 0", [[str(n + more) for n in range(COUNT)] for more in (0, COUNT)], "has no name and only counts"),
        ("step", [[str(n) for n in range(COUNT)]] * 2, "only counts the steps"),
        ("step", [[str((7 * n) % COUNT) for n in range(COUNT)]] * 2, "only counts the steps"),
        ("t", [[f"{n * 0.01 + n % 2 * 0.001}" for n in range(COUNT)]] * 2, "only rises, as time does"),
        ("when", [[f"{1.6e9 + n * n}" for n in range(COUNT)]] * 2, "only rises, as time does"),
        ("when", [[f"2024-03-31T18:00:{n:02d}" for n in range(COUNT)]] * 2, "holds times"),
    ],
)  # fmt: skip
def test_what_counts_or_tells_the_time_is_left_out(name: str, cells: list[Any], reason: str) -> None:
    assert chosen(name, *cells) == (
        ["x"],
        [
            f"`steps.csv`: the channels are x; left out: {name} ({reason}); `--channel-columns NAMES` says which are "
            "channels, `--time-column NAME` sorts by one"
        ],
    )
    assert chosen(name, *cells, columns=SeriesColumns(channels=(name, "x"))) == ([name, "x"], [])


def test_a_channel_that_only_rises_is_told() -> None:
    rises = [[f"{n + n % 3 / 10}" for n in range(COUNT)]] * 2
    assert chosen("load", *rises) == (
        ["load", "x"],
        [
            "`steps.csv`: the channels are load, x",
            "`steps.csv`: load only rises in every series that was looked at: if it is the time, take "
            "`--time-column load`",
        ],
    )
    assert len(chosen("load", NOISE[1], NOISE[0])[1]) == 1


def test_few_steps_tell_nothing() -> None:
    assert choose_channels(["t", "x"], [{"t": [0, 1, 2], "x": [5, 1, 3]}], SeriesColumns(), "s")[0] == [
        "t",
        "x",
    ]


def test_arrays_that_look_as_if_channels_came_first_are_told(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", np.zeros((3, 200)))
    table = ListTable([{"file": "a.npy"}], "arrays", root=tmp_path)
    _, notes = channels_of_cells(["a.npy"], table, SeriesColumns())
    assert notes == [
        "`arrays`: arrays such as the first are 3 steps of 200 channels; if they are 3 channels of 200 steps, take "
        "`--channels-first`"
    ]
    assert channels_of_cells(["a.npy"], table, SeriesColumns(channels_first=True)) == ([], [])
    assert channels_of_cells([np.zeros((200, 3)), np.zeros((100, 3))], table, SeriesColumns()) == ([], [])
    assert len(channels_of_cells([np.zeros((5, 7)), np.zeros((5, 6))], table, SeriesColumns())[1]) == 1
