"""The samples that the page shows are none that the weights were fitted to."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

import perceivers
from perceivers.app.examples import Examples
from perceivers.data.folds import whole
from perceivers.tasks.registry import load_task
from tiny_tables import fit_tiny


@pytest.mark.parametrize(("folds", "part"), [(0, "validation"), (1, "test")])
def test_examples_are_of_a_part_that_the_run_did_not_learn_from(
    tmp_path: Path, folds: int, part: str
) -> None:
    table = tmp_path / "sizes.csv"
    table.write_text("size,kind\n" + "".join(f"{row / 7:.3f},{'ab'[row % 2]}\n" for row in range(41)))
    folder = tmp_path / "run"
    fit_tiny(str(table), "kind", output=folder, epochs=1, watch_every=None, folds=folds)
    predictor = perceivers.load(folder, device="cpu")
    examples = Examples(predictor, predictor.asking(), str(folder))
    examples.start()
    shown = asyncio.run(examples.opened())
    task, run = load_task(folder)
    splits = task.load_data(run.data, predictor.parts)
    learned = whole(splits).train if folds else splits.train
    names = {samples.name(place) for samples in [splits.part(part)] for place in range(len(samples))}  # type: ignore[arg-type]
    assert 0 < len(shown) <= len(names)
    assert {each.name for each in shown} <= names
    assert not names & {learned.name(place) for place in range(len(learned))}
