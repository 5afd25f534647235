"""The small faults that tests are tried with: what is changed, what stays, and where each stands."""

from __future__ import annotations

import ast

import pytest
from mutation import mutants_of


def said(source: str) -> list[str]:
    return [mutant.said for mutant in mutants_of(source)]


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("return a < 3", ["return None", "return a <= 3", "return a < 4"]),
        ("return not a and b", ["return None", "return not a or b", "return a and b"]),
        ("x = a // b if a else True", ["x = a // b", "x = True", "x = a / b if a else True", "x = a // b if a else False"]),
        ("call(a, key='b')", ["pass", "call(a, key='bx')"]),
        ("raise ValueError('no ' + a)", ["pass"]),
        ("a -= 1", ["a += 1", "a -= 2"]),
        ("x = f'{a + 1} of many'", ["x = f'{a - 1} of many'", "x = f'{a + 2} of many'"]),
    ],
)  # fmt: skip
def test_a_line_is_changed_at_every_place(line: str, expected: list[str]) -> None:
    assert said(f"def f(a, b):\n    {line}\n") == [f"{line} -> {each}" for each in expected]


def test_docstrings_types_imports_and_names_of_decorators_stay() -> None:
    source = (
        '"""Module."""\nimport os\n@cache(3)\nclass A:\n    size: int = 3\n    """Size."""\n'
        '    @property\n    def f(self) -> "int":\n        """Doc."""\n        x: "int" = 5\n'
    )
    assert said(source) == ["x: 'int' = 5 -> x: 'int' = 6"]


def test_each_stands_in_its_outermost_function_and_changes_nothing_else() -> None:
    source = (
        "MOST = 7\n\n\nclass A:\n    @property\n    def f(self):\n        def g():\n            return 1\n"
        "        if self.b:\n            return g\n"
    )
    found = list(mutants_of(source))
    assert [(mutant.function, mutant.first_line, mutant.lines, mutant.name) for mutant in found] == [
        ("", 0, (1, 1), "MOST"),
        ("A.f", 5, (8, 8), ""),
        ("A.f", 5, (8, 8), ""),
        ("A.f", 5, (9, 9), ""),
        ("A.f", 5, (10, 10), ""),
    ]
    original = ast.unparse(ast.parse(source)).splitlines()
    for mutant in found:
        changed = ast.unparse(mutant.tree).splitlines()
        assert sum(one != other for one, other in zip(original, changed, strict=True)) == 1
