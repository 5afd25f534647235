"""Names of a file's inputs and outputs: a role, and the modality where there are several."""

from __future__ import annotations

from perceivers.runtime.ports import arguments_of, flattened, named, taken


def test_a_single_array_is_called_by_its_role() -> None:
    given = {"inputs": 1, "attention_mask": 2, "pos": 3}
    assert flattened(given) == {"inputs": 1, "mask": 2, "positions": 3}
    assert arguments_of(flattened(given)) == given


def test_several_are_called_by_role_and_modality() -> None:
    given = {"inputs": {"photo": 1, "price": 2}, "attention_mask": {"photo": 3}, "pos": None}
    assert flattened(given) == {"inputs_photo": 1, "inputs_price": 2, "mask_photo": 3}
    assert arguments_of(flattened(given)) == {
        "inputs": {"photo": 1, "price": 2},
        "attention_mask": {"photo": 3},
    }


def test_what_is_none_has_no_name() -> None:
    assert named("points", None) == {}
    assert named("points", {"sound": None, "film": 5}) == {"points_film": 5}
    assert taken("points", {"latents": 1}) is None
