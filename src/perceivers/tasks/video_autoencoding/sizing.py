"""How films become clips that a small network can bring back, how large it is and how long it learns: pure functions.

The figures are those of recipes/video_autoencoding.yaml: small pictures and dull sound, of which a network that a laptop
trains brings back something in minutes. docs/video.md says why sound is changed and weighed as it is.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from perceivers.arguments.advice import Advice
from perceivers.kinds.video.sizing import Films

# Of fewer films each gives its last part to the test: there are not enough for three parts.
FEWEST_WHOLE = 3
# Pictures of a clip, and the rates in Hz that these may have; each divides the rate of the sound.
NUM_FRAMES = 8
RATES = (1.0, 2.0, 2.5, 4.0, 5.0, 8.0, 10.0, 12.5, 16.0, 20.0, 25.0)
SOUND_RATE = 2_000
# The area of a picture is that of a square of so many pixels a side; its sides are whole patches.
SIDE, PATCH, LARGEST_ASPECT = 32, 4, 4.0
MOST_SAMPLES_A_TOKEN, MOST_FRAMES_A_TOKEN = 80, 4
BATCH_SIZE, STEPS = 8, 4_400
# Looks at the validation clips; passes over a few clips are too short for one after each.
LOOKS = 40


def division_of(num_films: int) -> str:
    """What is held out of so many films that are not divided: whole ones, or of one or two the last part of each."""
    return "time" if num_films < FEWEST_WHOLE else "films"


def clip_options(films: Films, chosen: Mapping[str, Any]) -> dict[str, Any]:
    """What is seen and heard of films, how clips are changed while training, and what counts of an answer.

    Args:
        films: some training films.
        chosen: what the user gave, which all else is made to fit.
    """
    num_frames = chosen.get("num_frames", NUM_FRAMES)
    highest = (films.rate or RATES[-1]) * 1.01
    rate = chosen.get("frame_rate", max((each for each in RATES if each <= highest), default=RATES[0]))
    samples_a_frame = chosen.get("audio_samples_per_frame", max(round(SOUND_RATE / rate), 1))
    patch = chosen.get("video_patch_size", PATCH)
    height, width = _picture_size(films.looks.sizes if films.looks else [(SIDE, SIDE)], patch)
    return {
        "num_frames": num_frames,
        "frame_rate": rate,
        "height": height,
        "width": width,
        "audio_samples_per_frame": samples_a_frame,
        "audio_samples_per_patch": _largest_part(num_frames * samples_a_frame, MOST_SAMPLES_A_TOKEN),
        "normalize_sound": True,
        "video_patch_size": patch,
        "video_frames_per_patch": _largest_part(num_frames, MOST_FRAMES_A_TOKEN),
        "video_bands": 16,
        "audio_bands": 4,
        "position_resolution": "pixels",
        "video_weight": 1.0,
        "audio_weight": 8.0,
        "mirror": 0.5,
        "shift": 0.1,
        "scale": 0.3,
        "colour": 0.35,
        "gain": 12.0,
        "louder": 12.0,
        "sound_speed": 1.0,
        "sound_mixture": 1.0,
        "initializer_range": 0.12,
    }


def network_and_loop(num_clips: int) -> Advice:
    """The network and the loop.

    Args:
        num_clips: training samples, each of which is cut anew from its part of a film in every pass.
    """
    steps_a_pass = math.ceil(max(num_clips, 1) / BATCH_SIZE)
    return Advice(
        epochs=max(round(STEPS / steps_a_pass), 1),
        watch_every=max(steps_a_pass, STEPS // LOOKS),
        batch_size=BATCH_SIZE,
        max_gradient_norm=10.0,
        keep_best=True,
        learning_rate=2e-3,
        weight_decay=0.0,
        warmup_steps=200,
        num_latents=128,
        latent_channels=64,
        num_layers=4,
        num_heads=4,
        num_cross_heads=4,
    )


def _picture_size(sizes: Sequence[tuple[int, int]], patch: int) -> tuple[int, int]:
    """Height and width in whole patches, of about the middle picture's shape, so that little is cut off."""
    aspect = float(np.median([width / height for height, width in sizes]))
    stretch = math.sqrt(min(max(aspect, 1.0 / LARGEST_ASPECT), LARGEST_ASPECT))
    height, width = (max(round(side / patch), 1) * patch for side in (SIDE / stretch, SIDE * stretch))
    return height, width


def _largest_part(whole: int, most: int) -> int:
    """The largest number up to `most` that divides `whole`."""
    return max(part for part in range(1, most + 1) if whole % part == 0)
