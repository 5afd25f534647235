"""A causal model's `step.onnx`, asked token by token: what it keeps goes into the next call."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from perceivers.errors import ShapeError
from perceivers.runtime.session import Session

if TYPE_CHECKING:
    from perceivers.models.generation.writing import Floats, Ids, Mask

STEP = "step"
# Inputs: tokens that are looked at and are no latents; tokens that are; where the first of all these stands.
PREFIX, TOKENS, POSITION = "prefix", "inputs", "position"
# What was kept, in, and what is kept then, out: of the cross-attend, 0, and of each layer, from 1 on.
BEFORE, AFTER = "before_", "after_"
BEFORE_KEYS, BEFORE_VALUES = f"{BEFORE}keys_", f"{BEFORE}values_"
AFTER_KEYS, AFTER_VALUES = f"{AFTER}keys_", f"{AFTER}values_"


class SteppedFile:
    """See `perceivers.models.generation.writing.StepModel`.

    Args:
        session: of the file.
    """

    def __init__(self, session: Session) -> None:
        self._session = session
        self._most: tuple[int, int] | None = None
        self._kept: dict[str, np.ndarray] = {}
        self._position = 0

    def begin(self, ids: Ids, mask: Mask | None, num_latents: int, kept: tuple[int, int] | None) -> Floats:
        """See StepModel; without padding."""
        if mask is not None:
            raise ShapeError("`mask` must be None: prompts that a file writes on after have one length")
        self._most, self._position = kept, 0
        self._kept = {
            name: np.zeros((len(ids), 0, int(sizes[-1])), dtype)
            for name, (dtype, sizes) in self._session.inputs.items()
            if name.startswith(BEFORE)
        }
        return self._scores(ids[:, :-num_latents], ids[:, -num_latents:])

    def go_on(self, ids: Ids) -> Floats:
        """See StepModel."""
        assert self._most is not None
        inputs, latents = self._most
        for name, values in self._kept.items():
            # With the token that comes there are as many as may be kept.
            most = (inputs if name in (f"{BEFORE_KEYS}0", f"{BEFORE_VALUES}0") else latents) - 1
            self._kept[name] = values[:, max(values.shape[1] - most, 0) :]
        return self._scores(ids[:, :0], ids)

    def _scores(self, prefix: Ids, ids: Ids) -> Floats:
        given = {PREFIX: prefix, TOKENS: ids, POSITION: np.array([self._position]), **self._kept}
        found = self._session.run(given)
        self._kept = {name: found[name.replace(BEFORE, AFTER, 1)] for name in self._kept}
        self._position += prefix.shape[1] + ids.shape[1]
        last: Floats = found["logits"][:, -1].astype(np.float32)
        return last
