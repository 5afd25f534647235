"""Network, clips and masking of `masked-autoencoding`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from perceivers.arguments.base import require, require_at_least, require_choice, require_share
from perceivers.configuration_hierarchy import Hierarchy, variant
from perceivers.errors import ConfigurationError
from perceivers.kinds.video.clip_checks import require_rates

NETWORKS = ("tiny", "mini", "16", "256", "16x3")


@dataclass(frozen=True, kw_only=True)
class MaskedAutoencodingArguments:
    """Network, clips and masking of `masked-autoencoding`: a Hierarchical Perceiver says what it was not shown."""

    network: Literal["tiny", "mini", "16", "256", "16x3"] = "tiny"
    """The published networks by their names, and a `tiny` one for a processor: levels of 8, 1 and 8 groups."""
    embedding_channels: int | None = None
    """Size of an embedded pixel or sample, and of its learned position. None: as the network has it, 16 or 32."""
    learn_positions: bool = True
    """Learn the positions; otherwise they stay as they are drawn, which shows what learning them is worth."""
    video_column: str | None = None
    """Column of a table that holds each video's path or content; None takes `video`, or `file` where there is none."""
    split_by: Literal["films", "time"] = "films"
    """What is held out where the data are not divided: `films` holds out whole films; `time` holds out the last part of every
    film, for the test, and what lies before that, for the validation."""
    num_frames: int = 4
    """Frames of a clip."""
    frame_rate: float = 10.0
    """Frames a second of a clip, whatever the film's own rate."""
    height: int = 16
    """Height of a clip in pixels; the largest middle part of its proportions is cut from each picture."""
    width: int = 16
    """Width of a clip in pixels."""
    audio_samples_per_frame: int = 256
    """Samples of sound that belong to a frame; times `frame_rate` it is the sampling rate in Hz."""
    normalize_sound: bool = False
    """Bring the loudest sample of each film to 1."""
    hidden: float = 0.85
    """Share of the pixels and samples that is hidden, in [0, 1): one random pattern a clip, the same in all groups."""
    hidden_groups: float = 0.0
    """Share of the groups that see nothing at all, in [0, 1)."""
    video_weight: float = 1.0
    """Weight of the mean squared error of the hidden colours, which are in [-1, 1]."""
    audio_weight: float = 1.0
    """Weight of the mean squared error of the hidden samples, which are in [-1, 1]."""
    mirror: float = 0.0
    """Share of the training clips that are mirrored, left to right."""
    shift: float = 0.0
    """Training clips are moved by up to this share of the picture's size, in each direction."""
    cache_megabytes: int = 1024
    """Room for films that are kept at the clips' size, so that they are decoded once; 0 decodes for every clip anew."""

    def __post_init__(self) -> None:
        sizes = ("embedding_channels", "num_frames", "height", "width", "audio_samples_per_frame")
        require_at_least(1, self, *sizes)
        require_at_least(0, self, "video_weight", "audio_weight", "cache_megabytes")
        require_share(self, "hidden", "hidden_groups")
        if self.hidden == 0.0 and self.hidden_groups == 0.0:
            raise ConfigurationError(
                "`hidden` or `hidden_groups` must be above 0, since only what is hidden is learned from, received 0 for both"
            )
        for name in ("mirror", "shift"):
            require(name, getattr(self, name), 0.0 <= getattr(self, name) <= 1.0, "in [0, 1]")
        require_choice("network", self.network, NETWORKS)
        require_choice("split_by", self.split_by, ("films", "time"))
        require_rates(self.frame_rate, self.audio_samples_per_frame)

    @property
    def inputs(self) -> dict[str, tuple[int, int]]:
        """Points and channels of a clip's pixels and samples."""
        pixels = self.num_frames * self.height * self.width
        return {"image": (pixels, 3), "audio": (self.num_frames * self.audio_samples_per_frame, 1)}

    def hierarchy(self) -> Hierarchy:
        """Levels and inputs of the network."""
        changes: dict[str, Any] = {}
        if self.network == "tiny":
            changes = {"levels": _TINY, "embedding_channels": 16}
        if self.embedding_channels is not None:
            changes["embedding_channels"] = self.embedding_channels
        return variant("mini" if self.network == "tiny" else self.network, self.inputs, changes=changes)


_OUTER = {"groups": 8, "latents": 16, "channels": 64, "self_attends": 1, "self_heads": 4}
_TINY = [
    _OUTER,
    {"groups": 1, "latents": 32, "channels": 128, "self_attends": 2, "self_heads": 4},
    _OUTER,
]
