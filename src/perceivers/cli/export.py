"""`perceivers export RUN`: files that answer without torch, proved on the run's own samples."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from cyclopts import Parameter

from perceivers.cli.former import warn_of_former


def export(
    folder: Path,
    /,
    *,
    output: Path,
    file_format: Annotated[Literal["onnx", "torch"], Parameter(name="--format")] = "onnx",
    form: Literal["fast", "plain"] = "fast",
    dtype: Literal["float32", "float16"] = "float32",
    int8: bool = False,
    free: tuple[str, ...] = (),
    data: str | None = None,
    overwrite: bool = False,
) -> None:
    """Write a trained model as ONNX (extra `export`), and beside it a sample and examples for Python and JavaScript.

    `model.onnx` answers whole; `encoder.onnx` and `decoder.onnx` are written where outputs are asked for in parts. Each file
    is compared with the model on real samples, at several sizes; one that is off by more than 1e-4 of the largest output is
    an error, and nothing is written. `perceivers.runtime` answers with the folder, without torch.

    Args:
        folder: a folder that `perceivers train` wrote.
        output: folder that receives the files.
        file_format: `onnx`, or `torch` for a program that `torch.export.load` reads.
        form: `fast`, the exact fast form: equal outputs, less time and memory; or `plain`, the layers as they were trained.
        dtype: `float16` computes in half precision; what that costs on the run's test part is printed and stored.
        int8: round the weights of matrix products to 8 bits; what that costs is printed and stored.
        free: further axes of inputs that may have any size, as inputs:2; the batch, and axes in which the run's samples
            differ, always are.
        data: where the samples are that the files are proved with; where the run had them if not given.
        overwrite: replace the export that `output` holds.
    """
    from rich.console import Console
    from rich.table import Table

    from perceivers.export.measured import AFTER, BEFORE
    from perceivers.export.runs import export as export_run

    warn_of_former(folder)
    done = export_run(
        folder,
        output,
        file_format=file_format,
        form=form,
        dtype=dtype,
        int8=int8,
        free=free,
        data=data,
        overwrite=overwrite,
    )
    table = Table(title="exported", title_justify="left")
    for heading in ("file", "size", "inputs", "error"):
        table.add_column(heading, overflow="fold")
    for name, size in done.files.items():
        axes = ", ".join(f"{each} {list(sizes)}".replace("'", "") for each, sizes in done.axes[name].items())
        table.add_row(name, f"{size / 1e6:.1f} MB", axes.replace("[", r"\["), f"{done.errors[name]:.1e}")
    console = Console()
    console.print(table)
    lines = []
    if done.rounded:
        off = done.rounded["largest_difference"]
        lines.append(
            f"rounded: off by {off:.1e} of the largest output on {done.rounded['samples']:.0f} test samples"
        )
        for name, value in done.rounded.items():
            if name.endswith(BEFORE):
                measure = name.removesuffix(BEFORE)
                lines.append(f"  {measure}: {value:.4f}, rounded {done.rounded[measure + AFTER]:.4f}")
    if done.milliseconds:
        own, torch = done.milliseconds["onnxruntime"], done.milliseconds["torch"]
        said = "slower" if own > torch else "faster"
        lines.append(
            f"the sample: {own:.1f} ms in onnxruntime, {torch:.1f} ms in torch's fast form "
            f"({max(own, torch) / max(min(own, torch), 1e-9):.1f} times {said})"
        )
    lines.append(f"saved in {output}")
    for line in lines:
        console.print(line, markup=False, highlight=False, soft_wrap=True)
