"""Simple methods for one kind of value: a linear model on short vectors, words and runs of letters, the nearest series."""

from __future__ import annotations

import warnings
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from perceivers.errors import MissingExtraError

# Kinds name their simple form without paying for what measures it.
if TYPE_CHECKING:
    from perceivers.rivals.targets import EncodedTarget, Rival, Targets

# Rows that a method is fitted to, at most: it is to take seconds.
MOST_ROWS = {"vector": 4_000, "text": 20_000, "series": 2_000}
# Steps that series are brought to, at most, before they are compared.
MOST_STEPS = 256
# Words and pairs of words that count, and as many runs of letters.
MOST_NGRAMS = 200_000
# How freely a linear model of vectors may follow the training rows (1 / decay): one of these, by so many divisions of them,
# by a single one of many rows.
FREEDOMS, DIVISIONS, MANY_ROWS = (0.01, 0.1, 1.0), 3, 1_000
DECAYS_OF_NUMBERS = (1.0, 10.0, 100.0, 1_000.0, 10_000.0)
# Measures of probabilities, which an SVM and a neighbour do not give.
OF_PROBABILITIES = ("log_loss", "calibration_error")


@dataclass(frozen=True)
class SimpleForm:
    """What simple methods can read of a kind of value.

    Args:
        form: "vector": float [features], of one length for all values; "text": a text; "series": float [steps, channels].
        title: of the method, as tables of results have it.
        title_for_numbers: the same where numbers are all that is answered, and the method is another one then.
    """

    form: Literal["vector", "text", "series"]
    title: str
    title_for_numbers: str | None = None

    def titled(self, answers: Collection[str]) -> str:
        """The title where these are answered: "class", "labels" or "number"."""
        return self.title_for_numbers or self.title if set(answers) == {"number"} else self.title


def beside_simple(
    form: str, train: Sequence[Any], test: Sequence[Any], targets: Targets, seed: int = 0
) -> Rival:
    """Fit a simple method to each target, and measure its answers to the test values.

    "vector": logistic regression (ridge for numbers) on standardised features, as free as is best for held-out training rows.
    "text": a linear SVM (ridge for numbers) on tf-idf of words, pairs of words and runs of 2 to 5 letters. "series": the
    answer of the nearest training series of a common length, each channel brought to mean 0 and deviation 1 in every series
    by itself or over all of them: which of the two, training series say, each asked for the answer of its nearest other.

    Args:
        form: see SimpleForm.
        train: values of the training rows in that form.
        test: alike, of the test rows.
        targets: name -> ("class", "labels" or "number", targets of the training rows, targets of the test rows); see
            `perceivers.rivals.targets.encode_target`.
        seed: of whatever is drawn.

    Raises:
        MissingExtraError: scikit-learn is not installed.
        DataError: no training row has a target.
    """
    from perceivers.rivals.targets import Rival, encode_target, measured

    try:
        import sklearn  # noqa: F401
    except ImportError as error:
        raise MissingExtraError("scikit-learn", "samples", "A comparison with simple methods") from error
    if form == "series":
        features, asked = _alike(train, test, [known for _, known, _ in targets.values()])
    else:
        features, asked = {"vector": _standardised, "text": _weighed}[form](train, test)
    gives_probabilities = form == "vector"
    found = {}
    for name, (answer, known, truth) in targets.items():
        target = encode_target(name, answer, known, truth)
        with warnings.catch_warnings():
            # That it has not converged, or that a class is rare, changes nothing: it is to be cheap.
            warnings.simplefilter("ignore")
            said = _answers(features[target.rows], asked, target, form, seed)
        measures = measured(target, said)
        if not gives_probabilities and answer != "number":
            measures = {key: value for key, value in measures.items() if key not in OF_PROBABILITIES}
        found[name] = measures
    return Rival(found)


def _answers(features: Any, asked: Any, target: EncodedTarget, form: str, seed: int) -> np.ndarray:
    """Numbers [rows], or probabilities [rows, classes or labels], for the rows of `asked`."""
    if target.answer == "number":
        return np.asarray(_regressor(form, len(target.train)).fit(features, target.train).predict(asked))
    if target.answer == "class":
        return _shares(features, asked, target.train, target.num_outputs, form, seed)
    each = [_shares(features, asked, label.astype(np.int64), 2, form, seed)[:, 1] for label in target.train.T]
    return np.stack(each, axis=1)


def _shares(features: Any, asked: Any, ids: np.ndarray, num_classes: int, form: str, seed: int) -> np.ndarray:
    learned = np.unique(ids)
    found = np.zeros((asked.shape[0], num_classes))
    if len(learned) == 1:
        found[:, learned] = 1.0
        return found
    model = _logistic(features, ids, seed) if form == "vector" else _classifier(form, seed).fit(features, ids)
    if hasattr(model, "predict_proba"):
        found[:, learned] = model.predict_proba(asked)
        return found
    distances = model.decision_function(asked)
    distances = np.stack([-distances, distances], axis=1) if distances.ndim == 1 else distances
    powers = np.exp(distances - distances.max(axis=1, keepdims=True))
    found[:, learned] = powers / powers.sum(axis=1, keepdims=True)
    return found


def _logistic(features: np.ndarray, ids: np.ndarray, seed: int) -> Any:
    """A logistic regression that is as free as tells most of the held-out training rows; the least free of equal ones."""
    from sklearn.linear_model import LogisticRegression

    models = [LogisticRegression(C=freedom, max_iter=60, random_state=seed) for freedom in FREEDOMS]
    places = np.random.default_rng(seed).permutation(len(ids)) % DIVISIONS
    told = np.zeros(len(models))
    for held_out in range(DIVISIONS if len(ids) < MANY_ROWS else 1):
        learned, asked = places != held_out, places == held_out
        if len(np.unique(ids[learned])) < 2:
            continue
        for index, model in enumerate(models):
            said = model.fit(features[learned], ids[learned]).predict(features[asked])
            told[index] += np.count_nonzero(said == ids[asked])
    return models[int(told.argmax())].fit(features, ids)


def _classifier(form: str, seed: int) -> Any:
    if form == "text":
        from sklearn.svm import LinearSVC

        return LinearSVC(C=0.5, random_state=seed)
    from sklearn.neighbors import KNeighborsClassifier

    return KNeighborsClassifier(1, algorithm="brute")


def _regressor(form: str, num_rows: int) -> Any:
    if form == "series":
        from sklearn.neighbors import KNeighborsRegressor

        return KNeighborsRegressor(1, algorithm="brute")
    from sklearn.linear_model import Ridge, RidgeCV

    # Which decay is best is asked of each row in turn by all others.
    return RidgeCV(DECAYS_OF_NUMBERS) if form == "vector" and num_rows > DIVISIONS else Ridge()


def _standardised(train: Sequence[Any], test: Sequence[Any]) -> tuple[np.ndarray, np.ndarray]:
    """[rows, features]: mean 0 and deviation 1 over the training rows; features that never change are 0."""
    known, asked = (np.nan_to_num(np.asarray(rows, dtype=np.float32)) for rows in (train, test))
    mean, std = known.mean(axis=0), known.std(axis=0)
    scale = np.where(std > 1e-6, std, np.inf)
    return (known - mean) / scale, (asked.reshape(-1, known.shape[1]) - mean) / scale


def _weighed(train: Sequence[Any], test: Sequence[Any]) -> tuple[Any, Any]:
    """Sparse [rows, words and runs of letters], weighed by tf-idf."""
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.pipeline import FeatureUnion

    common: dict[str, Any] = {"sublinear_tf": True, "max_features": MOST_NGRAMS}
    # Signs are words, too: texts may hold nothing else.
    words = TfidfVectorizer(ngram_range=(1, 2), token_pattern=r"(?u)\w+|[^\w\s]", **common)
    letters = TfidfVectorizer(analyzer="char_wb", ngram_range=(2, 5), **common)
    both = FeatureUnion([("words", words), ("letters", letters)])
    try:
        return both.fit_transform(train), both.transform(test)
    except ValueError:
        # All training texts are empty.
        return np.zeros((len(train), 1)), np.zeros((len(test), 1))


def _alike(
    train: Sequence[Any], test: Sequence[Any], truths: Sequence[Sequence[Any]]
) -> tuple[np.ndarray, np.ndarray]:
    """[rows, steps x channels]: series of one length, in the scale in which the nearest training series know more."""
    steps = min(max(int(np.median([len(series) for series in train])), 1), MOST_STEPS)
    known, asked = (_resampled(rows, steps) for rows in (train, test))
    mean, std = known.mean(axis=(0, 1)), known.std(axis=(0, 1))
    over_all = [(rows - mean) / np.where(std > 1e-8, std, 1.0) for rows in (known, asked)]
    by_itself = [_scaled(rows) for rows in (known, asked)]
    first, second = max((by_itself, over_all), key=lambda rows: _agreement(_flat(rows[0]), truths))
    return _flat(first), _flat(second)


def _agreement(rows: np.ndarray, truths: Sequence[Sequence[Any]]) -> int:
    """How often a row's nearest other has the same answer, over all answers."""
    from sklearn.neighbors import NearestNeighbors

    if len(rows) < 2:
        return 0
    neighbours = NearestNeighbors(n_neighbors=2, algorithm="brute").fit(rows).kneighbors(rows)[1]
    # Equal rows may come in any order.
    others = [
        first if first != index else second for index, (first, second) in enumerate(neighbours.tolist())
    ]
    return sum(
        truth[index] is not None and truth[index] == truth[other]
        for truth in truths
        for index, other in enumerate(others)
    )


def _flat(rows: np.ndarray) -> np.ndarray:
    return rows.reshape(len(rows), -1).astype(np.float32)


def _scaled(rows: np.ndarray) -> np.ndarray:
    std = rows.std(axis=1, keepdims=True)
    return np.asarray((rows - rows.mean(axis=1, keepdims=True)) / np.where(std > 1e-8, std, 1.0))


def _resampled(rows: Sequence[Any], steps: int) -> np.ndarray:
    """[rows, steps, channels] of series [any steps, channels]."""
    found = []
    for series in rows:
        values = np.asarray(series, dtype=np.float64)
        places = np.linspace(0.0, len(values) - 1.0, steps)
        found.append(
            np.stack([np.interp(places, np.arange(len(values)), channel) for channel in values.T], axis=1)
        )
    return np.stack(found)
