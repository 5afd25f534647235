"""Where a checkpoint's files are: in a folder of this machine, or fetched from the model hub."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from perceivers.errors import CheckpointError

CONFIG_NAME = "config.json"
SAFETENSORS_NAME = "model.safetensors"
SAFETENSORS_INDEX_NAME = "model.safetensors.index.json"
BIN_NAME = "pytorch_model.bin"
BIN_INDEX_NAME = "pytorch_model.bin.index.json"

# The first that exists is read.
WEIGHT_NAMES = (SAFETENSORS_NAME, SAFETENSORS_INDEX_NAME, BIN_NAME, BIN_INDEX_NAME)


@dataclass(frozen=True, kw_only=True)
class HubOptions:
    """How the model hub is asked; all but `subfolder` is without effect on local folders."""

    revision: str | None = None
    """Branch, tag or commit."""
    cache_dir: str | os.PathLike[str] | None = None
    """Where downloads are kept; None: the hub client's own place."""
    token: str | bool | None = None
    """Access token; True takes the stored one."""
    local_files_only: bool = False
    """Never ask the network."""
    force_download: bool = False
    """Download again what the cache holds."""
    subfolder: str = ""
    """Folder inside the folder or repository; of local folders, too."""


class FileAbsentError(CheckpointError):
    """The folder or repository was reached and does not hold the file."""


def resolve_file(
    name_or_folder: str | os.PathLike[str],
    filename: str,
    *,
    revision: str | None = None,
    cache_dir: str | os.PathLike[str] | None = None,
    token: str | bool | None = None,
    local_files_only: bool = False,
    force_download: bool = False,
    subfolder: str = "",
) -> Path:
    """Path on this machine of `filename` in a folder or in a repository of the model hub, downloaded if need be.

    Args:
        name_or_folder: an existing folder, or a hub name such as "deepmind/language-perceiver".
        filename: the file's name inside it.
        revision: see HubOptions, like the others.
        cache_dir: see HubOptions.
        token: see HubOptions.
        local_files_only: see HubOptions.
        force_download: see HubOptions.
        subfolder: see HubOptions.

    Raises:
        CheckpointError: the message says whether the name, the file or the network is at fault.
    """
    folder = Path(name_or_folder)
    filename = str(PurePosixPath(subfolder, filename))
    if folder.is_dir():
        path = folder / filename
        if not path.is_file():
            raise FileAbsentError(f"the folder {folder} holds no {filename}; it holds {_listing(folder)}")
        return path
    if folder.exists():
        raise CheckpointError(
            f"`pretrained_model_name_or_path` must be a folder or a hub name, received the file {folder}"
        )
    options = HubOptions(
        revision=revision,
        cache_dir=cache_dir,
        token=token,
        local_files_only=local_files_only,
        force_download=force_download,
    )
    return _download(os.fspath(name_or_folder), filename, options)


def weight_names(use_safetensors: bool | None = None, variant: str | None = None) -> list[str]:
    """Names of weight files and of their indexes, in the order in which they are looked for.

    Args:
        use_safetensors: True for safetensors alone, False for `.bin` alone, None for both, safetensors first.
        variant: a word such as "fp16" that the names hold before their last part: `model.fp16.safetensors`.
    """
    names = [
        name
        for name in WEIGHT_NAMES
        if use_safetensors is None or name.startswith(SAFETENSORS_NAME) == use_safetensors
    ]
    if variant is None:
        return names
    parts = [name.rpartition(".") for name in names]
    return [f"{stem}.{variant}.{ending}" for stem, _, ending in parts]


def find_weights(
    name_or_folder: str | os.PathLike[str],
    options: HubOptions,
    use_safetensors: bool | None = None,
    variant: str | None = None,
) -> list[Path]:
    """The weight files of a checkpoint, safetensors before `.bin`, a single file before shards.

    Args:
        name_or_folder: see `resolve_file`.
        options: how the hub is asked.
        use_safetensors: see `weight_names`.
        variant: see `weight_names`.

    Raises:
        CheckpointError: there are none, or an index names shards that are absent.
    """
    refusal: CheckpointError | None = None
    names = weight_names(use_safetensors, variant)
    for filename in names:
        try:
            path = resolve_file(name_or_folder, filename, **vars(options))
        except FileAbsentError as absent:
            refusal = absent
            continue
        if ".index." in filename:
            return _shards(name_or_folder, path, options)
        return [path]
    raise CheckpointError(
        f"{os.fspath(name_or_folder)} holds no weights, that is none of {', '.join(names)}: {refusal}"
    ) from refusal


def _shards(name_or_folder: str | os.PathLike[str], index: Path, options: HubOptions) -> list[Path]:
    try:
        weight_map = json.loads(index.read_text(encoding="utf-8"))["weight_map"]
        names = sorted({os.fspath(name) for name in weight_map.values()})
    except (ValueError, KeyError, TypeError, AttributeError) as problem:
        raise CheckpointError(
            f"{index} is no index of weight files: it must be JSON with a mapping `weight_map`"
        ) from problem
    outside = [name for name in names if PurePosixPath(name).name != name or name in ("", "..")]
    if outside:
        raise CheckpointError(f"{index} names files outside its folder: {', '.join(outside)}")
    found: list[Path] = []
    absent: list[str] = []
    for name in names:
        try:
            found.append(resolve_file(name_or_folder, name, **vars(options)))
        except FileAbsentError:
            absent.append(name)
    if absent:
        raise CheckpointError(
            f"{index} names {len(names)} weight files, of which {len(absent)} are absent: {', '.join(absent)}"
        )
    return found


def _download(name: str, filename: str, options: HubOptions) -> Path:
    from huggingface_hub import hf_hub_download
    from huggingface_hub.errors import (
        EntryNotFoundError,
        GatedRepoError,
        HfHubHTTPError,
        HFValidationError,
        LocalEntryNotFoundError,
        OfflineModeIsEnabled,
        RepositoryNotFoundError,
        RevisionNotFoundError,
    )

    where = f"the hub repository {name!r}" + (f" at {options.revision!r}" if options.revision else "")
    try:
        # The file's name holds the subfolder already.
        asked = {key: value for key, value in vars(options).items() if key != "subfolder"}
        return Path(hf_hub_download(name, filename, **asked))
    except HFValidationError as problem:
        raise CheckpointError(
            "`pretrained_model_name_or_path` must be an existing folder or a hub name like "
            f"'deepmind/language-perceiver', received {name!r}"
        ) from problem
    except GatedRepoError as problem:
        raise CheckpointError(
            f"{where} is gated: accept its terms on the hub, then give `token`"
        ) from problem
    except RepositoryNotFoundError as problem:
        raise CheckpointError(
            f"{name!r} is neither a folder here nor a repository of the hub (a private one needs `token`)"
        ) from problem
    except RevisionNotFoundError as problem:
        raise CheckpointError(
            f"the hub repository {name!r} has no `revision` {options.revision!r}"
        ) from problem
    except (LocalEntryNotFoundError, OfflineModeIsEnabled) as problem:
        raise _unreachable(name, filename, options) from problem
    except EntryNotFoundError as problem:
        raise FileAbsentError(f"{where} holds no {filename}") from problem
    except (HfHubHTTPError, OSError) as problem:
        raise CheckpointError(f"cannot fetch {filename} of {where}: {problem}") from problem


def _unreachable(name: str, filename: str, options: HubOptions) -> CheckpointError:
    """The error for a file that is not in the cache while the hub cannot or may not be asked."""
    from huggingface_hub import constants, try_to_load_from_cache
    from huggingface_hub.file_download import _CACHED_NO_EXIST

    cache = None if options.cache_dir is None else Path(options.cache_dir)
    cached: Any = try_to_load_from_cache(name, filename, cache_dir=cache, revision=options.revision)
    config: Any = try_to_load_from_cache(name, "config.json", cache_dir=cache, revision=options.revision)
    if options.local_files_only:
        reason = "`local_files_only` forbids to ask the hub"
    elif constants.HF_HUB_OFFLINE:
        reason = "HF_HUB_OFFLINE is set"
    else:
        reason = "the hub cannot be reached"
    if cached is _CACHED_NO_EXIST or (isinstance(config, str) and filename != "config.json"):
        # The repository was fetched before and this file was not among what it has: look for the next one.
        return FileAbsentError(f"the cached copy of {name!r} holds no {filename}, and {reason}")
    return CheckpointError(
        f"{name!r} is no folder here, {filename} is not in the cache of downloads, and {reason}"
    )


def _listing(folder: Path, limit: int = 10) -> str:
    names = sorted(entry.name for entry in folder.iterdir())
    if not names:
        return "nothing"
    rest = f" and {len(names) - limit} more" if len(names) > limit else ""
    return ", ".join(names[:limit]) + rest
