"""Smaller files: half precision, or 8-bit weights, by onnxruntime's own tools; not equal any more, and measured."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from perceivers.errors import MissingExtraError
from perceivers.export.graph import quiet

FLOAT16, INT8 = "float16", "int8"


def round_file(path: Path, how: str) -> None:
    """Round the weights of an ONNX file in its place; inputs and outputs keep their types.

    Args:
        path: of the file.
        how: "float16" computes in half precision, "int8" multiplies whole numbers (weights fixed, inputs as they come).
    """
    try:
        import onnx
        from onnxruntime.quantization import QuantType, quantize_dynamic
        from onnxruntime.transformers.float16 import convert_float_to_float16
    except ImportError as error:
        raise MissingExtraError(error.name or "onnx", "export", "rounding ONNX files") from error
    partial = path.with_name(f".{path.name}.partial")
    with quiet():
        if how == FLOAT16:
            model: Any = onnx.load(str(path))
            onnx.save(convert_float_to_float16(model, keep_io_types=True), str(partial))
        else:
            quantize_dynamic(
                str(path), str(partial), weight_type=QuantType.QInt8, op_types_to_quantize=["MatMul"]
            )
    partial.replace(path)
