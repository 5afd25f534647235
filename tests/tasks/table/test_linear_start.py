"""A table's model that starts as linear models says what they say."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from perceivers import fit
from perceivers.configuration import PerceiverConfig
from perceivers.errors import ConfigurationError
from perceivers.modalities import category
from perceivers.modalities.bag_of_ngrams import PerceiverBagOfNgramsPreprocessor
from perceivers.modalities.category import PerceiverCategoryPreprocessor
from perceivers.modalities.feature_groups import PerceiverFeatureGroupsPreprocessor
from perceivers.modalities.ids import NOTHING, WEIGHT_UNIT
from perceivers.modalities.number import PerceiverNumberPreprocessor
from perceivers.nn.learning_rates import learning_rate_factors
from perceivers.tasks.table.options import TableArguments
from tiny_tables import TINY, few_costs

CONFIG = PerceiverConfig(d_model=7)


def frame(num_rows: int) -> dict[str, list[Any]]:
    """Colours and prices that follow from two columns by themselves."""
    chance = np.random.default_rng(0)
    size, place = chance.normal(size=num_rows), chance.integers(0, 3, size=num_rows)
    price = 10.0 + 3.0 * size + 5.0 * (place == 1)
    sizes: list[Any] = [None if index % 11 == 3 else float(each) for index, each in enumerate(size)]
    return {
        "size": sizes,
        "place": ["abc"[each] for each in place],
        "price": [float(each) for each in price],
        "colour": ["red" if each == 2 else "blue" for each in place],
    }


@pytest.mark.parametrize("channels", [2, 7])
def test_the_sums_of_the_tokens_channels_are_what_the_weights_say(channels: int) -> None:
    generator = torch.Generator().manual_seed(0)
    numbers = torch.randn(13, 2, generator=generator)
    numbers[3, 1] = torch.nan
    edges = [[-1.0, 0.0, 1.0], [-2.0, 0.5, 2.0]]
    ids = torch.randint(0, 4, (13, 3), generator=generator)
    ngrams = torch.stack(
        [torch.randint(0, 7, (13, 2, 3), generator=generator), torch.full((13, 2, 3), WEIGHT_UNIT // 2)],
        dim=-1,
    )
    ngrams[5, 1, :, 0] = NOTHING
    for part, inputs in (
        (PerceiverNumberPreprocessor(CONFIG, 2, encoding="piecewise", bin_edges=edges), numbers),
        (PerceiverNumberPreprocessor(CONFIG, 2, encoding="combined", bin_edges=edges), numbers),
        (PerceiverCategoryPreprocessor(CONFIG, [2, 2, 2]), ids),
        (PerceiverBagOfNgramsPreprocessor(CONFIG, num_bags=2, num_rows=5), ngrams),
        (PerceiverFeatureGroupsPreprocessor(CONFIG, [5, 2]), torch.randn(13, 7, generator=generator)),
    ):
        features = part.linear_features(inputs)
        weights = torch.randn(features.shape[1], channels, generator=generator, dtype=torch.float64)
        part.start_linear(weights, inputs)
        tokens, _, _ = part(inputs)
        torch.testing.assert_close(
            tokens[..., :channels].sum(dim=1).double(), features.to_dense() @ weights, atol=1e-4, rtol=0
        )


def test_waves_alone_are_not_linear() -> None:
    assert not PerceiverNumberPreprocessor(CONFIG, 2).is_linear


def test_a_small_table_starts_as_linear_models_and_is_right_at_once() -> None:
    predictor = fit(frame(97), ["price", "colour"], quiet=True, steps=1, device="cpu")
    test = predictor.results["test"]
    assert test["colour/accuracy"] == 1.0
    # A network of one step knows the mean: an R2 of 0.
    assert test["price/r2"] > 0.8


def test_the_start_can_be_declined() -> None:
    predictor = fit(frame(97), "price", quiet=True, steps=1, device="cpu", linear_start=False)
    assert predictor.results["test"]["r2"] < 0.8


def test_a_recipe_and_the_model_tell_of_the_start(tmp_path: Path) -> None:
    output = tmp_path / "run"
    with few_costs():
        fit(frame(31), "colour", quiet=True, steps=1, device="cpu", output=output)
    assert "linear_start: true" in (output / "arguments.yaml").read_text(encoding="utf-8")
    answers = json.loads((output / "config.json").read_text(encoding="utf-8"))["answers"]
    assert answers["colour"]["token_rate"] == 1.0


def test_a_start_without_a_map_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="`linear_start` needs a `token_rate` above 0, received 0"):
        TableArguments(target=("price",), linear_start=True, token_rate=0.0)


def test_columns_that_are_not_linear_are_refused_by_name() -> None:
    rows = frame(31)
    rows["cloud"] = [np.zeros((5, 2), dtype=np.float32) for _ in range(31)]
    with pytest.raises(
        ConfigurationError, match=r"`linear_start` needs columns of numbers .* received cloud \(points\)"
    ):
        fit(
            rows,
            "price",
            quiet=True,
            column=["cloud=points"],
            **{**TINY, "linear_start": True, "token_rate": 1.0},
        )


def test_words_beside_other_columns_say_at_once_what_a_linear_model_says() -> None:
    rows = frame(97)
    rows["note"] = [f"the thing number {index} is {word}" for index, word in enumerate(rows.pop("colour"))]
    rows["warm"] = ["red" in note for note in rows["note"]]
    predictor = fit(rows, "warm", quiet=True, steps=1, device="cpu")
    assert predictor.results["test"]["accuracy"] == 1.0


def test_numbers_that_follow_from_series_are_right_at_once() -> None:
    chance = np.random.default_rng(0)
    levels = chance.normal(size=97)
    rows: dict[str, Any] = {
        "trace": [(level + 0.1 * chance.normal(size=23)).astype(np.float32) for level in levels],
        "size": chance.normal(size=97).tolist(),
    }
    rows["price"] = [float(3.0 * level + size) for level, size in zip(levels, rows["size"], strict=True)]
    predictor = fit(rows, "price", quiet=True, steps=1, device="cpu", column=["trace=series"])
    assert predictor.results["test"]["r2"] > 0.9


def test_features_of_large_groups_are_details_and_count_as_much_as_those_of_small_ones() -> None:
    part = PerceiverFeatureGroupsPreprocessor(CONFIG, [96, 6, 24])
    assert part.is_detail(126).tolist() == [True] * 96 + [False] * 6 + [True] * 24
    features = part.linear_features(torch.ones(1, 126))
    assert features[0, [0, 96, 102]].tolist() == [0.5, 2.0, 1.0]
    assert not PerceiverFeatureGroupsPreprocessor(CONFIG, [3, 3]).is_detail(6).any()


def test_maps_of_features_that_start_as_a_linear_model_learn_slowly() -> None:
    part = PerceiverFeatureGroupsPreprocessor(CONFIG, [5, 2], learning_rate_factor=0.5)
    assert set(learning_rate_factors(part).values()) == {0.5}
    part.start_linear(torch.ones(7, 2, dtype=torch.float64), None)
    assert set(learning_rate_factors(part).values()) == {0.015}


def test_bins_are_details_where_the_number_stands_beside_them() -> None:
    edges = [[-1.0, 0.0, 1.0], [-2.0, 0.5, 2.0]]
    part = PerceiverNumberPreprocessor(CONFIG, 2, encoding="piecewise", bin_edges=edges)
    # Of each column two bins, the number, and whether it is missing.
    assert part.is_detail(8).tolist() == [True, True, False, False] * 2
    waves = PerceiverNumberPreprocessor(CONFIG, 2, encoding="periodic", relu=False, num_frequencies=3)
    assert not waves.is_detail(14).any()
    assert not PerceiverCategoryPreprocessor(CONFIG, [2, 3]).is_detail(7).any()


def test_features_of_many_categories_are_sparse_and_say_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    part = PerceiverCategoryPreprocessor(CONFIG, [3, 5])
    inputs = torch.tensor([[0, 6], [1, 1], [4, 3], [4, 0]])
    dense = part.linear_features(inputs)
    assert not part.is_sparse
    monkeypatch.setattr(category, "MOST_DENSE", 11)
    assert part.is_sparse, "3 and 5 categories, and missing and unknown ones of both columns, are 12"
    found = part.linear_features(inputs)
    assert found.is_sparse
    assert found.dtype == torch.float64
    assert torch.equal(found.to_dense(), dense)
