"""Arguments of the tasks on text: what does not fit together is named, and what the model is built from."""

from __future__ import annotations

import inspect
from typing import Any, Literal

import pytest

from perceivers.errors import ConfigurationError
from perceivers.kinds.text.options import TextArguments
from perceivers.tasks.fill_mask.options import FillMaskArguments
from perceivers.tasks.text_classification.options import TextClassificationArguments


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"max_length": 7}, "`max_length` must be at least 8, received 7"),
        ({"embedding_channels": 1}, "`embedding_channels` must be at least 2, received 1"),
        (
            {"position_start": "zero"},
            "`position_start` must be one of random, waves, aligned, received 'zero'",
        ),
        ({"random_offset": -1}, "`random_offset` must be at least 0, received -1"),
        (
            {"max_length": 11, "random_offset": 4},
            "`random_offset` must be at most 3, which leaves text in `max_length`, received 4",
        ),
        (
            {"num_cross_heads": 5},
            "`num_cross_heads` must be a divisor of 64, the channels of the cross-attention",
        ),
        (
            {"ngram_sizes": (3, 1)},
            r"`ngram_sizes` must be different numbers of at least 2, received \(3, 1\)",
        ),
        (
            {"ngram_sizes": (3, 3)},
            r"`ngram_sizes` must be different numbers of at least 2, received \(3, 3\)",
        ),
        ({"ngram_rows": 0}, "`ngram_rows` must be at least 1, received 0"),
    ],
)
def test_what_a_text_model_cannot_have_is_named(values: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        TextArguments(**values)


def test_ngrams_reach_the_configuration_only_where_wanted() -> None:
    plain = TextArguments(max_length=19, embedding_channels=24).config_values()
    assert (plain["max_position_embeddings"], plain["d_model"]) == (19, 24)
    assert (plain["ngram_sizes"], plain["ngram_rows"]) == (None, None)
    chosen = TextArguments(ngram_sizes=(2, 5), ngram_rows=13).config_values()
    assert (chosen["ngram_sizes"], chosen["ngram_rows"]) == ((2, 5), 13)


@pytest.mark.parametrize("kind", [FillMaskArguments, TextClassificationArguments])
def test_annotations_can_be_read_where_the_fields_are_inherited(kind: type[TextArguments]) -> None:
    annotation = inspect.signature(kind, eval_str=True).parameters["position_start"].annotation
    assert annotation == Literal["random", "waves", "aligned"]


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"mask_unit": "line"}, "`mask_unit` must be one of word, byte, received 'line'"),
        ({"mask_fraction": 0.0}, r"`mask_fraction` must be in \(0, 1\], received 0.0"),
        ({"num_decoder_heads": 0}, "`num_decoder_heads` must be at least 1, received 0"),
        (
            {"num_decoder_heads": 5},
            r"`num_decoder_heads` must be a divisor of `embedding_channels` \(64\), received 5",
        ),
        (
            {"decoder_qk_channels": 12},
            r"`num_decoder_heads` must be a divisor of `decoder_qk_channels` \(12\), received 8",
        ),
    ],
)
def test_what_masking_cannot_have_is_named(values: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        FillMaskArguments(**values)


def test_the_decoders_size_reaches_the_configuration() -> None:
    assert FillMaskArguments(embedding_channels=24).config_values()["decoder_qk_channels"] == 24
    chosen = FillMaskArguments(decoder_qk_channels=12, num_decoder_heads=4).config_values()
    assert (chosen["decoder_qk_channels"], chosen["decoder_num_heads"]) == (12, 4)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"answer": "word"}, "`answer` must be one of one-class, several-labels, number, received 'word'"),
        ({"head_layers": -1}, "`head_layers` must be at least 0, received -1"),
        ({"crop": 1.0}, r"`crop` must be in \[0, 1\), received 1.0"),
        ({"hide": -0.5}, r"`hide` must be in \[0, 1\), received -0.5"),
        ({"label_smoothing": 1.0}, r"`label_smoothing` must be in \[0, 1\), received 1.0"),
        ({"label_separator": ""}, "`label_separator` must be 1 character or more, received 0"),
        ({"measures": ("recall",)}, "`measures` must be one of accuracy, f1, .* received 'recall'"),
        ({"measures": ("pearson",)}, "`measures` must be one of accuracy, f1, matthews, received 'pearson'"),
        ({"number_tasks": ("stsb",)}, "`number_tasks` needs `task_column`, received stsb"),
        (
            {"answer": "number", "label_smoothing": 0.1},
            "`label_smoothing` is for classes, received 0.1 with `answer` number",
        ),
        (
            {"task_column": "task", "answer": "number"},
            "`task_column` goes with `answer` one-class and no `label_smoothing`",
        ),
        ({"task_column": "task", "label_smoothing": 0.1}, "received one-class and 0.1"),
    ],
)
def test_what_a_question_cannot_have_is_named(values: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        TextClassificationArguments(**values)
