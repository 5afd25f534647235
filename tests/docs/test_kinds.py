"""The pages on kinds of data list every kind and every option, and their examples run."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from documented import ROOT, blocks_of, options_table
from perceivers.answers.registry import ANSWERS
from perceivers.kinds.registry import KINDS, kind_class

PAGES = ROOT / "docs" / "kinds"


@pytest.mark.parametrize("name", KINDS)
def test_every_kind_has_a_page_with_its_options_and_a_line_in_the_list(name: str) -> None:
    page = (PAGES / f"{name}.md").read_text(encoding="utf-8")
    expected = options_table(kind_class(name).options_class)
    assert expected in page, f"docs/kinds/{name}.md must end with\n{expected}"
    assert f"| [{name}]({name}.md) |" in (PAGES / "README.md").read_text(encoding="utf-8")


def run(program: str, values: dict[str, object], where: str) -> None:
    assert where in program
    exec(compile(program.replace(where, f"{where}, epochs=12"), "docs/kinds/README.md", "exec"), values)


def test_a_kind_and_an_answer_of_a_users_own_train_and_predict(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place, use_place, stars, use_stars = blocks_of(PAGES / "README.md", "python")
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setitem(KINDS, "place", "")
    monkeypatch.setitem(ANSWERS, "stars", ANSWERS["class"])
    Path("place.py").write_text(place, encoding="utf-8")
    Path("stars.py").write_text(stars, encoding="utf-8")
    values: dict[str, object] = {}
    try:
        # The examples name no epochs: what is chosen from so few rows is more than it takes.
        run(use_place, values, 'output="runs/places"')
        hot, cold = values["predictor"](["-3.1, -60.0", "64.1, -21.9"])  # type: ignore[operator]
        assert (hot["hot"], cold["hot"]) == ("True", "False")
        run(use_stars, values, 'output="runs/stars"')
        said = values["predictor"]([{"words": "poor"}, {"words": "great"}])  # type: ignore[operator]
        assert 1.0 < said[0]["rating_mean"] < said[1]["rating_mean"] < 5.0
    finally:
        for name in ("place", "stars"):
            sys.modules.pop(name, None)
