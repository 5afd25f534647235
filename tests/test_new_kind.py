"""A new kind of data is its own file and one line, a new answer too: strands of DNA, and whole numbers to be counted."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from html import escape
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np
import pytest
import torch
from torch import Tensor

import perceivers
from perceivers.answers.base import Answer
from perceivers.answers.registry import ANSWERS
from perceivers.arguments import DataArguments, OptimizationArguments, RunArguments, TrainingArguments
from perceivers.errors import DataError
from perceivers.kinds.base import Kind, ModalityInput, is_empty
from perceivers.kinds.registry import KINDS
from perceivers.tasks.registry import load_run
from perceivers.tasks.table.options import TableArguments
from perceivers.tasks.table.task import TableTask
from perceivers.training.evaluation import evaluate
from perceivers.training.explanation import explain
from perceivers.training.prediction import predict
from perceivers.training.run import train

BASES = "ACGT"


@dataclass(frozen=True)
class DnaOptions:
    """What a user may choose about strands."""

    dna_bands: int = 3
    """Fourier bands of the places."""


@dataclass(frozen=True)
class DnaKind(Kind):
    """Strands: a value is a text of A, C, G and T; the model reads it as a series of four channels."""

    longest: int = 0

    name: ClassVar[str] = "dna"
    options_class: ClassVar[type[Any]] = DnaOptions
    settles_on: ClassVar[int | None] = None

    @classmethod
    def guess(cls, name: str, cells: Sequence[Any]) -> float:
        """See Kind."""
        return 0.95 if all(isinstance(cell, str) and set(cell) <= set(BASES) for cell in cells) else 0.0

    def read(self, row: Mapping[str, Any], columns: Sequence[str], table: Any) -> str | None:
        """See Kind."""
        cell = row.get(columns[0])
        if is_empty(cell):
            return None
        if set(str(cell)) - set(BASES):
            raise DataError(f"must hold {BASES} alone in the column {columns[0]!r}, received {cell!r}")
        return str(cell)

    def settle(self, values: Sequence[str], columns: Sequence[str]) -> Self:
        """See Kind."""
        return replace(self, longest=max(map(len, values)))

    def vary(self, value: str, generator: np.random.Generator) -> str:
        """A strand read from its other end."""
        return value[::-1] if generator.random() < 0.5 else value

    def tensors(self, values: Sequence[str | None]) -> dict[str, ModalityInput]:
        """See Kind."""
        length = max((len(value) for value in values if value is not None), default=1)
        given, mask = torch.zeros(len(values), length, 4), torch.zeros(len(values), length, dtype=torch.bool)
        for place, value in enumerate(values):
            for step, base in enumerate(value or ""):
                given[place, step, BASES.index(base)] = 1.0
                mask[place, step] = True
        return {"": ModalityInput(given, mask)}

    def modalities(self) -> dict[str, dict[str, Any]]:
        """See Kind."""
        own = {"in_channels": 4, "num_bands": self.options.dna_bands, "max_resolution": self.longest}
        return {"": {"type": "series", **own}}

    def state(self) -> dict[str, Any]:
        """See Kind."""
        return {"longest": self.longest}

    def with_state(self, state: Mapping[str, Any]) -> Self:
        """See Kind."""
        return replace(self, longest=state["longest"])

    def html(self, shown: str | None, columns: Sequence[str]) -> str:
        """See Kind."""
        return "" if shown is None else f"<code>5'-{escape(shown)}-3'</code>"


@dataclass(frozen=True)
class Count(Answer):
    """A whole number."""

    mean: float = 0.0
    scale: float = 1.0

    name: ClassVar[str] = "count"
    head_type: ClassVar[str] = "number"
    usual_score: ClassVar[str] = "r2"

    @classmethod
    def guess(cls, cells: Sequence[Any]) -> float:
        """See Answer."""
        return 0.95 if all(str(cell).isdigit() for cell in cells) else 0.0

    def settle(self, cells: Sequence[Any], source: str) -> Self:
        """See Answer."""
        numbers = np.array([int(cell) for cell in cells])
        return replace(self, mean=float(numbers.mean()), scale=float(numbers.std()))

    def target(self, cell: Any) -> float | None:
        """See Answer."""
        return None if is_empty(cell) else (int(cell) - self.mean) / self.scale

    def plain(self, target: float) -> float:
        """See Answer."""
        return target * self.scale + self.mean

    def stack(self, targets: Sequence[float | None]) -> Tensor:
        """See Answer."""
        return torch.tensor([float("nan") if target is None else target for target in targets])

    def measured(self, scores: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
        """See Answer."""
        return scores * self.scale + self.mean, targets * self.scale + self.mean

    def values(self, scores: Tensor) -> Tensor:
        """See Answer."""
        return scores.cpu().double() * self.scale + self.mean

    def describe(self, scores: Tensor) -> list[dict[str, Any]]:
        """See Answer."""
        return [{"count": round(value)} for value in self.values(scores).tolist()]

    def compare(self, said: Mapping[str, Any], other: Mapping[str, Any]) -> dict[str, Any]:
        """See Answer."""
        return {
            "answer": said["count"],
            "without": other["count"],
            "change": other["count"] - said["count"],
        }


def strands(path: Path, count: int) -> Path:
    """Strands, a number that tells nothing, how many Gs a strand has, and whether these are more than two."""
    generator = np.random.default_rng(0)
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["strand", "weight", "guanines", "rich"])
        for _ in range(count):
            strand = "".join(generator.choice(list(BASES), int(generator.integers(5, 12))))
            found = strand.count("G")
            writer.writerow(
                [strand, round(float(generator.normal()), 3), found, "yes" if found > 2 else "no"]
            )
    return path


@pytest.fixture
def registered(monkeypatch: pytest.MonkeyPatch) -> None:
    """Both lines."""
    monkeypatch.setitem(KINDS, "dna", f"{__name__}:DnaKind")
    monkeypatch.setitem(ANSWERS, "count", Count)


@pytest.mark.usefixtures("registered")
def test_a_new_kind_and_a_new_answer_are_learned_measured_asked_explained_and_shown(tmp_path: Path) -> None:
    data = strands(tmp_path / "strands.csv", 240)
    task = TableTask(TableArguments(target=("guanines", "rich"), num_latents=5, latent_channels=32))
    results = train(
        task,
        RunArguments(
            output=str(tmp_path / "run"),
            data=DataArguments(data=str(data)),
            training=TrainingArguments(epochs=5, batch_size=8, device="cpu", watch_every=1_000),
            optimization=OptimizationArguments(learning_rate=1e-2, warmup_steps=36),
        ),
    )
    # Both were found by their cells.
    assert task.table_plan is not None
    said = {each.name: (each.role, each.kind) for each in task.table_plan.columns}
    assert said == {
        "strand": ("input", "dna"),
        "weight": ("input", "number"),
        "guanines": ("target", "count"),
        "rich": ("target", "class"),
    }
    # Always saying the mean has an R2 of 0.
    assert results["test"]["guanines/r2"] > 0.5
    assert results["test"]["score"] > 0.5

    measured = evaluate(tmp_path / "run", device="cpu", output=tmp_path / "measured", beside="trees")
    assert measured["metrics"]["guanines/r2"] == pytest.approx(results["test"]["guanines/r2"], rel=1e-4)

    # Trees read the number beside the strand alone; the mean of the training rows is far from none of the counts.
    assert measured["beside"]["ignored"] == ["strand"]
    assert 0.5 < measured["beside"]["majority"]["guanines/rmse"] < 3.0

    found = explain(tmp_path / "run", output=tmp_path / "why", repeats=2, single_rows=2, device="cpu")
    assert found[0].column == "strand"
    assert found[0].lost > 0.3

    predictions = predict(tmp_path / "run", [data], tmp_path / "answers", device="cpu")
    right = sum(
        abs(each.values["guanines_answer"] - int(each.values["guanines"])) <= 1 for each in predictions
    )
    assert right >= 0.8 * len(predictions)
    page = (tmp_path / "answers" / "predictions.html").read_text()
    first = predictions[0].values
    assert f"<code>5'-{first['strand']}-3'</code>" in page.replace("&#x27;", "'")
    assert f'<span class="answer">{first["guanines_answer"]}</span>' in page

    predictor = perceivers.load(tmp_path / "run", device="cpu")
    (kind,) = (each.kind for each in predictor.parts.processor.inputs if each.kind.name == "dna")
    assert kind.longest == 11
    few, many, nothing, wrong = predictor(
        [{"strand": each, "weight": 0.0} for each in ("ATATACATA", "GGGGGGG", None, "GATTAX")]
    )
    assert few["guanines"] < 2 <= 4 < many["guanines"]
    assert isinstance(nothing["guanines"], int)
    exact = predictor.values([{"strand": "GGGGGGG", "weight": 0.0}])["guanines"]
    assert round(float(exact[0])) == many["guanines"]
    assert predictor.names("guanines") == ()
    assert isinstance(wrong, DataError)
    assert "must hold ACGT alone in the column 'strand', received 'GATTAX'" in str(wrong)


@pytest.mark.usefixtures("registered")
def test_a_single_new_kind_has_a_page_of_its_own_and_a_saved_answer_comes_back(tmp_path: Path) -> None:
    data = strands(tmp_path / "strands.csv", 60)
    train(
        TableTask(
            TableArguments(target=("guanines:count",), column=("strand=dna",), ignore=("weight", "rich"))
        ),
        RunArguments(
            output=str(tmp_path / "run"),
            data=DataArguments(data=str(data)),
            training=TrainingArguments(epochs=1, batch_size=16, device="cpu"),
            pictures=False,
        ),
    )
    task, parts, _ = load_run(tmp_path / "run")
    (answer,) = parts.processor.answers.values()
    assert isinstance(answer, Count)
    assert (task.headline, task.headline_is_better) == ("rmse", "lower")
    predict(tmp_path / "run", [data], tmp_path / "answers", device="cpu")
    assert "<code>5&#x27;-" in (tmp_path / "answers" / "predictions.html").read_text().replace("'", "&#x27;")
