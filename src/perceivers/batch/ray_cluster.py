"""Parts on a cluster, or on this machine, by Ray Data: each actor loads the run once."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from typing import Any

from perceivers.batch.plan import Part, Plan
from perceivers.batch.worker import Done, PartWorker
from perceivers.errors import ConfigurationError, MissingExtraError, one_line


class RayWorker:
    """A PartWorker as Ray Data calls it: a batch holds one part, by columns; so does what comes back.

    Args:
        plan: the job.
        output: folder that receives the parts; every machine must reach it.
        device: "auto" or "cpu".
        threads: of the processor.
    """

    def __init__(self, plan: Plan, output: str, device: str, threads: int) -> None:
        import torch

        torch.set_num_threads(threads)
        self._worker = PartWorker(plan, output, device)

    def __call__(self, batch: Mapping[str, Any]) -> dict[str, list[Any]]:
        """Answer the parts of a batch."""
        columns = {name: [int(value) for value in values] for name, values in batch.items()}
        parts = [
            Part(**dict(zip(columns, cells, strict=True))) for cells in zip(*columns.values(), strict=True)
        ]
        done = [asdict(self._worker(part)) for part in parts]
        return {name: [each[name] for each in done] for name in done[0]}


def answer_with_ray(
    plan: Plan,
    parts: Sequence[Part],
    output: str,
    *,
    workers: int,
    device: str,
    address: str | None,
) -> Iterator[Done]:
    """Answer parts on Ray's actors.

    Args:
        plan: the job; run, inputs and output must have these names on every machine.
        parts: those that are to be answered.
        output: folder that receives them.
        workers: actors. Each has a GPU of its own where the cluster has so many and `device` is "auto", else its share of the
            processors.
        device: "auto" or "cpu".
        address: of a cluster, such as "auto" or "ray://head:10001"; None starts Ray on this machine, unless it is running.

    Raises:
        MissingExtraError: Ray is not installed.
        ConfigurationError: there is no cluster at `address`.
    """
    try:
        import ray
        import ray.data
    except ImportError as error:
        raise MissingExtraError("ray", "batch", "`--engine ray`") from error
    context = ray.data.DataContext.get_current()
    shows_progress = context.enable_progress_bars
    started = False
    try:
        if not ray.is_initialized():
            _start(address)
            started = True
        context.enable_progress_bars = False
        resources = ray.cluster_resources()
        gpus = 1.0 if device == "auto" and resources.get("GPU", 0.0) >= workers else 0.0
        share = resources.get("CPU", 1.0) / workers
        threads = max(1, int(share))
        # More actors than processors share them.
        cpus = threads if share >= 1.0 else share
        described = ray.data.from_items([asdict(part) for part in parts], override_num_blocks=len(parts))
        answered = described.map_batches(
            RayWorker,
            batch_size=1,
            compute=ray.data.ActorPoolStrategy(size=min(workers, len(parts))),
            num_cpus=0 if gpus else cpus,
            num_gpus=gpus or None,
            fn_constructor_kwargs={"plan": plan, "output": output, "device": device, "threads": threads},
        )
        for row in answered.iter_rows():
            yield Done(**row)
    finally:
        context.enable_progress_bars = shows_progress
        if started:
            ray.shutdown()


def _start(address: str | None) -> None:
    import ray

    try:
        ray.init(address=address, log_to_driver=False, include_dashboard=False if address is None else None)
    except (ConnectionError, ValueError, RuntimeError) as error:
        raise ConfigurationError(
            f"`address` must be that of a Ray cluster, received {address!r}: {one_line(error)}"
        ) from error
