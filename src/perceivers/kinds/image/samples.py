"""What becomes of one picture: varied for training, read for prediction, cut as the model sees it for people."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from perceivers.data.opening import TABLE_FORMATS, find_files, open_table_file
from perceivers.data.rows import decode_row
from perceivers.data.tables import FILE_COLUMN, ListTable, StreamTable, Table, require_columns
from perceivers.kinds.image.crops import random_crop, random_flip
from perceivers.kinds.image.randaugment import rand_augment
from perceivers.kinds.image.reading import IMAGE_SUFFIXES, ImageSample, decode_image
from perceivers.processors.image.geometry import centre_box
from perceivers.processors.image.pillow import PerceiverImageProcessor
from perceivers.processors.image.reading import read_picture, upright
from perceivers.tasks.image_classification.options import ImageClassificationArguments


def vary_image(
    sample: ImageSample, chosen: ImageClassificationArguments, generator: np.random.Generator
) -> ImageSample:
    """Crop, mirror and RandAugment one picture, as the arguments say; the sample itself where they ask for none."""
    crops = chosen.crop_area < 1.0
    if not (crops or chosen.flip or chosen.rand_augment_operations):
        return sample
    image = plain_image(sample.image, chosen.image_channels)
    if crops:
        size = (chosen.image_height, chosen.image_width)
        image = random_crop(image, generator, size=size, smallest_area=chosen.crop_area)
    image = random_flip(image, generator, chosen.flip)
    image = rand_augment(
        image,
        generator,
        num_operations=chosen.rand_augment_operations,
        magnitude=chosen.rand_augment_magnitude,
    )
    return replace(sample, image=image, is_framed=crops)


def plain_image(image: Image.Image, channels: int) -> Image.Image:
    """A picture of any mode as grey (1) or RGB (3), upright, as the image processor reads it."""
    image = upright(image)
    if image.mode == ("L" if channels == 1 else "RGB"):
        return image
    pixels = read_picture(image, channels=channels).clamp(0, 255).byte()
    return Image.fromarray((pixels[0] if channels == 1 else pixels.permute(1, 2, 0)).contiguous().numpy())


def seen_part(image: Image.Image, processor: PerceiverImageProcessor) -> Image.Image:
    """The part of a picture, upright, that the model is shown."""
    image = upright(image)
    if not processor.do_center_crop:
        return image
    top, left, height, width = centre_box(image.height, image.width, processor.size, processor.crop_size)
    return image.crop((left, top, left + width, top + height))


def image_column(columns: Sequence[str], chosen: ImageClassificationArguments) -> str:
    """The column with the pictures: that of the files of a folder, or the one that the arguments name."""
    has_files = FILE_COLUMN in columns and chosen.image_column not in columns
    return FILE_COLUMN if has_files else chosen.image_column


def images_to_answer(
    inputs: Sequence[str], chosen: ImageClassificationArguments
) -> Iterator[tuple[str, Image.Image]]:
    """Name and picture of files, of all files of folders, and of the rows of tables.

    Raises:
        DataError: there is no such file, or it cannot be read; the message names it.
    """
    for given in inputs:
        if Path(given).suffix.lower() in TABLE_FORMATS:
            table = open_table_file(Path(given))
            assert isinstance(table, Table)
        else:
            paths = [str(path) for path in find_files([given], IMAGE_SUFFIXES, "picture")]
            table = ListTable([{FILE_COLUMN: path} for path in paths], given, paths)
        column = image_column(table.columns, chosen)
        require_columns(table, column)
        for index in range(len(table)):
            name = table.name(index)
            yield name, decode_row(_PictureOf(column), table, table[index], name)


@dataclass(frozen=True)
class _PictureOf:
    """From a row to the picture in one of its columns."""

    column: str

    def __call__(self, row: Mapping[str, Any], table: Table | StreamTable) -> Image.Image:
        return decode_image(row[self.column], table.root)
