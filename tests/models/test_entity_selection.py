"""Entities and the pointer behind them: padding and order change nothing, losses by hand, every way to run gives the same."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from perceivers import (
    ConfigurationError,
    PerceiverConfig,
    PerceiverForEntitySelection,
    ShapeError,
    entity_config,
)
from perceivers.models.losses import pointer_loss

SIZES: dict[str, Any] = {
    "d_model": 10,
    "d_latents": 14,
    "num_latents": 5,
    "num_self_attends_per_block": 2,
}


@pytest.fixture(scope="module")
def model() -> PerceiverForEntitySelection:
    torch.manual_seed(0)
    made = PerceiverForEntitySelection(entity_config([3, 2], 2, **SIZES))
    with torch.no_grad():
        for parameter in made.parameters():
            parameter.add_(0.2 * torch.randn(parameter.shape))
    return made.eval()


def units(batch: int = 3, number: int = 7) -> Tensor:
    generator = torch.Generator().manual_seed(1)
    names = torch.randint(0, 4, (batch, number, 2), generator=generator).float()
    return torch.cat([names, torch.randn(batch, number, 2, generator=generator)], dim=2)


MASK = torch.arange(7) < torch.tensor([[7], [4], [1]])


def test_the_defaults_are_the_papers() -> None:
    config = entity_config([3], 1)
    assert (config.num_latents, config.num_self_attends_per_block) == (32, 3)
    assert config.modalities == {"entities": {"type": "entities", "cardinalities": [3], "num_numbers": 1}}
    assert entity_config([3], 1, num_latents=7, name="units").num_latents == 7


def test_padding_changes_nothing(model: PerceiverForEntitySelection) -> None:
    inputs = units()
    padded = model(torch.cat([inputs, torch.full((3, 4, 4), math.nan).nan_to_num(2.0)], dim=1),
                   torch.cat([MASK, torch.zeros(3, 4, dtype=torch.bool)], dim=1), queries="entities")  # fmt: skip
    whole = model(inputs, MASK, queries="entities")
    for sample, number in enumerate((7, 4, 1)):
        alone = model(inputs[sample : sample + 1, :number], queries="entities")
        for received in (whole, padded):
            torch.testing.assert_close(
                received.entities[sample, :number], alone.entities[0], rtol=1e-5, atol=1e-5
            )
            torch.testing.assert_close(received.mean[sample], alone.mean[0], rtol=1e-5, atol=1e-5)
            torch.testing.assert_close(
                received.logits[sample, :number, :number], alone.logits[0], rtol=1e-5, atol=1e-5
            )
            assert (received.entities[sample, number:] == 0).all()
            assert (received.logits[sample, :, number:].softmax(dim=-1) > 0).all()
            assert (received.logits[sample].softmax(dim=-1)[:, number:] == 0).all()


def test_entities_in_another_order_give_the_same_in_that_order(model: PerceiverForEntitySelection) -> None:
    order = torch.tensor([3, 0, 6, 2, 5, 1, 4])
    one, other = model(units()), model(units()[:, order])
    torch.testing.assert_close(other.entities, one.entities[:, order], rtol=1e-5, atol=1e-5)
    torch.testing.assert_close(other.mean, one.mean, rtol=1e-5, atol=1e-5)
    torch.testing.assert_close(other.logits, one.logits[..., order], rtol=1e-5, atol=1e-5)


def test_the_mean_is_that_of_the_outputs_and_a_sample_without_entities_has_none(
    model: PerceiverForEntitySelection,
) -> None:
    mask = MASK.clone()
    mask[2] = False
    output = model(units(), mask)
    torch.testing.assert_close(output.mean[1], output.entities[1, :4].mean(dim=0))
    assert (output.mean[2] == 0).all()
    assert (output.entities[2] == 0).all()
    assert output.logits.shape == (3, 1, 7)


def test_what_points_is_the_mean_all_entities_some_of_them_or_vectors_of_ones_own(
    model: PerceiverForEntitySelection,
) -> None:
    every = model(units(), MASK, queries="entities")
    some = model(units(), MASK, queries=torch.tensor([2, 0])).logits
    torch.testing.assert_close(some, every.logits[:, [2, 0]])
    each = model(units(), MASK, queries=torch.tensor([[1], [0], [6]])).logits
    torch.testing.assert_close(each[:, 0], every.logits[torch.arange(3), [1, 0, 6]])
    own = model(units(), MASK, queries=every.mean[:, None]).logits
    torch.testing.assert_close(own, model(units(), MASK).logits)


def test_choices_are_of_a_sample_or_of_a_query_and_never_what_the_mask_hides(
    model: PerceiverForEntitySelection,
) -> None:
    generator = torch.Generator().manual_seed(2)
    of_sample = torch.rand(3, 7, generator=generator) < 0.5
    of_query = torch.rand(3, 7, 7, generator=generator) < 0.5
    lowest = torch.finfo(torch.float32).min
    received = model(units(), MASK, choices=of_sample).logits > lowest
    assert torch.equal(received[:, 0], of_sample & MASK)
    received = model(units(), MASK, queries="entities", choices=of_query).logits > lowest
    assert torch.equal(received, of_query & MASK[:, None])
    assert torch.equal(model(units(), choices=of_sample).logits[:, 0] > lowest, of_sample)


def test_the_loss_of_one_member_a_query_is_the_mean_cross_entropy_over_those_that_may_be_selected() -> None:
    logits = torch.tensor([[[1.0, 3.0, -1.0]], [[0.0, 2.0, 5.0]]])
    mask = torch.tensor([[True, True, True], [True, True, False]])
    masked = logits.masked_fill(~mask[:, None], torch.finfo(torch.float32).min)
    first = math.log(math.e + math.e**3 + math.e**-1) - 3.0
    second = math.log(1.0 + math.e**2) - 0.0
    assert float(pointer_loss(masked, torch.tensor([1, 0]), mask)) == pytest.approx((first + second) / 2)
    assert float(pointer_loss(masked, torch.tensor([[1], [-100]]), mask)) == pytest.approx(first)
    assert float(pointer_loss(masked, torch.tensor([-100, -100]), mask)) == 0.0


def test_the_loss_of_several_members_is_the_mean_over_those_that_may_be_selected() -> None:
    logits = torch.tensor([[[1.0, 3.0, -1.0]], [[0.0, 2.0, 5.0]]])
    mask = torch.tensor([[True, True, True], [True, True, False]])
    wanted = torch.tensor([[True, False, True], [False, True, False]])
    counted = torch.tensor([1.0, 3.0, -1.0, 0.0, 2.0]), torch.tensor([1.0, 0.0, 1.0, 0.0, 1.0])
    masked = logits.masked_fill(~mask[:, None], torch.finfo(torch.float32).min)
    expected = float(F.binary_cross_entropy_with_logits(*counted))
    assert float(pointer_loss(masked, wanted, mask)) == pytest.approx(expected)
    assert float(pointer_loss(masked, wanted[:, None].float(), mask)) == pytest.approx(expected)
    assert float(pointer_loss(masked[:, :, :0], wanted[:, :0], mask[:, :0])) == 0.0


def test_every_parameter_of_a_loss_has_a_gradient_and_it_is_finite(
    model: PerceiverForEntitySelection,
) -> None:
    inputs = units()
    inputs[0, 1, 3] = math.nan
    mask = MASK.clone()
    mask[2] = False
    model(inputs, mask, labels=torch.tensor([6, 3, -100])).loss.backward()
    gradients = [each.grad for each in model.parameters()]
    assert all(each is not None and torch.isfinite(each).all() for each in gradients)
    model.zero_grad(set_to_none=True)


def test_the_fast_form_the_compiled_one_and_a_saved_one_give_the_same(
    model: PerceiverForEntitySelection, tmp_path: Path
) -> None:
    prepared = model.prepare()
    assert prepared.plain_parts == {}
    compiled: Any = torch.compile(model, backend="aot_eager", fullgraph=True)
    model.save_pretrained(tmp_path)
    loaded = PerceiverForEntitySelection.from_pretrained(tmp_path).eval()
    with torch.no_grad():
        expected = model(units(), MASK, queries="entities")
        for form in (prepared, compiled, loaded):
            received = form(units(), MASK, queries="entities")
            for name in ("entities", "mean", "logits"):
                torch.testing.assert_close(received[name], expected[name], rtol=1e-5, atol=1e-5)
    some = prepared.decode(prepared.encode(units(), MASK), positions=torch.tensor([5, 0]))
    torch.testing.assert_close(some[0], expected.entities[0, [5, 0]], rtol=1e-5, atol=1e-5)


def test_attention_is_that_of_the_latents_to_entities_and_of_entities_to_latents(
    model: PerceiverForEntitySelection,
) -> None:
    output = model(units(), MASK, output_attentions=True, output_hidden_states=True)
    encoder, decoder = output.cross_attentions
    assert (encoder.shape, decoder.shape) == ((3, 2, 5, 7), (3, 2, 7, 5))
    assert (encoder[1, :, :, 4:] == 0).all()
    assert len(output.hidden_states) == 3
    assert len(model(units(), return_dict=False)) == 3


def test_errors_name_the_argument(model: PerceiverForEntitySelection) -> None:
    lowest = torch.zeros(3, 7, dtype=torch.bool)
    for options, message in (
        ({"queries": "all"}, "`queries` must be 'mean', 'entities' or a tensor, received 'all'"),
        ({"queries": torch.rand(3, 2, 4)}, r"`queries` must have shape \[3, num_queries, 10\]"),
        ({"queries": torch.ones(3, 7, dtype=torch.bool)}, "`queries` must be numbers of entities"),
        ({"queries": torch.tensor([7])}, r"output points must be in \[0, 6\]"),
        ({"choices": lowest[:, :6]}, r"`choices` must have shape \[3, 7\] or \[3, 1, 7\], received \[3, 6\]"),
        ({"choices": [True]}, "`choices` must be a torch.Tensor, received list"),
        ({"labels": torch.tensor([0, 5, 0])}, r"`labels` must select members .* that they hide at \[1, 0\]"),
        ({"labels": lowest.logical_not()}, "`labels` must select members"),
        ({"labels": torch.tensor([0, 9, 0])}, r"`labels` must be in \[0, 6\]"),
        ({"labels": torch.tensor([0, 0])}, r"`labels` must be numbers of members \[3, 1\]"),
        ({"labels": torch.rand(3, 2)}, r"`labels` of several members must have shape \[3, 1, 7\]"),
    ):
        with pytest.raises((ShapeError, ConfigurationError), match=message):
            model(units(), MASK, **options)
    with pytest.raises(ShapeError, match=r"`attention_mask` must have shape \[3, 7\]"):
        model(units(), MASK[:, :5])
    with pytest.raises(ShapeError, match=r"`output_dims` must be the number of tokens, 7, received \(3,\)"):
        model.decode(model.encode(units()), output_dims=3)


def test_a_configuration_of_something_else_is_refused() -> None:
    number = {"type": "number", "num_columns": 2}
    with pytest.raises(
        ConfigurationError, match=r"a single modality of type 'entities' .*, received \['number'\]"
    ):
        PerceiverForEntitySelection(PerceiverConfig(modalities={"columns": number}))
    with pytest.raises(
        ConfigurationError, match="`num_cross_attention_heads` must divide the channels of an entity"
    ):
        PerceiverForEntitySelection(entity_config([1], 1, d_model=15, d_latents=14))
