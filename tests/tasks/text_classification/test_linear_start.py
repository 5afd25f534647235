"""A text model that starts as support vector machines says what they say."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from perceivers.configuration import PerceiverConfig
from perceivers.kinds.text.kind import TextKind
from perceivers.kinds.text.options import TextOptions
from perceivers.models.prediction import PerceiverForPrediction
from perceivers.tasks.text_classification.linear_start import start_as_margins
from perceivers.tasks.text_classification.margins import margin_weights

TEXTS = ("red apple", "green apple", "blue sky", "grey sky", "deep sea", "blue sea", "red sun")
CLASSES = (0, 0, 1, 1, 2, 2, 1)


@pytest.mark.parametrize(("channels", "is_exact"), [(8, True), (3, True), (2, False)])
def test_the_map_of_the_tokens_says_what_the_machines_say(channels: int, is_exact: bool) -> None:
    kind = TextKind(TextOptions(text_reading="ngrams", ngram_texts=1))
    values = [kind.read({"text": text}, ["text"], None) for text in TEXTS]
    kind = kind.settle(values, ["text"])
    model = PerceiverForPrediction(
        PerceiverConfig(
            num_latents=2,
            d_latents=8,
            d_model=channels,
            num_self_attends_per_block=1,
            num_self_attention_heads=1,
            num_cross_attention_heads=1,
            modalities={"text": kind.modalities()[""]},
            answers={
                "answer": {
                    "type": "class",
                    "id2label": {"0": "a", "1": "b", "2": "c"},
                    "num_queries": 2,
                    "token_rate": 1.0,
                }
            },
        )
    ).eval()
    bags = model.perceiver.input_preprocessor
    start_as_margins(
        bags,
        model.token_readers["answer"],
        kind,
        zip(values, CLASSES, strict=True),
        num_classes=3,
        seed=0,
    )
    weights, added = margin_weights(
        [kind.ngrams_of(value) for value in values],
        CLASSES,
        num_rows=bags.table.num_embeddings,
        num_classes=3,
        generator=np.random.Generator(np.random.PCG64(0)),
    )
    expected = np.stack([added + values @ weights[ids] for ids, values in map(kind.ngrams_of, values)])
    with torch.no_grad():
        scores = model(kind.tensors(values)[""].values).logits["answer"].numpy()
    # What the queries say is averaged as probabilities.
    expected = expected - np.log(np.exp(expected).sum(axis=1, keepdims=True))
    assert np.allclose(scores, expected, atol=1e-4) == is_exact
    assert (expected.argmax(axis=1) == CLASSES).all()
