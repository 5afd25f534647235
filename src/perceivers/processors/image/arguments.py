"""The options of the image processors: their defaults, their checks, how they read and write JSON."""

from __future__ import annotations

import dataclasses
import difflib
import math
import warnings
from collections.abc import Mapping, Sequence
from typing import Any, Literal

from perceivers.errors import ConfigurationError

IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)

CROP_MODES = ("transformers", "deepmind")
LAYOUTS = ("channels_first", "channels_last", "none")
SIZE_KEYS = (
    {"height", "width"},
    {"shortest_edge"},
    {"shortest_edge", "longest_edge"},
    {"max_height", "max_width"},
)
_SIZE_NAMES = ("height", "width", "shortest_edge", "longest_edge", "max_height", "max_width")
RESAMPLING_NAMES = ("nearest", "lanczos", "bilinear", "bicubic", "box", "hamming")

# Options of the reference that change nothing about Perceiver's pictures, there or here.
WITHOUT_EFFECT = ("do_pad", "pad_size", "image_seq_length")

Size = int | Sequence[int] | Mapping[str, int]


class PictureSize(dict[str, int]):
    """A size by its keys, which are attributes, too: `size.height`; None for those that it does not have."""

    def __getattr__(self, name: str) -> int | None:
        if name not in _SIZE_NAMES:
            raise AttributeError(f"a size has the attributes {', '.join(_SIZE_NAMES)}, not `{name}`")
        return self.get(name)


@dataclasses.dataclass(frozen=True)
class ImageOptions:
    """What is done to a picture, in this order: crop, resize, rescale, normalise.

    Args:
        do_convert_rgb: True: every picture becomes RGB. False: channels stay as they are. None: channels are
            brought to as many as `image_mean` lists (3: RGB, 1: grey); nothing is changed if it is a plain
            number or if `do_normalize` is off.
        do_center_crop: crop the middle.
        crop_size: what `size` is a part of: `size / crop_size` of the shorter side is kept.
        do_resize: resize to `size`.
        size: height and width in pixels: an int (square), (height, width) or {"height", "width"}; without crop
            also {"shortest_edge"}, {"shortest_edge", "longest_edge"} or {"max_height", "max_width"}.
        default_to_square: whether an int `size` means a square; if not, it is the shorter side.
        resample: filter by Pillow's number: 0 nearest, 1 Lanczos, 2 bilinear, 3 bicubic, 4 box, 5 Hamming; or its name.
        do_rescale: multiply by `rescale_factor`.
        rescale_factor: 1/255 brings [0, 255] to [0, 1].
        do_normalize: subtract `image_mean`, divide by `image_std`.
        image_mean: one number, or one a channel, in units of the rescaled picture.
        image_std: like `image_mean`, not 0.
        crop_mode: "transformers", or "deepmind" for the evaluation crop of DeepMind's ImageNet code.
        data_format: of the result: "channels_first" or "channels_last".
        input_data_format: of arrays: "channels_first", "channels_last", "none" (height and width only); None: seen
            from the shape, where an axis of 1, 3 or 4 counts as channels, first axis first.
        return_tensors: "pt", "np", or None for a list of unstacked pictures.
        device: where the result lies ("pt"), and for the torch backend where the work is done.
        disable_grouping: True: pictures of one size are not processed together (less memory, same result).
    """

    do_convert_rgb: bool | None = None
    do_center_crop: bool | None = True
    crop_size: Size | None = 256
    do_resize: bool | None = True
    size: Size | None = 224
    default_to_square: bool | None = True
    resample: int | str | None = 3
    do_rescale: bool | None = True
    rescale_factor: float | None = 1 / 255
    do_normalize: bool | None = True
    image_mean: float | Sequence[float] | None = IMAGENET_MEAN
    image_std: float | Sequence[float] | None = IMAGENET_STD
    crop_mode: Literal["transformers", "deepmind"] = "transformers"
    data_format: str | None = "channels_first"
    input_data_format: str | None = None
    return_tensors: str | None = None
    device: str | None = None
    disable_grouping: bool | None = None

    def __post_init__(self) -> None:
        """Bring sizes, filter and formats to one form each, and check every value alone."""
        set_field = object.__setattr__
        set_field(self, "size", size_mapping("size", self.size, square=bool(self.default_to_square)))
        set_field(self, "crop_size", size_mapping("crop_size", self.crop_size, square=True))
        set_field(self, "resample", _resampling_number(self.resample))
        for name in ("data_format", "input_data_format", "return_tensors"):
            value = getattr(self, name)
            set_field(self, name, getattr(value, "value", value))
        if self.device is not None:
            set_field(self, "device", str(self.device))
        for name in ("image_mean", "image_std"):
            set_field(self, name, _channel_numbers(name, getattr(self, name)))
        _require_choice("crop_mode", self.crop_mode, CROP_MODES)
        _require_choice("data_format", self.data_format, (None, "channels_first", "channels_last"))
        _require_choice("input_data_format", self.input_data_format, (None, *LAYOUTS))
        _require_choice("return_tensors", self.return_tensors, (None, "pt", "np"))
        if self.rescale_factor is not None and not math.isfinite(self.rescale_factor):
            raise ConfigurationError(f"`rescale_factor` must be finite, received {self.rescale_factor}")

    def check_together(self) -> None:
        """Raise ConfigurationError where options that are on lack what they need."""
        needed = {
            "do_center_crop": ("crop_size", "size"),
            "do_resize": ("size", "resample"),
            "do_rescale": ("rescale_factor",),
            "do_normalize": ("image_mean", "image_std"),
        }
        for switch, names in needed.items():
            for name in names:
                if getattr(self, switch) and getattr(self, name) is None:
                    raise ConfigurationError(f"`{name}` must be given when `{switch}` is True, received None")
        if self.do_center_crop:
            for name in ("size", "crop_size"):
                if "height" not in getattr(self, name):
                    raise ConfigurationError(
                        f"`{name}` must have height and width when `do_center_crop` is True, received "
                        f"{getattr(self, name)}: give both, or turn the crop off"
                    )
        if self.crop_mode == "deepmind" and self.do_resize and self.resample != 3:
            raise ConfigurationError(
                f"`resample` must be 3 (bicubic) when `crop_mode` is 'deepmind', received {self.resample}"
            )
        if self.crop_mode == "deepmind" and self.do_resize and "height" not in self.sizes:
            raise ConfigurationError(
                f"`size` must have height and width when `crop_mode` is 'deepmind', received {self.size}"
            )

    @property
    def sizes(self) -> PictureSize:
        """`size` by its keys."""
        assert isinstance(self.size, PictureSize)
        return self.size

    @property
    def crop_sizes(self) -> PictureSize:
        """`crop_size` by its keys."""
        assert isinstance(self.crop_size, PictureSize)
        return self.crop_size

    @property
    def channels(self) -> int | None:
        """How many channels a picture must have; None: as many as it has."""
        if self.do_convert_rgb:
            return 3
        if self.do_convert_rgb is None and self.do_normalize and isinstance(self.image_mean, tuple):
            return len(self.image_mean)
        return None

    def changed(self, **options: Any) -> ImageOptions:
        """A copy with other values; an unknown name is a TypeError that proposes a known one."""
        changes = {name: value for name, value in options.items() if name not in WITHOUT_EFFECT}
        for name in WITHOUT_EFFECT:
            if options.get(name):
                warnings.warn(f"`{name}` has no effect on Perceiver's pictures", UserWarning, stacklevel=4)
        known = OPTION_NAMES
        for name in changes:
            if name not in known:
                near = difflib.get_close_matches(name, known, n=1)
                proposal = f"; did you mean `{near[0]}`?" if near else f": known are {', '.join(known)}"
                raise TypeError(f"`{name}` is not an option of the image processor{proposal}")
        return dataclasses.replace(self, **changes)

    def to_dict(self) -> dict[str, Any]:
        """The options as JSON values: those of the reference always, the others where they are not the default.

        None is written, too: an option that is off by None must not come back as a default that is on.
        """
        saved: dict[str, Any] = {}
        for field in dataclasses.fields(self):
            value = getattr(self, field.name)
            always = field.name in ALWAYS_SAVED
            if not always and value == field.default:
                continue
            saved[field.name] = list(value) if isinstance(value, tuple) else value
        return saved


ALWAYS_SAVED = (
    "do_center_crop",
    "crop_size",
    "do_resize",
    "size",
    "resample",
    "do_rescale",
    "rescale_factor",
    "do_normalize",
    "image_mean",
    "image_std",
)
OPTION_NAMES = tuple(field.name for field in dataclasses.fields(ImageOptions))


def size_mapping(name: str, size: Size | None, *, square: bool) -> PictureSize | None:
    """Bring a size to its keyed form: an int, (height, width), or a mapping with one of `SIZE_KEYS`.

    Args:
        name: the argument's name, for the message.
        size: what was given.
        square: whether an int means a square instead of the shorter side.
    """
    if size is None:
        return None
    keyed: dict[str, Any]
    if isinstance(size, bool | float | str):
        raise ConfigurationError(f"`{name}` must be an int, (height, width) or a mapping, received {size!r}")
    if isinstance(size, int):
        keyed = {"height": size, "width": size} if square else {"shortest_edge": size}
    elif isinstance(size, Mapping):
        keyed = {key: value for key, value in size.items() if value is not None}
    else:
        if len(size) != 2:
            raise ConfigurationError(f"`{name}` must be (height, width), received {tuple(size)}")
        keyed = {"height": size[0], "width": size[1]}
    if set(keyed) not in SIZE_KEYS:
        choices = "; ".join(", ".join(sorted(keys)) for keys in SIZE_KEYS)
        raise ConfigurationError(
            f"`{name}` must have one of these sets of keys: {choices}; received {', '.join(keyed) or 'none'}"
        )
    for key, value in keyed.items():
        if isinstance(value, bool) or not isinstance(value, int) or value < 1:
            raise ConfigurationError(f"`{name}` must be whole pixels, at least 1; received {key} = {value!r}")
    return PictureSize(keyed)


def _channel_numbers(name: str, value: float | Sequence[float] | None) -> float | tuple[float, ...] | None:
    """One float, or a tuple of one float a channel."""
    if value is None:
        return None
    numbers = (value,) if isinstance(value, int | float) else tuple(value)
    if not numbers or not all(math.isfinite(number) for number in numbers):
        raise ConfigurationError(f"`{name}` must be finite numbers, one a channel, received {value!r}")
    if name == "image_std" and 0 in numbers:
        raise ConfigurationError(f"`{name}` must not be 0, received {value!r}")
    floats = tuple(float(number) for number in numbers)
    return floats[0] if isinstance(value, int | float) else floats


def _resampling_number(resample: int | str | None) -> int | None:
    """Pillow's number of a filter given by number or name."""
    if isinstance(resample, str) and resample.lower() in RESAMPLING_NAMES:
        return RESAMPLING_NAMES.index(resample.lower())
    if resample is None:
        return None
    if isinstance(resample, str) or int(resample) not in range(len(RESAMPLING_NAMES)):
        choices = ", ".join(f"{number} ({name})" for number, name in enumerate(RESAMPLING_NAMES))
        raise ConfigurationError(f"`resample` must be one of {choices}; received {resample!r}")
    return int(resample)


def _require_choice(name: str, value: object, choices: Sequence[object]) -> None:
    if value not in choices:
        listed = ", ".join(repr(choice) for choice in choices)
        raise ConfigurationError(f"`{name}` must be one of {listed}; received {value!r}")
