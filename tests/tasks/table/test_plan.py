"""What a table is read as, where columns decide about the network."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from perceivers.data.frames import ColumnTable, table_of
from perceivers.kinds.category.kind import CategoryKind
from perceivers.tasks.table.options import TableArguments
from perceivers.tasks.table.plan import TablePlan, plan_table

NUM_ROWS = 2_003


def plan(count: int, **options: object) -> TablePlan:
    """Of rows that name one of so many shops, in turn."""
    shops = np.arange(NUM_ROWS) % count
    rows = {
        "shop": [f"shop {each}" for each in shops],
        "sold": np.random.default_rng(0).normal(size=NUM_ROWS).tolist(),
    }
    asked = TableArguments(target=("sold:number",), column=("shop=category",), **options)  # type: ignore[arg-type]
    return plan_table(table_of(rows, "made"), asked)


@pytest.mark.parametrize(("count", "starts", "rows"), [(251, False, 3), (257, True, 1)])
def test_many_rows_start_as_linear_models_where_a_column_has_many_names(
    count: int, starts: bool, rows: int
) -> None:
    found = plan(count)
    assert found.arguments.linear_start is starts
    (read,) = found.chosen.inputs
    assert isinstance(read.kind, CategoryKind)
    assert read.kind.options.category_rows == rows


def test_how_many_rows_a_name_must_have_is_what_the_user_says() -> None:
    found = plan(257, column_options=("shop:category_rows=5",))
    assert found.arguments.linear_start is True
    assert found.chosen.inputs[0].kind.options.category_rows == 5
    network_alone = plan(257, linear_start=False, token_rate=0.0)
    assert network_alone.chosen.inputs[0].kind.options.category_rows == 3


def test_a_column_of_files_that_one_cell_makes_a_text_is_told_of(tmp_path: Path) -> None:
    for index in range(5):
        (tmp_path / f"{index}.mp4").write_bytes(b"")
    cells = [*(f"{index}.mp4" for index in range(5)), "frames"]
    table = ColumnTable({"film": cells, "kind": ["a", "b"] * 3}, "films.csv", tmp_path)
    found = plan_table(table, TableArguments(target=("kind",)))
    (film, _) = found.columns
    assert (film.name, film.kind) == ("film", "text")
    assert film.note.startswith("5 of 6 cells are paths of files, such as '0.mp4', 'frames' is none")
