"""The benchmark of rounded forms: what its cells say, what is held out, and that the small model's row comes about."""

from __future__ import annotations

import torch


def test_errors_are_parts_of_the_exact_values_and_changed_choices_are_counted():
    from reduced_precision import errors

    exact = torch.tensor([[3.0, 4.0], [0.0, -1.0]])
    received = torch.tensor([[3.0, 4.0], [0.0, 1.0]])
    # Largest 2 of 4; root of 4 over root of 26; one choice of two.
    assert errors(received, exact)[:2] == ["5.0e-01", "3.9e-01"]
    more = torch.zeros(2, 1)
    changed = errors(torch.cat([received, more], dim=1), torch.cat([exact, more - 2.0], dim=1))
    assert changed[2] == "50.00%"
    assert errors(received, exact)[2] == "-"


def test_every_fourth_digit_is_held_out():
    from reduced_precision import digits

    (pictures, classes), (held_out, wanted) = digits()
    assert pictures.shape == (1347, 1, 8, 8)
    assert held_out.shape == (450, 1, 8, 8)
    assert len(classes) == 1347
    assert len(wanted) == 450
    assert (float(held_out.min()), float(held_out.max())) == (-1.0, 1.0)


def test_the_small_models_rows():
    from reduced_precision import TRAINED_HEADER, trained_rows

    _, rows = trained_rows(1)
    assert [row[0] for row in rows][0 :: len(rows) - 1] == ["ours", "int8"]
    assert all(len(row) == len(TRAINED_HEADER) for row in rows)
    assert all(0 <= float(row[1]) <= 1 for row in rows)
    # The rounded logits are near the exact ones.
    assert all(abs(float(row[3]) - float(rows[0][3])) < 0.1 for row in rows)


def test_operations_of_packed_maps_and_of_fused_attention_are_counted():
    from side_by_side import counted
    from torch.nn import functional as F

    from perceivers.inference.packed_map import PackedMap
    from perceivers.nn.token_structure import AffineMap

    packed = PackedMap(AffineMap(torch.randn(32, 7)))
    inputs = torch.randn(5, 7)
    heads = torch.randn(1, 2, 11, 3)
    with torch.inference_mode():
        assert counted(lambda: packed(inputs))[0] == 2 * 5 * 7 * 32
        assert counted(lambda: packed(inputs, torch.zeros(5, 32)))[0] == 2 * 5 * 7 * 32
        attended = counted(lambda: F.scaled_dot_product_attention(heads, heads, heads))[0]
    assert attended == 2 * 2 * 11 * 11 * (3 + 3)
