"""The tokenizer is Transformers' own in all but speed."""

from __future__ import annotations

import itertools
import logging

import pytest
import torch
import transformers

from perceivers.integrations.transformers import PerceiverTokenizer

TEXTS = ["Ein é", "你[MASK] 😀 and more bytes", ""]
PAIRS = ["", "[CLS]x", "a second text"]


@pytest.fixture(scope="module")
def tokenizers():
    return transformers.PerceiverTokenizer(), PerceiverTokenizer()


def lists(encoded):
    return {
        name: value.tolist() if isinstance(value, torch.Tensor) else value for name, value in encoded.items()
    }


@pytest.mark.parametrize("is_batch", [False, True])
@pytest.mark.parametrize("has_pairs", [False, True])
def test_rows_are_those_of_transformers(tokenizers, is_batch, has_pairs):
    text = TEXTS if is_batch else TEXTS[1]
    pair = (PAIRS if is_batch else PAIRS[1]) if has_pairs else None
    for padding, truncation, length, tensors, special, extras in itertools.product(
        (True, "max_length"),
        (False, True, "only_first"),
        (None, 17),
        (None, "pt"),
        (True, False),
        (None, True),
    ):
        asked = {
            "padding": padding,
            "truncation": truncation,
            "max_length": length if truncation else None,
            "return_tensors": tensors,
            "add_special_tokens": special,
            "return_token_type_ids": extras,
            "return_attention_mask": None if extras else False,
            "return_special_tokens_mask": bool(extras),
            "return_length": bool(extras),
            "split_special_tokens": bool(extras),
        }
        theirs, ours = (lists(tokenizer(text, pair, **asked)) for tokenizer in tokenizers)
        assert ours == theirs, asked


def test_the_rows_are_made_by_the_library(tokenizers, monkeypatch):
    _, ours = tokenizers
    monkeypatch.setattr(
        transformers.PerceiverTokenizer,
        "_tokenize",
        lambda *_: pytest.fail("Transformers' own way was taken"),
    )
    encoded = ours(TEXTS, padding=True, return_tensors="pt")
    assert isinstance(encoded, transformers.BatchEncoding)
    assert ours.batch_decode(encoded.input_ids, skip_special_tokens=True)[0] == "Ein é"


@pytest.mark.parametrize(
    "changed",
    [
        {"extra_special_tokens": ["[NEW]"]},
        {"mask_token": "<mask>"},
        {"pad_token": transformers.AddedToken("[PAD]", lstrip=True)},
        {"split_special_tokens": True},
        {"padding_side": "left", "truncation_side": "left", "model_max_length": 19},
        {"model_input_names": ["input_ids"]},
        {"clean_up_tokenization_spaces": True},
    ],
)
def test_other_settings_are_followed(changed):
    text = ["a  [PAD] [NEW]<mask>[MASK] isn 't x", "short"]
    rows = []
    for made in (transformers.PerceiverTokenizer, PerceiverTokenizer):
        tokenizer = made(**changed)
        encoded = tokenizer(text, padding="max_length", truncation=True, max_length=23)
        rows.append((dict(encoded), tokenizer.batch_decode(encoded["input_ids"])))
    assert rows[0] == rows[1]


def test_tokens_that_are_added_later_count_from_then_on():
    tokenizer = PerceiverTokenizer()
    assert tokenizer.plain is not None
    tokenizer.add_tokens(["bim"])
    assert tokenizer.plain is None
    assert tokenizer("abim")["input_ids"] == [4, 103, 262, 5]
    assert tokenizer.decode([4, 103, 262, 5]) == "[CLS]abim[SEP]"


def test_what_only_transformers_does_is_left_to_it(tokenizers):
    theirs, ours = tokenizers
    assert dict(ours(["a", "bc"], is_split_into_words=True)) == dict(
        theirs(["a", "bc"], is_split_into_words=True)
    )
    asked = {"max_length": 5, "truncation": True, "return_overflowing_tokens": True, "stride": 1}
    assert dict(ours("abcdefg", **asked)) == dict(theirs("abcdefg", **asked))
    assert dict(ours([4, 5, 6])) == dict(theirs([4, 5, 6]))
    with pytest.raises(ValueError, match="must"):
        ours(["a", "b"], ["c"])


def test_long_rows_are_named_by_transformers_own_log(caplog):
    tokenizer = PerceiverTokenizer(model_max_length=5)
    logger = transformers.logging.get_logger("transformers")
    before = transformers.logging.get_verbosity()
    transformers.logging.set_verbosity_warning()
    logger.addHandler(caplog.handler)
    try:
        with caplog.at_level(logging.WARNING):
            tokenizer("abcdefgh")
    finally:
        logger.removeHandler(caplog.handler)
        transformers.logging.set_verbosity(before)
    assert "longer than the specified maximum sequence length" in caplog.text


def test_chats_and_files_are_those_of_transformers(tmp_path):
    tokenizer = PerceiverTokenizer(padding_side="left")
    tokenizer.chat_template = (
        "{% for message in messages %}{{ message['role'] }}: {{ message['content'] }};{% endfor %}"
    )
    chat = [{"role": "user", "content": "hi"}]
    assert tokenizer.apply_chat_template(chat, tokenize=False) == "user: hi;"
    tokenizer.save_pretrained(tmp_path)
    again = PerceiverTokenizer.from_pretrained(tmp_path)
    assert isinstance(again, transformers.PreTrainedTokenizerBase)
    assert again.apply_chat_template(chat, tokenize=False) == "user: hi;"
    assert again.padding_side == "left"
