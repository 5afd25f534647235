"""Linear support vector machines, one a class, on texts as n-grams: where a model's n-grams start.

Each class c has weights w and makes least

    |w|^2 / 2 + C sum_i max(0, 1 - y_i w x_i)^2,

y_i being 1 for texts of the class and -1 for all others, by coordinate descent in the dual problem, a text after another in
random order (Hsieh and others 2008, "A dual coordinate descent method for large-scale linear SVM").
All classes are solved at once, since they go through the same texts.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Ids = NDArray[np.int64]
Floats = NDArray[np.float32]
# Looks at texts, over all passes: some seconds. Passes over few texts, over any texts.
MOST_LOOKS = 200_000
MOST_PASSES = 20
# What a text outside its margin costs beside the weights' squares.
COST = 1.0


def margin_weights(
    rows: Sequence[tuple[Ids, Floats]],
    classes: Sequence[int],
    *,
    num_rows: int,
    num_classes: int,
    generator: np.random.Generator,
    cost: float = COST,
    num_passes: int | None = None,
) -> tuple[Floats, Floats]:
    """Weights by which each class is told from all others.

    Args:
        rows: of each text its n-grams, each once, and what they weigh.
        classes: of each text, in [0, num_classes).
        num_rows: n-grams that there are.
        num_classes: that there are, 2 or more.
        generator: draws the order of the texts.
        cost: C.
        num_passes: over the texts; None: 20, or fewer, at least one, where that would be more than 200,000 looks.

    Returns:
        Weights [num_rows, num_classes], and what is added to the scores [num_classes].
    """
    if num_passes is None:
        num_passes = min(max(MOST_LOOKS // max(len(rows), 1), 1), MOST_PASSES)
    # Of two classes, one's weights are the other's with the sign turned.
    num_solved = 1 if num_classes == 2 else num_classes
    signs = -np.ones((len(rows), num_solved), dtype=np.float32)
    if num_solved == 1:
        signs[:, 0] = np.where(np.asarray(classes) == 1, 1.0, -1.0)
    else:
        signs[np.arange(len(rows)), np.asarray(classes)] = 1.0
    # The last row is 1 in each text: what is added to the scores.
    weights = np.zeros((num_rows + 1, num_solved), dtype=np.float32)
    shares = np.zeros((len(rows), num_solved), dtype=np.float32)
    slack = 1.0 / (2.0 * cost)
    known = [
        (np.append(ids, num_rows), np.append(values, 1.0).astype(np.float32)[:, None]) for ids, values in rows
    ]
    curvature = [float(np.square(values).sum()) + slack for _, values in known]
    for _ in range(num_passes):
        for index in generator.permutation(len(known)):
            ids, values = known[index]
            own = weights[ids]
            slopes = signs[index] * (values * own).sum(axis=0) - 1.0 + shares[index] * slack
            changed = np.maximum(shares[index] - slopes / curvature[index], 0.0)
            moved = (changed - shares[index]) * signs[index]
            if moved.any():
                weights[ids] = own + values * moved
                shares[index] = changed
    if num_solved == 1:
        weights = np.concatenate([-weights, weights], axis=1)
    return weights[:-1], weights[-1]
