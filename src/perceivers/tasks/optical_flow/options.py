"""Columns, model, synthetic pairs, augmentation and estimation of `optical-flow`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from perceivers.arguments.base import require, require_at_least, require_share
from perceivers.arguments.network import NetworkArguments
from perceivers.arguments.open import left_open
from perceivers.errors import ConfigurationError


@left_open(
    NetworkArguments,
    "train_height",
    "train_width",
    "patch_size",
    "patch_channels",
    "num_fourier_bands",
    "target_scale",
    "output_scale",
    "pairs_per_epoch",
    "held_out_pairs",
    "held_out_height",
    "held_out_width",
    "max_motion",
    "max_objects",
    "first_motion",
    "growing_share",
    "plain_share",
    "brightness",
    "pyramid_levels",
)
@dataclass(frozen=True, kw_only=True)
class OpticalFlowArguments(NetworkArguments):
    """Columns, model, made pairs, augmentation and estimation of `optical-flow`: two frames in, every pixel's motion out.

    Data with true flow are trained on as they are; of pictures alone, pairs with known flow are made while training.
    """

    num_latents: int = 64
    """Vectors that both frames are gathered into."""
    latent_channels: int = 128
    """Size of each of them."""
    num_layers: int = 2
    """Self-attention layers over the latents, in each block."""
    num_cross_heads: int = 4
    """Heads of the cross-attention from the latents to the pixels."""
    qk_channels: int | None = 128
    """Channels of queries and keys of the encoder's attention layers; None: those of the inputs in the cross-attention, those
    of the latents elsewhere, as in the papers."""

    first_column: str = "first"
    """Column of a table with the earlier frames: paths of pictures. Folders need none."""
    second_column: str = "second"
    """Column of a table with the later frames."""
    flow_column: str = "flow"
    """Column of a table with the true flow of the first frame: paths of .flo, .pfm, .npy or KITTI's 16-bit .png files."""
    image_column: str = "image"
    """Column of a table of pictures that pairs are made of."""

    white_level: float | None = None
    """Value that is white in frames deeper than 8 bits, such as 4095 of a camera of 12 bits; None: by the file's mode."""

    train_height: int = 24
    """Height of the grid that the model sees at a time, in pixels: crops of it while training, overlapping tiles of a larger
    frame when evaluating."""
    train_width: int = 32
    """Width of that grid, in pixels."""
    patch_size: int = 7
    """Side of the square of pixels around each pixel that its token holds, in both frames. The papers have 3."""
    patch_channels: int = 64
    """Channels that the two squares are mapped to."""
    num_fourier_bands: int = 8
    """Frequencies of the positions along each axis, from 1 to half the grid. The papers have 64."""
    contrast_window: int = 15
    """Side of the window, in pixels, odd, in which mean and contrast of both frames are brought to 0 and 1 before the model
    sees them; 0 leaves the frames as they are, as in the papers. With it, small models learn many times faster."""
    target_scale: float = 20.0
    """Pixels of motion for an output of 1."""
    output_scale: float = 100.0
    """What the last layer's outputs are divided by. The papers have 100; small models learn faster with 1."""
    tile_overlap: int = 8
    """Pixels that neighbouring tiles of a large frame share at least."""

    pairs_per_epoch: int = 1024
    """Pairs made of pictures in each pass."""
    held_out_pairs: int = 64
    """Pairs made of the validation pictures, and as many of the test pictures, always the same ones."""
    held_out_height: int | None = None
    """Height of those pairs in pixels; None: `train_height`."""
    held_out_width: int | None = None
    """Width of those pairs in pixels; None: `train_width`."""
    max_motion: float = 8.0
    """Longest translation of a layer of a made pair, in pixels; turns and deformations come on top."""
    max_objects: int = 2
    """Most objects that move before the background of a made pair."""
    deformation: float = 0.3
    """Strength of smooth deformations on top of affine motion in made pairs, in [0, 1]."""
    first_motion: float = 1.0
    """Share of `max_motion` that made pairs begin with, in (0, 1]; objects and deformations begin with none."""
    still_share: float = 0.05
    """Share of the pairs made while training, in [0, 1), in which nothing moves, so that equal frames come out as equal."""
    growing_share: float = 0.0
    """Share of the run, in [0, 1), over which motion, objects and deformation of made pairs grow to their full size, pass by
    pass; 0 begins with it."""
    plain_share: float = 0.0
    """Share of the run, in [0, 1), that the first phase lasts, in whole passes: pairs are shown as they are, nothing is
    augmented. (Made pairs are always shown forward and reversed.)"""

    brightness: float = 0.2
    """Random change of brightness, up to this share of the whole range, both frames alike; 0 changes none."""
    contrast: float = 0.2
    """Random change of contrast, up to this share, both frames alike."""
    saturation: float = 0.2
    """Random change of saturation, up to this share, both frames alike."""
    second_frame_change: float = 0.02
    """The same changes of the second frame alone, up to this share of the range: light that changes between the frames."""
    noise: float = 0.01
    """Largest standard deviation of noise added to each frame, as a share of the whole range."""
    zoom: float = 0.2
    """Random change of size of pairs with true flow, up to this many doublings or halvings."""
    flip: float = 0.5
    """Probability that left and right of a pair with true flow change places, in [0, 1]; a tenth of it for up and down."""

    resize: float = 1.0
    """Factor by which frames are resized before their flow is estimated, in (0, 1]; flow comes in pixels of the whole frame
    all the same."""
    pyramid_levels: int = 1
    """Sizes that flow is estimated at, each half the next, the smallest first; each then corrects what the smaller one found.
    With several, motions can be longer than those that the model was trained on."""
    iterations: int = 1
    """Estimates at each size: after each, the second frame is fetched back along the flow found so far, and the next one
    estimates what is left."""

    def __post_init__(self) -> None:
        super().__post_init__()
        require_at_least(1, self, "train_height", "train_width", "patch_size", "patch_channels")
        require_at_least(1, self, "num_fourier_bands", "pairs_per_epoch", "held_out_pairs")
        require_at_least(1, self, "held_out_height", "held_out_width", "pyramid_levels", "iterations")
        require_at_least(0, self, "tile_overlap", "max_objects")
        require_share(self, "still_share", "growing_share", "plain_share")
        require_at_least(
            0, self, "brightness", "contrast", "saturation", "second_frame_change", "noise", "zoom"
        )
        for name in ("target_scale", "output_scale", "max_motion"):
            require(name, getattr(self, name), getattr(self, name) > 0.0, "above 0")
        for name in ("first_motion", "resize"):
            require(name, getattr(self, name), 0.0 < getattr(self, name) <= 1.0, "in (0, 1]")
        for name in ("deformation", "flip"):
            require(name, getattr(self, name), 0.0 <= getattr(self, name) <= 1.0, "in [0, 1]")
        for name in ("brightness", "contrast", "saturation", "second_frame_change"):
            require(name, getattr(self, name), getattr(self, name) < 1.0, "below 1")
        white = self.white_level
        require("white_level", white, white is None or 0.0 < white < float("inf"), "above 0, and finite")
        window = self.contrast_window
        require(
            "contrast_window",
            window,
            window == 0 or (window >= 3 and window % 2 == 1),
            "0, or odd and 3 or more",
        )
        if self.tile_overlap >= min(self.train_height, self.train_width):
            raise ConfigurationError(
                f"`tile_overlap` must be below `train_height` and `train_width` ({self.train_height} and "
                f"{self.train_width}), received {self.tile_overlap}"
            )

    def config_values(self) -> dict[str, Any]:
        """See NetworkArguments, with what belongs to optical flow."""
        return {
            **super().config_values(),
            "train_size": (self.train_height, self.train_width),
            "flow_patch_size": self.patch_size,
            "flow_projection_channels": self.patch_channels,
            "fourier_num_bands": self.num_fourier_bands,
            "flow_target_scale": self.target_scale,
            "flow_rescale_factor": self.output_scale,
            "flow_tile_overlap": self.tile_overlap,
        }
