"""Several tasks of one text: a query and a head for each, the loss of each sample's own task, checkpoints."""

from __future__ import annotations

import json

import pytest
import torch

import perceivers
from perceivers.errors import ConfigurationError, ShapeError
from perceivers.models.multitask_text_classification_tasks import TaskHead, read_task

TASKS = {
    "topic": {"id2label": {"0": "art", "1": "law", "2": "war"}},
    "likeness": {"num_labels": 1, "problem_type": "regression"},
    "tags": {"num_labels": 4, "problem_type": "multi_label_classification"},
    "polite": {"num_labels": 2},
}
# Sorted: config.json keeps no order.
NAMES = ("likeness", "polite", "tags", "topic")


@pytest.fixture
def build(tiny_config, lively):
    def make(**changes):
        torch.manual_seed(0)
        config = tiny_config(**{"tasks": TASKS, "attention_probs_dropout_prob": 0.0, **changes})
        model = perceivers.PerceiverForMultitaskSequenceClassification(config)
        lively(model)
        return model.eval()

    return make


@pytest.fixture
def ids():
    return torch.randint(0, 31, (5, 11), generator=torch.Generator().manual_seed(2))


def close(received, expected):
    torch.testing.assert_close(received, expected, atol=1e-5, rtol=1e-4)


def test_every_task_has_its_own_query_and_head(build, ids):
    model = build()
    logits = model(ids).logits
    assert model.task_names == NAMES
    assert {name: tuple(each.shape) for name, each in logits.items()} == {
        "likeness": (5, 1),
        "polite": (5, 2),
        "tags": (5, 4),
        "topic": (5, 3),
    }
    assert list(logits) == list(NAMES)
    queries = model.perceiver.decoder.decoder.output_position_encodings.position_embeddings
    assert queries.shape == (4, 12)
    with torch.no_grad():
        queries[1] += 1
        model.heads["tags"].classifier.bias += 1
    changed = model(ids).logits
    for name in ("likeness", "topic"):
        assert torch.equal(changed[name], logits[name])
    assert (changed["polite"] - logits["polite"]).abs().max() > 1e-3
    close(changed["tags"], logits["tags"] + 1)


def test_one_task_for_all_samples(build, ids):
    model = build()
    logits = model(ids).logits
    for name in NAMES:
        output = model(ids, task=name, output_attentions=True)
        close(output.logits, logits[name])
        assert output.cross_attentions[1].shape == (5, 1, 1, 5)


@pytest.mark.parametrize("as_numbers", [False, True])
def test_each_sample_has_a_task_of_its_own(as_numbers, build, ids):
    model = build()
    logits = model(ids).logits
    own = ["topic", "polite", "topic", "likeness", "topic"]
    task = torch.tensor([NAMES.index(name) for name in own]) if as_numbers else own
    received = model(ids, task=task, output_attentions=True)
    assert list(received.logits) == ["likeness", "polite", "topic"]
    assert received.cross_attentions[1].shape == (5, 1, 1, 5)
    close(received.logits["topic"], logits["topic"][[0, 2, 4]])
    close(received.logits["polite"], logits["polite"][[1]])
    close(received.logits["likeness"], logits["likeness"][[3]])
    mixed = model(ids, task=[3, "polite", "topic", 0, 3]).logits
    close(mixed["topic"], logits["topic"][[0, 2, 4]])


def test_the_prepared_form_answers_the_same_tasks(build, ids):
    model = build()
    prepared = model.prepare()
    assert prepared.plain_parts == {}
    mask = torch.ones(5, 11)
    mask[1, 6:] = 0
    for task in (None, "tags", ["topic", "polite", "topic", "likeness", "topic"]):
        expected = model(ids, mask, task=task).logits
        received = prepared(ids, attention_mask=mask, task=task).logits
        torch.testing.assert_close(received, expected, atol=1e-5, rtol=1e-4)
        decoded = prepared.decode(prepared.encode(ids, mask), task=task)
        torch.testing.assert_close(decoded, expected, atol=1e-5, rtol=1e-4)


def test_encode_once_and_decode_any_task(build, ids):
    model = build()
    encoded = model.encode(ids)
    torch.testing.assert_close(model.decode(encoded), model(ids).logits)
    close(model.decode(encoded, task="topic"), model(ids).logits["topic"])
    answered = model.decode(encoded, task="topic", output_attentions=True)
    close(answered.logits, model(ids).logits["topic"])
    assert [tuple(each.shape) for each in answered.cross_attentions] == [(5, 1, 1, 5)]
    close(model.decode(encoded, task="topic", chunk_size=1), answered.logits)


def test_the_loss_is_the_mean_over_samples_of_each_ones_own_task(build, ids):
    model = build()
    own = ["topic", "polite", "topic", "likeness", "topic"]
    logits = model(ids).logits
    expected = torch.stack(
        [
            -logits["topic"][0].log_softmax(0)[2],
            -logits["polite"][1].log_softmax(0)[1],
            -logits["topic"][2].log_softmax(0)[0],
            (logits["likeness"][3, 0] - 0.75) ** 2,
            -logits["topic"][4].log_softmax(0)[1],
        ]
    )
    labels = torch.tensor([2, 1, 0, 0.75, 1])
    output = model(ids, task=own, labels=labels)
    close(output.loss, expected.mean())
    by_task = {
        "topic": torch.tensor([2, 0, 1]),
        "likeness": torch.tensor([0.75]),
        "polite": torch.tensor([1]),
    }
    close(model(ids, task=own, labels=by_task).loss, expected.mean())
    by_task["topic"] = torch.tensor([2, -100, 1])
    close(model(ids, task=own, labels=by_task).loss, expected[[0, 1, 3, 4]].mean())


def test_the_loss_of_all_tasks_counts_every_label(build, ids):
    model = build()
    logits = model(ids).logits
    tags = torch.randint(0, 2, (5, 4)).float()
    topics = torch.tensor([0, -100, 2, -100, 1])
    tag_losses = -((2 * tags - 1) * logits["tags"]).sigmoid().log().mean(dim=1)
    topic_losses = -logits["topic"].log_softmax(1)[[0, 2, 4], [0, 2, 1]]
    expected = torch.cat([tag_losses, topic_losses]).mean()
    close(model(ids, labels={"tags": tags, "topic": topics}).loss, expected)
    close(model(ids, task="topic", labels=topics).loss, topic_losses.mean())
    unlabelled = model(ids, task="topic", labels=torch.full((5,), -100)).loss
    assert unlabelled.item() == 0


def test_every_parameter_is_part_of_the_graph_whatever_the_tasks_of_a_batch_are(build, ids):
    model = build().train()
    for task, labels in (
        (["topic"] * 5, torch.tensor([0, 1, 2, 1, 0])),
        ("topic", torch.tensor([0, 1, 2, 1, 0])),
        ("topic", torch.full((5,), -100)),
        (None, {"topic": torch.tensor([0, 1, 2, 1, 0])}),
    ):
        model.zero_grad()
        model(ids, task=task, labels=labels).loss.backward()
        if task is None:
            continue
        assert all(parameter.grad is not None for parameter in model.parameters())
        assert model.heads["polite"].classifier.weight.grad.abs().max() == 0


def test_a_head_is_tanh_layers_and_a_linear_one():
    torch.manual_seed(0)
    head = TaskHead(3, 2, 2)
    answers = torch.randn(5, 3)
    first, second = head.hidden
    hidden = torch.tanh(torch.tanh(answers @ first.weight.T + first.bias) @ second.weight.T + second.bias)
    close(head(answers), hidden @ head.classifier.weight.T + head.classifier.bias)
    assert len(TaskHead(3, 2, 0).hidden) == 0


def test_the_keys_of_the_state_dict_name_the_tasks(build):
    keys = [key for key in build().state_dict() if key.startswith("heads.")]
    assert keys[:6] == [
        "heads.likeness.hidden.0.weight",
        "heads.likeness.hidden.0.bias",
        "heads.likeness.hidden.1.weight",
        "heads.likeness.hidden.1.bias",
        "heads.likeness.classifier.weight",
        "heads.likeness.classifier.bias",
    ]
    plain = build(task_mlp_layers=0)
    assert [key for key in plain.state_dict() if key.startswith("heads.tags")] == [
        "heads.tags.classifier.weight",
        "heads.tags.classifier.bias",
    ]


def test_it_is_saved_and_loaded(build, ids, tmp_path):
    model = build(task_mlp_layers=1)
    logits = model(ids).logits
    model.save_pretrained(tmp_path)
    loaded = perceivers.PerceiverForMultitaskSequenceClassification.from_pretrained(tmp_path)
    torch.testing.assert_close(loaded(ids).logits, logits, atol=0, rtol=0)
    assert loaded.id2label("topic") == {0: "art", 1: "law", 2: "war"}
    assert loaded.id2label("polite") == {0: "LABEL_0", 1: "LABEL_1"}
    assert (loaded.problem_type("tags"), loaded.problem_type("topic")) == ("multi_label_classification", None)
    assert json.loads((tmp_path / "config.json").read_text())["tasks"] == TASKS


def test_the_encoder_of_a_masked_language_model_is_taken(tiny, tmp_path):
    trained = tiny("masked_lm")
    trained.save_pretrained(tmp_path)
    with pytest.warns(UserWarning, match="heads"):
        model, report = perceivers.PerceiverForMultitaskSequenceClassification.from_pretrained(
            tmp_path, tasks=TASKS, output_loading_info=True
        )
    own = ("heads.", "perceiver.decoder.decoder.")
    assert report["missing_keys"] == {key for key in model.state_dict() if key.startswith(own)}
    assert not report["mismatched_keys"]
    for part in ("embeddings", "encoder", "input_preprocessor"):
        expected = getattr(trained.perceiver, part).state_dict()
        for key, value in getattr(model.perceiver, part).state_dict().items():
            assert torch.equal(value, expected[key])


def test_longer_texts_and_other_vocabularies_work_as_elsewhere(build):
    model = build()
    longer = torch.randint(0, 31, (2, 13))
    with pytest.raises(ShapeError, match="`inputs` must be at most 11 bytes long"):
        model(longer)
    assert model(longer, interpolate_pos_encoding=True, task="polite").logits.shape == (2, 2)
    before = model(longer[:, :7], task="polite").logits
    assert model.resize_token_embeddings(37).num_embeddings == model.config.vocab_size == 37
    assert torch.equal(model(input_ids=longer[:, :7], task="polite").logits, before)
    assert model(torch.tensor([[36, 3]]), task="polite").logits.shape == (1, 2)


def test_outputs_of_the_layers_are_returned_when_asked_for(build, ids):
    output = build()(ids, output_attentions=True, output_hidden_states=True)
    assert [tuple(each.shape) for each in output.hidden_states] == [(5, 5, 12)] * 4
    assert [tuple(each.shape) for each in output.attentions] == [(5, 3, 5, 5)] * 2
    assert [tuple(each.shape) for each in output.cross_attentions] == [(5, 2, 5, 11), (5, 1, 4, 5)]
    (logits,) = build()(ids, return_dict=False)
    assert list(logits) == list(NAMES)


@pytest.mark.parametrize(
    ("tasks", "message"),
    [
        (None, "`tasks` must describe at least one task for PerceiverForMultitaskSequenceClassification"),
        ({"a.b": {"num_labels": 2}}, r"`tasks` must have names without a dot"),
        ({"a": {}}, r"`tasks\['a'\]\['num_labels'\]` must be a whole number of at least 1, received None"),
        ({"a": {"num_labels": 2, "metric": "f1"}}, r"`tasks\['a'\]` must have keys among .*\['metric'\]"),
        ({"a": {"num_labels": 2, "problem_type": "ranking"}}, "must have a problem_type of .*'ranking'"),
        ({"a": {"id2label": {0: "x", 2: "y"}}}, "must have an id2label with names for 0, 1, 2"),
        ({"a": {"id2label": {0: "x"}, "num_labels": 2}}, r"received \{0: 'x'\} and 2"),
    ],
)
def test_wrong_descriptions_of_tasks_are_refused(tasks, message, build):
    with pytest.raises(ConfigurationError, match=message):
        build(tasks=tasks)


def test_a_description_may_have_both_names_and_their_number():
    task = read_task("a", {"id2label": {1: "y", 0: "x"}, "num_labels": 2})
    assert list(task.id2label.items()) == [(0, "x"), (1, "y")]
    assert task.takes_class_ids


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"task": "chess"}, r"`task` must be one of \('likeness', .*\), received 'chess'"),
        ({"task": ["topic", "chess", "topic", "topic", "topic"]}, "received 'chess'"),
        ({"task": ["topic"] * 4}, r"`task` must be a name, or .* for each of the 5 samples, received \[4\]"),
        ({"task": torch.full((5,), 0.5)}, r"received \[5\] of torch.float32"),
        ({"task": torch.tensor([0, 1, 2, 3, 4])}, r"`task` must hold numbers in \[0, 3\].*from 0 to 4"),
        ({"labels": torch.zeros(5)}, r"`labels` must be a mapping with some of .*, received Tensor"),
        ({"labels": {"chess": torch.zeros(5)}}, r"`labels` must name tasks of .*, received \['chess'\]"),
        (
            {"task": ["topic"] * 5, "labels": {"tags": torch.zeros(5, 4)}},
            r"of \['topic'\], received \['tags'\]",
        ),
        (
            {"task": ["topic"] * 5, "labels": torch.zeros(4)},
            r"`labels` must have shape \[5\], received \[4\]",
        ),
        (
            {"task": ["topic"] * 5, "labels": torch.full((5,), 0.5)},
            "`labels` must be class ids for the task 'topic'",
        ),
        ({"task": "topic", "labels": torch.full((5,), 3)}, r"`labels` must be in \[0, 2\]"),
    ],
)
def test_wrong_tasks_and_labels_are_refused(arguments, message, build, ids):
    with pytest.raises(ShapeError, match=message):
        build()(ids, **arguments)


def test_one_graph_holds_the_whole_call(build, ids):
    torch._dynamo.reset()
    model = build(num_blocks=1)
    compiled = torch.compile(model, backend="eager", fullgraph=True)
    torch.testing.assert_close(compiled(ids, task="tags").logits, model(ids, task="tags").logits)
    torch._dynamo.reset()
