"""`perceivers predict DIR INPUT...`: answers for files, as a table and as a picture."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from cyclopts import Parameter

MOST_PRINTED = 20


def predict(
    folder: Path,
    /,
    *inputs: Annotated[Path, Parameter(negative="")],
    output: Path,
    device: Literal["auto", "cpu"] = "auto",
) -> None:
    """Answer for files with a trained model; write `predictions.json`, `predictions.csv` and pictures.

    Args:
        folder: a folder that `perceivers train` wrote.
        inputs: files, or folders whose files are taken at any depth.
        output: folder that receives the answers.
        device: `auto` takes the accelerator that is there.
    """
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    from perceivers.training.prediction import predict as answer

    predictions = answer(folder, inputs, output, device=device)
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
    console.print(table)
    rest = len(predictions) - MOST_PRINTED
    more = f"and {rest:,} more; " if rest > 0 else ""
    console.print(f"{more}saved in {output}", markup=False, highlight=False, soft_wrap=True)
