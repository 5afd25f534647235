"""What a stranger runs first: the tested set of versions, the make targets, what continuous integration calls."""

from __future__ import annotations

import os
import re
import tomllib
from pathlib import Path

from packaging.requirements import Requirement

from perceivers.cli import app

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def pinned() -> dict[str, str]:
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    pairs = (line.split("==") for line in lines if line and not line.startswith("#"))
    return {normalised(name): release for name, release in pairs}


def normalised(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def requirements() -> list[Requirement]:
    extras = PROJECT["optional-dependencies"].values()
    return [
        Requirement(text)
        for text in [*PROJECT["dependencies"], *(text for extra in extras for text in extra)]
    ]


def test_the_tested_set_pins_every_requirement_within_its_bounds() -> None:
    versions = pinned()
    assert versions["torch"] == "2.13.0"
    for requirement in requirements():
        if normalised(requirement.name) == "perceivers":
            continue
        assert normalised(requirement.name) in versions, requirement.name
        assert requirement.specifier.contains(versions[normalised(requirement.name)]), requirement


def test_the_extras_of_the_make_targets_exist() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    extras = re.search(r'-e "\.\[([a-z,]+)\]"', makefile)
    assert extras is not None
    assert set(extras.group(1).split(",")) <= set(PROJECT["optional-dependencies"])


def test_the_promised_targets_exist_and_are_no_files() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    phony = re.search(r"^\.PHONY: (.*)$", makefile, re.MULTILINE)
    assert phony is not None
    for target in ("demo", "table-demo", "test", "check", "benchmark"):
        assert re.search(rf"^{target}:", makefile, re.MULTILINE), target
        assert target in phony.group(1).split()


def test_the_commands_of_the_make_targets_are_understood() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    values = dict(re.findall(r"^(\w+) [?:]?= (.*)$", makefile, re.MULTILINE))
    # Some are run, and some are what a target tells at its end.
    lines = [line.rstrip('"') for line in re.findall(r"\$\(BIN\)/perceivers (.*)", makefile)]
    assert {line.split()[0] for line in lines} == {
        "train",
        "evaluate",
        "samples",
        "predict",
        "inspect",
        "explain",
        "app",
    }
    for line in lines:
        command = re.sub(r"\$\((\w+)\)", lambda found: values[found.group(1)], line)
        app.parse_args(command.split(), exit_on_error=False, print_error=False)


def test_continuous_integration_checks_and_tests() -> None:
    script = ROOT / ".ci" / "run"
    assert os.access(script, os.X_OK)
    lines = script.read_text(encoding="utf-8").splitlines()
    assert [line for line in lines if line.startswith("make ")] == ["make check", "make test"]
