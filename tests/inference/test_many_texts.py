"""Many texts at once are answered as each would be alone, in their order, by batches of like lengths."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import perceivers
from perceivers.errors import ConfigurationError, ShapeError
from perceivers.inference import logits_of_texts

FIDELITIES = ("transformers", "deepmind")
LENGTHS = [7, 1, 53, 2, 7, 31, 5]


@pytest.fixture(scope="session")
def prepared(small, device):
    """A prepared small model that takes 53 bytes."""

    def build(task: str, **options):
        changes = {"fidelity": options.pop("fidelity", "transformers"), "max_position_embeddings": 53}
        return small(task, dtype=torch.float64, **changes).to(device).prepare(**options)

    return build


def drawn_ids(lengths: list[int], seed: int = 0) -> list[torch.Tensor]:
    generator = torch.Generator().manual_seed(seed)
    return [torch.randint(0, 31, (length,), generator=generator) for length in lengths]


def encoded_batches(model, monkeypatch) -> list[tuple[int, int]]:
    """Shapes of the ids that the model encodes from now on."""
    inner, shapes = vars(model)["_model"], []
    encode = inner.encode

    def recorded(ids, *others, **options):
        shapes.append(tuple(ids.shape))
        return encode(ids, *others, **options)

    monkeypatch.setattr(inner, "encode", recorded)
    return shapes


@settings(max_examples=8)
@given(
    lengths=st.lists(st.integers(1, 53), max_size=9),
    batch_size=st.sampled_from([None, 1, 2, 5]),
    seed=st.integers(0, 10**6),
)
@pytest.mark.parametrize("fidelity", FIDELITIES)
def test_each_text_has_the_scores_of_its_own_bytes(
    fidelity, lengths, batch_size, seed, prepared, assert_equal
):
    model, texts = prepared("masked_lm", fidelity=fidelity), drawn_ids(lengths, seed)
    received = logits_of_texts(model, texts, batch_size=batch_size)
    assert len(received) == len(texts)
    for logits, text in zip(received, texts, strict=True):
        assert_equal(logits, model(text[None].to(model.device)).logits[0, : len(text)], 1e-10)


@pytest.mark.parametrize("fidelity", FIDELITIES)
def test_only_the_positions_asked_for(fidelity, prepared, assert_equal):
    model, texts = prepared("masked_lm", fidelity=fidelity), drawn_ids(LENGTHS)
    positions = [[6, 0, 3], [0], torch.tensor([52, 17]), [], [1], [30, 30], [4, 2]]
    received = logits_of_texts(model, texts, positions=positions)
    for logits, text, places in zip(received, texts, positions, strict=True):
        assert_equal(logits, model(text[None].to(model.device)).logits[0, list(map(int, places))], 1e-10)


def test_classes_of_texts(prepared, assert_equal):
    model, texts = prepared("sequence_classification"), drawn_ids(LENGTHS)
    for logits, text in zip(logits_of_texts(model, texts), texts, strict=True):
        assert_equal(logits, model(text[None].to(model.device)).logits[0], 1e-10)


def test_a_model_with_several_answers_gives_all(config, drawn, assert_equal):
    answers = {"cola": {"type": "class", "num_labels": 2}, "stsb": {"type": "number"}}
    described = config(modalities={"text": {"type": "text"}}, answers=answers)
    model = drawn(perceivers.PerceiverForPrediction(described)).prepare()
    texts = drawn_ids([3, 11, 5])
    for logits, text in zip(logits_of_texts(model, texts), texts, strict=True):
        expected = model(text[None].to(model.device)).logits
        assert_equal(logits, {name: scores[0] for name, scores in expected.items()})


def test_what_the_tokenizer_gives_is_taken(prepared):
    tokenizer = perceivers.PerceiverTokenizer()
    model = prepared("sequence_classification", fidelity="deepmind")
    ids = [[each % 31 for each in row] for row in tokenizer(["a", "some words"])["input_ids"]]
    assert [len(row) for row in ids] == [3, 12]
    assert [tuple(logits.shape) for logits in logits_of_texts(model, ids)] == [(3,), (3,)]


def test_like_lengths_share_a_batch_and_none_is_padded_to_the_longest_of_all(prepared, monkeypatch):
    model = prepared("masked_lm")
    shapes = encoded_batches(model, monkeypatch)
    # 1.25 * 1 + 16 = 17.25 ends the first group, 1.25 * 31 + 16 = 54.75 does not end the second.
    logits_of_texts(model, drawn_ids(LENGTHS))
    assert shapes == [(5, 7), (2, 53)]


def test_the_memory_allowed_decides_how_many_share_a_batch(prepared, monkeypatch):
    # A text's 5 x 12 latents, six arrays of them, in float32: 1,440 bytes, of which a quarter of 1 MiB holds 182.
    model = prepared("sequence_classification", max_memory=2**20)
    shapes = encoded_batches(model, monkeypatch)
    logits_of_texts(model, drawn_ids([3] * 200))
    assert shapes == [(182, 3), (18, 3)]


@pytest.mark.parametrize("kind", ["image_fourier", "multimodal"])
def test_other_models_are_refused(kind, small):
    with pytest.raises(ConfigurationError, match=r"must be prepared from a model of texts, .* received Perc"):
        logits_of_texts(small(kind).prepare(), drawn_ids([3]))


def test_a_model_that_is_not_prepared_is_refused(small):
    with pytest.raises(ConfigurationError, match=r"must be prepared .* received PerceiverForMaskedLM"):
        logits_of_texts(small("masked_lm"), drawn_ids([3]))


def test_a_classifier_has_no_positions(prepared):
    model = prepared("sequence_classification")
    with pytest.raises(
        ConfigurationError, match="`positions` must be None for PerceiverForSequenceClassification"
    ):
        logits_of_texts(model, drawn_ids([3]), positions=[[0]])


@pytest.mark.parametrize("batch_size", [0, -1, 1.5])
def test_batches_have_at_least_one_text(batch_size, prepared):
    with pytest.raises(ConfigurationError, match="`batch_size` must be a whole number of at least 1"):
        logits_of_texts(prepared("masked_lm"), drawn_ids([3]), batch_size=batch_size)


@pytest.mark.parametrize(
    ("texts", "positions", "message"),
    [
        ([[1, 2], []], None, r"`texts` must hold rows of 1 or more whole numbers .* at index 1"),
        ([[[1, 2]]], None, r"`texts` .*shape \[1, 2\] at index 0"),
        ([[0.5, 2.0]], None, r"`texts` .*received torch.float32"),
        ([[1, 2]], [[0], [1]], "one row for each of 1 texts, received 2 rows"),
        ([[1, 2], [1]], [[0], [1]], r"in \[0, 0\] for a text of 1 bytes, received \[1\] at index 1"),
        ([[1, 2]], [[-1]], r"in \[0, 1\] for a text of 2 bytes, received \[-1\]"),
        ([[1] * 54], None, "at most 53 bytes long"),
    ],
)
def test_what_is_no_text_is_refused(texts, positions, message, prepared):
    with pytest.raises(ShapeError, match=message):
        logits_of_texts(prepared("masked_lm"), texts, positions=positions)
