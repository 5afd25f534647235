"""Frames of what `predict` is given, pair by pair, and the flow of each pair, kept on disk until it is shown."""

from __future__ import annotations

import os
import re
import shutil
import tempfile
import weakref
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from PIL import Image

from perceivers.data.opening import is_table, open_table_file, require_named
from perceivers.data.rows import decode_row
from perceivers.data.tables import StreamTable, Table, require_columns
from perceivers.errors import DataError, absent, dead_link
from perceivers.kinds.image.reading import IMAGE_SUFFIXES
from perceivers.kinds.video.reading import VIDEO_SUFFIXES
from perceivers.processors.optical_flow.files import read_flow_array, write_flow
from perceivers.processors.video.decoding import DEFAULT_RATE, Picture, decode, read_header
from perceivers.tasks.base import Prediction, Unreadable, guarded
from perceivers.tasks.missing_columns import of_a_trained_run
from perceivers.tasks.optical_flow.options import OpticalFlowArguments
from perceivers.tasks.optical_flow.pixels import decode_pixels

Estimate = Callable[[np.ndarray, np.ndarray], np.ndarray]
# Whatever a frame is read from.
Frame = TypeVar("Frame")


@dataclass(frozen=True)
class Pair:
    """Two frames that follow each other.

    Args:
        first: uint8 [height, width, 3].
        second: the same size.
        source: what the pair is called.
        name: of its files, without ending; may have a folder before it.
        film: the film that it is of, or None.
    """

    first: np.ndarray
    second: np.ndarray
    source: str
    name: str
    film: Path | None = None


class FlowFolder:
    """A folder for flows until they are shown; it is removed with the last object that refers to it."""

    def __init__(self) -> None:
        self.path = Path(tempfile.mkdtemp(prefix="perceivers-flow-"))
        weakref.finalize(self, shutil.rmtree, self.path, ignore_errors=True)


@dataclass(frozen=True)
class KeptFlow:
    """The flow of a pair, on disk: the flows of a film together are too large to be held.

    Args:
        folder: where it lies.
        path: the .flo file.
        first: the first frame, uint8 [height, width, 3]; None where `film` has it.
        film: the film that the pair is of, or None.
        frame_rate: of the film, in Hz.
        extent: motion in pixels that 99 % of the pixels do not exceed.
    """

    folder: FlowFolder
    path: Path
    first: np.ndarray | None
    film: Path | None
    frame_rate: float
    extent: float

    def read(self) -> np.ndarray:
        """[height, width, 2], in pixels."""
        return read_flow_array(self.path)


def flows_of_inputs(
    inputs: Sequence[str],
    chosen: OpticalFlowArguments,
    estimate: Estimate,
    left_out: list[Unreadable] | None = None,
) -> list[Prediction]:
    """Estimate the flow of every pair of `inputs`.

    Args:
        inputs: see `pairs_of_inputs`.
        chosen: columns of tables.
        estimate: from two frames, uint8 [height, width, 3], to flow [height, width, 2] in pixels.
        left_out: see Task.predict.

    Returns:
        See `flows_of_pairs`.
    """
    return flows_of_pairs(pairs_of_inputs(inputs, chosen, left_out), estimate)


def flows_of_pairs(pairs: Iterable[Pair], estimate: Estimate) -> list[Prediction]:
    """Estimate the flow of every pair.

    Args:
        pairs: one after the other.
        estimate: see `flows_of_inputs`.

    Returns:
        `values`: the flow's file, mean and longest motion in pixels; `shown`: a KeptFlow; `notes`: of equal frames.
    """
    folder = FlowFolder()
    predictions: list[Prediction] = []
    still: list[Prediction] = []
    names: set[str] = set()
    rates: dict[Path, float] = {}
    for pair in pairs:
        flow = estimate(pair.first, pair.second)
        length = np.linalg.norm(flow, axis=-1)
        name = _unused(pair.name, names)
        path = folder.path / f"{len(predictions):08d}.flo"
        write_flow(path, flow)
        if pair.film is not None and pair.film not in rates:
            seconds = read_header(pair.film, str(pair.film)).picture_seconds
            rates[pair.film] = 1.0 / seconds if seconds else DEFAULT_RATE
        kept = KeptFlow(
            folder,
            path,
            pair.first if pair.film is None else None,
            pair.film,
            DEFAULT_RATE if pair.film is None else rates[pair.film],
            float(np.quantile(length, 0.99)),
        )
        values = {
            "flow_file": f"{name}.flo",
            "mean_motion": round(float(length.mean()), 4),
            "longest_motion": round(float(length.max()), 4),
        }
        predictions.append(Prediction(pair.source, values, {"flow": kept}))
        if np.array_equal(pair.first, pair.second):
            still.append(predictions[-1])
    if still:
        notes = (*predictions[0].notes, _still_in_words(still, len(predictions)))
        predictions[0] = replace(predictions[0], notes=notes)
    return predictions


def _still_in_words(still: Sequence[Prediction], pairs: int) -> str:
    """What is said of pairs of equal frames: there the model's motion is known to be wrong."""
    mean = float(np.mean([each.values["mean_motion"] for each in still]))
    return (
        f"{len(still):,} of {pairs:,} pairs have two equal frames, such as `{still[0].source}`: nothing moves there, so the "
        f"mean motion of {mean:.2f} pixels that the model finds there is its error"
    )


def pairs_of_inputs(
    inputs: Sequence[str], chosen: OpticalFlowArguments, left_out: list[Unreadable] | None = None
) -> Iterator[Pair]:
    """Pairs of consecutive frames.

    Args:
        inputs: pictures, which together are one sequence in the order given; folders, the pictures in each of which are one
            sequence by name and number; films, also GIF files of several frames; tables with the columns
            `chosen.first_column` and `chosen.second_column`.
        chosen: names of the columns.
        left_out: see Task.predict; what follows a frame that cannot be read begins anew.

    Raises:
        DataError: something is no picture, a sequence has one frame only, or two frames differ in size, and `left_out` is
            None.
    """
    pictures = []
    for given in inputs:
        path = Path(given)
        # Not of Path, which raises OSError of a text that is too long for a name.
        if os.path.isfile(path) and not is_table(path) and not is_film(path):
            pictures.append(path)
        else:
            yield from guarded(given, _pairs_of(given, chosen, left_out), left_out)
    if pictures:
        yield from guarded(
            str(pictures[0]), _pairs_of_files(pictures, "", chosen.white_level, left_out), left_out
        )


def _pairs_of(given: str, chosen: OpticalFlowArguments, left_out: list[Unreadable] | None) -> Iterator[Pair]:
    require_named(given)
    path = Path(given)
    if is_table(path):
        yield from _pairs_of_table(path, chosen, left_out)
    elif path.is_dir():
        for folder, files in _sequences(path):
            pairs = _pairs_of_files(files, f"{folder.name}/", chosen.white_level, left_out)
            yield from guarded(str(folder), pairs, left_out)
    elif is_film(path):
        yield from _pairs_of_film(path)
    else:
        raise DataError(f"`{path}` {absent(path)}")


def is_film(path: Path) -> bool:
    """Whether a file has frames of its own: a film, or a GIF that moves."""
    if path.suffix.lower() != ".gif":
        return path.suffix.lower() in VIDEO_SUFFIXES
    try:
        with Image.open(path) as image:
            return bool(getattr(image, "is_animated", False))
    except (OSError, ValueError, SyntaxError, EOFError):
        # It is reported where it is read as a picture.
        return False


def film_frames(film: Path) -> Iterator[np.ndarray]:
    """The pictures of a film, uint8 [height, width, 3], one after the other."""
    for piece in decode(film, str(film), sound=False):
        if isinstance(piece, Picture):
            yield piece.pixels()


def _pairs_of_files(
    files: Sequence[Path], prefix: str, white_level: float | None, left_out: list[Unreadable] | None
) -> Iterator[Pair]:
    if len(files) < 2:
        raise DataError(f"`{files[0]}` is a single frame; flow needs a second one after it")
    yield from pairs_in_a_row(
        files,
        name=str,
        pixels=lambda path: decode_pixels(str(path), None, white_level),
        pair=lambda one, first, other, second: Pair(
            first, second, f"{one} to {other.name}", f"{prefix}{one.stem}"
        ),
        left_out=left_out,
    )


def pairs_in_a_row(
    frames: Iterable[Frame],
    *,
    name: Callable[[Frame], str],
    pixels: Callable[[Frame], np.ndarray],
    pair: Callable[[Frame, np.ndarray, Frame, np.ndarray], Pair],
    left_out: list[Unreadable] | None,
) -> Iterator[Pair]:
    """Pairs of each frame and the one after it.

    Args:
        frames: in order.
        name: what a frame is called where it cannot be read.
        pixels: of a frame, uint8 [height, width, 3]; raises DataError.
        pair: of a frame with its pixels and the next one with its own.
        left_out: see Task.predict; what follows a frame that cannot be read begins anew.
    """
    before: tuple[Frame, np.ndarray] | None = None
    for frame in frames:
        read = next(guarded(name(frame), (pixels(each) for each in [frame]), left_out), None)
        if before is not None and read is not None:
            found = pair(*before, frame, read)
            yield from guarded(found.source, _of_one_size(found), left_out)
        before = None if read is None else (frame, read)


def _of_one_size(pair: Pair) -> Iterator[Pair]:
    require_one_size(pair.first, pair.second, pair.source)
    yield pair


def _pairs_of_film(film: Path) -> Iterator[Pair]:
    index = -1
    for index, (first, second) in enumerate(pairwise(film_frames(film))):
        yield Pair(first, second, f"{film}, frame {index}", f"{film.stem}/{index:06d}", film)
    if index < 0:
        raise DataError(f"`{film}` has a single frame; flow needs a second one after it")


def _pairs_of_table(
    path: Path, chosen: OpticalFlowArguments, left_out: list[Unreadable] | None
) -> Iterator[Pair]:
    table = open_table_file(path)
    assert isinstance(table, Table)
    columns = (chosen.first_column, chosen.second_column)
    with of_a_trained_run():
        require_columns(table, *columns)

    def frames_of(row: Mapping[str, Any], table: Table | StreamTable) -> list[np.ndarray]:
        return [decode_pixels(row[column], table.root, chosen.white_level) for column in columns]

    def pair_of(index: int) -> Iterator[Pair]:
        name = table.name(index)
        first, second = decode_row(frames_of, table, table[index], name)
        yield from _of_one_size(Pair(first, second, name, f"{path.stem}/{index:06d}"))

    for index in range(len(table)):
        yield from guarded(str(path), pair_of(index), left_out, index + 1)


def _sequences(folder: Path) -> list[tuple[Path, list[Path]]]:
    """Folders at any depth that hold pictures, each with its pictures in order."""
    found: dict[Path, list[Path]] = {}
    for path in sorted(folder.rglob("*"), key=_by_number):
        if (
            path.suffix.lower() in IMAGE_SUFFIXES
            and not path.name.startswith(".")
            and (path.is_file() or dead_link(path))
        ):
            found.setdefault(path.parent, []).append(path)
    if not found:
        raise DataError(f"`{folder}` holds no picture ({', '.join(IMAGE_SUFFIXES)})")
    return list(found.items())


def _by_number(path: Path) -> list[tuple[int, int, str]]:
    """Sort key by which frame 10 comes after frame 9."""
    parts = re.split(r"(\d+)", str(path))
    return [(0, int(part), "") if part.isdecimal() else (1, 0, part) for part in parts]


def _unused(name: str, names: set[str]) -> str:
    """The name, numbered where it is taken; it is then taken."""
    chosen, number = name, 1
    while chosen in names:
        number += 1
        chosen = f"{name}_{number}"
    names.add(chosen)
    return chosen


def require_one_size(first: np.ndarray, second: np.ndarray, source: str) -> None:
    """Raise DataError, about `source`, for two frames of different sizes."""
    if first.shape != second.shape:
        sizes = " and ".join(f"{frame.shape[1]} x {frame.shape[0]}" for frame in (first, second))
        raise DataError(f"`{source}`: both frames must be of one size, received {sizes}")
