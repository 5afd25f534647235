"""`predict` for many rows: a plan, the parts that are missing, and a mark when all are there."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Literal

from perceivers.arguments import load_arguments
from perceivers.arguments.base import require_choice
from perceivers.batch.plan import SUCCESS_FILE, claim, make_plan
from perceivers.batch.processes import answer_with_processes
from perceivers.batch.ray_cluster import answer_with_ray
from perceivers.batch.worker import Done, PartWorker, require_pyarrow
from perceivers.data.folders import require_named
from perceivers.data.notation import ASKED, Asked
from perceivers.errors import ConfigurationError, DataError
from perceivers.folder_lock import alone_in
from perceivers.records import write_json, writing

ROWS_PER_PART = 10_000
Engine = Literal["processes", "ray"]


@dataclass(frozen=True)
class Report:
    """What a session did.

    Args:
        rows: of the whole job.
        errors: rows of the whole job that could not be read.
        parts: of the whole job.
        parts_before: those that earlier sessions had written.
        rows_now: rows that this session answered.
        seconds: that this session took to answer, its start included.
        notes: what the user should know about how the inputs are read.
    """

    rows: int
    errors: int
    parts: int
    parts_before: int
    rows_now: int
    seconds: float
    notes: tuple[str, ...] = ()

    @property
    def rows_a_second(self) -> float:
        """Of this session."""
        return self.rows_now / self.seconds if self.seconds else 0.0


def predict_in_parts(
    run: str | Path,
    inputs: Sequence[str],
    output: str | Path,
    *,
    workers: int = 1,
    engine: Engine = "processes",
    address: str | None = None,
    rows_per_part: int = ROWS_PER_PART,
    device: str = "auto",
    decimal: Asked = "auto",
    progress: Callable[[Done, int, int], None] | None = None,
) -> Report:
    """Answer for many rows, in part files that are written whole, and go on where an earlier session was stopped.

    `output` receives `part-000000.parquet` and so on, in the order of the rows, each with `source`, `row` (from 1), the
    answers, and `error`, which says why a row could not be read; `_plan.json`; and `_SUCCESS` when all parts are there. A row
    is answered beside the same rows whatever the number of workers.

    Args:
        run: folder of a training run whose answers come from columns.
        inputs: tables, or folders of files, as `perceivers predict` takes them.
        output: folder that receives the parts.
        workers: processes, or Ray's actors.
        engine: "processes" of this machine, or "ray".
        address: of Ray's cluster.
        rows_per_part: rows of a part at most.
        device: "auto" or "cpu".
        decimal: how numbers are written in texts, see `perceivers.load`.
        progress: called with each part that is done, the number of parts that are and of all.

    Raises:
        ConfigurationError: `output` holds another job, or a choice does not fit.
        DataError: `run` is no training run; an input cannot be opened, or holds no rows.
        MissingExtraError: pyarrow, or Ray, is not installed.
        PerceiversError: a worker has died, or a part cannot be written.
    """
    require_choice("engine", engine, ("processes", "ray"))
    require_choice("decimal", decimal, ASKED)
    if workers < 1:
        raise ConfigurationError(f"`workers` must be at least 1, received {workers}")
    if address is not None and engine != "ray":
        raise ConfigurationError(f"`address` is of a Ray cluster: it needs `engine` ray, received {engine!r}")
    if isinstance(inputs, str) or not inputs:
        raise DataError(f"`inputs` must name one table or more, received {inputs or 'none'!r}")
    for given in inputs:
        require_named(given)
    require_pyarrow()
    began = time.monotonic()
    target = Path(output)
    if target.is_file():
        raise ConfigurationError(f"`output` must be a folder, received the file {str(target)!r}")
    # Says what is wrong with a folder that is no run.
    load_arguments(Path(run))
    with alone_in(target):
        # Inputs are opened here first, which tells what is wrong with them before anything starts.
        opened = make_plan(Path(run), inputs, [[]] * len(inputs), rows_per_part, decimal)
        alone = engine == "processes" and workers == 1
        worker = PartWorker(opened, str(target.absolute()), device if alone else "cpu")
        plan = replace(opened, sizes=tuple(map(tuple, worker.sizes())))
        if not plan.num_rows:
            raise DataError(f"`inputs` must hold rows, received {', '.join(inputs)} without any")
        with writing(target, "give another folder, or make room there"):
            claim(target, plan)
        parts = plan.parts()
        missing = [part for part in parts if not (target / part.file).is_file()]
        done: Iterable[Done]
        if not missing or alone:
            done = map(worker, missing)
        elif engine == "ray":
            done = answer_with_ray(
                plan, missing, str(target.absolute()), workers=workers, device=device, address=address
            )
        else:
            done = answer_with_processes(
                plan, missing, str(target.absolute()), workers=workers, device=device
            )
        number, rows_now = len(parts) - len(missing), 0
        for each in done:
            number += 1
            rows_now += each.rows
            if progress is not None:
                progress(each, number, len(parts))
        report = Report(
            rows=plan.num_rows,
            errors=sum(_errors_of(target / part.file) for part in parts),
            parts=len(parts),
            parts_before=len(parts) - len(missing),
            rows_now=rows_now,
            seconds=time.monotonic() - began,
            notes=tuple(worker.notes()),
        )
        with writing(target, "make room there, and run the same command again"):
            write_json(
                target / SUCCESS_FILE, {name: asdict(report)[name] for name in ("rows", "errors", "parts")}
            )
        return report


def _errors_of(path: Path) -> int:
    from pyarrow import parquet

    from perceivers.batch.columns import ERROR

    return sum(cell is not None for cell in parquet.read_table(path, columns=[ERROR])[ERROR].to_pylist())
