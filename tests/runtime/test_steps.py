"""A file that writes on, asked token by token: what it is given at each call, worked out by hand."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
import pytest

from perceivers.errors import ShapeError
from perceivers.runtime.steps import SteppedFile


class Adding:
    """Stands for a session: keeps the tokens themselves, and says their number and where the first stands."""

    inputs: ClassVar[dict[str, Any]] = {
        name: (np.dtype(np.float32), ("batch", "count", 1))
        for name in ("before_keys_0", "before_values_0", "before_keys_1", "before_values_1")
    }

    def __init__(self) -> None:
        self.calls: list[tuple[list[float], list[float], int]] = []

    def run(self, given: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
        latents = given["inputs"][..., None].astype(np.float32)
        tokens = np.concatenate([given["prefix"][..., None].astype(np.float32), latents], axis=1)
        found = {"logits": np.zeros((1, latents.shape[1], 3), np.float64)}
        for name, new in (
            ("keys_0", tokens),
            ("values_0", -tokens),
            ("keys_1", latents),
            ("values_1", -latents),
        ):
            found[f"after_{name}"] = np.concatenate([given[f"before_{name}"], new], axis=1)
        for index in (0, 1):
            assert (given[f"before_keys_{index}"] == -given[f"before_values_{index}"]).all()
        kept = [given[f"before_keys_{index}"].ravel().tolist() for index in (0, 1)]
        self.calls.append((*kept, int(given["position"][0])))
        return found


def ids(*tokens: int) -> np.ndarray:
    return np.array([tokens])


def test_what_is_kept_goes_into_the_next_call_and_the_oldest_go() -> None:
    session: Any = Adding()
    model = SteppedFile(session)
    scores = model.begin(ids(4, 5, 6, 7), None, 2, (5, 3))
    assert (scores.shape, scores.dtype) == ((1, 3), np.float32)
    model.go_on(ids(8))
    model.go_on(ids(9))
    assert session.calls == [([], [], 0), ([4, 5, 6, 7], [6, 7], 4), ([5, 6, 7, 8], [7, 8], 5)]
    model.begin(ids(7, 8), None, 2, (5, 3))
    assert session.calls[-1] == ([], [], 0)


def test_padding_is_refused() -> None:
    session: Any = Adding()
    with pytest.raises(ShapeError, match="prompts that a file writes on after have one length"):
        SteppedFile(session).begin(ids(4, 5), np.array([[False, True]]), 1, None)
