"""What the runtime may need of a run is imported in a process in which importing torch, and all but three packages, fails."""

from __future__ import annotations

from without_torch import printed_without_torch

# Whatever reads and answers columns, and what answers other inputs of exported runs.
NEEDED = (
    "predictor",
    "training.prediction",
    "answers.registry",
    "answers.several_labels",
    *(
        f"kinds.{name}.kind"
        for name in (
            "category",
            "date",
            "entities",
            "image",
            "number",
            "points",
            "series",
            "sound",
            "text",
            "video",
        )
    ),
    *(
        f"tasks.{name}.task"
        for name in (
            "table",
            "audio_classification",
            "audio_visual_classification",
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

from perceivers.tasks.registry import TASKS

for name in {NEEDED}:
    import_module("perceivers." + name)
for entry in TASKS.values():
    if entry.exported:
        import_module(entry.exported.partition(":")[0])
"""
    )
