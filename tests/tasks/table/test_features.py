"""Features that are turned lose nothing that a held-back linear model would use."""

from __future__ import annotations

import pytest
import torch

from perceivers.tasks.table.features import Features


def test_dense_features_of_more_rows_are_as_they_came() -> None:
    values = torch.eye(3, dtype=torch.float64)
    features = Features.of(values)
    assert features.values is values
    assert features.unturned(values) is values


@pytest.mark.parametrize(
    ("num_rows", "num_features", "is_sparse"), [(5, 11, True), (11, 5, True), (5, 11, False)]
)
def test_turned_features_say_the_same_with_weights_of_the_same_size(
    num_rows: int, num_features: int, is_sparse: bool
) -> None:
    generator = torch.Generator().manual_seed(0)
    came = torch.rand(num_rows, num_features, generator=generator, dtype=torch.float64).relu()
    came[came < 0.6] = 0.0
    came[1] = came[0]
    features = Features.of(came.to_sparse_coo() if is_sparse else came)
    assert features.values.shape[1] <= min(num_rows - 1, num_features)
    weights = torch.randn(features.values.shape[1], 2, generator=generator, dtype=torch.float64)
    back = features.unturned(weights)
    torch.testing.assert_close(came @ back, features.values @ weights)
    torch.testing.assert_close(back.norm(dim=0), weights.norm(dim=0))


def test_rows_without_anything_have_no_features() -> None:
    features = Features.of(torch.zeros(3, 7, dtype=torch.float64).to_sparse_coo())
    assert features.values.shape == (3, 0)
    assert not features.unturned(torch.zeros(0, 2, dtype=torch.float64)).any()
