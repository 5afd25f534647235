"""The likeliest classes or labels, as tables say them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from torch import Tensor

NUM_ALTERNATIVES = 5


def ranked_answers(
    logits: Tensor, names: Sequence[str], *, multi_label: bool = False
) -> list[dict[str, Any]]:
    """What the tables say of each row of `logits` [batch, num_labels].

    Returns:
        For each row `label`, its `probability`, and `probabilities` of the likeliest classes, falling. Several labels
        at once: `label` joins those with a probability above 0.5, or is empty.
    """
    # On the processor first: some accelerators have no float64.
    logits = logits.cpu().double()
    scores = logits.sigmoid() if multi_label else logits.softmax(dim=-1)
    answers = []
    for row in scores:
        top = row.topk(min(NUM_ALTERNATIVES, len(names)))
        ranked = {
            names[int(index)]: float(value) for value, index in zip(top.values, top.indices, strict=True)
        }
        label, probability = next(iter(ranked.items()))
        if multi_label:
            label = ", ".join(names[int(index)] for index in (row > 0.5).nonzero())
        answers.append({"label": label, "probability": probability, "probabilities": ranked})
    return answers


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
