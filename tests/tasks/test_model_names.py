"""What a model calls columns."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from perceivers import fit
from perceivers.nn.packing import require_names
from perceivers.tasks.model_names import model_names

OF_TORCH = sorted(
    name for name in {*dir(nn.ModuleDict()), *dir(nn.ParameterDict())} if not name.startswith("__")
)


@pytest.mark.parametrize(
    ("columns", "expected"),
    [
        (["price", "Sepal.Length", "2nd"], ["price", "Sepal_Length", "_2nd"]),
        (["a b", "a-b", "\N{GREEK SMALL LETTER ALPHA}"], ["a_b", "a_b_2", "column"]),
        (["type", "values", "type_column"], ["type_column", "values_column", "type_column_2"]),
        (["requires_grad_", "half", "halves"], ["requires_grad_column", "half_column", "halves"]),
    ],
)
def test_names_are_plain_and_different(columns: list[str], expected: list[str]) -> None:
    assert model_names(columns) == dict(zip(columns, expected, strict=True))


@given(
    st.lists(st.one_of(st.sampled_from(OF_TORCH), st.text(min_size=1, max_size=7)), max_size=7, unique=True)
)
def test_a_model_takes_them_whatever_columns_are_called(columns: list[str]) -> None:
    names = model_names(columns)
    assert list(names) == columns
    assert len(set(names.values())) == len(columns)
    require_names("answers", names.values())


def test_every_word_of_torchs_containers_may_be_a_column() -> None:
    require_names("answers", model_names(OF_TORCH).values())


def test_columns_that_are_called_like_methods_are_read_and_answered() -> None:
    rows = [
        {"values": "to be or not" if row % 2 else "all is well here", "type": "ab"[row % 2], "pop": row / 7}
        for row in range(31)
    ]
    predictor = fit(rows, ["type", "pop"], quiet=True, steps=1, device="cpu", column=["values=text"])
    answer = predictor([{"values": "to be"}])[0]
    assert {"type", "type_probability", "pop"} <= set(answer)
    assert "type/accuracy" in predictor.results["test"]
