"""The benchmark of sets: every network answers and learns from ragged sets, and the page has a row each."""

from __future__ import annotations

from pathlib import Path

import entities
import pytest
from measuring import Outcome


@pytest.mark.parametrize("name", ["perceiver", "transformer"])
def test_every_way_takes_ragged_sets(name: str) -> None:
    logits = entities.call_of(name, "forward", 13, 8, 3)()
    assert logits.shape == (3, 13, 13)
    # The smallest of the three sets has one entity, which all select.
    assert (logits[0].softmax(dim=-1)[:, 0] == 1).all()
    entities.call_of(name, "training step", 13, 8, 3)()
    if name == "perceiver":
        fast = entities.call_of(name, "fast form", 13, 8, 3)()
        assert (fast - logits).abs().max() < 1e-4


def test_the_page_has_a_row_for_each_network_and_size(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(entities, "in_fresh_process", lambda *_: Outcome((0.5, 2**20), None))
    entities.main(["--sizes", "7", "11", "--batch", "5", "--output", str(tmp_path / "entities.md")])
    lines = [line for line in (tmp_path / "entities.md").read_text().splitlines() if line.startswith("|")]
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[2:]]
    assert [row[:2] for row in rows] == [
        [size, name] for size in ("7", "11") for name in ("perceiver", "transformer")
    ]
    assert rows[0][2:] == ["100.0", "1 MiB"] * 3
    assert rows[1][4:6] == ["-", "-"]
