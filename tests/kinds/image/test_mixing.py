"""MixUp and CutMix against batches worked out by hand; targets stay probabilities."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st

from perceivers.errors import ShapeError
from perceivers.kinds.image.mixing import cutmix, mix_at_random, mixup, random_boxes


def test_mixup_averages_pictures_and_targets_by_their_shares() -> None:
    images = torch.tensor([0.0, 8.0, 4.0]).reshape(3, 1, 1, 1).expand(3, 2, 1, 5)
    targets = torch.eye(3)
    mixed, soft = mixup(images, targets, torch.tensor([0.75, 0.5, 1.0]), torch.tensor([1, 2, 0]))
    # 0.75 * 0 + 0.25 * 8; half of 8 and half of 4; 4 alone.
    assert mixed[:, 0, 0, 0].tolist() == [2.0, 6.0, 4.0]
    assert soft.tolist() == [[0.75, 0.25, 0.0], [0.0, 0.5, 0.5], [0.0, 0.0, 1.0]]


def test_cutmix_pastes_a_rectangle_and_weighs_targets_by_pixels() -> None:
    images = torch.stack([torch.zeros(1, 3, 5), torch.ones(1, 3, 5)])
    boxes = torch.tensor([[1, 3, 0, 2], [0, 0, 0, 5]])
    mixed, soft = cutmix(images, torch.eye(2), boxes, torch.tensor([1, 0]))
    assert mixed[0, 0].tolist() == [[0, 0, 0, 0, 0], [1, 1, 0, 0, 0], [1, 1, 0, 0, 0]]
    # Four of fifteen pixels are the other's; an empty rectangle changes nothing.
    torch.testing.assert_close(soft, torch.tensor([[11 / 15, 4 / 15], [0.0, 1.0]]))
    assert torch.equal(mixed[1], images[1])


def test_a_box_has_the_area_of_the_share_that_goes_and_the_pictures_shape() -> None:
    torch.manual_seed(0)
    boxes = random_boxes(torch.full((500,), 0.75), 40, 80)
    heights, widths = boxes[:, 1] - boxes[:, 0], boxes[:, 3] - boxes[:, 2]
    # Half of each side goes: 20 x 40, a quarter of the area; less where the border cuts it off.
    assert heights.max() == 20
    assert widths.max() == 40
    assert heights.min() >= 10
    assert widths.min() >= 20
    assert boxes.min() >= 0
    assert boxes[:, 1].max() <= 40
    assert boxes[:, 3].max() <= 80


@given(
    seed=st.integers(0, 10_000),
    count=st.integers(1, 7),
    mixup_alpha=st.sampled_from([0.0, 0.2, 1.0]),
    cutmix_alpha=st.sampled_from([0.0, 0.5, 1.0]),
)
@settings(max_examples=60, deadline=None)
def test_targets_are_the_shares_of_the_pixels_whatever_is_drawn(
    seed: int, count: int, mixup_alpha: float, cutmix_alpha: float
) -> None:
    torch.manual_seed(seed)
    labels = torch.randint(5, (count,))
    # A picture is its one-hot class in every pixel, so that the mean of a mixed picture is its target.
    images = F.one_hot(labels, 5).float()[:, :, None, None].expand(count, 5, 11, 13)
    mixed, soft = mix_at_random(
        images, labels, num_classes=5, mixup_alpha=mixup_alpha, cutmix_alpha=cutmix_alpha
    )
    torch.testing.assert_close(mixed.mean(dim=(2, 3)), soft)
    torch.testing.assert_close(soft.sum(dim=1), torch.ones(count))
    assert soft.min() >= 0.0


def test_both_kinds_share_the_batch_in_halves() -> None:
    torch.manual_seed(2)
    labels = torch.arange(8)
    images = labels.float().reshape(8, 1, 1, 1).expand(8, 1, 16, 16)
    mixed, _ = mix_at_random(images, labels, num_classes=8, mixup_alpha=1.0, cutmix_alpha=1.0)
    # Averaged pictures have one value; pictures with a pasted part have whole numbers only.
    assert all(len(picture.unique()) == 1 for picture in mixed[:4])
    assert any(float(picture.mean()) % 1 for picture in mixed[:4])
    assert torch.equal(mixed[4:], mixed[4:].round())
    assert any(len(picture.unique()) == 2 for picture in mixed[4:])


def test_small_alphas_leave_pictures_nearly_alone() -> None:
    torch.manual_seed(0)
    labels = torch.arange(400) % 7

    def largest_share(alpha: float) -> float:
        _, soft = mix_at_random(
            torch.zeros(400, 1, 1, 1), labels, num_classes=7, mixup_alpha=alpha, cutmix_alpha=0.0
        )
        return float(soft.max(dim=1).values.mean())

    # The mean of max(share, 1 - share) over Beta(1, 1) is 3/4; a seventh of the partners are of the same class.
    assert largest_share(1.0) == pytest.approx(6 / 7 * 0.75 + 1 / 7, abs=0.03)
    assert largest_share(0.05) > 0.95


def test_nothing_is_drawn_where_nothing_is_wanted() -> None:
    images, labels = torch.rand(3, 1, 5, 7), torch.tensor([1, 0, 1])
    state = torch.get_rng_state()
    mixed, soft = mix_at_random(images, labels, num_classes=2, mixup_alpha=0.0, cutmix_alpha=0.0)
    assert mixed is images
    assert soft.tolist() == [[0.0, 1.0], [1.0, 0.0], [0.0, 1.0]]
    assert torch.equal(torch.get_rng_state(), state)


def test_equal_seeds_mix_alike_and_leave_the_given_batch() -> None:
    images, labels = torch.rand(5, 1, 7, 7), torch.arange(5)
    before = images.clone()
    results = []
    for _ in range(2):
        torch.manual_seed(3)
        results.append(mix_at_random(images, labels, num_classes=5, mixup_alpha=0.4, cutmix_alpha=1.0))
    assert torch.equal(results[0][0], results[1][0])
    assert torch.equal(results[0][1], results[1][1])
    assert torch.equal(images, before)


def test_labels_that_are_not_one_id_a_picture_are_an_error() -> None:
    with pytest.raises(
        ShapeError, match=r"`labels` must hold one class id for each of 3 pictures, received \[2\]"
    ):
        mix_at_random(
            torch.zeros(3, 1, 2, 2), torch.tensor([0, 1]), num_classes=2, mixup_alpha=0.2, cutmix_alpha=0.0
        )
