"""How much of a training step is spent on samples: loading, changing and batching them, beside the step itself.

Run: python benchmarks/feeding.py [--recipes digits ...] [--photographs 1000] [--batches 8] [--output feeding.md]

Each bundled recipe, and a folder of photographs of 12 megapixels that is written for it, goes through its own loader in one
process: once as at the first reading, then again from what was kept. Both sides are processor time of one thread. `share` is
what feeding adds to a step (forward, backward, optimiser) on two cores: all of it where `--workers auto` takes no process for
it, otherwise what goes beyond the step that it runs beside, and what it costs to receive a batch. The aim: less than a fifth.
"""

from __future__ import annotations

import argparse
import gc
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import chain, islice, repeat
from pathlib import Path
from typing import Any

import numpy as np
import torch
from measuring import circumstances, in_seconds, markdown_table, save
from PIL import Image

from perceivers.arguments import DataArguments, read_recipe
from perceivers.arguments.advice import resolved
from perceivers.arguments.base import from_mapping
from perceivers.arguments.run import run_from_recipe
from perceivers.data.bundled import BUNDLED
from perceivers.data.draws import NumberedBatch, training_loader
from perceivers.errors import DataError, MissingExtraError
from perceivers.tasks.registry import arguments_class, task_class
from perceivers.training.workers import CHEAP_SECONDS, seconds_to_load

RECIPES = Path(__file__).parents[1] / "recipes"
HEADER = (
    "data",
    "batch",
    "first reading, a sample",
    "samples a second",
    "feeding a batch",
    "a step",
    "workers",
    "share",
)
AIM = 0.2
# A telephone's photograph, and the model that sees it: as a newcomer might ask for.
HEIGHT, WIDTH = 3000, 4000
PHOTOGRAPH_MODEL = {"image_height": 64, "image_width": 64, "input_form": "conv", "stem_padding": "same",
                    "num_fourier_bands": 8, "num_latents": 64, "latent_channels": 128, "num_layers": 4, "num_heads": 4,
                    "crop_area": 0.3, "flip": 0.5}  # fmt: skip
# Different pictures that the photographs are made of.
NUM_SCENES = 4


@dataclass(frozen=True)
class Fed:
    """What was measured of one data set.

    Args:
        name: of the recipe or the data.
        batch_size: samples a step.
        first: seconds of the first reading of a sample, of those that are looked through before training; 0 where they are
            in memory.
        feeding: seconds of feeding a batch.
        step: seconds of a step.
        workers: processes that `--workers auto` takes on two cores.
        received: seconds that a batch of a worker costs the training process.
    """

    name: str
    batch_size: int
    first: float
    feeding: float
    step: float
    workers: int = 0
    received: float = 0.0

    @property
    def share(self) -> float:
        """What feeding adds to a step, over the step."""
        if not self.workers:
            return self.feeding / self.step
        return (self.received + max(self.feeding / self.workers - self.step, 0.0)) / self.step

    def row(self) -> list[str]:
        """Cells of the table."""
        pace = self.batch_size / self.feeding
        return [
            self.name, str(self.batch_size), in_seconds(self.first), f"{pace:,.0f}", in_seconds(self.feeding),
            in_seconds(self.step), str(self.workers), f"{100 * self.share:.1f} %{'' if self.share < AIM else ' (missed)'}",
        ]  # fmt: skip


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    names = bundled_recipes()
    parser.add_argument("--recipes", nargs="*", choices=names, default=names, help="which recipes")
    parser.add_argument("--photographs", type=int, default=1000, help="how many; 0 for none")
    parser.add_argument("--batches", type=int, default=8, help="timed batches of each")
    parser.add_argument("--output", type=Path, help="file for the table, in Markdown")
    options = parser.parse_args(arguments)
    torch.set_num_threads(1)
    described = circumstances(("torch", "perceivers", "pillow"))
    measured = []
    for name in options.recipes:
        try:
            measured.append(of_recipe(RECIPES / f"{name}.yaml", options.batches))
        except (MissingExtraError, DataError) as error:
            print(f"{name}: {error}", file=sys.stderr)
            continue
        print(*measured[-1].row(), sep=" | ", flush=True)
    if options.photographs:
        with tempfile.TemporaryDirectory() as folder:
            write_photographs(Path(folder), options.photographs)
            measured.append(of_photographs(Path(folder), options.photographs, options.batches))
        print(*measured[-1].row(), sep=" | ", flush=True)
    save(report(measured, described), options.output)
    return int(any(each.share >= AIM for each in measured))


def bundled_recipes() -> list[str]:
    """Names of the recipes whose data packages ship."""
    return [
        path.stem
        for path in sorted(RECIPES.glob("*.yaml"))
        if read_recipe(path)["data"].get("data") in BUNDLED
    ]


def report(measured: Sequence[Fed], described: str) -> str:
    """The file's text."""
    missed = [each.name for each in measured if each.share >= AIM]
    told = f"Missed: {', '.join(missed)}." if missed else "Reached by all."
    return (
        f"# Feeding beside a training step\n\n{described}\n\n"
        "Processor time of one thread. First reading: decoding and checking each file before training. Then everything that "
        "a batch costs after it (random changes, batching), and a step: forward, backward, optimiser. Share: what feeding "
        "adds to a step on two cores; where a worker takes it, what goes beyond the step, and receiving the batch.\n\n"
        f"{markdown_table(HEADER, [each.row() for each in measured])}\n\n"
        f"Aim: feeding takes less than a fifth of a step. {told}\n"
    )


def of_recipe(path: Path, num_batches: int) -> Fed:
    """Measure a recipe with its own batch size and model."""
    recipe = read_recipe(path)
    run = run_from_recipe(recipe, output="nowhere")
    task = task_class(recipe["task"])(from_mapping(arguments_class(recipe["task"]), recipe["model"]))
    return fed(path.stem, task, run.data, run, num_batches)


def of_photographs(folder: Path, count: int, num_batches: int) -> Fed:
    """Measure image classification on a folder of photographs."""
    chosen = from_mapping(arguments_class("image-classification"), PHOTOGRAPH_MODEL)
    task = task_class("image-classification")(chosen)
    recipe = {"data": {"data": str(folder)}, "start": {}, "training": {"batch_size": 32}, "optimization": {}}
    run = run_from_recipe(recipe, output="nowhere")
    return fed(f"{count:,} photographs of 12 megapixels", task, run.data, run, num_batches)


def fed(name: str, task: Any, data: DataArguments, run: Any, num_batches: int) -> Fed:
    """Load, feed and train a few batches of a task."""
    begin = time.process_time()
    splits = task.load_data(data)
    first = time.process_time() - begin
    run = resolved(run, task.advise(splits, run))
    parts = task.build(splits)
    batch_size = run.training.batch_size or 32
    vary = task.vary if task.varies else None
    loader, order = training_loader(
        splits.train,
        vary,
        NumberedBatch(task.collate, parts.processor),
        batch_size=batch_size,
        seed=0,
        workers=0,
    )
    # The middle of a run, where curricula are at their full size.
    order.epoch = 1
    task.begin_pass(1, 1)
    feeding, batches = timed_batches(loader, num_batches)
    is_costly = seconds_to_load(splits.train, vary) >= CHEAP_SECONDS
    received = 0.0
    if is_costly:
        loader, order = training_loader(
            splits.train,
            vary,
            NumberedBatch(task.collate, parts.processor),
            batch_size=batch_size,
            seed=0,
            workers=1,
        )
        order.epoch = 1
        received, batches = timed_batches(loader, num_batches)
    step = timed_steps(task, parts.model, batches)
    total = sum(len(splits.part(part)) for part in ("train", "validation", "test"))
    return Fed(name, batch_size, first / max(total, 1), feeding, step, int(is_costly), received)


def timed_batches(loader: Any, num_batches: int) -> tuple[float, list[Any]]:
    """Median seconds of processor time of a batch but the first, and the batches; a short loader is passed over again."""
    batches, seconds = [], []
    passes = chain.from_iterable(repeat(loader))
    for _ in range(num_batches + 1):
        begin = time.process_time()
        batch = next(passes)
        seconds.append(time.process_time() - begin)
        batches.append(batch[1])
    return float(np.median(seconds[1:] or seconds)), batches


def timed_steps(task: Any, model: Any, batches: Sequence[Any]) -> float:
    """Median seconds of processor time of a step but the first."""
    model.train()
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-4)
    gc.collect()
    seconds = []
    for batch in islice(batches, len(batches)):
        begin = time.process_time()
        task.step(model, task.augment(batch)).loss.backward()
        optimizer.step()
        optimizer.zero_grad()
        seconds.append(time.process_time() - begin)
    return float(np.median(seconds[1:] or seconds))


def write_photographs(folder: Path, count: int, progress: Callable[[str], None] = print) -> None:
    """Write JPEG files of 4,000 x 3,000 pixels in two class folders, alike in size and detail to a telephone's."""
    chance = np.random.default_rng(0)
    rows, columns = np.mgrid[0:HEIGHT, 0:WIDTH].astype(np.float32)
    scenes = []
    for _ in range(min(NUM_SCENES, count)):
        waves = [np.sin(rows / chance.uniform(20, 400) + columns / chance.uniform(20, 400)) for _ in range(3)]
        grain = chance.normal(0, 8, (HEIGHT, WIDTH, 1))
        pixels = np.clip(127 + 80 * np.stack(waves, axis=2) + grain, 0, 255).astype(np.uint8)
        scenes.append(Image.fromarray(pixels))
    for index in range(count):
        path = folder / ("left", "right")[index % 2] / f"{index:05d}.jpg"
        path.parent.mkdir(parents=True, exist_ok=True)
        if index < 2 * len(scenes):
            scenes[index // 2].save(path, quality=85)
        else:
            # The same content in another file is decoded anew: files are known by their paths.
            path.write_bytes(
                (folder / ("left", "right")[index % 2] / f"{index % (2 * len(scenes)):05d}.jpg").read_bytes()
            )
    size = sum(path.stat().st_size for path in folder.rglob("*.jpg"))
    progress(f"{count} photographs, {size / 2**20:,.0f} MiB")


if __name__ == "__main__":
    sys.exit(main())
