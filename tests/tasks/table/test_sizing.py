"""What is chosen from the rows of a table: bounds, and that more rows never mean less."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from perceivers.kinds.image.kind import ImageKind
from perceivers.kinds.image.sizing import Looks, image_options
from perceivers.kinds.number.kind import NumberKind
from perceivers.kinds.number.options import NumberOptions
from perceivers.kinds.passes import stem_learning
from perceivers.kinds.series.kind import SeriesKind
from perceivers.kinds.series.options import SeriesOptions
from perceivers.tasks.inputs import Input
from perceivers.tasks.table.options import TableArguments
from perceivers.tasks.table.sizing import (
    count_large,
    learned_alone,
    stems_of,
    table_advice,
    table_batch_size,
    table_epochs,
    table_sizes,
)

ROWS = st.integers(1, 10**7)


def test_the_measured_sizes_are_those_that_were_measured() -> None:
    # The rows that the rules were chosen on: imdb's folds, california, adult.
    assert [table_batch_size(rows) for rows in (512, 14_000, 33_000)] == [64, 256, 512]
    assert [table_epochs(rows) for rows in (512, 14_000, 33_000)] == [30, 12, 10]
    few = table_sizes(512, num_large=0, has_numbers_to_answer=False)
    assert (few.num_latents, few.latent_channels, few.num_layers, few.mlp_dropout) == (4, 32, 1, 0.3)
    numbers = table_sizes(14_000, num_large=0, has_numbers_to_answer=True)
    assert (numbers.num_latents, numbers.num_layers, numbers.hidden) == (8, 2, 0.0)


@given(ROWS, ROWS)
def test_more_rows_mean_larger_batches_and_fewer_passes(first: int, second: int) -> None:
    few, many = sorted((first, second))
    assert 1 <= table_batch_size(few) <= max(table_batch_size(many), 63) <= 512
    assert 10 <= table_epochs(many) <= table_epochs(few) <= 30


@given(ROWS, st.integers(0, 5), st.booleans())
def test_every_advice_can_be_followed(rows: int, num_large: int, asks_numbers: bool) -> None:
    advice = table_advice(rows, num_large=num_large, has_numbers_to_answer=asks_numbers)
    assert advice.ema_decay is None or 0.0 <= advice.ema_decay < 1.0
    assert 1 <= advice.batch_size <= max(rows, 32)
    assert 1 <= advice.warmup_steps < advice.epochs * -(-rows // advice.batch_size) + 1
    assert advice.keep_best


def test_pictures_and_sounds_take_more_latents_and_smaller_steps() -> None:
    large, small = (table_sizes(512, num_large=count, has_numbers_to_answer=False) for count in (1, 0))
    assert (large.num_latents, large.label_smoothing) == (32, 0.1)
    assert small.label_smoothing == 0.0
    few, many = (table_advice(3_000, num_large=count, has_numbers_to_answer=False) for count in (0, 2))
    assert (many.batch_size, many.epochs) == (32, 2 * few.epochs)


def test_what_goes_through_a_stem_is_learned_as_it_would_be_alone_the_costliest_first() -> None:
    cheap, costly = stem_learning(3_000, 1e6, in_bfloat16=True), stem_learning(3_000, 1e9, in_bfloat16=False)
    assert costly.epochs < cheap.epochs
    loop = table_advice(3_000, num_large=2, has_numbers_to_answer=False, stems=[cheap, costly])
    assert (loop.epochs, loop.batch_size, loop.ema_decay) == (costly.epochs, 64, costly.ema_decay)
    assert (loop.stem_precision, loop.keep_best) == ("float32", True)
    pictures = Input("picture", ("photo",), ImageKind(image_options(Looks([(64, 64)], False, True))))
    numbers = Input("numbers", ("age",), NumberKind(NumberOptions()))
    (alone,) = stems_of([pictures, numbers], 500)
    assert alone == pictures.kind.learning(500)
    assert stems_of([numbers], 500) == []


def test_a_network_looks_into_patterns_for_classes_and_into_steps_for_all() -> None:
    numbers, patterns, steps = (
        NumberKind(NumberOptions()),
        SeriesKind(SeriesOptions(tokens="patterns")),
        SeriesKind(SeriesOptions(tokens="steps")),
    )
    kinds = [numbers, patterns, steps]
    assert count_large(kinds, has_numbers_to_answer=True) == 1
    assert count_large(kinds, has_numbers_to_answer=False) == 2


def test_a_lone_column_has_the_network_and_the_loop_that_it_has_by_itself() -> None:
    series = SeriesKind(SeriesOptions(tokens="patterns"))
    alone = learned_alone([series], 97, has_numbers_to_answer=False, num_classes=3)
    assert alone is not None
    assert alone == series.learning(97, 3)
    sizes = table_sizes(97, num_large=1, has_numbers_to_answer=False)
    chosen = TableArguments(target=("kind",), num_layers=5).sized(sizes, alone)
    assert (chosen.num_latents, chosen.latent_channels, chosen.num_cross_heads) == (8, 64, 1)
    # What the user gave goes first.
    assert chosen.num_layers == 5
    numbers, steps = NumberKind(NumberOptions()), SeriesKind(SeriesOptions(tokens="steps"))
    # Steps by themselves are learned as any other kind.
    for kinds in ([series, numbers], [numbers], [steps]):
        assert learned_alone(kinds, 97, has_numbers_to_answer=False) is None
    # Of numbers, patterns tell more by themselves.
    assert learned_alone([series], 97, has_numbers_to_answer=True) is None


def test_numbers_are_learned_in_more_passes_and_by_a_mean_of_the_weights() -> None:
    classes, numbers, few = (
        table_advice(rows, num_large=0, has_numbers_to_answer=asks)
        for rows, asks in ((33_000, False), (33_000, True), (500, True))
    )
    # 65 steps of 512 rows a pass; a fifth of 1,625 steps are 325.
    assert (classes.epochs, classes.ema_decay) == (10, None)
    assert (numbers.epochs, numbers.ema_decay) == (25, round(1 - 1 / 325, 6))
    assert (few.epochs, few.ema_decay) == (30, None)


def test_few_rows_that_start_as_linear_models_are_held_back_by_the_validation_rows_alone() -> None:
    sizes = table_sizes(500, num_large=0, has_numbers_to_answer=True, may_start_linear=True)
    assert (sizes.linear_start, sizes.token_rate, sizes.hidden, sizes.mlp_dropout) == (True, 1.0, 0.0, 0.0)
    advice = table_advice(500, num_large=0, has_numbers_to_answer=True, starts_linear=True)
    assert (advice.epochs, advice.learning_rate) == (60, 3e-3)


def test_many_rows_start_as_linear_models_where_they_have_texts() -> None:
    without, with_texts = (
        table_sizes(
            5_000, num_large=0, has_numbers_to_answer=False, may_start_linear=True, has_linear_first=has_texts
        )
        for has_texts in (False, True)
    )
    assert (without.linear_start, with_texts.linear_start) == (False, True)
    assert (with_texts.num_latents, with_texts.hidden) == (8, 0.1)
