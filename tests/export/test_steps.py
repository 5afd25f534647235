"""A causal model's file writes what the model writes: at every limit of length, by the best token and by chance."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

import perceivers
from perceivers.export.graph import input_axes
from perceivers.export.steps import writes_on
from perceivers.export.writing import write_model
from perceivers.models.generation.sampling import Sampling
from perceivers.models.generation.writing import Writing, write
from perceivers.runtime.session import Session
from perceivers.runtime.steps import SteppedFile

pytest.importorskip("onnx")
pytest.importorskip("onnxscript")
pytest.importorskip("onnxruntime")


def causal(**changes: object) -> perceivers.PerceiverForCausalLM:
    torch.manual_seed(11)
    config = perceivers.PerceiverConfig(**{
        "vocab_size": 31, "max_position_embeddings": 13, "d_model": 12, "num_latents": 5, "d_latents": 20,
        "num_self_attends_per_block": 2, "num_cross_attention_heads": 2, "num_self_attention_heads": 2, **changes,
    })  # fmt: skip
    model = perceivers.PerceiverForCausalLM(config).eval()
    torch.nn.init.normal_(model.lm_head.weight)
    return model


@pytest.mark.slow
@pytest.mark.parametrize("positions", ["rotary", "sinusoidal", "learned"])
def test_a_file_writes_what_the_model_writes(positions: str, tmp_path: Path) -> None:
    model = causal(causal_positions=positions)
    ids = torch.randint(0, 31, (3, 11))
    files = write_model(model, [{"inputs": ids}, {"inputs": ids[:, :7]}], tmp_path)
    assert [each.path.name for each in files] == ["model.onnx", "step.onnx"]
    assert all(each.proof.error <= 1e-5 for each in files)
    session = Session(files[1].path)
    read = {name: list(sizes) for name, (_, sizes) in session.inputs.items()}
    assert input_axes(files[1].path, files[1].call) == read
    ways = [{"stride": 1}, {"stride": 4, "temperature": 1.2, "top_k": 9}, {"cache": "none"}]
    ways += [{"cache": "sliding"}] if positions == "rotary" else []
    for way in ways:
        # Below, at and above the latents and the context.
        for length in (1, 5, 13, 19):
            prompts = torch.randint(0, 31, (2, length))
            expected = model.generate(prompts, 15, seed=3, **way)
            sampling = Sampling(way.get("temperature", 0.0), way.get("top_k"))
            rest = {name: value for name, value in way.items() if name in ("cache", "stride")}
            writing = Writing(15, sampling, seed=3, **rest)
            received = write(SteppedFile(session), model.config, prompts.numpy(), None, writing)
            assert received.sequences.tolist() == expected.sequences.tolist()
            np.testing.assert_allclose(received.log_probs, expected.log_probs.numpy(), atol=1e-4)


def test_models_that_no_file_can_step_have_none() -> None:
    assert writes_on(causal())
    assert not writes_on(causal(max_position_embeddings=4, num_latents=3))
    axes = causal(causal_positions="learned", position_sizes=[13, 3])
    assert not writes_on(axes)
