"""What is chosen from the rows of a table: bounds, and that more rows never mean less."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from perceivers.tasks.table.sizing import table_advice, table_batch_size, table_epochs, table_sizes

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


@given(ROWS, st.integers(0, 5))
def test_every_advice_can_be_followed(rows: int, num_large: int) -> None:
    advice = table_advice(rows, num_large=num_large)
    assert 1 <= advice.batch_size <= max(rows, 32)
    assert 1 <= advice.warmup_steps < advice.epochs * -(-rows // advice.batch_size) + 1
    assert advice.keep_best


def test_pictures_and_sounds_take_more_latents_and_smaller_steps() -> None:
    assert table_sizes(512, num_large=1, has_numbers_to_answer=False).num_latents == 32
    assert table_advice(3_000, num_large=2).batch_size == 32
    assert table_advice(3_000, num_large=2).epochs == 2 * table_advice(3_000, num_large=0).epochs
