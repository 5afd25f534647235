"""The mean of the latents as the answer to every query."""

from __future__ import annotations

import pytest
import torch

from perceivers.decoders.asked_for import ask_for
from perceivers.decoders.mean import PerceiverMeanDecoder
from perceivers.errors import ShapeError
from perceivers.outputs import Encoded

LATENTS = torch.tensor([[[1.0, 2.0], [3.0, 6.0]], [[0.0, 0.0], [1.0, -1.0]], [[5.0, 5.0], [5.0, 5.0]]])


def test_every_task_is_answered_by_the_mean():
    decoder = PerceiverMeanDecoder(4)
    encoded = Encoded(LATENTS)
    queries = decoder.build_queries(encoded)
    answered = decoder.attend(queries.tokens, LATENTS, output_attentions=True)
    assert answered.logits.shape == (3, 4, 2)
    assert answered.logits[:, 3].tolist() == [[2.0, 4.0], [0.5, -0.5], [5.0, 5.0]]
    assert answered.cross_attentions[0].shape == (3, 1, 4, 2)
    assert answered.cross_attentions[0].unique().tolist() == [0.5]
    assert list(decoder.parameters()) == []


@pytest.mark.parametrize(("positions", "count"), [([3, 1], 2), ([[0], [1], [2]], 1)])
def test_only_what_is_asked_for_is_answered(positions, count):
    decoder = PerceiverMeanDecoder(4)
    asked = ask_for(positions=positions)
    assert decoder.num_outputs(Encoded(LATENTS), asked) == count
    assert decoder.build_queries(Encoded(LATENTS), asked).tokens.shape == (3, count, 0)
    assert decoder.build_queries(Encoded(LATENTS), asked, slice(0, 1)).tokens.shape[1] == 1


def test_there_are_no_other_tasks():
    with pytest.raises(ShapeError, match=r"must be in \[0, 3\]"):
        PerceiverMeanDecoder(4).build_queries(Encoded(LATENTS), ask_for(positions=[4]))
