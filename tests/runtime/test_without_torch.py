"""What the runtime may need of a run is imported in a process in which importing torch, and all but three packages, fails."""

from __future__ import annotations

import subprocess
import sys

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
ABSENT = (
    "torch",
    "safetensors",
    "huggingface_hub",
    "yaml",
    "rich",
    "cyclopts",
    "datasets",
    "pyarrow",
    "torchmetrics",
)


def test_readers_and_answers_need_no_torch() -> None:
    code = f"""
import sys
from importlib import import_module

class Without:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {ABSENT}:
            raise ImportError(name)

sys.meta_path.insert(0, Without())
for name in {NEEDED}:
    import_module("perceivers." + name)
"""
    finished = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert finished.returncode == 0, finished.stderr
