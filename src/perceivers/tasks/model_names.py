"""What a model calls the columns of a table, whose names may be anything."""

from __future__ import annotations

import re
from collections.abc import Sequence

# What torch's containers of modules and parameters call their own: no module in one of them can have such a name.
_VERBS_OF_TORCH = re.compile(
    r"(add|call|dump|extra|get|load|named|register|requires|set|share|state|to|zero)_\w+"
)
# fmt: off
_WORDS_OF_TORCH = frozenset((
    "T_destination", "apply", "bfloat16", "buffers", "children", "clear", "compile", "copy", "cpu", "cuda", "double",
    "eval", "float", "forward", "fromkeys", "get", "half", "ipu", "items", "keys", "modules", "mtia", "parameters",
    "pop", "popitem", "setdefault", "to", "train", "training", "type", "update", "values", "xpu",
))
# fmt: on


def model_names(columns: Sequence[str]) -> dict[str, str]:
    """Names that a model can have for columns of any name: letters, digits and underscores, each different.

    What torch's containers call their own (`type`, `values`, `pop`) gets `_column` behind it.

    Args:
        columns: their names; each different.

    Returns:
        Name in the model by name of the column.
    """
    found: dict[str, str] = {}
    for column in columns:
        plain = re.sub(r"\W+", "_", column, flags=re.ASCII).strip("_") or "column"
        plain = f"_{plain}" if plain[0].isdigit() else plain
        plain = f"{plain}_column" if _is_of_torch(plain) else plain
        name, number = plain, 2
        while name in found.values():
            name, number = f"{plain}_{number}", number + 1
        found[column] = name
    return found


def _is_of_torch(name: str) -> bool:
    return name in _WORDS_OF_TORCH or _VERBS_OF_TORCH.fullmatch(name) is not None
