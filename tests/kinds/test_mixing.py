"""Samples averaged in pairs: both of a pair keep their shares, in the targets too."""

from __future__ import annotations

import torch

from perceivers.kinds.mixing import mixed_in_pairs

# The first feature tells the sample, so that its shares can be read off.
FEATURES = torch.cat([torch.eye(7), torch.randn(7, 3)], dim=1)
LABELS = torch.tensor([0, 1, 2, 0, 1, 2, 0])


def test_targets_have_the_shares_that_the_features_have() -> None:
    torch.manual_seed(0)
    features, targets = mixed_in_pairs(FEATURES, LABELS, num_classes=3, alpha=1.0)
    shares = features[:, :7]
    torch.testing.assert_close(features[:, 7:], shares @ FEATURES[:, 7:])
    torch.testing.assert_close(targets, shares @ torch.nn.functional.one_hot(LABELS).float())
    torch.testing.assert_close(shares.sum(dim=1), torch.ones(7))
    assert ((shares > 0).sum(dim=1) > 1).any()


def test_a_small_alpha_leaves_samples_almost_as_they_are() -> None:
    torch.manual_seed(0)
    features, _ = mixed_in_pairs(FEATURES.repeat(30, 1), LABELS.repeat(30), num_classes=3, alpha=0.01)
    largest = features[:, :7].max(dim=1).values
    assert (largest > 0.99).float().mean() > 0.9


def test_chance_comes_from_torch_s_generator_alone() -> None:
    found = []
    for _ in range(2):
        torch.manual_seed(5)
        found.append(mixed_in_pairs(FEATURES, LABELS, num_classes=4, alpha=0.4))
    assert torch.equal(found[0][0], found[1][0])
    assert found[0][1].shape == (7, 4)


def test_spectrograms_and_several_labels_are_averaged_alike() -> None:
    torch.manual_seed(0)
    # Each sample is its own number everywhere, and has the label of its number.
    values = torch.arange(5.0)[:, None, None].expand(5, 3, 2)
    labels = torch.eye(5)
    mixed, targets = mixed_in_pairs(values, labels, num_classes=5, alpha=1.0)
    torch.testing.assert_close(mixed, (targets @ torch.arange(5.0))[:, None, None].expand(5, 3, 2))
