"""Features averaged in pairs: both of a pair keep their shares, in the targets too."""

from __future__ import annotations

import torch

from perceivers.kinds.series.mixing import mixed_features

# The first feature tells the sample, so that its shares can be read off.
FEATURES = torch.cat([torch.eye(7), torch.randn(7, 3)], dim=1)
LABELS = torch.tensor([0, 1, 2, 0, 1, 2, 0])


def test_targets_have_the_shares_that_the_features_have() -> None:
    torch.manual_seed(0)
    features, targets = mixed_features(FEATURES, LABELS, num_classes=3, alpha=1.0)
    shares = features[:, :7]
    torch.testing.assert_close(features[:, 7:], shares @ FEATURES[:, 7:])
    torch.testing.assert_close(targets, shares @ torch.nn.functional.one_hot(LABELS).float())
    torch.testing.assert_close(shares.sum(dim=1), torch.ones(7))
    assert ((shares > 0).sum(dim=1) > 1).any()


def test_a_small_alpha_leaves_samples_almost_as_they_are() -> None:
    torch.manual_seed(0)
    features, _ = mixed_features(FEATURES.repeat(30, 1), LABELS.repeat(30), num_classes=3, alpha=0.01)
    largest = features[:, :7].max(dim=1).values
    assert (largest > 0.99).float().mean() > 0.9


def test_chance_comes_from_torch_s_generator_alone() -> None:
    found = []
    for _ in range(2):
        torch.manual_seed(5)
        found.append(mixed_features(FEATURES, LABELS, num_classes=4, alpha=0.4))
    assert torch.equal(found[0][0], found[1][0])
    assert found[0][1].shape == (7, 4)
