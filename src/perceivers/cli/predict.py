"""`perceivers predict DIR INPUT...`: answers for files, as a table and as a picture."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from cyclopts import Parameter

MOST_PRINTED = 20


def predict(
    folder: Path,
    /,
    *inputs: Annotated[str, Parameter(negative="")],
    output: Path,
    unreadable: Literal["stop", "skip"] = "stop",
    device: Literal["auto", "cpu"] = "auto",
) -> None:
    """Answer for files with a trained model; write `predictions.json`, `predictions.csv` and pictures.

    What cannot be read is listed in `errors.csv` (file, row, reason); all else is answered. Exit codes: 0, all is answered;
    3, some inputs cannot be read, the others are answered; 1, nothing is.

    Args:
        folder: a folder that `perceivers train` wrote.
        inputs: files, or folders whose files are taken at any depth.
        output: folder that receives the answers.
        unreadable: `stop` ends with an error and exit code 3 where inputs cannot be read, after the others are answered;
            `skip` lists them and ends with 0.
        device: `auto` takes the accelerator that is there.
    """
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    from perceivers.training.prediction import ERRORS_FILE, answer_all
    from perceivers.training.reporting import print_warning

    answered = answer_all(folder, inputs, output, device=device)
    predictions, left_out = answered.predictions, answered.left_out
    columns = [
        name for name, value in predictions[0].values.items() if not isinstance(value, (dict, list, tuple))
    ]
    table = Table(title="predictions", title_justify="left")
    for heading in ("source", *columns):
        table.add_column(Text(heading), overflow="fold")
    for prediction in predictions[:MOST_PRINTED]:
        cells = (prediction.values.get(name) for name in columns)
        said = ("" if c is None else f"{c:.4f}" if isinstance(c, float) else str(c) for c in cells)
        table.add_row(*map(Text, (prediction.source, *said)))
    console = Console()
    for note in dict.fromkeys(note for prediction in predictions for note in prediction.notes):
        console.print(note, markup=False, highlight=False, soft_wrap=True)
    for each in left_out[:MOST_PRINTED]:
        console.print(f"left out: {each.reason}", markup=False, highlight=False, soft_wrap=True)
    console.print(table)
    rest = len(predictions) - MOST_PRINTED
    more = f"and {rest:,} more; " if rest > 0 else ""
    listed = f"; {len(left_out):,} left out, listed in {ERRORS_FILE}" if left_out else ""
    console.print(f"{more}saved in {output}{listed}", markup=False, highlight=False, soft_wrap=True)
    for line in answered.warnings:
        print_warning(line)
    if unreadable == "stop":
        answered.require_all()
