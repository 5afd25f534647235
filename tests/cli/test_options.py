"""Options that are set back by a word, and the groups that they stand in."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import pytest
from cyclopts import Group

from perceivers.arguments.open import AUTO, left_open
from perceivers.cli.options import as_given, grouped, set_back
from perceivers.tasks.fill_mask.options import FillMaskArguments
from perceivers.tasks.image_classification.options import ImageClassificationArguments
from perceivers.tasks.table.options import TableArguments
from perceivers.tasks.text_classification.options import TextClassificationArguments


@left_open("width", "depth")
@dataclass(frozen=True, kw_only=True)
class Options:
    """Options."""

    width: int = 7
    """Width."""
    depth: int | None = 3
    """Depth."""
    column: str | None = None
    """Column."""
    label: str = "label"
    """Label."""
    form: Literal["data", "none"] = "data"
    """Form."""
    many: tuple[str, ...] = ()
    """Many."""
    flag: bool = True
    """Flag."""
    epochs: int | None = None
    """Passes."""


@pytest.mark.parametrize(
    ("tokens", "values"),
    [
        (["--column", "none"], {"column": None}),
        (["--column=NULL"], {"column": None}),
        (["--epochs", "null"], {"epochs": None}),
        (["--epochs", "auto"], {"epochs": None}),
        (["--width", "auto"], {"width": AUTO}),
        (["--width", "none"], {"width": AUTO}),
        (["--depth", "none"], {"depth": None}),
        (["--depth", "auto"], {"depth": AUTO}),
        (["--label", "None"], {"label": "label"}),
        (["--many", "none"], {"many": ()}),
        (["--flag", "none"], {"flag": True}),
    ],
)
def test_a_word_sets_an_option_of_any_type_back(tokens: list[str], values: dict[str, object]) -> None:
    assert set_back(["task", *tokens, "--x", "y"], (Options,)) == (["task", "--x", "y"], values)


@pytest.mark.parametrize(
    "tokens",
    [
        ["--form", "none"],  # its own choice
        ["--many", "none", "other"],  # names
        ["--many", "other", "none"],
        ["--label", "auto"],  # never chosen from data
        ["--unknown", "none"],
        ["--flag"],
        ["--column"],
    ],
)
def test_what_is_a_value_stays_one(tokens: list[str]) -> None:
    assert set_back(tokens, (Options,)) == (tokens, {})


def test_groups_change_nothing_but_the_help() -> None:
    shown = grouped(Options, {"width": Group("first")}, Group("rest"))
    found = as_given(Options, shown(width=5))
    assert type(found) is Options
    assert found == Options(width=5)


@pytest.mark.parametrize(
    ("kind", "option", "value"),
    [
        (TableArguments, "by_value", ()),
        (TextClassificationArguments, "ngram_words", ()),
        (FillMaskArguments, "ngram_sizes", ()),
        # Pixels have a mean.
        (ImageClassificationArguments, "pixel_mean", "auto"),
    ],
)
def test_an_option_that_takes_any_number_of_values_takes_none_of_them(
    kind: type[Any], option: str, value: Any
) -> None:
    written = f"--{option.replace('_', '-')}"
    assert set_back([written, "none"], (kind,)) == ([], {option: value})
    assert set_back([written, "auto"], (kind,)) == ([], {option: "auto"})
