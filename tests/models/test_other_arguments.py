"""Arguments of other models: harmless ones change nothing, all others are refused by name."""

from __future__ import annotations

import pytest
import torch

from perceivers import PerceiverTokenizer
from perceivers.errors import ConfigurationError
from perceivers.models.other_arguments import HARMLESS, REFUSED, pass_over


def forward(inputs, attention_mask=None):
    """Nothing: its arguments are what counts."""


def test_harmless_arguments_and_those_that_ask_for_nothing_are_passed_over():
    pass_over({}, forward)
    pass_over(dict.fromkeys(HARMLESS, 7), forward)
    pass_over(dict.fromkeys(REFUSED), forward)
    pass_over({"use_cache": False}, forward)


@pytest.mark.parametrize("name", sorted(REFUSED))
def test_what_is_not_done_is_refused_with_the_reason(name):
    with pytest.raises(ConfigurationError) as caught:
        pass_over({name: torch.ones(2)}, forward)
    assert str(caught.value) == f"`{name}` must be left out, received Tensor: {REFUSED[name]}"


def test_what_nothing_knows_is_refused_with_a_proposal():
    with pytest.raises(
        TypeError, match="forward has no argument `atention_mask`; did you mean `attention_mask`"
    ):
        pass_over({"atention_mask": None}, forward)
    with pytest.raises(TypeError, match=r"forward has no argument `colour`$"):
        pass_over({"colour": 3}, forward)


def test_every_model_knows_what_it_does_not_take(task, tiny):
    model = tiny(task)
    for each in (model, model.perceiver):
        with pytest.raises(TypeError, match=r"forward has no argument `colour`"):
            each(None, colour=3)
        with pytest.raises(ConfigurationError, match="`inputs_embeds` must be left out"):
            each(None, inputs_embeds=torch.ones(2))
        assert each.accepts_loss_kwargs is False


def test_all_that_the_tokenizer_gives_can_be_given_to_a_text_model(tiny):
    model = tiny("sequence_classification", vocab_size=262)
    encoding = PerceiverTokenizer()(
        ["ab", "c"],
        padding=True,
        return_tensors="pt",
        return_token_type_ids=True,
        return_special_tokens_mask=True,
        return_length=True,
    )
    plain = model(encoding["input_ids"], encoding["attention_mask"]).logits
    assert torch.equal(model(**encoding, num_items_in_batch=3, use_cache=None).logits, plain)
    torch.testing.assert_close(model.prepare()(**encoding).logits, plain)
