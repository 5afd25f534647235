"""The interface of gradio, which is not among the tested packages: what is built of its parts, and what they are given."""

from __future__ import annotations

import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from app.conftest import png
from perceivers.errors import PerceiversError
from perceivers.integrations.gradio import interface
from perceivers.predictor import Predictor


class Part(SimpleNamespace):
    def __init__(self, name: str, *values: Any, **named: Any) -> None:
        super().__init__(name=name, values=values, **named)


class RefusedByGradio(Exception):
    def __init__(self, message: str, print_exception: bool) -> None:
        super().__init__(message)


@pytest.fixture
def stand_in(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of gradio's names those that are used, each of which only remembers what it was given."""
    names = ("Image", "Audio", "Video", "File", "Number", "Dropdown", "Textbox", "Label", "HTML", "Interface")
    parts = {name: (lambda *a, _name=name, **k: Part(_name, *a, **k)) for name in names}
    monkeypatch.setitem(sys.modules, "gradio", SimpleNamespace(**parts, Error=RefusedByGradio))


def test_an_interface_has_a_field_a_column_and_answers_as_the_predictor(
    stand_in: None, run: Path, predictor: Predictor, tmp_path: Path
) -> None:
    made = interface(run, device="cpu")
    answer, inputs, outputs = made.values
    by_label = {each.label: each.name for each in inputs}
    assert by_label == {
        "photo": "Image", "weight": "Number", "born": "Textbox", "house": "Dropdown", "note": "Textbox"
    }  # fmt: skip
    assert [each.name for each in outputs] == ["Label", "Textbox", "HTML"]
    (tmp_path / "cat.png").write_bytes(png())
    given = {"photo": str(tmp_path / "cat.png"), "weight": 4.5, "born": "", "house": None, "note": "sings"}
    animal, price, html = answer(*(given[each.label] for each in inputs))
    (expected,) = predictor([{"photo": str(tmp_path / "cat.png"), "weight": 4.5, "note": "sings"}])
    assert isinstance(expected, dict)
    assert animal == pytest.approx(expected["animal_probabilities"])
    assert price == f"{expected['price']:.4g}"
    assert html.count("<img") == 2
    with pytest.raises(RefusedByGradio, match="the question is empty: give at least one of"):
        answer(*[None] * len(inputs))


def test_without_gradio_it_is_told_what_to_install(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "gradio", None)
    with pytest.raises(
        PerceiversError, match="needs the package `gradio`, which is not installed: pip install gradio"
    ):
        interface(run)
