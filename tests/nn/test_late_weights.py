"""Weights that stay in their file: read when a layer is wanted, once, and each layer of a prepared checkpoint in its turn."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import nn

import perceivers
from perceivers.inference import prepared_perceiver
from perceivers.inference.latent_layer import FoldedSelfAttend
from perceivers.nn.late_weights import arrive, is_late, leave, left_in_file

CONFIG = perceivers.PerceiverConfig(
    num_latents=3, d_latents=16, d_model=5, num_blocks=2, num_self_attends_per_block=3,
    num_self_attention_heads=1, num_cross_attention_heads=1,
)  # fmt: skip


def test_what_was_left_is_read_when_it_is_wanted_and_once() -> None:
    with torch.device("meta"):
        layer = nn.Sequential(nn.Linear(2, 3), nn.Linear(3, 5))
    reads = []

    def read() -> torch.Tensor:
        reads.append(1)
        return torch.full((5, 3), 7.0)

    leave(layer[1], "weight", read)
    arrive(layer[0])
    assert (reads, layer[1].weight.is_meta) == ([], True)
    arrive(layer)
    arrive(layer)
    assert (reads, layer[1].weight.tolist()) == ([1], [[7.0] * 3] * 5)
    assert layer[1].weight.requires_grad


def test_only_inside_do_parameters_stay() -> None:
    assert not is_late("a.b.c")
    with left_in_file(".b."):
        assert is_late("a.b.c")
        assert not is_late("a.c")
    assert not is_late("a.b.c")


@pytest.mark.parametrize("quantize", [None, "int8"])
def test_a_prepared_checkpoint_answers_as_the_model_and_reads_one_layer_after_the_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, quantize: str | None
) -> None:
    model = perceivers.PerceiverModel(CONFIG).eval()
    model.save_pretrained(tmp_path)
    inputs = torch.randn(2, 7, 5, generator=torch.Generator().manual_seed(0))
    expected = model.prepare(quantize=quantize)(inputs).last_hidden_state
    loaded = []

    class Watched(FoldedSelfAttend):
        def __init__(self, layer: nn.Module, *arguments: object, **options: object) -> None:
            assert all(each.is_meta for each in layer.parameters()), "nothing is read before its turn"
            super().__init__(layer, *arguments, **options)  # type: ignore[arg-type]
            loaded.append([name for name, _ in layer.named_parameters() if name.endswith("dense1.weight")])

    monkeypatch.setattr(prepared_perceiver, "FoldedSelfAttend", Watched)
    prepared = perceivers.PerceiverModel.prepare_pretrained(tmp_path, quantize=quantize)
    assert torch.equal(prepared(inputs).last_hidden_state, expected)
    # Matrices are gone once they are laid out.
    assert loaded == [[], [], []]


def test_layers_that_are_not_folded_are_read_too(tmp_path: Path) -> None:
    model = perceivers.PerceiverModel(CONFIG).eval().bfloat16()
    model.save_pretrained(tmp_path)
    inputs = torch.randn(2, 7, 5, generator=torch.Generator().manual_seed(0)).bfloat16()
    expected = model.prepare()(inputs).last_hidden_state
    found = perceivers.PerceiverModel.prepare_pretrained(tmp_path)(inputs).last_hidden_state
    assert torch.equal(found, expected)
