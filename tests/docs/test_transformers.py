"""docs/transformers.md: its examples run in order, on small checkpoints under the published names."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

import perceivers
import perceivers.integrations.transformers as integration
from documented import ROOT, blocks_of
from perceivers.integrations.transformers.pipelines.opening import PIPELINES

PAGE = ROOT / "docs" / "transformers.md"
SMALL: dict[str, Any] = {
    "num_latents": 3,
    "d_latents": 16,
    "num_self_attends_per_block": 1,
    "num_self_attention_heads": 2,
    "num_cross_attention_heads": 1,
}


@pytest.fixture
def a_folder(tmp_path, monkeypatch):
    text = perceivers.PerceiverConfig(**SMALL, d_model=16, decoder_num_heads=2, decoder_qk_channels=8)
    flow = perceivers.PerceiverConfig(
        **SMALL, train_size=[29, 31], fourier_num_bands=3, flow_projection_channels=5
    )
    perceivers.PerceiverForMaskedLM(text).save_pretrained(tmp_path / "deepmind" / "language-perceiver")
    perceivers.PerceiverForOpticalFlow(flow).save_pretrained(tmp_path / "deepmind" / "optical-flow-perceiver")
    pixels = np.random.default_rng(0).integers(0, 256, (37, 53, 3), dtype=np.uint8)
    for name in ("first", "second"):
        Image.fromarray(pixels).save(tmp_path / f"{name}.png")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.filterwarnings("ignore:'pin_memory' argument:UserWarning")
def test_every_example_of_the_page_runs(a_folder):
    values: dict[str, Any] = {}
    exec(compile("\n".join(blocks_of(PAGE, "python")), str(PAGE), "exec"), values)
    assert values["flow"]["flow"].shape == (37, 53, 2)
    assert (a_folder / "flow.png").is_file()
    assert type(values["ours"]) is integration.PerceiverForMaskedLM
    assert type(values["merged"]) is perceivers.PerceiverForMaskedLM
    assert (a_folder / "merged" / "config.json").is_file()
    trained, again = values["trainer"].model.plain, values["again"]
    assert torch.equal(
        again.state_dict()["embedding_decoder.bias"], trained.state_dict()["embedding_decoder.bias"]
    )


def test_the_page_lists_our_pipelines():
    page = PAGE.read_text(encoding="utf-8")
    assert all(f"| `{task}` |" in page for task in PIPELINES)
