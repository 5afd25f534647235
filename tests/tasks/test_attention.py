"""Where an answer looked."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import torch
from torch import Tensor

from perceivers.tasks.attention import attention_of_answer, attention_through_latents

# Two encoder heads whose mean is [[.5, .5, 0], [0, 0, 1]]; three quarters of the first answer look at the first latent.
TO_TOKENS = torch.tensor([[[[1.0, 0.0, 0.0], [0.0, 0.0, 1.0]], [[0.0, 1.0, 0.0], [0.0, 0.0, 1.0]]]])
TO_LATENTS = torch.tensor([[[[0.75, 0.25], [0.0, 1.0]]]])


class Attentive:
    """A model that looks as the matrices above say."""

    def __init__(self, sizes: dict[str, int] | None, preprocessor: Any) -> None:
        self.sizes = sizes
        self.config = SimpleNamespace(cross_attend_inputs="all", latents_as_keys=None)
        self.perceiver = SimpleNamespace(input_preprocessor=preprocessor)

    def encode(self, inputs: Any, output_attentions: bool) -> Any:
        return SimpleNamespace(cross_attentions=(TO_TOKENS,), modality_sizes=self.sizes)

    def decode(self, encoded: Any, output_attentions: bool) -> Any:
        return SimpleNamespace(cross_attentions=(TO_LATENTS,))


def grid_of(values: Tensor) -> tuple[int, ...]:
    return tuple(values.shape[1:])


def test_attention_is_the_product_of_both_cross_attentions_on_the_grid_of_a_single_modality() -> None:
    preprocessor = SimpleNamespace(index_dims=grid_of)
    inputs = {"photo": torch.zeros(1, 1, 3)}
    model = Attentive(None, preprocessor)
    weights, grids = attention_of_answer(model, inputs, {"inputs": inputs["photo"]})
    torch.testing.assert_close(weights, {"photo": torch.tensor([0.375, 0.375, 0.25])})
    assert grids == {"photo": (1, 3)}


def test_attention_is_divided_among_several_modalities() -> None:
    each = SimpleNamespace(index_dims=grid_of)
    preprocessor = SimpleNamespace(modalities={"photo": each, "price": each})
    inputs = {"photo": torch.zeros(1, 2, 1), "price": torch.zeros(1, 1)}
    model = Attentive({"photo": 2, "price": 1}, preprocessor)
    weights, grids = attention_of_answer(model, inputs, {"inputs": inputs})
    torch.testing.assert_close(
        weights, {"photo": torch.tensor([0.375, 0.375]), "price": torch.tensor([0.25])}
    )
    assert grids == {"photo": (2, 1), "price": (1,)}


def test_attention_goes_through_the_latents() -> None:
    encoder = torch.tensor([[[[0.25, 0.75], [1.0, 0.0]]]])
    decoder = torch.tensor([[[[0.5, 0.5], [0.0, 1.0]]]])
    # 0.5 x (0.25, 0.75) + 0.5 x (1, 0).
    assert attention_through_latents(encoder, decoder, 0).tolist() == [[0.625, 0.375]]
    assert attention_through_latents(encoder, decoder, 1).tolist() == [[1.0, 0.0]]


def test_attention_that_latents_gave_each_other_is_left_out() -> None:
    model = Attentive(None, SimpleNamespace(index_dims=grid_of))
    model.config = SimpleNamespace(cross_attend_inputs="all", latents_as_keys=True, num_latents=1)
    weights, _ = attention_of_answer(model, {"photo": torch.zeros(1, 1, 2)}, {"inputs": None})
    # Without the last key: 0.75 x (0.5, 0.5) of the first latent, nothing of the second.
    torch.testing.assert_close(weights, {"photo": torch.tensor([0.5, 0.5])})
