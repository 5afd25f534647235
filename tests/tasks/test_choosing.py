"""What a task chooses from its data: the user first, then a size or a start, then advice, then the usual values."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from perceivers.arguments import DataArguments, RunArguments, TrainingArguments
from perceivers.arguments.advice import Advice
from perceivers.arguments.open import AUTO
from perceivers.configuration import PerceiverConfig
from perceivers.data.tables import ListTable
from perceivers.kinds.image.kind import ImageKind
from perceivers.kinds.image.options import ImageOptions
from perceivers.kinds.text.kind import TextKind
from perceivers.tasks.choosing import (
    count_of,
    for_length,
    options_of,
    sampled_cells,
    with_inputs,
    with_network,
)
from perceivers.tasks.image_classification.options import ImageClassificationArguments
from perceivers.tasks.text_classification.options import TextClassificationArguments


@pytest.fixture
def pictures(tmp_path: Path) -> ListTable:
    Image.new("L", (13, 11)).save(tmp_path / "x.png")
    return ListTable([{"image": str(tmp_path / "x.png"), "label": "a"}] * 7, "t")


def read(table: ListTable, start: str | None = None, **chosen: Any) -> Any:
    return with_inputs(
        ImageClassificationArguments(**chosen),
        "image-classification",
        ImageKind,
        table=table,
        column="image",
        num_rows=len(table),
        start=start,
    )


def run_of(**chosen: Any) -> RunArguments:
    return RunArguments(output="x", data=DataArguments(data="y"), training=TrainingArguments(**chosen))


def test_how_pictures_are_read_is_chosen_from_them(pictures: ListTable) -> None:
    chosen = read(pictures)
    advised = ImageKind.advise(sampled_cells(pictures, "image"), pictures, 7, 0.0)
    assert options_of(ImageKind, chosen) == advised
    assert advised.image_channels == 1
    assert chosen.num_latents == AUTO


def test_the_user_goes_first_and_what_does_not_go_with_that_is_not_taken(pictures: ListTable) -> None:
    chosen = read(pictures, image_height=5, input_form="learned", pixel_channels=3)
    assert (chosen.image_height, chosen.input_form, chosen.pixel_channels) == (5, "learned", 3)
    assert chosen.image_channels == 1, "still chosen"
    assert chosen.num_fourier_bands is None, "is for another form"


def test_where_the_advice_does_not_fit_the_usual_values_do(
    pictures: ListTable, monkeypatch: pytest.MonkeyPatch
) -> None:
    advised = ImageKind.options_class(image_channels=1, pixel_std=(0.1,), pixel_mean=(0.2,))
    monkeypatch.setattr(ImageKind, "advise", lambda *given: advised)
    assert read(pictures).pixel_std == (0.1,)
    # One channel is advised, and three means are given.
    chosen = read(pictures, pixel_mean=(0.1, 0.2, 0.3))
    assert (chosen.pixel_mean, chosen.pixel_std, chosen.image_channels) == ((0.1, 0.2, 0.3), (0.5,), 3)


def test_the_papers_read_as_the_papers_do(pictures: ListTable) -> None:
    chosen = read(pictures, size="paper", flip=0.0)
    assert (chosen.image_height, chosen.num_latents, chosen.flip) == (224, 512, 0.0)


def test_a_run_to_start_from_says_how_it_read(pictures: ListTable, tmp_path: Path) -> None:
    entry = {"kind": "image", "options": {"image_height": 9, "pixel_mean": [0.1], "image_channels": 1}}
    (tmp_path / "columns.json").write_text(json.dumps({"inputs": [entry]}))
    chosen = read(pictures, start=str(tmp_path), image_channels=3)
    assert (chosen.image_height, chosen.pixel_mean, chosen.image_channels) == (9, (0.1,), 3)
    assert chosen.image_width == 16, "the usual value"
    assert read(pictures, start="deepmind/vision-perceiver-fourier").image_height == 16


def test_texts_are_as_long_as_the_checkpoint_to_start_from_takes(tmp_path: Path) -> None:
    texts = ListTable([{"text": "a day at sea", "label": "a"}], "t")
    for known, expected in ((64, 64), (2048, 256)):
        PerceiverConfig(max_position_embeddings=known).save_pretrained(tmp_path)
        chosen = with_inputs(
            TextClassificationArguments(),
            "text-classification",
            TextKind,
            table=texts,
            column="text",
            num_rows=1,
            start=str(tmp_path),
        )
        assert chosen.max_length == expected


def test_without_a_cell_to_look_at_the_usual_values_are_taken() -> None:
    assert read(ListTable([{"image": None, "label": "a"}], "t")).image_height == 16


def test_cells_are_spread_over_the_rows_and_empty_ones_are_passed_over() -> None:
    table = ListTable([{"a": index or None} for index in range(1_000)], "t")
    cells = sampled_cells(table, "a")
    assert cells == list(range(5, 1_000, 5))
    assert count_of(table) == 1_000
    assert count_of(iter(())) == 100_000


def test_the_network_is_the_users_then_the_kinds_then_the_rules(monkeypatch: pytest.MonkeyPatch) -> None:
    kind = TextKind(TextKind.options_class(max_length=70))
    monkeypatch.setattr(TextKind, "learning", lambda self, rows, classes: Advice(num_layers=5, epochs=11))
    arguments, advice = with_network(
        TextClassificationArguments(latent_channels=96, num_layers=7),
        kind,
        run=run_of(),
        num_rows=300,
        num_classes=3,
    )
    assert (arguments.num_layers, arguments.num_latents, arguments.embedding_channels) == (7, 32, 96)
    assert arguments.label_smoothing == 0.1
    assert [name for name, value in asdict(arguments).items() if value == AUTO] == ["size"]
    assert (advice.epochs, advice.batch_size) == (11, 32)
    arguments, _ = with_network(
        TextClassificationArguments(), kind, run=run_of(), num_rows=300, num_classes=3
    )
    assert arguments.num_layers == 5


def test_with_the_usual_size_nothing_is_advised() -> None:
    arguments = TextClassificationArguments(size="usual", num_layers=7)
    found, advice = with_network(
        arguments, TextKind(TextKind.options_class()), run=run_of(), num_rows=300, num_classes=3
    )
    assert found == arguments
    assert advice == Advice()


def test_a_run_of_the_users_own_length_climbs_for_the_same_share() -> None:
    advice = Advice(epochs=10, batch_size=5, warmup_steps=20, ema_decay=0.95)
    assert for_length(advice, run_of(), 100) == advice
    # 10 steps instead of 200.
    shorter = for_length(advice, run_of(steps=10), 100)
    assert (shorter.warmup_steps, shorter.ema_decay) == (1, 0.0)
    longer = for_length(advice, run_of(epochs=20), 100)
    assert (longer.warmup_steps, longer.ema_decay) == (40, 0.975)


def test_advice_hears_what_the_user_has_chosen(tmp_path: Path) -> None:
    # Brighter than files of floating-point numbers are, if nobody says what is white.
    Image.new("F", (28, 28), 200.0).save(tmp_path / "x.tif")
    table = ListTable([{"image": str(tmp_path / "x.tif"), "label": "a"}] * 7, "t")
    assert read(table, white_level=255.0).image_height == 28
    assert read(table).image_height == ImageOptions().image_height
