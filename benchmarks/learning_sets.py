"""Sets that benchmarks/learning.py learns: those that packages ship, and those of a folder of downloaded data.

A set is given as a user would give it: what `--data` takes, and the column names that belong to the data. Nothing else.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from made_films import moving_patches


@dataclass(frozen=True)
class LearningSet:
    """What is learned.

    Attributes:
        name: in the report.
        task: as the command line writes it.
        data: what `--data` takes; or a function that writes the data into a folder and gives what `--data` takes.
        data_options: further fields of DataArguments that belong to the data.
        task_options: fields of the task's arguments that belong to the data, such as the column of the classes.
    """

    name: str
    task: str
    data: str | Callable[[Path], str]
    data_options: Mapping[str, Any] = field(default_factory=dict)
    task_options: Mapping[str, Any] = field(default_factory=dict)


ARCHIVE = ("GunPoint", "ItalyPowerDemand", "ArrowHead", "OSULeaf", "ACSF1", "BasicMotions", "JapaneseVowels")
# Small tables that scikit-learn ships, and the share of their rows that is the test part.
SMALL_TABLES = ("iris", "wine", "breast_cancer", "diabetes")
TEST_SHARE = 0.3
# Seconds of the long sounds that a spoken digit is put into, at a random place.
LONG_SECONDS = 5.0


def packaged() -> list[LearningSet]:
    """Sets that packages of the extra `samples` ship."""
    return [
        *(LearningSet(name, "series-classification", archive(name)) for name in ARCHIVE),
        LearningSet("digits", "image-classification", "digits"),
        LearningSet("mnist-5k", "image-classification", "mnist-5k"),
        LearningSet("digits as points", "point-classification", "digits"),
        LearningSet("mnist-5k as points", "point-classification", "mnist-5k"),
        LearningSet(
            "seen and heard, films",
            "audio-visual-classification",
            "seen-and-heard",
            task_options={"answer": "several-labels"},
        ),
        LearningSet("what moves where, films", "audio-visual-classification", moving_patches),
        # The same message in all languages belongs into one part.
        LearningSet("django-messages", "text-classification", "django-messages", {"group_column": "message"}),
        LearningSet("arithmetic", "table", "arithmetic", task_options={"target": ("parity",)}),
        *(
            LearningSet(name, "table", partial(rows_of, name), task_options={"target": ("target",)})
            for name in SMALL_TABLES
        ),
    ]


def archive(name: str) -> str:
    """The folder of a set of the UCR and UEA archives that sktime ships."""
    import sktime

    return str(Path(sktime.__file__).parent / "datasets" / "data" / name)


def downloaded(folder: Path) -> list[LearningSet]:
    """Sets of a folder of downloaded data, as far as they are there.

    Args:
        folder: with any of `rooms` (parts of class folders), `fashion-mnist/fashion_mnist.npz` (`x_train`, `y_train`,
            `x_test`, `y_test`), `fsdd` (`DIGIT_SPEAKER_INDEX.wav`, test for an index below 5), `text/NAME` and `tables/NAME`
            (train.csv and test.csv; texts with the columns text and label, of tables the last column is the target).
    """
    found = []
    if (folder / "rooms").is_dir():
        found.append(LearningSet("rooms", "image-classification", str(folder / "rooms")))
    arrays = folder / "fashion-mnist" / "fashion_mnist.npz"
    if arrays.is_file():
        found.append(LearningSet("Fashion-MNIST", "image-classification", partial(pictures_of, arrays)))
    sounds = folder / "fsdd"
    if sounds.is_dir():
        found += [
            LearningSet("spoken digits", "audio-classification", partial(digits_of, sounds)),
            LearningSet(
                "spoken digits in 5 s",
                "audio-classification",
                partial(digits_of, sounds, seconds=LONG_SECONDS),
            ),
        ]
    for place in _tables(folder / "text"):
        found.append(LearningSet(place.name, "text-classification", str(place)))
    for place in _tables(folder / "tables"):
        with (place / "train.csv").open(encoding="utf-8") as file:
            target = file.readline().strip().split(",")[-1]
        found.append(LearningSet(place.name, "table", str(place), task_options={"target": (target,)}))
    return found


def rows_of(name: str, place: Path) -> str:
    """Write a small table of scikit-learn as train.csv and test.csv, divided once; classes by their names."""
    from sklearn import datasets
    from sklearn.model_selection import train_test_split

    loaded = getattr(datasets, f"load_{name}")(as_frame=True)
    frame, classes = loaded.frame, getattr(loaded, "target_names", None)
    if classes is not None:
        frame["target"] = [str(classes[each]) for each in frame["target"]]
    alike = None if classes is None else frame["target"]
    parts = train_test_split(frame, test_size=TEST_SHARE, random_state=0, stratify=alike)
    place.mkdir(parents=True, exist_ok=True)
    for part, rows in zip(("train", "test"), parts, strict=True):
        rows.to_csv(place / f"{part}.csv", index=False)
    return str(place)


def pictures_of(arrays: Path, place: Path) -> str:
    """Write grey pictures as PNG files, a folder for each class in a folder for each part."""
    from PIL import Image

    content = np.load(arrays)
    for part in ("train", "test"):
        for index, (pixels, label) in enumerate(zip(content[f"x_{part}"], content[f"y_{part}"], strict=True)):
            folder = place / part / str(label)
            folder.mkdir(parents=True, exist_ok=True)
            Image.fromarray(pixels).save(folder / f"{index:05d}.png", compress_level=1)
    return str(place)


def digits_of(sounds: Path, place: Path, *, seconds: float | None = None) -> str:
    """Lay spoken digits into class folders; where `seconds` is given, each at a random place in so long a silence."""
    import soundfile

    chance = np.random.default_rng(0)
    for path in sorted(sounds.glob("*.wav")):
        digit, _, index = path.stem.split("_")
        folder = place / ("test" if int(index) < 5 else "train") / digit
        folder.mkdir(parents=True, exist_ok=True)
        if seconds is None:
            shutil.copyfile(path, folder / path.name)
            continue
        waveform, rate = soundfile.read(path, dtype="float32")
        silence = np.zeros(max(int(seconds * rate), len(waveform)), dtype=np.float32)
        begin = int(chance.integers(0, len(silence) - len(waveform) + 1))
        silence[begin : begin + len(waveform)] = waveform
        soundfile.write(folder / path.name, silence, rate)
    return str(place)


def _tables(folder: Path) -> list[Path]:
    """Folders with train.csv and test.csv."""
    places = sorted(folder.iterdir()) if folder.is_dir() else []
    return [place for place in places if (place / "train.csv").is_file() and (place / "test.csv").is_file()]
