"""`perceivers evaluate DIR`: metrics of a trained model on a part of any data."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from perceivers.cli.former import warn_of_former
from perceivers.cli.whole_numbers import Whole


def evaluate(
    folder: Path,
    /,
    *,
    data: str | None = None,
    split: Literal["train", "validation", "test", "all"] = "test",
    batch_size: Whole = 64,
    device: Literal["auto", "cpu"] = "auto",
    output: Path | None = None,
    beside: Literal["trees", "auto"] | None = None,
    unreadable: Literal["auto", "stop", "skip", "trust"] | None = None,
    decimal: Literal["auto", "point", "comma", "grouped"] = "auto",
) -> None:
    """Measure a trained model, print the metrics and write `evaluation.json`.

    Args:
        folder: a folder that `perceivers train` wrote.
        data: bundled name or folder; the data of the training run if not given. It is divided as that run divided its
            own, so `test` is what the model has not seen.
        split: part of the data to measure on; `all` for data that the model has never seen.
        batch_size: samples a forward pass.
        device: `auto` takes the accelerator that is there.
        output: folder for `evaluation.json`; the training run's if not given.
        beside: `trees` measures gradient-boosted trees (texts by tf-idf), and the majority or the mean, on the same rows,
            fitted to the rows that the model was fitted to. For runs that read columns. `auto` takes the cheap method
            that fits the inputs and a trivial answer, as `perceivers train` does.
        unreadable: what is done about samples that cannot be read, see `perceivers train`: `stop` measures nothing then,
            `skip` measures the others and lists these in `errors.csv`. As the training run did if not given.
        decimal: how numbers are written in texts of `data`: `point`, 0.5; `comma`, 0,5; `grouped`, 1,234.5; `auto`: as in the
            training table, or otherwise where its cells can only be read so, which is told.
    """
    from rich.console import Console

    from perceivers.tasks.telling import without_target_in_words
    from perceivers.training.evaluation import evaluate as measure_run
    from perceivers.training.reporting import beside_tables, is_main_process, results_table

    warn_of_former(folder)
    results = measure_run(
        folder,
        data=data,
        split=split,
        batch_size=batch_size,
        device=device,
        output=output,
        beside=beside,
        unreadable=unreadable,
        decimal=decimal,
    )
    console = Console(quiet=not is_main_process())
    for line in results["unreadable"]:
        console.print(f"left out: {line}", markup=False, highlight=False, soft_wrap=True)
    for line in (*filter(None, [without_target_in_words(results["without_target"])]), *results["odd_cells"]):
        console.print(line, markup=False, highlight=False, soft_wrap=True)
    rows = dict(results["metrics"])
    if beside is not None:
        for each in beside_tables(results["task"], results["beside"], rows, results["split"]):
            console.print(each, markup=False, highlight=False, soft_wrap=isinstance(each, str))
        rows = {}
    rows |= {
        "data": f"{results['data']}, {results['split']}, {results['samples']:,} samples",
        "saved in": str(folder if output is None else output),
    }
    console.print(results_table(results["task"], rows))
