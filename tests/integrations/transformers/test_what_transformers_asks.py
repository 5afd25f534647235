"""What Transformers' own tests of a model ask, asked of ours: names, gradients, memory, starting values."""

from __future__ import annotations

import pytest
import torch
import transformers

import perceivers.integrations.transformers as integration
from adapted_models import adapted
from tiny_models import CLASSES, INPUTS, TINY


def gradients(model, task, **options):
    model.zero_grad()
    torch.manual_seed(3)
    output = model(INPUTS[task](2), **options)
    logits = output.logits
    values = (
        logits.values() if hasattr(logits, "values") and not isinstance(logits, torch.Tensor) else [logits]
    )
    sum(value.square().mean() for value in values).backward()
    return {
        name: parameter.grad for name, parameter in model.named_parameters() if parameter.grad is not None
    }


def recompute(model, options):
    """Under the name that this release of Transformers has for it."""
    new = getattr(model, "activation_checkpointing_enable", None)
    (new or model.gradient_checkpointing_enable)(options)


def keep(model):
    new = getattr(model, "activation_checkpointing_disable", None)
    (new or model.gradient_checkpointing_disable)()


def calm(task):
    """Without dropout, so that two passes can be compared."""
    return adapted(
        task, attention_probs_dropout_prob=0.0, mask_probabilities={"audio": 0.0, "image": 0.0, "label": 1.0}
    )


@pytest.mark.parametrize("reentrant", [False, True])
def test_recomputed_activations_give_the_same_gradients(task, reentrant):
    model = calm(task).train()
    expected = gradients(model, task)
    recompute(model, {"use_reentrant": reentrant})
    assert any(getattr(module, "gradient_checkpointing", False) for module in model.modules())
    again = gradients(model, task)
    assert again.keys() == expected.keys()
    for name, gradient in expected.items():
        torch.testing.assert_close(again[name], gradient, rtol=1e-4, atol=1e-6)


def test_a_configuration_can_ask_for_recomputing():
    model = adapted("masked_lm", gradient_checkpointing=True)
    assert model.perceiver.encoder.gradient_checkpointing
    keep(model)
    assert not model.perceiver.encoder.gradient_checkpointing


def test_frozen_latents_can_be_made_to_carry_gradients():
    model = adapted("masked_lm")
    model.requires_grad_(False)
    model.enable_input_require_grads()
    assert model(INPUTS["masked_lm"](2)).logits.requires_grad
    model.disable_input_require_grads()
    assert not model(INPUTS["masked_lm"](2)).logits.requires_grad


def test_hidden_states_and_attentions_keep_their_gradients(task):
    model = calm(task).train()
    torch.manual_seed(3)
    output = model(INPUTS[task](2), output_hidden_states=True, output_attentions=True)
    kept = [output.hidden_states[0], output.attentions[0], output.cross_attentions[0]]
    for tensor in kept:
        tensor.retain_grad()
    logits = output.logits
    (logits["image"] if not isinstance(logits, torch.Tensor) else logits).flatten()[0].backward()
    assert all(tensor.grad is not None for tensor in kept)


def test_a_batch_of_one_is_the_row_of_a_batch(task):
    model = adapted(task)
    torch.manual_seed(3)
    inputs = INPUTS[task](2)
    first = {k: v[:1] for k, v in inputs.items()} if isinstance(inputs, dict) else inputs[:1]
    with torch.no_grad():
        whole, alone = model(inputs).logits, model(first).logits
    pairs = [(whole, alone)] if isinstance(whole, torch.Tensor) else [(whole[k], alone[k]) for k in whole]
    for one, other in pairs:
        torch.testing.assert_close(one[:1], other, rtol=1e-4, atol=1e-5)


def test_the_names_that_transformers_looks_for_are_there(task):
    model = adapted(task)
    assert model.main_input_name == "inputs"
    assert model.base_model_prefix == "perceiver"
    assert model.base_model is model.perceiver
    assert model._supports_sdpa
    assert model.supports_gradient_checkpointing
    assert model._can_set_attn_implementation()
    assert not model._can_set_experts_implementation()
    assert not model.can_generate()
    assert not model._keep_in_fp32_modules
    assert not model._keep_in_fp32_modules_strict
    assert model.get_output_embeddings() is None
    assert torch.equal(model.get_input_embeddings(), model.plain.get_input_embeddings())
    assert model.device == torch.device("cpu")
    assert model.dtype == torch.float32
    assert model.num_parameters() == sum(p.numel() for p in model.parameters())
    assert not model.accepts_loss_kwargs


def test_latents_are_replaced_by_their_like():
    model = adapted("masked_lm")
    fresh = torch.nn.Parameter(torch.ones_like(model.get_input_embeddings()))
    model.set_input_embeddings(fresh)
    assert model.get_input_embeddings() is fresh


def test_a_model_without_memory_gets_its_starting_values_later(task):
    made = getattr(integration, CLASSES[task])
    with torch.device("meta"):
        empty = made(integration.PerceiverConfig(**TINY))
    assert {parameter.device.type for parameter in empty.parameters()} == {"meta"}
    empty.to_empty(device="cpu")
    torch.manual_seed(0)
    empty.init_weights()
    assert all(value.isfinite().all() for value in empty.state_dict().values())
    latents = empty.get_input_embeddings()
    assert 0 < latents.abs().max() <= 2 * empty.config.initializer_range + 1e-6


def test_starting_values_are_drawn_once_and_not_again():
    torch.manual_seed(5)
    config = integration.PerceiverConfig(**TINY)
    model = integration.PerceiverForMaskedLM(config)
    torch.manual_seed(5)
    plain = integration.PerceiverForMaskedLM.plain_class(config.plain())
    for name, value in plain.state_dict().items():
        assert torch.equal(model.state_dict()[name], value), name
    before = model.get_input_embeddings().clone()
    model.init_weights()
    assert torch.equal(model.get_input_embeddings(), before)
    table = torch.nn.Linear(7, 5)
    torch.nn.init.constant_(table.bias, 3.0)
    model._init_weights(table)
    assert (table.bias == 0).all()


def test_a_configuration_makes_a_model():
    model = integration.PerceiverForMaskedLM._from_config(
        integration.PerceiverConfig(**TINY), dtype=torch.bfloat16
    )
    assert model.dtype == torch.bfloat16


def test_a_configuration_has_what_transformers_asks_of_one(tmp_path):
    config = integration.PerceiverConfig(**TINY)
    assert isinstance(config, transformers.PreTrainedConfig)
    assert config.get_text_config() is config
    assert config.sub_configs == {}
    assert config.base_model_tp_plan is None
    assert "num_latents" in list(config)
    assert config.to_diff_dict()["num_latents"] == 5
    assert config.to_diff_dict()["conv_kernel_order"] == "height_width"
    assert config.to_diff_dict()["fidelity"] == "transformers"
    config.to_json_file(tmp_path / "config.json")
    assert integration.PerceiverConfig.from_json_file(tmp_path / "config.json").plain() == config.plain()
    config.save_pretrained(tmp_path)
    again = integration.PerceiverConfig.from_pretrained(tmp_path, num_labels=7)
    assert again.num_labels == 7
    assert again.num_latents == 5


def test_a_wrong_value_is_refused_by_the_rules_of_the_library():
    with pytest.raises(ValueError, match="`num_latents` must be"):
        integration.PerceiverConfig(num_latents=0)


def test_half_precision_goes_through(task):
    model = adapted(task).to(torch.bfloat16)
    with torch.no_grad():
        logits = model(INPUTS[task](2)).logits
    values = [logits] if isinstance(logits, torch.Tensor) else list(logits.values())
    assert all(value.dtype == torch.bfloat16 and value.isfinite().all() for value in values)


@pytest.mark.parametrize("way", ["base to head", "head to base"])
def test_base_and_head_load_each_others_weights(way, tmp_path):
    head = adapted("sequence_classification")
    classes = integration.PerceiverModel, type(head)
    torch.manual_seed(5)
    config = head.config
    saved, loaded = classes if way == "base to head" else classes[::-1]
    saved(config).save_pretrained(tmp_path)
    again, told = loaded.from_pretrained(tmp_path, output_loading_info=True)
    kept = saved.from_pretrained(tmp_path).state_dict()
    base = {name.removeprefix("perceiver."): value for name, value in again.state_dict().items()}
    shared = [name for name in kept if name.removeprefix("perceiver.") in base and "decoder" not in name]
    assert len(shared) == len(integration.PerceiverModel(config).state_dict())
    for name in shared:
        assert torch.equal(base[name.removeprefix("perceiver.")], kept[name])
    # What the one has and the other has not, what reads inputs and what decodes, is told.
    differing = told["missing_keys"] if way == "base to head" else told["unexpected_keys"]
    assert differing
    assert all("decoder" in name or "preprocessor" in name for name in differing)
