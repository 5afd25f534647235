"""HTML that is darker where an answer looked more."""

from __future__ import annotations

from perceivers.kinds.shading import shaded, shaded_list


def test_nothing_in_a_text_is_markup():
    assert shaded("<b>", 1.0) == '<span style="background: rgba(209, 73, 91, 0.55)">&lt;b&gt;</span>'


def test_a_list_names_its_cells_and_shades_each_by_its_own_weight():
    html = shaded_list(["a & b", "c"], [("7", 1.0), ("x", 0.2)])
    assert "<dt>a &amp; b</dt><dd>" + shaded("7", 1.0) in html
    assert "<dt>c</dt><dd>" + shaded("x", 0.2) in html


def test_a_weight_above_the_heaviest_is_no_darker():
    assert shaded_list(["a"], [("7", 1.7)]) == shaded_list(["a"], [("7", 1.0)])
