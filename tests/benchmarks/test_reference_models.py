"""The benchmarks state the released sizes on their own: what they compare with must not load ours to learn them."""

from __future__ import annotations

import pytest
from reference_models import RELEASED_MODELS

import perceivers
from perceivers.conversion.haiku import ARCHITECTURES

# Perceiver AR and the hierarchical Perceiver are not in Transformers.
COMPARED = [
    name
    for name, each in ARCHITECTURES.items()
    if each.model not in ("PerceiverForCausalLM", "HierarchicalPerceiver")
]


@pytest.mark.parametrize("name", COMPARED)
def test_they_are_the_sizes_that_parameter_files_are_converted_to(name):
    architecture = ARCHITECTURES[name]
    (released,) = [each for each in RELEASED_MODELS.values() if each.class_name == architecture.model]
    expected = perceivers.PerceiverConfig(**architecture.sizes).to_dict()
    assert perceivers.PerceiverConfig(**released.config).to_dict() == expected
