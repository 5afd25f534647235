"""The rule for the network and the loop: what the recipes showed, bounds, monotony, and what fits together."""

from __future__ import annotations

import math

from hypothesis import given
from hypothesis import strategies as st

from perceivers.arguments import TrainingArguments
from perceivers.arguments.advice import Advice
from perceivers.arguments.network import NetworkArguments
from perceivers.tasks.sizing import (
    batch_size_of,
    epochs_of,
    fitted,
    narrowed,
    steps_of,
    stretched,
    usual_learning,
    warmup_of,
)

ROWS = st.integers(1, 10**7)
TOKENS = st.one_of(st.none(), st.integers(1, 10**5))


def test_the_recipes_sizes_are_about_what_the_rule_gives() -> None:
    # 270 series (recipes/japanese_vowels.yaml, 900 steps), 4,000 and 54,000 pictures (6,250 and 12,660 steps).
    steps = [epochs_of(rows) * math.ceil(rows / batch_size_of(rows)) for rows in (270, 4_000, 54_000)]
    assert steps == [963, 3_500, 12_660]
    assert batch_size_of(54_000) == 64


@given(ROWS, TOKENS, st.one_of(st.none(), st.integers(1, 1_000)))
def test_whatever_the_data_the_advice_is_a_network_and_a_loop(
    rows: int, tokens: int | None, classes: int | None
) -> None:
    advice = usual_learning(rows, tokens, classes)
    names = ("num_latents", "latent_channels", "num_layers", "num_heads", "num_cross_heads", "widening_factor",
             "qk_channels", "dropout", "mlp_dropout")  # fmt: skip
    NetworkArguments(**{name: getattr(advice, name) for name in names})
    assert 1 <= (advice.batch_size or 0) <= 64
    assert 8 <= (advice.epochs or 0) <= 200
    assert advice.keep_best


@given(ROWS, ROWS)
def test_more_rows_mean_more_steps_larger_networks_and_less_that_holds_back(first: int, second: int) -> None:
    few, many = sorted((first, second))
    less, more = usual_learning(few, 100, 2), usual_learning(many, 100, 2)
    assert (less.latent_channels or 0) <= (more.latent_channels or 0)
    assert (less.dropout or 0.0) >= (more.dropout or 0.0)
    assert (less.weight_decay or 0.0) >= (more.weight_decay or 0.0)
    # Whole passes and batches make it a little uneven.
    steps = [
        steps_of(TrainingArguments(epochs=own.epochs, batch_size=own.batch_size), rows)
        for own, rows in ((less, few), (more, many))
    ]
    assert steps[0] <= 1.25 * steps[1]


def test_soft_targets_are_for_three_classes_or_more() -> None:
    assert [usual_learning(100, 10, count).label_smoothing for count in (None, 2, 3)] == [0.0, 0.0, 0.1]


def test_longer_samples_have_more_latents() -> None:
    assert [usual_learning(100, count, 2).num_latents for count in (64, 65, 1_025)] == [16, 32, 64]


def test_steps_are_those_of_the_loop() -> None:
    assert steps_of(TrainingArguments(epochs=3, batch_size=7, gradient_accumulation_steps=2), 29) == 9
    assert steps_of(TrainingArguments(epochs=3, batch_size=7, steps=5), 29) == 5
    assert warmup_of(95) == 10
    assert warmup_of(2) == 1


def test_heads_divide_the_channels_that_the_user_gave() -> None:
    advised = Advice(latent_channels=64, qk_channels=64, num_heads=4, num_cross_heads=4)
    found = fitted({"latent_channels": 54}, advised)
    assert (found.qk_channels, found.num_heads, found.num_cross_heads) == (54, 3, 3)
    found = fitted({"latent_channels": 64, "qk_channels": 30}, advised)
    assert (found.num_heads, found.num_cross_heads) == (2, 3)
    # Queries and keys of the inputs' own channels, whatever these are.
    assert fitted({"qk_channels": None}, advised).num_cross_heads == 1
    NetworkArguments(latent_channels=54, qk_channels=54, num_heads=3, num_cross_heads=3)


def test_wider_networks_learn_with_smaller_steps() -> None:
    advised = Advice(latent_channels=64, learning_rate=2e-3)
    assert narrowed(advised, 128).learning_rate == 2e-3
    assert narrowed(advised, 512).learning_rate == 5e-4
    assert narrowed(Advice(latent_channels=256, learning_rate=1e-3), 512).learning_rate == 5e-4


def test_a_shorter_run_climbs_and_averages_for_the_same_share_of_it() -> None:
    advised = Advice(warmup_steps=50, ema_decay=0.99)
    found = stretched(advised, 0.1)
    assert (found.warmup_steps, found.ema_decay) == (5, 0.9)
    assert stretched(advised, 0.001).ema_decay == 0.0
    assert stretched(Advice(warmup_steps=50), 0.1).ema_decay == 0.0
