"""Pickled parameter dictionaries, read without running what a pickle may hold: NumPy arrays and plain containers only."""

from __future__ import annotations

import pickle
import pickletools
from collections import OrderedDict
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from perceivers.errors import CheckpointError

_NUMPY_MODULES = ("numpy.core.multiarray", "numpy._core.multiarray")
_NUMPY_BUFFER_MODULES = ("numpy.core.numeric", "numpy._core.numeric")
_HAIKU_MAPPINGS = ("FlatMapping", "FlatMap", "frozendict", "FrozenDict")


def read_pickle(path: Path) -> Any:
    """What a pickle file holds, if that is NumPy arrays, numbers and texts in plain containers.

    Haiku's own mappings become dictionaries and JAX arrays NumPy arrays; neither package is needed.

    Raises:
        CheckpointError: the file names anything else (the message says what), is cut short, or is no pickle.
    """
    try:
        with path.open("rb") as file:
            _require_modest_memo(file, path.stat().st_size)
            file.seek(0)
            return _Reader(file).load()
    except CheckpointError as problem:
        raise CheckpointError(f"{path} is not opened: {problem}") from problem
    except Exception as problem:
        # A damaged pickle can fail in any way while it is interpreted, within what `find_class` lets it reach.
        raise CheckpointError(f"{path} is cut short or no pickle: {problem}") from problem


def _require_modest_memo(file: Any, size: int) -> None:
    """Raise CheckpointError where values are to be remembered under numbers that no file of this size needs.

    The reader makes room for every number up to the largest: a damaged file of a hundred bytes takes gigabytes.
    """
    for operation, argument, place in pickletools.genops(file):
        if operation.name in ("PUT", "BINPUT", "LONG_BINPUT") and int(argument or 0) > size:
            raise CheckpointError(f"it remembers a value under the number {argument} at byte {place}")


class _Reader(pickle.Unpickler):
    def __init__(self, file: Any) -> None:
        super().__init__(file)
        self._allowed = _allowed_names()

    def find_class(self, module: str, name: str) -> Any:
        if module.startswith("haiku.") and name in _HAIKU_MAPPINGS:
            return self._allowed["haiku", "mapping"]
        try:
            # Old protocols write the name that Python 2 gave the module.
            return self._allowed["builtins" if module == "__builtin__" else module, name]
        except KeyError:
            raise CheckpointError(
                f"it asks for `{module}.{name}`, and only NumPy arrays in plain containers are accepted; "
                "where you trust the file, load it with its own library and save its arrays with numpy.savez"
            ) from None

    def persistent_load(self, pid: Any) -> Any:
        raise CheckpointError("it refers to data outside the file")


def _allowed_names() -> dict[tuple[str, str], Any]:
    """Everything a pickle may call, by module and name: made anew for every file, so that none can alter the next one's."""

    class HaikuMapping(dict[str, Any]):
        """Stands for Haiku's immutable mappings, which are pickled as a call on a dictionary or with one in their state."""

        def __setstate__(self, state: Any) -> None:
            inner = state.get("_mapping") if isinstance(state, Mapping) else None
            if not isinstance(inner, Mapping):
                raise CheckpointError("it holds a Haiku mapping of an unknown layout")
            self.update(inner)

    def encode(text: str, encoding: str = "latin1") -> bytes:
        """What old pickle protocols store bytes as."""
        if encoding != "latin1":
            raise CheckpointError(f"it encodes text as {encoding!r}")
        return text.encode("latin1")

    def jax_array(function: Callable[..., Any], arguments: Any, state: Any, *_: Any) -> Any:
        """A JAX array is pickled as the NumPy array of its values and a description for the device."""
        array = function(*arguments)
        array.__setstate__(state)
        return array

    array = np.zeros(1)
    reconstruct, from_buffer, scalar = (
        array.__reduce__()[0],
        array.__reduce_ex__(5)[0],
        np.float32(0).__reduce__()[0],
    )
    allowed: dict[tuple[str, str], Any] = {
        ("haiku", "mapping"): HaikuMapping,
        ("builtins", "dict"): dict,
        ("builtins", "list"): list,
        ("builtins", "tuple"): tuple,
        ("builtins", "set"): set,
        ("collections", "OrderedDict"): OrderedDict,
        ("_codecs", "encode"): encode,
        ("numpy", "ndarray"): np.ndarray,
        ("numpy", "dtype"): np.dtype,
        ("jax._src.array", "_reconstruct_array"): jax_array,
        ("jax._src.device_array", "reconstruct_device_array"): jax_array,
    }
    allowed.update({(module, "_reconstruct"): reconstruct for module in _NUMPY_MODULES})
    allowed.update({(module, "scalar"): scalar for module in _NUMPY_MODULES})
    allowed.update({(module, "_frombuffer"): from_buffer for module in _NUMPY_BUFFER_MODULES})
    return allowed
