"""docs/results.md as rows: what stands in it, rows that take the place of others, and the page of all of them."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from measuring import markdown_table

HEADER = ["recipe", "task", "data", "test figures", "aim", "reached", "parameters", "training", "measured"]
BESIDE = ["recipe", "beside it", "figures"]
INTRODUCTION = """# Results of the recipes

Written by `make recipes` (`python recipes/run.py`): every row was trained by `perceivers train --config
recipes/NAME.yaml` on data that a package ships, on the processor. The test part chose nothing, but where a
recipe's heading says so: the film of `video_autoencoding` is too short for a test that nobody has looked at.
`python recipes/run.py --recipes NAME` measures some anew and leaves the other rows as they are. When and where each
was measured:"""


@dataclass(frozen=True)
class Row:
    """One recipe.

    Args:
        cells: as in HEADER, without the last one.
        beside: what it is compared with and its figures, one pair a line of the second table.
        measured: date, machine and versions, in one line.
    """

    cells: Sequence[str]
    beside: Sequence[tuple[str, str]]
    measured: str


@dataclass(frozen=True)
class Results:
    """All rows.

    Args:
        rows: by the name of the recipe.
        rest: sections below the tables, which other scripts measured: they stay as they are.
    """

    rows: Mapping[str, Row] = field(default_factory=dict)
    rest: str = ""

    def with_rows(self, rows: Mapping[str, Row], names: Sequence[str]) -> Results:
        """These results with others in the place of those of the same name, in the order of `names`, which alone stay."""
        every = {**self.rows, **rows}
        return replace(self, rows={name: every[name] for name in names if name in every})

    def page(self) -> str:
        """The text of the page."""
        places = list(dict.fromkeys(row.measured for row in self.rows.values()))
        listed = [f"{number}. {place}" for number, place in enumerate(places, start=1)]
        table = [[*row.cells, str(places.index(row.measured) + 1)] for row in self.rows.values()]
        beside = [[name, *pair] for name, row in self.rows.items() for pair in row.beside]
        parts = [INTRODUCTION, "\n".join(listed), markdown_table(HEADER, table)]
        parts += [markdown_table(BESIDE, beside)] if beside else []
        return "\n\n".join([*parts, *([self.rest] if self.rest else [])]) + "\n"


def read_results(path: Path) -> Results:
    """What a page holds; nothing where there is none.

    Raises:
        SystemExit: the page has another form.
    """
    if not path.is_file():
        return Results()
    text, heading, rest = path.read_text(encoding="utf-8").partition("\n## ")
    places = dict(re.findall(r"^(\d+)\. (.+)$", text, re.MULTILINE))
    tables = [_cells(block) for block in text.split("\n\n") if block.startswith("|")]
    if not tables or tables[0][0] != HEADER or any(row[-1] not in places for row in tables[0][2:]):
        raise SystemExit(
            f"{path} must be a page that recipes/run.py wrote: give another --report, or remove it"
        )
    beside = tables[1][2:] if len(tables) > 1 else []
    return Results(
        {
            row[0].strip("`"): Row(
                row[:-1], [(what, figures) for name, what, figures in beside if name == row[0].strip("`")],
                places[row[-1]],
            )
            for row in tables[0][2:]
        },
        f"{heading}{rest}".strip(),
    )  # fmt: skip


def _cells(table: str) -> list[list[str]]:
    return [[cell.strip() for cell in line.strip().strip("|").split("|")] for line in table.splitlines()]
