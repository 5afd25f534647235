"""Files of models with an order among tokens, with levels, and with neighbourhoods: proved, and at sizes of other tests."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import perceivers
from perceivers.export.writing import write_model
from perceivers.runtime.session import Session

pytest.importorskip("onnx")
pytest.importorskip("onnxscript")
pytest.importorskip("onnxruntime")

LEVELS = [
    {"groups": 4, "latents": 3, "channels": 6, "self_attends": 1, "self_heads": 2},
    {"groups": 1, "latents": 8, "channels": 10, "self_attends": 2, "self_heads": 5},
    {"groups": 4, "latents": 3, "channels": 6, "self_attends": 1, "self_heads": 3},
]
SIZES: dict[str, Any] = {
    "num_latents": 5,
    "d_latents": 12,
    "num_blocks": 1,
    "num_self_attention_heads": 3,
    "num_cross_attention_heads": 2,
}


def lively(model: Any) -> Any:
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(0.1 * torch.randn_like(parameter))
    return model.eval()


def require_equal(
    model: Any, session: Session, given: dict[str, Any], arrays: dict[str, torch.Tensor]
) -> None:
    with torch.no_grad():
        logits = model(**given).logits
    expected = logits if isinstance(logits, torch.Tensor) else next(iter(logits.values()))
    received = session.run({name: value.numpy() for name, value in arrays.items()})[session.outputs[0]]
    np.testing.assert_allclose(received, expected.numpy(), atol=1e-4 * float(expected.abs().max()))


@pytest.mark.slow
@pytest.mark.parametrize("form", ["fast", "plain"])
@pytest.mark.parametrize("positions", ["rotary", "sinusoidal", "learned"])
def test_a_writer_takes_any_length_and_padding_anywhere(form: str, positions: str, tmp_path: Path) -> None:
    torch.manual_seed(3)
    config = perceivers.PerceiverConfig(
        **SIZES, vocab_size=17, d_model=14, max_position_embeddings=23, num_self_attends_per_block=2,
        causal_positions=positions,
    )  # fmt: skip
    model = lively(perceivers.PerceiverForCausalLM(config))
    ids = torch.randint(0, 17, (3, 23))
    mask = torch.ones(3, 11, dtype=torch.bool)
    mask[0, :4] = mask[1, 8:] = mask[2, 3:5] = False
    whole = {"inputs": ids, "attention_mask": torch.ones(3, 23, dtype=torch.bool)}
    samples = [{"inputs": ids[:, :11], "attention_mask": mask}, whole]
    file, step = write_model(model, samples, tmp_path, form=form)
    assert max(file.proof.error, step.proof.error) <= 1e-4
    session = Session(file.path)
    # As many tokens as latents, and fewer: every token is a latent then.
    for length in (3, 5, 13):
        row = ids[:2, :length]
        require_equal(model, session, {"inputs": row}, {"inputs": row})


@pytest.mark.slow
@pytest.mark.parametrize("form", ["fast", "plain"])
def test_a_hierarchy_keeps_its_batch_free(form: str, tmp_path: Path) -> None:
    torch.manual_seed(3)
    config = perceivers.hierarchical_config(
        "mini",
        {"image": (13, 3), "label": (1, 4)},
        at_processor=["label"],
        hierarchy={"levels": LEVELS, "embedding_channels": 7},
    )
    model = lively(perceivers.HierarchicalPerceiver(config))
    inputs = {"image": torch.randn(3, 13, 3), "label": torch.randn(3, 1, 4)}
    (file,) = write_model(model, [{"inputs": inputs}], tmp_path, form=form)
    assert file.proof.error <= 1e-4
    session = Session(file.path)
    assert session.outputs == ("logits_image", "logits_label")
    other = {"image": torch.randn(7, 13, 3), "label": torch.randn(7, 1, 4)}
    arrays = {f"inputs_{name}": value for name, value in other.items()}
    require_equal(model, session, {"inputs": other}, arrays)


@pytest.mark.slow
@pytest.mark.parametrize("form", ["fast", "plain"])
def test_neighbourhoods_of_points_are_found_in_the_file(form: str, tmp_path: Path) -> None:
    torch.manual_seed(3)
    points = {
        "type": "points", "num_coordinates": 3, "num_features": 1, "num_bands": 3, "max_resolution": 5,
        "neighbourhood_widths": [8, 10], "neighbourhood_centres": [19, 7], "num_neighbours": 4,
    }  # fmt: skip
    config = perceivers.PerceiverConfig(
        **{**SIZES, "num_cross_attention_heads": 1}, d_model=14, num_self_attends_per_block=1, modalities={"points": points},
        answers={"kind": {"type": "class", "num_labels": 3}},
    )  # fmt: skip
    model = lively(perceivers.PerceiverForPrediction(config))
    sets, mask = torch.rand(3, 41, 4) * 2 - 1, torch.ones(3, 41, dtype=torch.bool)
    mask[0, 6:] = mask[1, 30:] = False
    few = {"inputs": {"points": sets[:2, :23]}, "attention_mask": {"points": mask[1:, :23]}}
    samples = [{"inputs": {"points": sets}, "attention_mask": {"points": mask}}, few]
    (file,) = write_model(model, samples, tmp_path, form=form)
    assert file.proof.error <= 1e-4
    others = torch.rand(5, 67, 4) * 2 - 1
    require_equal(model, Session(file.path), {"inputs": {"points": others}}, {"inputs_points": others})
