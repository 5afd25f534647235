"""The site: its nav and llms.txt name every page and no other, links end at files, the reference has every public name."""

from __future__ import annotations

import ast
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from documented import ROOT

DOCS = ROOT / "docs"
PAGES = {path.relative_to(DOCS).as_posix() for path in DOCS.rglob("*.md")}
SITE = yaml.safe_load((ROOT / "mkdocs.yml").read_text(encoding="utf-8"))
LINK = re.compile(r"\]\(([^)\s]+)\)")


def named(nav: Any) -> Iterator[str]:
    if isinstance(nav, str):
        yield nav
    else:
        for each in nav.values() if isinstance(nav, dict) else nav:
            yield from named(each)


def inner_links(page: Path) -> list[str]:
    """Targets of links that stay inside the documentation, without what follows #; links in code are none."""
    text = re.sub(r"```.*?```|`[^`\n]*`", "", page.read_text(encoding="utf-8"), flags=re.DOTALL)
    targets = [target.partition("#")[0] for target in LINK.findall(text) if "://" not in target]
    return [target for target in targets if target]


def anchors(page: Path) -> set[str]:
    headings = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), flags=re.MULTILINE)
    return {re.sub(r"[\s-]+", "-", re.sub(r"[^\w\s-]", "", heading).strip().lower()) for heading in headings}


def test_the_nav_names_every_page_once_and_no_other() -> None:
    pages = list(named(SITE["nav"]))
    assert sorted(pages) == sorted(PAGES)
    assert [next(iter(part)) for part in SITE["nav"]][:3] == ["Start", "Guides", "Concepts"]


def test_the_site_has_only_plug_ins_that_material_has_too() -> None:
    assert [each if isinstance(each, str) else next(iter(each)) for each in SITE["plugins"]] == [
        "search",
        "mkdocstrings",
    ]


def test_llms_txt_has_its_form_and_lists_every_page_with_a_word_about_it() -> None:
    text = (DOCS / "llms.txt").read_text(encoding="utf-8")
    assert text.startswith(f"# {SITE['site_name']}\n\n> ")
    entries = [line for line in text.splitlines() if line.startswith("- ")]
    found = [re.fullmatch(r"- \[[^\]]+\]\(([^)]+)\): \S.*", line) for line in entries]
    assert all(found), [line for line, match in zip(entries, found, strict=True) if not match]
    assert sorted(match[1] for match in found if match) == sorted(PAGES)


@pytest.mark.parametrize("page", sorted(PAGES))
def test_every_link_of_a_page_ends_at_a_file_of_the_documentation(page: str) -> None:
    for target in inner_links(DOCS / page):
        found = (DOCS / page).parent.joinpath(target).resolve()
        assert found.is_file(), f"docs/{page}: {target}"
        assert found.is_relative_to(DOCS), f"docs/{page}: {target} is not on the site"


def test_links_to_headings_end_at_headings() -> None:
    pairs = [
        (page, *match)
        for page in PAGES
        for match in re.findall(r"\]\(([^)\s#]*\.md)#([^)\s]+)\)", (DOCS / page).read_text(encoding="utf-8"))
    ]
    assert pairs
    for page, target, heading in pairs:
        assert heading in anchors((DOCS / page).parent / target), f"docs/{page}: {target}#{heading}"


def docstring_of(path: str) -> str | None:
    """Of "module.name", read from the module's file: importing all that the reference shows takes seconds."""
    module, _, name = path.rpartition(".")
    place = ROOT.joinpath("src", *module.split("."))
    file = place / "__init__.py" if place.is_dir() else place.with_suffix(".py")
    for node in ast.parse(file.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.ClassDef | ast.FunctionDef) and node.name == name:
            return ast.get_docstring(node)
    return None


def test_the_reference_has_every_public_name_and_only_what_has_a_docstring() -> None:
    text = "\n".join(path.read_text(encoding="utf-8") for path in (DOCS / "reference").glob("*.md"))
    shown = re.findall(r"^::: (\S+)$", text, flags=re.MULTILINE)
    assert len(shown) == len(set(shown))
    assert [each for each in shown if not docstring_of(each)] == []
    # Another test keeps the stub equal to the package.
    stub = ast.parse((ROOT / "src" / "perceivers" / "__init__.pyi").read_text(encoding="utf-8"))
    public = {
        f"{node.module}.{alias.name}"
        for node in stub.body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    assert len(public) > 50
    assert public - set(shown) == set()


def test_the_figure_of_the_site_is_the_one_that_the_benchmark_drew() -> None:
    drawn = ROOT / "benchmarks" / "results" / "scaling.png"
    assert (DOCS / "scaling.png").read_bytes() == drawn.read_bytes(), f"copy {drawn} to docs/"


@pytest.mark.slow
def test_the_site_builds_strictly_and_shows_signatures(tmp_path: Path) -> None:
    program = Path(sys.executable).with_name("zensical")
    if not program.is_file():
        pytest.skip("zensical is not installed: extra docs")
    for name in ("docs", "src"):
        shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "mkdocs.yml", tmp_path)
    build = [str(program), "build", "--strict"]
    subprocess.run(build, cwd=tmp_path, check=True, capture_output=True, timeout=900)
    site = tmp_path / SITE["site_dir"]
    assert "max_memory" in (site / "reference" / "fast_form" / "index.html").read_text(encoding="utf-8")
    assert (site / "llms.txt").is_file()

    (tmp_path / "docs" / "index.md").write_text("[nowhere](nowhere.md)\n", encoding="utf-8")
    assert subprocess.run(build, cwd=tmp_path, capture_output=True, timeout=900, check=False).returncode != 0
