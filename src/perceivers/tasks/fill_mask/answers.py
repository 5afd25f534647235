"""Filling the gaps of a text: the likeliest bytes, other guesses, and their probabilities."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any, cast

import numpy as np

from perceivers.errors import DataError
from perceivers.kinds.text.batches import padded_arrays, row_of_texts
from perceivers.kinds.text.reading import TEXT_SUFFIXES
from perceivers.kinds.text.windows import window_bounds
from perceivers.kinds.text.words import Span, bytes_of
from perceivers.processors.tokenizer.byte_codec import FIRST_BYTE_ID, NUM_IDS
from perceivers.processors.tokenizer.byte_tokenizer import PerceiverTokenizer
from perceivers.tasks.arrays import logits_of
from perceivers.tasks.base import Prediction, Unreadable, guarded
from perceivers.tasks.fill_mask.prompts import Prompt, read_prompts

NUM_ALTERNATIVES = 5
# Guesses that are looked at for those that are UTF-8.
NUM_GUESSES = 64


def filled_inputs(
    model: Any, tokenizer: PerceiverTokenizer, inputs: Sequence[str], left_out: list[Unreadable] | None
) -> list[Prediction]:
    """Fill the gaps of texts, files and folders, see `perceivers.tasks.fill_mask.task.FillMask.predict`."""

    def filled(prompt: Prompt) -> Iterator[Prediction]:
        yield fill(model, tokenizer, prompt)

    return [
        prediction
        for prompt in read_prompts(inputs, TEXT_SUFFIXES, left_out)
        for prediction in guarded(prompt.source, filled(prompt), left_out)
    ]


def answers_of_export(
    model: Any, arguments: Any, inputs: Sequence[str], left_out: list[Unreadable] | None
) -> list[Prediction]:
    """The same by an exported model, see `perceivers.tasks.registry.TaskEntry.exported`."""
    return filled_inputs(model, PerceiverTokenizer.from_pretrained(Path(model.folder)), inputs, left_out)


def fill(model: Any, tokenizer: PerceiverTokenizer, prompt: Prompt) -> Prediction:
    """Fill every gap of a text. All gaps are guessed at once, and all bytes of a gap: none knows of the others' guesses.

    Args:
        model: a masked language model, prepared or exported.
        tokenizer: with the ids that the model knows.
        prompt: the text; where it is longer than the model takes, each gap is guessed from the window that it is in.

    Returns:
        `values` with `filled` (the whole text), `probability` (of all the answers together), and `gaps`: for each its
        `start` in bytes and its `length`, `answer`, `probability`, and `alternatives`, text to probability, falling.
    """
    room = model.config.max_position_embeddings - 2
    gaps = []
    for start, end in _windows(prompt, room):
        inside = [(first - start, last - start) for first, last in prompt.gaps if start <= first < end]
        if inside:
            scores = _log_probabilities(model, tokenizer, prompt.text[start:end], inside)
            sizes = [last - first for first, last in inside]
            gaps += [_guesses(rows) for rows in np.split(scores, np.cumsum(sizes)[:-1])]
    answers = [next(iter(alternatives)) for alternatives in gaps]
    probability = 1.0
    described = []
    for (first, last), answer, alternatives in zip(prompt.gaps, answers, gaps, strict=True):
        probability *= alternatives[answer]
        described.append(
            {
                "start": first,
                "length": last - first,
                "answer": answer,
                "probability": alternatives[answer],
                "alternatives": alternatives,
            }
        )
    pieces = _between(prompt)
    filled = "".join(piece + answer for piece, answer in zip(pieces, [*answers, ""], strict=True))
    values = {"filled": filled, "probability": probability, "gaps": described}
    return Prediction(prompt.source, values, {"pieces": pieces})


def likeliest_rows(log_probabilities: np.ndarray, count: int) -> list[tuple[float, tuple[int, ...]]]:
    """The likeliest sequences of independent choices.

    Args:
        log_probabilities: [num_choices, num_values].
        count: how many sequences.

    Returns:
        (log probability, one value a choice), falling; fewer where there are not so many.
    """
    rows: list[tuple[float, tuple[int, ...]]] = [(0.0, ())]
    for choice in log_probabilities:
        top = np.argsort(-choice, kind="stable")[:count]
        best = list(zip(choice[top].tolist(), top.tolist(), strict=True))
        # No sequence among the `count` likeliest begins with one that is not among the likeliest beginnings.
        longer = [(total + value, (*row, index)) for total, row in rows for value, index in best]
        rows = sorted(longer, key=lambda each: -each[0])[:count]
    return rows


def _windows(prompt: Prompt, room: int) -> list[Span]:
    """The text in pieces that the model takes, none of which ends inside a gap."""
    windows = window_bounds(prompt.text, room)
    for first, last in prompt.gaps:
        if not any(start <= first and last <= end for start, end in windows):
            raise DataError(
                f"`{prompt.source[:80]}` has a gap of {last - first} bytes in a word that is longer than the model takes "
                f"({room} bytes)"
            )
    return windows


def _log_probabilities(
    model: Any, tokenizer: PerceiverTokenizer, piece: bytes, gaps: Sequence[Span]
) -> np.ndarray:
    """Logarithm of the probability of every byte at every place of the gaps, [num_places, 256], in float64."""
    ids, mask = padded_arrays(tokenizer, [row_of_texts(tokenizer, piece)], [0])
    places = np.array(bytes_of(list(gaps)), dtype=np.int64) + 1  # behind [CLS]
    ids[0, places] = cast("int", tokenizer.mask_token_id)
    logits = logits_of(model, inputs=ids, attention_mask=mask, positions=places)
    # A gap is filled with bytes; what the model gives to [SEP] and its like is left out.
    scores = logits[0, :, FIRST_BYTE_ID:NUM_IDS].astype(np.float64)
    scores -= scores.max(axis=-1, keepdims=True)
    found: np.ndarray = scores - np.log(np.exp(scores).sum(axis=-1, keepdims=True))
    return found


def _guesses(log_probabilities: np.ndarray) -> dict[str, float]:
    """Texts for one gap with their probabilities, falling; those that are no UTF-8 only where there is nothing else."""
    rows = likeliest_rows(log_probabilities, NUM_GUESSES)
    texts: dict[str, float] = {}
    for total, row in rows:
        try:
            texts[bytes(row).decode("utf-8")] = math.exp(total)
        except UnicodeDecodeError:
            continue
        if len(texts) == NUM_ALTERNATIVES:
            break
    if not texts:
        total, row = rows[0]
        texts[bytes(row).decode("utf-8", errors="replace")] = math.exp(total)
    return texts


def _between(prompt: Prompt) -> list[str]:
    """The text before the first gap, between gaps, and behind the last one."""
    borders = [0, *(at for gap in prompt.gaps for at in gap), len(prompt.text)]
    outside = list(pairwise(borders))[::2]
    return [prompt.text[start:end].decode("utf-8", errors="replace") for start, end in outside]
