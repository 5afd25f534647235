"""How time and working memory grow with the number of inputs (encode) and of outputs (decode): slopes, a table, a plot.

Run: python benchmarks/scaling.py [--sizes 10 12 14 16 18] [--busy 1] [--output results/scaling.csv]

Encode: the cross-attend of 512 latents x 1024 over 2^k RGB pixels with Fourier positions (261 channels, one head), no layer
after it. Transformers gets its tokens ready made; ours takes the picture. Decode: one Fourier query for each of 2^k outputs
looks at those latents; Transformers gets its queries ready made. For contrast, one layer of a plain Transformer encoder of
width 512 on as many tokens, as far as its attention is affordable. `--busy 1` starts a loop that takes a core all the time:
what a shared machine does to either side. Working memory is what a run takes at its peak above what
the process held before, each in a fresh process. Slopes are those of log time against log size over the largest four sizes.
"""

from __future__ import annotations

import argparse
import csv
import ctypes
import math
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from measuring import (
    WorkingMemory,
    circumstances,
    in_bytes,
    in_fresh_process,
    in_ratio,
    in_seconds,
    interleaved,
    largest_relative_error,
    markdown_table,
    medians,
)
from reference_models import make_lively

# At 2^18 inputs Transformers' float32 latents are 1.1e-5 away from float64 ones, ours 0.05e-5: the difference is theirs.
TOLERANCE = 2e-5
LARGEST_TRANSFORMER = 2**13
_SIZES = {"num_latents": 512, "d_latents": 1024, "num_blocks": 1, "num_self_attends_per_block": 0}
_HEADS = {"num_cross_attention_heads": 1, "num_self_attention_heads": 8, "d_model": 261}
_FOURIER = {"num_bands": 64, "max_resolution": (224, 224)}
_OUTPUT_CHANNELS = 3

Side = Callable[[], Any]


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--sizes", nargs="+", type=int, default=list(range(10, 19)), help="exponents of 2")
    parser.add_argument("--jobs", nargs="+", choices=list(JOBS), default=list(JOBS))
    parser.add_argument("--repetitions", type=int, default=3)
    parser.add_argument("--busy", type=int, default=0, help="loops that each take a core meanwhile")
    parser.add_argument("--note", help="a line for the report")
    parser.add_argument("--output", type=Path, help="CSV file; the plot and the report go beside it")
    options = parser.parse_args(arguments)
    described = circumstances()
    rows: list[dict[str, Any]] = []
    loops = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(options.busy)]
    try:
        for job in options.jobs:
            for exponent in options.sizes:
                rows += measure(job, exponent, options.repetitions)
                print(rows[-1], flush=True)
    finally:
        for loop in loops:
            loop.kill()
            loop.wait()
    notes = [f"Beside {options.busy} busy loop{'s' * (options.busy > 1)}."] if options.busy else []
    notes += [options.note] if options.note else []
    text = "\n\n".join([described, _table(rows), *notes])
    print(text)
    if options.output is not None:
        save(rows, text, options.output)
    errors = [row["error"] for row in rows if row["error"] is not None]
    return 0 if max(errors, default=0.0) <= TOLERANCE else 1


def measure(job: str, exponent: int, repetitions: int) -> list[dict[str, Any]]:
    """A row for each side: seconds, bytes of working memory, and the error of ours."""
    with torch.inference_mode():
        sides = JOBS[job](2**exponent)
        outputs = {name: run() for name, run in sides.items() if name != "a plain Transformer"}
        error = largest_relative_error(outputs["ours"], outputs["Transformers"])
        del outputs
        seconds = medians(interleaved(sides, repetitions, warm_ups=0))
    return [
        {
            "job": job,
            "side": name,
            "size": 2**exponent,
            "seconds": seconds[name],
            "working_memory": in_fresh_process(working_memory, job, name, 2**exponent).value,
            "error": error if name == "ours" else None,
        }
        for name in sides
    ]


@torch.inference_mode()
def working_memory(job: str, side: str, size: int) -> int | None:
    """Bytes that one run takes above what was there (in its own process)."""
    run = JOBS[job](size)[side]
    run_small = JOBS[job](2**10)[side]
    run_small()
    del run_small
    _return_free_memory()
    with WorkingMemory() as memory:
        run()
    return memory.bytes


def _return_free_memory() -> None:
    """Give what the allocator keeps back to the system, so that taking it again is seen."""
    if sys.platform == "linux":
        ctypes.CDLL(None).malloc_trim(0)


def encode_sides(num_inputs: int) -> dict[str, Side]:
    """One cross-attend over so many pixels, by each side."""
    import transformers

    import perceivers

    picture = torch.randn(1, 3, *_rectangle(num_inputs))
    model = perceivers.PerceiverModel(
        perceivers.PerceiverConfig(**_SIZES, **_HEADS),
        input_preprocessor=perceivers.PerceiverImagePreprocessor(
            perceivers.PerceiverConfig(), "pixels", 1, fourier_position_encoding_kwargs=_FOURIER
        ),
    )
    _make_lively(model.eval())
    with torch.no_grad():
        tokens = model.preprocess(picture)[0]
    reference = transformers.PerceiverModel(transformers.PerceiverConfig(**_SIZES, **_HEADS)).eval()
    reference.load_state_dict(model.state_dict())
    prepared = model.prepare(consume=True)
    return {
        "ours": lambda: prepared.encode(picture).latents,
        "Transformers": lambda: reference(tokens).last_hidden_state,
        **_transformer(num_inputs),
    }


def decode_sides(num_outputs: int) -> dict[str, Side]:
    """One cross-attend from so many output positions, by each side."""
    import transformers
    from transformers.models.perceiver.modeling_perceiver import PerceiverBasicDecoder

    import perceivers

    output_dims = _rectangle(num_outputs)
    options: dict[str, Any] = {
        "output_num_channels": _OUTPUT_CHANNELS,
        "position_encoding_type": "fourier",
        "output_index_dims": output_dims,
        "num_channels": 258,
        "num_heads": 1,
        "use_query_residual": False,
        "fourier_position_encoding_kwargs": _FOURIER,
    }
    decoder = perceivers.PerceiverBasicDecoder(perceivers.PerceiverConfig(**_SIZES, **_HEADS), **options)
    model = perceivers.PerceiverModel(perceivers.PerceiverConfig(**_SIZES, **_HEADS), decoder)
    _make_lively(model.eval())
    reference = PerceiverBasicDecoder(
        transformers.PerceiverConfig(**_SIZES, **_HEADS),
        **{**options, "fourier_position_encoding_kwargs": {"concat_pos": True, **_FOURIER}},
    ).eval()
    reference.load_state_dict(decoder.state_dict())
    tokens = torch.randn(1, 64, 261)
    with torch.no_grad():
        latents = model.encode(tokens).latents
        queries = model.build_queries(model.encode(tokens)).tokens
    prepared = model.prepare(consume=True)
    encoded = prepared.encode(tokens)
    return {
        "ours": lambda: prepared.decode(encoded),
        "Transformers": lambda: reference(queries, latents).logits,
        **_transformer(num_outputs),
    }


JOBS: Mapping[str, Callable[[int], dict[str, Side]]] = {"encode": encode_sides, "decode": decode_sides}


def _transformer(num_tokens: int) -> dict[str, Side]:
    """One self-attention layer on all tokens, where that is affordable."""
    if num_tokens > LARGEST_TRANSFORMER:
        return {}
    layer = torch.nn.TransformerEncoderLayer(512, 8, 512, batch_first=True, norm_first=True).eval()
    tokens = torch.randn(1, num_tokens, 512)
    return {"a plain Transformer": lambda: layer(tokens)}


@torch.no_grad()
def _make_lively(model: torch.nn.Module) -> None:
    """As the other benchmarks do, but with attention no sharper than it was drawn: rounding then stays far below 1e-5."""
    make_lively(model)
    for name, tensor in model.named_parameters():
        if name.endswith("query.weight"):
            tensor.div_(2.5)


def _rectangle(count: int) -> tuple[int, int]:
    """Rows and columns of a grid of 2^k points, as square as possible."""
    exponent = count.bit_length() - 1
    return 2 ** (exponent // 2), 2 ** (exponent - exponent // 2)


def slope(rows: Sequence[Mapping[str, Any]], field: str, largest: int = 4) -> float | None:
    """Of log `field` against log size, by least squares over the largest sizes."""
    points = [(math.log(row["size"]), math.log(row[field])) for row in rows if row[field]][-largest:]
    if len(points) < 2:
        return None
    mean_x, mean_y = (sum(values) / len(points) for values in zip(*points, strict=True))
    return sum((x - mean_x) * (y - mean_y) for x, y in points) / sum((x - mean_x) ** 2 for x, _ in points)


def _table(rows: Sequence[dict[str, Any]]) -> str:
    """A line for each job and side: the largest size, its time and memory, and the slopes."""
    lines = []
    for job, side in dict.fromkeys((row["job"], row["side"]) for row in rows):
        own = [row for row in rows if (row["job"], row["side"]) == (job, side)]
        last = own[-1]
        ours = next(
            row for row in rows if (row["job"], row["side"], row["size"]) == (job, "ours", last["size"])
        )
        time_slope, memory_slope = slope(own, "seconds"), slope(own, "working_memory")
        lines.append(
            [
                job,
                side,
                f"{last['size']:,}",
                in_seconds(last["seconds"]),
                in_ratio(last["seconds"], ours["seconds"]),
                in_bytes(last["working_memory"]),
                "-" if time_slope is None else f"{time_slope:.2f}",
                "-" if memory_slope is None else f"{memory_slope:.2f}",
                "-" if last["error"] is None else f"{max(row['error'] for row in own):.1e}",
            ]
        )
    header = [
        "job",
        "side",
        "size",
        "time",
        "of ours",
        "working memory",
        "slope of time",
        "of memory",
        "largest error",
    ]
    return markdown_table(header, lines)


def save(rows: Sequence[Mapping[str, Any]], text: str, output: Path) -> None:
    """Write the CSV, the report (.md) and the plot (.png)."""
    output.parent.mkdir(parents=True, exist_ok=True)
    with output.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    output.with_suffix(".md").write_text(text + "\n", encoding="utf-8")
    plot(rows, output.with_suffix(".png"))


def plot(rows: Sequence[Mapping[str, Any]], output: Path) -> None:
    """Time (above) and working memory (below) against size, both axes logarithmic, a column a job."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    jobs = list(dict.fromkeys(row["job"] for row in rows))
    figure, axes = pyplot.subplots(2, len(jobs), figsize=(5.2 * len(jobs), 7), sharex=True, squeeze=False)
    for column, job in enumerate(jobs):
        for line, (field, unit) in enumerate((("seconds", "seconds"), ("working_memory", "MB"))):
            panel = axes[line][column]
            for side in dict.fromkeys(row["side"] for row in rows if row["job"] == job):
                own = [row for row in rows if (row["job"], row["side"]) == (job, side) and row[field]]
                scale = 1.0 if field == "seconds" else 2**20
                panel.plot(
                    [row["size"] for row in own], [row[field] / scale for row in own], marker="o", label=side
                )
            panel.set_xscale("log", base=2)
            panel.set_yscale("log")
            panel.set_ylabel(unit)
            panel.grid(alpha=0.3)
            panel.spines[["top", "right"]].set_visible(False)
        axes[0][column].set_title(f"{job}: time (above) and working memory")
        axes[1][column].set_xlabel("inputs" if job == "encode" else "outputs")
    axes[0][0].legend(frameon=False)
    figure.tight_layout()
    figure.savefig(output, dpi=150)
    pyplot.close(figure)


if __name__ == "__main__":
    sys.exit(main())
