"""Warnings of the code as lines of the command."""

from __future__ import annotations

import warnings
from collections.abc import Iterator

import pytest

from perceivers.cli import app, main
from perceivers.warned import MOST_ALIKE, plain_warnings


@pytest.fixture
def shown() -> Iterator[None]:
    """Warnings are errors in the tests."""
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        yield


@pytest.mark.usefixtures("shown")
def test_a_warning_is_one_line_once_without_its_place(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "200")

    @app.command(name="warned-of")
    def warned_of() -> None:
        for word in ("[red]torn[/red]", "bent", "[red]torn[/red]"):
            warnings.warn(f"the file is\n  {word}", UserWarning, stacklevel=1)

    try:
        with pytest.raises(SystemExit):
            main(["warned-of"])
    finally:
        del app["warned-of"]
    written = capsys.readouterr()
    assert written.err == "warning: the file is [red]torn[/red]\nwarning: the file is bent\n"
    assert written.out == ""


@pytest.mark.usefixtures("shown")
def test_of_many_from_one_place_a_few_are_printed(capsys: pytest.CaptureFixture[str]) -> None:
    usual = warnings.showwarning
    with plain_warnings():
        for number in range(11):
            warnings.warn(f"file {number}", UserWarning, stacklevel=1)
        warnings.warn("from elsewhere", UserWarning, stacklevel=1)
    assert warnings.showwarning is usual
    lines = capsys.readouterr().err.splitlines()
    assert lines == [
        *(f"warning: file {number}" for number in range(MOST_ALIKE)),
        "warning: and more of this kind",
        "warning: from elsewhere",
    ]
