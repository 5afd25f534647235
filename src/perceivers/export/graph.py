"""From a call to a file: captured by `torch.export`, written as ONNX or as torch's own program, its free axes read back."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from torch.export import Dim, ExportedProgram

from perceivers.errors import ConfigurationError, MissingExtraError, one_line
from perceivers.export.calls import Call, TracedCall
from perceivers.inference.packed_map import unpacked

BATCH, POINTS = "batch", "points"
ONNX_SUFFIX = ".onnx"


def captured(form: Any, call: Call) -> ExportedProgram:
    """A call as a graph.

    Args:
        form: of the model, see TracedCall.
        call: what is captured.

    Raises:
        ConfigurationError: the model decides something by its data, or one of its axes cannot be free.
    """
    if not hasattr(torch.compiler, "is_exporting"):
        raise ConfigurationError(f"exporting needs torch 2.9 or newer, received {torch.__version__}")
    # Copies: of an array that is a part of another one, the graph would remember the whole.
    inputs = {name: value.clone() for name, value in call.inputs.items()}
    shapes = ({name: dict.fromkeys(call.free.get(name, ()), Dim.DYNAMIC) for name in call.inputs},)
    try:
        with torch.no_grad(), unpacked(), quiet():
            return torch.export.export(
                TracedCall(form, call).eval(), (inputs,), dynamic_shapes=shapes, strict=False
            )
    except Exception as error:  # torch.export raises what it likes
        raise ConfigurationError(
            f"`{call.name}` cannot be captured by torch.export: {one_line(error, 800)}"
        ) from error


def write_onnx(program: ExportedProgram, call: Call, outputs: list[str], path: Path) -> None:
    """Write a graph as ONNX, with our names.

    Args:
        program: what `captured` gave.
        call: of the same.
        outputs: names of what it gives, in order.
        path: of the file.

    Raises:
        ConfigurationError: ONNX has no word for something in it.
        MissingExtraError: onnx or onnxscript is not installed.
    """
    try:
        import onnx  # noqa: F401
        import onnxscript  # noqa: F401
    except ImportError as error:
        raise MissingExtraError(error.name or "onnx", "export", "writing ONNX files") from error
    with quiet():
        try:
            written = torch.onnx.export(
                program, dynamo=True, input_names=list(call.inputs), output_names=outputs, verbose=False
            )
        except Exception as error:  # it raises what it likes
            raise ConfigurationError(
                f"`{call.name}` cannot be written as ONNX: {one_line(error.__cause__ or error, 400)}; export with "
                "--form plain, or with --format torch"
            ) from error
        assert written is not None
        _name_axes(written.model, call)
        written.save(str(path), external_data=False)


def write_program(program: ExportedProgram, path: Path) -> None:
    """Write a graph as `torch.export.load` reads it."""
    with quiet():
        torch.export.save(program, path)


def input_axes(path: Path, call: Call) -> dict[str, list[int | str]]:
    """What a file says of its inputs: name -> sizes, free ones by their names.

    Args:
        path: of a file that `write_onnx` or `write_program` wrote. A program has no names; its axes are called as those of
            ONNX files are.
        call: what the file computes.
    """
    if path.suffix != ONNX_SUFFIX:
        return {
            name: [
                _axis_name(name, axis) if axis in call.free.get(name, ()) else size
                for axis, size in enumerate(value.shape)
            ]
            for name, value in call.inputs.items()
        }
    import onnx

    ports = onnx.load(str(path), load_external_data=False).graph.input
    return {
        port.name: [size.dim_param or size.dim_value for size in port.type.tensor_type.shape.dim]
        for port in ports
    }


@contextmanager
def quiet() -> Iterator[None]:
    """Without what torch, onnxscript and onnxruntime say of themselves while they work, the last by the root logger."""
    root = logging.getLogger()
    named = [logging.getLogger(name) for name in ("torch.onnx", "onnxscript", "torch.export", "onnx_ir")]
    loggers = [root, *named]
    before = [each.level for each in loggers]
    handlers = list(root.handlers)
    for each in loggers:
        each.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        for each, level in zip(loggers, before, strict=True):
            each.setLevel(level)
        # logging.warning gives the root logger a handler where it has none.
        root.handlers[:] = handlers


def _name_axes(model: Any, call: Call) -> None:
    """Call the free axes of inputs `batch` and `<input>_<axis>`, wherever the graph names them."""
    names: dict[str, str] = {}
    ports = {port.name: port for port in model.graph.inputs}
    for name, axes in call.free.items():
        for axis in axes:
            size = str(ports[name].shape[axis].value)
            names.setdefault(size, _axis_name(name, axis))
    for port in [*model.graph.inputs, *model.graph.outputs]:
        for axis, size in enumerate(port.shape or ()):
            if not isinstance(size, int) and str(size.value) in names:
                port.shape[axis] = names[str(size.value)]


def _axis_name(name: str, axis: int) -> str:
    if axis == 0:
        return name if name.startswith(POINTS) else BATCH
    return f"{name}_{axis}"


def with_metadata(path: Path, entries: Mapping[str, str]) -> None:
    """Write texts into an ONNX file."""
    import onnx

    model = onnx.load(str(path))
    known = {entry.key: entry for entry in model.metadata_props}
    for key, value in entries.items():
        entry = known.get(key) or model.metadata_props.add()
        entry.key, entry.value = key, value
    onnx.save(model, str(path))
