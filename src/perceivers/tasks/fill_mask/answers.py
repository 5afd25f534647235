"""Filling the gaps of a text: the likeliest bytes, other guesses, and their probabilities."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any, cast

import torch
from torch import Tensor

from perceivers.errors import DataError
from perceivers.kinds.text.batches import padded_rows, row_of_texts
from perceivers.kinds.text.windows import window_bounds
from perceivers.kinds.text.words import Span, bytes_of
from perceivers.processors.tokenizer.byte_codec import FIRST_BYTE_ID, NUM_IDS
from perceivers.processors.tokenizer.byte_tokenizer import PerceiverTokenizer
from perceivers.tasks.base import Prediction
from perceivers.tasks.fill_mask.prompts import Prompt

NUM_ALTERNATIVES = 5
# Guesses that are looked at for those that are UTF-8.
NUM_GUESSES = 64


def fill(model: Any, tokenizer: PerceiverTokenizer, prompt: Prompt) -> Prediction:
    """Fill every gap of a text. All gaps are guessed at once, and all bytes of a gap: none knows of the others' guesses.

    Args:
        model: a masked language model, prepared.
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
            gaps += [_guesses(rows) for rows in scores.split(sizes)]
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


def likeliest_rows(log_probabilities: Tensor, count: int) -> list[tuple[float, tuple[int, ...]]]:
    """The likeliest sequences of independent choices.

    Args:
        log_probabilities: [num_choices, num_values].
        count: how many sequences.

    Returns:
        (log probability, one value a choice), falling; fewer where there are not so many.
    """
    rows: list[tuple[float, tuple[int, ...]]] = [(0.0, ())]
    for choice in log_probabilities:
        top = choice.topk(min(count, choice.numel()))
        best = list(zip(top.values.tolist(), top.indices.tolist(), strict=True))
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
) -> Tensor:
    """Logarithm of the probability of every byte at every place of the gaps, [num_places, 256], in float64."""
    ids, mask = padded_rows(tokenizer, [row_of_texts(tokenizer, piece)], [0])
    places = torch.tensor(bytes_of(list(gaps))) + 1  # behind [CLS]
    ids[0, places] = cast("int", tokenizer.mask_token_id)
    logits = model(inputs=ids.to(model.device), attention_mask=mask.to(model.device), positions=places).logits
    # A gap is filled with bytes; what the model gives to [SEP] and its like is left out.
    return logits[0, :, FIRST_BYTE_ID:NUM_IDS].cpu().double().log_softmax(dim=-1)


def _guesses(log_probabilities: Tensor) -> dict[str, float]:
    """Texts for one gap with their probabilities, falling; those that are no UTF-8 only where there is nothing else."""
    rows = likeliest_rows(log_probabilities, NUM_GUESSES)
    texts: dict[str, float] = {}
    for total, row in rows:
        try:
            texts[bytes(row).decode("utf-8")] = float(torch.tensor(total).double().exp())
        except UnicodeDecodeError:
            continue
        if len(texts) == NUM_ALTERNATIVES:
            break
    if not texts:
        total, row = rows[0]
        texts[bytes(row).decode("utf-8", errors="replace")] = float(torch.tensor(total).double().exp())
    return texts


def _between(prompt: Prompt) -> list[str]:
    """The text before the first gap, between gaps, and behind the last one."""
    borders = [0, *(at for gap in prompt.gaps for at in gap), len(prompt.text)]
    outside = list(pairwise(borders))[::2]
    return [prompt.text[start:end].decode("utf-8", errors="replace") for start, end in outside]
