"""Metrics of hidden bytes against values worked out by hand."""

from __future__ import annotations

import math

import pytest
import torch

from perceivers.errors import ShapeError
from perceivers.metrics.text_masking import masking_counts, masking_metrics


def test_bytes_and_words_are_counted_by_hand() -> None:
    # Probabilities 1/2, 1/4, 1/4 everywhere; the guess is always 0. Words: bytes 0 and 1 (both right), byte 2 (wrong).
    logits = torch.tensor([0.5, 0.25, 0.25]).log().expand(1, 5, 3)
    targets = torch.tensor([[0, 0, 2, -100, -100]])
    counts = masking_counts(logits, targets, torch.tensor([[0, 0, 1, 0, 0]]))
    metrics = masking_metrics()
    metrics.update(**counts)
    computed = {name: float(value) for name, value in metrics.compute().items()}
    assert computed == pytest.approx(
        {
            "loss": 4 * math.log(2) / 3,
            "bits_per_masked_byte": 4 / 3,
            "masked_byte_accuracy": 2 / 3,
            "whole_word_accuracy": 1 / 2,
        }
    )


def test_shapes_that_do_not_fit_are_named() -> None:
    with pytest.raises(ShapeError, match=r"must have shape \[1, 5\], received \[1, 3\]"):
        masking_counts(torch.zeros(1, 5, 3), torch.zeros(1, 3), torch.zeros(1, 3))
