"""`latents_as_keys`: every look of the encoder has it, decoders do not; saved where given, plain in the fast form."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from perceivers import PerceiverBasicDecoder, PerceiverConfig, PerceiverForCausalLM, PerceiverModel
from perceivers.errors import ConfigurationError

SMALL: dict[str, Any] = {
    "num_latents": 3,
    "d_latents": 12,
    "d_model": 12,
    "num_self_attends_per_block": 2,
    "num_self_attention_heads": 3,
    "num_cross_attention_heads": 2,
    "attention_probs_dropout_prob": 0.0,
}


def small(decoder: bool = False, **changes: Any) -> PerceiverModel:
    config = PerceiverConfig(**{**SMALL, "latents_as_keys": True, **changes})
    head = PerceiverBasicDecoder(
        config, 5, output_index_dims=7, trainable_position_encoding_kwargs={"index_dims": 7}
    )
    model = PerceiverModel(config, decoder=head if decoder else None).eval()
    for values in model.parameters():
        values.data.normal_(std=0.3)
    return model


def test_latents_get_other_values_and_keys_of_checkpoints_stay() -> None:
    model, inputs = small(num_cross_attends=2, decoder=True), torch.randn(2, 11, 12)
    without = small(num_cross_attends=2, decoder=True, latents_as_keys=None)
    without.load_state_dict(model.state_dict())
    ours, theirs = model(inputs, output_attentions=True), without(inputs, output_attentions=True)
    assert [each.shape[-1] for each in ours.cross_attentions] == [14, 14, 3]
    assert [each.shape[-1] for each in theirs.cross_attentions] == [11, 11, 3]
    assert not torch.allclose(ours.logits, theirs.logits, atol=1e-3)


def test_the_key_is_saved_where_it_is_given_alone(tmp_path: Path) -> None:
    assert "latents_as_keys" not in PerceiverConfig().to_dict()
    model, inputs = small(), torch.randn(2, 11, 12)
    model.save_pretrained(tmp_path)
    again = PerceiverModel.from_pretrained(tmp_path)
    assert again.config.latents_as_keys is True
    assert torch.equal(again(inputs).last_hidden_state, model(inputs).last_hidden_state)


@pytest.mark.parametrize("changes", [{}, {"num_cross_attends": 2, "cross_attend_inputs": "parts"}])
@pytest.mark.parametrize("memory", [None, 2**20])
def test_the_fast_form_is_equal_and_says_which_part_is_plain(
    changes: dict[str, Any], memory: int | None
) -> None:
    model, inputs = small(decoder=True, **changes), torch.randn(5, 1999, 12)
    mask = torch.arange(1999) < torch.tensor([[1999], [1700], [1500], [1999], [1000]])
    prepared = model.prepare(max_memory=memory)
    assert "`latents_as_keys`" in prepared.plain_parts["cross_attention"]
    expected = model(inputs, mask).logits
    assert torch.allclose(prepared(inputs, mask).logits, expected, atol=2e-5)


def test_the_same_weights_run_unfused() -> None:
    model, inputs = small(), torch.randn(2, 11, 12)
    mask = torch.arange(11).expand(2, -1) < 9
    other = small(attn_implementation="eager")
    other.load_state_dict(model.state_dict())
    expected = model(inputs, mask).last_hidden_state
    assert torch.allclose(other(inputs, mask).last_hidden_state, expected, atol=1e-5)


def test_causal_models_and_other_channels_refuse_it() -> None:
    with pytest.raises(ConfigurationError, match="`latents_as_keys` must not be set for a causal model"):
        PerceiverForCausalLM(PerceiverConfig(**SMALL, latents_as_keys=True))
    with pytest.raises(ConfigurationError, match=r"`latents_as_keys` needs inputs .* \(12\)"):
        small(d_model=8)
    with pytest.raises(ConfigurationError, match="`latents_as_keys` must be True or False, received 1"):
        PerceiverConfig(latents_as_keys=1)
