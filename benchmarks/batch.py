"""Rows a second of `perceivers predict --workers`: one table, one process and more, the start of the workers included.

Run: python benchmarks/batch.py [--rows 20000] [--workers 1 2] [--output benchmarks/results/batch.md]

A small run on a made table (two numbers and a category tell a class and a number) answers a table of many rows in part files.
Every number of workers must write the same answers; wall time and processor time of all processes are printed.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import pandas
from measuring import circumstances, in_seconds, markdown_table, report
from serving import SMALL, made_table

import perceivers
from perceivers.batch.job import predict_in_parts

ROWS_A_PART = 2_000


def processor_seconds() -> float:
    """Of this process, and of its workers that have ended."""
    times = os.times()
    return times.user + times.system + times.children_user + times.children_system


def answers_of(folder: Path) -> pandas.DataFrame:
    return pandas.concat([pandas.read_parquet(path) for path in sorted(folder.glob("part-*.parquet"))])


def measure(num_rows: int, workers: Sequence[int]) -> str:
    about = circumstances(("torch", "perceivers", "pyarrow"))
    lines, first = [], None
    with tempfile.TemporaryDirectory() as name:
        run, table = Path(name) / "made", Path(name) / "big.parquet"
        perceivers.fit(made_table(400, seed=0), ["kind", "price"], output=run, quiet=True, **SMALL)
        pandas.DataFrame(made_table(num_rows, seed=1)).to_parquet(table)
        for count in workers:
            output = Path(name) / f"answers-{count}"
            begin, busy = time.perf_counter(), processor_seconds()
            predict_in_parts(
                run, [str(table)], output, workers=count, rows_per_part=ROWS_A_PART, device="cpu"
            )
            seconds, busy = time.perf_counter() - begin, processor_seconds() - busy
            answers = answers_of(output)
            if first is None:
                first = answers
            pandas.testing.assert_frame_equal(first, answers, rtol=1e-4)
            lines.append([str(count), f"{num_rows / seconds:,.0f}", in_seconds(seconds), in_seconds(busy)])
    found = markdown_table(("workers", "rows a second", "wall time", "processor time"), lines)
    return (
        f"# Many rows in part files\n\n{about}\n\n{num_rows:,} rows of three columns, {ROWS_A_PART:,} a part; "
        f"every number of workers wrote the same answers.\n\n{found}\n\n"
        f"Command: `python benchmarks/batch.py --rows {num_rows} --workers {' '.join(map(str, workers))}`.\n"
    )


def main(words: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--rows", type=int, default=20_000)
    parser.add_argument("--workers", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--output", type=Path, default=Path(__file__).parent / "results" / "batch.md")
    chosen = parser.parse_args(words)
    report(measure(chosen.rows, chosen.workers), chosen.output)


if __name__ == "__main__":
    main()
