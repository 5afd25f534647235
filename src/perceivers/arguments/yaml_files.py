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

    class PlainLoader(yaml.SafeLoader):  # type: ignore[misc]
        """Refuses references."""

        def compose_node(self, parent: Any, index: Any) -> Any:
            if self.check_event(yaml.AliasEvent):
                event = self.peek_event()
                raise yaml.YAMLError(f"*{event.anchor} refers to another place: write its value out")
            return super().compose_node(parent, index)

    try:
        # The loader is SafeLoader's own: it makes no objects.
        return yaml.load(path.read_text(encoding="utf-8"), Loader=PlainLoader)
    except (OSError, yaml.YAMLError, ValueError, RecursionError) as error:
        raise DataError(f"{str(path)!r} cannot be read as YAML: {one_line(error)}") from error
