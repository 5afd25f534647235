"""A file of ours in onnxruntime: named arrays in, named arrays out, and what the file says of itself."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from perceivers.errors import DataError, MissingExtraError, ShapeError, one_line

METADATA = "perceivers"
# What the names of masks begin with.
MASK = "mask"
_TYPES: dict[str, np.dtype[Any]] = {
    "tensor(float)": np.dtype(np.float32),
    "tensor(float16)": np.dtype(np.float16),
    "tensor(double)": np.dtype(np.float64),
    "tensor(int64)": np.dtype(np.int64),
    "tensor(bool)": np.dtype(np.bool_),
}


class Session:
    """One ONNX file, loaded once. Several threads may ask it at the same time.

    Args:
        path: of the file.
        threads: that a call uses; None for what OMP_NUM_THREADS says, or as many as there are cores.

    Attributes:
        inputs: name -> (dtype, sizes; free ones by their names).
        outputs: names, in order.
        metadata: what the exporter wrote into the file: version, class, error, free axes, the sizes they were proved at.

    Raises:
        DataError: the file is absent, or no ONNX file.
        MissingExtraError: onnxruntime is not installed.
    """

    def __init__(self, path: Path, threads: int | None = None) -> None:
        runtime = _onnxruntime()
        if not path.is_file():
            raise DataError(
                f"`{path}` does not exist; `perceivers export RUN --output FOLDER` writes such files"
            )
        options = runtime.SessionOptions()
        options.intra_op_num_threads = _threads() if threads is None else threads
        options.log_severity_level = 3
        try:
            self._session = runtime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
        except Exception as error:  # onnxruntime has errors of its own kind
            raise DataError(f"`{path}` cannot be read as ONNX: {one_line(error)}") from error
        self.path = path
        self.inputs: dict[str, tuple[np.dtype[Any], tuple[int | str, ...]]] = {
            port.name: (_TYPES[port.type], tuple(port.shape)) for port in self._session.get_inputs()
        }
        self.outputs = tuple(port.name for port in self._session.get_outputs())
        written = self._session.get_modelmeta().custom_metadata_map.get(METADATA)
        self.metadata: dict[str, Any] = {} if written is None else json.loads(written)

    def run(self, given: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        """Outputs by name.

        Args:
            given: an array for each input, of any type that holds the same values; a mask that is left out hides nothing.

        Raises:
            ShapeError: an input is missing, unknown, or of another shape than the file's.
        """
        complete = {**self._open_masks(given), **given}
        if complete.keys() != self.inputs.keys():
            raise ShapeError(
                f"`given` must be {', '.join(self.inputs)}, received {', '.join(given) or 'nothing'}"
            )
        arrays = {}
        sizes: dict[str, int] = {}
        for name, (dtype, expected) in self.inputs.items():
            array = np.ascontiguousarray(complete[name], dtype=dtype)
            fits = array.ndim == len(expected) and all(
                sizes.setdefault(size, actual) == actual if isinstance(size, str) else size == actual
                for size, actual in zip(expected, array.shape, strict=True)
            )
            if not fits:
                known = "".join(f"; {axis} is {size}" for axis, size in sizes.items() if axis in expected)
                raise ShapeError(
                    f"`{name}` must have shape [{', '.join(map(str, expected))}], received {list(array.shape)}{known}"
                )
            arrays[name] = array
        try:
            found: Sequence[np.ndarray] = self._session.run(None, arrays)
        except Exception as error:  # onnxruntime has errors of its own kind
            raise ShapeError(f"`{self.path.name}` cannot compute this: {one_line(error)}") from error
        return dict(zip(self.outputs, found, strict=True))

    def _open_masks(self, given: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        """Masks that hide nothing, for those that were not given."""
        sizes = {
            size: actual
            for name, array in given.items()
            if name in self.inputs
            for size, actual in zip(self.inputs[name][1], np.shape(array), strict=False)
            if isinstance(size, str)
        }
        found = {}
        for name, (dtype, expected) in self.inputs.items():
            if name.startswith(MASK) and name not in given:
                shape = [sizes.get(size, 1) if isinstance(size, str) else size for size in expected]
                found[name] = np.ones(shape, dtype=dtype)
        return found


def _onnxruntime() -> Any:
    try:
        import onnxruntime
    except ImportError as error:
        raise MissingExtraError("onnxruntime", "runtime", "Running exported models") from error
    return onnxruntime


def _threads() -> int:
    given = os.environ.get("OMP_NUM_THREADS", "")
    return int(given) if given.isdecimal() else 0
