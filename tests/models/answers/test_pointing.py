"""A prediction model that selects entities: nothing hidden is chosen, padding changes nothing, every way to run is alike."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from perceivers import ConfigurationError, PerceiverConfig, PerceiverForPrediction, ShapeError

MODALITIES = {
    "numbers": {"type": "number", "num_columns": 3},
    "units": {"type": "entities", "cardinalities": [3], "num_numbers": 2},
}
ANSWERS = {
    "focus": {"type": "entity", "of": "units", "num_queries": 2},
    "heal": {"type": "entities", "of": "units"},
    "won": {"type": "class", "num_labels": 2},
}
SIZES: dict[str, Any] = {
    "num_latents": 5,
    "d_latents": 14,
    "d_model": 10,
    "num_self_attends_per_block": 1,
    "num_self_attention_heads": 2,
    "num_cross_attention_heads": 2,
    "attention_probs_dropout_prob": 0.0,
}
THERE = torch.arange(7) < torch.tensor([[7], [3], [0], [5]])


def build(**changed: Any) -> PerceiverForPrediction:
    torch.manual_seed(0)
    model = PerceiverForPrediction(
        PerceiverConfig(**{**SIZES, "modalities": MODALITIES, "answers": ANSWERS, **changed})
    )
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(0.2 * torch.randn(parameter.shape))
    return model.eval()


def draw() -> dict[str, torch.Tensor]:
    units = torch.randn(4, 7, 3)
    units[..., 0] = torch.randint(0, 5, (4, 7))
    return {"numbers": torch.randn(4, 3), "units": units * THERE[..., None]}


@pytest.fixture(scope="module")
def model() -> PerceiverForPrediction:
    return build()


@pytest.fixture(scope="module")
def inputs(model: PerceiverForPrediction) -> dict[str, torch.Tensor]:
    return draw()


def test_what_is_not_there_is_never_chosen_and_padding_changes_nothing(
    model: PerceiverForPrediction, inputs: dict[str, torch.Tensor]
) -> None:
    output = model(inputs, {"units": THERE})
    for name in ("focus", "heal"):
        assert torch.equal(output.logits[name] > -65504, THERE)
    assert (output.logits["focus"].softmax(dim=-1)[:2][~THERE[:2]] == 0).all()
    short = {"numbers": inputs["numbers"][1:2], "units": inputs["units"][1:2, :3]}
    alone = model(short).logits
    for name in ("focus", "heal"):
        torch.testing.assert_close(output.logits[name][1:2, :3], alone[name], rtol=0, atol=1e-5)
    order = torch.tensor([2, 0, 1])
    turned = model({**short, "units": short["units"][:, order]}).logits
    torch.testing.assert_close(turned["focus"], alone["focus"][:, order], rtol=0, atol=1e-5)


def test_every_way_to_run_gives_the_same(
    model: PerceiverForPrediction, inputs: dict[str, torch.Tensor], tmp_path: Path
) -> None:
    expected = model(inputs, {"units": THERE}).logits
    prepared = model.prepare()
    assert "pointers.focus" in prepared.plain_parts
    model.save_pretrained(tmp_path)
    loaded = PerceiverForPrediction.from_pretrained(tmp_path).eval()
    own = torch.tensor([0, 1, 0, 2])
    for received in (prepared(inputs, {"units": THERE}).logits, loaded(inputs, {"units": THERE}).logits):
        for name, wanted in expected.items():
            torch.testing.assert_close(received[name], wanted, rtol=0, atol=1e-5)
    asked = model(inputs, {"units": THERE}, answers=own).logits
    torch.testing.assert_close(asked["focus"], expected["focus"][own == 0], rtol=0, atol=1e-5)
    decoded = model.decode(model.encode(inputs, {"units": THERE}), answers=["heal"])
    torch.testing.assert_close(decoded["heal"], expected["heal"], rtol=0, atol=1e-5)
    only = build(modalities={"units": MODALITIES["units"]}, mean_of_latents=True)
    received = only(inputs["units"], THERE).logits
    torch.testing.assert_close(
        only.prepare()(inputs["units"], THERE).logits["heal"], received["heal"], rtol=0, atol=1e-5
    )


def test_losses_reach_every_parameter(model: PerceiverForPrediction, inputs: dict[str, torch.Tensor]) -> None:
    labels = {
        "focus": torch.tensor([6, 2, -100, 0]),
        "heal": THERE.float(),
        "won": torch.tensor([0, 1, 1, 0]),
    }
    output = model(inputs, {"units": THERE}, labels=labels)
    assert set(output.losses) == set(ANSWERS)
    output.loss.backward()
    assert all(each.grad is not None for each in model.parameters())
    model.zero_grad()
    model.train()(inputs, {"units": THERE}, answers="won").logits["won"].sum().backward()
    assert all(each.grad is not None for each in model.pointers.parameters())
    model.eval().zero_grad()


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        ({"focus": torch.tensor([6, 3, -100, 0])}, "received one that they hide at"),
        ({"focus": torch.tensor([7, 0, 0, 0])}, r"`labels` must be in \[0, 6\]"),
        ({"focus": torch.zeros(3, dtype=torch.long)}, r"must be numbers of entities \[4\], received \[3\]"),
        ({"heal": torch.ones(4, 7)}, "received one that they hide at"),
        ({"heal": torch.ones(4, 5)}, r"must have shape \[4, 7\], one for each entity, received \[4, 5\]"),
    ],
)
def test_labels_that_cannot_be_selected_are_refused(
    model: PerceiverForPrediction, inputs: dict[str, torch.Tensor], labels: Any, message: str
) -> None:
    with pytest.raises(ShapeError, match=message):
        model(inputs, {"units": THERE}, labels=labels)


def test_a_batch_without_the_sets_is_refused(
    model: PerceiverForPrediction, inputs: dict[str, torch.Tensor]
) -> None:
    with pytest.raises(ShapeError, match="`inputs` must have the modality 'units' for the answer 'focus'"):
        model({"numbers": inputs["numbers"]})
    assert model({"numbers": inputs["numbers"]}, answers="won").logits["won"].shape == (4, 2)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"answers": {"focus": {"type": "entity"}}}, r"`answers\['focus'\]\['of'\]` must name the modality"),
        (
            {"answers": {"focus": {"type": "entity", "of": "numbers"}}},
            r"must be a modality of type 'entities', of which there are \['units'\], received 'numbers'",
        ),
        (
            {"answers": {"focus": {"type": "entity", "of": "units", "mlp_layers": 1}}},
            r"\['mlp_layers'\]` must be 0 for a pointer, received 1",
        ),
        (
            {"d_model": 9, "qk_channels": 14, "v_channels": 14},
            r"`num_cross_attention_heads` must divide the channels of an entity \(9\) for the answer",
        ),
        (
            {"modalities": {**MODALITIES, "units": {**MODALITIES["units"], "drop_probability": 0.5}}},
            r"`modalities\['units'\]\['drop_probability'\]` must be 0, because the answer 'focus' selects",
        ),
    ],
)
def test_models_that_cannot_be_are_refused(changed: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        build(**changed)
