"""What optical flow is trained on: pairs of frames with true flow, or pictures that pairs are made of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from perceivers.arguments import DataArguments
from perceivers.data.draws import generator_of
from perceivers.data.opening import Tables, notes_of, open_tables, sub_folders
from perceivers.data.parts import part_of
from perceivers.data.rows import RowSamples, load_splits
from perceivers.data.splits import PartName, Samples, Splits
from perceivers.data.tables import FILE_COLUMN, StreamTable, Table, doubt_of_names, require_columns
from perceivers.errors import DataError
from perceivers.kinds.image.reading import IMAGE_SUFFIXES
from perceivers.processors.optical_flow.truth import known_part, read_known_flow
from perceivers.tasks.optical_flow.augmentation import FlowSample
from perceivers.tasks.optical_flow.folders import (
    SCENE_COLUMN,
    flow_table,
    parts_inside,
    require_no_unknown_truth,
)
from perceivers.tasks.optical_flow.options import OpticalFlowArguments
from perceivers.tasks.optical_flow.pictures import Difficulty, MadePairs, PairMaker, PicturePool, UnmadePairs
from perceivers.tasks.optical_flow.pixels import decode_pixels

# Tags of the generators of held-out pairs, apart from those of `perceivers.data.draws`.
PART_TAGS = {"train": 10, "validation": 11, "test": 12}


@dataclass(frozen=True)
class FlowDecoder:
    """From a row to a FlowSample, or of a table of pictures to uint8 [height, width, 3].

    Args:
        first_column: column with the earlier frame, see `perceivers.kinds.image.reading.read_plain`.
        second_column: column with the later frame.
        flow_column: column with the flow: a path of a .flo, .pfm, .npy or KITTI .png file, or float [height, width, 2] in
            pixels, NaN where it is not known.
        image_column: column of a table of pictures.
        white_level: value that is white in pictures deeper than 8 bits; None: by their mode.
    """

    first_column: str
    second_column: str
    flow_column: str
    image_column: str
    white_level: float | None = None

    @classmethod
    def of(cls, chosen: OpticalFlowArguments) -> FlowDecoder:
        """With the columns that the arguments name."""
        return cls(
            chosen.first_column,
            chosen.second_column,
            chosen.flow_column,
            chosen.image_column,
            chosen.white_level,
        )

    def __call__(self, row: Mapping[str, Any], table: Table | StreamTable) -> Any:
        """Decode one row."""
        if not self.has_flow(table):
            column = self.image_column if self.image_column in table.columns else FILE_COLUMN
            return decode_pixels(row[column], table.root, self.white_level)
        first, second = (
            decode_pixels(row[column], table.root, self.white_level)
            for column in (self.first_column, self.second_column)
        )
        if first.shape != second.shape:
            raise DataError(
                f"both frames must be of one size, received {_size(first)} in the column {self.first_column!r} and "
                f"{_size(second)} in the column {self.second_column!r}"
            )
        flow, valid = decode_flow(row[self.flow_column], table.root)
        if flow.shape[:2] != first.shape[:2]:
            raise DataError(
                f"the flow must be of the frames' size {_size(first)}, received {_size(flow)} in the column "
                f"{self.flow_column!r}"
            )
        return FlowSample(as_unit(first), as_unit(second), flow, valid)

    def has_flow(self, table: Table | StreamTable) -> bool:
        """Whether a table holds pairs with true flow, and not pictures.

        Raises:
            DataError: it holds neither.
        """
        wanted = (self.first_column, self.second_column, self.flow_column)
        if any(column in table.columns for column in wanted):
            require_columns(table, *wanted)
            return True
        if self.image_column in table.columns or FILE_COLUMN in table.columns:
            return False
        raise DataError(
            f"`{table.source}` must have the columns {', '.join(map(repr, wanted))} (pairs of frames with true flow; "
            "--first-column, --second-column, --flow-column), or a column "
            f"{self.image_column!r} (pictures that pairs are made of; --image-column), received {', '.join(table.columns)}"
            f"{doubt_of_names(table)}"
        )


def decode_flow(value: Any, root: Path | None) -> tuple[np.ndarray, np.ndarray]:
    """What a table holds for flow: float32 [height, width, 2] in pixels, and bool [height, width], where it is known."""
    flow: Tensor
    if isinstance(value, np.ndarray):
        flow, valid = known_part(torch.from_numpy(value.astype(np.float32)))
    elif isinstance(value, str) and value:
        flow, valid = read_known_flow(Path(value) if root is None else root / value)
    else:
        raise DataError(
            f"flow must be the path of a .flo, .pfm, .npy or .png file or an array, received {value!r:.80}"
        )
    if flow.ndim != 3 or flow.shape[-1] != 2:
        raise DataError(f"flow must have shape [height, width, 2], received {list(flow.shape)}")
    return flow.numpy(), valid.numpy()


def as_unit(pixels: np.ndarray) -> np.ndarray:
    """uint8 in [0, 255] to float32 in [0, 1]."""
    return pixels.astype(np.float32) / np.float32(255.0)


def load_flow_splits(arguments: DataArguments, chosen: OpticalFlowArguments, *, trains: bool) -> Splits:
    """Open and divide pairs, or pictures and the pairs made of them.

    Scenes (folders of a benchmark) and pictures stay in one part.

    Args:
        arguments: where the data are, and how they are divided.
        chosen: columns, and what made pairs are like.
        trains: whether the training part is for training; then pairs of its pictures are made anew every time.
    """
    return splits_of(open_flow_tables(arguments, chosen), arguments, chosen, trains=trains)


def are_pictures(tables: Tables, chosen: OpticalFlowArguments) -> bool:
    """Whether the training part holds pictures that pairs are made of, and not pairs with true flow.

    Raises:
        DataError: a table holds neither.
    """
    decoder = FlowDecoder.of(chosen)
    return not {part: decoder.has_flow(table) for part, table in tables.items()}["train"]


def splits_of(
    tables: Tables, arguments: DataArguments, chosen: OpticalFlowArguments, *, trains: bool
) -> Splits:
    """The same of tables that are open; see `load_flow_splits`."""
    decoder = FlowDecoder.of(chosen)
    for table in tables.values():
        decoder.has_flow(table)
    scenes = SCENE_COLUMN if all(SCENE_COLUMN in table.columns for table in tables.values()) else None
    splits = load_splits(arguments, tables, decoder, groups=scenes)

    def made(part: PartName) -> Samples:
        return _samples(part, splits.part(part), decoder, arguments, chosen, trains=trains)

    return replace(
        splits,
        train=made("train"),
        validation=made("validation"),
        test=made("test"),
        notes=(*notes_of(tables), *splits.notes),
    )


def open_flow_tables(arguments: DataArguments, chosen: OpticalFlowArguments) -> Tables:
    """Open the tables of a data set by part; folders as benchmarks lay them out, and whatever else `open_tables` knows.

    Args:
        arguments: where the data are.
        chosen: the names of columns.

    Raises:
        DataError: there is no such data, or a folder seems to hold true flow and no table says which frames it belongs to.
    """
    given = {"train": arguments.data, "validation": arguments.validation_data, "test": arguments.test_data}
    layout = layout_tables(arguments.data)
    if layout is None:
        tables = _plain_tables(arguments)
    elif arguments.streaming:
        raise DataError(
            f"`streaming` needs a table or a data set on the hub, received `data` {arguments.data!r}"
        )
    else:
        tables = layout
    for part, other in given.items():
        if other is None or part == "train":
            continue
        opened = layout_tables(other)
        if opened is None and layout is not None:
            opened = _plain_tables(DataArguments(data=other))
        if opened is not None:
            tables[part] = opened.get(part) or next(iter(opened.values()))
    decoder = FlowDecoder.of(chosen)
    for part, name in given.items():
        if name is not None and Path(name).is_dir() and not decoder.has_flow(tables[part]):
            require_no_unknown_truth(Path(name))
    return tables


def _plain_tables(arguments: DataArguments) -> Tables:
    try:
        return open_tables(arguments, IMAGE_SUFFIXES, labelled=False)
    except DataError:
        if Path(arguments.data).is_dir():
            require_no_unknown_truth(Path(arguments.data))
        raise


def layout_tables(data: str) -> Tables | None:
    """Tables of a folder that holds true flow as benchmarks lay it out, by part; None for everything else."""
    folder = Path(data)
    if not folder.is_dir():
        return None
    parts = {part: child for child in sub_folders(folder) if (part := part_of(child.name)) is not None}
    found = {part: flow_table(child) for part, child in parts.items()}
    tables: Tables = {part: table for part, table in found.items() if table is not None}
    if not tables and (table := flow_table(folder)) is not None:
        tables = {**parts_inside(table)}
    if tables and "train" not in tables:
        raise DataError(
            f"`data` {data!r} must have a part `train`, received only {', '.join(sorted(tables))}"
        )
    return tables or None


def _samples(
    part: str,
    samples: Any,
    decoder: FlowDecoder,
    arguments: DataArguments,
    chosen: OpticalFlowArguments,
    *,
    trains: bool,
) -> Samples:
    """The part itself where it has true flow or is a stream; pairs made of its pictures otherwise."""
    if not isinstance(samples, RowSamples) or decoder.has_flow(samples.table):
        found: Samples = samples
        return found
    pool, source = PicturePool(samples), samples.table.source
    if part == "train" and trains:
        return UnmadePairs(pool, chosen.pairs_per_epoch if len(samples) else 0, source)
    size = (chosen.held_out_height or chosen.train_height, chosen.held_out_width or chosen.train_width)
    generator = partial(generator_of, arguments.split_seed, PART_TAGS[part])
    count = chosen.held_out_pairs if len(samples) else 0
    return MadePairs(pool, count, source, PairMaker(*size), difficulty_of(chosen), generator)


def difficulty_of(chosen: OpticalFlowArguments) -> Difficulty:
    """What made pairs are like at the end of the curriculum."""
    return Difficulty(chosen.max_motion, chosen.max_objects, chosen.deformation)


def _size(pixels: np.ndarray) -> str:
    return f"{pixels.shape[1]} x {pixels.shape[0]}"
