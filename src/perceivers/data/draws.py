"""In which order samples are drawn and changed: a function of seed, epoch and sample, and of nothing else.

That is why a run that was stopped goes on with the very same batches, whatever the number of worker processes.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch.utils.data import DataLoader, Dataset, IterableDataset, Sampler, get_worker_info

from perceivers.data.rows import StreamSamples
from perceivers.data.splits import Samples

Vary = Callable[[Any, np.random.Generator], Any]
# Tags of the streams of random numbers that are derived from one seed.
ORDER, VARIATION, STEP = 0, 1, 2


def generator_of(*key: int) -> np.random.Generator:
    """A generator whose numbers depend on the key alone: seed, tag, and what else tells draws apart."""
    return np.random.Generator(np.random.PCG64(np.random.SeedSequence(key)))


def seed_of_step(seed: int, batches_seen: int, process: int) -> int:
    """Seed of torch's generator for one batch of one process: dropout and whole-batch augmentation."""
    return int(generator_of(seed, STEP, batches_seen, process).integers(2**63))


class ShuffledOrder(Sampler[tuple[int, int]]):
    """Every sample once a pass, in an order of its own each pass.

    Yields (index, epoch). `epoch` is set before each pass.

    Args:
        count: number of samples.
        seed: seed of the run.
    """

    def __init__(self, count: int, seed: int) -> None:
        self.count, self.seed, self.epoch = count, seed, 0

    def __len__(self) -> int:
        """Count the samples."""
        return self.count

    def __iter__(self) -> Iterator[tuple[int, int]]:
        """Draw one pass."""
        epoch = self.epoch
        for index in generator_of(self.seed, ORDER, epoch).permutation(self.count):
            yield int(index), epoch


class VariedSamples(Dataset[tuple[int, Any]]):
    """Training samples, each changed at random; asked for by (index, epoch).

    Args:
        samples: the training part.
        vary: the task's random change; None: samples are given as they are.
        seed: seed of the run.
    """

    def __init__(self, samples: Samples, vary: Vary | None, seed: int) -> None:
        self.samples, self.vary, self.seed = samples, vary, seed

    def __getitem__(self, key: tuple[int, int]) -> tuple[int, Any]:
        """Give the sample's index and the changed sample."""
        index, epoch = key
        if self.vary is None:
            return index, self.samples[index]
        return index, self.vary(self.samples[index], generator_of(self.seed, VARIATION, epoch, index))

    def __len__(self) -> int:
        """Count the samples."""
        return len(self.samples)


class VariedStream(IterableDataset[tuple[int, Any]]):
    """Training samples of a stream, each changed at random; `epoch` is set before each pass.

    Args:
        samples: the stream.
        vary: see VariedSamples.
        seed: seed of the run.
    """

    def __init__(self, samples: StreamSamples, vary: Vary | None, seed: int) -> None:
        self.samples, self.vary, self.seed, self.epoch = samples, vary, seed, 0

    def __iter__(self) -> Iterator[tuple[int, Any]]:
        """Pass over the stream; several workers share its samples out among them."""
        worker = get_worker_info()
        share, shares = (0, 1) if worker is None else (worker.id, worker.num_workers)
        for number, sample in self.samples.samples(self.epoch, share, shares):
            if self.vary is not None:
                sample = self.vary(sample, generator_of(self.seed, VARIATION, self.epoch, number))
            yield number, sample


class NumberedSamples(Dataset[tuple[int, Any]]):
    """Samples as they are, with their index."""

    def __init__(self, samples: Samples) -> None:
        self.samples = samples

    def __getitem__(self, index: int) -> tuple[int, Any]:
        """Give the index and the sample."""
        return index, self.samples[index]

    def __len__(self) -> int:
        """Count the samples."""
        return len(self.samples)


def leave_signals_to_the_run(worker: int) -> None:
    """Have a worker process overhear what is meant for the run, and end at once when the run asks it to.

    A terminal sends Ctrl-C to all processes, and so do `timeout` and schedulers with SIGTERM: the run saves itself, and
    needs its workers until then. Who sent a SIGTERM is told on Linux alone; elsewhere any ends a worker.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    if sys.platform.startswith("linux"):
        # Blocked before the thread begins, which inherits that: no thread but it receives one.
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
        threading.Thread(target=_end_for_the_run, args=(os.getppid(),), daemon=True).start()


def _end_for_the_run(run: int) -> None:
    """Wait for a SIGTERM of the process `run`, and end this one."""
    while signal.sigwaitinfo({signal.SIGTERM}).si_pid != run:
        pass
    os._exit(0)


@dataclass(frozen=True)
class NumberedBatch:
    """Puts numbered samples together.

    Args:
        collate: the task's `collate`.
        processor: what it is given.
    """

    collate: Callable[[Any, Sequence[Any]], Any]
    processor: Any

    def __call__(self, numbered: Sequence[tuple[int, Any]]) -> tuple[torch.Tensor, Any]:
        """The samples' indices [batch] and the task's batch."""
        indices, samples = zip(*numbered, strict=True)
        return torch.tensor(indices), self.collate(self.processor, samples)


def training_loader(
    samples: Any, vary: Vary | None, collate: NumberedBatch, *, batch_size: int, seed: int, workers: int
) -> tuple[DataLoader[Any], Any]:
    """Load the training part.

    Args:
        samples: the part.
        vary: see VariedSamples.
        collate: puts samples together.
        batch_size: samples of a batch.
        seed: seed of the run.
        workers: processes that load.

    Returns:
        The loader, and what has the attribute `epoch` to be set before each pass.
    """
    if isinstance(samples, StreamSamples):
        stream = VariedStream(samples, vary, seed)
        loader = DataLoader(
            stream,
            batch_size=batch_size,
            num_workers=workers,
            collate_fn=collate,
            worker_init_fn=leave_signals_to_the_run,
        )
        return loader, stream
    order = ShuffledOrder(len(samples), seed)
    varied = VariedSamples(samples, vary, seed)
    loader = DataLoader(
        varied,
        batch_size,
        sampler=order,
        num_workers=workers,
        collate_fn=collate,
        worker_init_fn=leave_signals_to_the_run,
    )
    return loader, order


def plain_loader(
    samples: Samples, collate: NumberedBatch, *, batch_size: int, workers: int = 0
) -> DataLoader[Any]:
    """Load samples in their order, unchanged."""
    return DataLoader(
        NumberedSamples(samples),
        batch_size,
        num_workers=workers,
        collate_fn=collate,
        worker_init_fn=leave_signals_to_the_run,
    )
