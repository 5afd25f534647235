"""Texts are shown in whole characters."""

from __future__ import annotations

import pytest
import torch

from perceivers.errors import ConfigurationError
from perceivers.models.generation.streaming import TextStreamer


def pieces_of(text, **options):
    pieces = []
    streamer = TextStreamer(bytes, pieces.append, **options)
    streamer.put(torch.tensor([[65, 66]]))
    for byte in text:
        streamer.put(torch.tensor([byte]))
    streamer.end()
    return pieces


def test_characters_appear_when_they_are_whole():
    assert pieces_of("aé€😀b".encode()) == ["a", "é", "€", "😀", "b"]
    assert pieces_of(b"a", skip_prompt=False) == ["AB", "a"]


def test_what_is_no_character_is_shown_as_unknown():
    assert "".join(pieces_of(b"a\xff\xc3b\xe2\x82")) == b"a\xff\xc3b\xe2\x82".decode(errors="replace")


def test_several_texts_are_refused():
    streamer = TextStreamer(bytes, print)
    with pytest.raises(ConfigurationError, match="`streamer` shows one text, received 2: give one prompt"):
        streamer.put(torch.tensor([[1], [2]]))
