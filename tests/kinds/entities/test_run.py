"""Runs on a column of entities: which sets hold a dragon, in lists, JSON and files; which entities are to be selected."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import perceivers
from perceivers.errors import ConfigurationError, DataError
from perceivers.training.evaluation import evaluate
from perceivers.training.explanation import explain
from perceivers.training.prediction import predict
from tiny_tables import fit_tiny


def battle(generator: np.random.Generator) -> dict[str, Any]:
    types = generator.choice(["archer", "guard", "dragon"], generator.integers(1, 5), p=[0.45, 0.4, 0.15])
    units = [{"type": str(each), "health": float(generator.uniform(1, 50))} for each in types]
    return {"units": units, "burns": "yes" if "dragon" in types else "no"}


def test_a_run_learns_from_sets_and_answers_them_in_every_form(tmp_path: Path) -> None:
    generator = np.random.default_rng(0)
    rows = [battle(generator) for _ in range(101)]
    predictor = fit_tiny(rows, "burns", output=tmp_path / "run", epochs=8)
    assert predictor.results["test"]["accuracy"] >= 0.85
    dragon, guards = [{"type": "dragon"}], [{"type": "guard", "health": 3}, {"type": "troll", "mood": "bad"}]
    (tmp_path / "guards.csv").write_text("type,health\nguard,3\n")
    loaded = perceivers.load(tmp_path / "run")
    said = loaded([{"units": dragon}, {"units": json.dumps(guards)}, {"units": str(tmp_path / "guards.csv")}])
    assert [each["burns"] for each in said] == ["yes", "no", "no"]
    (wrong,) = loaded([{"units": [{"type": "guard", "health": "well"}]}])
    assert isinstance(wrong, DataError)
    assert "row 1`: the attribute 'health' of entity 1: expected a number, received 'well'" in str(wrong)


def test_a_run_learns_which_entities_to_select(tmp_path: Path) -> None:
    generator = np.random.default_rng(1)
    data = tmp_path / "battles.jsonl"
    rows = []
    for _ in range(101):
        units = [
            {"type": str(generator.choice(["archer", "guard"])), "health": float(generator.uniform(1, 50))}
            for _ in range(generator.integers(1, 6))
        ]
        weakest = min(range(len(units)), key=lambda place: units[place]["health"])
        guards = [place for place, unit in enumerate(units) if unit["type"] == "guard"]
        rows.append({"units": units, "weakest": weakest, "guards": guards})
    rows[50] = {"units": [], "weakest": None, "guards": []}
    data.write_text("".join(json.dumps(row) + "\n" for row in rows))
    predictor = fit_tiny(str(data), ["weakest:entity", "guards:entities"], output=tmp_path / "run", epochs=10)
    results = predictor.results["test"]
    # Chance: sets of one to five have 0.46.
    assert results["weakest/accuracy"] >= 0.7
    assert results["guards/f1"] >= 0.9

    measured = evaluate(tmp_path / "run", device="cpu", output=tmp_path / "measured")
    assert measured["metrics"]["weakest/accuracy"] == pytest.approx(results["weakest/accuracy"])
    with pytest.raises(ConfigurationError, match="`beside` trees needs an answer that is alike in all rows"):
        evaluate(tmp_path / "run", device="cpu", output=tmp_path / "beside", beside="trees")
    # Cells of another row's set may have nothing at that place: then it is not found.
    found = explain(tmp_path / "run", output=tmp_path / "why", repeats=1, single_rows=2, device="cpu")
    assert {each.target: each.column for each in found} == {"weakest": "units", "guards": "units"}
    assert all(each.lost > 0.1 for each in found)

    predictions = predict(tmp_path / "run", [data], tmp_path / "answers", device="cpu")
    right = sum(each.values["weakest_answer"] == each.values["weakest"] for each in predictions)
    assert right >= 0.7 * len(predictions)
    assert predictions[50].values["weakest_answer"] is None
    assert "none of them" in (tmp_path / "answers" / "predictions.html").read_text()

    one, empty = predictor([{"units": [{"type": "guard", "health": 5}]}, {"units": []}])
    assert (one["weakest"], one["weakest_probability"], one["guards"]) == (0, 1.0, "0")
    assert (empty["weakest"], empty["guards"]) == (None, "")
    values = predictor.values([{"units": rows[0]["units"]}, {"units": []}])["weakest"]
    assert values.shape == (2, 512)
    assert values.sum(axis=1) == pytest.approx([1.0, 0.0])

    data.write_text(json.dumps({"units": rows[0]["units"][:1], "weakest": 1}) + "\n" + data.read_text())
    with pytest.raises(DataError, match="row 1`: must select among 1 entity in the column 'units'"):
        fit_tiny(str(data), "weakest:entity", ignore="guards", output=tmp_path / "other")
    with pytest.raises(DataError, match="`target` 'weakest:class=units' must not name a second column"):
        fit_tiny(str(data), "weakest:class=units", output=tmp_path / "other")
