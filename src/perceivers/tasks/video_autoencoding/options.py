"""Model, clips and loss of `video-autoencoding`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from perceivers.arguments.base import require, require_at_least, require_choice, require_share
from perceivers.arguments.network import NetworkArguments
from perceivers.arguments.open import left_open
from perceivers.kinds.video.clip_checks import require_parts, require_rates


@left_open(
    NetworkArguments,
    "split_by",
    "num_frames",
    "frame_rate",
    "height",
    "width",
    "audio_samples_per_frame",
    "normalize_sound",
    "video_patch_size",
    "video_frames_per_patch",
    "audio_samples_per_patch",
    "video_bands",
    "audio_bands",
    "position_resolution",
    "decoder_channels",
    "label_query_channels",
    "video_weight",
    "audio_weight",
    "mirror",
    "shift",
    "scale",
    "colour",
    "gain",
    "louder",
    "sound_speed",
    "sound_mixture",
    "initializer_range",
)
@dataclass(frozen=True, kw_only=True)
class VideoAutoencodingArguments(NetworkArguments):
    """Model, clips and loss of `video-autoencoding`: video, sound and class through one set of latents and back."""

    video_column: str | None = None
    """Column of a table that holds each video's path or content; None takes `video`, or `file` where there is none."""
    label_column: str | None = None
    """Column that holds each video's class; of a folder with one sub-folder a class it is `label`. None: there are no
    classes, nothing is classified, and the model keeps a class token that never tells it anything."""
    split_by: Literal["films", "time"] = "films"
    """What is held out where the data are not divided: `films` holds out whole films; `time` holds out the last part of every
    film, for the test, and what lies before that, for the validation."""
    num_frames: int = 8
    """Frames of a clip."""
    frame_rate: float = 25.0
    """Frames a second of a clip, whatever the film's own rate."""
    height: int = 32
    """Height of a clip in pixels; the largest middle part of its proportions is cut from each picture."""
    width: int = 32
    """Width of a clip in pixels."""
    audio_samples_per_frame: int = 160
    """Samples of sound that belong to a frame; times `frame_rate` it is the sampling rate in Hz."""
    normalize_sound: bool = False
    """Bring the loudest sample of each film to 1: the sound of a quiet film would be lost beside the positions."""
    video_patch_size: int = 4
    """Height and width of a video token in pixels."""
    video_frames_per_patch: int = 1
    """Frames of a video token."""
    audio_samples_per_patch: int = 16
    """Samples of a sound token."""
    video_bands: int = 32
    """Fourier frequencies of a video token's position, for each of its three axes."""
    audio_bands: int = 64
    """Fourier frequencies of a sound token's position."""
    position_resolution: Literal["patches", "pixels"] = "patches"
    """What the highest frequency of a video position tells apart: `patches`, as in the paper, or `pixels`."""
    decoder_channels: int = 128
    """Channels of a decoded point before it becomes a colour, a patch of sound or a class."""
    label_query_channels: int = 64
    """Channels of the learned query of the class."""
    training_points: int = 512
    """Pixels, and patches of sound, that are decoded for each clip while training; as many as there are, if fewer."""
    video_weight: float = 0.03
    """Weight of the mean absolute error of the colours, which are in [0, 1]."""
    audio_weight: float = 1.0
    """Weight of the mean absolute error of the samples, which are in [-1, 1]."""
    label_weight: float = 1e-4
    """Weight of the cross-entropy of the class."""
    label_masking: float = 0.5
    """Share of the training clips whose class is hidden; it is hidden from all that are measured."""
    mirror: float = 0.0
    """Share of the training clips that are mirrored, left to right."""
    shift: float = 0.0
    """Training clips are moved by up to this share of the picture's size, in each direction."""
    scale: float = 0.0
    """Training clips are made larger or smaller by up to this share, each axis on its own."""
    colour: float = 0.0
    """Each colour of a training clip is brightened or darkened by a factor of up to 1 plus this."""
    gain: float = 0.0
    """Sound is made louder or softer while training by up to this many decibels; above 0, half of it changes its sign."""
    louder: float = 0.0
    """Decibels that sound is made louder by while training, besides `gain`: loud sound is learned sooner, quiet with it."""
    sound_speed: float = 0.0
    """Sound is played faster or slower while training, by a factor of up to 1 plus this, from anywhere in the clip on."""
    sound_mixture: float = 0.0
    """The sound of another clip is added while training, backwards, times up to this."""
    initializer_range: float = 0.02
    """Standard deviation of the first latents, drawn within twice itself, and of the vectors that tell tokens of pictures,
    sound and class apart. Larger than the paper's 0.02, all differ from the beginning, and sound is learned sooner."""
    cache_megabytes: int = 1024
    """Room for films that are kept at the clips' size, so that they are decoded once; 0 decodes for every clip anew."""

    def __post_init__(self) -> None:
        super().__post_init__()
        sizes = ("num_frames", "height", "width", "audio_samples_per_frame", "video_patch_size", "video_frames_per_patch",
                 "audio_samples_per_patch", "video_bands", "audio_bands", "decoder_channels", "label_query_channels",
                 "training_points")  # fmt: skip
        require_at_least(1, self, *sizes)
        require_share(self, "scale")
        require_at_least(
            0,
            self,
            "video_weight",
            "audio_weight",
            "label_weight",
            "colour",
            "gain",
            "louder",
            "sound_speed",
            "sound_mixture",
            "cache_megabytes",
        )
        require("initializer_range", self.initializer_range, self.initializer_range > 0, "above 0")
        for name in ("label_masking", "mirror", "shift"):
            require(name, getattr(self, name), 0.0 <= getattr(self, name) <= 1.0, "in [0, 1]")
        require_choice("split_by", self.split_by, ("films", "time"))
        require_choice("position_resolution", self.position_resolution, ("patches", "pixels"))
        require_rates(self.frame_rate, self.audio_samples_per_frame)
        samples = self.num_frames * self.audio_samples_per_frame
        wholes = (
            ("video_patch_size", self.height),
            ("video_patch_size", self.width),
            ("video_frames_per_patch", self.num_frames),
            ("audio_samples_per_patch", samples),
        )
        require_parts(self, wholes)

    def config_values(self) -> dict[str, Any]:
        """The same as keys of PerceiverConfig, without classes."""
        patch = self.video_patch_size if self.position_resolution == "patches" else 1
        frames = self.video_frames_per_patch
        return {
            **super().config_values(),
            **self.clip_values(),
            "image_size": (self.height // patch, self.width // patch),
            "samples_per_patch": self.audio_samples_per_patch,
            "output_num_channels": self.decoder_channels,
            "_label_trainable_num_channels": self.label_query_channels,
            "video_patch_size": self.video_patch_size,
            "video_frames_per_patch": frames,
            "video_num_bands": self.video_bands,
            "audio_num_bands": self.audio_bands,
            "initializer_range": self.initializer_range,
        }

    def clip_values(self) -> dict[str, Any]:
        """Those that describe a clip and the loss, not the network: a checkpoint to start from need not agree."""
        return {
            "num_frames": self.num_frames,
            "output_shape": (1, self.num_frames, self.height, self.width),
            "audio_samples_per_frame": self.audio_samples_per_frame,
            "num_training_points": self.training_points,
            "mask_probabilities": {"audio": 0.0, "image": 0.0, "label": 1.0},
            "loss_weights": {
                "audio": self.audio_weight,
                "image": self.video_weight,
                "label": self.label_weight,
            },
        }
