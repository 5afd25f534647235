"""Models reach their fast form through what is registered, and load the package that registers it when they must."""

from __future__ import annotations

import pytest
import torch

import perceivers
from forked import finished, run_fresh
from perceivers.models import fast_form

PROGRAM = """
import sys
from {module} import {name}
from perceivers import PerceiverConfig
model = {name}(PerceiverConfig(num_latents=3, d_latents=8, d_model=5, num_self_attends_per_block=1,
    num_self_attention_heads=1, num_cross_attention_heads=1))
assert "perceivers.inference" not in sys.modules
print(type(model.prepare()).__name__)
"""


@pytest.mark.parametrize(
    ("module", "name"), [("perceivers", "PerceiverModel"), ("perceivers.models.perceiver", "PerceiverModel")]
)
def test_a_model_that_was_imported_alone_has_its_fast_form(module, name):
    program = PROGRAM.format(module=module, name=name)
    received = finished(run_fresh, program)
    assert received.returncode == 0, received.stderr
    assert received.stdout.strip() == "PreparedModel"


def test_what_is_registered_last_is_called_with_the_model_and_every_option(monkeypatch):
    calls = []
    monkeypatch.setattr(fast_form, "_registered", [])
    fast_form.register(lambda model, **options: 1)
    fast_form.register(lambda model, **options: calls.append((model, options)) or 2)
    config = perceivers.PerceiverConfig(
        num_latents=3, d_latents=8, d_model=5, num_self_attends_per_block=1, num_cross_attention_heads=1
    )
    with torch.device("meta"):
        model = perceivers.PerceiverModel(config)
    assert model.prepare(chunk_size=7) == 2
    ((received, options),) = calls
    assert received is model
    assert options == {
        "consume": False,
        "max_memory": None,
        "chunk_size": 7,
        "progress": None,
        "quantize": None,
        "dtype": None,
    }
