"""Pictures: one column of them is one modality."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np
from PIL import Image

from perceivers.arguments.advice import Advice
from perceivers.data.evenly import spread_indices
from perceivers.data.tables import Table
from perceivers.errors import DataError
from perceivers.kinds.asked import Extent, Field, Media
from perceivers.kinds.base import MOSTLY, NOTHING_CHOSEN, Kind, ModalityInput, as_tokens, is_empty
from perceivers.kinds.cards import CardLayout
from perceivers.kinds.forms import Forms
from perceivers.kinds.image.arrays import pixel_arrays
from perceivers.kinds.image.augmentation import vary_picture
from perceivers.kinds.image.drawing import LAYOUT, ShownPicture, draw_picture, picture_html, small
from perceivers.kinds.image.options import FORM_DEFAULTS, ImageOptions
from perceivers.kinds.image.reading import (
    IMAGE_SUFFIXES,
    Picture,
    dark_note,
    decode_sized,
    looks_like_picture,
    read_plain,
)
from perceivers.kinds.image.sizing import LOOKED_AT, image_learning, image_options, looks_of
from perceivers.kinds.inline import png_of
from perceivers.processors.image.opening import size_stored
from perceivers.rivals.simple import SimpleForm

if TYPE_CHECKING:
    from torch import Tensor

# Pictures whose brightness is looked at before training.
MOST_SURVEYED = 16


@dataclass(frozen=True)
class ImageKind(Kind):
    """Pictures of any mode and size. A value is a Picture.

    Args:
        said: what the user should know of how pictures are read; found by `survey`.
    """

    said: tuple[str, ...] = ()

    name: ClassVar[str] = "image"
    options_class: ClassVar[type[Any]] = ImageOptions
    suffixes: ClassVar[tuple[str, ...]] = IMAGE_SUFFIXES
    keys_of_a_cell: ClassVar[frozenset[str]] = frozenset({"bytes", "path"})
    usual_columns: ClassVar[tuple[str, ...]] = ("image", "picture", "photo", "img")
    belonging: ClassVar[Mapping[str, Sequence[str]]] = {"input_form": ("num_fourier_bands",)}
    forms_of_input: ClassVar[Forms] = {
        "input_form": {form: tuple(own) for form, own in FORM_DEFAULTS.items()}
    }
    card: ClassVar[CardLayout | None] = LAYOUT
    simple_form: ClassVar[SimpleForm | None] = SimpleForm("vector", "linear on pixels")

    @classmethod
    def guess(cls, name: str, cells: Sequence[Any]) -> float:
        """See Kind."""
        return 0.97 if sum(map(looks_like_picture, cells)) >= MOSTLY * len(cells) else 0.0

    @classmethod
    def advise(
        cls,
        cells: Sequence[Any],
        table: Any,
        num_rows: int,
        hidden: float,
        chosen: Mapping[str, Any] = NOTHING_CHOSEN,
    ) -> ImageOptions:
        """See Kind."""
        sizes: list[tuple[int, int]] = []

        def pictures() -> Iterator[Image.Image]:
            for cell in cells:
                try:
                    picture, size = decode_sized(cell, table.root, LOOKED_AT, chosen.get("white_level"))
                except DataError:
                    # It is reported with the other rows that cannot be read.
                    continue
                sizes.append(size)
                yield picture

        given = pictures()
        first = next(given, None)
        if first is None:
            return ImageOptions()
        return image_options(looks_of(chain([first], given), sizes), num_rows)

    def learning(self, num_rows: int, num_classes: int | None = None) -> Advice:
        """See Kind."""
        return image_learning(num_rows, self.options)

    @property
    def num_tokens(self) -> int:
        """See Kind."""
        chosen = self.options
        has_stem = chosen.input_form in ("conv", "stem")
        return math.prod(chosen.stem_grid if has_stem else (chosen.image_height, chosen.image_width))

    def described(self) -> str:
        """See Kind."""
        chosen = self.options
        colours = "grey" if chosen.image_channels == 1 else "in colour"
        pixels = f"{chosen.image_height} x {chosen.image_width} pixels {colours}"
        return pixels + as_tokens(self.num_tokens)

    def read(self, row: Mapping[str, Any], columns: Sequence[str], table: Any) -> Picture | None:
        """See Kind."""
        cell = row.get(columns[0])
        if is_empty(cell):
            return None
        chosen = self.options
        return Picture(
            read_plain(
                cell,
                table.root,
                channels=chosen.image_channels,
                white_level=chosen.white_level,
                room=chosen.room,
            )
        )

    def kept(self) -> tuple[Any, ...] | None:
        """See Kind."""
        chosen = self.options
        return self.name, chosen.image_channels, chosen.white_level, chosen.room

    def pack(self, value: Picture) -> Mapping[str, np.ndarray]:
        """See Kind."""
        return {"pixels": np.asarray(value.image)}

    def unpack(self, arrays: Mapping[str, np.ndarray]) -> Picture:
        """See Kind."""
        return Picture(Image.fromarray(arrays["pixels"]))

    def survey(self, table: Any, columns: Sequence[str]) -> Self:
        """Find out whether deep pictures use little of their depth, so that they are seen nearly black."""
        if self.options.white_level is None and isinstance(table, Table):
            indices = spread_indices(len(table), MOST_SURVEYED)
            cells = [table[index].get(columns[0]) for index in indices]
            note = dark_note([cell for cell in cells if not is_empty(cell)], table.root)
            if note:
                return replace(self, said=(f"`{table.source}`: {note}",))
        return self

    def notes(self) -> list[str]:
        """See Kind."""
        return list(self.said)

    def simplified(self, row: Mapping[str, Any], columns: Sequence[str], table: Any) -> np.ndarray | None:
        """The pixels of a small picture, float32: 16 x 16 in colours, 32 x 32 in grey."""
        from perceivers.kinds.image.tensors import pixels_of

        value = self.read(row, columns, table)
        if value is None:
            return None
        pixels = pixels_of([value], self.options).values
        from torch.nn.functional import adaptive_avg_pool2d

        side = 32 if pixels.shape[1] == 1 else 16
        return adaptive_avg_pool2d(pixels.float(), side).flatten().numpy()

    def vary(self, value: Picture, generator: np.random.Generator) -> Picture:
        """Crop, mirror and RandAugment one picture."""
        return vary_picture(value, self.options, generator)

    def tensors(self, values: Sequence[Picture | None]) -> dict[str, ModalityInput]:
        """Pixels [batch, image_channels, height, width]."""
        from perceivers.kinds.image.tensors import pixels_of

        return {"": pixels_of(values, self.options)}

    def arrays(self, values: Sequence[Picture | None]) -> dict[str, ModalityInput]:
        """The same by Pillow alone."""
        return {"": pixel_arrays(values, self.options)}

    def augment(self, inputs: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Shift, turn and scale the pictures, and change their brightness, contrast and saturation."""
        from perceivers.kinds.image.affine import random_affine
        from perceivers.kinds.image.jitter import jitter_colours

        chosen = self.options
        return {
            name: jitter_colours(
                random_affine(pixels, shift=chosen.shift, rotation=chosen.rotation, scale=chosen.scale),
                chosen.jitter,
            )
            for name, pixels in inputs.items()
        }

    @property
    def modality_names(self) -> tuple[str, ...]:
        """See Kind."""
        return ("",)

    def modalities(self) -> dict[str, dict[str, Any]]:
        """See Kind."""
        from perceivers.kinds.image.tensors import image_modality

        return {"": image_modality(self.options)}

    def save_pretrained(self, folder: Path) -> None:
        """Write the image processor's `preprocessor_config.json`."""
        from perceivers.kinds.image.tensors import image_processor

        image_processor(self.options).save_pretrained(folder)

    def show(
        self, value: Picture | None, weights: Mapping[str, Tensor], grids: Mapping[str, tuple[int, ...]]
    ) -> ShownPicture | None:
        """What the model saw of a picture, and the attention over the grid of its tokens."""
        from perceivers.kinds.image.tensors import seen_part

        if value is None:
            return None
        attention = weights[""].reshape(grids[""]).numpy()
        return ShownPicture(small(seen_part(value.image, self.options)), attention)

    def draw(self, figure: Any, places: Sequence[Any], shown: ShownPicture | None, source: str) -> None:
        """See Kind."""
        draw_picture(figure, places, shown, source)

    def html(self, shown: ShownPicture | None, columns: Sequence[str]) -> str:
        """See Kind."""
        return picture_html(shown, columns[0])

    def fields(self, columns: Sequence[str]) -> tuple[Field, ...]:
        """See AskedKind."""
        accepts = ("image/*", *self.suffixes)
        return tuple(
            Field(column, self.name, "file", "a picture of any size", accepts, "picture")
            for column in columns
        )

    def extent(self, content: bytes, most_seconds: float) -> Extent:
        """See AskedKind."""
        size = size_stored(content)
        return Extent() if size is None else Extent(pixels=math.prod(size))

    def media(self, value: Picture) -> Media:
        """The picture as a PNG file."""
        return Media("image/png", png_of(small(value.image)))
