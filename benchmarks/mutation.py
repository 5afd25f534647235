"""Small changes of a source file that a test should notice, one at a time: operators, numbers, conditions, calls left out."""

from __future__ import annotations

import ast
import copy
from collections.abc import Iterator
from dataclasses import dataclass

COMPARISONS: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt, ast.Eq: ast.NotEq, ast.NotEq: ast.Eq,
    ast.Is: ast.IsNot, ast.IsNot: ast.Is, ast.In: ast.NotIn, ast.NotIn: ast.In,
}  # fmt: skip
OPERATORS: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Div, ast.Div: ast.Mult, ast.FloorDiv: ast.Div, ast.Mod: ast.Mult,
    ast.Pow: ast.Mult, ast.BitAnd: ast.BitOr, ast.BitOr: ast.BitAnd, ast.LShift: ast.RShift, ast.RShift: ast.LShift,
}  # fmt: skip
FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)


@dataclass(frozen=True)
class Mutant:
    """One change.

    Args:
        function: qualified name of the outermost function around it; "" for a number that is a name of the module.
        first_line: of this function, with its decorators.
        lines: first and last line of the changed statement.
        said: the line, before and after.
        tree: the whole module, changed.
        name: of the module's number, where there is no function.
    """

    function: str
    first_line: int
    lines: tuple[int, int]
    said: str
    tree: ast.Module
    name: str = ""


def mutants_of(source: str) -> Iterator[Mutant]:
    """Every change of a module's functions, methods and numbers. Docstrings, types and what errors say stay as they are."""
    tree = ast.parse(source)
    for path, function, first_line, statement in _statements(tree):
        for place, change in _changes(statement):
            changed = copy.deepcopy(tree)
            copied = _at(changed, path)
            before = ast.unparse(_head(copied))
            after = change(_at(copied, place)) if place else change(copied)
            if after is not None:
                _put(changed, path, copied, place, after)
            now = _at(changed, path)
            ast.fix_missing_locations(changed)
            name = "" if function else ast.unparse(statement.targets[0])  # type: ignore[attr-defined]
            span = (statement.lineno, _end(statement))
            yield Mutant(function, first_line, span, f"{before} -> {ast.unparse(_head(now))}", changed, name)


Path = tuple[tuple[str, int | None], ...]


def _statements(tree: ast.Module) -> Iterator[tuple[Path, str, int, ast.stmt]]:
    """Statements of functions, each with its path, and the outermost function around it; and numbers of the module."""

    def inside(
        node: ast.AST, path: Path, function: str, first: int
    ) -> Iterator[tuple[Path, str, int, ast.stmt]]:
        for part in ("body", "orelse", "finalbody", "handlers"):
            for index, child in enumerate(getattr(node, part, ())):
                here = (*path, (part, index))
                if isinstance(child, ast.ExceptHandler):
                    yield from inside(child, here, function, first)
                    continue
                is_docstring = isinstance(child, ast.Expr) and isinstance(child.value, ast.Constant)
                if is_docstring or isinstance(child, ast.Import | ast.ImportFrom | ast.Pass):
                    continue
                if isinstance(child, FUNCTIONS):
                    yield from inside(child, here, function, first)
                    continue
                yield here, function, first, child
                yield from inside(child, here, function, first)

    def outside(node: ast.AST, path: Path, names: str) -> Iterator[tuple[Path, str, int, ast.stmt]]:
        for index, child in enumerate(node.body):  # type: ignore[attr-defined]
            here = (*path, ("body", index))
            if isinstance(child, FUNCTIONS):
                first = min([child.lineno, *(each.lineno for each in child.decorator_list)])
                yield from inside(child, here, f"{names}{child.name}", first)
            elif isinstance(child, ast.ClassDef):
                yield from outside(child, here, f"{names}{child.name}.")
            elif not names and isinstance(child, ast.Assign) and _is_number(child.value):
                yield here, "", 0, child

    yield from outside(tree, (), "")


def _is_number(node: ast.AST) -> bool:
    return isinstance(node, ast.Constant) and isinstance(node.value, int | float) and node.value is not None


def _changes(statement: ast.stmt) -> Iterator[tuple[Path, object]]:
    """Places inside of a statement, itself included, with a function that changes the node there or gives another one."""
    if isinstance(statement, ast.Raise) or (
        isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Call)
    ):
        yield (), lambda node: ast.Pass()
    if isinstance(statement, ast.Return) and statement.value is not None and not _is_none(statement.value):
        yield (("value", None),), lambda node: ast.Constant(None)
    if isinstance(statement, ast.Break | ast.Continue):
        yield (), lambda node: ast.Continue() if isinstance(node, ast.Break) else ast.Break()
    if isinstance(statement, ast.If | ast.While) and not isinstance(statement.test, ast.Compare):
        yield (("test", None),), lambda node: ast.UnaryOp(ast.Not(), node)
    if isinstance(statement, ast.AugAssign) and type(statement.op) in OPERATORS:
        yield (), _other_operator
    if isinstance(statement, ast.Raise):
        return
    for path, node in _expressions(statement):
        yield from ((path, change) for change in _changes_of(node))


def _changes_of(node: ast.AST) -> Iterator[object]:
    if isinstance(node, ast.Compare):
        for index, operator in enumerate(node.ops):
            if type(operator) in COMPARISONS:
                yield lambda node, index=index: _other_comparison(node, index)
    elif isinstance(node, ast.BinOp) and type(node.op) in OPERATORS:
        yield _other_operator
    elif isinstance(node, ast.BoolOp):
        yield lambda node: setattr(node, "op", ast.Or() if isinstance(node.op, ast.And) else ast.And())
    elif isinstance(node, ast.UnaryOp) and not isinstance(node.operand, ast.Constant):
        yield lambda node: node.operand
    elif isinstance(node, ast.IfExp):
        yield lambda node: node.body
        yield lambda node: node.orelse
    elif isinstance(node, ast.Constant):
        if isinstance(node.value, bool):
            yield lambda node: ast.Constant(not node.value)
        elif isinstance(node.value, int | float):
            yield lambda node: ast.Constant(node.value + 1)
        elif isinstance(node.value, str) and node.value:
            # A letter: of encodings, Python forgets what else stands there.
            yield lambda node: ast.Constant(f"{node.value}x")


def _other_comparison(node: ast.Compare, index: int) -> None:
    node.ops[index] = COMPARISONS[type(node.ops[index])]()


def _other_operator(node: ast.BinOp | ast.AugAssign) -> None:
    node.op = OPERATORS[type(node.op)]()


def _expressions(statement: ast.stmt) -> Iterator[tuple[Path, ast.AST]]:
    """Expressions of a statement itself, without statements inside, annotations, and the text of f-strings."""

    def below(node: ast.AST, path: Path) -> Iterator[tuple[Path, ast.AST]]:
        for part, value in ast.iter_fields(node):
            if part in ("annotation", "returns", "decorator_list", "ctx"):
                continue
            for index, child in enumerate(value) if isinstance(value, list) else [(None, value)]:
                if not isinstance(child, ast.AST) or isinstance(child, ast.stmt | ast.ExceptHandler):
                    continue
                here = (*path, (part, index))
                if isinstance(child, ast.keyword) and child.arg == "strict":
                    # A check of our own: without it nothing that works works otherwise.
                    continue
                if isinstance(child, ast.expr) and not isinstance(node, ast.JoinedStr):
                    yield here, child
                yield from below(child, here)

    yield from below(statement, ())


def _at(node: ast.AST, path: Path) -> ast.AST:
    for part, index in path:
        node = getattr(node, part) if index is None else getattr(node, part)[index]
    return node


def _put(tree: ast.AST, path: Path, statement: ast.AST, place: Path, new: ast.AST) -> None:
    whole = (*path, *place)
    parent = _at(tree, whole[:-1])
    part, index = whole[-1]
    old = _at(tree, whole)
    ast.copy_location(new, old)
    if index is None:
        setattr(parent, part, new)
    else:
        getattr(parent, part)[index] = new


def _head(statement: ast.AST) -> ast.AST:
    """A statement without those inside."""
    if not hasattr(statement, "body"):
        return statement
    head = copy.copy(statement)
    for part in ("body", "orelse", "finalbody", "handlers"):
        if isinstance(getattr(head, part, None), list):
            setattr(head, part, [ast.Expr(ast.Constant(...))] if part == "body" else [])
    return head


def _end(statement: ast.stmt) -> int:
    body = getattr(statement, "body", None)
    if isinstance(body, list):
        return max(statement.lineno, body[0].lineno - 1)
    return statement.end_lineno or statement.lineno


def _is_none(node: ast.AST) -> bool:
    return isinstance(node, ast.Constant) and node.value is None
