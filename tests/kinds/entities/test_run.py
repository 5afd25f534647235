"""A run on a column of entities: it learns which sets hold a dragon, and answers lists, JSON and files."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

import perceivers
from perceivers.errors import DataError
from tiny_tables import TINY


def battle(generator: np.random.Generator) -> dict[str, Any]:
    types = generator.choice(["archer", "guard", "dragon"], generator.integers(1, 5), p=[0.45, 0.4, 0.15])
    units = [{"type": str(each), "health": float(generator.uniform(1, 50))} for each in types]
    return {"units": units, "burns": "yes" if "dragon" in types else "no"}


def test_a_run_learns_from_sets_and_answers_them_in_every_form(tmp_path: Path) -> None:
    generator = np.random.default_rng(0)
    rows = [battle(generator) for _ in range(101)]
    options = {**TINY, "epochs": 8}
    predictor = perceivers.fit(rows, "burns", output=tmp_path / "run", **options)
    assert predictor.results["test"]["accuracy"] >= 0.85
    dragon, guards = [{"type": "dragon"}], [{"type": "guard", "health": 3}, {"type": "troll", "mood": "bad"}]
    (tmp_path / "guards.csv").write_text("type,health\nguard,3\n")
    loaded = perceivers.load(tmp_path / "run")
    said = loaded([{"units": dragon}, {"units": json.dumps(guards)}, {"units": str(tmp_path / "guards.csv")}])
    assert [each["burns"] for each in said] == ["yes", "no", "no"]
    (wrong,) = loaded([{"units": [{"type": "guard", "health": "well"}]}])
    assert isinstance(wrong, DataError)
    assert "row 1`: the attribute 'health' of entity 1: expected a number, received 'well'" in str(wrong)
