"""`perceivers predict DIR INPUT...`: answers for files, as a table and as a picture."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from cyclopts import Parameter

from perceivers.cli.former import warn_of_former
from perceivers.cli.whole_numbers import MaybeWhole, Whole

if TYPE_CHECKING:
    from perceivers.training.prediction import Answered

MOST_PRINTED = 20


def predict(
    folder: Path,
    /,
    *inputs: Annotated[str, Parameter(negative="")],
    output: Path,
    unreadable: Literal["stop", "skip"] = "stop",
    device: Literal["auto", "cpu"] = "auto",
    workers: MaybeWhole = None,
    engine: Literal["processes", "ray"] | None = None,
    address: str | None = None,
    rows_per_part: Whole = 10_000,
    decimal: Literal["auto", "point", "comma", "grouped"] = "auto",
) -> None:
    """Answer for files with a trained model; write `predictions.json`, `predictions.csv` and pictures.

    For many rows (`--workers`, `--engine`): part files `part-000000.parquet` and so on, in the order of the rows, with the
    column `error` where a row cannot be read, and `_SUCCESS` at the end. The same command goes on where it was stopped.

    What cannot be read is listed in `errors.csv` (file, row, reason); all else is answered. Exit codes: 0, all is answered;
    3, some inputs cannot be read, the others are answered; 1, nothing is.

    Args:
        folder: a folder that `perceivers train` wrote.
        inputs: files, or folders whose files are taken at any depth.
        output: folder that receives the answers.
        unreadable: `stop` ends with an error and exit code 3 where inputs cannot be read, after the others are answered;
            `skip` lists them and ends with 0.
        device: `auto` takes the accelerator that is there.
        workers: answer in parts, with so many processes, or actors of Ray.
        engine: answer in parts, with `processes` of this machine or with `ray`.
        address: of Ray's cluster, such as `auto` or `ray://head:10001`; without it Ray runs on this machine.
        rows_per_part: rows of a part at most.
        decimal: how numbers are written in texts: `point`, 0.5; `comma`, 0,5; `grouped`, 1,234.5; `auto`: as in the
            training table, or otherwise where its cells can only be read so, which is told.
    """
    warn_of_former(folder)
    if workers is not None or engine is not None or address is not None:
        _predict_in_parts(
            folder,
            inputs,
            output,
            unreadable,
            device,
            1 if workers is None else workers,
            engine or "processes",
            address,
            rows_per_part,
            decimal,
        )
        return
    from perceivers.training.prediction import answer_all
    from perceivers.warned import print_warning

    # Answers are there seconds before pictures: these take most of the time of a few files.
    answered = answer_all(
        folder, inputs, output, device=device, decimal=decimal, tell=partial(_print, output=output)
    )
    for line in answered.warnings:
        print_warning(line)
    if unreadable == "stop":
        answered.require_all()


def _print(answered: Answered, output: Path) -> None:
    """Print the first answers, and what is to be known of all."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    from perceivers.training.prediction import ERRORS_FILE
    from perceivers.training.reporting import in_digits

    predictions, left_out = answered.predictions, answered.left_out
    columns = [
        name for name, value in predictions[0].values.items() if not isinstance(value, (dict, list, tuple))
    ]
    table = Table(title="predictions", title_justify="left")
    for heading in ("source", *columns):
        table.add_column(Text(heading), overflow="fold")
    for prediction in predictions[:MOST_PRINTED]:
        cells = (prediction.values.get(name) for name in columns)
        said = ("" if c is None else in_digits(c) for c in cells)
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


def _predict_in_parts(
    folder: Path,
    inputs: tuple[str, ...],
    output: Path,
    unreadable: str,
    device: str,
    workers: int,
    engine: Literal["processes", "ray"],
    address: str | None,
    rows_per_part: int,
    decimal: Literal["auto", "point", "comma", "grouped"],
) -> None:
    from rich.console import Console

    from perceivers.batch.job import predict_in_parts
    from perceivers.batch.worker import Done
    from perceivers.errors import UnreadableError

    console = Console()
    told = [0]

    def tell(done: Done, number: int, total: int) -> None:
        # About ten lines a job.
        tenth = 10 * number // total
        if tenth > told[0]:
            told[0] = tenth
            console.print(f"{number:,} of {total:,} parts", highlight=False)

    report = predict_in_parts(
        folder,
        inputs,
        output,
        workers=workers,
        engine=engine,
        address=address,
        rows_per_part=rows_per_part,
        device=device,
        decimal=decimal,
        progress=tell,
    )
    for note in report.notes:
        console.print(note, markup=False, highlight=False, soft_wrap=True)
    before = f"; {report.parts_before:,} parts were there before" if report.parts_before else ""
    by = "process" if engine == "processes" else "actor of Ray"
    if workers > 1:
        by = "processes" if engine == "processes" else "actors of Ray"
    pace = f"{report.rows_a_second:,.{0 if report.rows_a_second >= 10 else 2}f}"
    console.print(
        f"{report.rows_now:,} rows in {report.seconds:.1f} s, {pace} rows a second, by {workers} {by}"
        f"{before}",
        highlight=False,
        soft_wrap=True,
    )
    parts = "1 part" if report.parts == 1 else f"{report.parts:,} parts"
    console.print(
        f"{report.rows:,} rows in {parts}, {report.errors:,} with an error, saved in {output}",
        highlight=False,
        markup=False,
        soft_wrap=True,
    )
    if report.errors and unreadable == "stop":
        raise UnreadableError(
            f"{report.errors:,} rows cannot be read, see the column `error`; the other {report.rows - report.errors:,} are "
            "answered; mend them, or accept this with --unreadable skip"
        )
