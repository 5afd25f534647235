"""Sets of up to 512 entities: seconds and memory of a forward pass and of a training step, Perceiver beside Transformer.

Run: python benchmarks/entities.py [--sizes 32 128 512] [--channels 256] [--batch 8] [--output FILE]

The networks are those of examples/skirmish, an output an entity and a pointer that chooses among all; the Perceiver in its
fast form, too. Sets are ragged: each has between an eighth of the size and the whole. Every line has a process of its own,
one thread; seconds are those of the processor.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

sys.path.append(str(Path(__file__).parents[1] / "examples" / "skirmish"))

from measuring import WorkingMemory, circumstances, in_bytes, in_fresh_process, markdown_table, report

WAYS = ("forward", "fast form", "training step")
HEADER = ("entities", "network", *(f"{way}, {unit}" for way in WAYS for unit in ("ms a set", "memory")))
REPETITIONS = 3


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure and print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--sizes", nargs="+", type=int, default=[32, 128, 512], help="entities of the largest set"
    )
    parser.add_argument("--channels", type=int, default=256, help="of an entity, and of a latent")
    parser.add_argument("--batch", type=int, default=8, help="sets")
    parser.add_argument("--output", type=Path, help="file that receives the report, too")
    options = parser.parse_args(arguments)
    heading = f"""# Sets of entities

{circumstances(("torch", "perceivers"))}

{options.batch} ragged sets of {options.channels} channels, the largest of so many entities; three layers, 32 latents of
the Perceiver. Milliseconds of the processor a set, medians of {REPETITIONS}; memory is what a call takes at its peak beside
weights and inputs.
`python benchmarks/entities.py` writes this page."""
    rows: list[list[str]] = []
    for size in options.sizes:
        for name in ("perceiver", "transformer"):
            cells = []
            for way in WAYS:
                if (name, way) == ("transformer", "fast form"):
                    cells += ["-", "-"]
                    continue
                asked = (name, way, size, options.channels, options.batch)
                seconds, memory = in_fresh_process(measure, *asked).value
                cells += [
                    f"{1000 * seconds / options.batch:,.1f}",
                    "-" if memory is None else in_bytes(memory),
                ]
            rows.append([str(size), name, *cells])
    report(f"{heading}\n\n{markdown_table(HEADER, rows)}", options.output)


def measure(name: str, way: str, size: int, channels: int, batch: int) -> tuple[float, int | None]:
    """Processor seconds of a call for all sets, and its peak memory; in a process of its own."""
    import torch

    torch.set_num_threads(1)
    call = call_of(name, way, size, channels, batch)
    call()
    with WorkingMemory() as memory:
        call()
    spent = []
    for _ in range(REPETITIONS):
        began = time.process_time()
        call()
        spent.append(time.process_time() - began)
    return statistics.median(spent), memory.bytes


def call_of(name: str, way: str, size: int, channels: int, batch: int) -> Callable[[], Any]:
    """What is timed: one pass over ragged sets, from which each entity selects another."""
    import torch
    from networks import CARDINALITIES, NUM_NUMBERS, build

    from perceivers.models.losses import pointer_loss

    torch.manual_seed(0)
    model = build(name, channels).encoder
    entities = torch.rand(batch, size, len(CARDINALITIES) + NUM_NUMBERS)
    entities[..., : len(CARDINALITIES)] = 2
    counts = torch.linspace(max(1, size // 8), size, batch).round().long()
    mask = torch.arange(size) < counts[:, None]
    # The Transformer of the example takes numbers of those that choose.
    asked_for: dict[str, Any] = {"queries": torch.arange(size), "choices": mask}
    targets = (torch.rand(batch, size) * counts[:, None]).long().masked_fill(~mask, -100)
    if way == "training step":
        model.train()
        optimizer = torch.optim.AdamW(model.parameters())

        def step() -> None:
            optimizer.zero_grad()
            pointer_loss(model(entities, mask, **asked_for).logits, targets, mask).backward()
            optimizer.step()

        return step
    asked = model.eval().prepare() if way == "fast form" else model.eval()

    @torch.inference_mode()
    def answer() -> Any:
        return asked(entities, mask, **asked_for).logits

    return answer


if __name__ == "__main__":
    main()
