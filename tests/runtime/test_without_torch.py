"""What the runtime may need of a run is imported in a process in which importing torch, and all but three packages, fails."""

from __future__ import annotations

from without_torch import printed_without_torch

# Whatever reads and answers columns, but for films, whose pictures torch makes.
NEEDED = (
    "predictor",
    "training.prediction",
    "answers.registry",
    "answers.several_labels",
    *(
        f"kinds.{name}.kind"
        for name in ("category", "date", "entities", "image", "number", "points", "series", "sound", "text")
    ),
    *(
        f"tasks.{name}.task"
        for name in (
            "table",
            "audio_classification",
            "image_classification",
            "point_classification",
            "series_classification",
            "text_classification",
        )
    ),
)


def test_readers_and_answers_need_no_torch() -> None:
    printed_without_torch(
        f"""
from importlib import import_module

for name in {NEEDED}:
    import_module("perceivers." + name)
"""
    )
