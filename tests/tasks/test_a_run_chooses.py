"""A run with nothing given: its choices are printed, recorded as a recipe, and the same when it is resumed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from perceivers.arguments import DataArguments, RunArguments, TrainingArguments
from perceivers.arguments.run import load_arguments
from perceivers.tasks.registry import arguments_class, load_run
from perceivers.tasks.text_classification.options import TextClassificationArguments
from perceivers.tasks.text_classification.task import TextClassification
from perceivers.training.run import train


def run(folder: Path, resume: bool = False, **chosen: Any) -> dict[str, Any]:
    rows = [f"{word} is here,{word}" for word in ("cat", "dog") * 20]
    (folder / "t.csv").write_text("text,label\n" + "\n".join(rows) + "\n")
    return train(
        TextClassification(TextClassificationArguments(**chosen)),
        RunArguments(
            output=str(folder / "run"),
            data=DataArguments(data=str(folder / "t.csv")),
            training=TrainingArguments(epochs=2, device="cpu"),
            resume=resume,
            pictures=False,
        ),
    )


def test_choices_are_printed_and_the_record_of_a_run_is_complete(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    results = run(tmp_path, num_latents=3)
    shown = capsys.readouterr().out
    for said in ("train 28, validation 4, test 8", "2: cat 1", "3 latents of", f"{results['parameters']:,} parameters",
                 "num-latents 3, epochs 2"):  # fmt: skip
        assert said in shown
    record = yaml.safe_load((tmp_path / "run" / "arguments.yaml").read_text())
    assert [name for name, value in record["model"].items() if value == "auto"] == ["size"]
    assert record["training"]["keep_best"] is True
    open_still = [
        name
        for concern in ("training", "optimization")
        for name, value in record[concern].items()
        if value is None
    ]
    assert set(open_still) <= {"steps", "time_limit", "patience", "watch_every", "checkpoint_every"}
    # A run of its record chooses nothing: what is given is all.
    task, values, _ = load_arguments(tmp_path / "run")
    again = arguments_class(task)(
        **{name: tuple(v) if isinstance(v, list) else v for name, v in values.items()}
    )
    loaded, _, _ = load_run(tmp_path / "run")
    assert loaded.arguments == again
    # Asked for once more with the same options, it is the same run.
    assert run(tmp_path, resume=True, num_latents=3)["parameters"] == results["parameters"]
