"""How good answers are, by kind of answer and by name: what is measured where nobody chose, and which way is better.

Each kind has a file with pure functions and the table of its measures. Every measure leaves out rows whose target is missing,
and is NaN where no row is left: there is nothing to speak of, and 0 would be a judgement.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

from perceivers.errors import ConfigurationError
from perceivers.metrics.answers.classes import (
    CALIBRATION_ERROR,
    CONFUSIONS,
    LOG_LOSS,
    class_measures,
)
from perceivers.metrics.answers.labels import label_measures
from perceivers.metrics.answers.measuring import Measure, as_metric
from perceivers.metrics.answers.members import one_member_measures, several_member_measures
from perceivers.metrics.answers.numbers import ERRORS, number_measures
from perceivers.metrics.answers.several import of_answer
from perceivers.metrics.calibration import MISSING_CLASS
from perceivers.metrics.running import Metric

__all__ = [
    "CONFUSIONS",
    "MEASURES",
    "MISSING_CLASS",
    "is_better",
    "measure",
    "measures_of",
    "of_answer",
]

#: Names of all measures by kind of answer, the usual headline first.
MEASURES: Mapping[str, tuple[str, ...]] = {
    "class": tuple(class_measures(6)),
    "labels": tuple(label_measures(1)),
    "number": tuple(number_measures((0.1, 0.9))),
    "entity": tuple(one_member_measures()),
    "entities": tuple(several_member_measures()),
}
_LOWER = frozenset({LOG_LOSS, CALIBRATION_ERROR, *ERRORS})
# Curves need every row's score of every class: beyond this many classes they are measured only where someone asks for them.
_MOST_CLASSES_WITH_CURVES = 100


def measure(name: str, answer: str, num_outputs: int, quantiles: Sequence[float] = ()) -> Metric:
    """A fresh metric, updated with `preds` and `target`; its value is a scalar, but for `confusions`.

    Args:
        name: one of `MEASURES[answer]`.
            class: `accuracy`; `balanced_accuracy`, the mean over true classes of the share found; `f1`, of the second class
            where there are two, else the mean over the classes that occur as truth or answer; `roc_auc`, of the second class
            where there are two, else the mean over the classes that occur, each against all others; `log_loss`, in nats;
            `matthews`, the correlation; `top_5_accuracy`, with more than five classes; `calibration_error`, the expected
            one with 15 bins, in [0, 1]; `confusions`, counts [classes, classes] by true class and answer.
            labels: `mean_average_precision`, over labels that occur; `f1`, the mean over labels that occur as truth or
            answer; `roc_auc`, the mean over labels that are true of some rows and not of others.
            number: `rmse`, `mae`, `mean_squared_error` in the units of the data, `r2`, `pearson`, `spearman`; with
            quantiles also `pinball`, the mean loss over them, and with two or more `coverage`, the share of true values
            between the outer two, and `interval_width`, the mean distance of these.
            entity: `accuracy`, `log_loss`. entities: `f1`, over the members of all rows, and `exact_match`, the share of rows
            whose members are selected, all of them and no others.
        answer: "class": `preds` are logits [batch, classes], such as log probabilities, `target` ids [batch], -100 where
            it is missing. "labels": logits [batch, labels], above 0 for yes, and 0 or 1 [batch, labels], NaN in a row whose
            labels are missing. "number": [batch], or [batch, quantiles], of which the one nearest to 0.5 is the answer that
            errors are measured of, and [batch], NaN where it is missing. "entity": scores [batch, members] and numbers of
            members [batch], -100 where it is missing. "entities": scores, above 0 for those that are selected, and 0 or 1
            [batch, members], NaN in a row whose members are missing.
        num_outputs: classes or labels, 1 or more; of a number 1 or the number of quantiles.
        quantiles: shares in (0, 1), rising, that `preds` of a number answer; none where they answer its mean.

    Raises:
        ConfigurationError: an unknown `answer`, or a measure that it does not have.
    """
    known = _known(answer, num_outputs, quantiles)
    if name not in known:
        of_what = f"{answer!r} with {num_outputs} outputs and quantiles {tuple(quantiles)}"
        raise ConfigurationError(f"`name` must be one of {', '.join(known)} for {of_what}, received {name!r}")
    return as_metric(known[name])


def measures_of(answer: str, num_outputs: int, quantiles: Sequence[float] = ()) -> tuple[str, ...]:
    """What is reported where nobody chose, the headline first; arguments as in `measure`.

    The mean squared error is left out, the square of `rmse`, and so is `roc_auc` of more than 100 classes, whose scores would
    all be kept. `confusions` comes last.
    """
    left_out = {"mean_squared_error"}
    if answer == "class" and num_outputs > _MOST_CLASSES_WITH_CURVES:
        left_out.add("roc_auc")
    return tuple(name for name in _known(answer, num_outputs, quantiles) if name not in left_out)


def is_better(name: str) -> Literal["higher", "lower"]:
    """Which way a measure improves. Coverage, which should be near the share that was asked for, counts as "higher".

    Raises:
        ConfigurationError: nothing is called so, or it has no better and worse, as `confusions`.
    """
    known = [each for names in MEASURES.values() for each in names if each != CONFUSIONS]
    if name not in known:
        raise ConfigurationError(
            f"`name` must be one of {', '.join(dict.fromkeys(known))}, received {name!r}"
        )
    return "lower" if name in _LOWER else "higher"


def _known(answer: str, num_outputs: int, quantiles: Sequence[float]) -> Mapping[str, Measure]:
    if answer not in MEASURES:
        raise ConfigurationError(f"`answer` must be one of {', '.join(MEASURES)}, received {answer!r}")
    if answer == "class":
        return class_measures(num_outputs)
    if answer == "labels":
        return label_measures(num_outputs)
    if answer == "entity":
        return one_member_measures()
    if answer == "entities":
        return several_member_measures()
    return number_measures(quantiles)
