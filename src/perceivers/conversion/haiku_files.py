"""Files of Haiku parameters, pickles or `.npz`, as one flat mapping of (module, parameter) to array."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from perceivers.array_files import read_npz
from perceivers.conversion.restricted_pickle import read_pickle
from perceivers.errors import CheckpointError, DataError

Parameters = dict[tuple[str, str], NDArray[Any]]


def read_haiku(path: Path, prefixes: Sequence[str] | None = None) -> Parameters:
    """The arrays of a Haiku checkpoint, network state (running averages) included.

    Args:
        path: a pickle of `{module: {parameter: array}}`, or of `{"params": ..., "state": ...}` with such mappings; or a
            `.npz` whose keys are `module|parameter` or `prefix|module|parameter` (others are left aside).
        prefixes: which prefixes of a `.npz` to read; None for all.

    Raises:
        CheckpointError: unreadable, or not of this form.
    """
    if not path.is_file():
        raise CheckpointError(f"`source` must be a file, received {path}")
    with path.open("rb") as file:
        is_archive = file.read(2) == b"PK"
    if is_archive:
        found = _from_archive(path, prefixes)
    elif prefixes is not None:
        raise CheckpointError(f"`prefixes` select keys of a .npz file, and {path} is none")
    else:
        found = _from_mapping(path, read_pickle(path))
    if not found:
        raise CheckpointError(
            f"{path} holds no parameters" + (f" under {', '.join(prefixes)}" if prefixes else "")
        )
    for (module, parameter), array in found.items():
        if array.dtype.kind not in "fiu":
            raise CheckpointError(
                f"{path} holds {module}/{parameter} as {array.dtype}, which is no type of numbers"
            )
    return found


def _from_archive(path: Path, prefixes: Sequence[str] | None) -> Parameters:
    def is_wanted(key: str) -> bool:
        prefix, _, parameter = _parts(key)
        return bool(parameter) and (prefixes is None or prefix in prefixes)

    try:
        arrays = read_npz(path, is_wanted)
    except DataError as problem:
        raise CheckpointError(f"{path} is cut short or no .npz file: {problem}") from problem
    found: Parameters = {}
    for key, array in arrays.items():
        _, module, parameter = _parts(key)
        if (module, parameter) in found:
            raise CheckpointError(
                f"{path} holds {module}|{parameter} under several prefixes: name the wanted ones in `prefixes`"
            )
        found[module, parameter] = array
    return found


def _parts(key: str) -> tuple[str, str, str]:
    """Prefix, module and parameter of an archive's key; three empty ones of a key of another form."""
    names = key.split("|")
    return (
        ("", "", "")
        if len(names) not in (2, 3)
        else (names[-3] if len(names) == 3 else "", names[-2], names[-1])
    )


def _from_mapping(path: Path, content: Any) -> Parameters:
    if isinstance(content, Mapping) and isinstance(content.get("params"), Mapping):
        parts = [content["params"], content.get("state") or {}]
    else:
        parts = [content]
    found: Parameters = {}
    for part in parts:
        _collect(path, "", part, found)
    return found


def _collect(path: Path, module: str, value: Any, found: Parameters) -> None:
    """Walk nested mappings; the last key on the way to an array is the parameter, the ones before it the module."""
    if not isinstance(value, Mapping):
        place = f" at {module}" if module else ""
        raise CheckpointError(
            f"{path} must hold mappings down to arrays, received {type(value).__name__}{place}"
        )
    for key, item in value.items():
        if isinstance(item, (np.ndarray, np.number)):
            owner, _, parameter = f"{module}/{key}".lstrip("/").rpartition("/")
            found[owner, parameter] = np.asarray(item)
        else:
            _collect(path, f"{module}/{key}".lstrip("/"), item, found)
