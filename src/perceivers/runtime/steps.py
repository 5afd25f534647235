"""A causal model's `step.onnx`, asked token by token: what it keeps goes into the next call."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from perceivers.errors import ShapeError
from perceivers.runtime.session import Session

if TYPE_CHECKING:
    from perceivers.models.generation.writing import Floats, Ids, Mask

STEP = "step"
# Inputs: tokens that are looked at and are no latents; tokens that are; where the first stands; what was kept.
PREFIX, TOKENS, POSITION = "prefix", "inputs", "position"
INPUTS, LATENTS = "before_inputs", "before_latents"
# Outputs beside the scores: what is kept then.
AFTER_INPUTS, AFTER_LATENTS = "after_inputs", "after_latents"


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
        self._kept = {name: self._nothing(name, len(ids)) for name in (INPUTS, LATENTS)}
        return self._scores(ids[:, :-num_latents], ids[:, -num_latents:])

    def go_on(self, ids: Ids) -> Floats:
        """See StepModel."""
        assert self._most is not None
        inputs, latents = self._most
        # With the token that comes there are as many as may be kept.
        self._kept = {
            INPUTS: _last(self._kept[INPUTS], inputs - 1, axis=1),
            LATENTS: _last(self._kept[LATENTS], latents - 1, axis=2),
        }
        return self._scores(ids[:, :0], ids)

    def _scores(self, prefix: Ids, ids: Ids) -> Floats:
        given = {PREFIX: prefix, TOKENS: ids, POSITION: np.array([self._position]), **self._kept}
        found = self._session.run(given)
        self._kept = {INPUTS: found[AFTER_INPUTS], LATENTS: found[AFTER_LATENTS]}
        self._position += prefix.shape[1] + ids.shape[1]
        last: Floats = found["logits"][:, -1].astype(np.float32)
        return last

    def _nothing(self, name: str, batch: int) -> np.ndarray:
        """Nothing kept, at the file's own number of layers and channels."""
        dtype, sizes = self._session.inputs[name]
        *layers, _, _, channels = sizes
        return np.zeros((*map(int, layers), batch, 0, int(channels)), dtype)


def _last(values: np.ndarray, count: int, *, axis: int) -> np.ndarray:
    first = max(values.shape[axis] - count, 0)
    return values[(slice(None),) * axis + (slice(first, None),)]
