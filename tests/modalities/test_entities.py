"""Entities as tokens: sums of vectors of names and of one map of numbers, by hand; missing and unknown ones; errors."""

from __future__ import annotations

import math

import pytest
import torch

from perceivers import ConfigurationError, PerceiverConfig, PerceiverEntitiesPreprocessor, ShapeError

CONFIG = PerceiverConfig(d_model=5)


def made(num_numbers: int = 2, num_frequencies: int | None = 3) -> PerceiverEntitiesPreprocessor:
    torch.manual_seed(0)
    return PerceiverEntitiesPreprocessor(CONFIG, [3, 0], num_numbers, num_frequencies=num_frequencies)


def test_a_token_is_the_sum_of_its_names_vectors_and_of_the_map_of_its_numbers() -> None:
    entities = made()
    # Type 4 of 3 known names is the last one; the other name is unknown.
    inputs = torch.tensor([[[4.0, 1.0, 0.5, -1.5], [0.0, 0.0, 0.25, 2.0]]])
    tokens, sizes, features = entities(inputs)
    assert sizes is None
    assert torch.equal(tokens, features)
    assert entities.waves is not None
    table, frequencies = entities.embeddings.weight, entities.waves.frequencies
    for place, (ids, numbers) in enumerate(
        zip([(4, 5 + 1), (0, 5)], [(0.5, -1.5), (0.25, 2.0)], strict=True)
    ):
        seen = []
        for number, own in zip(numbers, frequencies, strict=True):
            angles = 2 * math.pi * number * own
            seen += [torch.tensor([number]), angles.sin(), angles.cos()]
        expected = table[ids[0]] + table[ids[1]] + entities.projection(torch.cat(seen))
        torch.testing.assert_close(tokens[0, place], expected)


def test_a_missing_number_is_a_vector_of_its_own_and_has_a_gradient_alone() -> None:
    entities = made()
    inputs = torch.tensor([[[2.0, 1.0, math.nan, 0.5]]])
    there = torch.tensor([[[2.0, 1.0, 0.0, 0.5]]])
    tokens = entities(inputs)[0]
    # Nothing of the first number's columns is left: neither itself nor the cosines of 0.
    columns = 1 + 2 * 3
    waves = entities.waves(torch.tensor([[0.0, 0.5]]))[0, 0]  # type: ignore[misc]
    of_first = entities.projection.weight[:, :columns] @ torch.cat([torch.zeros(1), waves])
    torch.testing.assert_close(tokens[0, 0], entities(there)[0][0, 0] - of_first + entities.missing[0])
    tokens.sum().backward()
    assert entities.missing.grad is not None
    assert entities.missing.grad.tolist() == [[1.0] * 5, [0.0] * 5]
    assert all(torch.isfinite(each.grad).all() for each in entities.parameters() if each.grad is not None)


def test_entities_without_numbers_or_without_waves_have_no_parameters_for_them() -> None:
    assert [name for name, _ in made(0, None).named_parameters()] == ["embeddings.weight"]
    assert made(0, None)(torch.zeros(1, 2, 2))[0].shape == (1, 2, 5)
    assert made(2, 0).projection.in_features == 2
    assert made(2, None).projection.in_features == 2 * (1 + 2 * 16)
    assert made(num_numbers=2).num_columns == 4


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"cardinalities": [], "num_numbers": 1}, "`cardinalities` must give the number of known names"),
        ({"cardinalities": [-1], "num_numbers": 1}, "`cardinalities`"),
        ({"cardinalities": [1], "num_numbers": -1}, "`num_numbers`"),
        ({"cardinalities": [1], "num_numbers": 1, "out_channels": 0}, "`out_channels`"),
        ({"cardinalities": [1], "num_numbers": 1, "sigma": 0.0}, "`sigma`"),
        ({"cardinalities": [1], "num_numbers": 0, "sigma": 0.5}, "`sigma` has no effect without numbers"),
        ({"cardinalities": [1], "num_numbers": 0, "num_frequencies": 3}, "`num_frequencies` has no effect"),
    ],
)
def test_settings_that_cannot_be_are_refused(arguments: dict[str, object], message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        PerceiverEntitiesPreprocessor(CONFIG, **arguments)  # type: ignore[arg-type]


def test_inputs_that_cannot_be_are_refused() -> None:
    entities = made()
    right = torch.tensor([[[2.0, 0.0, 0.5, 0.5]]])
    for wrong, message in (
        (
            right[..., :3],
            r"`inputs` must be floating-point entities \[batch, num_entities, 4\], ids of 2 names",
        ),
        (right.long(), "received .* of torch.int64"),
        (right[:, :0], "`inputs` must not be empty"),
        (right * 2.5, "must hold whole ids in .*, received 5 for entity 0 of sample 0"),
        (right * 1.25, r"must hold whole ids in \[0, 4\] as name 0, received 2.5 for entity 0 of sample 0"),
        (right * math.inf, "`inputs`"),
    ):
        with pytest.raises(ShapeError, match=message):
            entities(wrong)
    with pytest.raises(ShapeError, match="`pos` must be None for entities"):
        entities(right, pos=right)


def test_half_precision_that_cannot_tell_ids_apart_is_refused() -> None:
    many = PerceiverEntitiesPreprocessor(CONFIG, [256], 0).to(torch.bfloat16)
    with pytest.raises(
        ShapeError, match=r"of torch\.bfloat16 can hold ids up to 256, and there are 257: keep the model"
    ):
        many(torch.zeros(1, 1, 1, dtype=torch.bfloat16))
    fits = PerceiverEntitiesPreprocessor(CONFIG, [255], 0).to(torch.bfloat16)
    assert fits(torch.full((1, 1, 1), 256.0, dtype=torch.bfloat16))[0].dtype == torch.bfloat16
