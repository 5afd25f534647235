"""What looks at held-out samples say of a run's length."""

from __future__ import annotations

import pytest
import torch

from perceivers.training.looks import Looks, best_length


def looks_of(losses: list[float], seconds: float = 0.0, first: int = 0) -> Looks:
    looks = Looks(seconds=seconds)
    for passes, loss in enumerate(losses, first):
        looks.add(float(passes), {"loss": loss, "accuracy": 1.0 - loss}, {"preds": torch.tensor([loss])})
    return looks


def test_the_length_with_the_least_mean_loss_is_best() -> None:
    found = best_length(
        [looks_of([4.0, 2.0, 1.0, 3.0], 5.0), looks_of([4.0, 1.0, 3.0, 3.0], 7.0)], ("loss", "lower")
    )
    assert found.passes == 1.0
    assert found.share == pytest.approx(1 / 3)
    assert found.scores[1.0] == {"loss": 1.5, "accuracy": -0.5}
    assert found.measured["preds"].tolist() == [2.0, 1.0]
    assert found.seconds == 12.0


def looks_at_samples(losses: list[list[float]]) -> Looks:
    looks = Looks()
    for passes, each in enumerate(losses):
        looks.add(float(passes), {"loss": sum(each) / len(each)}, {"loss": torch.tensor(each)})
    return looks


def test_of_lengths_that_samples_hardly_tell_apart_the_shortest_is_taken() -> None:
    near = [looks_at_samples([[1.0], [0.9]]), looks_at_samples([[2.0, 2.0], [1.9, 2.08]])]
    # As shares of 1 and 2, which the divisions lose before the first pass: -0.1, -0.05, +0.04; mean -0.037, standard error
    # 0.041: more than a quarter of it.
    assert best_length(near, ("loss", "lower")).passes == 1.0
    # -0.1, -0.05, +0.135: mean -0.005, standard error 0.071, a quarter of it 0.018.
    nearer = [looks_at_samples([[1.0], [0.9]]), looks_at_samples([[2.0, 2.0], [1.9, 2.27]])]
    found = best_length(nearer, ("loss", "lower"))
    assert (found.passes, found.measured["loss"].tolist()) == (0.0, [1.0, 2.0, 2.0])


def test_a_single_held_out_sample_says_nothing_of_chance() -> None:
    assert best_length([looks_at_samples([[1.0], [0.99]])], ("loss", "lower")).passes == 1.0


def test_a_score_that_is_better_when_higher_chooses_by_its_mean() -> None:
    found = best_length([looks_of([0.5, 0.25, 0.75]), looks_of([0.5, 0.75, 0.125])], ("accuracy", "higher"))
    assert found.passes == 2.0


def test_a_division_of_odd_samples_does_not_choose_for_all() -> None:
    # By the sum of losses nothing would be learned: 302 before, 310 after a pass. As shares of the losses before: 2 and 1.53.
    odd, others = looks_of([300.0, 309.0]), looks_of([2.0, 1.0])
    assert best_length([odd, others], ("loss", "lower")).passes == 1.0


def test_of_equal_lengths_the_longest_is_taken() -> None:
    assert best_length([looks_of([2.0, 1.0, 1.0])], ("loss", "lower")).passes == 2.0


def test_nothing_learned_may_be_the_best() -> None:
    found = best_length([looks_of([1.0, 2.0])], ("loss", "lower"))
    assert (found.passes, found.share) == (0.0, 0.0)


def test_where_nothing_chooses_the_last_look_is_taken() -> None:
    assert best_length([looks_of([2.0, 1.0, 3.0])], None).share == 1.0


def test_looks_that_a_shorter_run_lacks_are_left_out() -> None:
    found = best_length([looks_of([4.0, 2.0, 1.0]), looks_of([4.0, 3.0])], ("loss", "lower"))
    assert (found.passes, found.share) == (1.0, 1.0)


def test_looks_are_the_same_after_a_checkpoint() -> None:
    looks, again = looks_of([2.0, 1.0], 3.0), Looks()
    again.load_state_dict(looks.state_dict())
    assert again == looks
