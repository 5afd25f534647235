"""What a user may choose about films: their clips, what the model sees and hears of them, and how they are changed."""

# No `from __future__ import annotations` here: the command line reads inherited fields in the subclass's module, which
# need not import what their annotations name.

from dataclasses import dataclass
from typing import Literal

from perceivers.arguments.base import require, require_at_least, require_choice, require_counts, require_share
from perceivers.kinds.video.clip_checks import require_parts, require_rates


@dataclass(frozen=True, kw_only=True)
class VideoOptions:
    """Clips of films, and their random changes while training."""

    num_frames: int = 8
    """Frames of a clip."""
    frame_rate: float = 8.0
    """Frames a second of a clip, whatever the film's own rate."""
    height: int = 32
    """Height of a clip in pixels; the largest middle part of its proportions is cut from each picture."""
    width: int = 32
    """Width of a clip in pixels."""
    audio_samples_per_frame: int = 2000
    """Samples of sound that belong to a frame; times `frame_rate` it is the sampling rate in Hz."""
    num_test_clips: int = 1
    """Clips of each film, spread over it and overlapping where they must, whose probabilities are averaged when the model is
    measured or asked. In training each film gives one clip, at random."""
    video_dropped: float = 0.3
    """Share of the training clips whose pictures are hidden, in [0, 1)."""
    audio_dropped: float = 0.0
    """Share of the training clips whose sound is hidden, in [0, 1); a clip that would lose both keeps both."""
    video_motion: bool = False
    """Whether the model is shown, beside the colours of each picture, how they differ from those of the picture before."""
    video_form: Literal["patches", "stem"] = "patches"
    """How pictures become tokens: `patches`, blocks of pixels of a few frames; `stem`, for each frame the features of stages
    of 3 x 3 convolutions, which learn from fewer films."""
    video_patch_size: int = 4
    """Height and width of a video token in pixels (`patches`)."""
    video_frames_per_patch: int = 2
    """Frames of a video token (`patches`)."""
    video_patch_channels: int | None = None
    """Channels that a learned map gives each video token; None takes the patch as it is (`patches`)."""
    video_stem_widths: tuple[int, ...] = (32, 64, 128)
    """Channels of the stages over pictures; each stage but the first halves both sides (`stem`)."""
    video_first_pool: Literal[1, 2] = 1
    """2 halves both sides in the first stage too, which is several times cheaper (`stem`)."""
    video_bands: int = 16
    """Fourier frequencies of a video token's position, for each of its three axes."""
    sound_form: Literal["raw", "log-mel", "stem"] = "log-mel"
    """What the model hears: samples in patches, energies of frequency bands, or with `stem` the features of stages of 3 x 3
    convolutions over these, which learn from fewer films."""
    samples_per_patch: int = 128
    """Samples of a token of raw sound."""
    num_mel_bins: int = 64
    """Frequency bands of log-mel energies."""
    mel_hop_milliseconds: int = 10
    """Time from one frame of log-mel energies to the next; from 20 on each looks at twice as much, below at 25 ms."""
    mel_frames_per_patch: int = 4
    """Frames of a token of log-mel energies."""
    sound_stem_widths: tuple[int, ...] = (16, 64, 128)
    """Channels of the stages over frames and bands, all of which halve both (`stem`)."""
    audio_patch_channels: int | None = None
    """Channels that a learned map gives each token of sound; None takes the patch as it is."""
    audio_bands: int = 32
    """Fourier frequencies of a sound token's position."""
    mirror: float = 0.0
    """Share of the training clips that are mirrored, left to right."""
    shift: float = 0.0
    """Training clips are moved by up to this share of the picture's size, in each direction."""
    scale: float = 0.0
    """Training clips are made larger or smaller by up to this share, each axis on its own."""
    gain: float = 0.0
    """Sound is made louder or softer while training by up to this many decibels; above 0, half of it changes its sign."""
    cache_megabytes: int = 1024
    """Room for films that are kept at the clips' size, so that they are decoded once; 0 decodes for every clip anew."""

    def __post_init__(self) -> None:
        sizes = ("num_frames", "height", "width", "audio_samples_per_frame", "num_test_clips", "video_patch_size",
                 "video_frames_per_patch", "video_patch_channels", "video_bands", "samples_per_patch", "num_mel_bins",
                 "mel_frames_per_patch", "audio_patch_channels", "audio_bands", "mel_hop_milliseconds")  # fmt: skip
        require_at_least(1, self, *sizes)
        require_counts(self, "video_stem_widths", "sound_stem_widths")
        require_choice("video_form", self.video_form, ("patches", "stem"))
        require("video_first_pool", self.video_first_pool, self.video_first_pool in (1, 2), "1 or 2")
        require_at_least(0, self, "gain", "cache_megabytes")
        require_share(self, "video_dropped", "audio_dropped", "scale")
        for name in ("mirror", "shift"):
            require(name, getattr(self, name), 0.0 <= getattr(self, name) <= 1.0, "in [0, 1]")
        require_choice("sound_form", self.sound_form, ("raw", "log-mel", "stem"))
        require_rates(self.frame_rate, self.audio_samples_per_frame)
        has_patches = self.video_form == "patches"
        wholes = (
            ("video_patch_size", self.height if has_patches else 0),
            ("video_patch_size", self.width if has_patches else 0),
            ("video_frames_per_patch", self.num_frames if has_patches else 0),
            ("samples_per_patch", self.num_samples if self.sound_form == "raw" else 0),
        )
        require_parts(self, wholes)

    @property
    def num_samples(self) -> int:
        """Samples of sound of a clip."""
        return self.num_frames * self.audio_samples_per_frame

    @property
    def sampling_rate(self) -> int:
        """Of the sound, in Hz."""
        return round(self.frame_rate * self.audio_samples_per_frame)

    @property
    def hop_length(self) -> int:
        """Samples from one frame of log-mel energies to the next."""
        return round(self.sampling_rate * self.mel_hop_milliseconds / 1_000)

    @property
    def window_length(self) -> int:
        """Samples that a frame of log-mel energies looks at."""
        return round(self.sampling_rate * max(25, 2 * self.mel_hop_milliseconds) / 1_000)

    @property
    def video_channels(self) -> int:
        """Values of a pixel: its colours, and how they have changed."""
        return 6 if self.video_motion else 3

    @property
    def frames_per_token(self) -> int:
        """Pictures of a video token."""
        return 1 if self.video_form == "stem" else self.video_frames_per_patch

    @property
    def video_factor(self) -> int:
        """What both sides of a picture are divided by to those of the grid of tokens."""
        if self.video_form == "stem":
            factor: int = self.video_first_pool * 2 ** (len(self.video_stem_widths) - 1)
            return factor
        return self.video_patch_size

    @property
    def video_grid(self) -> tuple[int, int, int]:
        """Steps, rows and columns of the tokens of a clip's pictures."""
        factor = self.video_factor
        return self.num_frames // self.frames_per_token, -(-self.height // factor), -(-self.width // factor)

    @property
    def sound_factor(self) -> int:
        """Frames, and bands, of a token behind a stem."""
        return int(2 ** len(self.sound_stem_widths))

    @property
    def sound_grid(self) -> tuple[int, ...]:
        """Tokens of a clip's sound in time, and behind a stem over the bands."""
        if self.sound_form == "raw":
            return (self.num_samples // self.samples_per_patch,)
        frames = 1 + self.num_samples // self.hop_length
        if self.sound_form == "stem":
            return -(-frames // self.sound_factor), -(-self.num_mel_bins // self.sound_factor)
        return (-(-frames // self.mel_frames_per_patch),)

    @property
    def samples_per_token(self) -> int:
        """Samples from one token of sound to the next in time."""
        if self.sound_form == "raw":
            return self.samples_per_patch
        return self.hop_length * (
            self.sound_factor if self.sound_form == "stem" else self.mel_frames_per_patch
        )
