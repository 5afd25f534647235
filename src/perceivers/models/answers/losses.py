"""What is lost by each sample's answer, as pure functions; a sample without a target loses nothing."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional as F

from perceivers.configuration_answers import SEVERAL_MEMBERS, AnswerDescription
from perceivers.errors import ConfigurationError, ShapeError
from perceivers.models.losses import IGNORED_LABEL, require_classes, require_selectable
from perceivers.nn.pointer import is_hidden


def has_target(targets: Tensor, answer: AnswerDescription) -> Tensor:
    """Which samples have a target, bool [batch].

    Args:
        targets: see `answer_losses`.
        answer: what is asked.
    """
    known = ~torch.isnan(targets) if targets.is_floating_point() else targets != IGNORED_LABEL
    if answer.type == "class":
        return known if known.ndim == 1 else known.all(dim=1)
    return known if known.ndim == 1 else known.any(dim=1)


def answer_losses(
    logits: Tensor, targets: Tensor, answer: AnswerDescription, *, label_smoothing: float = 0.0
) -> Tensor:
    """The loss of each sample's answer, [batch], in float32 at least; 0 where there is no target.

    - One class: cross-entropy. Several labels: binary cross-entropy, the mean over the labels that are known.
    - A number: squared error, whose best answer is the mean; or, for quantiles, the mean over them of max(q e, (q - 1) e)
      with e = target - answer (Koenker and Bassett 1978). Take the mean where errors count by their square (RMSE, R2), and
      the quantile 0.5, the median, where they do not (MAE), or where a few targets are far from all others.
    - Members of a set: see `member_losses`.

    Args:
        logits: [batch, num_labels]; of a number [batch], of its quantiles [batch, num_quantiles]; of members
            [batch, num_members]. Or what each query says, with an axis of queries behind the first: the mean over the queries
            of each one's own loss.
        targets: class ids [batch], -100 where there is none, or shares of the classes [batch, num_labels], NaN where there is
            none; labels [batch, num_labels] in [0, 1], bool or floating point, NaN where it is not known; numbers [batch],
            NaN where there is none, in the units that the model is trained on; of members see `member_losses`.
        answer: what is asked.
        label_smoothing: share of each target that is spread evenly: over all classes, or over yes and no of each label.

    Raises:
        ShapeError: targets that do not fit.
        ConfigurationError: `label_smoothing` is out of range, or there are no labels.
    """
    _require_smoothing(label_smoothing, answer)
    _require_targets(logits, targets, answer)
    if answer.selects:
        return member_losses(logits, targets, several=answer.type == SEVERAL_MEMBERS)
    own_axes = 1 if answer.type == "number" and not answer.quantiles else 2
    said = logits if logits.ndim > own_axes else logits[:, None]
    said = said.to(torch.promote_types(said.dtype, torch.float32))
    if answer.type == "class":
        losses = _class_losses(said, targets, label_smoothing)
    elif answer.type == "labels":
        losses = _label_losses(said, targets, label_smoothing)
    else:
        losses = _number_losses(said, targets, answer.quantiles)
    return losses.mean(dim=1)


def mean_loss(losses: Tensor, known: Tensor) -> Tensor:
    """Mean of losses [batch] over the samples that have a target (`known`, bool [batch]); 0, with a gradient, without any."""
    return losses.sum() / known.sum().clamp(min=1)


def margin_losses(logits: Tensor, targets: Tensor, *, label_smoothing: float = 0.0) -> Tensor:
    """The squared hinge loss of each sample's class against each other one, [batch], in float32 at least; 0 without a target.

        mean over the classes c of  p_c max(0, 1 - s_c)^2 + (1 - p_c) max(0, 1 + s_c)^2,

    with the scores s, and p = 1 for the true class, else 0. A class that is told by a margin of 1 is lost sight of, which
    fits texts, of which many n-grams tell the same (the L2-loss of support vector machines; Fan and others 2008, LIBLINEAR).

    Args:
        logits: [batch, num_labels], or [batch, queries, num_labels]: the mean over the queries of each one's own loss.
        targets: class ids [batch], -100 where there is none, or shares of the classes [batch, num_labels], NaN where there
            is none.
        label_smoothing: see `answer_losses`.
    """
    said = logits if logits.ndim > 2 else logits[:, None]
    said = said.to(torch.promote_types(said.dtype, torch.float32))
    count = said.shape[-1]
    if targets.is_floating_point():
        known = ~torch.isnan(targets).any(dim=1)
        shares = torch.where(known[:, None], targets, torch.zeros_like(targets)).to(said.dtype)
    else:
        known = targets != IGNORED_LABEL
        shares = F.one_hot(targets.long().clamp(min=0), count).to(said.dtype)
    shares = (shares * (1 - label_smoothing) + label_smoothing / count)[:, None]
    losses = shares * (1 - said).clamp(min=0).square() + (1 - shares) * (1 + said).clamp(min=0).square()
    return losses.mean(dim=(1, 2)) * known


def member_losses(logits: Tensor, targets: Tensor, *, several: bool) -> Tensor:
    """The loss of each sample's selected members, [batch], in float32 at least; 0 where there is no target.

    One: cross-entropy; 0, too, where the target cannot be selected. Several: binary cross-entropy, the mean over the members
    that may be selected.

    Args:
        logits: [batch, num_members], or of each query [batch, queries, num_members], see `perceivers.nn.pointer`.
        targets: one: numbers of members [batch], -100 where there is none. Several: in [0, 1] for each member
            [batch, num_members], bool or floating point, NaN in a row without a target; further columns mean nothing.
        several: whether any number of members is selected.
    """
    hidden, count = is_hidden(logits), logits.shape[-1]
    said = logits.to(torch.promote_types(logits.dtype, torch.float32))
    if logits.ndim == 2:
        hidden, said = hidden[:, None], said[:, None]
    if several:
        wanted = targets[:, :count].to(said.dtype)
        wanted = F.pad(wanted, (0, count - wanted.shape[1]))
        known = ~torch.isnan(targets).any(dim=1) if targets.shape[1] else targets.new_ones(len(said)).bool()
        counts = ~hidden & known[:, None, None]
        wanted = torch.where(counts, wanted[:, None], 0.0)
        losses = F.binary_cross_entropy_with_logits(torch.where(counts, said, 0.0), wanted, reduction="none")
        return ((losses * counts).sum(dim=-1) / counts.sum(dim=-1).clamp(min=1)).mean(dim=1)
    inside = (targets >= 0) & (targets < count)
    places = torch.where(inside, targets, 0).long()[:, None, None].expand(-1, said.shape[1], 1)
    counts = inside[:, None] & ~hidden.gather(2, places)[..., 0]
    losses = -said.log_softmax(dim=-1).gather(2, places)[..., 0]
    return torch.where(counts, losses, 0.0).mean(dim=1)


def pinball(values: Tensor, targets: Tensor, quantiles: Sequence[float]) -> Tensor:
    """Loss of each quantile [..., num_quantiles], of `targets` [...] against `values` [..., num_quantiles]."""
    errors = targets[..., None] - values
    shares = values.new_tensor(quantiles)
    return torch.maximum(shares * errors, (shares - 1) * errors)


def _class_losses(said: Tensor, targets: Tensor, label_smoothing: float) -> Tensor:
    """[batch, num_queries]."""
    count = said.shape[-1]
    if targets.is_floating_point():
        known = ~torch.isnan(targets).any(dim=1)
        shares = torch.where(known[:, None], targets, torch.zeros_like(targets)).to(said.dtype)
        shares = shares * (1 - label_smoothing) + label_smoothing / count
        return -(shares[:, None] * said.log_softmax(dim=-1)).sum(dim=-1) * known[:, None]
    classes = targets.long()[:, None].expand(-1, said.shape[1])
    losses: Tensor = F.cross_entropy(
        said.flatten(0, 1),
        classes.flatten(),
        ignore_index=IGNORED_LABEL,
        label_smoothing=label_smoothing,
        reduction="none",
    )
    return losses.unflatten(0, classes.shape)


def _label_losses(said: Tensor, targets: Tensor, label_smoothing: float) -> Tensor:
    """[batch, num_queries]."""
    known = ~torch.isnan(targets)
    wanted = torch.where(known, targets, torch.zeros_like(targets)).to(said.dtype)
    wanted = wanted * (1 - label_smoothing) + label_smoothing / 2
    losses = F.binary_cross_entropy_with_logits(said, wanted[:, None].expand_as(said), reduction="none")
    return (losses * known[:, None]).sum(dim=-1) / known.sum(dim=1, keepdim=True).clamp(min=1)


def _number_losses(said: Tensor, targets: Tensor, quantiles: Sequence[float]) -> Tensor:
    """[batch, num_queries]."""
    known = ~torch.isnan(targets)
    wanted = torch.where(known, targets, torch.zeros_like(targets)).to(said.dtype)[:, None]
    if not quantiles:
        return (said - wanted).square() * known[:, None]
    return pinball(said, wanted.expand(said.shape[:2]), quantiles).mean(dim=-1) * known[:, None]


def _require_smoothing(label_smoothing: float, answer: AnswerDescription) -> None:
    if not 0.0 <= label_smoothing < 1.0:
        raise ConfigurationError(
            f"`label_smoothing` must be at least 0 and below 1, received {label_smoothing}"
        )
    if label_smoothing and not answer.id2label:
        what = "a number" if answer.type == "number" else "members of a set"
        raise ConfigurationError(
            f"`label_smoothing` must be 0 for {what}, which has no labels, received {label_smoothing}"
        )


def _require_targets(logits: Tensor, targets: Tensor, answer: AnswerDescription) -> None:
    batch = logits.shape[0]
    by_label = (batch, answer.num_outputs)
    if answer.type == "class" and not targets.is_floating_point():
        if targets.shape != (batch,):
            raise ShapeError(
                f"targets of a class must be class ids [{batch}], received {list(targets.shape)}"
            )
        require_classes(targets, answer.num_outputs)
        return
    if answer.selects:
        _require_members(logits if logits.ndim == 3 else logits[:, None], targets, answer)
        return
    expected = (batch,) if answer.type == "number" else by_label
    if targets.shape != expected:
        raise ShapeError(
            f"targets of an answer of type {answer.type!r} must have shape {list(expected)}, "
            f"received {list(targets.shape)} of {targets.dtype}"
        )


def _require_members(logits: Tensor, targets: Tensor, answer: AnswerDescription) -> None:
    batch, _, members = logits.shape
    hidden = is_hidden(logits[:, 0])
    if answer.type == SEVERAL_MEMBERS:
        if targets.shape != (batch, members):
            raise ShapeError(
                f"targets of an answer of type {answer.type!r} must have shape {[batch, members]}, one for each entity, "
                f"received {list(targets.shape)} of {targets.dtype}"
            )
        require_selectable((targets > 0) & hidden)
        return
    if targets.shape != (batch,):
        raise ShapeError(
            f"targets of an answer of type {answer.type!r} must be numbers of entities [{batch}], received "
            f"{list(targets.shape)}"
        )
    require_classes(targets, members)
    chosen = targets.long().clamp(min=0)
    require_selectable((targets != IGNORED_LABEL) & hidden.gather(1, chosen[:, None])[:, 0])
