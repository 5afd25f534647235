"""Where an image processor's options are kept: `preprocessor_config.json` in a folder or on the model hub."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import Any

from perceivers.checkpoints.locating import FileAbsentError, resolve_file
from perceivers.errors import CheckpointError

OWN_FILE = "preprocessor_config.json"
# Transformers 5 may keep the options of all processors of a model in one file, ours under "image_processor".
SHARED_FILE = "processor_config.json"


def read_options(
    name_or_folder: str | os.PathLike[str], *, subfolder: str = "", **hub_options: Any
) -> dict[str, Any]:
    """Read the saved options of a folder, of one JSON file, or of a model on the hub.

    Args:
        name_or_folder: path, or a name on the hub.
        subfolder: folder inside it.
        hub_options: `revision`, `cache_dir`, `token`, `local_files_only`, `force_download`.
    """
    place = Path(name_or_folder)
    if place.is_file():
        return _parsed(place)
    for name in (OWN_FILE, SHARED_FILE):
        try:
            file = resolve_file(name_or_folder, str(PurePosixPath(subfolder, name)), **hub_options)
        except FileAbsentError:
            continue
        options = _parsed(file)
        if name == OWN_FILE:
            return options
        if isinstance(options.get("image_processor"), dict):
            return dict(options["image_processor"])
    raise CheckpointError(
        f"`{name_or_folder}` holds no image processor: expected {OWN_FILE}, or {SHARED_FILE} with the entry "
        '"image_processor"'
    )


def write_options(folder: str | os.PathLike[str], text: str) -> Path:
    """Write the options to `preprocessor_config.json`, whole or not at all; the folder is made if needed."""
    target = Path(folder) / OWN_FILE
    if Path(folder).is_file():
        raise CheckpointError(f"`save_directory` must be a folder, received the file {folder}")
    target.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=target.parent, prefix=".preprocessor_config-")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
        # Temporary files are private; a saved checkpoint is readable as the user's other files are.
        umask = os.umask(0)
        os.umask(umask)
        os.chmod(temporary, 0o666 & ~umask)
        os.replace(temporary, target)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
    return target


def _parsed(path: Path) -> dict[str, Any]:
    try:
        options = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise CheckpointError(f"`{path}` is not valid JSON: {error}") from error
    if not isinstance(options, Mapping):
        raise CheckpointError(f"`{path}` must hold a JSON object, received {type(options).__name__}")
    return dict(options)
