"""YAML files of plain values: no objects, and no references, of which a short file can make more than memory holds."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from perceivers.errors import DataError, one_line


def read_yaml(path: Path) -> Any:
    """What a YAML file holds: mappings, lists, texts, numbers, flags, null.

    Raises:
        DataError: the file is no YAML, or has references (`*name`) or tags of objects; the message names it.
    """
    import yaml

    # Neither makes objects; the one that is written in C needs a tenth of the time.
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        text = path.read_text(encoding="utf-8")
        for event in yaml.parse(text, Loader=loader):
            if isinstance(event, yaml.AliasEvent):
                raise yaml.YAMLError(f"*{event.anchor} refers to another place: write its value out")
        return yaml.load(text, Loader=loader)
    except (OSError, yaml.YAMLError, ValueError, RecursionError) as error:
        raise DataError(f"{str(path)!r} cannot be read as YAML: {one_line(error)}") from error
