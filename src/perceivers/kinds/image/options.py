"""What a user may choose about pictures."""

# No `from __future__ import annotations` here: the command line reads inherited fields in the subclass's module, which
# need not import what their annotations name.

import math
from dataclasses import dataclass
from typing import Any, Literal

from perceivers.arguments.base import require, require_at_least, require_choice, require_counts, require_share
from perceivers.errors import ConfigurationError
from perceivers.kinds.forms import values_of_form

# Cards and pages show pictures about so large.
FEWEST_ROWS_READ = 224

# Fields that only some forms of the input have, and their values where none is given.
FORM_DEFAULTS: dict[str, dict[str, Any]] = {
    "fourier": {"num_fourier_bands": 8},
    "learned": {"pixel_channels": 256, "position_channels": 256},
    "conv": {
        "num_fourier_bands": 8,
        "stem_channels": 64,
        "num_stem_layers": 1,
        "stem_batch_norm": True,
        "stem_padding": "transformers",
    },
    "stem": {"num_fourier_bands": 4, "stem_widths": (32, 64, 128), "stem_blocks": 0, "stem_first_pool": 1},
}


@dataclass(frozen=True, kw_only=True)
class ImageOptions:
    """How pictures are told to the model, and changed while training."""

    input_form: Literal["fourier", "learned", "conv", "stem"] = "fourier"
    """How pixels become tokens: `fourier`, each pixel with Fourier features of its place; `learned`, a linear map of each
    pixel with a learned vector for each place; `conv`, the features of the papers' convolutional stem, a quarter as many a
    side, with Fourier features of their places; `stem`, the same of several stages of 3 x 3 convolutions, which learn from
    fewer pictures."""
    image_height: int = 16
    """Height of the model's input in pixels; pictures of any size are resized to it."""
    image_width: int = 16
    """Width of the model's input in pixels."""
    image_channels: Literal[1, 3] = 3
    """1 turns pictures grey, 3 turns them to red, green and blue."""
    pixel_mean: tuple[float, ...] = (0.5,)
    """Taken from pixels in [0, 1]: one number, or one a channel. The published checkpoints have 0.485, 0.456, 0.406."""
    pixel_std: tuple[float, ...] = (0.5,)
    """What pixels are divided by then: one number, or one a channel. The published checkpoints have 0.229, 0.224, 0.225."""
    white_level: float | None = None
    """Value that is white in pictures deeper than 8 bits, such as 4095 of a camera of 12 bits; what is brighter is white too.
    None: by the file's mode, 65535 of 16 bits and of whole numbers, 1 of floating-point numbers."""
    centre_crop: float = 1.0
    """Share of the shorter side that is kept, the middle of the picture, when evaluating, in (0, 1]; also when training, if
    there is no random crop. 1 keeps the whole picture, in the shape of the model's input. The papers have 0.875."""
    num_fourier_bands: int | None = None
    """Frequencies an axis, from 1 to half the number of places along it (not `learned`); None: 8, with `stem` 4."""
    pixel_channels: int | None = None
    """Channels that the linear map makes of a pixel (`learned`); None: 256, as in the papers."""
    position_channels: int | None = None
    """Size of the learned vectors of places (`learned`); None: 256, as in the papers."""
    stem_channels: int | None = None
    """Channels of the stem (`conv`); None: 64, as in the papers."""
    num_stem_layers: int | None = None
    """Layers of the stem, each a convolution and a pool, which divide both sides by 4 (`conv`); None: 1, as in the papers."""
    stem_batch_norm: bool | None = None
    """Whether the stem has batch normalisation (`conv`); None: it has, as in the papers."""
    stem_padding: Literal["transformers", "same"] | None = None
    """`same` leaves exactly a quarter of each side, as DeepMind's code does; `transformers` one less at most sizes, so that
    Transformers computes the same from the saved model (`conv`); None: transformers."""
    stem_widths: tuple[int, ...] | None = None
    """Channels of the stages of the stem; each stage but the first halves both sides (`stem`); None: 32, 64, 128."""
    stem_blocks: int | None = None
    """Residual blocks, of two convolutions each, in every stage but the first (`stem`); None: 0."""
    stem_first_pool: Literal[1, 2] | None = None
    """2 halves both sides in the first stage too, which is several times cheaper (`stem`); None: 1."""
    shift: float = 0.1
    """Random shift while training, up to this share of the picture's size, in each direction."""
    rotation: float = 12.0
    """Random rotation while training, up to this many degrees, in each direction."""
    scale: float = 0.12
    """Random change of size while training, up to this share, larger or smaller; each axis has its own."""
    crop_area: float = 1.0
    """Smallest share of the picture's area that a random crop keeps while training, in (0, 1]; 1 crops nothing. 0.08 is the
    crop of the Inception network."""
    flip: float = 0.0
    """Probability that left and right change places while training, in [0, 1]."""
    jitter: float = 0.0
    """Random change of brightness, contrast and saturation while training, up to this share, in [0, 1)."""
    rand_augment_operations: int = 0
    """Operations of RandAugment on each training picture; 0 for none. The papers have 4."""
    rand_augment_magnitude: float = 5.0
    """Strength of RandAugment's operations, in [0, 10]."""

    def __post_init__(self) -> None:
        require_choice("input_form", self.input_form, tuple(FORM_DEFAULTS))
        require("image_channels", self.image_channels, self.image_channels in (1, 3), "1 or 3")
        require_at_least(
            1, self, "image_height", "image_width", "num_fourier_bands", "pixel_channels", "position_channels"
        )
        require_at_least(1, self, "stem_channels", "num_stem_layers")
        require_at_least(0, self, "stem_blocks")
        require_counts(self, "stem_widths")
        if self.stem_first_pool is not None:
            require("stem_first_pool", self.stem_first_pool, self.stem_first_pool in (1, 2), "1 or 2")
        if self.stem_padding is not None:
            require_choice("stem_padding", self.stem_padding, ("transformers", "same"))
        for name in ("pixel_mean", "pixel_std"):
            values = getattr(self, name)
            if len(values) not in (1, self.image_channels):
                raise ConfigurationError(
                    f"`{name}` must have one number, or one for each of {self.image_channels} channels, received {values}"
                )
        require("pixel_std", min(self.pixel_std), min(self.pixel_std) > 0.0, "above 0")
        require_share(self, "scale", "jitter")
        require("shift", self.shift, 0.0 <= self.shift <= 1.0, "in [0, 1]")
        require("rotation", self.rotation, 0.0 <= self.rotation <= 180.0, "in [0, 180]")
        white = self.white_level
        require("white_level", white, white is None or 0.0 < white < float("inf"), "above 0, and finite")
        for name in ("crop_area", "centre_crop"):
            require(name, getattr(self, name), 0.0 < getattr(self, name) <= 1.0, "in (0, 1]")
        require("flip", self.flip, 0.0 <= self.flip <= 1.0, "in [0, 1]")
        require_at_least(0, self, "rand_augment_operations")
        require(
            "rand_augment_magnitude",
            self.rand_augment_magnitude,
            0.0 <= self.rand_augment_magnitude <= 10.0,
            "in [0, 10]",
        )

    @property
    def room(self) -> int:
        """Pixels that both sides of a picture keep when it is read, if it has them.

        Twice the model's own at the smallest crop, and enough for a picture that people look at.
        """
        kept = min(self.centre_crop, math.sqrt(self.crop_area * 3.0 / 4.0))
        return max(FEWEST_ROWS_READ, math.ceil(2 * max(self.image_height, self.image_width) / kept))

    def form_values(self) -> dict[str, Any]:
        """The fields that the form of the input has, resolved."""
        return values_of_form(self, FORM_DEFAULTS[self.input_form])

    @property
    def stem_factor(self) -> int:
        """What a stem divides both sides by."""
        values = self.form_values()
        if self.input_form == "stem":
            factor: int = values["stem_first_pool"] * 2 ** (len(values["stem_widths"]) - 1)
            return factor
        return int(4 ** values["num_stem_layers"])

    @property
    def stem_grid(self) -> tuple[int, int]:
        """Rows and columns that positions behind a stem are made for: those that SAME padding leaves, with any padding."""
        smaller = self.stem_factor
        return -(-self.image_height // smaller), -(-self.image_width // smaller)
