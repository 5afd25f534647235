"""What guesses of hidden points stand beside: the nearest of what is visible, and its mean."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from torch import Tensor

from perceivers.metrics.running import Metric, Metrics, finite

NEAREST, MEAN = "nearest visible", "mean of visible"
MEASURED = ("video_psnr", "audio_psnr", "audio_snr")


def beside_visible(
    clips: Iterable[Mapping[str, Tensor]], metrics: Callable[[], Mapping[str, Metric]]
) -> dict[str, Any] | None:
    """Measure both guesses, see `Task.stand_beside`; None where there is no clip.

    Args:
        clips: of each, `video_error` and `audio_error` of the mean [1], the same of the nearest with `_of_nearest` behind
            their names, and `audio_energy` [1].
        metrics: gives fresh metrics of the task.
    """
    nearest, mean = (Metrics({name: metrics()[name] for name in MEASURED}) for _ in range(2))
    count = 0
    for clip in clips:
        count += 1
        mean.update(**clip)
        errors = {name: clip[f"{name}_of_nearest"] for name in ("video_error", "audio_error")}
        nearest.update(**errors, audio_energy=clip["audio_energy"])
    if not count:
        return None
    return {
        "method": NEAREST,
        "trivial": MEAN,
        NEAREST: finite(nearest),
        MEAN: finite(mean),
        "samples": count,
    }
