"""`perceivers explain DIR`: what a trained model's answers depend on."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from perceivers.cli.former import warn_of_former
from perceivers.cli.whole_numbers import Whole


def explain(
    folder: Path,
    /,
    *,
    output: Path,
    data: str | None = None,
    split: Literal["train", "validation", "test", "all"] = "test",
    repeats: Whole = 5,
    rows: Whole = 1_000,
    single_rows: Whole = 10,
    device: Literal["auto", "cpu"] = "auto",
    decimal: Literal["auto", "point", "comma", "grouped"] = "auto",
) -> None:
    """Find what every column is worth; write `columns.csv`, a picture of it, and `rows.csv`.

    A column is worth as much as the headline measure loses when its cells are dealt out among the rows anew.

    Args:
        folder: a folder that `perceivers train` wrote.
        output: folder that receives the files.
        data: bundled name, folder or table; the data of the training run if not given.
        split: part of the data; `all` for data that the model has never seen.
        repeats: how often each column is dealt out; the spread is over these.
        rows: that are looked at, at most.
        single_rows: rows of which it is told how the answer changes without each column.
        device: `auto` takes the accelerator that is there.
        decimal: how numbers are written in texts of `data`: `point`, 0.5; `comma`, 0,5; `grouped`, 1,234.5; `auto`: as in the
            training table, or otherwise where its cells can only be read so, which is told.
    """
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    from perceivers.training.explanation import explain as find

    warn_of_former(folder)
    found = find(
        folder,
        output=output,
        data=data,
        split=split,
        repeats=repeats,
        most_rows=rows,
        single_rows=single_rows,
        device=device,
        decimal=decimal,
    )
    table = Table(title="what each column is worth", title_justify="left")
    for heading in ("column", "target", "measure", "unchanged", "lost", "spread"):
        table.add_column(heading, overflow="fold")
    for each in found:
        numbers = (f"{each.unchanged:.4f}", f"{each.lost:+.4f}", f"{each.spread:.4f}")
        table.add_row(Text(each.column), Text(each.target), each.measure, *numbers)
    console = Console()
    console.print(table)
    console.print(f"saved in {output}", highlight=False, soft_wrap=True, markup=False)
