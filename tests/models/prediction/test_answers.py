"""What is answered: every answer by its own queries and head, all of them or some, from inputs that are encoded once."""

from __future__ import annotations

import pytest
import torch

import perceivers
from perceivers.nn.learning_rates import learning_rate_factors
from tiny_predictions import ALONE, ANSWERS, LABELS, MODALITIES, NAMES, SIZES, close, draw, rows


def test_every_answer_has_its_own_outputs(mixture):
    model, inputs = mixture
    output = model(inputs)
    assert model.answer_names == NAMES
    assert model.answers["kind"].id2label == {0: "art", 1: "law", 2: "war"}
    assert list(output.logits) == list(NAMES)
    assert {name: tuple(each.shape) for name, each in output.logits.items()} == {
        "age": (5,),
        "kind": (5, 3),
        "price": (5, 3),
        "tags": (5, 4),
    }
    assert {name: tuple(each.shape) for name, each in output.query_logits.items()} == {
        "age": (5, 1),
        "kind": (5, 3, 3),
        "price": (5, 1, 3),
        "tags": (5, 2, 4),
    }
    assert (output.logits["price"].diff() > 0).all()
    said = output.query_logits["kind"]
    torch.testing.assert_close(output.logits["kind"].softmax(-1), said.softmax(-1).mean(1))
    assert (said[:, 0] - said[:, 1]).abs().max() > 1e-2
    assert output.loss is None
    assert output.losses is None


def test_every_answer_has_its_own_queries_and_head(mixture):
    model, inputs = mixture
    logits = model(inputs).logits
    queries = model.perceiver.decoder.decoder.output_position_encodings.position_embeddings
    assert queries.shape == (1 + 3 + 1 + 2, 12)
    with torch.no_grad():
        # The second of "kind": behind that of "age" and the first of its own.
        queries[2] += 1
        model.heads["age"].classifier.bias += 1
    changed = model(inputs).logits
    close(
        {name: changed[name] for name in ("price", "tags")},
        {name: logits[name] for name in ("price", "tags")},
    )
    assert (changed["kind"] - logits["kind"]).abs().max() > 1e-3
    torch.testing.assert_close(changed["age"], logits["age"] + 1)


@pytest.mark.parametrize("kind", list(ALONE))
def test_a_single_modality_comes_with_or_without_its_name(kind, build):
    settings, make = ALONE[kind]
    model, inputs = build({"it": settings}), make(2)
    logits = model(inputs).logits
    close(model({"it": inputs}).logits, logits, 0)
    close(model(inputs[:1]).logits, rows(logits, 0))
    whole = model.prepare()
    close(whole(inputs).logits, logits)
    hidden = torch.tensor([True, False])
    masked = model(inputs, hidden).logits
    close(rows(masked, 0), rows(logits, 0))
    close(whole(inputs, attention_mask=hidden).logits, masked)
    # A sample that has nothing is answered from no input at all, whatever stands there.
    close(rows(model(inputs.flip(0), {"it": hidden}).logits, 1), rows(masked, 1), 1e-6)
    assert max((masked[name] - logits[name])[1].abs().max() for name in NAMES) > 1e-3


def test_some_answers_can_be_asked_alone(mixture):
    model, inputs = mixture
    logits = model(inputs).logits
    alone = model(inputs, answers="kind", output_attentions=True)
    close(alone.logits, {"kind": logits["kind"]})
    assert alone.cross_attentions[1].shape == (5, 1, 3, 5)
    two = model(inputs, answers=["tags", "age"], output_attentions=True)
    close(two.logits, {name: logits[name] for name in ("age", "tags")})
    assert list(two.logits) == ["age", "tags"]
    assert two.cross_attentions[1].shape == (5, 1, 3, 5)


@pytest.mark.parametrize("as_tensor", [True, False])
def test_each_sample_can_have_an_answer_of_its_own(as_tensor, mixture):
    model, inputs = mixture
    logits = model(inputs).logits
    own = [1, 0, 1, 2, 1]
    received = model(inputs, answers=torch.tensor(own) if as_tensor else own)
    assert list(received.logits) == ["age", "kind", "price"]
    expected = {"kind": logits["kind"][[0, 2, 4]], "age": logits["age"][[1]], "price": logits["price"][[3]]}
    close(received.logits, {name: expected[name] for name in ("age", "kind", "price")})
    assert received.query_logits["kind"].shape == (3, 3, 3)
    prepared = model.prepare()
    close(prepared(inputs, answers=torch.tensor(own)).logits, received.logits)


def test_encode_once_and_ask_any_answer(mixture):
    model, inputs = mixture
    mask = {"notes": torch.tensor([1, 0, 1, 1, 0])}
    logits = model(inputs, mask).logits
    encoded = model.encode(inputs, mask)
    assert encoded.modality_sizes == {"columns": 3, "kinds": 4, "notes": 9, "series": 7}
    close(model.decode(encoded), logits, 0)
    close(model.decode(encoded, answers="price", chunk_size=1), {"price": logits["price"]})
    asked = model.decode(encoded, answers=["kind"], output_attentions=True)
    close(asked.logits, {"kind": logits["kind"]})
    assert asked.query_logits["kind"].shape == (5, 3, 3)
    assert [tuple(each.shape) for each in asked.cross_attentions] == [(5, 1, 3, 5)]


def test_outputs_of_the_layers_are_returned_when_asked_for(mixture):
    model, inputs = mixture
    output = model(inputs, output_attentions=True, output_hidden_states=True)
    assert [tuple(each.shape) for each in output.hidden_states] == [(5, 5, 12)] * 4
    assert [tuple(each.shape) for each in output.attentions] == [(5, 3, 5, 5)] * 2
    assert [tuple(each.shape) for each in output.cross_attentions] == [(5, 1, 5, 23), (5, 1, 7, 5)]
    loss, logits, *rest = model(inputs, labels=LABELS, return_dict=False)
    assert loss.shape == ()
    close(logits, output.logits)
    assert [list(each) for each in rest] == [list(NAMES)] * 2


def test_positions_of_a_modality_are_handed_on(mixture):
    model, inputs = mixture
    moved = model(inputs, pos={"series": torch.rand(5, 7, 1)}).logits
    assert (moved["age"] - model(inputs).logits["age"]).abs().max() > 1e-3


def test_answers_are_read_off_the_tokens_too_where_that_is_wanted(build, same):
    answers = {**ANSWERS, "kind": {**ANSWERS["kind"], "token_rate": 3.0}}
    fresh = perceivers.PerceiverForPrediction(
        perceivers.PerceiverConfig(**SIZES, modalities=MODALITIES, answers=answers)
    )
    assert not fresh.heads["kind"].classifier.weight.any()
    assert fresh.heads["age"].classifier.weight.any()
    assert learning_rate_factors(fresh) == {id(each): 3.0 for each in fresh.token_readers.parameters()}
    model, inputs = build(answers=answers), draw()
    masks = {
        "kinds": torch.tensor([1, 0, 1, 0, 1]),
        "notes": torch.tensor([[1] * 6 + [0] * 3] * 4 + [[0] * 9]),
    }
    received = model(inputs, masks)
    encoded = model.encode(inputs, masks)
    seen = model.token_readers["kind"](encoded.tokens, encoded.mask)
    model.token_readers["kind"].linear.weight.data.zero_()
    model.token_readers["kind"].linear.bias.data.zero_()
    without = model(inputs, masks)
    close({"kind": received.query_logits["kind"]}, {"kind": without.query_logits["kind"] + seen})
    close({"age": received.logits["age"]}, {"age": without.logits["age"]})
    torch.nn.init.normal_(model.token_readers["kind"].linear.weight)
    expected = model(inputs, masks).logits
    prepared = model.prepare()
    same(prepared(inputs, attention_mask=masks).logits, expected, 1e-5)
    assert "answers are read off the tokens, too" in prepared.plain_parts["input_preprocessor"]
    own = torch.tensor([1, 0, 1, 2, 1])
    asked = model(inputs, masks, answers=own).logits
    close({"kind": asked["kind"]}, {"kind": expected["kind"][own == 1]})
    # Every parameter has a gradient, of answers that nobody is asked for, too.
    model.train()(inputs, masks, answers="age").logits["age"].sum().backward()
    assert all(each.grad is not None for each in model.token_readers.parameters())
