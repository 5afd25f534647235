"""What a user may choose about sound: what the model hears of it, and how it is changed while training."""

# No `from __future__ import annotations` here: the command line reads inherited fields in the subclass's module, which
# need not import what their annotations name.

from dataclasses import dataclass
from typing import Literal

from perceivers.arguments.base import require, require_at_least, require_choice, require_counts, require_share
from perceivers.errors import ConfigurationError


@dataclass(frozen=True, kw_only=True)
class SoundOptions:
    """What the model hears of sounds, and their random changes while training."""

    input_form: Literal["log-mel", "raw", "stem"] = "log-mel"
    """What the model hears: `log-mel`, the logarithm of the energies in mel bands, patch by patch; `raw`, patches of the
    samples; `stem`, the same energies through stages of 3 x 3 convolutions, which learn from fewer sounds."""
    sampling_rate: int = 16_000
    """Rate of the model's sound in Hz; sound of any other rate is resampled."""
    clip_seconds: float | None = 1.0
    """Length of what the model hears at once. Longer sound is cut: at random while training, otherwise into
    `evaluation_clips`; shorter sound lies in the middle of silence. None hears sound of any length whole: a batch is as long
    as its longest sound, and what others are filled up with is masked."""
    evaluation_clips: int = 1
    """Clips, evenly spread over the sound and overlapping where it is short, whose probabilities are averaged; 1 hears the
    middle."""
    trim_decibels: float | None = None
    """What is quieter by so many decibels than the sound's loudest moment is cut off before and after it; None: nothing."""
    samples_per_patch: int = 128
    """Samples in an input of the model, with `raw`."""
    num_mel_bins: int = 64
    """Frequency bands of a frame, with `log-mel` and `stem`."""
    window_milliseconds: float = 25.0
    """Length of what a frame is computed from."""
    hop_milliseconds: float = 10.0
    """Time from one frame to the next."""
    min_frequency: float = 0.0
    """Lower end of the lowest band in Hz."""
    frames_per_patch: int = 2
    """Frames in an input of the model, with `log-mel`."""
    bins_per_patch: int | None = None
    """Bands in an input of the model, a divisor of `num_mel_bins`; None: all of them."""
    patch_channels: int | None = 96
    """Channels that a learned linear map makes of each patch, with `log-mel` and `raw`; None leaves its values as they are,
    as the papers do."""
    stem_widths: tuple[int, ...] = (32, 64, 128)
    """Channels of the stages of the stem, with `stem`; each stage but the first halves the frames and the bands."""
    stem_blocks: int = 0
    """Residual blocks, of two convolutions each, in every stage but the first, with `stem`."""
    stem_first_pool: Literal[1, 2] = 2
    """2 halves the frames and the bands in the first stage too, with `stem`."""
    num_fourier_bands: int = 32
    """Frequencies of an axis of the positions."""
    time_resolution: int | None = None
    """Number of patches that the positions tell apart in time, twice their highest frequency; None: as many as a clip has,
    or 256 without `clip_seconds`."""

    shift: float = 0.1
    """While training, begin the sound earlier or later by up to this share of its clip; silence comes in."""
    gain: float = 6.0
    """While training, make the sound louder or softer by up to so many decibels."""
    noise: float | None = None
    """While training, put white noise under half of the sounds. This is the lowest ratio of sound to noise, in decibels; the
    ratio is drawn between it and 30 decibels above. None adds none."""
    speed: float = 0.1
    """While training, play the sound faster or slower by up to this share, in [0, 1); pitch follows."""
    time_masks: int = 0
    """While training, stretches of time that are hidden, with `log-mel` and `stem` (SpecAugment)."""
    time_mask_share: float = 0.15
    """Largest share of the sound that one of them hides."""
    frequency_masks: int = 0
    """While training, stretches of bands that are hidden, with `log-mel` and `stem` (SpecAugment)."""
    frequency_mask_share: float = 0.15
    """Largest share of the bands that one of them hides."""

    def __post_init__(self) -> None:
        require_choice("input_form", self.input_form, ("log-mel", "raw", "stem"))
        sizes = ("sampling_rate", "evaluation_clips", "samples_per_patch", "num_mel_bins", "frames_per_patch",
                 "bins_per_patch", "patch_channels", "num_fourier_bands", "time_resolution")  # fmt: skip
        require_at_least(1, self, *sizes)
        for name in ("clip_seconds", "window_milliseconds", "hop_milliseconds", "trim_decibels"):
            value = getattr(self, name)
            require(name, value, value is None or value > 0.0, "above 0")
        require_at_least(0, self, "min_frequency", "gain", "time_masks", "frequency_masks", "stem_blocks")
        require_counts(self, "stem_widths")
        require("stem_first_pool", self.stem_first_pool, self.stem_first_pool in (1, 2), "1 or 2")
        require_share(self, "shift", "speed", "time_mask_share", "frequency_mask_share")
        if self.bins_per_patch is not None and self.num_mel_bins % self.bins_per_patch:
            raise ConfigurationError(
                f"`bins_per_patch` must divide `num_mel_bins` ({self.num_mel_bins}), received {self.bins_per_patch}"
            )
        if self.clip_seconds is None and self.evaluation_clips > 1:
            raise ConfigurationError(
                f"`evaluation_clips` needs `clip_seconds`: whole sounds are heard at once, received {self.evaluation_clips}"
            )
        if self.input_form == "raw" and (self.time_masks or self.frequency_masks):
            raise ConfigurationError(
                "`time_masks` and `frequency_masks` hide parts of a spectrogram and need `input_form` log-mel or stem, "
                "received raw"
            )

    @property
    def clip_samples(self) -> int | None:
        """Samples of a clip: whole patches with `raw`, any number otherwise."""
        if self.clip_seconds is None:
            return None
        samples = max(round(self.clip_seconds * self.sampling_rate), 1)
        return (
            samples
            if self.input_form != "raw"
            else -(-samples // self.samples_per_patch) * self.samples_per_patch
        )

    @property
    def stem_factor(self) -> int:
        """What a stem divides frames and bands by."""
        factor: int = self.stem_first_pool * 2 ** (len(self.stem_widths) - 1)
        return factor

    @property
    def token_samples(self) -> int:
        """Samples from one input of the model to the next in time."""
        if self.input_form == "raw":
            return self.samples_per_patch
        frames = self.stem_factor if self.input_form == "stem" else self.frames_per_patch
        return frames * self.hop_length

    @property
    def window_length(self) -> int:
        """Samples that a frame is computed from."""
        return self._samples(self.window_milliseconds)

    @property
    def hop_length(self) -> int:
        """Samples from one frame to the next."""
        return self._samples(self.hop_milliseconds)

    def _samples(self, milliseconds: float) -> int:
        return max(round(milliseconds * (self.sampling_rate / 1_000.0)), 1)
