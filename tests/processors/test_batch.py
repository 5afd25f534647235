"""One mapping for all processors: keys are attributes, tensors move together."""

import copy
import pickle

import numpy as np
import pytest
import torch

from perceivers.processors.batch import ProcessedBatch


def test_keys_are_attributes_and_the_batch_unpacks_into_a_call():
    batch = ProcessedBatch({"pixel_values": torch.ones(2, 3)})
    assert batch.pixel_values is batch["pixel_values"]
    assert (lambda **named: named)(**batch) == {"pixel_values": batch.pixel_values}
    with pytest.raises(AttributeError, match="the batch has no `audio`"):
        batch.audio  # noqa: B018


def test_a_batch_is_copied_and_pickled():
    batch = ProcessedBatch({"audio": torch.ones(2, 3)})
    for twin in (copy.deepcopy(batch), pickle.loads(pickle.dumps(batch))):
        assert torch.equal(twin.audio, batch.audio)


def test_a_dtype_reaches_floating_point_tensors_only():
    batch = ProcessedBatch({"a": [torch.ones(2)], "b": torch.ones(2, dtype=torch.uint8), "c": np.ones(2)})
    moved = batch.to(torch.bfloat16)
    assert moved is batch
    assert (batch.a[0].dtype, batch.b.dtype, batch.c.dtype) == (torch.bfloat16, torch.uint8, np.float64)


@pytest.mark.parametrize("arguments", [{"device": "meta", "dtype": torch.float16}, ("meta", torch.float16)])
def test_device_and_dtype_are_given_by_name_or_in_order(arguments):
    batch = ProcessedBatch({"a": torch.ones(2)})
    batch.to(**arguments) if isinstance(arguments, dict) else batch.to(*arguments)
    assert (batch.a.device.type, batch.a.dtype) == ("meta", torch.float16)
