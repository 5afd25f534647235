"""What a run's model, or its exported file, writes on after prompts: how it is asked, and what is said of it."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from perceivers.models.generation.sampling import Sampling
from perceivers.models.generation.writing import Writing, as_sequences, write
from perceivers.processors.events import EventVocabulary
from perceivers.processors.tokenizer.byte_tokenizer import PerceiverTokenizer
from perceivers.tasks.base import Prediction, Unreadable, guarded
from perceivers.tasks.text_generation.codes import Codes, codes_of
from perceivers.tasks.text_generation.options import TextGenerationArguments
from perceivers.tasks.text_generation.prompts import Prompt, read_prompts
from perceivers.tasks.text_generation.reading import events_of


def answers_of_export(
    model: Any,
    arguments: TextGenerationArguments,
    inputs: Sequence[str],
    left_out: list[Unreadable] | None,
) -> list[Prediction]:
    """What an exported model writes, see `perceivers.tasks.registry.TaskEntry.exported`."""
    codes = codes_of(processor_of(Path(model.folder), arguments))

    def answers(prompt: Prompt) -> Iterator[Prediction]:
        writing = writing_of(codes, prompt, arguments)
        written = write(model.stepped(), model.config, ids_of(codes, prompt), None, writing)
        count = int(written.num_new[0])
        start = written.sequences.shape[1] - written.log_probs.shape[1]
        new = written.sequences[0, start : start + count].tolist()
        ended = bool(written.is_stopped[0])
        yield Prediction(prompt.source, said(codes, new, written.log_probs[0, :count], ended), {})

    prompts = read_prompts(inputs, reads_events=arguments.event_column is not None, left_out=left_out)
    return [each for prompt in prompts for each in guarded(prompt.source, answers(prompt), left_out)]


def processor_of(folder: Path, arguments: TextGenerationArguments) -> Any:
    """The tokenizer, or the vocabulary of events, of a run or an export."""
    processor: Any = PerceiverTokenizer if arguments.event_column is None else EventVocabulary
    return processor.from_pretrained(folder)


def ids_of(codes: Codes, prompt: Prompt) -> np.ndarray:
    """A prompt as ids [1, length]."""
    return np.array([[codes.bos_id, *codes.encode(prompt.values).tolist()]])


def writing_of(
    codes: Codes, prompt: Prompt, arguments: TextGenerationArguments, seed: int = 0, **others: Any
) -> Writing:
    """How much is written, and how.

    Args:
        codes: of the run.
        prompt: what is written on; stop sequences are of its kind.
        arguments: of the run.
        seed: of what is drawn.
        others: see Writing.
    """
    own = arguments
    sampling = Sampling(own.temperature, own.top_k, own.top_p, own.repetition_penalty, codes.suppressed)
    stop = as_sequences([codes.eos_id, *stops_of(codes, own.stop, prompt.values.dtype)])
    return Writing(own.max_new_tokens, sampling, stop=stop, seed=seed, cache=own.cache, **others)


def said(codes: Codes, new: Sequence[int], log_probs: np.ndarray, ended: bool) -> dict[str, Any]:
    """What tables say of what was written.

    Args:
        codes: of the run.
        new: the ids that were written; at least one.
        log_probs: natural logarithms of their probabilities.
        ended: whether an end was reached.

    Returns:
        `written`, `tokens` (how many), `bits_per_token` (as the model sees them) and `ended`.
    """
    return {
        "written": codes.shown(new),
        "tokens": len(new),
        "bits_per_token": -float(np.asarray(log_probs, np.float64).mean()) / math.log(2.0),
        "ended": ended,
    }


def stops_of(codes: Codes, given: Sequence[str], dtype: Any) -> list[list[int]]:
    """Stop sequences as ids."""
    values = [
        np.frombuffer(each.encode("utf-8"), dtype=np.uint8)
        if dtype == np.uint8
        else events_of(each, "`stop`")
        for each in given
    ]
    return [codes.encode(each).tolist() for each in values]
