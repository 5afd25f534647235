"""Sets of entities as a kind of data: guessed, settled, batched, shown; expected numbers by hand."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from perceivers.configuration import PerceiverConfig
from perceivers.data.tables import ListTable
from perceivers.errors import ConfigurationError, DataError
from perceivers.kinds.asked import Sent
from perceivers.kinds.entities.kind import EntitiesKind
from perceivers.kinds.entities.options import EntityOptions
from perceivers.kinds.registry import guess_kind
from perceivers.models.modality_types import build_preprocessor

TABLE = ListTable([{"units": None}], "battles")
# Health 10 and 30: mean 20, deviation 10. A siege engine comes in one set alone.
FIRST = ({"type": "archer", "owner": "red", "health": 10}, {"type": "guard", "owner": "blue"})
SECOND = ({"type": "archer", "owner": "red", "health": 30}, {"type": "engine", "owner": "blue", "seen": "7"})
THIRD = ({"type": "archer", "seen": "9"},)


def settled(**chosen: Any) -> EntitiesKind:
    options = EntityOptions(**{"name_sets": 1, "number_waves": 2, **chosen})
    return EntitiesKind(options).settle([FIRST, SECOND, THIRD], ["units"])


def test_a_number_that_is_far_from_all_others_is_still_one() -> None:
    values = settled().arrays([({"type": "archer", "health": 1e300}, {"type": "guard", "health": 40})])
    table = next(each.values for each in values.values() if each.values.dtype == np.float32)
    # A thousand deviations from the mean; and 2.
    assert sorted(table[0, :, -2].tolist()) == [2.0, 1_000.0]


@pytest.mark.parametrize(
    ("name", "cells"),
    [
        ("x", [[{"type": "a"}], []]),
        ("x", ['[{"type": "a"}]', ' [ { "b": 1}]', "[]"]),
        ("x", [np.array([{"type": "a"}], dtype=object)]),
        ("units", ["a.json", "b.CSV"]),
        ("Entities", ["a.npz"]),
    ],
)
def test_columns_of_sets_are_known(name: str, cells: list[Any]) -> None:
    assert guess_kind(name, cells) is EntitiesKind


@pytest.mark.parametrize(
    ("name", "cells"),
    [
        ("units", [3, 4]),
        ("x", ["a.json"]),
        ("units", ["[[1, 2]]"]),
        ("x", [[], []]),
        ("units", ["a.png"]),
        ("x", [["a"]]),
    ],
)
def test_columns_of_other_things_are_not(name: str, cells: list[Any]) -> None:
    assert EntitiesKind.guess(name, cells) == 0.0


def test_names_and_numbers_are_told_apart_and_the_type_comes_first() -> None:
    known = settled().attributes
    assert known is not None
    assert known.type_name == "type"
    # The most frequent first, then by letter.
    assert known.names == {"type": ("archer", "engine", "guard"), "owner": ("blue", "red")}
    assert known.numbers == {"health": (20.0, 10.0), "seen": (8.0, 1.0)}
    named = settled(type_attribute="owner", name_attributes=("seen",)).attributes
    assert named is not None
    assert list(named.names) == ["owner", "seen", "type"]
    assert (named.names["seen"], list(named.numbers)) == (("7", "9"), ["health"])


def test_numbers_of_training_sets_are_read_in_the_notation_of_their_table() -> None:
    sets = [({"type": "a", "mass": "0,5"}, {"type": "a", "mass": "NA"}), ({"type": "b", "mass": "1.000,5"},)]
    kind = EntitiesKind(EntityOptions(name_sets=1))
    with pytest.raises(
        DataError, match=r"the attribute 'mass' of an entity: received '0,5', .* --decimal comma"
    ):
        kind.settle(sets, ["units"])
    table = ListTable([{"units": None}], "battles")
    table.decimal = "comma"
    known = kind.survey(table, ["units"]).settle(sets, ["units"])
    assert known.attributes is not None
    assert known.attributes.numbers == {"mass": (500.5, 500.0)}
    again = EntitiesKind(EntityOptions()).with_state(known.state())
    read = again.read({"units": list(sets[1])}, ["units"], table)
    assert read == ({"type": "b", "mass": 1000.5},)
    for value in (sets[1], read):
        # The type b comes after a: 2 is a, 3 is b.
        assert again.arrays([value])[""].values.tolist() == [[[3.0, 1.0]]]
    assert math.isnan(again.arrays([sets[0]])[""].values[0, 1, 1])


def test_attributes_that_only_count_or_name_the_entities_are_left_out_and_told() -> None:
    def learned(name: str, *values: list[Any], **chosen: Any) -> EntitiesKind:
        sets = [tuple({"type": "a", name: value} for value in own) for own in values]
        return EntitiesKind(EntityOptions(name_sets=1, **chosen)).settle(sets, ["units"])

    # Over all sets, or anew in each; a set of one tells nothing.
    for values in ([[0, 1, 2], [3], [4, 5]], [["0", "1"], ["0"], ["0", "1", "2"]]):
        kind = learned("Unnamed: 0", *values)
        assert kind.attributes is not None
        assert (list(kind.attributes.names), kind.attributes.numbers) == (["type"], {})
        assert kind.learned() == (
            "told by type; left out: Unnamed: 0 (has no name and only counts the entities); "
            "`--name-attributes NAMES` takes it as a name"
        )
        assert kind.attributes.words({"type": "a", "Unnamed: 0": 2}) == "a"
    assert "id (only counts the entities)" in learned("id", [0, 1], [0, 1, 2]).learned()
    assert "id (is different in every entity, as an id is)" in learned("id", [13, 2], [7]).learned()
    # A place in a set that has another name may mean something; so do ids that come again, and numbers with fractions.
    for name, *values in (("step", [0, 1], [0, 1, 2]), ("id", [7, 3], [3, 11]), ("", [0.5, 1.5], [2.5])):
        assert learned(name, *values).learned() == f"told by type, {name}"
    assert learned("id", [0, 1], [2], name_attributes=("id",)).learned() == "told by type, id"
    with pytest.raises(
        DataError, match=r"the entities of the column 'units' must have an attribute .* only id \("
    ):
        EntitiesKind(EntityOptions()).settle([({"id": 0}, {"id": 1})], ["units"])


def test_batches_are_ids_and_standardised_numbers_and_padding_is_masked() -> None:
    given = settled(name_sets=2).tensors([SECOND, None, FIRST, THIRD, ()])[""]
    nan = math.nan
    # Names of two sets or more: archer 2; blue 2, red 3. Engine and guard are unknown, 1.
    expected = torch.tensor(
        [
            [[2, 3, 1, nan], [1, 2, nan, -1]],
            [[0, 0, 0, 0], [0, 0, 0, 0]],
            [[2, 3, -1, nan], [1, 2, nan, nan]],
            [[2, 0, nan, 1], [0, 0, 0, 0]],
            [[0, 0, 0, 0], [0, 0, 0, 0]],
        ]
    )
    torch.testing.assert_close(given.values, expected.float(), equal_nan=True)
    assert given.mask.tolist() == [[True, True], [False, False], [True, True], [True, False], [False, False]]
    assert settled().tensors([FIRST])[""].mask is None


def test_the_modality_is_one_that_the_model_builds_and_new_names_and_gaps_have_tokens() -> None:
    kind = settled(name_sets=2)
    preprocessor = build_preprocessor(PerceiverConfig(d_model=7), "units", kind.modalities()[""])
    new = ({"type": "dragon", "health": "12.5", "colour": "green"}, {})
    assert preprocessor(kind.tensors([new])[""].values)[0].shape == (1, 2, 7)
    plain = EntitiesKind(EntityOptions()).settle([({"colour": "green"},)], ["units"])
    assert plain.modalities()[""]["cardinalities"] == [0, 0]
    assert build_preprocessor(PerceiverConfig(d_model=7), "units", plain.modalities()[""]).num_channels == 7
    assert settled(number_waves=0).modalities()[""]["num_frequencies"] == 0


def test_what_was_learned_is_kept() -> None:
    kind = settled()
    again = EntitiesKind(kind.options).with_state(kind.state())
    assert again == kind
    assert EntitiesKind(kind.options).state() == {}


def test_a_settled_kind_reads_numbers_and_says_which_is_none() -> None:
    kind = settled()
    row = {"units": [{"type": "archer", "health": "12"}, {"health": "?"}]}
    assert kind.read(row, ["units"], TABLE) == ({"type": "archer", "health": 12.0}, {})
    assert kind.read({"units": None}, ["units"], TABLE) is None
    with pytest.raises(DataError, match=r"the attribute 'health' of entity 2: .*'tired'"):
        kind.read({"units": [{}, {"health": "tired"}]}, ["units"], TABLE)


def test_of_more_than_can_be_seen_the_first_are() -> None:
    kind = EntitiesKind(EntityOptions(max_entities=2))
    row = {"units": [{"x": 1}, {"x": 2}, {"x": 3}]}
    assert kind.read(row, ["units"], TABLE) == ({"x": 1}, {"x": 2})
    assert kind.is_cut(row, ["units"], TABLE)
    assert not kind.is_cut({"units": row["units"][:2]}, ["units"], TABLE)
    assert not kind.is_cut({"units": None}, ["units"], TABLE)


def test_training_leaves_out_entities_and_attributes_but_never_all_entities() -> None:
    many = tuple({"type": "archer", "health": number} for number in range(200))
    generator = np.random.default_rng(0)
    sizes = [len(settled(entity_drop=0.5).vary(many, generator)) for _ in range(20)]
    assert min(sizes) >= 80
    assert max(sizes) > 150
    assert settled(entity_drop=0.99).vary(FIRST[:1], generator) == FIRST[:1]
    hidden = settled(attribute_hidden=0.25).vary(many, generator)
    assert 260 <= sum(map(len, hidden)) <= 340
    assert settled().vary(many, generator) is many
    assert settled(entity_drop=0.5).vary((), generator) == ()


def test_a_value_is_described_and_shown_by_what_was_looked_at_most() -> None:
    assert EntitiesKind(EntityOptions()).described() == "up to 512 entities, a token each"
    kind = settled(max_entities=1)
    assert kind.described() == "up to 1 entity of 3 types, by 1 name and 2 numbers, a token each"
    shown = kind.show(FIRST, {"": torch.tensor([0.1, 0.4, 0.5])}, {"": (3,)})
    assert shown == [("guard, owner blue", 1.0), ("archer, owner red, health 10", pytest.approx(0.25))]
    page = kind.html(shown, ["units"])
    assert page.index("guard") < page.index("archer")
    assert "0.55" in page
    assert kind.html(None, ["units"]) == ""
    assert "and 3 entities that it looked at less" in kind.html([("<b>", 1.0)] * 27, ["units"])
    assert "<b>" not in kind.html([("<b>", 1.0)], ["units"])


def test_a_simple_method_reads_counts_and_means() -> None:
    kind = settled()
    found = kind.simplified({"units": list(SECOND)}, ["units"], TABLE)
    # Missing, unknown, archer, engine, guard; missing, unknown, blue, red; number of entities; means.
    assert found is not None
    assert found.tolist() == [0, 0, 1, 1, 0, 0, 0, 1, 1, 2, 1.0, -1.0]
    assert kind.simplified({"units": None}, ["units"], TABLE) is None


def test_in_a_table_attributes_are_hidden_as_often_as_other_cells() -> None:
    assert EntitiesKind.advise([[{}]], TABLE, 10, 0.25).attribute_hidden == 0.25


def test_what_people_send_is_json_or_a_file(tmp_path: Path) -> None:
    kind = settled()
    assert kind.content('[{"type": "archer"}]', tmp_path) == [{"type": "archer"}]
    path = kind.content(Sent("x.csv", b"type\narcher\n"), tmp_path)
    assert kind.read({"units": path}, ["units"], TABLE) == ({"type": "archer"},)
    assert kind.fields(["units"])[0].accepts == (".json", ".jsonl", ".csv", ".tsv", ".npz")


@pytest.mark.parametrize(
    ("chosen", "message"),
    [
        ({"max_entities": 0}, "`max_entities`"),
        ({"name_sets": 0}, "`name_sets`"),
        ({"number_waves": -1}, "`number_waves`"),
        ({"wave_sigma": 0.0}, "`wave_sigma` must be above 0"),
        ({"entity_drop": 1.0}, "`entity_drop`"),
        ({"attribute_hidden": -0.1}, "`attribute_hidden`"),
        ({"name_attributes": "owner"}, "`name_attributes` must be a list of names, received 'owner'"),
        (
            {"type_attribute": "rank"},
            "`type_attribute` must name attributes .* 'units', which have health, .*; received 'rank'",
        ),
        ({"name_attributes": ("rank",)}, "`name_attributes` must name attributes"),
    ],
)
def test_options_that_cannot_be_are_refused(chosen: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        settled(**chosen)


def test_nothing_is_batched_before_attributes_are_known() -> None:
    with pytest.raises(DataError, match="settle on training sets first"):
        EntitiesKind(EntityOptions()).arrays([FIRST])


def test_a_lesser_set_is_its_first_half() -> None:
    assert settled().lesser((*FIRST, *SECOND[:1])) == [FIRST]
