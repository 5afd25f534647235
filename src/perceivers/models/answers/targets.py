"""The targets of each answer, from whatever form the labels of a batch have."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from perceivers.configuration_answers import SEVERAL_MEMBERS, AnswerDescription
from perceivers.errors import ShapeError
from perceivers.models.answers.choice import AnswerChoice
from perceivers.models.losses import IGNORED_LABEL


def targets_by_answer(
    labels: Any, answers: Mapping[str, AnswerDescription], choice: AnswerChoice, asked: Sequence[str]
) -> dict[str, Tensor]:
    """Name -> targets, as `perceivers.models.answers.losses.answer_losses` takes them.

    Args:
        labels: a mapping with some of the names; the targets alone where one answer is asked for; one number a sample
            [batch] where each has an answer of its own.
        answers: every answer of the model.
        choice: what is asked.
        asked: names of the answers that have samples.

    Raises:
        ShapeError: targets of answers that nobody asks for, or that cannot be told apart.
    """
    if isinstance(labels, Mapping):
        if unknown := sorted(set(labels) - set(asked)):
            raise ShapeError(f"`labels` must name answers of {list(asked)}, received {unknown}")
        return dict(labels)
    if not isinstance(labels, Tensor) or (choice.own is None and len(asked) > 1):
        raise ShapeError(
            f"`labels` must be a mapping with some of {list(asked)}, received {type(labels).__name__}"
        )
    if choice.own is None:
        return {asked[0]: labels}
    if labels.shape != choice.own.shape:
        raise ShapeError(f"`labels` must have shape {list(choice.own.shape)}, received {list(labels.shape)}")
    own = choice.own.to(labels.device)
    return {
        name: _as_own_target(name, answers[name], labels[own == choice.all_names.index(name)])
        for name in asked
    }


def _as_own_target(name: str, answer: AnswerDescription, numbers: Tensor) -> Tensor:
    """Class ids and members as whole numbers, and numbers as numbers, where they share a tensor."""
    if answer.type == "number":
        return numbers if numbers.is_floating_point() else numbers.to(torch.float32)
    if answer.type in ("labels", SEVERAL_MEMBERS):
        raise ShapeError(
            f"`labels` must be a mapping where the answer {name!r}, of type {answer.type!r}, is asked for: a sample has "
            "several"
        )
    if not numbers.is_floating_point():
        return numbers
    known = ~torch.isnan(numbers)
    if not bool((numbers == numbers.round())[known].all()):
        what = "numbers of entities" if answer.selects else "class ids"
        raise ShapeError(f"`labels` must be {what} for the answer {name!r}, received {numbers.tolist()}")
    return torch.where(known, numbers, torch.full_like(numbers, IGNORED_LABEL)).long()
