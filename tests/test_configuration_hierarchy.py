"""Hierarchies of the configuration: the published ones as they are published, and what cannot be built."""

from __future__ import annotations

import pytest

from perceivers import ConfigurationError
from perceivers.configuration_hierarchy import VARIANTS, read_hierarchy, variant

LEVELS = [
    {"groups": 4, "latents": 3, "channels": 6, "self_attends": 1, "self_heads": 2},
    {"groups": 1, "latents": 8, "channels": 10, "self_attends": 2, "self_heads": 5},
    {"groups": 4, "latents": 3, "channels": 6, "self_attends": 1, "self_heads": 3},
]
INPUTS = {"image": (13, 3), "sound": (5, 2)}


@pytest.mark.parametrize("name", VARIANTS)
def test_a_variant_is_read_from_what_the_configuration_holds(name):
    described = variant(name, INPUTS)
    assert read_hierarchy(described.as_mapping()) == described
    assert [each.name for each in described.grouped] == ["image", "sound"]


def test_the_largest_variant_halves_and_doubles_as_published():
    levels = variant("256", INPUTS).levels
    assert [level.groups for level in levels] == [256, 64, 16, 4, 1, 1, 1, 4, 16, 64, 256]
    assert [level.channels for level in levels] == [64, 96, 128, 256, 512, 1024, 256, 128, 64, 32, 16]
    assert sum(level.self_attends for level in levels) == 31


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"levels": LEVELS[:2]}, "`hierarchy.levels` must be an odd number of levels"),
        ({"levels": []}, "`hierarchy.levels` must be a list with an entry or more"),
        ({"levels": [3]}, r"`hierarchy.levels\[0\]` must be a mapping, received 3"),
        (
            {"levels": [LEVELS[0], {**LEVELS[1], "latents": 5}, LEVELS[2]]},
            r"`hierarchy.levels\[2\].groups` must divide the tokens .* \(1 groups of 5\), received 4",
        ),
        (
            {"levels": [LEVELS[0], LEVELS[1], {**LEVELS[2], "latents": 5}]},
            r"`hierarchy.levels\[2\]` must have the groups and latents of level 0",
        ),
        (
            {"levels": [{**LEVELS[0], "self_heads": 4}, *LEVELS[1:]]},
            r"`hierarchy.levels\[0\].self_heads` must divide its channels \(6\), received 4",
        ),
        (
            {"levels": [{**LEVELS[0], "cross_heads": 2}, *LEVELS[1:]]},
            r"`hierarchy.levels\[0\].cross_heads` must divide the channels before it \(7\), received 2",
        ),
        (
            {"levels": [{**LEVELS[0], "groups": 0}, *LEVELS[1:]]},
            r"`hierarchy.levels\[0\].groups` must be a whole number of at least 1, received 0",
        ),
        (
            {"levels": [{**LEVELS[0], "heads": 2}, *LEVELS[1:]]},
            r"`hierarchy.levels\[0\]` must have no key heads",
        ),
        (
            {"training_latents": 9},
            r"`hierarchy.training_latents` must be at most the processor's latents \(8\)",
        ),
        ({"regrouping": "rows"}, "`hierarchy.regrouping` must be one of neighbours, spread, received 'rows'"),
        ({"projects_positions": 5}, "`hierarchy.projects_positions` must be True or False, received 5"),
        (
            {"joins_inputs": True},
            r"`hierarchy.levels\[0\].groups` must be 1 where `joins_inputs` is set, received 4",
        ),
        ({"embedding_channels": 0}, "`hierarchy.embedding_channels` must be a whole number of at least 1"),
        ({"inputs": [{"name": "a", "points": 3}]}, r"`hierarchy.inputs\[0\]` must have channels"),
        (
            {"inputs": [{"name": "a.b", "points": 3, "channels": 1}]},
            r"`hierarchy.inputs\[0\].name` must be a word without dots, received 'a.b'",
        ),
        (
            {"inputs": [{"name": "a", "points": 3, "channels": 1}] * 2},
            "`hierarchy.inputs` must have different names",
        ),
        (
            {"inputs": [{"name": name, "points": 3, "channels": 1} for name in "abcde"]},
            r"`hierarchy.levels\[0\].groups` must be at least 1 an input \(5\), received 4",
        ),
        (
            {"inputs": [{"name": "a", "points": 1, "channels": 3, "at_processor": True}]},
            "must have an input that enters at the first level, received none",
        ),
    ],
)
def test_hierarchies_that_cannot_be_built_are_refused(changes, message):
    with pytest.raises(ConfigurationError, match=message):
        variant("mini", INPUTS, changes={"levels": LEVELS, "embedding_channels": 7, **changes})


@pytest.mark.parametrize("inputs", [{"image": 64}, {"image": (64, 3, 2)}, {"image": "64x3"}, 64, ["image"]])
def test_inputs_that_are_no_pairs_of_points_and_channels_are_refused_with_an_example(inputs):
    with pytest.raises(
        ConfigurationError, match=r"`inputs` must map each name to its \(points, channels\), such as"
    ):
        variant("mini", inputs)
