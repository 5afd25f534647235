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

    from perceivers.training.prediction import predict as answer

    console = Console()

    def tell(note: str) -> None:
        console.print(note, markup=False, highlight=False, soft_wrap=True)

    predictions = answer(folder, inputs, output, device=device, tell=tell)
    columns = [
        name for name, value in predictions[0].values.items() if not isinstance(value, (dict, list, tuple))
    ]
    table = Table("source", *columns, title="predictions", title_justify="left")
    for prediction in predictions[:MOST_PRINTED]:
        cells = (prediction.values[name] for name in columns)
        table.add_row(prediction.source, *(f"{c:.4f}" if isinstance(c, float) else str(c) for c in cells))
    console.print(table)
    rest = len(predictions) - MOST_PRINTED
    console.print(
        f"{f'and {rest:,} more; ' if rest > 0 else ''}saved in {output}", highlight=False, soft_wrap=True
    )
