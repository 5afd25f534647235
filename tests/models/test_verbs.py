"""The five verbs in their order, whatever computes them."""

from __future__ import annotations

import pytest
import torch

from perceivers.configuration import PerceiverConfig
from perceivers.errors import ConfigurationError
from perceivers.models.answering import Answering
from perceivers.models.verbs import PerceiverVerbs, or_default, to_dtype
from perceivers.outputs import Encoded, PerceiverDecoderOutput


class Told(PerceiverVerbs, Answering):
    """Parts that say when they are called and with what."""

    dtype = torch.float32

    def __init__(self, decoder):
        super().__init__()
        self.config = PerceiverConfig()
        self.input_preprocessor = self.output_postprocessor = None
        vars(self)["decoder"] = decoder
        self.told = []

    def _preprocess(self, inputs, attention_mask, interpolate_pos_encoding, pos):
        self.told.append(("preprocess", inputs, attention_mask, interpolate_pos_encoding, pos))
        return "tokens"

    def _encode(self, tokens, output_attentions, output_hidden_states):
        self.told.append(("encode", tokens, output_attentions, output_hidden_states))
        return Encoded("latents", cross_attentions=("of tokens",))

    def _answering(self):
        if self.decoder is None:
            raise ConfigurationError("no decoder")
        return self

    def build_queries(self, encoded, question):
        self.told.append(("build queries", encoded.latents, question.asked_for.index_dims))
        return "queries"

    def decode(self, encoded, queries, question):
        self.told.append(("decode", queries, question.output_attentions))
        return "answers"

    def postprocess(self, encoded, answers, question):
        self.told.append(("postprocess", answers))
        return PerceiverDecoderOutput(logits="values", cross_attentions=("of queries",))


def test_forward_is_the_five_verbs_in_order():
    model = Told(decoder="decoder")
    output = model.forward("inputs", "mask", None, True, False, True, output_dims=(3,), pos="pos")
    assert model.told == [
        ("preprocess", "inputs", "mask", True, "pos"),
        ("encode", "tokens", True, False),
        ("build queries", "latents", (3,)),
        ("decode", "queries", True),
        ("postprocess", "answers"),
    ]
    assert (output.logits, output.last_hidden_state) == ("values", "latents")
    assert output.cross_attentions == ("of tokens", "of queries")


def test_without_a_decoder_the_latents_are_all_there_is():
    model = Told(decoder=None)
    assert model.forward("inputs").logits is None
    assert [verb for verb, *_ in model.told] == ["preprocess", "encode"]


def test_encode_is_the_first_two_verbs():
    model = Told(decoder="decoder")
    assert model.encode("inputs", output_hidden_states=True).latents == "latents"
    assert model.told == [
        ("preprocess", "inputs", None, False, None),
        ("encode", "tokens", False, True),
    ]


def test_parts_that_say_nothing_of_the_verbs_are_abstract():
    with pytest.raises(TypeError, match="abstract"):
        PerceiverVerbs()


def test_what_a_caller_said_goes_before_the_default():
    assert or_default(None, True) is True
    assert or_default(False, True) is False


def test_only_numbers_with_a_fraction_take_the_models_type():
    ids, values = torch.tensor([1, 2]), torch.tensor([0.5])
    cast = to_dtype({"ids": ids, "nested": {"values": values}, "name": "x"}, torch.float64)
    assert cast["ids"] is ids
    assert cast["nested"]["values"].dtype == torch.float64
    assert cast["name"] == "x"


def test_a_mask_of_four_axes_hides_what_one_of_two_axes_hides(task, tiny, inputs_of):
    model = tiny(task)
    inputs = inputs_of(task)
    with torch.no_grad():
        shape = model.perceiver.preprocess(inputs)[0].shape[:2]
        counts = torch.arange(shape[0] * shape[1]).reshape(shape) % 3 > 0
        additive = torch.zeros(shape).masked_fill(~counts, torch.finfo(torch.float32).min)
        expected = model(inputs, attention_mask=counts, return_dict=True).logits
        whole = model(inputs, return_dict=True).logits
        for mask in (counts[:, None, None], additive[:, None, None]):
            for form in (model, model.prepare()):
                received = form(inputs, attention_mask=mask).logits
                torch.testing.assert_close(received, expected, atol=1e-5, rtol=1e-4)
    name = next(iter(whole)) if isinstance(whole, dict) else None
    one, other = (whole, expected) if name is None else (whole[name], expected[name])
    assert not torch.allclose(one, other)
