"""What a user may choose about sets of points."""

# No `from __future__ import annotations` here: the command line reads inherited fields in the subclass's module, which
# need not import what their annotations name.

from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Literal

from perceivers.arguments.base import require, require_at_least, require_choice, require_counts, require_share
from perceivers.errors import ConfigurationError
from perceivers.kinds.forms import values_of_form

# Fields that only some forms of the input have, and their values where none is given.
FORM_DEFAULTS: dict[str, dict[str, Any]] = {
    "single": {},
    "neighbourhoods": {
        "neighbourhood_widths": (64, 128),
        "neighbourhood_centres": (128, 32),
        "num_neighbours": 16,
    },
}


@dataclass(frozen=True, kw_only=True)
class PointOptions:
    """How sets of points are told to the model, and changed while training."""

    input_form: Literal["single", "neighbourhoods"] = "single"
    """What a token is: `single`, a point by itself; `neighbourhoods`, a point with what lies around it, by a perceptron that
    all share and the largest of what it makes of the nearest points (PointNet++), in stages that leave fewer points each."""
    num_coordinates: int | None = None
    """Leading numbers of a point that say where it is; the others are features. None: 2 of pictures, of all else 3, or
    as many as there are."""
    num_points: int = 2_000
    """Points laid on a surface, and drawn from a larger set: anew each time while training, always the same when evaluating.
    Smaller sets stay whole."""
    normalization: Literal["sphere", "box", "none"] = "sphere"
    """What is done to the coordinates of each set last: `sphere`, the mean goes to 0 and the farthest point to distance 1;
    `box`, the middle of the bounding box goes to 0 and its longest side to length 2; `none`, nothing."""
    coordinate_range: float = 1.0
    """Without normalisation: coordinates lie between this and its negative. What augmentation moves beyond is put on the
    border."""
    num_fourier_bands: int = 16
    """Frequencies of each coordinate, from 1 to half of `max_resolution`."""
    max_resolution: int = 64
    """Twice the highest frequency, in half-periods over the range: about as many places along an axis as are to be told
    apart. The first Perceiver has 2,240 with 64 frequencies for ModelNet40."""
    feature_channels: int | None = None
    """Channels that a linear map makes of a point's features; None leaves them as they are."""
    neighbourhood_widths: tuple[int, ...] | None = None
    """Channels of each stage (`neighbourhoods`); None: 64, 128."""
    neighbourhood_centres: tuple[int, ...] | None = None
    """Points that each stage leaves, spread out over the set; smaller sets stay whole (`neighbourhoods`); None: 128, 32."""
    num_neighbours: int | None = None
    """Nearest points that are looked at around each, itself among them (`neighbourhoods`); None: 16."""
    drop: float = 0.0
    """Up to this share of the points is left out at random while training, in [0, 1)."""
    rotation: float = 0.0
    """Random rotation while training, up to this many degrees, in each direction."""
    rotation_axis: Literal["x", "y", "z"] = "z"
    """Axis of that rotation, through the origin. Sets in a plane have `z` only."""
    scale: float = 0.0
    """Random change of size while training, up to this share, in [0, 1); each coordinate has its own."""
    point_scale: float = 0.0
    """The same for each coordinate of each point, in [0, 1). The first Perceiver has 0.01."""
    jitter: float = 0.0
    """Standard deviation of what is added to each coordinate while training, as a share of the set's radius."""
    shift: float = 0.0
    """Random shift along each coordinate while training, up to this much; without normalisation only, which would undo it."""

    def __post_init__(self) -> None:
        require_at_least(
            1,
            self,
            "num_coordinates",
            "num_points",
            "num_fourier_bands",
            "max_resolution",
            "feature_channels",
            "num_neighbours",
        )
        require_choice("input_form", self.input_form, tuple(FORM_DEFAULTS))
        require_counts(self, "neighbourhood_widths", "neighbourhood_centres")
        self._require_stages()
        require_choice("normalization", self.normalization, ("sphere", "box", "none"))
        require_choice("rotation_axis", self.rotation_axis, ("x", "y", "z"))
        require(
            "coordinate_range",
            self.coordinate_range,
            0.0 < self.coordinate_range < float("inf"),
            "above 0, and finite",
        )
        require_share(self, "drop", "scale", "point_scale")
        require("rotation", self.rotation, 0.0 <= self.rotation <= 180.0, "in [0, 180]")
        require_at_least(0, self, "jitter", "shift")
        for name, unused in (("coordinate_range", 1.0), ("shift", 0.0)):
            if self.normalization != "none" and getattr(self, name) != unused:
                raise ConfigurationError(
                    f"`{name}` needs `normalization` none, received {getattr(self, name)} with {self.normalization!r}"
                )
        if self.num_coordinates == 1 and self.rotation:
            raise ConfigurationError(
                f"`rotation` needs two coordinates or more, received {self.rotation} with one"
            )
        if self.num_coordinates == 2 and self.rotation_axis != "z":
            raise ConfigurationError(
                f"`rotation_axis` must be 'z' for points in a plane, received {self.rotation_axis!r}"
            )

    def form_values(self) -> dict[str, Any]:
        """The fields that the form of the input has, resolved."""
        return values_of_form(self, FORM_DEFAULTS[self.input_form])

    @property
    def num_tokens(self) -> int:
        """Tokens of a set, at most."""
        if self.input_form == "single":
            return self.num_points
        return min(self.num_points, *self.form_values()["neighbourhood_centres"])

    def _require_stages(self) -> None:
        """Raise ConfigurationError for stages that do not fit together."""
        if self.input_form == "single":
            return
        values = self.form_values()
        widths, centres = values["neighbourhood_widths"], values["neighbourhood_centres"]
        if len(widths) != len(centres):
            raise ConfigurationError(
                "`neighbourhood_widths` and `neighbourhood_centres` must have one number a stage, received "
                f"{widths} and {centres}"
            )
        if any(after > before for before, after in pairwise(centres)):
            raise ConfigurationError(
                f"`neighbourhood_centres` must not grow from stage to stage, received {centres}"
            )
