"""Series as a kind: steps, patterns, or both; what is settled and saved; what is advised."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from perceivers.configuration import PerceiverConfig
from perceivers.data.tables import ListTable
from perceivers.kinds.series.kind import SeriesKind
from perceivers.kinds.series.options import SeriesOptions
from perceivers.kinds.series.tensors import VariedSeries
from perceivers.models.prediction import PerceiverForPrediction

CHOSEN: dict[str, Any] = {
    "pattern_dilations": 2,
    "pattern_thresholds": 2,
    "outline_steps": 3,
    "pattern_channels": 7,
    "patch_channels": 5,
    "num_fourier_bands": 2,
}


def some(count: int) -> list[np.ndarray]:
    """Series of 9 to 18 steps of two channels."""
    generator = np.random.default_rng(0)
    return [
        (30.0 + 5.0 * generator.standard_normal((int(generator.integers(9, 19)), 2))).astype(np.float32)
        for _ in range(count)
    ]


def settled(tokens: str, **chosen: Any) -> SeriesKind:
    return SeriesKind(SeriesOptions(tokens=tokens, **{**CHOSEN, **chosen})).settle(some(11), ["series"])


def model_of(kind: SeriesKind) -> PerceiverForPrediction:
    config = PerceiverConfig(
        num_latents=3,
        d_latents=8,
        num_self_attends_per_block=1,
        num_self_attention_heads=2,
        num_cross_attention_heads=1,
        modalities={f"own_{name}": description for name, description in kind.modalities().items()},
        answers={"kind": {"type": "class", "num_labels": 3}},
    )
    return PerceiverForPrediction(config).eval()


def test_patterns_alone_are_three_tokens_without_any_step() -> None:
    kind = settled("patterns")
    (given,) = kind.tensors([some(1)[0], None]).values()
    assert kind.features is not None
    assert given.values.shape == (2, sum(kind.features.group_sizes))
    assert given.mask is not None
    assert given.mask.tolist() == [True, False]
    assert not given.values[1].any()
    (described,) = kind.modalities().values()
    assert described == {
        "type": "feature_groups",
        "group_sizes": list(kind.features.group_sizes),
        "out_channels": 7,
        "dropout": 0.5,
        "learning_rate_factor": 1.0,
    }
    assert (kind.modality_names, kind.num_tokens) == (("",), 3)


def test_both_are_two_modalities_that_one_model_takes() -> None:
    kind = settled("both", steps_per_patch=4)
    assert kind.modality_names == ("steps", "patterns")
    longest = max(map(len, some(11)))
    assert kind.num_tokens == 3 + -(-longest // 4)
    given = kind.tensors([*some(2), None])
    model = model_of(kind)
    with torch.no_grad():
        said = model(
            {f"own_{name}": each.values for name, each in given.items()},
            attention_mask={f"own_{name}": each.mask for name, each in given.items()},
        )
    assert said.logits["kind"].shape == (3, 3)
    assert model.perceiver.input_preprocessor.index_dims(
        {f"own_{name}": each.values for name, each in given.items()}
    ) == (3 + -(-max(map(len, some(2))) // 4),)


def test_steps_alone_settle_no_patterns() -> None:
    kind = settled("steps")
    assert kind.features is None
    assert "features" not in kind.state()
    assert kind.num_tokens == max(map(len, some(11)))
    assert SeriesKind(SeriesOptions()).num_tokens is None


def test_a_saved_kind_gives_the_same_features() -> None:
    kind = settled("patterns")
    again = SeriesKind(kind.options).with_state(json.loads(json.dumps(kind.state())))
    values = some(5)
    assert torch.equal(again.tensors(values)[""].values, kind.tensors(values)[""].values)
    assert again.modalities() == kind.modalities()


def test_patterns_are_those_of_the_changed_series_while_training() -> None:
    kind, series = settled("patterns", jitter=0.5), some(1)[0]
    changed = kind.vary(series, np.random.default_rng(0))
    noisy = kind.tensors([changed])[""].values
    assert kind.features is not None
    assert not kind.features._kept, "what never comes again is not kept"
    assert not torch.equal(kind.tensors([series])[""].values, noisy)
    assert len(kind.features._kept) == 1, "what is measured comes again"
    still = settled("patterns")
    assert isinstance(still.vary(series, np.random.default_rng(0)), VariedSeries)
    still.tensors([series, series])
    assert still.features is not None
    assert len(still.features._kept) == 1


def test_advice_follows_series_as_they_are_read_with_what_was_given(tmp_path: Path) -> None:
    table = ListTable([{"series": None}], "rows", root=tmp_path)
    turned = np.zeros((2, 300), dtype=np.float32)
    expected = SeriesKind.advise([turned.T], table, 5_000, 0.0)
    assert SeriesKind.advise([turned], table, 5_000, 0.0) != expected
    assert SeriesKind.advise([turned], table, 5_000, 0.0, {"channels_first": True}) == expected
    assert SeriesKind.advise_alone([turned], table, 60, {"channels_first": True}) == SeriesKind.advise_alone(
        [turned.T], table, 60
    )
    # Without the others, one of which is a text.
    (tmp_path / "a.csv").write_text("x,y,who\n" + "1,2,me\n" * 300)
    assert SeriesKind.advise(["a.csv"], table, 5_000, 0.0) != expected
    assert SeriesKind.advise(["a.csv"], table, 5_000, 0.0, {"channel_columns": ("x", "y")}) == expected


@pytest.mark.parametrize(("rows", "tokens"), [(60, "patterns"), (5_000, "both")])
def test_advice_follows_the_number_of_rows_and_passes_over_cells_that_cannot_be_read(
    rows: int, tokens: str
) -> None:
    table = ListTable([{"series": None}], "rows")
    advised = SeriesKind.advise([np.zeros((300, 2), dtype=np.float32), "no-such-file.csv"], table, rows, 0.0)
    assert advised.tokens == tokens
    assert advised.steps_per_patch == 3
    assert SeriesKind(advised).learning(rows).epochs is not None
    assert SeriesKind(SeriesOptions()).learning(rows).num_latents is None


def test_a_lesser_series_is_its_first_half_where_steps_are_seen() -> None:
    series = some(1)[0][:9]
    (half,) = settled("steps").lesser(series)
    np.testing.assert_array_equal(half, series[:5])
    assert settled("patterns").lesser(series) == []
