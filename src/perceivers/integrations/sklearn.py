"""Estimators of scikit-learn: `fit, predict, predict_proba, score` over `perceivers.fit` and its predictor."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from decimal import Decimal
from typing import Any, Literal, Self

import numpy as np
import torch

from perceivers.arguments import OptimizationArguments, TrainingArguments
from perceivers.data.frames import MISSING_TYPES
from perceivers.errors import DataError, MissingExtraError
from perceivers.predictor import Predictor
from perceivers.tasks.table.options import TableArguments
from perceivers.training.fitting import fit

try:
    from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin
    from sklearn.utils.multiclass import check_classification_targets
    from sklearn.utils.validation import (
        assert_all_finite,
        check_consistent_length,
        check_is_fitted,
        check_random_state,
        column_or_1d,
        validate_data,
    )
except ImportError as error:
    raise MissingExtraError("scikit-learn", "samples", "An estimator of scikit-learn") from error


# Arguments that go to the run as they are.
HANDED_ON = ("num_latents", "latent_channels", "num_layers", "num_heads", "dropout", "mlp_dropout", "token_channels",
             "queries_per_answer", "hidden", "epochs", "batch_size", "ema_decay", "keep_best", "learning_rate",
             "weight_decay", "warmup_steps", "validation_fraction", "device")  # fmt: skip


class PerceiverEstimator(BaseEstimator):  # type: ignore[misc]
    """What classifier and regressor share. X is a numeric array, or a DataFrame of columns of any kind.

    Numbers may be missing (NaN), as may cells of a DataFrame. Columns of a DataFrame that hold no numbers are guessed as
    `perceivers inspect` prints them. What is None is chosen from the rows.

    Args:
        num_latents: see NetworkArguments.
        latent_channels: see NetworkArguments.
        num_layers: see NetworkArguments.
        num_heads: see NetworkArguments.
        dropout: see NetworkArguments.
        mlp_dropout: see NetworkArguments.
        token_channels: see TableArguments.
        queries_per_answer: see TableArguments.
        hidden: see TableArguments.
        kinds: column of a DataFrame -> kind, where the guess is wrong.
        ignore: columns of a DataFrame that are not read.
        epochs: see TrainingArguments.
        batch_size: see TrainingArguments.
        ema_decay: see TrainingArguments.
        keep_best: see TrainingArguments; needs a `validation_fraction` above 0.
        learning_rate: see OptimizationArguments.
        weight_decay: see OptimizationArguments.
        warmup_steps: see OptimizationArguments.
        validation_fraction: share of the rows given to `fit`, in [0, 1), that the weights are not fitted to, but watched,
            and calibrated, with.
        random_state: seed of weights, order and division; None draws one from NumPy's own generator.
        device: "auto" or "cpu".
        verbose: print the columns and the progress.
    """

    def __init__(
        self,
        *,
        num_latents: int | None = TableArguments.num_latents,
        latent_channels: int | None = TableArguments.latent_channels,
        num_layers: int | None = TableArguments.num_layers,
        num_heads: int = TableArguments.num_heads,
        dropout: float | None = TableArguments.dropout,
        mlp_dropout: float | None = TableArguments.mlp_dropout,
        token_channels: int | None = TableArguments.token_channels,
        queries_per_answer: int = TableArguments.queries_per_answer,
        hidden: float | None = TableArguments.hidden,
        kinds: Mapping[str, str] | None = None,
        ignore: Sequence[str] = (),
        epochs: int | None = TrainingArguments.epochs,
        batch_size: int | None = TrainingArguments.batch_size,
        ema_decay: float | None = TrainingArguments.ema_decay,
        keep_best: bool | None = TrainingArguments.keep_best,
        learning_rate: float | None = OptimizationArguments.learning_rate,
        weight_decay: float | None = OptimizationArguments.weight_decay,
        warmup_steps: int | None = OptimizationArguments.warmup_steps,
        validation_fraction: float = 0.1,
        random_state: int | np.random.RandomState | None = None,
        device: Literal["auto", "cpu"] = "auto",
        verbose: bool = False,
    ) -> None:
        self.num_latents = num_latents
        self.latent_channels = latent_channels
        self.num_layers = num_layers
        self.num_heads = num_heads
        self.dropout = dropout
        self.mlp_dropout = mlp_dropout
        self.token_channels = token_channels
        self.queries_per_answer = queries_per_answer
        self.hidden = hidden
        self.kinds = kinds
        self.ignore = ignore
        self.epochs = epochs
        self.batch_size = batch_size
        self.ema_decay = ema_decay
        self.keep_best = keep_best
        self.learning_rate = learning_rate
        self.weight_decay = weight_decay
        self.warmup_steps = warmup_steps
        self.validation_fraction = validation_fraction
        self.random_state = random_state
        self.device = device
        self.verbose = verbose

    def __sklearn_tags__(self) -> Any:
        """What scikit-learn must know: missing numbers are welcome."""
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        return tags

    def _fit(self, columns: Mapping[str, list[Any]], cells: list[Any], answer: str, **options: Any) -> None:
        """Train on columns and one target."""
        target = "target"
        while target in columns:
            target = f"_{target}"
        seed = int(check_random_state(self.random_state).randint(2**31 - 1))
        with _own_chance():
            self.predictor_: Predictor = fit(
                {**columns, target: cells},
                f"{target}:{answer}",
                column=[f"{name}={kind}" for name, kind in self._kinds(columns).items()],
                ignore=list(self.ignore),
                seed=seed,
                split_seed=seed,
                test_fraction=0.0,
                quiet=not self.verbose,
                **{name: getattr(self, name) for name in HANDED_ON},
                **options,
            )
        self._target = target

    def _kinds(self, columns: Mapping[str, list[Any]]) -> dict[str, str]:
        """Columns of numbers are numbers, whatever they look like; the rest as it was asked for."""
        named = dict.fromkeys(self._numeric, "number") | dict(self.kinds or {})
        return {name: kind for name, kind in named.items() if name not in self.ignore}

    def _asked(self, X: Any) -> np.ndarray:  # noqa: N803
        """What the model says of rows, float64 [rows] or [rows, classes]."""
        check_is_fitted(self)
        return self.predictor_.values(self._columns(X))[self._target]

    def _checked(self, X: Any, y: Any, *, y_numeric: bool = False) -> tuple[dict[str, list[Any]], np.ndarray]:  # noqa: N803
        """X by column, None or NaN where a cell is missing, and y [rows], as scikit-learn checks them."""
        if y is None:
            # The end is what scikit-learn's own check looks for.
            raise DataError(f"{type(self).__name__}.fit requires y to be passed, but the target y is None")
        _require_whole(y)
        if _is_mixed(X):
            target = column_or_1d(y, warn=True)
            assert_all_finite(target, input_name="y")
            check_consistent_length(X, target)
            self._numeric = tuple(str(name) for name in X.columns if _is_numeric(X.dtypes[name]))
            return self._cells_of(X, reset=True), target
        array, target = validate_data(
            self, X, y, dtype=np.float64, ensure_all_finite="allow-nan", y_numeric=y_numeric
        )
        columns = self._by_name(array)
        self._numeric = tuple(columns)
        return columns, target

    def _columns(self, X: Any) -> dict[str, list[Any]]:  # noqa: N803
        """X by column, of rows that are asked about."""
        if _is_mixed(X):
            return self._cells_of(X, reset=False)
        return self._by_name(
            validate_data(self, X, reset=False, dtype=np.float64, ensure_all_finite="allow-nan")
        )

    def _cells_of(self, frame: Any, *, reset: bool) -> dict[str, list[Any]]:
        validate_data(self, frame, reset=reset, skip_check_array=True)
        if not len(frame):
            raise DataError("`X` must have one row or more, received none")
        return {str(name): frame[name].tolist() for name in frame.columns}

    def _by_name(self, array: np.ndarray) -> dict[str, list[Any]]:
        names = getattr(self, "feature_names_in_", [f"x{index}" for index in range(array.shape[1])])
        return {str(name): array[:, index].tolist() for index, name in enumerate(names)}


class PerceiverClassifier(ClassifierMixin, PerceiverEstimator):  # type: ignore[misc]
    """A Perceiver IO that answers a class from columns of any kind; arguments as PerceiverEstimator, and three more.

    Example:
        scores = cross_val_score(PerceiverClassifier(epochs=20, random_state=0), X, y)

    Args:
        balance: see TableArguments.
        calibrate: see TableArguments; needs a `validation_fraction` above 0.
        label_smoothing: see TableArguments.
    """

    def __init__(
        self,
        *,
        balance: Literal["none", "classes"] = TableArguments.balance,
        calibrate: bool = TableArguments.calibrate,
        label_smoothing: float = TableArguments.label_smoothing,
        num_latents: int | None = TableArguments.num_latents,
        latent_channels: int | None = TableArguments.latent_channels,
        num_layers: int | None = TableArguments.num_layers,
        num_heads: int = TableArguments.num_heads,
        dropout: float | None = TableArguments.dropout,
        mlp_dropout: float | None = TableArguments.mlp_dropout,
        token_channels: int | None = TableArguments.token_channels,
        queries_per_answer: int = TableArguments.queries_per_answer,
        hidden: float | None = TableArguments.hidden,
        kinds: Mapping[str, str] | None = None,
        ignore: Sequence[str] = (),
        epochs: int | None = TrainingArguments.epochs,
        batch_size: int | None = TrainingArguments.batch_size,
        ema_decay: float | None = TrainingArguments.ema_decay,
        keep_best: bool | None = TrainingArguments.keep_best,
        learning_rate: float | None = OptimizationArguments.learning_rate,
        weight_decay: float | None = OptimizationArguments.weight_decay,
        warmup_steps: int | None = OptimizationArguments.warmup_steps,
        validation_fraction: float = 0.1,
        random_state: int | np.random.RandomState | None = None,
        device: Literal["auto", "cpu"] = "auto",
        verbose: bool = False,
    ) -> None:
        super().__init__(
            num_latents=num_latents,
            latent_channels=latent_channels,
            num_layers=num_layers,
            num_heads=num_heads,
            dropout=dropout,
            mlp_dropout=mlp_dropout,
            token_channels=token_channels,
            queries_per_answer=queries_per_answer,
            hidden=hidden,
            kinds=kinds,
            ignore=ignore,
            epochs=epochs,
            batch_size=batch_size,
            ema_decay=ema_decay,
            keep_best=keep_best,
            learning_rate=learning_rate,
            weight_decay=weight_decay,
            warmup_steps=warmup_steps,
            validation_fraction=validation_fraction,
            random_state=random_state,
            device=device,
            verbose=verbose,
        )
        self.balance = balance
        self.calibrate = calibrate
        self.label_smoothing = label_smoothing

    def fit(self, X: Any, y: Any) -> Self:  # noqa: N803
        """Train on rows X and their classes y [rows]: anything that has an order, such as texts or whole numbers."""
        columns, classes = self._checked(X, y)
        check_classification_targets(classes)
        self.classes_, ids = np.unique(classes, return_inverse=True)
        if len(self.classes_) < 2:
            raise DataError(f"`y` must hold two classes or more, received 1 class: {self.classes_[0]!s}")
        cells = [str(index) for index in ids.tolist()]
        options = {name: getattr(self, name) for name in ("balance", "calibrate", "label_smoothing")}
        self._fit(columns, cells, "class", **options)
        return self

    def predict_proba(self, X: Any) -> np.ndarray:  # noqa: N803
        """Probabilities of the classes, float64 [rows, classes], in the order of `classes_`."""
        return self._asked(X)

    def predict(self, X: Any) -> np.ndarray:  # noqa: N803
        """The likeliest class of each row [rows]."""
        likeliest = self._asked(X).argmax(axis=1)
        return np.asarray(self.classes_[likeliest])


class PerceiverRegressor(RegressorMixin, PerceiverEstimator):  # type: ignore[misc]
    """A Perceiver IO that answers a number from columns of any kind; arguments as PerceiverEstimator.

    Example:
        model = PerceiverRegressor(epochs=20, random_state=0).fit(frame.drop(columns="price"), frame["price"])
    """

    def fit(self, X: Any, y: Any) -> Self:  # noqa: N803
        """Train on rows X and their numbers y [rows]."""
        columns, numbers = self._checked(X, y, y_numeric=True)
        self._fit(columns, np.asarray(numbers, dtype=np.float64).tolist(), "number")
        return self

    def predict(self, X: Any) -> np.ndarray:  # noqa: N803
        """The number of each row, float64 [rows]."""
        return self._asked(X)


@contextmanager
def _own_chance() -> Iterator[None]:
    """Leave the generators that everyone shares as they were: a run seeds them."""
    former, of_numpy = random.getstate(), np.random.get_state()
    with torch.random.fork_rng(devices=range(torch.cuda.device_count())):
        try:
            yield
        finally:
            random.setstate(former)
            np.random.set_state(of_numpy)


def _require_whole(y: Any) -> None:
    """Raise DataError for targets that hold nothing: None, NaN, NaT, or NA of pandas."""
    # As objects, so that NaN among texts does not become the text "nan".
    cells = y if isinstance(y, np.ndarray) else np.asarray(y, dtype=object)
    missing = [index for index, cell in enumerate(cells.ravel()) if _is_nothing(cell)]
    if missing:
        # The beginning is what scikit-learn itself says.
        raise DataError(
            f"Input y contains NaN: `y` must have a target for each row, received none in {len(missing):,} of "
            f"{cells.size:,}, the first at index {missing[0]}; leave these rows out of X and y"
        )


def _is_nothing(target: Any) -> bool:
    """Whether a target is missing; an empty text is a class like others."""
    if target is None or type(target).__name__ in MISSING_TYPES:
        return True
    with_none = float | np.floating | np.datetime64 | np.timedelta64 | Decimal
    return isinstance(target, with_none) and bool(target != target)


def _is_mixed(X: Any) -> bool:  # noqa: N803
    """Whether it is a DataFrame of pandas with a column that holds no numbers."""
    is_frame = hasattr(X, "iloc") and hasattr(X, "columns")
    return is_frame and not all(map(_is_numeric, X.dtypes))


def _is_numeric(dtype: Any) -> bool:
    return getattr(dtype, "kind", "O") in "iuf"
