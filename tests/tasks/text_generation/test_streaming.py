"""A run writes on and shows the text as it comes; what it shows is what it answers."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
import torch

from perceivers.configuration import PerceiverConfig
from perceivers.errors import ConfigurationError
from perceivers.models.causal_language_modeling import PerceiverForCausalLM
from perceivers.processors.events import EventVocabulary
from perceivers.processors.tokenizer.byte_tokenizer import PerceiverTokenizer
from perceivers.tasks.base import Parts
from perceivers.tasks.fill_mask.task import FillMask
from perceivers.tasks.text_generation.options import TextGenerationArguments
from perceivers.tasks.text_generation.streaming import stream
from perceivers.tasks.text_generation.task import TextGeneration


def run_of(processor, num_ids, **given):
    torch.manual_seed(5)
    arguments = TextGenerationArguments(
        size="usual",
        context=11,
        num_latents=5,
        latent_channels=8,
        embedding_channels=8,
        num_layers=1,
        num_heads=2,
        max_new_tokens=23,
        **given,
    )
    model = PerceiverForCausalLM(PerceiverConfig(**arguments.config_values(), vocab_size=num_ids)).eval()
    torch.nn.init.normal_(model.lm_head.weight)
    return SimpleNamespace(
        task=TextGeneration(arguments), parts=Parts(model, processor), prepared=model.prepare()
    )


def test_what_is_shown_is_what_is_written() -> None:
    run = run_of(PerceiverTokenizer(), 262)
    pieces: list[str] = []
    answer = stream(run, "abc", pieces.append, seed=3, temperature=1.5)
    assert "".join(pieces) == answer.values["written"]
    assert len(pieces) > 1
    assert stream(run, "abc", pieces.append, seed=4, temperature=1.5).values != answer.values
    assert stream(run, "abc", pieces.append, max_new_tokens=2).values["tokens"] == 2


def test_events_are_shown_as_numbers() -> None:
    run = run_of(EventVocabulary(range(60, 70)), 13, event_column="notes")
    pieces: list[str] = []
    answer = stream(run, "60 61", pieces.append)
    assert "".join(pieces).split() == answer.values["written"].split()
    assert set(answer.values["written"].split()) <= {str(each) for each in range(60, 70)}


def test_other_runs_do_not_write() -> None:
    with pytest.raises(
        ConfigurationError, match="`folder` must be a run of text-generation, received one of fill-mask"
    ):
        stream(SimpleNamespace(task=FillMask()), "a", print)
