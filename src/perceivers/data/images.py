"""Labelled pictures: from a folder with one sub-folder a class, or bundled with a package."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from PIL import Image

from perceivers.data.bundled import BUNDLED, load_digits
from perceivers.data.splits import PartName, Splits, hold_out
from perceivers.errors import DataError

IMAGE_SUFFIXES = (".png", ".jpg", ".jpeg", ".bmp", ".gif", ".webp", ".tif", ".tiff", ".pgm", ".ppm")
PART_FOLDERS = {
    "train": "train",
    "val": "validation",
    "valid": "validation",
    "validation": "validation",
    "test": "test",
}


@dataclass(frozen=True)
class ImageSample:
    """One picture with its class.

    Args:
        name: path of the file, or name and index inside a bundled data set.
        image: the picture, of any mode and size.
        label: id of its class.
    """

    name: str
    image: Image.Image
    label: int


@dataclass(frozen=True)
class LabelledImages:
    """A list of pictures; files are read when asked for, arrays are held.

    Args:
        sources: a path, or uint8 pixels [height, width] in [0, 255], for each picture.
        names: name of each picture.
        labels: class id of each picture.
    """

    sources: Sequence[Path | np.ndarray]
    names: Sequence[str]
    labels: Sequence[int]

    def __len__(self) -> int:
        """Count the pictures."""
        return len(self.sources)

    def __getitem__(self, index: int) -> ImageSample:
        """Read the picture at `index`."""
        source = self.sources[index]
        image = read_image(source) if isinstance(source, Path) else Image.fromarray(source)
        return ImageSample(self.names[index], image, self.labels[index])

    def select(self, indices: Iterable[int]) -> LabelledImages:
        """Give the pictures at `indices`, in that order."""
        chosen = list(indices)
        return LabelledImages(
            [self.sources[i] for i in chosen],
            [self.names[i] for i in chosen],
            [self.labels[i] for i in chosen],
        )


def read_image(path: Path) -> Image.Image:
    """Read and decode one picture; an unreadable one raises a DataError that names the file."""
    try:
        with Image.open(path) as image:
            image.load()
            return image
    except (OSError, ValueError, SyntaxError, EOFError, Image.DecompressionBombError) as error:
        raise DataError(f"`{path}` cannot be read as a picture: {error}") from error


def load_images(
    data: str,
    *,
    class_names: Sequence[str] | None = None,
    test_fraction: float = 0.2,
    validation_fraction: float = 0.1,
    split_seed: int = 0,
    unreadable: Literal["stop", "skip"] = "stop",
) -> Splits:
    """Load labelled pictures and divide them.

    Args:
        data: a bundled name, or a folder with one sub-folder a class, or with such folders below `train` and any of
            `val`, `validation` and `test`.
        class_names: the classes of a trained model; None takes those of the data, two at least.
        test_fraction: share held out where there is no `test` folder, in (0, 1).
        validation_fraction: share of the rest that is watched where there is no `val` folder, in [0, 1).
        split_seed: seed of the division.
        unreadable: "stop" raises a DataError that names the file, "skip" leaves it out and lists it.
    """
    if data in BUNDLED:
        parts, names = _bundled_images(data, class_names)
        problems: tuple[str, ...] = ()
    else:
        parts, names, problems = _folder_images(data, class_names, skip_unreadable=unreadable == "skip")
    train = parts["train"]
    if "test" not in parts:
        kept, held = hold_out(train.labels, test_fraction, split_seed)
        train, parts["test"] = train.select(kept), train.select(held)
    if "validation" not in parts:
        kept, held = hold_out(train.labels, validation_fraction, split_seed)
        train, parts["validation"] = train.select(kept), train.select(held)
    return Splits(train, parts["validation"], parts["test"], names, problems)


def find_images(paths: Iterable[Path]) -> list[Path]:
    """List the pictures among files and, at any depth, inside folders; a given file counts whatever its suffix."""
    found: list[Path] = []
    for path in paths:
        if path.is_dir():
            inside = _images_below(path)
            if not inside:
                raise DataError(f"`{path}` holds no picture ({', '.join(IMAGE_SUFFIXES)})")
            found.extend(inside)
        elif path.is_file():
            found.append(path)
        else:
            raise DataError(f"`{path}` does not exist")
    return found


def _bundled_images(
    data: str, class_names: Sequence[str] | None
) -> tuple[dict[str, LabelledImages], tuple[str, ...]]:
    if BUNDLED[data].modality != "images":
        raise DataError(f"`data` must be pictures, received {data!r}: {BUNDLED[data].content}")
    pixels, digits = load_digits()
    names = tuple(class_names or (str(digit) for digit in range(10)))
    labels = _label_ids([str(digit) for digit in digits], names, data)
    samples = LabelledImages(list(pixels), [f"{data}/{index:04d}" for index in range(len(labels))], labels)
    return {"train": samples}, names


def _folder_images(
    data: str, class_names: Sequence[str] | None, *, skip_unreadable: bool
) -> tuple[dict[str, LabelledImages], tuple[str, ...], tuple[str, ...]]:
    part_roots = _part_roots(data)
    found = {part: _classes_of(folder) for part, folder in part_roots.items()}
    names = tuple(class_names or sorted(found["train"]))
    if class_names is None and len(names) < 2:
        raise DataError(f"`data` must hold two classes or more, received {data!r} with only {names[0]!r}")
    paths = [path for classes in found.values() for members in classes.values() for path in members]
    unreadable = _unreadable(paths)
    if unreadable and not skip_unreadable:
        more = f" (and {len(unreadable) - 1} more such files)" if len(unreadable) > 1 else ""
        raise DataError(
            f"{next(iter(unreadable.values()))}{more}; mend it, remove it, or leave it out with --unreadable skip"
        )
    parts = {}
    for part, classes in found.items():
        rows = [
            (path, name) for name, members in classes.items() for path in members if path not in unreadable
        ]
        emptied = sorted(set(classes) - {name for _, name in rows})
        if emptied:
            raise DataError(f"`{part_roots[part] / emptied[0]}` holds no picture that can be read")
        labels = _label_ids([name for _, name in rows], names, str(part_roots[part]))
        parts[part] = LabelledImages([path for path, _ in rows], [str(path) for path, _ in rows], labels)
    return parts, names, tuple(unreadable.values())


def _part_roots(data: str) -> dict[str, Path]:
    root = Path(data)
    if not root.is_dir():
        raise DataError(
            f"`data` must be a bundled name ({', '.join(BUNDLED)}) or a folder, received {data!r}, "
            + ("which is a file" if root.is_file() else "which does not exist")
        )
    folders = _sub_folders(root)
    if not folders:
        raise DataError(f"`data` must hold one sub-folder per class, received {data!r} without sub-folders")
    if not all(folder.name in PART_FOLDERS for folder in folders):
        return {"train": root}
    part_roots = {PART_FOLDERS[folder.name]: folder for folder in folders}
    if "train" not in part_roots:
        raise DataError(
            f"`data` must hold a folder `train` beside {', '.join(f.name for f in folders)}, received {data!r} without"
        )
    return part_roots


def _classes_of(folder: Path) -> dict[str, list[Path]]:
    classes = {child.name: _images_below(child) for child in _sub_folders(folder)}
    if not classes:
        raise DataError(f"`{folder}` holds no sub-folder; each class needs one")
    for name, members in classes.items():
        if not members:
            raise DataError(f"`{folder / name}` is a class without pictures ({', '.join(IMAGE_SUFFIXES)})")
    return classes


def _label_ids(labels: Sequence[str], class_names: Sequence[str], source: str) -> list[int]:
    ids = {name: index for index, name in enumerate(class_names)}
    unknown = sorted(set(labels) - set(ids))
    if unknown:
        raise DataError(
            f"`{source}` has the class {unknown[0]!r}, which is not one of {', '.join(class_names)}"
        )
    return [ids[label] for label in labels]


def _unreadable(paths: Sequence[Path]) -> dict[Path, str]:
    def reason(path: Path) -> str | None:
        try:
            read_image(path)
        except DataError as error:
            return str(error)
        return None

    with ThreadPoolExecutor() as pool:
        reasons = pool.map(reason, paths)
        return {path: text for path, text in zip(paths, reasons, strict=True) if text is not None}


def _sub_folders(folder: Path) -> list[Path]:
    return sorted(child for child in folder.iterdir() if child.is_dir() and not child.name.startswith("."))


def _images_below(folder: Path) -> list[Path]:
    return sorted(
        p for p in folder.rglob("*") if p.suffix.lower() in IMAGE_SUFFIXES and not p.name.startswith(".")
    )


def write_images(
    name: str, folder: Path, *, split: PartName = "test", count: int | None = None
) -> list[Path]:
    """Write the pictures of a bundled data set as PNG files, one sub-folder a class.

    Args:
        name: a bundled data set of pictures.
        folder: where the sub-folders are made.
        split: part to write, by the default division.
        count: how many pictures, from the first on; None for all.
    """
    if name not in BUNDLED:
        raise DataError(f"`name` must be one of {', '.join(BUNDLED)}, received {name!r}")
    if count is not None and count < 1:
        raise DataError(f"`count` must be at least 1, received {count}")
    splits = load_images(name)
    samples = splits.part(split)
    written = []
    for index in range(min(len(samples), count or len(samples))):
        sample: ImageSample = samples[index]
        path = folder / splits.class_names[sample.label] / f"{Path(sample.name).name}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        sample.image.save(path)
        written.append(path)
    return written
