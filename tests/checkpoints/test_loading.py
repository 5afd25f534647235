"""Loading fills any module that has a configuration and starting values, whatever class it is made of."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from perceivers.checkpoints.locating import HubOptions
from perceivers.checkpoints.pretrained import load_pretrained


class Sizes:
    """A configuration that is none of ours."""

    fidelity = "transformers"
    attn_implementation = "sdpa"

    def __init__(self, size=3, **unused):
        self.size, self.dtype, self.conv_kernel_order = size, None, "height_width"

    def validate(self):
        assert self.size > 0

    def set_fidelity(self, fidelity):
        self.fidelity = fidelity

    def to_dict(self):
        return {"size": self.size}

    @classmethod
    def from_dict(cls, values, **overrides):
        return cls(**{**values, **overrides})

    @classmethod
    def from_json_file(cls, path, **overrides):
        return cls.from_dict(json.loads(Path(path).read_text()), **overrides)


class Net(nn.Module):
    """A module that is none of ours."""

    config_class = Sizes
    base_model_prefix = "base"

    def __init__(self, config):
        super().__init__()
        self.config = config
        self.first = nn.Linear(config.size, 5)
        self.second = nn.Linear(5, 2, bias=False)

    def initialize_parameters(self, names=None):
        state = self.state_dict(keep_vars=True)
        with torch.no_grad():
            for name in names:
                state[name].fill_(7.0)


def test_a_module_of_anothers_making_is_filled_and_what_is_missing_drawn(tmp_path):
    (tmp_path / "config.json").write_text(json.dumps({"size": 11}))
    stored = {"base.first.weight": torch.randn(5, 11), "base.first.bias": torch.randn(5)}
    save_file(stored, tmp_path / "model.safetensors")
    with pytest.warns(UserWarning, match=r"missing from the checkpoint \(1\):\n  second\.weight"):
        model, match = load_pretrained(
            Net,
            tmp_path,
            config=None,
            hub=HubOptions(),
            dtype=None,
            device=None,
            device_map=None,
            fidelity=None,
            conv_kernel_order=None,
            ignore_mismatched_sizes=False,
            strict=False,
            extra={},
        )
    assert torch.equal(model.first.weight, stored["base.first.weight"])
    assert torch.equal(model.first.bias, stored["base.first.bias"])
    assert torch.equal(model.second.weight, torch.full((2, 5), 7.0))
    assert match.missing == ("second.weight",)
    assert not model.training
