"""Every option that a kind advises is one of its own, written so that a table can say how it is given there."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path
from typing import get_type_hints

import pytest

import perceivers
from perceivers.arguments import DataArguments
from perceivers.kinds.registry import KINDS, kind_class
from perceivers.tasks.table.options import TableArguments

FOLDER = Path(perceivers.__file__).parent / "kinds"
# What a table has itself may be named as it is.
OF_TABLES = {entry.name for arguments in (DataArguments, TableArguments) for entry in fields(arguments)}
ADVISED = re.compile(r"(`?)--([a-z][a-z-]*)((?: [^`]+)?`)?")


def texts(path: Path) -> Iterator[str]:
    """Texts of a file that are no docstrings, with ... for what is put into them."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    inside: set[int] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            inside.add(id(node.value))
        if isinstance(node, ast.JoinedStr):
            inside |= {id(part) for part in node.values}
            yield "".join(
                str(part.value) if isinstance(part, ast.Constant) else "..." for part in node.values
            )
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in inside:
            yield node.value


def wrong(text: str, hints: dict[str, object]) -> list[str]:
    """Options in a text that are neither the kind's, in backticks and with a value unless they are flags, nor a table's."""
    found = []
    for opening, option, end in ADVISED.findall(text):
        name = option.replace("-", "_")
        is_own = name in hints and opening and end and (" " in end) == (hints[name] is not bool)
        if not is_own and (opening or name not in OF_TABLES):
            found.append(option)
    return found


@pytest.mark.parametrize("name", KINDS)
def test_what_a_kind_advises_can_be_taken_in_every_task_that_says_so(name: str) -> None:
    hints = get_type_hints(kind_class(name).options_class)
    said = [text for path in sorted((FOLDER / name).glob("*.py")) for text in texts(path) if "--" in text]
    assert [(text, options) for text in said if (options := wrong(text, hints))] == []


def test_advice_that_could_not_be_taken_is_found() -> None:
    hints: dict[str, object] = {"channels_first": bool, "missing": str}
    assert wrong("take `--channels-first`, `--missing mark` or --column x=text", hints) == []
    for text in (
        "take --missing mark",
        "take `--missing`",
        "take `--white-level 5`",
        "take --channels-first",
    ):
        assert len(wrong(text, hints)) == 1
