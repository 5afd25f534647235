"""How texts are read and learned, from their number: alone, and beside other columns."""

from __future__ import annotations

import pytest

from perceivers.kinds.text.sizing import batch_size_of, lone_text_options, text_learning, text_options


@pytest.mark.parametrize(
    ("num_rows", "hide"), [(3, 0.7), (1_000, 0.7), (8_000, 0.4), (16_000, 0.3), (10**9, 0.0)]
)
def test_fewer_rows_of_a_mixed_table_are_held_back_more(num_rows: int, hide: float) -> None:
    options = text_options(num_rows)
    assert (options.text_reading, options.hide, options.ngram_dropout) == ("ngrams", hide, 0.0)


@pytest.mark.parametrize(("num_rows", "vectors"), [(3, 65_536), (19_999, 65_536), (20_000, 131_072)])
def test_texts_alone_are_bags_whose_vectors_learn_fast(num_rows: int, vectors: int) -> None:
    options = lone_text_options(num_rows)
    assert (options.text_reading, options.ngram_vectors) == ("ngrams", vectors)
    assert (options.hide, options.ngram_dropout, options.ngram_learning_rate) == (0.0, 0.2, 25.0)


@pytest.mark.parametrize(
    ("num_rows", "batch_size"),
    [(1, 1), (40, 10), (64, 16), (1_350, 32), (2_048, 64), (19_999, 64), (10**6, 128)],
)
def test_a_step_has_a_thirty_second_of_few_texts(num_rows: int, batch_size: int) -> None:
    assert batch_size_of(num_rows) == batch_size


@pytest.mark.parametrize(
    ("num_rows", "epochs", "steps"),
    [(1, 400, 400), (500, 13, 416), (1_350, 10, 430), (9_000, 6, 846), (50_000, 6, 2_346)],
)
def test_few_texts_have_steps_and_many_have_passes(num_rows: int, epochs: int, steps: int) -> None:
    advice = text_learning(num_rows)
    assert advice.batch_size is not None
    assert (advice.epochs, epochs * -(-num_rows // advice.batch_size)) == (epochs, steps)
    assert advice.warmup_steps == steps // 10
    # Weights are averaged over a twentieth of the steps.
    assert advice.ema_decay == pytest.approx(min(1.0 - 20.0 / steps, 0.99))
