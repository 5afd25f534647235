"""What needs no model scores on the clips that the video autoencoding recipe is measured on.

One JSON line each: the mean frame of the training part shown all the time, for every clip the training frame nearest to it
(chosen with the clip in hand, so that it is a bound on repeating what was seen), and silence.

    python recipes/baselines/video_autoencoding.py [--recipe recipes/video_autoencoding.yaml]
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import torch

from perceivers.arguments import DataArguments, from_mapping, read_recipe
from perceivers.metrics.signal_to_noise import decibels, mean_squared_errors
from perceivers.rivals.still_frames import StillFrames, moments
from perceivers.tasks.video_autoencoding.options import VideoAutoencodingArguments
from perceivers.tasks.video_autoencoding.task import VideoAutoencoding


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--recipe", type=Path, default=Path(__file__).parents[1] / "video_autoencoding.yaml")
    recipe = read_recipe(parser.parse_args().recipe)
    task = VideoAutoencoding(from_mapping(VideoAutoencodingArguments, recipe["model"]))
    splits = task.load_data(from_mapping(DataArguments, recipe["data"]))
    parts = [
        task.collate(task.reader, [samples[index] for index in range(len(samples))])
        for samples in (splits.train, splits.test)
    ]
    sounds = parts[1]["audio"]
    still = StillFrames([moments(clip) for clip in parts[1]["image"]])
    for clip in parts[0]["image"]:
        still.show(clip)
    errors = {
        "video_psnr_of_the_mean_training_frame": still.errors_of_mean,
        "video_psnr_of_the_nearest_training_frame": still.errors_of_nearest,
        "audio_psnr_of_silence": mean_squared_errors(torch.zeros_like(sounds), sounds),
    }
    for name, values in errors.items():
        print(json.dumps({name: round(float(decibels(1.0, values).mean()), 2)}))


if __name__ == "__main__":
    main()
