"""Several labels: named from the cells, targets as 0 and 1, what is missing, what tables say."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from perceivers.answers.several_labels import SeveralLabels, split_labels
from perceivers.errors import DataError


def settled() -> SeveralLabels:
    return SeveralLabels("tags").settle(["b, a", "c", ""], "made")


@pytest.mark.parametrize(
    ("cell", "expected"), [("b, a", ["b", "a"]), (["b", " a "], ["b", "a"]), (None, []), ("", []), (7, ["7"])]
)
def test_a_cell_is_a_list_or_a_text_that_a_separator_divides(cell, expected):
    assert split_labels(cell, ",") == expected


def test_labels_are_named_by_letter_and_an_empty_cell_has_none_of_them():
    answer = settled()
    assert answer.names == ("a", "b", "c")
    assert answer.target("c,b").tolist() == [0, 1, 1]
    assert answer.target("").tolist() == [0, 0, 0]


def test_a_label_that_the_model_does_not_know_is_named():
    with pytest.raises(
        DataError, match="has the class 'd' in the column 'tags', which is not one of a, b, c"
    ):
        settled().target("a,d")


def test_cells_without_any_label_cannot_be_learned():
    with pytest.raises(
        DataError, match="`made` must hold labels in the column 'tags', received only empty ones"
    ):
        SeveralLabels("tags").settle(["", " "], "made")


def test_targets_are_stacked_and_a_missing_column_is_marked():
    stacked = settled().stack([np.float32([0, 1, 1]), None])
    assert stacked[0].tolist() == [0, 1, 1]
    assert torch.isnan(stacked[1]).all()


def test_tables_say_the_labels_above_one_half():
    (said,) = settled().describe(torch.tensor([[2.0, -3.0, 0.5]]))
    assert said["label"] == "a, c"
    assert list(said["probabilities"]) == ["a", "c", "b"]
    assert said["probability"] == pytest.approx(torch.sigmoid(torch.tensor(2.0)).item())
