"""What a task gives its model is heard, not said twice: names, batches of several sizes, masks where any batch has one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
import torch

from perceivers.arguments import DataArguments, RunArguments
from perceivers.data.frames import IN_MEMORY, table_of
from perceivers.errors import DataError
from perceivers.export.recorded import inputs_of
from perceivers.tasks.base import Parts
from perceivers.tasks.table.given import GivenTableTask
from perceivers.tasks.table.options import TableArguments


class Model(torch.nn.Module):
    def forward(
        self, inputs: Any = None, attention_mask: Any = None, labels: Any = None, pixel_values: Any = None
    ):
        return inputs if pixel_values is None else pixel_values

    def encode(self, inputs: Any, attention_mask: Any = None):
        return inputs


@dataclass
class Lengths:
    """A task whose samples are rows of some length, with a mask where lengths differ."""

    how: str = "call"

    def lesser(self, samples: list[int]) -> list[list[int]]:
        return []

    def collate(self, processor: Any, samples: list[int]) -> dict[str, Any]:
        rows = torch.zeros(len(samples), max(samples))
        mask = torch.arange(max(samples)) < torch.tensor(samples)[:, None]
        return {"inputs": rows, "attention_mask": None if mask.all() else mask}

    def step(self, model: Any, batch: dict[str, Any]) -> None:
        if self.how == "alias":
            model(pixel_values=batch["inputs"], labels=3)
        elif self.how == "encode":
            model.encode(batch["inputs"], batch["attention_mask"])
        else:
            model(**batch, labels=3)


def heard(samples: list[int], how: str = "call") -> list[dict[str, torch.Tensor]]:
    model: Any = Model()
    task: Any = Lengths(how)
    return inputs_of(task, Parts(model, None), samples)


def test_inputs_and_masks_are_named_and_the_first_batch_has_three() -> None:
    batches = heard([5, 3, 7, 2])
    assert all(list(batch) == ["inputs", "mask"] for batch in batches)
    assert batches[0]["inputs"].shape == (3, 7)
    assert len({batch["inputs"].shape for batch in batches}) >= 3


def test_a_batch_without_a_mask_gets_one_that_hides_nothing() -> None:
    batches = heard([5, 3, 7, 2])
    (alone,) = [batch for batch in batches if len(batch["inputs"]) == 1][:1]
    assert alone["mask"].shape == alone["inputs"].shape
    assert bool(alone["mask"].all())


def test_where_no_batch_has_a_mask_there_is_none() -> None:
    assert all(list(batch) == ["inputs"] for batch in heard([5, 5, 5]))


def test_aliases_and_the_encoder_are_heard_too() -> None:
    assert heard([5, 5], "alias")[0]["inputs"].shape == (3, 5)
    assert list(heard([5, 4], "encode")[0]) == ["inputs", "mask"]


def test_without_samples_there_is_nothing_to_prove_with() -> None:
    with pytest.raises(DataError, match="`data` must hold a sample"):
        heard([])


def test_sets_that_all_have_one_size_are_heard_in_others_too() -> None:
    points = np.random.default_rng(0).normal(size=(23, 7, 3))
    rows = {"cloud": points.tolist(), "kind": ["a" if index % 2 else "b" for index in range(23)]}
    chosen = TableArguments(
        target=("kind",), column=("cloud=points",), num_latents=3, latent_channels=8, num_layers=1
    )
    task, data = GivenTableTask(chosen, {"train": table_of(rows, "sets")}), DataArguments(data=IN_MEMORY)
    splits = task.load_data(data)
    task.advise(splits, RunArguments(output="anywhere", data=data))
    parts = task.build(splits)
    parts.model.eval()
    batches = inputs_of(task, parts, splits.test)
    # Beside others a smaller set is filled up; alone it is shorter.
    assert {batch["inputs_cloud"].shape[1] for batch in batches} == {7, 4}
    assert all(batch["mask_cloud"].shape == batch["inputs_cloud"].shape[:2] for batch in batches)
