"""Losses over the targets that are known, and the gradients that they give."""

from __future__ import annotations

import pytest
import torch

from perceivers.models.answers.losses import answer_losses
from tiny_predictions import ANSWERS, LABELS, NAMES, NAN, close


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
