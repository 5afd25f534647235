"""Every type of modality, and every type of answer, in a file: mixtures whose samples lack inputs and differ in length."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

import perceivers
from perceivers.export.graph import input_axes
from perceivers.export.writing import write_model
from perceivers.runtime.session import Session

pytest.importorskip("onnx")
pytest.importorskip("onnxscript")
pytest.importorskip("onnxruntime")

SIZES: dict[str, Any] = {
    "num_latents": 3,
    "d_latents": 16,
    "d_model": 12,
    "num_blocks": 1,
    "num_self_attends_per_block": 1,
    "num_self_attention_heads": 2,
    "num_cross_attention_heads": 1,
    "vocab_size": 31,
    "max_position_embeddings": 11,
    "attention_probs_dropout_prob": 0.0,
}
ANSWERS = {
    "tags": {"type": "labels", "num_labels": 4, "num_queries": 2, "mlp_layers": 1},
    "kind": {"type": "class", "num_labels": 3, "token_rate": 1.0},
    "price": {"type": "number", "quantiles": [0.05, 0.5, 0.95]},
}
MIXTURES: dict[str, dict[str, dict[str, Any]]] = {
    "columns": {
        "columns": {
            "type": "number",
            "num_columns": 3,
            "encoding": "piecewise",
            "bin_edges": [[-2.0, 0.0, 1.0], [-1.0, 2.0], [0.0, 1.0, 2.0, 3.0]],
        },
        "kinds": {"type": "category", "cardinalities": [2, 0, 5, 1], "out_channels": 7},
        "notes": {"type": "text", "num_channels": 10, "ngram_sizes": [2], "ngram_rows": 17},
        "units": {"type": "entities", "cardinalities": [2, 1], "num_numbers": 2, "num_frequencies": 3},
        "points": {
            "type": "points",
            "num_coordinates": 2,
            "num_features": 1,
            "num_bands": 3,
            "max_resolution": 5,
        },
        "picture": {
            "type": "image",
            "prep_type": "pixels",
            "spatial_downsample": 1,
            "max_resolution": [5, 7],
        },
    },
    "signals": {
        "waves": {"type": "number", "num_columns": 3, "num_frequencies": 4, "sigma": 0.5},
        "series": {
            "type": "series",
            "in_channels": 2,
            "num_bands": 3,
            "max_resolution": 7,
            "positions": "both",
            "max_length": 14,
            "allow_missing": True,
        },
        "sound": {
            "type": "audio",
            "samples_per_patch": 4,
            "num_bands": 3,
            "max_resolution": 8,
            "out_channels": 6,
        },
        "mels": {
            "type": "spectrogram",
            "mel_bins": 6,
            "frames_per_patch": 2,
            "bins_per_patch": 2,
            "stem_widths": [3, 5],
        },
        "plain": {"type": "text"},
        "bags": {"type": "bag_of_ngrams", "num_bags": 2, "num_rows": 5},
        "film": {
            "type": "image",
            "max_resolution": [2, 4, 6],
            "num_bands": 2,
            "spatial_downsample": 2,
            "temporal_downsample": 2,
        },
    },
}


def inputs_of(names: list[str], batch: int, length: int) -> dict[str, Any]:
    columns = torch.randn(batch, 3)
    columns[0, 1] = float("nan")
    series = torch.randn(batch, length, 2)
    series[-1, 2, 0] = float("nan")
    drawn = {
        "columns": columns,
        "kinds": torch.stack([torch.randint(0, high, (batch,)) for high in (4, 2, 7, 3)], dim=1),
        "notes": torch.randint(0, 31, (batch, length)),
        "units": torch.cat([torch.randint(0, 3, (batch, length, 2)), torch.randn(batch, length, 2)], dim=2),
        "points": torch.rand(batch, length, 3) * 2 - 1,
        "picture": torch.randn(batch, 3, 5, 7),
        "waves": torch.randn(batch, 3),
        "series": series,
        "sound": torch.rand(batch, 4 * length, 1) * 2 - 1,
        "mels": torch.randn(batch, length, 6),
        "plain": torch.randint(0, 31, (batch, 9)),
        "bags": torch.tensor([[[[3, 9], [6, 7000]], [[0, 0], [0, 0]]]] * batch),
        "film": torch.randn(batch, 2 * (length - 4), 3, 2 * length, 4 * length),
    }
    masks = {
        "notes": torch.arange(length) < torch.randint(2, length + 1, (batch, 1)),
        "units": torch.arange(length) < torch.randint(2, length + 1, (batch, 1)),
        "points": torch.arange(length) < torch.randint(2, length + 1, (batch, 1)),
        "picture": torch.arange(batch) != 0,
        "series": torch.arange(length) < torch.randint(3, length + 1, (batch, 1)),
        "sound": torch.arange(4 * length) < 4 * torch.randint(1, length + 1, (batch, 1)),
        "plain": torch.arange(9) < torch.randint(2, 10, (batch, 1)),
        "film": torch.arange(batch) != 1,
    }
    return {
        "inputs": {name: drawn[name] for name in names},
        "attention_mask": {name: masks[name] for name in names if name in masks},
    }


@pytest.mark.slow
@pytest.mark.parametrize("mixture", list(MIXTURES))
def test_mixtures_are_written_with_free_lengths_and_masks(mixture: str, tmp_path: Path) -> None:
    torch.manual_seed(0)
    modalities = MIXTURES[mixture]
    model = perceivers.PerceiverForPrediction(
        perceivers.PerceiverConfig(**SIZES, modalities=modalities, answers=ANSWERS)
    ).eval()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(0.2 * torch.randn_like(parameter))
    samples = [inputs_of(list(modalities), *sizes) for sizes in ((3, 7), (2, 5), (1, 6))]
    (file,) = write_model(model, samples, tmp_path)
    assert file.proof.error <= 2e-5
    session = Session(file.path)
    assert sorted(session.outputs) == ["logits_kind", "logits_price", "logits_tags"]
    read = {name: list(sizes) for name, (_, sizes) in session.inputs.items()}
    assert input_axes(file.path, file.call) == read
    first = next(name for name in ("inputs_notes", "inputs_series") if name in session.inputs)
    assert session.inputs[first][1][:2] == ("batch", f"{first}_1")
