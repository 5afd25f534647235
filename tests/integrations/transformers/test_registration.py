"""Transformers' Auto classes know the library's models while they are registered, and not before or after."""

from __future__ import annotations

import shutil

import pytest
import transformers

import perceivers.integrations.transformers as integration
from adapted_models import adapted
from perceivers import PerceiverTokenizer
from perceivers.errors import ConfigurationError


def known() -> tuple[list[str], type, list[int]]:
    mappings = (
        transformers.AutoModel,
        transformers.AutoModelForMaskedLM,
        transformers.AutoModelForImageClassification,
    )
    return (
        transformers.pipelines.get_supported_tasks(),
        type(transformers.AutoConfig.for_model("perceiver")),
        [len(mapping._model_mapping._extra_content) for mapping in mappings],
    )


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    place = tmp_path_factory.mktemp("masked_lm")
    adapted("masked_lm").save_pretrained(place)
    return place


def test_our_configuration_gives_our_models_and_theirs_stays():
    before = known()
    with integration.register():
        model = transformers.AutoModelForMaskedLM.from_config(adapted("masked_lm").config)
        assert type(model) is integration.PerceiverForMaskedLM
        assert type(transformers.AutoConfig.for_model("perceiver")) is transformers.PerceiverConfig
        assert "optical-flow" in transformers.pipelines.get_supported_tasks()
    assert known() == before
    assert before[1] is transformers.PerceiverConfig


def test_a_replaced_model_type_gives_our_models_of_any_checkpoint(folder, tmp_path):
    before = known()
    with integration.register(replace=True):
        assert (
            type(transformers.AutoModelForMaskedLM.from_pretrained(folder))
            is integration.PerceiverForMaskedLM
        )
        adapted("image_conv").save_pretrained(tmp_path)
        found = transformers.AutoModelForImageClassification.from_pretrained(tmp_path)
        assert type(found) is integration.PerceiverForImageClassificationConvProcessing
    assert known() == before
    assert type(transformers.AutoConfig.from_pretrained(folder)) is transformers.PerceiverConfig


def test_an_error_inside_takes_it_back_too():
    before = known()
    with pytest.raises(RuntimeError, match="elsewhere"), integration.register(replace=True):
        raise RuntimeError("elsewhere")
    assert known() == before


def test_it_lasts_until_it_is_undone():
    before = known()
    registration = integration.register()
    try:
        assert known() != before
        with pytest.raises(ConfigurationError, match="registered already: undo the first registration"):
            integration.register(replace=True)
        assert known()[1] is transformers.PerceiverConfig
    finally:
        registration.undo()
    registration.undo()
    assert known() == before


def test_transformers_own_function_finds_everything_in_a_folder(folder, tmp_path):
    shutil.copytree(folder, tmp_path / "whole")
    PerceiverTokenizer(model_max_length=11).save_pretrained(tmp_path / "whole")
    with integration.register(replace=True):
        pipe = transformers.pipeline("fill-mask", str(tmp_path / "whole"), device="cpu")
        assert type(pipe.model) is integration.PerceiverForMaskedLM
        assert pipe.tokenizer("ab").input_ids == [4, 103, 104, 5]
