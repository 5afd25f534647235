"""What samples lack: hidden places, absent modalities, missing numbers, and modalities that are dropped while training."""

from __future__ import annotations

import math

import pytest
import torch

from tiny_predictions import ANSWERS, MODALITIES, NAMES, WAVES, close, draw, rows


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
