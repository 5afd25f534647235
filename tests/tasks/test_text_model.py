"""What the tasks on text have in common: what does not fit together is named, and what the model is built from."""

from __future__ import annotations

import inspect
from typing import Any, Literal

import pytest

from perceivers.errors import ConfigurationError
from perceivers.tasks.fill_mask.options import FillMaskArguments
from perceivers.tasks.text_classification.options import TextClassificationArguments
from perceivers.tasks.text_model import TextModelArguments


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"embedding_channels": 1}, "`embedding_channels` must be at least 2, received 1"),
        (
            {"num_cross_heads": 5},
            "`num_cross_heads` must be a divisor of 64, the channels of the cross-attention",
        ),
        # Of the text, and of the network.
        ({"max_length": 7}, "`max_length` must be at least 8, received 7"),
        ({"num_latents": 0}, "`num_latents` must be at least 1, received 0"),
    ],
)
def test_what_a_text_model_cannot_have_is_named(values: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        TextModelArguments(**values)


def test_ngrams_reach_the_configuration_only_where_wanted() -> None:
    plain = TextModelArguments(max_length=19, embedding_channels=24).config_values()
    assert (plain["max_position_embeddings"], plain["d_model"]) == (19, 24)
    assert (plain["ngram_sizes"], plain["ngram_rows"]) == (None, None)
    chosen = TextModelArguments(ngram_sizes=(2, 5), ngram_rows=13).config_values()
    assert (chosen["ngram_sizes"], chosen["ngram_rows"]) == ((2, 5), 13)


@pytest.mark.parametrize("kind", [FillMaskArguments, TextClassificationArguments])
def test_annotations_can_be_read_where_the_fields_are_inherited(kind: type[TextModelArguments]) -> None:
    annotation = inspect.signature(kind, eval_str=True).parameters["position_start"].annotation
    assert annotation == Literal["random", "waves", "aligned"]
