"""Tables from end to end, tiny: several targets, gaps, groups, balance, intervals, calibration."""

from __future__ import annotations

import csv
import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from perceivers.answers.number import Number
from perceivers.answers.one_class import OneClass
from perceivers.answers.several_labels import SeveralLabels
from perceivers.arguments import DataArguments
from perceivers.cli import main
from perceivers.data.frames import table_of
from perceivers.tasks.registry import load_run
from perceivers.tasks.table.options import TableArguments
from perceivers.tasks.table.plan import plan_table
from perceivers.tasks.table.task import TableTask
from tiny_tables import fit_tiny, fruit, rows_of, without, write_table

SMALL = ["--num-latents", "5", "--latent-channels", "16", "--num-layers", "1", "--token-channels", "16",
         "--queries-per-answer", "1", "--batch-size", "13", "--watch-every", "1000",
         "--learning-rate", "0.01", "--no-linear-start", "--device", "cpu"]  # fmt: skip


def gappy(count: int = 151) -> dict[str, list[Any]]:
    """`fruit` with empty cells everywhere; rows 20 and 40 have no target at all."""
    columns = fruit(count)
    for index in range(0, count, 11):
        columns["size"][index] = columns["colour"][(index + 1) % count] = None
    for index in range(3, count, 13):
        columns["price"][index] = columns["kind"][(index + 5) % count] = None
    for index in (20, 40):
        columns["price"][index] = columns["kind"][index] = columns["tags"][index] = None
    return columns


def command(*arguments: str) -> None:
    with pytest.raises(SystemExit) as stopped:
        main(list(arguments))
    assert not stopped.value.code


def test_a_table_with_gaps_and_three_targets_is_learned_and_answered_by_the_command(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data, run = write_table(tmp_path / "fruit.csv", gappy()), tmp_path / "run"
    command(
        "train", "table", "--data", str(data), "--target", "price", "--target", "kind:class", "--target", "tags:labels",
        "--output", str(run), "--epochs", "14", *SMALL,
    )  # fmt: skip
    shown = capsys.readouterr().out
    assert "2 rows without any target are left out" in shown
    assert "price/r2" in shown
    task, parts, recorded = load_run(run)
    assert isinstance(task, TableTask)
    assert [(type(each), each.column) for each in parts.processor.answers.values()] == [
        (Number, "price"), (OneClass, "kind"), (SeveralLabels, "tags")
    ]  # fmt: skip
    assert set(parts.model.config.modalities) == {"numbers", "categories"}
    splits = task.load_data(recorded.data, parts)
    assert sum(map(len, (splits.train, splits.validation, splits.test))) == 149
    command("evaluate", str(run), "--device", "cpu", "--beside", "trees")
    compared = capsys.readouterr().out
    for word in ("this model", "trees", "majority", "kind/accuracy", "tags/mean average precision", "score"):
        assert word in compared
    assert "trees and majority: fitted to" in compared
    asked = write_table(tmp_path / "asked.csv", without(fruit(9, seed=4), "price", "kind", "tags", "noise"))
    command("predict", str(run), str(asked), "--output", str(tmp_path / "answers"), "--device", "cpu")
    shown = capsys.readouterr().out
    assert f"`{asked}` has no column noise: what is missing is masked in every row" in shown
    with (tmp_path / "answers" / "predictions.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert list(rows[0])[:3] == ["source", "size", "colour"]
    right = [row["kind"] == ("big" if float(row["size"]) > 5 else "small") for row in rows]
    assert sum(right) >= 8
    command("explain", str(run), "--output", str(tmp_path / "why"), "--repeats", "2", "--device", "cpu")
    explained = capsys.readouterr().out
    first = next(line for line in explained.splitlines() if line.startswith("│"))
    assert first.split("│")[1].strip() == "size"


def test_a_missing_target_counts_for_nothing_in_its_own_answer_alone() -> None:
    columns = {"size": [1.0, 2.0, 3.0, 4.0], "kind": ["a", None, "b", "a"], "price": [None, 2.0, 4.0, 6.0]}
    task = TableTask(
        TableArguments(
            target=("kind:class", "price:number"),
            num_latents=3,
            latent_channels=8,
            num_layers=1,
            queries_per_answer=1,
        )
    )
    task.table_plan = plan_table(table_of(columns), task.arguments)
    task.arguments, task.columns = task.table_plan.arguments, task.table_plan.chosen
    kind = task.columns.inputs[0].kind.settle([np.array([value]) for value in columns["size"]], ("size",))
    task.columns = dataclasses.replace(
        task.columns, inputs=(dataclasses.replace(task.columns.inputs[0], kind=kind),)
    )
    samples = [task.columns.read(row, None) for row in rows_of(columns)]
    model = task.build_model(task.columns, None).eval()
    batch = task.collate(task.columns, samples)
    assert batch["labels"]["kind"].tolist() == [0, -100, 1, 0]
    assert batch["labels"]["price"].isnan().tolist() == [True, False, False, False]
    whole = task.step(model, batch)
    assert not whole.loss.isnan()
    # Each answer's mean is over the rows that have its target.
    single = [task.step(model, task.collate(task.columns, [sample])) for sample in samples]
    logits = torch.cat([step.measured["kind/preds"] for step in single])
    of_classes = torch.nn.functional.cross_entropy(logits[[0, 2, 3]], torch.tensor([0, 1, 0]))
    said = torch.cat([step.measured["price/preds"] for step in single])[1:]
    of_numbers = ((said - torch.tensor([2.0, 4.0, 6.0])) / np.std([2.0, 4.0, 6.0])).square().mean()
    assert whole.loss.item() == pytest.approx((of_classes + of_numbers).item(), rel=1e-4)


def test_quantiles_are_answered_as_intervals_that_hold_their_share() -> None:
    predictor = fit_tiny(without(fruit(), "kind", "tags"), "price", quantiles=[0.1, 0.5, 0.9], epochs=14)
    with pytest.warns(UserWarning, match="holds the column 'price', which is answered"):
        rows = predictor(without(fruit(200, seed=8), "kind", "tags"))
    assert all(isinstance(row, dict) for row in rows)
    inside = [row["price_low"] <= row["price"] <= row["price_high"] for row in rows]  # type: ignore[index]
    assert 0.55 < sum(inside) / len(inside) <= 1.0
    assert all(row["price_low"] <= row["price_answer"] <= row["price_high"] for row in rows)  # type: ignore[index]
    measured = predictor.results["test"]
    assert {"pinball", "coverage", "interval_width"} <= set(measured)
    assert measured["interval_width"] > 0.0


def test_balanced_classes_count_alike(tmp_path: Path) -> None:
    generator = np.random.default_rng(0)
    columns = {
        "noise": generator.normal(size=200).tolist(),
        "rare": ["yes" if index % 10 == 0 else "no" for index in range(200)],
    }
    plain, balanced = (
        fit_tiny(columns, "rare", epochs=3, balance=balance, calibrate=False)
        .values(columns)["rare"]
        .mean(axis=0)
        for balance in ("none", "classes")
    )
    # Nothing tells the classes apart: the answer is how much each counts, 0.9 and 0.1, or alike.
    assert plain[0] > 0.75
    assert abs(balanced[0] - 0.5) < 0.2


def test_calibration_changes_the_temperature_and_nothing_else(tmp_path: Path) -> None:
    columns = without(fruit(83), "price", "tags")
    for index in range(0, 83, 5):
        columns["kind"][index] = "small"
    found = {}
    for name, calibrate in (("with", True), ("without", False)):
        fit_tiny(
            columns, "kind", output=tmp_path / name, epochs=3, calibrate=calibrate, validation_fraction=0.3
        )
        _, parts, _ = load_run(tmp_path / name)
        found[name] = parts
    first, second = found["with"].processor.answers["kind"], found["without"].processor.answers["kind"]
    assert second.temperature == 1.0
    assert first.temperature != 1.0
    for one, other in zip(found["with"].model.parameters(), found["without"].model.parameters(), strict=True):
        assert torch.equal(one, other)


def test_a_group_stays_in_one_part_and_is_not_read() -> None:
    columns = {"owner": [f"p{index // 4}" for index in range(80)], **without(fruit(80), "price", "tags")}
    data = table_of(columns)
    task = TableTask(TableArguments(target=("kind",)))
    task.open = lambda arguments: {"train": data}  # type: ignore[method-assign]
    splits = task.load_data(DataArguments(data="table", validation_fraction=0.25, group_column="owner"))
    owners = [
        {part.table.column("owner")[index] for index in part.indices}  # type: ignore[attr-defined]
        for part in (splits.train, splits.validation, splits.test)
    ]
    assert all(owners)
    assert not owners[0] & owners[1]
    assert not owners[0] & owners[2]
    assert not owners[1] & owners[2]
    assert "owner" not in task.columns.columns_read
    assert [(each.role, each.kind) for each in task.table_plan.columns if each.name == "owner"] == [
        ("group", "")
    ]  # type: ignore[union-attr]


def test_another_table_may_lack_a_target_of_several(tmp_path: Path) -> None:
    from perceivers.training.evaluation import evaluate

    data = write_table(tmp_path / "fruit.csv", fruit(80))
    fit_tiny(data, ["kind", "price", "tags:labels"], output=tmp_path / "run", epochs=1)
    other = write_table(tmp_path / "other.csv", without(fruit(30, seed=1), "tags", "noise"))
    results = evaluate(tmp_path / "run", data=str(other), split="all", device="cpu")
    assert results["samples"] == 30
    assert results["metrics"]["kind/accuracy"] >= 0.0
    assert np.isnan(results["metrics"]["tags/mean_average_precision"])
    assert not np.isnan(results["metrics"]["score"])


def test_a_part_that_lacks_a_column_is_told_before_training_and_when_it_is_measured(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data = write_table(tmp_path / "data.csv", without(fruit(53), "price", "tags"))
    lacking = write_table(tmp_path / "test.csv", without(fruit(17, seed=1), "price", "tags", "size"))
    empty = write_table(tmp_path / "empty.csv", {"kind": ["big", "small", "big"]})
    options = ("--data", str(data), "--target", "kind", "--output", str(tmp_path / "run"), "--no-linear-start",
               "--device", "cpu")  # fmt: skip
    note = f"`{lacking}` has no column size: what is missing is masked in every row"
    refused = f"`{empty}` must have one of the columns size, noise, colour to be answered from, received kind"
    with pytest.raises(SystemExit):
        main(["train", "table", *options, "--test-data", str(empty)])
    assert refused in capsys.readouterr().err
    command("train", "table", *options, "--test-data", str(lacking), "--steps", "2", "--beside", "none")
    assert note in capsys.readouterr().out
    command("evaluate", str(tmp_path / "run"), "--data", str(lacking), "--device", "cpu")
    assert note in capsys.readouterr().out


def test_answers_are_called_alike_in_all_rows_where_one_of_several_tables_has_their_column(
    tmp_path: Path,
) -> None:
    run = fit_tiny(
        write_table(tmp_path / "fruit.csv", fruit(40)), ["kind", "price"], output=tmp_path / "run", epochs=1
    )
    plain = write_table(tmp_path / "plain.csv", without(fruit(3), "kind", "price"))
    told = write_table(tmp_path / "told.csv", without(fruit(3), "price"))
    alone = run.predictions([str(plain)])
    assert {"kind", "price"} < set(alone[0].values)
    first, *_, last = run.predictions([str(plain), str(told)])
    assert first.values["kind_answer"] == last.values["kind_answer"] == alone[0].values["kind"]
    assert "kind" not in first.values
    assert last.values["kind"] == fruit(3)["kind"][-1]
    assert "price_answer" not in first.values, "no table has the price"
