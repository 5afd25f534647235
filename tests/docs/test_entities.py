"""docs/entities.md: its Python runs as it stands, and the picture is there and small."""

from __future__ import annotations

from typing import Any

import torch

from documented import ROOT, blocks_of

PAGE = ROOT / "docs" / "entities.md"


def test_the_examples_run_in_order_and_give_the_shapes_that_they_say() -> None:
    torch.manual_seed(0)
    left: dict[str, Any] = {}
    for block in blocks_of(PAGE, "python"):
        exec(compile(block, str(PAGE), "exec"), left)
    assert left["output"].logits.shape == (8, 4, 30)
    assert left["output"].entities.shape == (8, 30, 32)
    chosen = left["output"].logits.softmax(dim=-1)[left["is_there"].all(dim=1)]
    hidden = ~left["enemies"][left["is_there"].all(dim=1)]
    assert (chosen.masked_select(hidden[:, None]) == 0).all()
    # Chance is 0.4: that is how many of them are theirs.
    assert left["predictor"].results["test"]["accuracy"] > 0.7
    assert left["said"]["focus"] == 1


def test_the_film_of_the_page_is_small() -> None:
    assert 0 < (ROOT / "docs" / "skirmish.gif").stat().st_size < 400_000
