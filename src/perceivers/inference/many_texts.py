"""Many texts of unequal length: texts of like lengths go through the model together, padding is left out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from perceivers.errors import ConfigurationError, ShapeError
from perceivers.inference.budget import Budget
from perceivers.inference.like_lengths import groups_of_like_lengths
from perceivers.inference.prepared import PreparedModel
from perceivers.modalities.text import PerceiverTextPreprocessor

# What a self-attend makes of the latents at the same time: norm, queries, keys, values, the perceptron's inside, the sum.
_ARRAYS_OF_LATENTS = 6


def logits_of_texts(
    model: PreparedModel,
    texts: Sequence[Sequence[int] | Tensor],
    *,
    positions: Sequence[Sequence[int] | Tensor] | None = None,
    batch_size: int | None = None,
) -> list[Any]:
    """What a prepared text model says of each text, as if every text were given to it alone.

    Texts are sorted by length and taken a group at a time. Of a masked language model only a text's own bytes are decoded,
    not all `max_position_embeddings` positions, so that a text's cost follows its length.

    Args:
        model: prepared from a model of texts, such as PerceiverForMaskedLM or PerceiverForSequenceClassification.
        texts: ids of each text, [length], of any lengths from 1 to `max_position_embeddings`; what
            `tokenizer(texts)["input_ids"]` gives.
        positions: of a masked language model: which bytes of each text to decode, [num_positions] each; None: all its bytes.
        batch_size: texts at a time at most; None: as many as the memory allows that the model was prepared for.

    Returns:
        For each text, in the order given: of a masked language model scores [length or num_positions, vocab_size], of a
        classifier [num_labels], of one with several tasks a mapping from task to scores.

    Raises:
        ConfigurationError: `model` is not prepared from a model of texts, `batch_size` is out of range, or there are
            `positions` for a model that decodes none.
        ShapeError: an empty text, a text that is no row of ids, another number of `positions` than of texts, or positions
            outside their text.
    """
    task_model = _text_model(model)
    decodes_bytes = task_model.answers_positions
    if positions is not None and not decodes_bytes:
        raise ConfigurationError(
            f"`positions` must be None for {type(task_model).__name__}, which has one answer a text; "
            "only PerceiverForMaskedLM has one a byte"
        )
    if batch_size is not None and (not isinstance(batch_size, int) or batch_size < 1):
        raise ConfigurationError(
            f"`batch_size` must be a whole number of at least 1, received {batch_size!r}"
        )
    rows = _rows("texts", texts, shortest=1)
    asked = _asked(rows, positions) if decodes_bytes else None
    most = batch_size or _fitting(task_model.perceiver.budget, model)
    answers: list[Any] = [None] * len(rows)
    for group in groups_of_like_lengths([len(row) for row in rows], lambda _: most):
        ids, mask = _padded([rows[index] for index in group], model.device)
        encoded = model.encode(ids, mask)
        if asked is None:
            decoded = model.decode(encoded)
            for row, index in enumerate(group):
                answers[index] = _of_sample(decoded, row)
            continue
        # Answers do not know of each other: what fills the shorter rows changes nothing, and is cut off.
        places, is_asked = _padded([asked[index] for index in group], model.device)
        decoded = model.decode(encoded, positions=places)
        for row, index in enumerate(group):
            answers[index] = decoded[row, is_asked[row]]
    return answers


def _text_model(model: PreparedModel) -> Any:
    """The task model inside, whose inputs are texts."""
    inner = getattr(model, "_model", None)
    preprocessor = getattr(getattr(inner, "perceiver", None), "input_preprocessor", None)
    if not isinstance(model, PreparedModel) or not isinstance(preprocessor, PerceiverTextPreprocessor):
        received = type(inner if isinstance(model, PreparedModel) else model).__name__
        raise ConfigurationError(
            "`model` must be prepared from a model of texts, as PerceiverForMaskedLM(config).prepare() is, "
            f"received {received}"
        )
    return inner


def _fitting(budget: Budget, model: PreparedModel) -> int:
    """Texts whose latents, and what the self-attends make of them, fit into the memory allowed."""
    config = model.config
    return budget.samples(_ARRAYS_OF_LATENTS * config.num_latents * config.d_latents)


def _rows(name: str, values: Sequence[Sequence[int] | Tensor], shortest: int) -> list[Tensor]:
    rows = [torch.as_tensor(each) for each in values]
    for index, row in enumerate(rows):
        is_whole = len(row.shape) == 1 and (row.numel() == 0 or not row.is_floating_point())
        if not is_whole or len(row) < shortest:
            raise ShapeError(
                f"`{name}` must hold rows of {shortest} or more whole numbers [length], received {row.dtype} of shape "
                f"{list(row.shape)} at index {index}"
            )
    return [row.to(torch.int64) for row in rows]


def _asked(rows: Sequence[Tensor], positions: Sequence[Sequence[int] | Tensor] | None) -> list[Tensor]:
    """Positions to decode of each text."""
    if positions is None:
        return [torch.arange(len(row), device=row.device) for row in rows]
    asked = _rows("positions", positions, shortest=0)
    if len(asked) != len(rows):
        raise ShapeError(
            f"`positions` must have one row for each of {len(rows)} texts, received {len(asked)} rows"
        )
    for index, (places, row) in enumerate(zip(asked, rows, strict=True)):
        if bool(((places < 0) | (places >= len(row))).any()):
            raise ShapeError(
                f"`positions` must be in [0, {len(row) - 1}] for a text of {len(row)} bytes, "
                f"received {places.tolist()} at index {index}"
            )
    return asked


def _padded(rows: Sequence[Tensor], device: torch.device) -> tuple[Tensor, Tensor]:
    """Rows of one width [batch, longest], zeros behind them, and a mask that is True where they are."""
    lengths = torch.tensor([len(row) for row in rows])
    padded = torch.nn.utils.rnn.pad_sequence(list(rows), batch_first=True)
    mask = torch.arange(padded.shape[1]) < lengths[:, None]
    return padded.to(device), mask.to(device)


def _of_sample(decoded: Any, row: int) -> Any:
    if isinstance(decoded, Mapping):
        return {name: scores[row] for name, scores in decoded.items()}
    return decoded[row]
