"""Advice over advice, the usual values behind it, and what a run makes of both."""

from __future__ import annotations

from perceivers.arguments import DataArguments, OptimizationArguments, RunArguments, TrainingArguments
from perceivers.arguments.advice import USUAL, Advice, resolved, usual


def test_the_first_advice_goes_before_the_second() -> None:
    first, second = Advice(epochs=3, dropout=0.0), Advice(epochs=5, dropout=0.2, batch_size=7)
    assert first.over(second).values() == {"epochs": 3, "dropout": 0.0, "batch_size": 7}


def test_the_user_goes_before_advice_and_advice_before_the_usual_values() -> None:
    run = RunArguments(
        output="x", data=DataArguments(data="y"), training=TrainingArguments(epochs=2, keep_best=False)
    )
    found = resolved(run, Advice(epochs=3, batch_size=5, learning_rate=0.1))
    assert (found.training.epochs, found.training.batch_size, found.training.keep_best) == (2, 5, False)
    assert found.optimization.learning_rate == 0.1
    assert found.optimization.beta2 == USUAL.beta2
    assert found.training.ema_decay == 0.0


def test_the_usual_values_fill_what_is_open_of_the_optimiser() -> None:
    assert usual(OptimizationArguments(weight_decay=0.5)) == OptimizationArguments(
        learning_rate=0.003, weight_decay=0.5, beta2=0.999, warmup_steps=100
    )
