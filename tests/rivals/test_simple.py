"""Simple methods on values whose answer is plain to see, and the forms in which kinds give them."""

from __future__ import annotations

import sys
from typing import Any

import numpy as np
import pytest
from PIL import Image

from perceivers.data.tables import ListTable
from perceivers.errors import ConfigurationError, MissingExtraError
from perceivers.kinds.image.kind import ImageKind
from perceivers.kinds.image.options import ImageOptions
from perceivers.kinds.number.kind import NumberKind
from perceivers.kinds.number.options import NumberOptions
from perceivers.kinds.series.kind import SeriesKind
from perceivers.kinds.series.options import SeriesOptions
from perceivers.kinds.sound.kind import SoundKind
from perceivers.kinds.sound.options import SoundOptions
from perceivers.kinds.text.kind import TextKind
from perceivers.kinds.text.options import TextOptions
from perceivers.rivals.simple import SimpleForm, beside_simple


def vectors(count: int, seed: int) -> tuple[list[np.ndarray], list[str], list[float]]:
    """Vectors whose third number says the class, and twice the fourth the number."""
    rows = np.random.default_rng(seed).normal(size=(count, 7)).astype(np.float32)
    return list(rows), ["high" if row[2] > 0 else "low" for row in rows], [float(2 * row[3]) for row in rows]


def test_a_linear_model_learns_classes_labels_and_numbers_of_vectors() -> None:
    known, classes, numbers = vectors(199, 1)
    asked, asked_classes, asked_numbers = vectors(61, 2)
    labels = [[name] if name == "high" else [] for name in classes]
    asked_labels = [[name] if name == "high" else [] for name in asked_classes]
    rival = beside_simple(
        "vector",
        known,
        asked,
        {
            "class": ("class", classes, asked_classes),
            "number": ("number", numbers, asked_numbers),
            "labels": ("labels", labels, asked_labels),
        },
    )
    assert rival.measures["class"]["accuracy"] > 0.9
    # With the least of the freedoms it is 0.5.
    assert rival.measures["class"]["log_loss"] < 0.25
    assert rival.measures["number"]["r2"] > 0.8
    assert rival.measures["labels"]["f1"] > 0.9


def test_a_linear_model_follows_noise_as_little_as_it_may() -> None:
    known, asked = vectors(199, 1)[0], vectors(61, 2)[0]
    chance = np.random.default_rng(3)
    classes, truth = (chance.choice(["high", "low"], len(rows)).tolist() for rows in (known, asked))
    numbers, true_numbers = (chance.normal(size=len(rows)).tolist() for rows in (known, asked))
    measures = beside_simple(
        "vector",
        known,
        asked,
        {"class": ("class", classes, truth), "number": ("number", numbers, true_numbers)},
    ).measures
    # A coin's is 0.693; the mean has an R2 of 0.
    assert measures["class"]["log_loss"] < 0.72
    assert measures["number"]["r2"] > -0.1


@pytest.mark.parametrize("count", [1, 2, 5])
def test_a_handful_of_vectors_is_enough_for_an_answer(count: int) -> None:
    known, classes, numbers = vectors(count, 1)
    measures = beside_simple(
        "vector", known, known, {"class": ("class", classes, classes), "number": ("number", numbers, numbers)}
    ).measures
    assert 0.0 <= measures["class"]["accuracy"] <= 1.0
    assert np.isfinite(measures["number"]["rmse"])


def test_what_is_missing_of_a_vector_counts_as_usual() -> None:
    known, classes, _ = vectors(199, 1)
    rival = beside_simple(
        "vector",
        known,
        [np.full(7, np.nan), *known[:5]],
        {"class": ("class", classes, ["high", *classes[:5]])},
    )
    assert np.isfinite(rival.measures["class"]["log_loss"])


def test_a_method_is_called_what_it_is_where_numbers_are_answered() -> None:
    form = SimpleForm("text", "SVM", "ridge")
    assert form.titled(["number", "number"]) == "ridge"
    assert form.titled(["number", "class"]) == "SVM"
    assert SimpleForm("vector", "linear").titled(["number"]) == "linear"


def test_words_and_letters_tell_texts_apart_and_give_no_probabilities() -> None:
    train = ["the fruit is sweet", "sour and bad", "a sweetish taste", "badly soured milk"] * 5
    classes = ["good", "bad", "good", "bad"] * 5
    test, truth = ["sweetness", "bad and sour", "!!"], ["good", "bad", "bad"]
    measures = beside_simple("text", train, test[:2], {"class": ("class", classes, truth[:2])}).measures[
        "class"
    ]
    assert measures["accuracy"] == 1.0
    assert not {"log_loss", "calibration_error"} & set(measures)
    nothing = beside_simple(
        "text", ["!", "?", "!"], test, {"class": ("class", ["good", "bad", "bad"], truth)}
    )
    assert 0.0 <= nothing.measures["class"]["accuracy"] <= 1.0


def test_the_nearest_series_is_found_whatever_its_scale_and_length() -> None:
    def wave(periods: float, steps: int, scale: float) -> np.ndarray:
        places = np.linspace(0.0, 2.0 * np.pi * periods, steps)
        return (scale * np.stack([np.sin(places), np.cos(places)], axis=1) + 3.0).astype(np.float32)

    train = [wave(1.0, 53, 1.0), wave(3.0, 53, 1.0)]
    test = [wave(3.0, 71, 5.0), wave(1.0, 31, 0.2), np.ones((1, 2), dtype=np.float32)]
    rival = beside_simple(
        "series",
        train,
        test,
        {
            "class": ("class", ["slow", "fast"], ["fast", "slow", None]),
            "number": ("number", [1.0, 3.0], [3.0, 1.0, None]),
        },
    )
    assert rival.measures["class"]["accuracy"] == 1.0
    assert rival.measures["number"]["mae"] == 0.0


def test_series_whose_level_tells_the_class_keep_it() -> None:
    chance = np.random.default_rng(0)
    levels = [index % 2 for index in range(17)]
    series = [(chance.normal(size=(23, 1)) + 9.0 * level).astype(np.float32) for level in levels]
    rival = beside_simple("series", series[:11], series[11:], {"class": ("class", levels[:11], levels[11:])})
    assert rival.measures["class"]["accuracy"] == 1.0


def test_a_single_class_is_always_answered() -> None:
    known, _, _ = vectors(11, 1)
    rival = beside_simple("vector", known, known, {"class": ("class", ["one"] * 11, ["one"] * 10 + ["two"])})
    assert rival.measures["class"]["accuracy"] == pytest.approx(10 / 11)


def test_without_scikit_learn_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "sklearn", None)
    with pytest.raises(MissingExtraError, match=r'`scikit-learn`.*pip install "perceivers\[samples\]"'):
        beside_simple("text", ["a"], ["b"], {})


def row_of(cell: Any, **others: Any) -> tuple[dict[str, Any], list[str], ListTable]:
    row = {"cell": cell, **others}
    return row, ["cell"], ListTable([row], "rows")


def test_kinds_give_their_values_in_their_simple_form() -> None:
    picture = Image.fromarray(np.full((40, 60, 3), (255, 0, 127), dtype=np.uint8))
    colours = ImageKind(ImageOptions()).simplified(*row_of(picture))
    assert colours is not None
    assert colours.shape == (3 * 16 * 16,)
    assert np.ptp(colours.reshape(3, -1), axis=1) == pytest.approx([0.0, 0.0, 0.0], abs=1e-5)
    grey = ImageKind(ImageOptions(image_channels=1)).simplified(*row_of(picture))
    assert grey is not None
    assert grey.shape == (32 * 32,)

    tone = np.sin(np.arange(8000) * 0.3).astype(np.float32)
    options = SoundOptions(sampling_rate=8000, num_mel_bins=23)
    sound = SoundKind(options).simplified(*row_of(tone, sampling_rate=8000))
    assert sound is not None
    assert sound.shape == (3 * 23,)

    series = SeriesKind(SeriesOptions(missing="interpolate")).simplified(
        *row_of(np.array([[1.0], [np.nan], [3.0]]))
    )
    assert series is not None
    assert series.tolist() == [[1.0], [2.0], [3.0]]

    text = TextKind(TextOptions(max_length=16))
    long = "a text that is longer than the model reads"
    assert text.simplified(*row_of(long)) == long
    assert text.simplified(*row_of(None)) is None
    with pytest.raises(ConfigurationError, match="a number has no simple form"):
        NumberKind(NumberOptions()).simplified(*row_of(1.0))
