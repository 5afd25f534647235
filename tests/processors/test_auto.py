"""The saved class name decides which processor is loaded."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import transformers

from perceivers.errors import CheckpointError
from perceivers.processors.auto import AutoImageProcessor, AutoTokenizer
from perceivers.processors.image.fast import PerceiverImageProcessorFast
from perceivers.processors.image.pillow import PerceiverImageProcessor
from perceivers.processors.tokenizer import PerceiverTokenizer


def write(folder: Path, name: str, content: object) -> None:
    (folder / name).write_text(json.dumps(content), encoding="utf-8")


def test_a_saved_tokenizer_is_found(tmp_path: Path):
    PerceiverTokenizer(padding_side="left").save_pretrained(tmp_path)
    tokenizer = AutoTokenizer.from_pretrained(tmp_path, model_max_length=7)
    assert type(tokenizer) is PerceiverTokenizer
    assert (tokenizer.padding_side, tokenizer.model_max_length) == ("left", 7)


def test_processors_may_be_in_a_folder_of_the_folder(tmp_path: Path):
    PerceiverTokenizer(padding_side="left").save_pretrained(tmp_path / "part")
    PerceiverImageProcessor(size={"height": 23, "width": 23}).save_pretrained(tmp_path / "part")
    assert AutoTokenizer.from_pretrained(tmp_path, subfolder="part").padding_side == "left"
    assert AutoImageProcessor.from_pretrained(tmp_path, subfolder="part").size["width"] == 23


@pytest.mark.parametrize("use_fast", [None, True, False])
def test_there_is_one_byte_tokenizer(use_fast: bool | None, tmp_path: Path):
    PerceiverTokenizer().save_pretrained(tmp_path)
    tokenizer = AutoTokenizer.from_pretrained(tmp_path, use_fast=use_fast)
    assert type(tokenizer) is PerceiverTokenizer
    assert tokenizer.init_kwargs == {}


def test_a_tokenizer_saved_by_transformers_is_found(tmp_path: Path):
    transformers.PerceiverTokenizer(pad_token="<pad>").save_pretrained(tmp_path)
    assert AutoTokenizer.from_pretrained(tmp_path).pad_token == "<pad>"


def test_transformers_finds_a_tokenizer_that_was_saved_here(tmp_path: Path):
    PerceiverTokenizer(pad_token="<pad>").save_pretrained(tmp_path)
    tokenizer = transformers.AutoTokenizer.from_pretrained(tmp_path)
    assert type(tokenizer) is transformers.PerceiverTokenizer
    assert tokenizer.pad_token == "<pad>"


def test_a_model_without_tokenizer_files_has_the_default_tokenizer(tmp_path: Path):
    write(tmp_path, "config.json", {"model_type": "perceiver"})
    assert AutoTokenizer.from_pretrained(tmp_path).mask_token_id == 3


def test_a_folder_that_is_no_perceiver_has_no_tokenizer(tmp_path: Path):
    with pytest.raises(
        CheckpointError, match=r"holds neither tokenizer_config.json nor the config.json of a Perceiver"
    ):
        AutoTokenizer.from_pretrained(tmp_path)


def test_another_tokenizer_is_refused(tmp_path: Path):
    write(tmp_path, "tokenizer_config.json", {"tokenizer_class": "BertTokenizer"})
    with pytest.raises(
        CheckpointError, match=r"`tokenizer_class` must be PerceiverTokenizer, .* has 'BertTokenizer'"
    ):
        AutoTokenizer.from_pretrained(tmp_path)


@pytest.mark.parametrize("saved", [PerceiverImageProcessor, PerceiverImageProcessorFast])
@pytest.mark.parametrize(
    ("use_fast", "expected"), [(True, PerceiverImageProcessorFast), (False, PerceiverImageProcessor)]
)
def test_use_fast_chooses_the_backend(saved: type, use_fast: bool, expected: type, tmp_path: Path):
    saved(size={"height": 23, "width": 23}).save_pretrained(tmp_path)
    processor = AutoImageProcessor.from_pretrained(tmp_path, use_fast=use_fast)
    assert type(processor) is expected
    assert processor.size["height"] == 23


@pytest.mark.parametrize(
    "name", ["PerceiverImageProcessor", "PerceiverImageProcessorPil", "PerceiverImageProcessorFast"]
)
def test_without_a_choice_the_saved_backend_is_taken(name: str, tmp_path: Path):
    write(tmp_path, "preprocessor_config.json", {"image_processor_type": name})
    expected = PerceiverImageProcessorFast if name.endswith("Fast") else PerceiverImageProcessor
    assert type(AutoImageProcessor.from_pretrained(tmp_path)) is expected


def test_the_oldest_files_name_a_feature_extractor(tmp_path: Path):
    write(tmp_path, "preprocessor_config.json", {"feature_extractor_type": "PerceiverFeatureExtractor"})
    assert type(AutoImageProcessor.from_pretrained(tmp_path)) is PerceiverImageProcessor


def test_another_image_processor_is_refused(tmp_path: Path):
    write(tmp_path, "preprocessor_config.json", {"image_processor_type": "ViTImageProcessor"})
    with pytest.raises(
        CheckpointError, match=r"`image_processor_type` must be one of .* has 'ViTImageProcessor'"
    ):
        AutoImageProcessor.from_pretrained(tmp_path)


def test_a_folder_without_image_processor_is_refused(tmp_path: Path):
    with pytest.raises(CheckpointError, match="holds no image processor"):
        AutoImageProcessor.from_pretrained(tmp_path)
