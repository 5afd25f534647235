"""The source imports one way, siblings know only what their folder shares, and core code names no modality."""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest

SOURCE = Path(__file__).parents[1] / "src" / "perceivers"

# Each group may import the groups above it. Members of one group do not import each other.
GROUPS: tuple[frozenset[str], ...] = (
    frozenset({"errors"}),
    frozenset({"text_files"}),
    frozenset({"array_files", "folder_lock", "freed_memory", "records", "figures", "warned", "arguments"}),
    frozenset({"nn"}),
    frozenset({"configuration_rules", "checkpoints"}),
    frozenset({"configuration_answers", "configuration_causal", "configuration_hierarchy"}),
    frozenset({"configuration", "outputs"}),
    frozenset({"layers"}),
    frozenset({"modalities", "decoders"}),
    frozenset({"models"}),
    frozenset({"inference", "processors", "metrics"}),
    frozenset({"data", "rivals"}),
    frozenset({"kinds"}),
    frozenset({"answers"}),
    frozenset({"tasks"}),
    frozenset({"predictor"}),
    frozenset({"training", "conversion", "batch"}),
    frozenset({"runtime"}),
    frozenset({"export"}),
    frozenset({"integrations"}),
    frozenset({"app"}),
    frozenset({"cli"}),
    frozenset({"__main__"}),
)

# (importing file, imported name) -> (how it may be imported, why). Everything else follows GROUPS.
EXCEPTIONS: dict[tuple[str, str], tuple[str, str]] = {}

# Files that import modules of ours by their names, which no test of imports sees: table of names -> why it is one.
BY_NAME: dict[str, str] = {
    "__init__": "public names are imported when they are first asked for",
    "conversion.haiku": "the class of a released network is found by its public name",
    "kinds.registry": "a kind's own file, and what it needs, is imported when the kind is asked for",
    "data.bundled": "the reader of a bundled table is found by its name",
    "models.fast_form": "models find `prepare` without depending on the fast form, which depends on them",
    "tasks.registry": "a task's classes are found by their names, so that the command line starts without torch",
}

# Allowed by the design, and not used yet; an entry that is used belongs out of here.
PLANNED: set[tuple[str, str]] = set()

# Folders of like things, and the files or folders in each that the others may import. A folder in a folder is one thing:
# its files may import each other. Readers of bundled data may import every file of data/.
SHARED: dict[str, frozenset[str]] = {
    "modalities": frozenset({"base", "ids", "linear_tokens", "positioned", "structure"}),
    "decoders": frozenset({"asked_for", "base", "basic", "chunking", "mean", "structure"}),
    "models": frozenset(
        {
            "answering",
            "answers",
            "base",
            "fast_form",
            "generation",
            "losses",
            "mixture",
            "modality_types",
            "other_arguments",
            "perceiver",
            "task",
            "verbs",
        }
    ),
    "tasks": frozenset(
        {
            "answering",
            "arrays",
            "asked_notation",
            "asking",
            "attention",
            "base",
            "choosing",
            "column_task",
            "columns",
            "each_file",
            "html_page",
            "inputs",
            "label_arguments",
            "looking",
            "model_names",
            "sizes",
            "sizing",
            "measuring",
            "missing_columns",
            "one_column_task",
            "option_advice",
            "page",
            "row_reader",
            "saved_columns",
            "settling",
            "started_columns",
            "strays",
            "telling",
            "text_model",
            "unknown_names",
        }
    ),
    "data": frozenset(
        {
            "bundled",
            "columns",
            "delimited",
            "dialects",
            "division",
            "duration_forms",
            "durations",
            "endings",
            "evenly",
            "first_rows",
            "folders",
            "frame_columns",
            "frames",
            "given_parts",
            "groups",
            "headers",
            "joined",
            "json_lines",
            "known_names",
            "layouts",
            "leaks",
            "listed_files",
            "nearly_numbers",
            "notation",
            "numbers",
            "opening",
            "parquet_columns",
            "parts",
            "rows",
            "scanning",
            "shared_lines",
            "some_cells",
            "splits",
            "table_folders",
            "tables",
            "torn_records",
            "unit_columns",
            "unit_forms",
            "units",
            "words",
        }
    ),
    "kinds": frozenset(
        {
            "asked",
            "base",
            "cards",
            "cells",
            "forms",
            "image",
            "inline",
            "number",
            "passes",
            "shading",
            "sound",
        }
    ),
    "answers": frozenset(
        {
            "base",
            "confusions",
            "drawing",
            "number",
            "one_class",
            "one_entity",
            "ranked",
            "ranking",
            "said",
            "selection",
            "several_entities",
            "several_labels",
        }
    ),
}

# Names of kinds and answers, but for "text" and "labels", which are columns and arguments too.
KINDS_AND_ANSWERS = frozenset(
    {
        "category",
        "class",
        "date",
        "entities",
        "entity",
        "image",
        "number",
        "points",
        "series",
        "sound",
        "video",
    }
)
# What has files of its own for each kind and answer.
CONCRETE = re.compile(
    r"kinds\.(category|date|entities|image|number|points|series|sound|text|video)\b|answers\.(number|one_class|one_entity|several_entities|several_labels)"
)
# Shared by tasks that are about one kind, or offer a choice of answers by themselves.
MAY_NAME_THEM = frozenset({"tasks.one_column_task", "tasks.text_model"})
MODALITIES = frozenset({"audio", "image", "label"})
# Where names of modalities belong: what handles one, what puts named ones together, raw data, default sizes, and
# the table of DeepMind's names.
KNOWS_MODALITIES = frozenset(
    {
        "modalities",
        "models",
        "tasks",
        "processors",
        "configuration",
        "conversion",
        "data",
        "arguments",
        "kinds",
        "answers",
        "metrics",
        "integrations",
    }
)

# Third-party packages that every installation has.
REQUIRED = frozenset({"torch", "numpy", "safetensors", "huggingface_hub", "PIL", "cyclopts", "rich"})


# An integration is nothing without its package, whose classes it inherits from: file -> what it may import at the top.
# Nothing of ours imports an integration.
INTEGRATES: dict[str, str] = {
    "integrations.sklearn": "sklearn",
    "integrations.transformers.package": "transformers",
}

# A door is nothing without the packages of its extra, either: folder -> what its files, but for `__init__`, may import at the
# top. `__init__` says which extra is missing, and nothing but the command line, in a function, imports the others.
DOORS: dict[str, frozenset[str]] = {"app": frozenset({"starlette", "uvicorn", "jinja2", "markupsafe"})}


@dataclass(frozen=True)
class Import:
    """One imported name: `importer` and `target` are dotted, without the package's own name for ours."""

    importer: str
    target: str
    ours: bool
    how: str  # "anywhere", "in a function", "for types"
    line: int

    def __str__(self) -> str:
        return f"{self.importer}:{self.line} imports {self.target}"


def module_name(path: Path) -> str:
    parts = path.relative_to(SOURCE).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" and len(parts) > 1 else parts)


FILES = {module_name(path): path for path in sorted(SOURCE.rglob("*.py"))}


@cache
def tree_of(name: str) -> ast.Module:
    return ast.parse(FILES[name].read_text(encoding="utf-8"))


def is_for_types(node: ast.AST) -> bool:
    return isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING"


def statements(node: ast.AST, how: str = "anywhere") -> Iterator[tuple[ast.stmt, str]]:
    """Every statement below, with where it stands."""
    for part in ("body", "orelse", "finalbody", "handlers", "cases"):
        for child in getattr(node, part, ()):
            inner = how
            if is_for_types(child):
                inner = "for types"
            elif isinstance(child, (ast.FunctionDef, ast.AsyncFunctionDef)):
                inner = "in a function"
            if isinstance(child, ast.stmt):
                yield child, inner
            yield from statements(child, inner)


@cache
def imports_of(name: str) -> tuple[Import, ...]:
    return tuple(_imports_of(name))


def _imports_of(name: str) -> Iterator[Import]:
    for node, how in statements(tree_of(name)):
        if isinstance(node, ast.Import):
            found = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{name}:{node.lineno} imports relatively; write the whole name"
            module = node.module or ""
            # `from package import module` imports the module, `from module import name` the module alone.
            found = [
                f"{module}.{alias.name}"
                if f"{module}.{alias.name}".removeprefix("perceivers.") in FILES
                else module
                for alias in node.names
            ]
        else:
            continue
        for target in dict.fromkeys(found):
            ours = target == "perceivers" or target.startswith("perceivers.")
            yield Import(name, target.removeprefix("perceivers."), ours, how, node.lineno)


@cache
def all_imports() -> tuple[Import, ...]:
    return tuple(found for name in FILES for found in imports_of(name))


@cache
def our_imports() -> tuple[Import, ...]:
    return tuple(found for found in all_imports() if found.ours)


def first(dotted: str) -> str:
    return dotted.partition(".")[0]


def level(dotted: str) -> int:
    (index,) = [index for index, group in enumerate(GROUPS) if first(dotted) in group]
    return index


def is_excepted(found: Import) -> bool:
    how, _ = EXCEPTIONS.get((found.importer, first(found.target)), (None, None))
    return how is not None and how in ("anywhere", found.how)


def test_there_is_something_to_check():
    assert len(FILES) > 50
    assert len(our_imports()) > 200
    assert "configuration" in {found.target for found in our_imports() if found.importer == "layers"}


def test_every_file_belongs_to_one_group():
    names = {first(name) for name in FILES} - {"__init__"}
    homeless = sorted(name for name in names if sum(name in group for group in GROUPS) != 1)
    assert not homeless, f"say in GROUPS what may import {homeless}"


def test_imports_go_one_way():
    against = [
        str(found)
        for found in our_imports()
        if first(found.importer) != first(found.target)
        and level(found.target) >= level(found.importer)
        and not is_excepted(found)
    ]
    assert not against


def test_every_exception_is_needed():
    used = {(found.importer, first(found.target)) for found in our_imports() if is_excepted(found)}
    assert EXCEPTIONS.keys() - PLANNED <= used


def test_siblings_import_only_what_their_folder_shares():
    against = []
    for found in our_imports():
        folder, _, file = found.importer.partition(".")
        target_folder, _, target_file = found.target.partition(".")
        if folder != target_folder or folder not in SHARED or not file:
            continue
        one_family = file.startswith("bundled") or first(target_file) == first(file)
        if first(target_file) not in SHARED[folder] and not one_family and not is_excepted(found):
            against.append(str(found))
    assert not against


def test_nothing_imports_itself_in_a_circle():
    """Neither at the top of files nor in functions nor for types alone: a circle that is hidden is one all the same."""
    edges: dict[str, set[str]] = {name: set() for name in FILES}
    for found in our_imports():
        if found.target in edges:
            edges[found.importer].add(found.target)
    finished: set[str] = set()

    def visit(name: str, path: tuple[str, ...]) -> None:
        assert name not in path, f"imports in a circle: {' -> '.join([*path, name])}"
        if name not in finished:
            for target in edges[name]:
                visit(target, (*path, name))
            finished.add(name)

    for name in FILES:
        visit(name, ())


def test_imports_by_name_stand_in_named_places_alone():
    loaders = {"import_module", "__import__"}
    found = {
        name: [
            node
            for node in ast.walk(tree_of(name))
            if isinstance(node, ast.Call)
            and getattr(node.func, "attr", getattr(node.func, "id", None)) in loaders
            and not (isinstance(node.args[0], ast.Constant) and "perceivers" not in str(node.args[0].value))
        ]
        for name, path in FILES.items()
        if any(loader in path.read_text(encoding="utf-8") for loader in loaders)
    }
    assert {name for name, calls in found.items() if calls} == set(BY_NAME)


def test_the_package_itself_imports_nothing_of_ours():
    assert [str(found) for found in our_imports() if found.importer == "__init__"] == []


def test_optional_packages_are_imported_where_they_are_used():
    allowed = REQUIRED | set(sys.stdlib_module_names) | {"__future__"}
    at_the_top = [
        str(found)
        for found in all_imports()
        if not found.ours
        and found.how == "anywhere"
        and first(found.target) not in allowed
        and first(found.target) != INTEGRATES.get(found.importer)
        and not (first(found.target) in DOORS.get(first(found.importer), ()) and "." in found.importer)
    ]
    assert not at_the_top


def test_integrations_are_imported_by_users_alone():
    assert INTEGRATES.keys() <= FILES.keys()
    assert [
        str(found)
        for found in our_imports()
        if first(found.target) == "integrations" and first(found.importer) != "integrations"
    ] == []


def test_doors_are_opened_in_functions_alone():
    light = {"app": {"app.limits", "errors"}}
    from_outside = [
        found
        for found in our_imports()
        if first(found.target) in DOORS and first(found.importer) != first(found.target)
    ]
    from_inside = [
        found
        for found in our_imports()
        if found.importer in DOORS and found.target not in light[found.importer]
    ]
    assert from_outside
    assert [str(found) for found in from_outside + from_inside if found.how != "in a function"] == []


def test_transformers_is_imported_by_its_integration_alone():
    against = [
        str(found)
        for found in all_imports()
        if not found.ours
        and first(found.target) == "transformers"
        and first(found.importer) != "integrations"
    ]
    assert not against


@pytest.mark.parametrize(
    "name",
    sorted(
        name
        for name in FILES
        if first(name) in ("training", "predictor", "cli")
        or (first(name) == "tasks" and name.count(".") == 1)
    ),
)
def test_what_all_kinds_and_answers_share_names_none_of_them(name):
    named = [
        f"line {node.lineno}: {node.value!r}"
        for node in ast.walk(tree_of(name))
        if isinstance(node, ast.Constant) and node.value in KINDS_AND_ANSWERS
    ]
    imported = [
        str(found)
        for found in imports_of(name)
        if found.ours and CONCRETE.match(found.target) and name not in MAY_NAME_THEM
    ]
    assert not named + imported


@pytest.mark.parametrize("name", sorted(name for name in FILES if first(name) not in KNOWS_MODALITIES))
def test_core_code_names_no_modality(name):
    named = [
        f"line {node.lineno}: {node.value!r}"
        for node in ast.walk(tree_of(name))
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value in MODALITIES
    ]
    assert not named
