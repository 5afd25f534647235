"""What the exact fast form gains in onnxruntime, beside what it gains in torch: time and working memory.

Run: python benchmarks/export.py [--jobs picture text encoder flow] [--repetitions 3] [--output results/export.md]

Picture and text: 128 latents x 256 and 6 layers, one picture of 64 x 64 pixels with Fourier positions, one text
of 512 bytes. Encoder: the cross-attend of 512 latents x 1024 over 2^16 RGB pixels with Fourier positions (261 channels, one
head), no layer after it. Flow: the released sizes with random weights, 368 x 496 pixels in and out; `--self-attends` of
its 24 layers of the latents. Four sides take turns: the plain layers and the exact fast form, each in torch and as an ONNX
file as `perceivers export` writes it. Errors are against the first form in torch. Working memory is what a run takes at its
peak above what the process held before, each in a fresh process.
"""

from __future__ import annotations

import argparse
import ctypes
import sys
import tempfile
from collections.abc import Callable, Sequence
from functools import partial
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

from perceivers import (
    PerceiverConfig,
    PerceiverForImageClassificationFourier,
    PerceiverForOpticalFlow,
    PerceiverForSequenceClassification,
    PerceiverImagePreprocessor,
    PerceiverModel,
)
from perceivers.export.calls import Call, portable_form, whole_model
from perceivers.export.graph import captured, write_onnx
from perceivers.inference import prepare
from perceivers.runtime.session import Session

FORMS = ("plain", "fast")
PROGRAMS = ("torch", "onnxruntime")
_SIDE = 256
_MEDIUM: dict[str, Any] = {
    "num_latents": 128,
    "d_latents": 256,
    "num_blocks": 1,
    "num_self_attends_per_block": 6,
    "num_self_attention_heads": 8,
    "num_cross_attention_heads": 1,
    "num_labels": 10,
}


def encoder_model(_: int) -> PerceiverModel:
    """512 latents that look at 2^16 pixels."""
    config = PerceiverConfig(
        num_latents=512,
        d_latents=1024,
        num_blocks=1,
        num_self_attends_per_block=0,
        num_cross_attention_heads=1,
        num_self_attention_heads=8,
        d_model=261,
    )
    preprocessor = PerceiverImagePreprocessor(
        config,
        prep_type="pixels",
        spatial_downsample=1,
        fourier_position_encoding_kwargs={"num_bands": 64, "max_resolution": (224, 224)},
    )
    return PerceiverModel(config, input_preprocessor=preprocessor)


def flow_model(self_attends: int) -> PerceiverForOpticalFlow:
    """The released sizes with some of its layers."""
    config = PerceiverConfig(
        num_latents=2048,
        d_latents=512,
        d_model=322,
        num_blocks=1,
        num_self_attends_per_block=self_attends,
        num_self_attention_heads=16,
        num_cross_attention_heads=1,
        train_size=(368, 496),
    )
    return PerceiverForOpticalFlow(config)


def picture_model(_: int) -> PerceiverForImageClassificationFourier:
    """A network as runs of some thousand pictures have it."""
    return PerceiverForImageClassificationFourier(
        PerceiverConfig(**_MEDIUM, image_size=64, fourier_num_bands=16, fourier_max_resolution=(64, 64))
    )


def text_model(_: int) -> PerceiverForSequenceClassification:
    """The same for texts of up to 512 bytes."""
    return PerceiverForSequenceClassification(
        PerceiverConfig(**_MEDIUM, max_position_embeddings=512, d_model=256)
    )


JOBS: dict[str, tuple[Callable[[int], Any], Callable[[], torch.Tensor]]] = {
    "picture": (picture_model, lambda: torch.rand(1, 3, 64, 64)),
    "text": (text_model, lambda: torch.randint(6, 262, (1, 512))),
    "encoder": (encoder_model, lambda: torch.rand(1, 3, _SIDE, _SIDE)),
    "flow": (flow_model, lambda: torch.rand(1, 2, 27, 368, 496) * 2 - 1),
}


def build(job: str, self_attends: int) -> tuple[Any, torch.Tensor]:
    """Model and inputs of a job, the same in every process."""
    torch.manual_seed(0)
    make, inputs = JOBS[job]
    model = make(self_attends).eval()
    with torch.no_grad():
        # Layers that start at zero would hide errors.
        for parameter in model.parameters():
            parameter.add_(0.02 * torch.randn_like(parameter))
    return model, inputs()


def side_of(job: str, form: str, program: str, folder: str, self_attends: int) -> Callable[[], Any]:
    """What one side runs."""
    model, inputs = build(job, self_attends)
    if program == "onnxruntime":
        session, arrays = Session(Path(folder) / job / form / "model.onnx"), {"inputs": inputs.numpy()}
        return lambda: next(iter(session.run(arrays).values()))
    compute = whole_model(model)
    computed = partial(compute, model if form == "plain" else prepare(model), {"inputs": inputs})

    def run() -> Any:
        with torch.inference_mode():
            return next(iter(computed().values()))

    return run


def working_memory(job: str, form: str, program: str, folder: str, self_attends: int) -> int | None:
    """Bytes that a run takes above what was there (in its own process)."""
    run = side_of(job, form, program, folder, self_attends)
    if sys.platform == "linux":
        ctypes.CDLL(None).malloc_trim(0)
    with WorkingMemory() as memory:
        run()
    return memory.bytes


def write_files(job: str, folder: Path, self_attends: int, forms: Sequence[str]) -> None:
    """The files of a job, for one picture."""
    model, inputs = build(job, self_attends)
    for form in forms:
        place = folder / job / form
        place.mkdir(parents=True)
        call = Call("model", whole_model(model), {"inputs": inputs}, {})
        program = captured(model if form == "plain" else portable_form(model), call)
        write_onnx(program, call, ["latents" if job == "encoder" else "logits"], place / "model.onnx")


def measure(
    job: str, folder: Path, repetitions: int, self_attends: int, forms: Sequence[str]
) -> list[dict[str, Any]]:
    """A row for each side."""
    write_files(job, folder, self_attends, forms)
    wanted = [(form, program) for form in forms for program in PROGRAMS]
    sides = {side: side_of(job, *side, str(folder), self_attends) for side in wanted}
    outputs = {side: torch.as_tensor(run()) for side, run in sides.items()}
    reference = outputs[forms[0], "torch"]
    errors = {side: largest_relative_error(output, reference) for side, output in outputs.items()}
    del outputs
    seconds = medians(interleaved(sides, repetitions, warm_ups=0))  # type: ignore[arg-type]
    return [
        {
            "job": job,
            "form": form,
            "program": program,
            "seconds": seconds[form, program],  # type: ignore[index]
            "memory": in_fresh_process(working_memory, job, form, program, str(folder), self_attends).value,
            "error": errors[form, program],
        }
        for form, program in wanted
    ]


def table_of(rows: Sequence[dict[str, Any]]) -> str:
    """Rows as Markdown, with each program's gain."""
    plain = {(row["job"], row["program"]): row["seconds"] for row in rows if row["form"] == "plain"}
    headings = ["job", "program", "form", "time", "gain", "working memory", "largest error"]
    cells = [
        [
            row["job"],
            row["program"],
            row["form"],
            in_seconds(row["seconds"]),
            in_ratio(plain.get((row["job"], row["program"])), row["seconds"]),
            in_bytes(row["memory"]) if isinstance(row["memory"], int) else str(row["memory"]),
            f"{row['error']:.1e}",
        ]
        for row in sorted(rows, key=lambda row: (row["job"], row["program"]))
    ]
    return markdown_table(headings, cells)


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--jobs", nargs="+", choices=list(JOBS), default=list(JOBS))
    parser.add_argument("--forms", nargs="+", choices=FORMS, default=list(FORMS))
    parser.add_argument("--repetitions", type=int, default=3)
    parser.add_argument("--self-attends", type=int, default=24, help="layers of the flow model's latents")
    parser.add_argument("--output", type=Path, help="Markdown file")
    options = parser.parse_args(arguments)
    described = circumstances(("torch", "onnxruntime", "onnx", "perceivers"))
    rows: list[dict[str, Any]] = []
    with tempfile.TemporaryDirectory(prefix="perceivers-") as folder:
        for job in options.jobs:
            rows += measure(job, Path(folder), options.repetitions, options.self_attends, options.forms)
            print(table_of(rows), flush=True)
    note = f"The flow model has {options.self_attends} of its 24 layers." if "flow" in options.jobs else ""
    text = "\n\n".join(filter(None, [described, table_of(rows), note]))
    print(text)
    if options.output is not None:
        options.output.write_text(f"# Exported models\n\n{text}\n", encoding="utf-8")
    return 0 if max(row["error"] for row in rows) <= 1e-4 else 1


if __name__ == "__main__":
    sys.exit(main())
