"""Which heavy packages each command imports, and that pictures are drawn after the answers are there: all in one process."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
from PIL import Image

from perceivers.arguments import DataArguments, RunArguments, TrainingArguments
from perceivers.tasks.image_classification.options import ImageClassificationArguments
from perceivers.tasks.image_classification.task import ImageClassification
from perceivers.training.run import train

# Each takes a tenth of a second at least to import, most of them more than half a second.
HEAVY = (
    "torch", "torch._dynamo", "sympy", "torchvision", "transformers", "accelerate", "torchmetrics", "datasets", "matplotlib",
    "sklearn", "scipy", "pandas", "pyarrow", "ray", "onnx", "onnxruntime", "starlette", "pydantic", "tensorboard", "peft",
)  # fmt: skip
# What each command imports that those before it have not.
EXPECTED = {
    "--help": [],
    "tasks": [],
    "samples": [],
    "runs": [],
    "predict": ["torch", "matplotlib"],
    # SciPy behind the last batch.
    "evaluate": ["accelerate", "scipy"],
}
# Says after each command what is new, and what of the answers was there when the first picture was begun.
WATCHED = """
import json, sys
from contextlib import suppress
from pathlib import Path
from perceivers.cli import main

heavy, commands, answers = json.loads(sys.argv[1])

class Watch:
    def find_spec(self, name, path=None, target=None):
        if name == "matplotlib":
            there.extend(sorted(path.name for path in Path(answers).iterdir() if path.is_file()))

sys.meta_path.insert(0, Watch())
there, found, seen = [], {}, set()
for command in commands:
    with suppress(SystemExit):
        main(command)
    new = [name for name in heavy if name in sys.modules and name not in seen]
    found[command[0]], seen = new, seen | set(new)
print("FOUND", json.dumps([found, there]))
"""


def test_each_command_imports_what_it_uses_and_draws_last(tmp_path: Path) -> None:
    pictures = tmp_path / "pictures"
    for index in range(20):
        folder = pictures / ("bright" if index % 2 else "dark")
        folder.mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.full((5, 7), 250 if index % 2 else 5, dtype=np.uint8)).save(
            folder / f"{index}.png"
        )
    run, answers = str(tmp_path / "runs" / "one"), str(tmp_path / "answers")
    options = ImageClassificationArguments(size="usual", num_latents=3, latent_channels=16, num_layers=1)
    settings = TrainingArguments(epochs=1, device="cpu")
    data = DataArguments(data=str(pictures))
    train(
        ImageClassification(options), RunArguments(output=run, data=data, training=settings, pictures=False)
    )
    commands = [
        ["--help"],
        ["tasks"],
        ["samples"],
        ["runs", str(tmp_path / "runs")],
        ["predict", run, str(pictures / "dark" / "0.png"), "--output", answers, "--device", "cpu"],
        ["evaluate", run, "--data", str(pictures), "--split", "all", "--output", answers, "--device", "cpu"],
    ]
    asked = json.dumps([HEAVY, commands, answers])
    finished = subprocess.run(
        [sys.executable, "-c", WATCHED, asked], capture_output=True, text=True, check=True
    )
    (line,) = (line for line in finished.stdout.splitlines() if line.startswith("FOUND "))
    found, there = json.loads(line.removeprefix("FOUND "))
    assert found == EXPECTED
    # The lock of the folder is held until all is drawn.
    assert there == [".lock", "predictions.csv", "predictions.json"]
    assert (tmp_path / "answers" / "predictions.png").is_file()
    assert (tmp_path / "answers" / "evaluation.json").is_file()
