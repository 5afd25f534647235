"""Pictures: one column of them is one modality."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from torch import Tensor

from perceivers.arguments.advice import Advice
from perceivers.errors import DataError
from perceivers.kinds.base import MOSTLY, Kind, ModalityInput, as_tokens, is_empty
from perceivers.kinds.cards import CardLayout
from perceivers.kinds.image.affine import random_affine
from perceivers.kinds.image.augmentation import vary_picture
from perceivers.kinds.image.drawing import LAYOUT, ShownPicture, draw_picture, picture_html, small
from perceivers.kinds.image.jitter import jitter_colours
from perceivers.kinds.image.options import FORM_DEFAULTS, ImageOptions
from perceivers.kinds.image.reading import IMAGE_SUFFIXES, Picture, decode_image, looks_like_picture
from perceivers.kinds.image.sizing import image_learning, image_options, looks_of
from perceivers.kinds.image.tensors import image_modality, image_processor, pixels_of, seen_part
from perceivers.processors.image.reading import upright

if TYPE_CHECKING:
    import numpy as np


@dataclass(frozen=True)
class ImageKind(Kind):
    """Pictures of any mode and size. A value is a Picture."""

    name: ClassVar[str] = "image"
    options_class: ClassVar[type[Any]] = ImageOptions
    suffixes: ClassVar[tuple[str, ...]] = IMAGE_SUFFIXES
    usual_columns: ClassVar[tuple[str, ...]] = ("image", "picture", "photo", "img")
    belonging: ClassVar[Mapping[str, Sequence[str]]] = {
        "input_form": tuple(dict.fromkeys(name for fields in FORM_DEFAULTS.values() for name in fields))
    }
    card: ClassVar[CardLayout | None] = LAYOUT

    @classmethod
    def guess(cls, name: str, cells: Sequence[Any]) -> float:
        """See Kind."""
        return 0.97 if sum(map(looks_like_picture, cells)) >= MOSTLY * len(cells) else 0.0

    @classmethod
    def advise(cls, cells: Sequence[Any], table: Any, num_rows: int, hidden: float) -> ImageOptions:
        """See Kind."""
        pictures = []
        for cell in cells:
            try:
                pictures.append(decode_image(cell, table.root))
            except DataError:
                # It is reported with the other rows that cannot be read.
                continue
        if not pictures:
            return ImageOptions()
        return image_options(looks_of([upright(picture) for picture in pictures]))

    def learning(self, num_rows: int) -> Advice:
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
        return None if is_empty(cell) else Picture(decode_image(cell, table.root))

    def vary(self, value: Picture, generator: np.random.Generator) -> Picture:
        """Crop, mirror and RandAugment one picture."""
        return vary_picture(value, self.options, generator)

    def tensors(self, values: Sequence[Picture | None]) -> dict[str, ModalityInput]:
        """Pixels [batch, image_channels, height, width]."""
        return {"": pixels_of(values, self.options)}

    def augment(self, inputs: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Shift, turn and scale the pictures, and change their brightness, contrast and saturation."""
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
        return {"": image_modality(self.options)}

    def save_pretrained(self, folder: Path) -> None:
        """Write the image processor's `preprocessor_config.json`."""
        image_processor(self.options).save_pretrained(folder)

    def show(
        self, value: Picture | None, weights: Mapping[str, Tensor], grids: Mapping[str, tuple[int, ...]]
    ) -> ShownPicture | None:
        """What the model saw of a picture, and the attention over the grid of its tokens."""
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
