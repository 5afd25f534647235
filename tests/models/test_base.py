from __future__ import annotations

import pytest
import torch
from torch import nn

from perceivers.configuration import PerceiverConfig
from perceivers.errors import ConfigurationError, ShapeError
from perceivers.models.base import PerceiverPreTrainedModel


class Latents(nn.Module):
    def __init__(self, config):
        super().__init__()
        self.latents = nn.Parameter(torch.empty(config.num_latents, config.d_latents))


class Layer(nn.Module):
    gradient_checkpointing = False


class Inner(PerceiverPreTrainedModel):
    def __init__(self, config):
        super().__init__(config)
        self.embeddings = Latents(config)
        self.words = nn.Embedding(11, 2)
        self.layers = nn.ModuleList([Layer(), Layer()])
        self.initialize_parameters()


class Outer(PerceiverPreTrainedModel):
    def __init__(self, config):
        super().__init__(config)
        self.perceiver = Inner(config)
        self.drawn_inside = self.perceiver.embeddings.latents.detach().clone()
        self.head = nn.Linear(7, 3)
        self.initialize_new_parameters()


class Bare(PerceiverPreTrainedModel):
    def __init__(self, config):
        super().__init__(config)
        self.head = nn.Linear(7, 3)


@pytest.fixture
def config():
    return PerceiverConfig(num_latents=5, d_latents=7, initializer_range=0.25)


@pytest.fixture
def model(config):
    return Outer(config)


def test_the_names_that_transformers_users_rely_on(model):
    assert model.base_model_prefix == "perceiver"
    assert model.main_input_name == "inputs"
    assert model.config_class is PerceiverConfig


def test_a_model_is_built_from_a_configuration_only():
    with pytest.raises(
        ConfigurationError, match=r"`config` must be a PerceiverConfig, received str; use Inner\.from"
    ):
        Inner("deepmind/language-perceiver")


def test_the_base_model_of_a_base_model_is_itself(model):
    assert model.base_model is model.perceiver
    assert model.perceiver.base_model is model.perceiver


def test_device_and_type_are_the_parameters(model, config):
    assert (model.device, model.dtype) == (torch.device("cpu"), torch.float32)
    assert model.to(torch.bfloat16).dtype is torch.bfloat16
    with torch.device("meta"):
        assert Outer(config).device.type == "meta"


def test_parameters_are_counted(model):
    # latents 5 x 7, table 11 x 2, head 3 x 7 + 3
    assert model.num_parameters() == 35 + 22 + 24
    assert model.num_parameters(exclude_embeddings=True) == 35 + 24
    model.head.requires_grad_(False)
    assert model.num_parameters(only_trainable=True) == 35 + 22
    assert model.num_parameters(only_trainable=True, exclude_embeddings=True) == 35


def test_input_embeddings_are_the_latents(model):
    assert model.get_input_embeddings() is model.perceiver.embeddings.latents
    assert model.perceiver.get_input_embeddings() is model.get_input_embeddings()
    model.set_input_embeddings(torch.ones(5, 7))
    assert isinstance(model.perceiver.embeddings.latents, nn.Parameter)
    assert model.get_input_embeddings().sum() == 35
    own = nn.Parameter(torch.zeros(5, 7))
    model.set_input_embeddings(own)
    assert model.get_input_embeddings() is own


def test_latents_of_another_shape_are_refused(model):
    with pytest.raises(ShapeError, match=r"`value` must have shape \[5, 7\], received \[7, 5\]"):
        model.set_input_embeddings(torch.ones(7, 5))


def test_a_model_without_latents_says_so(config):
    with pytest.raises(ConfigurationError, match="Bare has no latent array"):
        Bare(config).get_input_embeddings()


def test_gradient_checkpointing_is_switched_in_every_layer(model):
    assert not model.is_gradient_checkpointing
    model.gradient_checkpointing_enable()
    assert model.is_gradient_checkpointing
    assert all(layer.gradient_checkpointing for layer in model.perceiver.layers)
    model.gradient_checkpointing_disable()
    assert not model.is_gradient_checkpointing
    model.gradient_checkpointing_enable(gradient_checkpointing_kwargs={"use_reentrant": False})
    assert model.is_gradient_checkpointing


def test_gradient_checkpointing_refuses_what_it_would_ignore(model, config):
    for unusable in ({"use_reentrant": True}, {"preserve_rng_state": False}):
        with pytest.raises(ConfigurationError, match="`gradient_checkpointing_kwargs` may hold"):
            model.gradient_checkpointing_enable(unusable)
    with pytest.raises(ConfigurationError, match="Bare has no layer that can recompute"):
        Bare(config).gradient_checkpointing_enable()


def test_a_wrapping_model_draws_only_what_is_new(model):
    assert torch.equal(model.perceiver.embeddings.latents, model.drawn_inside)
    assert model.head.bias.tolist() == [0, 0, 0]


def test_latents_are_drawn_with_the_configured_range(model):
    latents = model.get_input_embeddings()
    assert 0 < latents.abs().max() <= 2 * 0.25


def test_construction_is_repeatable_under_a_seed(config):
    torch.manual_seed(3)
    first = Outer(config).state_dict()
    torch.manual_seed(3)
    second = Outer(config).state_dict()
    assert all(torch.equal(first[key], second[key]) for key in first)


def test_named_parameters_are_drawn_again_and_others_kept(model):
    before = {key: tensor.clone() for key, tensor in model.state_dict().items()}
    model.initialize_parameters(["head.weight"])
    changed = [key for key, tensor in model.state_dict().items() if not torch.equal(tensor, before[key])]
    assert changed == ["head.weight"]


def test_names_that_do_not_exist_are_refused(model):
    with pytest.raises(
        ConfigurationError, match="`names` must be keys of the state dict of Outer, received tail"
    ):
        model.initialize_parameters(["head.weight", "tail"])
