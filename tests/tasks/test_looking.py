"""Training samples that are looked at before training."""

from __future__ import annotations

from perceivers.tasks.looking import some_samples


def test_all_are_looked_at_where_they_are_few_and_else_evenly_spread_ones() -> None:
    train = [f"sample {number}" for number in range(7)]
    assert list(some_samples(train, 11)) == train  # type: ignore[arg-type]
    # 0, 7 / 3 and 14 / 3, rounded down.
    assert list(some_samples(train, 3)) == ["sample 0", "sample 2", "sample 4"]  # type: ignore[arg-type]
