"""What is said of a run before it trains."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from perceivers.answers.number import Number
from perceivers.answers.one_class import OneClass
from perceivers.answers.several_labels import SeveralLabels
from perceivers.arguments import DataArguments, OptimizationArguments, RunArguments, TrainingArguments
from perceivers.data.rows import RowSamples
from perceivers.data.splits import Splits
from perceivers.data.tables import ListTable
from perceivers.kinds.text.kind import TextKind
from perceivers.kinds.text.options import TextOptions
from perceivers.tasks.image_classification.options import ImageClassificationArguments
from perceivers.tasks.inputs import Input
from perceivers.tasks.masked_autoencoding.task import MaskedAutoencoding
from perceivers.tasks.table.options import TableArguments
from perceivers.tasks.telling import asked_for, classes_in_words, cut_in_words, run_in_words, samples_in_words


def part(cells: list[Any], column: str = "label", kept: list[int] | None = None) -> RowSamples:
    table = ListTable([{column: cell} for cell in cells], "t")
    return RowSamples(table, range(len(cells)) if kept is None else kept, lambda row, table: row)  # type: ignore[arg-type]


def test_classes_are_told_with_rows_and_shares() -> None:
    cells = ["dog", "cat", "dog", None, "dog", "cow"]
    answer = OneClass("label").settle([cell for cell in cells if cell], "t")
    assert classes_in_words(answer, part(cells)) == "3: dog 3 (60%), cat 1 (20%), cow 1 (20%)"
    # A class of the data that the training part lacks.
    numbers = ["7", "7", "11"]
    assert (
        classes_in_words(OneClass("label").settle(numbers, "a"), part(numbers))
        == "2: '7' 2 (67%), '11' 1 (33%)"
    )
    assert classes_in_words(answer, part(cells, kept=[0, 1])) == "3: cat 1 (50%), dog 1 (50%), cow 0 (0%)"


def test_of_many_classes_the_frequent_ones_and_the_rarest_are_named() -> None:
    cells = [f"c{index:02d}" for index in range(20) for _ in range(20 - index)]
    said = classes_in_words(OneClass("label").settle(cells, "t"), part(cells))
    assert said == (
        "20: c00 20 (10%), c01 19 (9%), c02 18 (9%), c03 17 (8%), c04 16 (8%), c05 15 (7%), 13 more, the rarest c19 1 (0%)"
    )


def test_labels_count_each_for_itself() -> None:
    cells = ["a,b", "b", ""]
    answer = SeveralLabels("label").settle(cells[:2], "t")
    assert classes_in_words(answer, part(cells)) == "2: b 2 (100%), a 1 (50%)"


def test_numbers_and_streams_have_no_classes() -> None:
    assert classes_in_words(Number("label").settle(["1", "2"], "t"), part(["1", "2"])) is None
    assert classes_in_words(OneClass("label").settle(["a", "b"], "t"), iter(())) is None


def test_texts_that_are_cut_are_counted() -> None:
    texts = Input("text", ("text",), TextKind(TextOptions(max_length=8)))
    rows = part(["short", "far too long", None, "long again"], "text")
    assert cut_in_words([texts], rows) == "2 of 4 in text: their ends are not seen"
    assert cut_in_words([texts], part(["short"], "text")) is None


def test_the_parts_are_counted() -> None:
    splits = Splits(part(["a"] * 3), part(["a"]), part(["a"], kept=[]), (), ("x cannot be read",))
    assert samples_in_words(splits) == "train 3, validation 1, test 0; 1 left out as unreadable"


def test_the_network_and_the_loop_are_told_and_what_was_given() -> None:
    asked = ImageClassificationArguments(num_layers=2)
    run = RunArguments(output="x", data=DataArguments(data="y"), training=TrainingArguments(epochs=1))
    complete = ImageClassificationArguments(size="usual", num_layers=2)
    given = asked_for(asked, run)
    assert given == {"num_layers": 2, "epochs": 1}
    whole = RunArguments(
        output="x",
        data=run.data,
        training=TrainingArguments(
            epochs=1, batch_size=7, keep_best=True, ema_decay=0.9, compile=True, patience=3
        ),
        optimization=OptimizationArguments(learning_rate=0.003, warmup_steps=1, weight_decay=0.05),
    )
    said = run_in_words(
        sees=["7 x 5 pixels"], parameters=1_234, arguments=complete, run=whole, steps=13, asked=given
    )
    assert said == {
        "a sample": "7 x 5 pixels",
        "network": "32 latents of 64 channels, 2 layers, 1,234 parameters",
        "training": "13 steps, 1 pass, 7 samples a step, the best weights are kept, ends after 3 looks without a better one, "
        "as means over 10 steps, compiled",
        "learning rate": "0.003 after 1 step of climb, adamw, weight decay 0.05",
        "given": "num-layers 2, epochs 1; all else has its usual value (arguments.yaml has it)",
    }


def test_of_a_task_that_chooses_nothing_only_what_was_given_is_told() -> None:
    run = RunArguments(output="x", data=DataArguments(data="y"), training=TrainingArguments(epochs=7))
    task = MaskedAutoencoding()
    given = asked_for(task.asked, run)
    assert given == {"epochs": 7}
    whole = replace(run, training=TrainingArguments(epochs=7, batch_size=7, keep_best=False))
    whole = replace(
        whole, optimization=OptimizationArguments(learning_rate=0.003, warmup_steps=1, weight_decay=0.05)
    )
    said = run_in_words(
        sees=[],
        parameters=1,
        arguments=task.arguments,
        run=whole,
        steps=13,
        asked=given,
        chooses=task.chooses,
    )
    assert said["given"] == "epochs 7; all else has its usual value (arguments.yaml has it)"


@pytest.mark.parametrize(
    ("chosen", "expected"),
    [
        ({}, {}),
        ({"size": "tiny"}, {"size": "tiny"}),
        ({"size": "usual", "num_layers": 3, "num_latents": 5}, {"size": "usual", "num_latents": 5}),
        ({"qk_channels": None}, {"qk_channels": None}),
    ],
)
def test_what_the_user_gave_is_told_from_what_is_chosen(
    chosen: dict[str, Any], expected: dict[str, Any]
) -> None:
    run = RunArguments(output="x", data=DataArguments(data="y"))
    assert asked_for(ImageClassificationArguments(**chosen), run) == expected


def test_options_of_columns_are_among_what_was_given() -> None:
    chosen = TableArguments(
        target=("y",), column_options=("s:tokens=steps", "p:white-level=255"), num_latents=7
    )
    run = RunArguments(output="run", data=DataArguments(data="t.csv"))
    assert asked_for(chosen, run) == {"num_latents": 7, "column_options": "s:tokens=steps p:white-level=255"}
    assert asked_for(TableArguments(target=("y",)), run) == {}
