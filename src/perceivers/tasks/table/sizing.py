"""How large a table's network is and how long it trains, from the number of its rows: pure functions, one place.

The figures were chosen on held-out training rows of three public tables (512, 14,000 and 33,000 rows; 8 to 14 columns of
numbers and categories, and texts in the smallest), never on test rows; docs/tables.md says what each brought. Between those
sizes they are interpolated. How few rows go on from linear models was chosen on 60 small tables that R packages ship, and
measured on 40 others (benchmarks/many_tables.py).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from math import log2

from perceivers.answers.one_class import OneClass
from perceivers.arguments.advice import Advice
from perceivers.kinds.base import Kind
from perceivers.tasks.columns import Columns
from perceivers.tasks.inputs import Input

# Below this, networks are small and are held back: there is little to learn from.
FEW_ROWS = 2_000
SHORTEST, LONGEST = 10, 30
# A column with so many different names, of which most come seldom, says more to a linear model at first; and the rows that
# one of them must have there. See docs/tables.md.
MANY_NAMES, ROWS_OF_NAME = 256, 1
# Where a number is asked for, the rows are passed over so many times as often.
PASSES_FOR_NUMBERS = 2.5
# There, and where a model starts as linear models, a mean of the weights is kept that looks back on this share of the run.
SHARE_AVERAGED = 0.2
# What a map that starts as linear models learns at, in learning rates of the run.
MAP_OF_STARTED = 1.0
# Few rows are passed over so many times as often from there, and faster: the validation rows tell when it is enough.
PASSES_FROM_LINEAR, RATE_FROM_LINEAR = 2, 3e-3
# Rows of pictures or sounds in a step.
LARGE_BATCH = 32
# What a table's loop takes over from that of pictures or sounds alone, where these go through a stem of convolutions.
OF_STEMS = (
    "epochs",
    "batch_size",
    "learning_rate",
    "weight_decay",
    "beta2",
    "warmup_steps",
    "ema_decay",
    "stem_precision",
)


@dataclass(frozen=True)
class TableSizes:
    """The network for a table.

    Args:
        num_latents: vectors that all columns are gathered into.
        latent_channels: size of each of them.
        num_layers: self-attention layers.
        token_channels: size of a number's or a category's vector.
        mlp_dropout: share of the perceptrons' hidden channels left out while training.
        dropout: share of attention weights left out while training.
        hidden: share of numbers and categories that are hidden while training.
        token_rate: what the map of the columns' tokens learns at, beside the network; 0: there is none.
        linear_start: whether tokens and map start as linear models of the columns.
        label_smoothing: share of the target probability that is spread over all classes while training.
    """

    num_latents: int
    latent_channels: int
    num_layers: int
    token_channels: int
    mlp_dropout: float
    dropout: float
    hidden: float
    token_rate: float = 0.0
    linear_start: bool = False
    label_smoothing: float = 0.0


def table_sizes(
    num_rows: int,
    *,
    num_large: int,
    has_numbers_to_answer: bool,
    may_start_linear: bool = False,
    has_linear_first: bool = False,
) -> TableSizes:
    """The network for so many training rows.

    Args:
        num_rows: training rows.
        num_large: inputs of many tokens: pictures, sounds, films, series step by step, sets of points, texts read as bytes.
        has_numbers_to_answer: whether a target is a number; noise in the inputs costs numbers more than classes.
        may_start_linear: whether all columns are numbers, dates, categories, texts as n-grams and, where numbers are
            answered, series as patterns, and no target is a member of a set. Few rows of such columns say more to a linear
            model than to a network, which then learns on from there.
        has_linear_first: whether there are columns of which many rows say more to a linear model, too: texts as n-grams, and
            categories, or numbers told by their values, that have `MANY_NAMES` or more.
    """
    if num_large:
        return TableSizes(32, 64, 2, 64, mlp_dropout=0.1, dropout=0.0, hidden=0.05, label_smoothing=0.1)
    if num_rows < FEW_ROWS:
        sizes = TableSizes(4, 32, 1, 32, mlp_dropout=0.3, dropout=0.0, hidden=0.1)
        return started(replace(sizes, mlp_dropout=0.0, hidden=0.0)) if may_start_linear else sizes
    if has_numbers_to_answer:
        sizes = TableSizes(8, 64, 2, 64, mlp_dropout=0.1, dropout=0.0, hidden=0.0)
    else:
        sizes = TableSizes(8, 64, 1, 64, mlp_dropout=0.2, dropout=0.0, hidden=0.1)
    return started(sizes) if may_start_linear and has_linear_first else sizes


def count_large(kinds: Iterable[Kind], *, has_numbers_to_answer: bool) -> int:
    """How many inputs a network has to look into: of numbers, fixed features of series tell more by themselves."""
    return sum(not (kind.is_light or (kind.is_linear and has_numbers_to_answer)) for kind in kinds)


def learned_alone(
    kinds: Sequence[Kind], num_rows: int, *, has_numbers_to_answer: bool, num_classes: int | None = None
) -> Advice | None:
    """How the only input of a table is learned where there is nothing beside it; None where it is not looked into.

    Args:
        kinds: of all inputs.
        num_rows: training rows.
        has_numbers_to_answer: whether a target is a number.
        num_classes: that are told apart; None where something else is answered, or nobody knows yet.
    """
    if len(kinds) != 1 or not count_large(kinds, has_numbers_to_answer=has_numbers_to_answer):
        return None
    advice = kinds[0].learning(num_rows, num_classes)
    return None if advice.epochs is None else advice


def started(sizes: TableSizes) -> TableSizes:
    """The same network, which starts as linear models."""
    return replace(sizes, token_rate=MAP_OF_STARTED, linear_start=True)


def table_advice(
    num_rows: int,
    *,
    num_large: int,
    has_numbers_to_answer: bool,
    starts_linear: bool = False,
    stems: Sequence[Advice] = (),
) -> Advice:
    """The loop and the optimiser for so many training rows.

    Args:
        num_rows: training rows.
        num_large: see `table_sizes`; such inputs are learned in more and smaller steps.
        has_numbers_to_answer: whether a target is a number, which is learned in more passes.
        starts_linear: whether the model starts as linear models, from which single steps would lead astray.
        stems: how each input that goes through a stem of convolutions would be learned alone; the costliest of them, which
            asks for the fewest passes, says how the table is learned.
    """
    few = num_rows < FEW_ROWS and not num_large
    is_averaged = has_numbers_to_answer and not few and not num_large
    batch_size = LARGE_BATCH if num_large else table_batch_size(num_rows)
    epochs = table_epochs(num_rows) * (2 if num_large else 1)
    if few and starts_linear:
        epochs *= PASSES_FROM_LINEAR
    if is_averaged:
        epochs = min(round(PASSES_FOR_NUMBERS * epochs), LONGEST)
    steps = epochs * -(-num_rows // batch_size)
    advice = Advice(
        epochs=epochs,
        batch_size=batch_size,
        max_gradient_norm=1.0,
        keep_best=True,
        folds=1 if few else 0,
        learning_rate=RATE_FROM_LINEAR if few and starts_linear else 1e-3 if few else 2e-3,
        weight_decay=0.1 if few else 0.05,
        beta2=0.98,
        warmup_steps=max(steps // 10, 1),
        ema_decay=mean_over(steps) if is_averaged or starts_linear else None,
    )
    if not stems:
        return advice
    costliest = min(stems, key=lambda stem: stem.epochs or 0)
    return replace(advice, **{name: getattr(costliest, name) for name in OF_STEMS})


def advice_for(columns: Columns, num_rows: int, *, starts_linear: bool) -> Advice:
    """The loop, the optimiser and the size of the latents for so many rows of these columns.

    Args:
        columns: inputs and answers.
        num_rows: training rows.
        starts_linear: see `table_advice`.
    """
    kinds, asks_numbers = [each.kind for each in columns.inputs], columns.asks_for_numbers
    num_large = count_large(kinds, has_numbers_to_answer=asks_numbers)
    sizes = table_sizes(num_rows, num_large=num_large, has_numbers_to_answer=asks_numbers)
    advice = table_advice(
        num_rows,
        num_large=num_large,
        has_numbers_to_answer=asks_numbers,
        starts_linear=starts_linear,
        stems=stems_of(columns.inputs, num_rows),
    )
    advice = replace(advice, latent_channels=sizes.latent_channels)
    alone = learned_alone(
        kinds, num_rows, has_numbers_to_answer=asks_numbers, num_classes=_num_classes(columns)
    )
    return advice if alone is None else alone.over(advice)


def _num_classes(columns: Columns) -> int | None:
    """That the only answer tells apart; None where something else is answered, or more, or nobody knows yet."""
    answers = list(columns.answers.values())
    return len(answers[0].names) or None if len(answers) == 1 and isinstance(answers[0], OneClass) else None


def stems_of(inputs: Sequence[Input], num_rows: int) -> list[Advice]:
    """How each input that goes through a stem of convolutions would be learned alone.

    Args:
        inputs: of a table.
        num_rows: training rows.
    """
    alone = [each.kind.learning(num_rows) for each in inputs if not each.kind.is_light]
    return [advice for advice in alone if advice.stem_precision is not None]


def mean_over(steps: int) -> float:
    """Decay of the mean of the weights that looks back on a fifth of a run."""
    return round(1.0 - 1.0 / max(SHARE_AVERAGED * steps, 2.0), 6)


def table_batch_size(num_rows: int) -> int:
    """A power of two from 64 to 512, so that a pass has about 64 steps; a quarter of fewer rows than 256."""
    if num_rows < 256:
        return max(num_rows // 4, 1)
    return min(max(2 ** round(log2(num_rows / 64)), 64), 512)


def table_epochs(num_rows: int) -> int:
    """Passes over the rows: 30 of few, 10 of many."""
    octaves = log2(max(num_rows, 512) / 512)
    return max(round(LONGEST - 3.8 * octaves), SHORTEST)
