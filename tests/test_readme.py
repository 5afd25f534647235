"""Every Python example of the README runs as it stands, on small checkpoints under the published names."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

import perceivers

README = Path(__file__).parents[1] / "README.md"
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


def python_examples() -> str:
    return "\n".join(re.findall(r"```python\n(.*?)```", README.read_text(encoding="utf-8"), flags=re.DOTALL))


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
    monkeypatch.chdir(tmp_path)


@pytest.mark.filterwarnings("ignore:PerceiverForSequenceClassification and the checkpoint differ:UserWarning")
def test_every_python_example_of_the_readme_runs(a_folder_with_checkpoints):
    values: dict[str, object] = {}

    exec(compile(python_examples(), "README.md", "exec"), values)

    assert values["predictions"][0].values["label"] in "0123456789"
    assert values["scores"].shape == (1, 9, 262)
    assert [each.shape for each in values["of_each_text"]] == [(2,), (2,)]
    assert values["flow"].shape == (1, 37, 53, 2)
    assert values["reconstruction"]["image"].shape == (1, 16, 3, 224, 224)
    assert values["both"].shape == values["camera_only"].shape == (2, 5)
    assert values["model"].config.fidelity == "deepmind"
