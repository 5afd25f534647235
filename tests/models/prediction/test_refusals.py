"""Configurations and calls that are refused, with what was expected."""

from __future__ import annotations

import pytest
import torch

from perceivers.errors import ConfigurationError, ShapeError
from tiny_predictions import LABELS


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
