"""Every Python example of the README runs, in a few steps, on small checkpoints under the published names; commands, too."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from PIL import Image

import perceivers
from documented import ROOT, blocks_of, commands_of, run_command
from perceivers.cli import app
from perceivers.tasks.registry import TASKS
from pets import write_pets

README = ROOT / "README.md"
SMALL = {
    "num_latents": 3,
    "d_latents": 16,
    "num_self_attends_per_block": 1,
    "num_self_attention_heads": 2,
    "num_cross_attention_heads": 1,
    "attention_probs_dropout_prob": 0.0,
}
CHECKPOINTS = {
    "language-perceiver": (
        "PerceiverForMaskedLM",
        {"d_model": 16, "decoder_num_heads": 2, "decoder_qk_channels": 8},
    ),
    "vision-perceiver-learned": (
        "PerceiverForImageClassificationLearned",
        {"image_size": 224, "num_labels": 1000, "position_channels": 5, "projected_position_channels": 7},
    ),
    "vision-perceiver-conv": (
        "PerceiverForImageClassificationConvProcessing",
        {"stem_channels": 5, "fourier_num_bands": 3, "num_labels": 1000},
    ),
    "optical-flow-perceiver": (
        "PerceiverForOpticalFlow",
        {"train_size": [29, 31], "fourier_num_bands": 3, "flow_projection_channels": 5},
    ),
    "multimodal-perceiver": (
        "PerceiverForMultimodalAutoencoding",
        {
            "num_labels": 7,
            "video_num_bands": 2,
            "audio_num_bands": 3,
            "output_num_channels": 8,
            "_label_trainable_num_channels": 11,
        },
    ),
}


@pytest.fixture
def a_folder_with_checkpoints(tmp_path, monkeypatch):
    torch.manual_seed(0)
    for name, (class_name, sizes) in CHECKPOINTS.items():
        config = perceivers.PerceiverConfig(**SMALL, **sizes)
        getattr(perceivers, class_name)(config).save_pretrained(tmp_path / "deepmind" / name)
    perceivers.PerceiverTokenizer().save_pretrained(tmp_path / "deepmind" / "language-perceiver")
    perceivers.PerceiverImageProcessor().save_pretrained(tmp_path / "deepmind" / "vision-perceiver-learned")
    pixels = np.random.default_rng(0).integers(0, 256, (37, 53, 3), dtype=np.uint8)
    for name in ("cat", "first", "second"):
        Image.fromarray(pixels).save(tmp_path / f"{name}.png")
    write_pets(tmp_path, 31)
    monkeypatch.chdir(tmp_path)


@pytest.mark.filterwarnings("ignore:PerceiverForSequenceClassification and the checkpoint differ:UserWarning")
def test_every_python_example_of_the_readme_runs(a_folder_with_checkpoints):
    values: dict[str, object] = {}

    program = "\n".join(blocks_of(README, "python"))
    # What is chosen from the rows, and a whole pass, take some seconds.
    program = program.replace('output="runs/from_python"', 'output="runs/from_python", steps=2')
    program = program.replace("TrainingArguments(epochs=1)", "TrainingArguments(epochs=None, steps=3)")
    assert "steps=2" in program
    assert "steps=3" in program
    exec(compile(program, "README.md", "exec"), values)

    assert [answer["animal"] in ("bird", "cat", "dog") for answer in values["answers"]] == [True, True]
    assert values["labels"][0] in "0123456789"
    assert values["scores"].shape == (1, 9, 262)
    assert [each.shape for each in values["of_each_text"]] == [(2,), (2,)]
    assert values["flow"].shape == (1, 37, 53, 2)
    assert values["reconstruction"]["image"].shape == (1, 16, 3, 224, 224)
    assert values["both"].shape == values["camera_only"].shape == (2, 5)
    assert values["model"].config.fidelity == "deepmind"


def test_the_commands_about_a_table_run_and_their_options_are_enough(tmp_path, monkeypatch):
    write_pets(tmp_path, 31)
    monkeypatch.chdir(tmp_path)
    about_pets = [command for command in commands_of(README) if any("pets" in word for word in command)]
    assert [command[0] for command in about_pets] == ["inspect", "train", "evaluate", "predict", "explain"]
    quick = {"train": ("--steps", "2", "--device", "cpu"), "explain": ("--repeats", "1")}
    for command in about_pets:
        run_command(command, *quick.get(command[0], ()))
    header = (tmp_path / "answers" / "predictions.csv").read_text().splitlines()[0]
    assert header.endswith("animal,animal_probability,price")
    assert (tmp_path / "why" / "columns.png").is_file()


def test_every_other_command_of_the_readme_is_understood(tmp_path, monkeypatch):
    monkeypatch.chdir(ROOT)
    for command in commands_of(README):
        if "--config" not in command:
            app.parse_args(command, exit_on_error=False, print_error=False)


def test_the_readme_lists_every_task_table_first_and_every_command():
    page = README.read_text(encoding="utf-8")
    listed = [line.split("`")[1] for line in page.splitlines() if line.startswith("| `")]
    assert listed[0] == "table"
    assert set(TASKS) <= set(listed)
    commands = {name for name in app if not name.startswith("-")}
    words = {
        word
        for line in page.splitlines()
        if line.startswith("| `")
        for word in line.replace("`", " ").replace(",", " ").split()
    }
    assert commands <= words
