"""How texts are read and learned, from the number of training texts and their lengths: pure functions, one place.

Chosen on held-out training texts of six sets between 1,300 and 8,600 texts, never on test texts; docs/learning/text.md says
what each choice brought.
"""

from __future__ import annotations

from math import log2

from perceivers.arguments.advice import Advice
from perceivers.kinds.text.options import TextOptions

# Rows that runs are told apart by, of words and as many of letters: so many that few runs share one.
NGRAM_ROWS = 2**20
# Vectors of words, and as many of letters, at most: a step touches all. Beside other columns few rows have fewer.
MOST_VECTORS, FEW_VECTORS, MANY_TEXTS = 2**17, 2**16, 20_000
# Of few rows of a mixed table most words are hidden: what is left of a text must do, and no word alone is learned by heart.
FEW_ROWS, MOST_HIDDEN = 1_000, 0.7
# Vectors that start as support vector machines learn so many times as fast as all else: they are to stay what they are,
# but for what the network finds beside them. The map that reads them learns more slowly still.
RATE_OF_STARTED, MAP_OF_STARTED, MAP_OF_NEW = 2.0, 0.5, 5.0
# Passes of many texts; steps of few ones.
FEWEST_EPOCHS, FEWEST_STEPS = 6, 400


def text_options(num_rows: int, *, hides: bool = True) -> TextOptions:
    """How texts beside other columns are read: as words, pairs of words and runs of letters, whatever their length.

    The share of hidden words was chosen on held-out rows of a table of 512 (0.7 of 0.2, 0.5 and 0.7); twice the rows have 0.1
    less, down to none.

    Args:
        num_rows: training rows.
        hides: whether the table hides anything while it is learned; few rows that start as linear models do not.
    """
    octaves = log2(max(num_rows, FEW_ROWS) / FEW_ROWS)
    return TextOptions(
        text_reading="ngrams",
        hide=round(max(MOST_HIDDEN - 0.1 * octaves, 0.0), 2) if hides else 0.0,
        ngram_rows=NGRAM_ROWS,
        ngram_vectors=FEW_VECTORS if num_rows < MANY_TEXTS else MOST_VECTORS,
        ngram_learning_rate=0.3,
    )


def lone_text_options(num_rows: int) -> TextOptions:
    """How texts are read that nothing else stands beside: the vectors of n-grams learn far faster than all else.

    Args:
        num_rows: training texts.
    """
    return TextOptions(
        text_reading="ngrams",
        empty_texts="texts",
        ngram_rows=NGRAM_ROWS,
        # What one text alone has says something of its class, too; of many texts there is no room for it.
        ngram_texts=1 if num_rows < MANY_TEXTS else 2,
        ngram_vectors=MOST_VECTORS,
        ngram_dropout=0.2,
        ngram_learning_rate=25.0,
    )


def text_learning(num_rows: int, num_classes: int | None = None) -> Advice:
    """The network and the loop for texts that are read as n-grams.

    A small network beside a linear map of the bags: what words say by themselves is learned by the map, the network adds what
    they say together, and is held back, because few texts would be learned by heart. Classes are learned by the loss of the
    SVM: on the same n-grams it does better than cross-entropy (docs/learning/text.md).

    Args:
        num_rows: training texts.
        num_classes: that are told apart; None where something else is answered.
    """
    batch_size = batch_size_of(num_rows)
    steps_a_pass = -(-num_rows // batch_size)
    epochs = max(FEWEST_EPOCHS, -(-FEWEST_STEPS // steps_a_pass))
    steps = epochs * steps_a_pass
    return Advice(
        epochs=epochs,
        batch_size=batch_size,
        folds=1 if num_rows < MANY_TEXTS else 0,
        warmup_steps=max(steps // 10, 1),
        # The mean looks back on a twentieth of the run.
        ema_decay=min(max(1.0 - 20.0 / max(steps, 1), 0.8), 0.99),
        learning_rate=4e-4,
        beta2=0.98,
        weight_decay=0.05,
        num_latents=4,
        latent_channels=64,
        num_layers=1,
        dropout=0.0,
        mlp_dropout=0.5,
        initializer_range=2.0,
        queries_per_answer=8,
        token_rate=MAP_OF_NEW if num_classes is None else MAP_OF_STARTED,
        label_smoothing=0.0,
        class_loss=None if num_classes is None else "margin",
        linear_start=None if num_classes is None else True,
    )


def batch_size_of(num_rows: int) -> int:
    """A power of two from 16 to 128, of which a pass has 32 to 64, or more; of fewer than 64 texts, a quarter."""
    if num_rows < 64:
        return max(num_rows // 4, 1)
    return min(max(2 ** int(log2(num_rows / 32)), 16), 64 if num_rows < MANY_TEXTS else 128)
