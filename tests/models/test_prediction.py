"""Any modalities in, any answers out: masks, missing targets, own answers, dropping, the fast form, checkpoints, graphs."""

from __future__ import annotations

import json
import math

import pytest
import torch

import perceivers
from perceivers.errors import ConfigurationError, ShapeError
from perceivers.models.answers.losses import answer_losses
from perceivers.nn.learning_rates import learning_rate_factors

NAN = math.nan
SIZES = {
    "num_latents": 5,
    "d_latents": 12,
    "d_model": 14,
    "num_blocks": 2,
    "num_self_attends_per_block": 1,
    "num_self_attention_heads": 3,
    "num_cross_attention_heads": 1,
    "vocab_size": 31,
    "max_position_embeddings": 11,
    "attention_probs_dropout_prob": 0.0,
}
MODALITIES = {
    "columns": {
        "type": "number",
        "num_columns": 3,
        "encoding": "piecewise",
        "bin_edges": [[-2.0, 0.0, 1.0], [-1.0, 2.0], [0.0, 1.0, 2.0, 3.0]],
    },
    "kinds": {"type": "category", "cardinalities": [2, 0, 5, 1], "out_channels": 7},
    "notes": {"type": "text", "num_channels": 10, "ngram_sizes": [2], "ngram_rows": 17},
    "series": {"type": "series", "in_channels": 2, "num_bands": 3, "max_resolution": 7},
}
WAVES = {"type": "number", "num_columns": 3, "num_frequencies": 4, "sigma": 0.5}
ANSWERS = {
    "tags": {"type": "labels", "num_labels": 4, "num_queries": 2, "mlp_layers": 1},
    "age": {"type": "number"},
    "kind": {"type": "class", "id2label": {"0": "art", "1": "law", "2": "war"}, "num_queries": 3},
    "price": {"type": "number", "quantiles": [0.05, 0.5, 0.95], "weight": 0.25},
}
NAMES = ("age", "kind", "price", "tags")
#: Inputs of every modality that the table has alone.
ALONE = {
    "columns": (MODALITIES["columns"], lambda batch: torch.randn(batch, 3)),
    "waves": (WAVES, lambda batch: torch.randn(batch, 3)),
    "kinds": (MODALITIES["kinds"], lambda batch: torch.stack([torch.tensor([0, 1, 6, 2])] * batch)),
    "notes": (MODALITIES["notes"], lambda batch: torch.randint(0, 31, (batch, 9))),
    "plain notes": ({"type": "text"}, lambda batch: torch.randint(0, 31, (batch, 9))),
    "series": (MODALITIES["series"], lambda batch: torch.randn(batch, 7, 2)),
    "bags": (
        {"type": "bag_of_ngrams", "num_bags": 2, "num_rows": 5},
        lambda batch: torch.tensor([[[[3, 9], [6, 7000]], [[0, 0], [0, 0]]]] * batch),
    ),
}


def draw(batch=5):
    generator = torch.Generator().manual_seed(4)
    columns = torch.randn(batch, 3, generator=generator)
    columns[1, 0] = NAN
    kinds = [torch.randint(0, high, (batch,), generator=generator) for high in (4, 2, 7, 3)]
    return {
        "columns": columns,
        "kinds": torch.stack(kinds, dim=1),
        "notes": torch.randint(0, 31, (batch, 9), generator=generator),
        "series": torch.randn(batch, 7, 2, generator=generator),
    }


LABELS = {
    "age": torch.tensor([0.5, NAN, -1.0, NAN, 2.0]),
    "kind": torch.tensor([2, -100, 0, 1, -100]),
    "price": torch.tensor([NAN, 0.25, NAN, NAN, -0.5]),
    "tags": torch.tensor([[1.0, 0, 0, 1], [NAN] * 4, [0, 0, NAN, 1], [NAN] * 4, [1, 1, 1, 1]]),
}


@pytest.fixture
def build(lively):
    def make(modalities=MODALITIES, answers=ANSWERS, **changes):
        torch.manual_seed(0)
        config = perceivers.PerceiverConfig(
            **{**SIZES, "modalities": modalities, "answers": answers, **changes}
        )
        model = perceivers.PerceiverForPrediction(config)
        lively(model)
        return model.eval()

    return make


@pytest.fixture
def mixture(build):
    return build(), draw()


def close(received, expected, tolerance=2e-5):
    torch.testing.assert_close(dict(received), dict(expected), atol=tolerance, rtol=1e-4)


def rows(logits, *places):
    return {name: some[list(places)] for name, some in logits.items()}


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


def test_a_modality_that_a_sample_lacks_is_as_if_it_were_not_there(mixture):
    model, inputs = mixture
    for name in MODALITIES:
        without = model({other: value for other, value in inputs.items() if other != name}).logits
        some = model(inputs, {name: torch.tensor([True, False, True, False, True])}).logits
        close(rows(some, 1, 3), rows(without, 1, 3))
        whole = model(inputs).logits
        close(rows(some, 0, 2, 4), rows(whole, 0, 2, 4))
        assert max((whole[each] - without[each]).abs().max() for each in NAMES) > 1e-3


def test_what_stands_in_a_hidden_place_does_not_matter(mixture):
    model, inputs = mixture
    mask = {
        "columns": torch.tensor([[1, 1, 0]] * 5),
        "kinds": torch.tensor([[1, 0, 1, 1]] * 5),
        "notes": torch.tensor([[1] * 6 + [0] * 3] * 5),
        "series": torch.tensor([1, 0, 1, 0, 1]),
    }
    logits = model(inputs, mask).logits
    other = {name: value.clone() for name, value in inputs.items()}
    other["columns"][:, 2] = 9.0
    other["kinds"][:, 1] = 1 - other["kinds"][:, 1]
    other["notes"][:, 6:] = 30 - other["notes"][:, 6:]
    other["series"][[1, 3]] = 5.0
    close(model(other, mask).logits, logits, 1e-6)
    assert max((model(other).logits[name] - model(inputs).logits[name]).abs().max() for name in NAMES) > 1e-3
    short = model({**inputs, "notes": inputs["notes"][:, :6]}, {**mask, "notes": torch.ones(5, 6)}).logits
    close(short, logits)


def test_a_sample_without_any_input_has_the_answers_of_none(mixture):
    model, inputs = mixture
    nothing = {name: torch.tensor([1, 0, 1, 1, 1]) for name in MODALITIES}
    logits = model(inputs, nothing).logits
    other = {name: value.roll(1, 0) for name, value in inputs.items()}
    close(rows(model(other, nothing).logits, 1), rows(logits, 1), 1e-6)
    close(rows(logits, 0, 2, 3, 4), rows(model(inputs).logits, 0, 2, 3, 4))
    assert model.config.zero_fully_masked_rows is False


def test_a_missing_number_is_neither_a_value_nor_a_hidden_one(mixture):
    model, inputs = mixture
    gap = model(inputs).logits
    filled = model({**inputs, "columns": torch.nan_to_num(inputs["columns"])}).logits
    hidden = model(inputs, {"columns": ~torch.isnan(inputs["columns"])}).logits
    for other in (filled, hidden):
        close(rows(other, 0, 2, 3, 4), rows(gap, 0, 2, 3, 4))
        assert (other["age"] - gap["age"])[1].abs() > 1e-3


def test_the_loss_is_the_weighted_sum_of_means_over_known_targets(mixture):
    model, inputs = mixture
    output = model(inputs, labels=LABELS)
    said = output.query_logits
    each = {name: answer_losses(said[name], LABELS[name], model.answers[name]) for name in NAMES}
    expected = {
        "age": each["age"][[0, 2, 4]].mean(),
        "kind": each["kind"][[0, 2, 3]].mean(),
        "price": each["price"][[1, 4]].mean(),
        "tags": each["tags"][[0, 2, 4]].mean(),
    }
    close(output.losses, {name: expected[name] for name in output.losses})
    total = expected["age"] + expected["kind"] + 0.25 * expected["price"] + expected["tags"]
    torch.testing.assert_close(output.loss, total)
    some = model(inputs, labels={"age": LABELS["age"], "price": torch.full((5,), NAN)})
    assert set(some.losses) == {"age", "price"}
    assert some.losses["price"] == 0
    torch.testing.assert_close(some.loss, expected["age"])
    assert model(inputs, labels={}).loss == 0


def test_the_targets_of_a_single_answer_come_with_or_without_its_name(mixture, build):
    model, inputs = mixture
    named = model(inputs, answers="age", labels={"age": LABELS["age"]}).loss
    assert torch.equal(model(inputs, answers="age", labels=LABELS["age"]).loss, named)
    alone = build(answers={"kind": ANSWERS["kind"]})
    bare = alone(inputs, labels=LABELS["kind"]).loss
    assert torch.equal(alone(inputs, labels={"kind": LABELS["kind"]}).loss, bare)


def test_samples_with_answers_of_their_own_count_alike(mixture):
    model, inputs = mixture
    own = torch.tensor([1, 0, 1, 2, 0])
    said = model(inputs).query_logits
    kind = answer_losses(said["kind"][[0, 2]], torch.tensor([2, 1]), model.answers["kind"])
    age = answer_losses(said["age"][[1, 4]], torch.tensor([0.75, NAN]), model.answers["age"])
    price = answer_losses(said["price"][[3]], torch.tensor([-0.5]), model.answers["price"])
    expected = (kind.sum() + age.sum() + 0.25 * price.sum()) / 4
    labels = torch.tensor([2, 0.75, 1, -0.5, NAN])
    output = model(inputs, answers=own, labels=labels)
    torch.testing.assert_close(output.loss, expected)
    torch.testing.assert_close(output.losses["kind"], kind.mean())
    by_name = {"kind": torch.tensor([2, 1]), "age": labels[[1, 4]], "price": labels[[3]]}
    torch.testing.assert_close(model(inputs, answers=own, labels=by_name).loss, expected)
    unknown = model(inputs, answers=own, labels={"kind": torch.tensor([2, -100])}).loss
    torch.testing.assert_close(unknown, kind[0])
    assert model(inputs, answers=torch.ones(5, dtype=torch.int64), labels=torch.full((5,), -100)).loss == 0


@pytest.mark.parametrize(
    ("left_out", "answers", "labels"),
    [
        ((), None, LABELS),
        ((), None, {"age": LABELS["age"]}),
        ((), None, {"price": torch.full((5,), NAN)}),
        ((), None, {}),
        (("notes", "kinds"), None, LABELS),
        (("columns", "series"), "kind", LABELS["kind"]),
        (("series",), torch.tensor([1, 0, 1, 0, 0]), torch.tensor([2, 0.5, 1, 0.25, NAN])),
    ],
)
def test_every_parameter_is_part_of_the_graph_whatever_a_batch_lacks(left_out, answers, labels, mixture):
    model, inputs = mixture
    present = {name: value for name, value in inputs.items() if name not in left_out}
    model.train()(present, answers=answers, labels=labels).loss.backward()
    for path, parameter in model.named_parameters():
        assert parameter.grad is not None, path
        assert torch.isfinite(parameter.grad).all(), path
    for name in left_out:
        for parameter in model.perceiver.input_preprocessor.modalities[name].parameters():
            assert parameter.grad.abs().max() == 0
    # Where the losses are made outside of the model as well.
    model.zero_grad()
    logits = model(present, answers=answers).query_logits
    torch.stack([some.sum() for some in logits.values()]).sum().backward()
    assert all(parameter.grad is not None for parameter in model.parameters())


def test_all_of_it_trains(mixture):
    model, inputs = mixture
    model.train()(inputs, labels=LABELS).loss.backward()
    for path, parameter in model.named_parameters():
        assert path.endswith("key.bias") or parameter.grad.abs().max() > 0, path


def test_a_dropped_modality_is_an_absent_one_while_training(build):
    dropped = {name: {**MODALITIES[name], "drop_probability": 1.0} for name in ("columns", "notes", "series")}
    model, inputs = build({**MODALITIES, **dropped}), draw()
    whole, alone = model(inputs).logits, model({"kinds": inputs["kinds"]}).logits
    model.train()
    close(model(inputs).logits, alone)
    # A sample without the one that is never dropped keeps all the others.
    some = model(inputs, {"kinds": torch.tensor([1, 0, 1, 1, 1])}).logits
    close(rows(some, 0, 2, 3, 4), rows(alone, 0, 2, 3, 4))
    model.eval()
    close(rows(some, 1), rows(model({name: inputs[name] for name in dropped}).logits, 1))
    close(model(inputs).logits, whole, 0)


def test_samples_lose_modalities_as_often_as_said_and_never_all(build):
    modalities = {"a": {**WAVES, "drop_probability": 0.4}, "b": {**WAVES, "drop_probability": 0.5}}
    model = build(modalities, {"age": ANSWERS["age"]}).train()
    inputs = {name: torch.randn(1, 3).expand(600, -1) for name in modalities}
    torch.manual_seed(3)
    received = model(inputs).logits["age"].detach()
    model.eval()
    one = {name: value[:1] for name, value in inputs.items()}
    cases = {
        "both": model(one).logits["age"],
        "b": model({"b": one["b"]}).logits["age"],
        "a": model({"a": one["a"]}).logits["age"],
    }
    shares = {name: ((received - value).abs() < 1e-4).float().mean().item() for name, value in cases.items()}
    assert sum(shares.values()) == pytest.approx(1)
    # Where both would be lost, both stay: 0.6 x 0.5 + 0.4 x 0.5, 0.4 x 0.5 and 0.6 x 0.5. Three standard deviations.
    for name, share in (("both", 0.5), ("b", 0.2), ("a", 0.3)):
        assert abs(shares[name] - share) < 3 * math.sqrt(share * (1 - share) / 600)


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


def test_it_is_saved_and_loaded(mixture, tmp_path):
    model, inputs = mixture
    logits = model(inputs).logits
    model.save_pretrained(tmp_path)
    loaded, report = perceivers.PerceiverForPrediction.from_pretrained(tmp_path, output_loading_info=True)
    assert not any(report.values())
    close(loaded(inputs).logits, logits, 0)
    saved = json.loads((tmp_path / "config.json").read_text())
    assert saved["answers"] == ANSWERS
    assert saved["modalities"] == MODALITIES
    assert saved["zero_fully_masked_rows"] is False


def test_the_keys_of_the_state_dict_name_answers_and_modalities(build):
    keys = build({"it": WAVES, "that": MODALITIES["kinds"]}).state_dict()
    part = "perceiver.input_preprocessor."
    assert [key.removeprefix(part) for key in keys if key.startswith(part)] == [
        "modalities.it.missing",
        "modalities.it.columns",
        "modalities.it.encoding.frequencies",
        "modalities.it.projection.weight",
        "modalities.it.projection.bias",
        "modalities.that.columns",
        "modalities.that.embeddings.weight",
        "padding.it",
        "padding.that",
    ]
    assert [key for key in keys if key.startswith("heads.tags")] == [
        "heads.tags.hidden.0.weight",
        "heads.tags.hidden.0.bias",
        "heads.tags.classifier.weight",
        "heads.tags.classifier.bias",
    ]
    assert keys["heads.tags.classifier.weight"].shape == (2, 4, 12)


def test_starting_values_have_the_sizes_that_their_parts_say():
    torch.manual_seed(0)
    sizes = {**SIZES, "d_latents": 120, "initializer_range": 0.03, "fan_in_scaling": True}
    modalities = {"it": {**WAVES, "num_columns": 101, "num_frequencies": 50, "out_channels": 60}}
    config = perceivers.PerceiverConfig(**sizes, modalities=modalities, answers=ANSWERS)
    model = perceivers.PerceiverForPrediction(config)
    numbers = model.perceiver.input_preprocessor
    # Cut at two standard deviations: 0.88 of it is left, where nothing is said of what comes after the cut.
    for received, expected in (
        (numbers.encoding.frequencies, 0.5),
        (numbers.projection.weight, 0.1),
        (numbers.missing, 0.88 * 0.03),
        (numbers.columns, 0.88 * 0.03),
        (model.heads["tags"].hidden[0].weight, 120**-0.5),
    ):
        assert received.std().item() == pytest.approx(expected, rel=0.04)
    assert model.heads["kind"].classifier.bias.abs().max() == 0


def test_the_encoder_of_a_masked_language_model_is_taken(tiny, tmp_path):
    trained = tiny("masked_lm")
    trained.save_pretrained(tmp_path)
    with pytest.warns(UserWarning, match="heads"):
        model, report = perceivers.PerceiverForPrediction.from_pretrained(
            tmp_path, modalities={"text": {"type": "text"}}, answers=ANSWERS, output_loading_info=True
        )
    own = ("heads.", "perceiver.decoder.decoder.")
    assert report["missing_keys"] == {key for key in model.state_dict() if key.startswith(own)}
    assert not report["mismatched_keys"]
    for part in ("embeddings", "encoder", "input_preprocessor"):
        expected = getattr(trained.perceiver, part).state_dict()
        for key, value in getattr(model.perceiver, part).state_dict().items():
            assert torch.equal(value, expected[key])


def test_longer_texts_and_other_vocabularies_work_as_elsewhere(build, tmp_path):
    for text in ({"type": "text"}, {"type": "text", "vocab_size": 31}):
        model = build({"text": text})
        longer = torch.randint(0, 31, (2, 13))
        with pytest.raises(ShapeError, match="`inputs` must be at most 11 bytes long"):
            model(longer)
        assert model(longer, interpolate_pos_encoding=True).logits["kind"].shape == (2, 3)
        before = model(longer[:, :7]).logits
        assert model.resize_token_embeddings(37).num_embeddings == 37
        close(model(longer[:, :7]).logits, before, 0)
        model.save_pretrained(tmp_path)
        loaded = perceivers.PerceiverForPrediction.from_pretrained(tmp_path)
        assert loaded(torch.tensor([[36, 3]])).logits["kind"].shape == (1, 3)
        assert model.prepare().config == model.perceiver.config


def test_only_a_single_text_has_a_vocabulary(mixture):
    model, _ = mixture
    with pytest.raises(
        ConfigurationError, match=r"needs a single modality of type 'text', received \['columns'"
    ):
        model.resize_token_embeddings(37)


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


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"modalities": None}, "`modalities` must describe at least one modality for PerceiverForPrediction"),
        (
            {"answers": None},
            "`answers` must describe at least one answer for PerceiverForPrediction, received None",
        ),
        ({"answers": {}}, r"received \{\}"),
        ({"answers": {"a.b": {"type": "number"}}}, "`answers` must have names without a dot"),
        ({"answers": {"keys": {"type": "number"}}}, r"received \['keys'\]"),
    ],
)
def test_a_model_needs_modalities_and_answers(changes, message, build):
    with pytest.raises(ConfigurationError, match=message):
        build(**changes)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"answers": "chess"}, r"`answers` must be among \('age', .*\), received \['chess'\]"),
        ({"answers": ["age", "chess"]}, r"received \['chess'\]"),
        ({"answers": ["age", 2]}, r"`answers` must be names among .*received \['age', 2\]"),
        ({"answers": []}, r"for each of the 5 samples, received \[0\] of torch.float32"),
        ({"answers": [0, 1]}, r"for each of the 5 samples, received \[2\] of torch.int64"),
        ({"answers": torch.full((5,), 0.5)}, "of torch.float32"),
        ({"answers": [0, 1, 2, 3, 4]}, r"`answers` must hold numbers in \[0, 3\].*from 0 to 4"),
        ({"labels": torch.zeros(5)}, r"`labels` must be a mapping with some of .*, received Tensor"),
        ({"labels": [1.0]}, "received list"),
        ({"labels": {"chess": torch.zeros(5)}}, r"`labels` must name answers of .*, received \['chess'\]"),
        ({"answers": "age", "labels": {"kind": LABELS["kind"]}}, r"of \['age'\], received \['kind'\]"),
        ({"answers": [1] * 5, "labels": torch.zeros(4)}, r"`labels` must have shape \[5\], received \[4\]"),
        ({"answers": [1] * 5, "labels": torch.full((5,), 0.5)}, "must be class ids for the answer 'kind'"),
        ({"answers": [3] * 5, "labels": torch.zeros(5)}, "the answer 'tags', of type 'labels'"),
        ({"answers": "kind", "labels": torch.full((5,), 3)}, r"`labels` must be in \[0, 2\]"),
        ({"attention_mask": torch.ones(5)}, "`attention_mask` must be a mapping with some of"),
    ],
)
def test_wrong_answers_and_labels_are_refused(arguments, message, mixture):
    model, inputs = mixture
    with pytest.raises(ShapeError, match=message):
        model(inputs, **arguments)


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
