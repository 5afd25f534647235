"""Gradient-boosted trees of scikit-learn on the same rows: what is hard to beat on tables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from perceivers.errors import DataError, MissingExtraError
from perceivers.rivals.features import READABLE, tree_features
from perceivers.rivals.targets import EncodedTarget, Rival, Targets, encode_target, measured

ITERATIONS, LEARNING_RATE = 400, 0.05


def beside_trees(
    train: Mapping[str, Sequence[Any]],
    test: Mapping[str, Sequence[Any]],
    kinds: Mapping[str, str],
    targets: Targets,
    seed: int = 0,
) -> Rival:
    """Fit trees to each target, and measure their answers to the test rows.

    400 trees at a learning rate of 0.05. Missing values are a branch of their own; a category that the training rows do not
    have counts as missing; texts come as 64 topics of their words and pairs of words.

    Args:
        train: column -> cells of the training rows, None where one is missing.
        test: alike, of the test rows; columns that it lacks are missing.
        kinds: column -> "number", "category", "text" or "date"; columns of other kinds are ignored, and named in the result.
        targets: name -> ("class", "labels" or "number", targets of the training rows, targets of the test rows), None where
            one is missing; see `perceivers.rivals.targets.encode_target`.
        seed: of whatever is drawn.

    Raises:
        MissingExtraError: scikit-learn is not installed.
        DataError: there is no column that trees can read, or no training row with a target.
    """
    try:
        import sklearn  # noqa: F401
    except ImportError as error:
        raise MissingExtraError("scikit-learn", "samples", "A comparison with trees") from error
    read = {name: kind for name, kind in kinds.items() if kind in READABLE}
    if not read:
        columns = ", ".join(f"{name} ({kind})" for name, kind in kinds.items()) or "no columns"
        raise DataError(
            f"`kinds` must name a column of kind {', '.join(READABLE)} for trees, received {columns}"
        )
    if absent := [name for name in read if name not in train]:
        raise DataError(f"`train` must have a column {absent[0]!r}, received {', '.join(train)}")
    features, asked, is_category = tree_features(train, test, read, seed)
    found = {}
    for name, (answer, known, truth) in targets.items():
        target = encode_target(name, answer, known, truth)
        answers = _answers(
            features[target.rows], asked, target, {"categorical_features": is_category, "random_state": seed}
        )
        found[name] = measured(target, answers)
    return Rival(found, tuple(read), tuple(name for name in kinds if name not in read))


def _answers(
    features: np.ndarray, asked: np.ndarray, target: EncodedTarget, options: Mapping[str, Any]
) -> np.ndarray:
    """Numbers [rows], or probabilities [rows, classes or labels], for the rows of `asked`."""
    if target.answer == "class":
        return _probabilities(features, asked, target.train, target.num_outputs, options)
    if target.answer == "labels":
        each = [
            _probabilities(features, asked, label.astype(np.int64), 2, options)[:, 1]
            for label in target.train.T
        ]
        return np.stack(each, axis=1)
    from sklearn.ensemble import HistGradientBoostingRegressor

    return np.asarray(
        _trees(HistGradientBoostingRegressor, options).fit(features, target.train).predict(asked)
    )


def _probabilities(
    features: np.ndarray, asked: np.ndarray, ids: np.ndarray, num_classes: int, options: Mapping[str, Any]
) -> np.ndarray:
    from sklearn.ensemble import HistGradientBoostingClassifier

    learned = np.unique(ids)
    found = np.zeros((len(asked), num_classes))
    if len(learned) == 1:
        # Trees refuse to learn what never differs.
        found[:, learned] = 1.0
    else:
        found[:, learned] = (
            _trees(HistGradientBoostingClassifier, options).fit(features, ids).predict_proba(asked)
        )
    return found


def _trees(kind: Any, options: Mapping[str, Any]) -> Any:
    return kind(max_iter=ITERATIONS, learning_rate=LEARNING_RATE, early_stopping=False, **options)
