"""Other forms of the same model: prepared, in half precision, compiled, exported."""

from __future__ import annotations

import pytest
import torch

import perceivers
from tiny_predictions import ALONE, LABELS, MODALITIES, close, draw


def test_the_prepared_form_gives_the_same(mixture, same):
    model, inputs = mixture
    prepared = model.prepare()
    masks = {
        "columns": torch.tensor([[1, 1, 0]] * 5),
        "kinds": torch.tensor([1, 0, 1, 0, 1]),
        "notes": torch.tensor([[1] * 6 + [0] * 3] * 4 + [[0] * 9]),
    }
    for given in (None, masks, {name: torch.tensor([0, 1, 1, 1, 1]) for name in MODALITIES}):
        expected = model(inputs, given).logits
        same(prepared(inputs, attention_mask=given).logits, expected, 1e-5)
        encoded = prepared.encode(inputs, given)
        same(prepared.decode(encoded), expected, 1e-5)
        same(prepared.decode(encoded, answers=["price"]), {"price": expected["price"]}, 1e-5)
    some = {"kinds": inputs["kinds"]}
    same(prepared(some).logits, model(some).logits, 1e-5)
    torch.testing.assert_close(prepared(inputs, labels=LABELS).loss, model(inputs, labels=LABELS).loss)


def test_the_prepared_form_says_whose_tokens_are_built_whole(mixture, build):
    model, inputs = mixture
    prepared = model.prepare()
    assert dict(prepared.plain_parts) == {
        "input_preprocessor": "'columns': every column has a linear map of its own; 'kinds': every column has rows of its "
        "own in the table; 'notes': n-grams make more different tokens than tables could hold: tokens are built whole"
    }
    parts = model.perceiver.input_preprocessor.structure().parts(inputs, False)
    assert [name for name, part in parts.items() if part.positions is not None] == ["series"]
    assert build({"it": ALONE["plain notes"][0]}).prepare().plain_parts == {}
    assert build({"it": MODALITIES["series"]}).prepare().plain_parts == {}


@pytest.mark.parametrize("kind", list(ALONE))
def test_half_precision_a_device_without_memory_and_checkpointing_work(kind, build):
    settings, make = ALONE[kind]
    model, inputs = build({"it": settings}), make(5)
    with torch.device("meta"):
        empty = perceivers.PerceiverForPrediction(model.config)
    assert empty(inputs.to("meta")).logits["price"].device.type == "meta"
    model.train()(inputs, labels=LABELS).loss.backward()
    expected = {name: parameter.grad.clone() for name, parameter in model.named_parameters()}
    model.zero_grad()
    model.gradient_checkpointing_enable()
    model(inputs, labels=LABELS).loss.backward()
    for name, parameter in model.named_parameters():
        torch.testing.assert_close(parameter.grad, expected[name])
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert torch.isfinite(model(inputs, labels=LABELS).loss)
    half = model.to(torch.bfloat16).eval()(inputs, labels=LABELS)
    assert {some.dtype for some in half.logits.values()} == {torch.bfloat16}
    assert half.loss.dtype == torch.float32


def test_one_graph_holds_the_whole_call(mixture):
    torch._dynamo.reset()
    model, inputs = mixture
    mask = {"notes": torch.tensor([[1] * 6 + [0] * 3] * 5), "kinds": torch.tensor([1, 0, 1, 1, 0])}
    compiled = torch.compile(model, backend="eager", fullgraph=True)
    received, expected = compiled(inputs, mask, labels=LABELS), model(inputs, mask, labels=LABELS)
    close(received.logits, expected.logits)
    torch.testing.assert_close(received.loss, expected.loss)
    close(compiled(inputs, mask, answers="age").logits, {"age": expected.logits["age"]})
    torch._dynamo.reset()


def test_it_exports_with_a_free_batch(mixture):
    model, inputs = mixture
    mask = {"notes": torch.tensor([1, 0, 1, 1, 0])}
    batch = torch.export.Dim("batch", min=1, max=64)
    shapes = {
        "inputs": {name: {0: batch} for name in inputs},
        "attention_mask": {"notes": {0: batch}},
    }
    program = torch.export.export(
        model, (), kwargs={"inputs": inputs, "attention_mask": mask}, dynamic_shapes=shapes, strict=False
    )
    close(program.module()(inputs=inputs, attention_mask=mask).logits, model(inputs, mask).logits)
    other, hidden = draw(7), {"notes": torch.tensor([0, 1, 0, 1, 1, 0, 1])}
    close(program.module()(inputs=other, attention_mask=hidden).logits, model(other, hidden).logits)
