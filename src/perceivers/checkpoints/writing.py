"""A checkpoint written so that whatever interrupts it, the folder holds the former one or the new one, whole.

Everything is written into a temporary folder beside the targets and flushed to the disk; only renames follow. New
shards never take the name of an old one, so the single rename of the index (or of `model.safetensors`, or its removal
when shards replace it) is the moment at which the new weights count.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import socket
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path

from torch import Tensor

from perceivers.checkpoints.contract import Configuration
from perceivers.checkpoints.locating import CONFIG_NAME, SAFETENSORS_INDEX_NAME, SAFETENSORS_NAME
from perceivers.errors import CheckpointError, ConfigurationError

# Then the machine, the process, and letters by chance.
_SAVING = ".saving-"
_SHARD = re.compile(r"model(-\d+)?-\d{5}-of-\d{5}\.safetensors")


def write_checkpoint(
    folder: str | os.PathLike[str],
    config: Configuration,
    tensors: Mapping[str, Tensor],
    max_shard_size: int | str,
) -> None:
    """Write `config.json` and the tensors as safetensors, and remove the weight files of an earlier save.

    Args:
        folder: made if absent; other files in it are left alone.
        config: written as `config.json`.
        tensors: state dict; tensors that share memory are written once or copied, as they overlap.
        max_shard_size: bytes, or a text such as "5GB", above which the weights are split into several files.
    """
    target = Path(folder)
    if target.exists() and not target.is_dir():
        raise CheckpointError(f"`save_directory` must be a folder, received the file {target}")
    without_values = sorted(key for key, tensor in tensors.items() if tensor.is_meta)
    if without_values:
        raise CheckpointError(
            f"cannot save a model on the meta device, it has no values: {', '.join(without_values[:5])}"
        )
    target.mkdir(parents=True, exist_ok=True)
    _remove_left_over(target)
    temporary = Path(tempfile.mkdtemp(dir=target, prefix=f"{_SAVING}{socket.gethostname()}-{os.getpid()}-"))
    try:
        shards = _write_weights(temporary, _independent(tensors), max_shard_size, _free_pattern(target))
        (temporary / CONFIG_NAME).write_text(config.to_json_string(), encoding="utf-8")
        for path in temporary.iterdir():
            _flush(path)
        _publish(temporary, target, shards)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def _write_weights(
    temporary: Path, tensors: Mapping[str, Tensor], max_shard_size: int | str, pattern: str
) -> list[str]:
    """Write the weight files; the names of the shards, none when one file holds everything."""
    from huggingface_hub import split_torch_state_dict_into_shards
    from safetensors.torch import save_file

    if isinstance(max_shard_size, int) and max_shard_size < 1:
        raise ConfigurationError(f"`max_shard_size` must be at least 1 byte, received {max_shard_size}")
    try:
        split = split_torch_state_dict_into_shards(
            dict(tensors), filename_pattern=pattern, max_shard_size=max_shard_size
        )
    except ValueError as problem:
        raise ConfigurationError(
            f'`max_shard_size` must be a number of bytes or a text such as "5GB", received {max_shard_size!r}'
        ) from problem
    for name, keys in split.filename_to_tensors.items():
        path = temporary / (name if split.is_sharded else SAFETENSORS_NAME)
        # The safetensors package makes files that only their owner can read: give them the mode of an ordinary new file.
        path.touch()
        mode = path.stat().st_mode
        save_file({key: tensors[key] for key in keys}, path, metadata={"format": "pt"})
        path.chmod(mode)
    if not split.is_sharded:
        return []
    index = {"metadata": split.metadata, "weight_map": dict(sorted(split.tensor_to_filename.items()))}
    (temporary / SAFETENSORS_INDEX_NAME).write_text(
        json.dumps(index, indent=2, sort_keys=True) + "\n", encoding="utf-8"
    )
    return list(split.filename_to_tensors)


def _remove_left_over(target: Path) -> None:
    """Remove what saves of this machine have left whose process was killed."""
    of_this_machine = re.compile(re.escape(f"{_SAVING}{socket.gethostname()}-") + r"(\d+)-\w+")
    for path in target.iterdir():
        found = of_this_machine.fullmatch(path.name)
        if found is not None and not _is_running(int(found[1])):
            shutil.rmtree(path, ignore_errors=True)


def _is_running(process: int) -> bool:
    """Whether there is a process of this number; taken for granted where asking would end it."""
    if os.name != "posix":
        return True
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _publish(temporary: Path, target: Path, shards: Iterable[str]) -> None:
    """Move the finished files to their places, in the order that keeps one whole checkpoint readable at every moment."""
    new = set(shards)
    for name in sorted(new):
        os.replace(temporary / name, target / name)
    if new:
        os.replace(temporary / SAFETENSORS_INDEX_NAME, target / SAFETENSORS_INDEX_NAME)
        # A single file is read before an index: without it the new shards count.
        (target / SAFETENSORS_NAME).unlink(missing_ok=True)
    else:
        os.replace(temporary / SAFETENSORS_NAME, target / SAFETENSORS_NAME)
        (target / SAFETENSORS_INDEX_NAME).unlink(missing_ok=True)
    os.replace(temporary / CONFIG_NAME, target / CONFIG_NAME)
    _flush(target)
    for path in target.iterdir():
        if _SHARD.fullmatch(path.name) and path.name not in new:
            path.unlink()


def _free_pattern(target: Path) -> str:
    """A pattern for shard names of which no file is there yet: `model`, then `model-2`, `model-3`, ..."""
    taken = {path.name.rsplit("-", 3)[0] for path in target.iterdir() if _SHARD.fullmatch(path.name)}
    number = 1
    while (stem := "model" if number == 1 else f"model-{number}") in taken:
        number += 1
    return stem + "{suffix}.safetensors"


def _independent(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The tensors, detached and contiguous, no two sharing memory: one that is there twice keeps its first key."""
    kept: dict[str, Tensor] = {}
    seen: set[tuple[object, ...]] = set()
    storages: set[tuple[object, ...]] = set()
    for key, tensor in tensors.items():
        tensor = tensor.detach()
        storage = (tensor.device, tensor.untyped_storage().data_ptr())
        identity = (*storage, tensor.storage_offset(), tensor.shape, tensor.stride(), tensor.dtype)
        if tensor.numel() and identity in seen:
            continue
        overlapping = storage in storages and tensor.numel()
        seen.add(identity)
        storages.add(storage)
        kept[key] = tensor.clone().contiguous() if overlapping else tensor.contiguous()
    return kept


def _flush(path: Path) -> None:
    """Have the system write a file's (or a folder's) content to the disk."""
    if path.is_dir() and os.name != "posix":
        return
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
