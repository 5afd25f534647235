from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from perceivers.checkpoints.matching import MOST_LINES, describe_mismatches, described, match_keys


def test_equal_keys_match():
    match = match_keys({"a": (2,), "b": (3, 5)}, {"b": (3, 5), "a": (2,)}, "base")
    assert match.sources == {"a": "a", "b": "b"}
    assert (match.missing, match.unexpected, match.mismatched) == ((), (), {})


def test_a_base_checkpoint_fits_a_task_model():
    match = match_keys({"a": (2,), "x": (1,)}, {"base.a": (2,), "head": (7,)}, "base")
    assert match.sources == {"base.a": "a"}
    assert match.missing == ("head",)
    assert match.unexpected == ("x",)


def test_a_task_checkpoint_fits_a_base_model():
    match = match_keys({"base.a": (2,), "head": (7,)}, {"a": (2,)}, "base")
    assert match.sources == {"a": "base.a"}
    assert match.unexpected == ("head",)


def test_a_key_that_fits_as_it_is_wins_over_one_that_fits_by_its_prefix():
    for stored in ({"a": (2,), "base.a": (2,)}, {"base.a": (2,), "a": (2,)}):
        match = match_keys(stored, {"base.a": (2,)}, "base")
        assert match.sources == {"base.a": "base.a"}
        assert match.unexpected == ("a",)


def test_a_tensor_of_another_shape_is_neither_missing_nor_a_source():
    match = match_keys({"a": (2, 3)}, {"a": (3, 2)}, "base")
    assert match.mismatched == {"a": ((2, 3), (3, 2))}
    assert (dict(match.sources), match.missing, match.unexpected) == ({}, (), ())
    assert (
        describe_mismatches(match)
        == "of another shape (1):\n  a: [2, 3] in the checkpoint, [3, 2] in the model"
    )


def test_any_key_of_a_shared_tensor_fills_it():
    aliases = {"a": "a", "also": "a"}
    for stored in ({"a": (2,)}, {"also": (2,)}, {"a": (2,), "also": (2,)}, {"base.also": (2,)}):
        match = match_keys(stored, {"a": (2,)}, "base", aliases)
        assert list(match.sources) == ["a"]
        assert (match.missing, match.unexpected) == ((), ())


names = st.sampled_from(["a", "b", "c", "base.a", "base.b", "base.c", "base.base.a"])


@given(stored=st.sets(names), wanted=st.sets(names))
def test_every_key_is_accounted_for_exactly_once(stored, wanted):
    match = match_keys(dict.fromkeys(stored, (2,)), dict.fromkeys(wanted, (2,)), "base")
    assert sorted([*match.sources, *match.missing]) == sorted(wanted)
    assert sorted([*match.sources.values(), *match.unexpected]) == sorted(stored)
    assert all(match.sources[key] == key for key in stored & wanted)


def test_a_list_of_keys_has_its_number_and_one_line_each():
    assert described("missing", ("a.b", "c")) == "missing (2):\n  a.b\n  c"


def test_of_hundreds_of_keys_the_first_are_listed_and_the_others_counted():
    message = described("missing", (f"layer.{index}" for index in range(MOST_LINES + 1_009)))
    lines = message.splitlines()
    assert lines[0] == "missing (1,019):"
    assert lines[1:] == [*(f"  layer.{index}" for index in range(MOST_LINES)), "  and 1,009 more"]
