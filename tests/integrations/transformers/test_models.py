"""Each model is a PreTrainedModel of the same name, keys and answers, made of the plain model's own modules."""

from __future__ import annotations

import copy
import inspect
import pickle
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import torch
import transformers
from torch import Tensor
from transformers.utils import ModelOutput

import perceivers
import perceivers.integrations.transformers as integration
from adapted_models import adapted
from perceivers.errors import ConfigurationError
from tiny_models import CLASSES, INPUTS, TINY


def same(one: Any, other: Any, tolerance: float = 0.0) -> bool:
    if isinstance(one, Mapping):
        return list(one) == list(other) and all(same(one[key], other[key], tolerance) for key in one)
    if isinstance(one, Tensor):
        return torch.allclose(one, other, atol=tolerance, rtol=tolerance)
    return len(one) == len(other) and all(same(a, b, tolerance) for a, b in zip(one, other, strict=True))


def asked(model: Any, task: str, **options: Any) -> Any:
    torch.manual_seed(3)
    with torch.no_grad():
        return model(INPUTS[task](2), **options)


def test_every_class_of_the_page_is_there_under_its_name():
    theirs = {
        name
        for name in dir(transformers)
        if name.startswith("Perceiver") and issubclass_of_model(getattr(transformers, name))
    }
    assert len(theirs) == 10
    # One is the base of layers that are no models of their own.
    assert theirs - set(integration.__all__) == {"PerceiverLayer"}
    assert issubclass(integration.PerceiverForMaskedLM, transformers.PreTrainedModel)


def issubclass_of_model(found: Any) -> bool:
    return isinstance(found, type) and issubclass(found, torch.nn.Module)


def test_a_model_answers_as_the_plain_one_under_the_same_keys(task):
    model = adapted(task)
    torch.manual_seed(0)
    plain = getattr(perceivers, CLASSES[task])(perceivers.PerceiverConfig(**TINY)).eval()
    assert list(model.state_dict()) == list(plain.state_dict())
    said, expected = asked(model, task), asked(plain, task)
    assert isinstance(said, ModelOutput)
    assert type(said).__name__ == type(expected).__name__
    assert tuple(said.keys()) == expected.keys()
    assert same(said.logits, expected.logits)
    assert inspect.signature(type(model).forward) == inspect.signature(type(plain).forward)


def test_both_arithmetics_of_attention_give_the_same(task):
    model = adapted(task)
    assert model.config._attn_implementation == "sdpa"
    fused = asked(model, task, output_hidden_states=True)
    model.set_attn_implementation("eager")
    assert model.config._attn_implementation == "eager"
    layers = [module for module in model.modules() if hasattr(module, "implementation")]
    assert layers
    assert {layer.implementation for layer in layers} == {"eager"}
    plain = asked(model, task, output_hidden_states=True)
    assert same(plain.logits, fused.logits, 1e-5)
    assert same(plain.hidden_states, fused.hidden_states, 1e-5)
    assert adapted(task, attn_implementation="eager").config._attn_implementation == "eager"


def test_switches_of_the_configuration_count_after_construction():
    model = adapted("sequence_classification", attn_implementation="eager")
    model.config.output_hidden_states = True
    model.config.output_attentions = True
    said = asked(model, "sequence_classification")
    assert len(said.hidden_states) == 2 * 2
    assert len(said.cross_attentions) == 2
    model.config.return_dict = False
    assert isinstance(asked(model, "sequence_classification"), tuple)
    model.config.problem_type = "regression"
    model.config.return_dict = True
    targets = torch.zeros(2, 3)
    said = asked(model, "sequence_classification", labels=targets)
    torch.testing.assert_close(said.loss, said.logits.square().mean())


def test_a_checkpoint_goes_through_either_library(task, tmp_path):
    model = adapted(task)
    model.save_pretrained(tmp_path)
    expected = asked(model, task).logits
    made = type(model)
    again, report = made.from_pretrained(tmp_path, output_loading_info=True)
    assert not report["missing_keys"]
    assert not report["unexpected_keys"]
    assert same(asked(again, task).logits, expected)
    plain = getattr(perceivers, CLASSES[task]).from_pretrained(tmp_path)
    assert same(asked(plain, task).logits, expected)
    plain.save_pretrained(tmp_path / "plain")
    assert same(asked(made.from_pretrained(tmp_path / "plain"), task).logits, expected)


def test_what_a_checkpoint_lacks_is_drawn_and_listed(tmp_path):
    adapted("masked_lm").save_pretrained(tmp_path)
    made = integration.PerceiverForSequenceClassification
    torch.manual_seed(0)
    model, report = made.from_pretrained(tmp_path, output_loading_info=True)
    assert report["missing_keys"]
    assert all(key.startswith("perceiver.decoder") for key in report["missing_keys"])
    drawn = {key: value for key, value in model.state_dict().items() if key in report["missing_keys"]}
    assert all(value.isfinite().all() for value in drawn.values())
    norms = [value for key, value in drawn.items() if key.endswith("layernorm.weight")]
    assert norms
    assert all((value == 1).all() for value in norms)
    kept = adapted("masked_lm").state_dict()
    assert torch.equal(
        model.state_dict()["perceiver.embeddings.latents"], kept["perceiver.embeddings.latents"]
    )
    base = integration.PerceiverModel.from_pretrained(tmp_path, ignore_mismatched_sizes=True)
    assert torch.equal(base.embeddings.latents, kept["perceiver.embeddings.latents"])


def test_weights_come_from_memory_too():
    model = adapted("image_conv")
    again = type(model).from_pretrained(None, config=model.config, state_dict=model.state_dict())
    assert same(asked(again, "image_conv").logits, asked(model, "image_conv").logits)


def test_a_stem_that_transformers_wrote_is_turned_for_the_other_arithmetic(tmp_path):
    model = adapted("image_conv")
    model.config.conv_kernel_order = "width_height"
    model.save_pretrained(tmp_path)
    (name,) = [key for key in model.state_dict() if key.endswith("convnet.conv.weight")]
    turned = type(model).from_pretrained(tmp_path, fidelity="deepmind")
    assert turned.config.hidden_act == "gelu_pytorch_tanh"
    assert turned.config.conv_kernel_order == turned.plain.config.conv_kernel_order == "height_width"
    assert torch.equal(turned.state_dict()[name], model.state_dict()[name].transpose(-1, -2))
    plain = perceivers.PerceiverForImageClassificationConvProcessing.from_pretrained(
        tmp_path, fidelity="deepmind"
    )
    assert same(asked(turned, "image_conv").logits, asked(plain, "image_conv").logits)


def test_copies_pickles_and_replicas_hold_together(task):
    model = adapted(task)
    expected = asked(model, task).logits
    for other in (copy.deepcopy(model), pickle.loads(pickle.dumps(model))):
        assert other.plain is not model.plain
        assert other.plain._modules is other._modules
        assert same(asked(other, task).logits, expected)
    replica = model._replicate_for_data_parallel()
    assert replica.plain._modules is replica._modules
    assert replica._modules is not model._modules


def test_a_module_that_is_replaced_is_replaced_in_the_plain_model():
    model = adapted("masked_lm")
    model.embedding_decoder = torch.nn.Identity()
    assert isinstance(model.plain.embedding_decoder, torch.nn.Identity)
    assert model.train().plain.training
    assert not model.eval().plain.training


def test_a_trained_model_of_the_library_is_adapted_without_a_copy():
    torch.manual_seed(0)
    plain = perceivers.PerceiverForMaskedLM(perceivers.PerceiverConfig(**TINY, favourite="blue"))
    model = integration.adapt(plain)
    assert isinstance(model, integration.PerceiverForMaskedLM)
    assert model.plain is plain
    assert model.training
    assert model.config.favourite == "blue"
    assert model.perceiver is plain.perceiver
    before = plain.state_dict()["embedding_decoder.bias"].clone()
    assert torch.equal(before, model.state_dict()["embedding_decoder.bias"])


def test_what_cannot_be_adapted_is_named():
    with pytest.raises(ConfigurationError, match=r"`plain` must be one of PerceiverModel, .*received Linear"):
        integration.adapt(torch.nn.Linear(2, 3))
    with pytest.raises(ConfigurationError, match="`plain` must be a PerceiverForMaskedLM, received"):
        integration.PerceiverForMaskedLM.around(adapted("image_conv").plain)
    with pytest.raises(ConfigurationError, match=r"`config` must be a perceivers\.integrations"):
        integration.PerceiverModel(transformers.PerceiverConfig())


def test_the_answers_of_any_columns_are_a_model_output(tmp_path):
    config = integration.PerceiverConfig(
        **TINY,
        modalities={"numbers": {"type": "number", "num_columns": 3, "out_channels": 7}},
        answers={"kind": {"type": "class", "id2label": {0: "a", 1: "b"}}},
    )
    torch.manual_seed(0)
    model = integration.PerceiverForPrediction(config).eval()
    numbers = torch.randn(2, 3)
    said = model(numbers, labels=torch.tensor([0, 1]))
    assert isinstance(said, ModelOutput)
    assert said.loss.isfinite()
    model.save_pretrained(tmp_path)
    again = integration.PerceiverForPrediction.from_pretrained(tmp_path)
    assert same(again(numbers).logits, said.logits)


def test_the_verbs_of_the_plain_model_are_within_reach():
    model = adapted("masked_lm")
    ids = INPUTS["masked_lm"](2)
    with torch.no_grad():
        rows = model.decode(model.encode(ids), positions=torch.tensor([3, 5]))
        assert same(rows, model(ids).logits[:, [3, 5]], 1e-5)
        assert same(model.prepare()(ids).logits, model(ids).logits, 1e-4)


def test_tables_of_tokens_grow_where_there_are_some():
    model = adapted("masked_lm")
    assert model.resize_token_embeddings(37, pad_to_multiple_of=4).num_embeddings == 40
    assert model.config.vocab_size == 40
    assert asked(model, "masked_lm").logits.shape == (2, 11, 40)
    with pytest.raises(ConfigurationError, match="has no table of tokens"):
        adapted("image_conv").resize_token_embeddings(37)


def test_nothing_of_transformers_changes_on_import(tmp_path: Path):
    adapted("masked_lm").save_pretrained(tmp_path)
    assert type(transformers.AutoConfig.from_pretrained(tmp_path)) is transformers.PerceiverConfig
    assert "optical-flow" not in transformers.pipelines.get_supported_tasks()
