"""What the tests of the documentation read: the examples of a page, and the options of a dataclass as a table."""

from __future__ import annotations

import ast
import dataclasses
import inspect
import re
import shlex
from pathlib import Path
from typing import Any

from perceivers.cli import main

ROOT = Path(__file__).parents[1]


def blocks_of(page: Path, language: str) -> list[str]:
    """The fenced examples of a language, in order."""
    return re.findall(rf"```{language}\n(.*?)```", page.read_text(encoding="utf-8"), flags=re.DOTALL)


def commands_of(page: Path) -> list[list[str]]:
    """What follows `perceivers` in every shell example of a page, in order; where output goes to is left out."""
    lines = [line.partition(" > ")[0] for block in blocks_of(page, "sh") for line in block.splitlines()]
    return [shlex.split(line, comments=True)[1:] for line in lines if line.startswith("perceivers ")]


def run_command(arguments: list[str], *extra: str) -> None:
    """Run one command as a person types it, with further options; a mistake of the page's fails the test."""
    code: object = 0
    try:
        main([*arguments, *extra])
    except SystemExit as stopped:
        code = stopped.code
    assert not code, f"perceivers {shlex.join(arguments)} ended with {code}"


def options_table(kind: type[Any]) -> str:
    """Every option of a dataclass with its default and the first sentence of what is said below it, in Markdown."""
    said = _sentences(kind)
    rows = [
        f"| `{entry.name}` | {_in_words(entry.default)} | {said[entry.name]} |"
        for entry in dataclasses.fields(kind)
    ]
    return "\n".join(["| option | default | meaning |", "|---|---|---|", *rows])


def _in_words(value: Any) -> str:
    if isinstance(value, tuple):
        return " ".join(map(str, value)) or "none"
    return str(value)


def _sentences(kind: type[Any]) -> dict[str, str]:
    """Field -> first sentence of the text below it, of the class and of those it inherits from."""
    found: dict[str, str] = {}
    for each in reversed(kind.__mro__[:-1]):
        if not dataclasses.is_dataclass(each):
            continue
        (node,) = ast.parse(inspect.getsource(each)).body
        assert isinstance(node, ast.ClassDef)
        for entry, below in zip(node.body, node.body[1:], strict=False):
            if (
                isinstance(entry, ast.AnnAssign)
                and isinstance(entry.target, ast.Name)
                and isinstance(below, ast.Expr)
            ):
                text = " ".join(ast.literal_eval(below.value).split())
                found[entry.target.id] = re.split(r"(?<=\.) (?=[A-Z`])", text)[0].replace("|", "\\|")
    return found
