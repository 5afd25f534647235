"""Weight files as named tensors that are read one at a time, each into memory of its own.

The safetensors container (8 bytes of header length, a JSON header, the tensors' bytes) is read here and not through
memory mapping: mapped pages count as memory of the process until the last tensor of a file is gone, and a file that is
cut short kills the process instead of raising.
"""

from __future__ import annotations

import json
import math
import pickle
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from io import RawIOBase
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from perceivers.errors import CheckpointError, one_line

_DTYPES: Mapping[str, torch.dtype] = {
    "F64": torch.float64,
    "F32": torch.float32,
    "F16": torch.float16,
    "BF16": torch.bfloat16,
    "I64": torch.int64,
    "I32": torch.int32,
    "I16": torch.int16,
    "I8": torch.int8,
    "U8": torch.uint8,
    "BOOL": torch.bool,
}
_LONGEST_HEADER = 100_000_000
# Numbers converted at a time where the stored type is not the wanted one.
_PIECE = 1 << 20


@dataclass(frozen=True)
class StoredTensor:
    """A tensor of a checkpoint that is not in memory yet."""

    shape: tuple[int, ...]
    dtype: torch.dtype
    read: Callable[[torch.dtype], Tensor]
    """Gives the tensor in the type asked for, on the CPU."""

    @classmethod
    def of(cls, tensor: Tensor) -> StoredTensor:
        """A tensor that is in memory already, under the same interface."""
        return cls(tuple(tensor.shape), tensor.dtype, lambda wanted: tensor.to(wanted))


def open_weights(paths: Sequence[Path]) -> dict[str, StoredTensor]:
    """Every tensor of the given files by its key; `.bin` files are unpickled with `weights_only=True`.

    Raises:
        CheckpointError: a file is unreadable, cut short, or holds anything but named tensors; two files share a key.
    """
    stored: dict[str, StoredTensor] = {}
    for path in paths:
        entries = _open_safetensors(path) if path.suffix == ".safetensors" else _open_bin(path)
        twice = sorted(stored.keys() & entries.keys())
        if twice:
            raise CheckpointError(f"{path} repeats keys of another weight file: {', '.join(twice[:5])}")
        stored.update(entries)
    return stored


def _open_safetensors(path: Path) -> dict[str, StoredTensor]:
    size = path.stat().st_size
    try:
        with path.open("rb") as file:
            length = int.from_bytes(file.read(8), "little")
            if size < 8 or length > min(size - 8, _LONGEST_HEADER):
                raise CheckpointError(f"{path} is cut short or no safetensors file: its header is not whole")
            header = json.loads(file.read(length))
        entries = {key: entry for key, entry in header.items() if key != "__metadata__"}
        _require_apart(path, entries)
        return {key: _entry(path, key, entry, 8 + length, size) for key, entry in entries.items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as problem:
        if isinstance(problem, CheckpointError):
            raise
        raise CheckpointError(f"{path} is no safetensors file: {problem}") from problem


def _require_apart(path: Path, entries: Mapping[str, Mapping[str, Any]]) -> None:
    """Raise CheckpointError for places that are no whole numbers, or that two tensors share."""
    last, owner = 0, ""
    for key, entry in sorted(entries.items(), key=lambda item: item[1]["data_offsets"]):
        start, end = entry["data_offsets"]
        if any(type(number) is not int or number < 0 for number in (start, end, *entry["shape"])):
            raise CheckpointError(f"{path} contradicts itself: {key} has sizes that are no whole numbers")
        if start < last and end > start:
            raise CheckpointError(f"{path} contradicts itself: {key} and {owner} overlap")
        last, owner = max(last, end), key


def _entry(path: Path, key: str, entry: Mapping[str, Any], data_start: int, size: int) -> StoredTensor:
    start, end = entry["data_offsets"]
    shape = tuple(entry["shape"])
    if entry["dtype"] not in _DTYPES:
        raise CheckpointError(
            f"{path} stores {key} as {entry['dtype']}, which is not supported: {', '.join(_DTYPES)}"
        )
    dtype = _DTYPES[entry["dtype"]]
    if end - start != math.prod(shape) * dtype.itemsize:
        raise CheckpointError(
            f"{path} contradicts itself: {key} of shape {list(shape)} cannot fill {end - start} bytes"
        )
    if data_start + end > size:
        raise CheckpointError(
            f"{path} is cut short: {key} ends at byte {data_start + end}, the file at byte {size}; fetch it again"
        )
    return StoredTensor(shape, dtype, lambda wanted: _read(path, data_start + start, dtype, shape, wanted))


def _read(
    path: Path, offset: int, stored: torch.dtype, shape: tuple[int, ...], wanted: torch.dtype
) -> Tensor:
    """Read a tensor into its final memory; where the type changes, piece by piece through a small buffer."""
    # Files are read into the CPU's memory, whatever torch's default device is.
    result = torch.empty(shape, dtype=wanted, device="cpu")
    flat = result.reshape(-1)
    piece = flat if stored == wanted else torch.empty(min(flat.numel(), _PIECE), dtype=stored, device="cpu")
    with path.open("rb", buffering=0) as file:
        file.seek(offset)
        for start in range(0, flat.numel(), max(piece.numel(), 1)):
            part = piece[: flat.numel() - start]
            _read_into(file, part, path)
            if stored != wanted:
                flat[start : start + part.numel()] = part
    return result


def _read_into(file: RawIOBase, tensor: Tensor, path: Path) -> None:
    view = memoryview(tensor.view(torch.uint8).numpy())  # type: ignore[arg-type]
    while len(view):
        received = file.readinto(view)
        if not received:
            raise CheckpointError(f"{path} became shorter while it was read; fetch it again")
        view = view[received:]


def _open_bin(path: Path) -> dict[str, StoredTensor]:
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as problem:
        raise CheckpointError(
            f"{path} holds more than tensors, or is no PyTorch file, and is not opened: "
            "convert it to safetensors where you trust it"
        ) from problem
    except Exception as problem:  # whatever a damaged pickle makes of its reader
        raise CheckpointError(f"{path} is cut short or no PyTorch file: {one_line(problem)}") from problem
    if not isinstance(content, Mapping) or not all(isinstance(value, Tensor) for value in content.values()):
        raise CheckpointError(
            f"{path} must hold a mapping of names to tensors, received {type(content).__name__}"
        )
    return {str(key): StoredTensor.of(tensor) for key, tensor in content.items()}
