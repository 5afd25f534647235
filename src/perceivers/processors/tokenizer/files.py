"""The tokenizer's files: `tokenizer_config.json`, and the two that older tokenizers have beside it."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import Any

from perceivers.errors import CheckpointError

TOKENIZER_CONFIG = "tokenizer_config.json"
SPECIAL_TOKENS_MAP = "special_tokens_map.json"
ADDED_TOKENS = "added_tokens.json"

# Written by one version or another about how a tokenizer was loaded; none says anything about the tokenizer.
_BOOKKEEPING = (
    "auto_map",
    "backend",
    "is_local",
    "local_files_only",
    "name_or_path",
    "processor_class",
    "special_tokens_map_file",
    "tokenizer_class",
    "tokenizer_file",
)


def read_tokenizer(
    name_or_folder: str | os.PathLike[str], hub_options: Mapping[str, Any], subfolder: str = ""
) -> dict[str, Any]:
    """Constructor arguments of a saved tokenizer; none if the folder or repository holds no tokenizer files.

    Args:
        name_or_folder: a folder, or a name on the model hub.
        hub_options: see perceivers.checkpoints.HubOptions.
        subfolder: folder inside it.

    Raises:
        CheckpointError: the name or a file's content is at fault.
    """

    def read(filename: str) -> dict[str, Any]:
        return read_json(name_or_folder, str(PurePosixPath(subfolder, filename)), hub_options) or {}

    arguments = read(TOKENIZER_CONFIG)
    arguments = {key: value for key, value in arguments.items() if key not in _BOOKKEEPING}
    if "added_tokens_decoder" in arguments:
        return arguments
    arguments |= read(SPECIAL_TOKENS_MAP)
    added = read(ADDED_TOKENS)
    if added:
        arguments["added_tokens_decoder"] = {
            token_id: {"content": token} for token, token_id in added.items()
        }
    return arguments


def read_json(
    name_or_folder: str | os.PathLike[str], filename: str, hub_options: Mapping[str, Any]
) -> dict[str, Any] | None:
    """The mapping in one JSON file; None if the folder or repository does not hold the file.

    Raises:
        CheckpointError: the name is at fault, or the file is no JSON mapping.
    """
    from perceivers.checkpoints.locating import FileAbsentError, resolve_file

    try:
        path = resolve_file(name_or_folder, filename, **hub_options)
    except FileAbsentError:
        return None
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as problem:
        raise CheckpointError(f"{path} must hold JSON, which it does not: {problem}") from problem
    if not isinstance(content, dict):
        raise CheckpointError(f"{path} must hold a JSON mapping, received a {type(content).__name__}")
    return content


def write_json(folder: str | os.PathLike[str], filename: str, content: Mapping[str, Any]) -> Path:
    """Write one JSON file whole or not at all, and give its path.

    Raises:
        CheckpointError: `folder` is a file.
    """
    target = Path(folder)
    if target.exists() and not target.is_dir():
        raise CheckpointError(f"`save_directory` must be a folder, received the file {target}")
    target.mkdir(parents=True, exist_ok=True)
    path = target / filename
    temporary = target / f".{filename}.{os.getpid()}"
    text = json.dumps(content, indent=2, sort_keys=True, ensure_ascii=False) + "\n"
    temporary.write_text(text, encoding="utf-8")
    temporary.replace(path)
    return path


def upload_folder(folder: str | os.PathLike[str], repo_id: str, hub_arguments: Mapping[str, Any]) -> str:
    """Upload a folder's files to a repository of the model hub, which is made if absent; gives the commit's address.

    Args:
        folder: what to upload.
        repo_id: the repository's name.
        hub_arguments: `private`, `token`, `revision`, `commit_message`, `commit_description`, `create_pr`.
    """
    from huggingface_hub import HfApi

    arguments = dict(hub_arguments)
    api = HfApi(token=arguments.pop("token", None))
    name = api.create_repo(repo_id, private=arguments.pop("private", None), exist_ok=True).repo_id
    return str(api.upload_folder(folder_path=str(folder), repo_id=name, **arguments).commit_url)
