"""`perceivers app`: mistakes are one line each; a port that is taken is told before a model is loaded."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

import pytest

from perceivers.app.limits import Limits
from perceivers.app.serving import HOST, bound
from perceivers.cli import main
from perceivers.errors import ConfigurationError, PerceiversError


def told(capsys: pytest.CaptureFixture[str], *words: str) -> str:
    with pytest.raises(SystemExit) as stopped:
        main(["app", *words])
    assert stopped.value.code == 1
    return " ".join(capsys.readouterr().err.split())


def test_a_folder_that_is_no_run_is_told(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert "`folder` must be a training run with a file arguments.yaml" in told(
        capsys, str(tmp_path), "--port", "0"
    )


def test_a_port_that_is_taken_is_told_with_the_cure(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    with bound(0) as taken:
        host, port = taken.getsockname()
        assert host == HOST == "127.0.0.1"
        said = told(capsys, str(tmp_path), "--port", str(port))
    assert said == (
        f"error: `port` {port} cannot be used: Address already in use; name another with --port, or 0 for any that is free"
    )
    with pytest.raises(PerceiversError, match="`port` must be from 0 to 65535, received 70000"):
        bound(70_000)


def test_an_extra_that_is_missing_is_told_with_what_to_install(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    find = importlib.util.find_spec

    def without(name: str, package: Any = None) -> Any:
        return None if name == "python_multipart" else find(name, package)

    monkeypatch.setattr(importlib.util, "find_spec", without)
    assert told(capsys, str(tmp_path)) == (
        'error: The page needs the package `python-multipart`, which is not installed: pip install "perceivers[app]"'
    )


def test_limits_are_checked(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert "`megabytes` must be at least 1, received 0" in told(capsys, str(tmp_path), "--megabytes", "0")
    with pytest.raises(ConfigurationError, match="`seconds` must be above 0, and finite, received inf"):
        Limits(seconds=float("inf"))
    assert (Limits(megabytes=3).body, Limits(megapixels=1.5).pixels) == (3 << 20, 1_500_000)
