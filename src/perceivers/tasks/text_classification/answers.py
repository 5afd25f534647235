"""Answers for texts that a user gives: typed, in files, in tables; and what each answer looked at."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import Tensor

from perceivers.data.opening import TABLE_FORMATS, find_files, open_table_file
from perceivers.data.tables import require_columns
from perceivers.errors import DataError
from perceivers.kinds.text.batches import padded_rows, row_of_texts
from perceivers.kinds.text.page import MOST_SHOWN
from perceivers.kinds.text.reading import TEXT_SUFFIXES, is_path, read_text_file
from perceivers.tasks.base import Parts, Prediction
from perceivers.tasks.classification import ranked_answers
from perceivers.tasks.text_classification.options import TextClassificationArguments
from perceivers.tasks.text_classification.questions import Question
from perceivers.tasks.text_classification.samples import TextFields

BATCH_SIZE = 64
# Stands between the two texts of a typed pair.
PAIR_MARK = "[SEP]"


@dataclass(frozen=True)
class AskedText:
    """A text, or two, to be answered.

    Args:
        source: the typed text, the file, or the row's name.
        texts: UTF-8.
        task: the only task that is asked for; None for all.
    """

    source: str
    texts: tuple[bytes, ...]
    task: str | None = None


def read_questions(
    inputs: Sequence[str], chosen: TextClassificationArguments, fields: TextFields
) -> list[AskedText]:
    """Read typed texts, text files, folders of text files, and tables.

    Raises:
        DataError: an input cannot be read, is too long, or is no pair where pairs are wanted; the message names it.
    """
    asked: list[AskedText] = []
    for given in inputs:
        if not is_path(given):
            asked.append(_asked(given[:80], given, given.encode("utf-8"), fields))
        elif Path(given).suffix.lower() in TABLE_FORMATS:
            asked += _rows(Path(given), chosen, fields)
        else:
            for path in find_files([given], TEXT_SUFFIXES, "text"):
                asked.append(_asked(str(path), str(path), read_text_file(path), fields))
    return asked


def answer_texts(
    parts: Parts, asked: Sequence[AskedText], questions: Mapping[str, Question], *, has_heads: bool
) -> list[Prediction]:
    """Answer with the exact fast form; the texts that are shown go through the plain model too, which has attention.

    Args:
        parts: of a trained model.
        asked: the texts.
        questions: the model's tasks, in the order of their numbers.
        has_heads: whether the model has a head for each task.

    Returns:
        One prediction a text, or one a text and task where the model has several, in order.
    """
    prepared = parts.model.prepare()
    predictions: list[Prediction] = []
    for begin in range(0, len(asked), BATCH_SIZE):
        chunk = asked[begin : begin + BATCH_SIZE]
        inputs = _inputs(parts, chunk)
        scores = prepared(**inputs).logits
        by_task = scores if has_heads else dict.fromkeys(questions, scores)
        answers = {name: _answers(by_task[name], question) for name, question in questions.items()}
        for row, text in enumerate(chunk):
            if text.task is not None and text.task not in questions:
                raise DataError(
                    f"`{text.source}` has the task {text.task!r}, which is not one of {', '.join(questions)}"
                )
            for number, name in enumerate(questions):
                if text.task not in (None, name):
                    continue
                is_shown = len(predictions) < MOST_SHOWN
                looked = _looked_at(parts, text, number) if is_shown else None
                read = f" {PAIR_MARK} ".join(part.decode("utf-8") for part in text.texts)
                values = {
                    "text": read,
                    **({"task": name} if len(questions) > 1 else {}),
                    **answers[name][row],
                }
                predictions.append(
                    Prediction(text.source, values, {"texts": text.texts, "looked_at": looked})
                )
    return predictions


def attention_of_answer(cross_attentions: Sequence[Tensor], query: int) -> Tensor:
    """Weight that an answer gives each input: its attention to the latents times theirs to the inputs.

    Args:
        cross_attentions: [batch, heads, latents, inputs] of the encoder and [batch, heads, queries, latents] of the decoder.
        query: number of the answer's query.

    Returns:
        [batch, inputs], each row summing to 1.
    """
    encoder, decoder = (weights.mean(dim=1) for weights in cross_attentions[:2])
    return (decoder[:, query : query + 1] @ encoder)[:, 0]


def _inputs(parts: Parts, texts: Sequence[AskedText]) -> dict[str, Tensor]:
    rows = [row_of_texts(parts.processor, *text.texts) for text in texts]
    ids, mask = padded_rows(parts.processor, rows, [0] * len(rows))
    return {"inputs": ids.to(parts.model.device), "attention_mask": mask.to(parts.model.device)}


def _answers(scores: Tensor, question: Question) -> list[dict[str, Any]]:
    if question.answer != "number":
        return ranked_answers(scores, question.names, multi_label=question.answer == "several-labels")
    values = scores[:, 0].double().cpu() * question.scale + question.mean
    return [{"number": float(value)} for value in values]


def _looked_at(parts: Parts, text: AskedText, query: int) -> list[list[float]]:
    """Weight of each byte of each text in an answer."""
    outputs = parts.model(**_inputs(parts, [text]), output_attentions=True)
    weights = attention_of_answer(outputs.cross_attentions, query)[0].cpu()
    found, begin = [], 1  # behind [CLS]
    for part in text.texts:
        found.append(weights[begin : begin + len(part)].tolist())
        begin += len(part) + 1
    return found


def _asked(name: str, source: str, text: bytes, fields: TextFields) -> AskedText:
    parts = [part.strip() for part in text.split(PAIR_MARK.encode())] if len(fields.columns) == 2 else [text]
    if len(parts) != len(fields.columns):
        raise DataError(
            f"`inputs` must be pairs of texts with {PAIR_MARK} between them, received {name!r} with {len(parts)} text"
            f"{'s' if len(parts) > 1 else ''}"
        )
    try:
        return AskedText(source, fields.fit(parts))
    except DataError as error:
        raise DataError(f"`{name}` {error}") from error


def _rows(path: Path, chosen: TextClassificationArguments, fields: TextFields) -> list[AskedText]:
    table = open_table_file(path)
    require_columns(table, *fields.columns)
    task_column = chosen.task_column if chosen.task_column in table.columns else None
    asked = []
    for index in range(len(table)):  # type: ignore[arg-type]
        row = table[index]  # type: ignore[index]
        try:
            texts = fields.read(row, table)
        except DataError as error:
            raise DataError(f"`{table.name(index)}` {error}") from error
        task = None if task_column is None else str(row[task_column])
        asked.append(AskedText(table.name(index), texts, task))
    return asked
