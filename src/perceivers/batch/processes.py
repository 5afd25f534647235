"""Parts on several processes of one machine."""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool

import torch

from perceivers.batch.plan import Part, Plan
from perceivers.batch.worker import Done, PartWorker
from perceivers.errors import PerceiversError
from perceivers.warned import print_warnings_plainly

_worker: list[PartWorker] = []


def answer_with_processes(
    plan: Plan, parts: Sequence[Part], output: str, *, workers: int, device: str
) -> Iterator[Done]:
    """Answer parts as processes become free; each process shares the processor's cores with the others.

    Args:
        plan: the job.
        parts: those that are to be answered.
        output: folder that receives them.
        workers: processes.
        device: "auto" or "cpu".

    Raises:
        PerceiversError: a process has died.
    """
    threads = max(1, (os.cpu_count() or 1) // workers)
    pool = ProcessPoolExecutor(
        min(workers, len(parts)),
        # Threads of this process, torch's among them, do not survive a fork.
        mp_context=multiprocessing.get_context("spawn"),
        initializer=_begin,
        initargs=(plan, output, device, threads),
    )
    try:
        for done in as_completed([pool.submit(_answer, part) for part in parts]):
            yield done.result()
    except BrokenProcessPool as error:
        raise PerceiversError(
            "a worker process has died, most often because memory ran out: run the same command again, with fewer "
            "--workers; the parts that are written stay"
        ) from error
    finally:
        pool.shutdown(cancel_futures=True)


def _begin(plan: Plan, output: str, device: str, threads: int) -> None:
    torch.set_num_threads(threads)
    print_warnings_plainly()
    _worker[:] = [PartWorker(plan, output, device)]


def _answer(part: Part) -> Done:
    (worker,) = _worker
    return worker(part)
