"""`perceivers runs FOLDER`: training runs side by side, the best first."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

# Columns of scores that a terminal shows; the files hold all.
MOST_SCORES = 2


def runs(
    folder: Path,
    /,
    *,
    by: str | None = None,
    lower: Annotated[bool | None, Parameter(negative="--higher")] = None,
    output: Path | None = None,
) -> None:
    """List training runs with the settings that differ and the scores, sorted; runs that go on show their latest scores.

    They are sorted by what each run chose its weights by, on the validation part: the test part is for the one that was
    chosen.

    Args:
        folder: a folder that holds training runs, at any depth.
        by: the score that they are sorted by, as its column is called: "validation loss", "test accuracy".
        lower: whether lower scores are better; known of what a run chose by, and of losses and errors.
        output: folder that receives `runs.csv` and `runs.md`, with all scores.
    """
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    from perceivers.training.leaderboard import find_runs, leaderboards, said, write_leaderboards

    boards = leaderboards(find_runs(folder), by, lower)
    console = Console()
    for board in boards:
        sorted_by = f", by {board.by}" if board.by else ""
        table = Table(title=f"{board.task}{sorted_by}", title_justify="left")
        hidden = set(board.scores[MOST_SCORES:])
        shown = [index for index, name in enumerate(board.columns()) if name not in hidden]
        for index in shown:
            table.add_column(Text(board.columns()[index]), overflow="fold")
        for cells in board.cells():
            table.add_row(*(Text(said(cells[index])) for index in shown))
        console.print(table)
    if output is not None:
        paths = write_leaderboards(boards, output)
        said_paths = " and ".join(map(str, paths))
        console.print(f"saved in {said_paths}", markup=False, highlight=False, soft_wrap=True)
