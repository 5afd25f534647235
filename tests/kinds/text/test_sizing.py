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
    assert text_options(num_rows, hides=False).hide == 0.0


@pytest.mark.parametrize(("num_rows", "fewest"), [(3, 1), (19_999, 1), (20_000, 2)])
def test_texts_alone_are_bags_with_room_for_what_one_text_has(num_rows: int, fewest: int) -> None:
    options = lone_text_options(num_rows)
    assert (options.text_reading, options.ngram_vectors, options.ngram_texts) == ("ngrams", 131_072, fewest)
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


def test_classes_start_as_support_vector_machines_and_numbers_do_not() -> None:
    advice = text_learning(1_350, 5)
    assert (advice.class_loss, advice.linear_start, advice.label_smoothing) == ("margin", True, 0.0)
    assert (text_learning(1_350).class_loss, text_learning(1_350).linear_start) == (None, None)
