"""The benchmark of exported models: what its table says, and that its sides run the same network."""

from __future__ import annotations


def test_gains_are_against_the_plain_layers_of_the_same_program():
    from export import table_of

    rows = [
        {"job": "flow", "form": form, "program": program, "seconds": seconds, "memory": 2**20, "error": 0.0}
        for form, program, seconds in (
            ("plain", "torch", 6.0),
            ("plain", "onnxruntime", 8.0),
            ("fast", "torch", 2.0),
            ("fast", "onnxruntime", 4.0),
        )
    ]
    gains = [line.split("|")[5].strip() for line in table_of(rows).splitlines()[2:]]
    # onnxruntime first: 8 / 8 and 8 / 4, then 6 / 6 and 6 / 2.
    assert [float(gain.rstrip("x")) for gain in gains] == [1.0, 2.0, 1.0, 3.0]


def test_both_forms_in_torch_give_the_same():
    from export import side_of

    plain, fast = (side_of("text", form, "torch", "", 0)() for form in ("plain", "fast"))
    assert plain.shape == (1, 10)
    assert (plain - fast).abs().max() <= 1e-4 * plain.abs().max()
