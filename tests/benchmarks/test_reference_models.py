"""The benchmarks state the released sizes on their own: what they compare with must not load ours to learn them."""

from __future__ import annotations

import pytest
from reference_models import RELEASED_MODELS

import perceivers
from perceivers.conversion.haiku import ARCHITECTURES


@pytest.mark.parametrize("name", list(ARCHITECTURES))
def test_they_are_the_sizes_that_parameter_files_are_converted_to(name):
    architecture = ARCHITECTURES[name]
    (released,) = [each for each in RELEASED_MODELS.values() if each.class_name == architecture.model]
    expected = perceivers.PerceiverConfig(**architecture.sizes).to_dict()
    assert perceivers.PerceiverConfig(**released.config).to_dict() == expected
