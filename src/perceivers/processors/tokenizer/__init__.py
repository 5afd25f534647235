"""Texts to the ids of their bytes and back: the tokenizer of the text models."""

from __future__ import annotations

from perceivers.processors.tokenizer.added_tokens import AddedToken
from perceivers.processors.tokenizer.batch_encoding import BatchEncoding
from perceivers.processors.tokenizer.byte_tokenizer import PerceiverTokenizer

__all__ = ["AddedToken", "BatchEncoding", "PerceiverTokenizer"]
