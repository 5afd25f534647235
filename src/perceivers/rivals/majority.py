"""The answer that looks at nothing: how often each class occurs, or the mean number."""

from __future__ import annotations

import numpy as np

from perceivers.rivals.targets import Rival, Targets, encode_target, measured


def beside_majority(targets: Targets) -> Rival:
    """Answer every test row alike, and measure it.

    Args:
        targets: name -> ("class", "labels" or "number", targets of the training rows, targets of the test rows), None where
            one is missing; see `perceivers.rivals.targets.encode_target`.

    Returns:
        The measures of shares of the training rows as probabilities, so that the commonest class is the answer, and of
        their mean as number.
    """
    found = {}
    for name, (answer, train, test) in targets.items():
        target = encode_target(name, answer, train, test)
        if answer == "class":
            same = np.bincount(target.train, minlength=target.num_outputs) / len(target.train)
        else:
            same = target.train.mean(axis=0)
        found[name] = measured(target, np.repeat(same[None], len(target.test), axis=0))
    return Rival(found)
