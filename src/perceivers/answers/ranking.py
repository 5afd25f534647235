"""The likeliest classes or labels, as tables say them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

NUM_ALTERNATIVES = 5
# Members of a set that could not be selected score this or less, see `perceivers.nn.pointer`.
HIDDEN = -65504.0


def ranked_answers(logits: Any, names: Sequence[str], *, multi_label: bool = False) -> list[dict[str, Any]]:
    """What the tables say of each row of `logits`, an array, or a tensor of any device, [batch, num_labels].

    Returns:
        For each row `label`, its `probability`, and `probabilities` of the likeliest classes, falling. Several labels
        at once: `label` joins those with a probability above 0.5, or is empty.
    """
    scores = (sigmoid if multi_label else softmax)(wide_array(logits))
    answers = []
    for row in scores:
        # Of equals, the first.
        likeliest = np.argsort(-row, kind="stable")[:NUM_ALTERNATIVES].tolist()
        ranked = {names[index]: float(row[index]) for index in likeliest}
        label, probability = next(iter(ranked.items()))
        if multi_label:
            label = ", ".join(names[index] for index in np.flatnonzero(row > 0.5).tolist())
        answers.append({"label": label, "probability": probability, "probabilities": ranked})
    return answers


def wide_array(values: Any) -> np.ndarray:
    """An array, or a tensor of any device, as float64."""
    on_processor = values.detach().cpu().double().numpy() if hasattr(values, "detach") else values
    return np.asarray(on_processor, dtype=np.float64)


def softmax(logits: np.ndarray) -> np.ndarray:
    """Probabilities of classes, over the last axis."""
    powers = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return powers / powers.sum(axis=-1, keepdims=True)


def sigmoid(logits: np.ndarray) -> np.ndarray:
    """Probabilities of labels; none of them overflows."""
    powers = np.exp(-np.abs(logits))
    return np.where(logits >= 0, 1.0, powers) / (1.0 + powers)


def mean_of_arrays(scores: np.ndarray, answer_type: str) -> np.ndarray:
    """What several views of a sample say together, see `perceivers.models.answers.heads.average`.

    Args:
        scores: [batch, views, ...].
        answer_type: see `perceivers.configuration_answers.AnswerDescription`.

    Returns:
        [batch, ...]; of classes and labels scores again, whose probabilities are the averaged ones.
    """
    wide = scores.astype(np.float64)
    if answer_type == "number":
        return wide.mean(axis=1)
    if answer_type in ("entity", "entities"):
        return _mean_of_members(wide, answer_type)
    if answer_type == "class":
        return np.log(softmax(wide).mean(axis=1))
    likely = sigmoid(wide).mean(axis=1)
    return np.log(likely) - np.log(sigmoid(-wide).mean(axis=1))


def _mean_of_members(scores: np.ndarray, answer_type: str) -> np.ndarray:
    """The same of a pointer; those that are hidden stay so."""
    hidden: np.ndarray = np.all(scores <= HIDDEN, axis=1)
    shown = np.where(hidden[:, None], 0.0, scores) if answer_type == "entities" else scores
    with np.errstate(divide="ignore"):
        averaged = mean_of_arrays(shown, "labels" if answer_type == "entities" else "class")
    return np.where(hidden, 2 * HIDDEN, averaged)


def compare_rankings(said: Mapping[str, Any], other: Mapping[str, Any]) -> dict[str, Any]:
    """Two of `ranked_answers` of one sample: `answer`, `without` (the other one), and the `change` of a probability.

    It is the probability of what was likeliest at first; a class that is not among the other's likeliest has 0.
    """
    first = next(iter(said["probabilities"]))
    return {
        "answer": said["label"],
        "without": other["label"],
        "change": other["probabilities"].get(first, 0.0) - said["probabilities"][first],
    }
