"""Image processors under Transformers' names: equal to the plain ones, saved and loaded as Transformers asks."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch
import transformers
from PIL import Image

import perceivers
import perceivers.integrations.transformers as integration

KINDS = ["PerceiverImageProcessor", "PerceiverImageProcessorFast"]


@pytest.fixture(scope="module")
def picture():
    return Image.fromarray(np.random.default_rng(0).integers(0, 256, (23, 31, 3), dtype=np.uint8))


@pytest.mark.parametrize("kind", KINDS)
def test_values_are_those_of_the_plain_processor(kind, picture):
    asked = {"size": {"height": 7, "width": 5}, "crop_size": {"height": 11, "width": 11}}
    ours = getattr(integration, kind)(**asked)(picture, return_tensors="pt").pixel_values
    assert torch.equal(ours, getattr(perceivers, kind)(**asked)(picture, return_tensors="pt").pixel_values)


@pytest.mark.parametrize("kind", KINDS)
def test_options_go_into_a_file_and_back(kind, tmp_path):
    made = getattr(integration, kind)(size=7, do_normalize=None)
    made.to_json_file(tmp_path / "options.json")
    assert getattr(integration, kind).from_json_file(tmp_path / "options.json") == made
    assert json.loads((tmp_path / "options.json").read_text())["do_normalize"] is None
    assert [path.name for path in tmp_path.iterdir()] == ["options.json"]
    made.save_pretrained(tmp_path / "saved")
    assert getattr(integration, kind).from_pretrained(tmp_path / "saved", _from_auto=True) == made


@pytest.mark.parametrize("kind", KINDS)
def test_each_option_that_is_typed_there_is_taken(kind):
    typed = getattr(integration, kind).valid_kwargs
    assert typed is transformers.processing_utils.ImagesKwargs
    made = getattr(integration, kind)()
    known = set(vars(made.options)) | {"do_pad", "pad_size", "image_seq_length"}
    assert set(typed.__annotations__) <= known
