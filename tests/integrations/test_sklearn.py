"""The estimators are scikit-learn's in every respect that it checks itself, and read what it has no estimator for."""

from __future__ import annotations

import importlib
import inspect
import pickle
import random
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import estimator_checks_generator

import perceivers.integrations.sklearn as module
from perceivers.arguments import OptimizationArguments, TrainingArguments
from perceivers.errors import DataError, MissingExtraError
from perceivers.integrations.sklearn import PerceiverClassifier, PerceiverRegressor
from perceivers.tasks.table import linear_model
from perceivers.tasks.table.options import TableArguments
from tiny_tables import fruit, without

TINY: dict[str, Any] = {
    "num_latents": 5,
    "latent_channels": 16,
    "num_layers": 1,
    "token_channels": 16,
    "queries_per_answer": 1,
    "hidden": 0.0,
    "epochs": 1,
    "batch_size": 16,
    "learning_rate": 1e-2,
    "warmup_steps": 3,
    "random_state": 0,
    "device": "cpu",
}
# For what must have learned something.
LEARNED = {**TINY, "epochs": 5}
LEARNS = ("check_classifiers_classes", "check_classifiers_train", "check_regressors_train")
# What the estimators cannot, and why.
EXPECTED_TO_FAIL = {
    "check_methods_subset_invariance": "the network computes in float32: the same row in a batch of another size differs "
    "in the seventh digit, and the check wants seven digits alike"
}
# Those of several fits: minutes together.
SLOW = {
    "check_classifier_data_not_an_array",
    "check_classifiers_classes",
    "check_classifiers_train",
    "check_dict_unchanged",
    "check_dtype_object",
    "check_estimators_dtypes",
    "check_fit_check_is_fitted",
    "check_n_features_in",
    "check_pipeline_consistency",
    "check_positive_only_tag_during_fit",
    "check_regressor_data_not_an_array",
    "check_regressors_int",
    "check_regressors_train",
    "check_supervised_y_2d",
}


@pytest.fixture(scope="module", autouse=True)
def one_cost() -> Iterator[None]:
    """A model starts as a linear one, for which one cost of weights is tried instead of nine: that is most of each fit."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(linear_model, "COSTS", (0.5,))
        yield


def checks() -> Iterator[Any]:
    for estimator in (PerceiverClassifier(**TINY), PerceiverRegressor(**TINY)):
        for found in estimator_checks_generator(
            estimator, legacy=True, expected_failed_checks=EXPECTED_TO_FAIL, mark="xfail"
        ):
            # Those that are expected to fail come as parameters of pytest.
            each, check = getattr(found, "values", found)
            name = getattr(check, "func", check).__name__
            if name in LEARNS:
                each = clone(each).set_params(**LEARNED)
            is_slow = (pytest.mark.slow,) if name in SLOW else ()
            marks = (*getattr(found, "marks", ()), *is_slow)
            yield pytest.param(each, check, id=f"{type(each).__name__}-{name}", marks=marks)


@pytest.mark.parametrize(("estimator", "check"), list(checks()))
def test_scikit_learn_finds_nothing_to_object_to(estimator: Any, check: Any) -> None:
    check(estimator)


def test_a_frame_of_mixed_columns_is_learned_from_and_asked(capsys: pytest.CaptureFixture[str]) -> None:
    columns = fruit(121)
    columns["size"][4] = columns["colour"][5] = None
    frame = pd.DataFrame(without(columns, "kind", "tags", "price"))
    classifier = PerceiverClassifier(**LEARNED).fit(frame, columns["kind"])
    assert classifier.classes_.tolist() == ["big", "small"]
    assert (classifier.n_features_in_, classifier.feature_names_in_.tolist()) == (3, list(frame.columns))
    probabilities = classifier.predict_proba(frame)
    np.testing.assert_allclose(probabilities.sum(axis=1), 1.0)
    assert classifier.predict(frame).tolist() == classifier.classes_[probabilities.argmax(axis=1)].tolist()
    assert classifier.score(frame, columns["kind"]) > 0.85
    regressor = PerceiverRegressor(**LEARNED).fit(frame, columns["price"])
    assert regressor.score(frame, columns["price"]) > 0.7
    assert capsys.readouterr() == ("", ""), "an estimator is silent"
    with pytest.raises(ValueError, match="feature names should match"):
        regressor.predict(frame[["colour", "size", "noise"]])
    with pytest.raises(DataError, match="`X` must have one row or more, received none"):
        regressor.predict(frame.iloc[:0])
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        classifier.fit(frame, columns["kind"][:-1])


def test_columns_may_be_named_and_left_out() -> None:
    frame = pd.DataFrame(
        {"size": [1.0, 2.0, 3.0, 4.0] * 9, "code": ["01", "02", "01", "02"] * 9, "note": "a"}
    )
    kinds = PerceiverClassifier(**TINY, kinds={"size": "category"}, ignore=["code"], calibrate=False)
    fitted = kinds.fit(frame, [0, 1] * 18)
    (only,) = fitted.predictor_.parts.processor.inputs
    assert (only.kind.name, only.columns) == ("category", ("size",))


def test_classes_may_be_of_any_type_and_missing_numbers_are_none(capsys: pytest.CaptureFixture[str]) -> None:
    generator = np.random.default_rng(0)
    numbers = generator.normal(size=(90, 3)).astype(np.float32)
    classes = np.where(numbers[:, 1] > 0, 10, 2)
    numbers[::17, 0] = np.nan
    fitted = PerceiverClassifier(**LEARNED, verbose=True).fit(numbers, classes)
    assert fitted.classes_.tolist() == [2, 10]
    assert fitted.predict(numbers).dtype == classes.dtype
    assert fitted.score(numbers, classes) > 0.9
    assert "│ x1" in capsys.readouterr().out, "`verbose` prints the columns"
    with pytest.raises(DataError, match="`y` must hold two classes or more, received 1 class: 7"):
        fitted.fit(numbers, np.full(90, 7))
    with pytest.raises(ValueError, match="infinity"):
        fitted.predict(np.full((1, 3), np.inf))
    with pytest.raises(NotFittedError):
        PerceiverClassifier().predict(numbers)


@pytest.mark.parametrize(
    "targets",
    [
        ["a", "b", None, "a"],
        ["a", "b", float("nan"), "a"],
        np.array(["a", "b", np.nan, "a"], dtype=object),
        pd.Series(["a", "b", pd.NA, "a"], dtype="string"),
        pd.Series(["a", "b", pd.NA, "a"], dtype=object),
        pd.Series(["a", "b", None, "a"], dtype="category"),
        pd.Series([1, 0, None, 1], dtype="Int64"),
        [1.0, 0.0, None, 1.0],
        np.array([1.0, 0.0, np.nan, 1.0]),
        np.array(["2026-01-01", "2026-01-02", "NaT", "2026-01-01"], dtype="datetime64[ns]"),
    ],
)
@pytest.mark.parametrize("estimator", [PerceiverClassifier, PerceiverRegressor])
@pytest.mark.parametrize("rows", [np.arange(4.0)[:, None], pd.DataFrame({"x": list("pqpq")})])
def test_missing_targets_are_refused_with_what_to_do(estimator: Any, rows: Any, targets: Any) -> None:
    with pytest.raises(
        DataError,
        match=r"^Input y contains NaN: `y` must have a target for each row, received none in 1 of 4, the first at index 2; "
        r"leave these rows out of X and y$",
    ):
        estimator(**TINY).fit(rows, targets)


def test_an_empty_text_is_a_class() -> None:
    fitted = PerceiverClassifier(**TINY, calibrate=False).fit(np.arange(36.0)[:, None], ["", "a"] * 18)
    assert fitted.classes_.tolist() == ["", "a"]


def test_the_seed_decides_and_the_generators_of_others_stay_as_they_were() -> None:
    numbers = np.random.default_rng(0).normal(size=(40, 2))
    truth = numbers.sum(axis=1)
    first = PerceiverRegressor(**TINY).fit(numbers, truth).predict(numbers)
    np.testing.assert_array_equal(first, PerceiverRegressor(**TINY).fit(numbers, truth).predict(numbers))
    other = PerceiverRegressor(**{**TINY, "random_state": 1}).fit(numbers, truth).predict(numbers)
    assert not np.allclose(first, other)
    np.random.seed(3)
    random.seed(3)
    expected = np.random.random(), random.random()
    np.random.seed(3)
    random.seed(3)
    PerceiverRegressor(**TINY).fit(numbers, truth)
    assert (np.random.random(), random.random()) == expected


def test_it_is_cloned_searched_and_chained() -> None:
    numbers = np.random.default_rng(0).normal(size=(60, 2))
    classes = (numbers[:, 0] > 0).astype(int)
    classifier = PerceiverClassifier(**TINY)
    assert clone(classifier).get_params() == classifier.get_params()
    search = GridSearchCV(classifier, {"epochs": [1, 5]}, cv=2, refit=False).fit(numbers, classes)
    assert search.best_params_ in search.cv_results_["params"]
    assert search.best_score_ > 0.8
    scores = cross_val_score(
        make_pipeline(StandardScaler(), classifier.set_params(epochs=5)), numbers, classes, cv=2
    )
    assert scores.mean() > 0.8


def test_a_fitted_one_is_kept_by_pickle() -> None:
    numbers = np.random.default_rng(0).normal(size=(30, 2))
    fitted = PerceiverRegressor(**TINY).fit(numbers, numbers[:, 0])
    again = pickle.loads(pickle.dumps(fitted))
    np.testing.assert_array_equal(again.predict(numbers), fitted.predict(numbers))


def test_every_argument_reaches_the_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    given: dict[str, Any] = {}
    fit = module.fit

    def noting(*arguments: Any, **options: Any) -> Any:
        given.update(options)
        return fit(*arguments, **options)

    monkeypatch.setattr(module, "fit", noting)
    chosen = {
        "balance": "classes", "calibrate": False, "label_smoothing": 0.1, "num_latents": 3, "latent_channels": 8,
        "num_layers": 2, "num_heads": 2, "dropout": 0.2, "mlp_dropout": 0.3, "token_channels": 4, "queries_per_answer": 2,
        "hidden": 0.3, "epochs": 1, "batch_size": 7, "ema_decay": 0.5, "keep_best": True, "learning_rate": 0.01,
        "weight_decay": 0.02, "warmup_steps": 1, "validation_fraction": 0.2, "device": "cpu",
    }  # fmt: skip
    PerceiverClassifier(**chosen, random_state=1).fit(np.arange(20.0)[:, None], [0, 1] * 10)
    assert chosen == {name: given[name] for name in chosen}
    assert set(inspect.signature(PerceiverClassifier).parameters) == {
        *chosen, "random_state", "verbose", "kinds", "ignore"
    }  # fmt: skip


def test_defaults_are_those_of_the_command() -> None:
    for name, entry in inspect.signature(PerceiverClassifier).parameters.items():
        homes = [
            kind for kind in (TableArguments, TrainingArguments, OptimizationArguments) if hasattr(kind, name)
        ]
        if homes and name != "ignore":
            assert entry.default == getattr(homes[0], name), name
    assert repr(PerceiverClassifier()) == "PerceiverClassifier()"


def test_without_scikit_learn_the_command_that_installs_it_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "sklearn.base", None)
    monkeypatch.delitem(sys.modules, "perceivers.integrations.sklearn")
    with pytest.raises(MissingExtraError, match=r'`scikit-learn`.*pip install "perceivers\[samples\]"'):
        importlib.import_module("perceivers.integrations.sklearn")
