"""Tasks that answer one column from another: which columns those are, in the training data and in others."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image
from torch import nn

from perceivers.answers.one_class import OneClass
from perceivers.arguments import DataArguments
from perceivers.arguments.open import completed
from perceivers.data.tables import ListTable
from perceivers.errors import DataError
from perceivers.tasks.base import Parts
from perceivers.tasks.columns import Columns
from perceivers.tasks.image_classification.options import ImageClassificationArguments
from perceivers.tasks.image_classification.task import ImageClassification
from perceivers.tasks.one_column_task import ANSWER


def rows(folder: Path, count: int = 12, **columns: str) -> list[dict[str, Any]]:
    """Rows with pictures and two classes in turn, under the names that are given."""
    names = {"image": "image", "label": "label", **columns}
    Image.new("L", (3, 5)).save(folder / "x.png")
    return [
        {names["image"]: str(folder / "x.png"), names["label"]: ("cat", "dog")[index % 2]}
        for index in range(count)
    ]


@pytest.fixture
def task() -> ImageClassification:
    return ImageClassification(ImageClassificationArguments(image_column="photo", label_column="kind"))


def test_the_first_of_the_names_that_a_table_has_is_read(task: ImageClassification, tmp_path: Path) -> None:
    both = [{**row, "file": "unread.png"} for row in rows(tmp_path, image="photo", label="kind")]
    columns = task.choose({"train": ListTable(both, "t")})
    assert columns.inputs[0].columns == ("photo",)
    assert columns.answers["label"].column == "kind"
    files = rows(tmp_path, image="file", label="kind")
    assert task.choose({"train": ListTable(files, "t")}).inputs[0].columns == ("file",)


def test_other_data_may_have_the_input_in_another_of_its_columns(
    task: ImageClassification, tmp_path: Path
) -> None:
    columns = task.choose({"train": ListTable(rows(tmp_path, image="photo", label="kind"), "t")})
    (tmp_path / "t.jsonl").write_text(
        "".join(json.dumps(row) + "\n" for row in rows(tmp_path, image="file", label="kind"))
    )
    splits = task.load_data(DataArguments(data=str(tmp_path / "t.jsonl")), Parts(None, columns))  # type: ignore[arg-type]
    assert len(splits.part("all")) == 12
    assert task.columns.inputs[0].columns == ("file",)
    assert isinstance(task.columns, Columns)


def test_a_table_without_the_columns_is_an_error(task: ImageClassification, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="`t` must have a column 'photo', received image, kind"):
        task.choose({"train": ListTable(rows(tmp_path, label="kind"), "t")})
    with pytest.raises(DataError, match="`t` must have a column 'kind', received photo, label"):
        task.choose({"train": ListTable(rows(tmp_path, image="photo"), "t")})


def test_rows_without_a_label_are_left_out_and_counted(tmp_path: Path) -> None:
    given = rows(tmp_path, count=20)
    for place in (3, 7, 11):
        given[place]["label"] = ("", None, "  ")[place % 3]
    path = tmp_path / "t.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in given))
    task = ImageClassification(ImageClassificationArguments())
    splits = task.load_data(DataArguments(data=str(path)))
    assert len(splits.part("all")) == 17
    assert "3 rows without any target are left out" in task.plan(splits)
    assert {sample.targets[0] for sample in (splits.train[index] for index in range(len(splits.train)))} == {
        0,
        1,
    }
    known = Parts(None, task.columns)  # type: ignore[arg-type]
    assert len(task.load_data(DataArguments(data=str(path)), known).part("all")) == 17
    nothing = tmp_path / "nothing.jsonl"
    nothing.write_text("".join(json.dumps({**row, "label": ""}) + "\n" for row in given))
    with pytest.raises(
        DataError, match=r"has no value in the column 'label' of any row: rows without answers"
    ):
        task.load_data(DataArguments(data=str(nothing)), known)
    with pytest.raises(
        DataError, match="must hold two classes or more in the column 'label', received only None"
    ):
        ImageClassification(ImageClassificationArguments()).load_data(DataArguments(data=str(nothing)))


def test_classes_are_those_of_the_training_part_whatever_the_order_of_parts(
    task: ImageClassification, tmp_path: Path
) -> None:
    train = rows(tmp_path, image="photo", label="kind")
    test = [{**train[0], "kind": name} for name in ("cow", "goat")]
    columns = task.choose({"test": ListTable(test, "test"), "train": ListTable(train, "train")})
    assert columns.answers["label"].names == ("cat", "dog")


def test_a_table_names_no_files_above_its_folder(task: ImageClassification, tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    named = [
        {**row, "photo": f"../{Path(row['photo']).name}"}
        for row in rows(tmp_path, image="photo", label="kind")
    ]
    (tmp_path / "in" / "t.jsonl").write_text("".join(json.dumps(row) + "\n" for row in named))
    with pytest.raises(
        DataError, match=r"t.jsonl, row 1`: names '../.*', which lies outside the folder of its table"
    ):
        task.load_data(DataArguments(data=str(tmp_path / "in" / "t.jsonl")))


@pytest.mark.parametrize(
    ("arguments", "is_corrected"),
    [
        (ImageClassificationArguments(label_smoothing=0.1), True),
        (ImageClassificationArguments(cutmix=1.0), True),
        (ImageClassificationArguments(label_smoothing=0.0, mixup=0.0), False),
    ],
)
def test_probabilities_are_corrected_where_targets_were_softened(
    arguments: ImageClassificationArguments, is_corrected: bool
) -> None:
    """Twenty-three validation rows, of which all but one are right, not sure of any."""
    task = ImageClassification(completed(arguments))
    answer = OneClass("label", names=("cat", "dog"))
    columns = Columns(inputs=(), answers={ANSWER: answer})
    scores = torch.zeros(23, 2)
    scores[:, 0] = 0.5
    truth = torch.tensor([1] + [0] * 22)
    found = task.finish(Parts(nn.Identity(), columns), lambda: {"label/preds": scores, "label/target": truth})
    temperature = found.processor.answers[ANSWER].temperature
    # Surer, on the way to ln(22), the logit of 22 in 23, in the place of 0.5; so few rows do not say it all.
    assert 0.5 / math.log(22) < temperature < 0.85 if is_corrected else temperature == 1.0
