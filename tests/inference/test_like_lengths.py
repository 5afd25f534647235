"""Groups of texts of like lengths."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from perceivers.inference.like_lengths import groups_of_like_lengths


def test_a_group_ends_where_texts_become_a_quarter_and_sixteen_bytes_longer():
    # 1.25 * 100 + 16 = 141: the text of 141 bytes still belongs to that of 100, the one of 142 does not.
    lengths = [142, 100, 2, 141]
    assert list(groups_of_like_lengths(lengths, lambda _: 10)) == [[2], [1, 3], [0]]


def test_a_group_holds_as_many_as_its_longest_text_allows():
    # Two texts of at most 5 bytes, else one.
    groups = groups_of_like_lengths([3, 5, 4, 6, 7, 5], lambda longest: 2 if longest <= 5 else 1)
    assert list(groups) == [[0, 2], [1, 5], [3], [4]]


def test_no_texts_are_no_groups():
    assert list(groups_of_like_lengths([], lambda _: 1)) == []


@given(lengths=st.lists(st.integers(1, 300), max_size=40), most=st.integers(1, 7))
def test_every_text_is_in_one_group_and_little_is_padded(lengths, most):
    groups = list(groups_of_like_lengths(lengths, lambda _: most))
    assert sorted(index for group in groups for index in group) == list(range(len(lengths)))
    for group in groups:
        assert 1 <= len(group) <= most
        shortest, longest = lengths[group[0]], lengths[group[-1]]
        assert shortest <= longest <= 1.25 * shortest + 16
