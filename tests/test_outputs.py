"""Outputs read as objects, as mappings and as tuples, and leave out what is None."""

from __future__ import annotations

import copy
import dataclasses
import pickle

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.utils import _pytree as pytree

from perceivers.outputs import (
    Encoded,
    EncoderOutput,
    PerceiverClassifierOutput,
    PerceiverDecoderOutput,
    PerceiverMaskedLMOutput,
    PerceiverModelOutput,
)

FIELDS = {
    PerceiverModelOutput: (
        "logits",
        "last_hidden_state",
        "hidden_states",
        "attentions",
        "cross_attentions",
    ),
    PerceiverMaskedLMOutput: ("loss", "logits", "hidden_states", "attentions", "cross_attentions"),
    PerceiverClassifierOutput: ("loss", "logits", "hidden_states", "attentions", "cross_attentions"),
    PerceiverDecoderOutput: ("logits", "cross_attentions"),
    EncoderOutput: ("last_hidden_state", "hidden_states", "attentions", "cross_attentions"),
}
classes = pytest.mark.parametrize("output_class", list(FIELDS))


def filled(output_class, names=None):
    names = FIELDS[output_class] if names is None else names
    several = ("hidden_states", "attentions", "cross_attentions")
    return output_class(
        **{
            name: (torch.full((2,), float(place)), torch.zeros(3))
            if name in several
            else torch.full((2,), float(place))
            for place, name in enumerate(names)
        }
    )


@classes
def test_fields_have_the_published_order(output_class):
    assert tuple(entry.name for entry in dataclasses.fields(output_class)) == FIELDS[output_class]
    assert filled(output_class).keys() == FIELDS[output_class]


@pytest.mark.parametrize("name", ["Model", "MaskedLM", "Classifier", "Decoder"])
def test_keys_and_tuples_are_those_of_transformers(name):
    from transformers.models.perceiver import modeling_perceiver

    import perceivers

    class_name = f"Perceiver{name}Output"
    ours = filled(getattr(perceivers, class_name))
    theirs = getattr(modeling_perceiver, class_name)(**dict(ours.items()))
    assert tuple(theirs.keys()) == ours.keys()
    assert all(one is other for one, other in zip(theirs.to_tuple(), ours.to_tuple(), strict=True))
    assert list(theirs) == list(ours)
    assert len(theirs) == len(ours)


@given(data=st.data(), output_class=st.sampled_from(list(FIELDS)))
def test_attribute_key_index_slice_and_tuple_give_the_same(data, output_class):
    present = [name for name in FIELDS[output_class] if data.draw(st.booleans(), label=name)]
    output = filled(output_class, present)
    assert output.keys() == tuple(present)
    assert list(output) == present
    assert len(output) == len(present)
    values = tuple(getattr(output, name) for name in present)
    for same in (output.to_tuple(), output.values(), output[:], tuple(value for _, value in output.items())):
        assert all(one is other for one, other in zip(same, values, strict=True))
    for place, name in enumerate(present):
        assert output[name] is output[place] is output.get(name) is getattr(output, name)
        assert output[place - len(present)] is output[name]
        assert name in output
    start, stop = data.draw(st.tuples(st.integers(-6, 6), st.integers(-6, 6)))
    assert all(one is other for one, other in zip(output[start:stop], values[start:stop], strict=True))
    assert dict(**output).keys() == set(present)


@classes
def test_what_is_none_is_absent_but_still_an_attribute(output_class):
    output = output_class()
    assert output.to_tuple() == ()
    assert len(output) == 0
    for name in FIELDS[output_class]:
        assert getattr(output, name) is None
        assert name not in output
        assert output.get(name) is None
        assert output.get(name, 7) == 7
        with pytest.raises(KeyError, match=name):
            output[name]
    with pytest.raises(IndexError):
        output[0]


def test_names_that_are_no_fields_are_absent():
    output = filled(PerceiverModelOutput)
    assert "loss" not in output
    assert "to_tuple" not in output
    assert output.get("to_tuple", 3) == 3
    with pytest.raises(KeyError, match="to_tuple"):
        output["to_tuple"]


@classes
def test_an_output_is_a_tree_of_its_tensors(output_class):
    output = filled(output_class, FIELDS[output_class][-2:])
    leaves, structure = pytree.tree_flatten(output)
    assert all(isinstance(leaf, torch.Tensor) for leaf in leaves)
    doubled = pytree.tree_unflatten([leaf * 2 for leaf in leaves], structure)
    assert type(doubled) is output_class
    assert doubled.keys() == output.keys()
    paths, _ = pytree.tree_flatten_with_path(output)
    assert next(path[0].key for path, _ in paths) == FIELDS[output_class][-2]
    for one, other in zip(pytree.tree_leaves(doubled), leaves, strict=True):
        assert torch.equal(one, other * 2)


def test_logits_by_name_are_part_of_the_tree():
    output = PerceiverClassifierOutput(logits={"b": torch.ones(2), "a": torch.zeros(3)})
    negated = pytree.tree_map(torch.neg, output)
    assert list(negated.logits) == ["b", "a"]
    assert torch.equal(negated.logits["b"], -torch.ones(2))


def test_outputs_can_be_copied_and_pickled():
    output = filled(PerceiverMaskedLMOutput, ["loss", "logits"])
    for copied in (copy.deepcopy(output), pickle.loads(pickle.dumps(output)), copy.copy(output)):
        assert type(copied) is PerceiverMaskedLMOutput
        assert copied.keys() == ("loss", "logits")
        assert torch.equal(copied.logits, output.logits)


@classes
def test_a_mapping_of_fields_makes_an_output_again(output_class):
    output = filled(output_class, FIELDS[output_class][:2])
    again = output_class(dict(output.items()))
    assert again.keys() == output.keys()
    assert all(one is other for one, other in zip(again.values(), output.values(), strict=True))
    assert type(output)(output).keys() == output.keys()
    assert output_class({}).keys() == ()


def test_logits_by_name_stay_logits_even_where_a_modality_has_a_fields_name():
    by_modality = {"logits": torch.zeros(3)}
    assert PerceiverDecoderOutput(logits=by_modality).logits is by_modality
    assert PerceiverModelOutput({"image": torch.ones(2)}).logits["image"].tolist() == [1, 1]
    assert PerceiverModelOutput(by_modality, None).logits is by_modality


def test_fields_can_be_set_by_name():
    output = filled(PerceiverMaskedLMOutput, ["logits"])
    output["loss"] = torch.tensor(7.0)
    assert output.loss == output[0] == 7
    assert output.keys() == ("loss", "logits")
    output["loss"] = None
    assert output.keys() == ("logits",)
    with pytest.raises(KeyError, match=r"PerceiverMaskedLMOutput has the fields loss, logits, .*'losses'"):
        output["losses"] = torch.tensor(7.0)


def test_code_that_goes_through_mappings_goes_through_outputs():
    from accelerate.utils import convert_to_fp32

    output = PerceiverClassifierOutput(
        logits={"a": torch.ones(2, dtype=torch.bfloat16)}, hidden_states=(torch.ones(3, dtype=torch.float16),)
    )
    converted = convert_to_fp32(output)
    assert type(converted) is PerceiverClassifierOutput
    assert converted.logits["a"].dtype is converted.hidden_states[0].dtype is torch.float32


def test_an_output_has_no_other_fields():
    with pytest.raises(TypeError, match="losses"):
        PerceiverModelOutput(losses=torch.zeros(1))


def test_what_was_encoded_needs_latents_alone():
    encoded = Encoded(torch.zeros(2, 3, 5))
    others = [entry.name for entry in dataclasses.fields(Encoded) if entry.name != "latents"]
    assert [getattr(encoded, name) for name in others] == [None] * len(others)
