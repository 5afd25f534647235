"""The losses of all models, as pure functions."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor
from torch.nn import functional as F

from perceivers.errors import ShapeError

IGNORED_LABEL = -100


def masked_language_modeling_loss(logits: Tensor, labels: Tensor) -> Tensor:
    """Mean cross-entropy over the labels that are not -100.

    Args:
        logits: [batch, num_positions, vocab_size].
        labels: whole numbers [batch, length], length at most num_positions; compared with the first `length` positions.
    """
    if labels.ndim != 2 or labels.shape[0] != logits.shape[0] or labels.shape[1] > logits.shape[1]:
        raise ShapeError(
            f"`labels` must have shape [{logits.shape[0]}, at most {logits.shape[1]}], received {list(labels.shape)}"
        )
    require_classes(labels, logits.shape[-1])
    scored = logits[:, : labels.shape[1]]
    return F.cross_entropy(scored.flatten(0, 1), labels.flatten().long(), ignore_index=IGNORED_LABEL)


def next_token_loss(logits: Tensor, targets: Tensor, z_loss_weight: float = 0.0) -> Tensor:
    """Mean cross-entropy over the targets that are not -100, in nats; 0 where none counts.

    Args:
        logits: [batch, num_latents, vocab_size].
        targets: ids [batch, num_latents] of the tokens that follow.
        z_loss_weight: of the squared logarithm of the sum of all exponentials, which keeps scores from drifting (PaLM,
            Chowdhery et al. 2022, section 5; Perceiver AR's code: 1e-4).
    """
    if targets.shape != logits.shape[:2]:
        raise ShapeError(
            f"`targets` must have shape {list(logits.shape[:2])}, received {list(targets.shape)}"
        )
    require_classes(targets, logits.shape[-1])
    scores, flat = logits.float().flatten(0, 1), targets.flatten().long()
    num_counted = (flat != IGNORED_LABEL).sum().clamp(min=1)
    total = F.cross_entropy(scores, flat, ignore_index=IGNORED_LABEL, reduction="sum")
    if z_loss_weight:
        squares = torch.logsumexp(scores, dim=-1).square()
        total = total + z_loss_weight * (squares * (flat != IGNORED_LABEL)).sum()
    return total / num_counted


def classification_loss(
    logits: Tensor, labels: Tensor, num_labels: int, problem_type: str | None = None
) -> Tensor:
    """Loss of class scores or regression targets.

    Args:
        logits: [batch, num_labels].
        labels: class ids [batch]; several labels: 0 or 1 [batch, num_labels], floating point or bool; regression: numbers
            [batch] or [batch, num_labels].
        num_labels: number of classes or targets.
        problem_type: "regression" (mean squared error), "single_label_classification" (cross-entropy) or
            "multi_label_classification" (binary cross-entropy); None infers it: one target is regression, whole-number
            labels are classes, others are several labels.
    """
    kind = problem_type or _infer_problem_type(labels, num_labels)
    if kind == "regression":
        if labels.numel() != logits.numel():
            raise ShapeError(f"`labels` must have shape {list(logits.shape)}, received {list(labels.shape)}")
        return F.mse_loss(*_at_full_precision(logits, labels.reshape(logits.shape)))
    if kind == "single_label_classification":
        if labels.numel() != logits.shape[0]:
            raise ShapeError(f"`labels` must be class ids [{logits.shape[0]}], received {list(labels.shape)}")
        require_classes(labels, num_labels)
        classes = labels.reshape(-1).long()
        return F.cross_entropy(logits.reshape(-1, num_labels), classes, ignore_index=IGNORED_LABEL)
    if labels.shape != logits.shape:
        raise ShapeError(f"`labels` must have shape {list(logits.shape)}, received {list(labels.shape)}")
    return F.binary_cross_entropy_with_logits(logits, labels.to(logits.dtype))


def pointer_loss(logits: Tensor, labels: Tensor, mask: Tensor | None = None) -> Tensor:
    """Loss of the scores of a pointer, see `perceivers.nn.pointer`, at full precision; 0 where no label counts.

    Args:
        logits: [batch, num_queries, num_members], the lowest number of their type where a member may not be selected.
        labels: one member a query: its number, or -100 where there is none, [batch, num_queries]; or [batch], where there is
            one query: the mean cross-entropy. Several: 0 or 1 for each member, bool or floating-point
            [batch, num_queries, num_members], or [batch, num_members], where there is one query: the mean binary
            cross-entropy over the members that may be selected.
        mask: bool [batch, num_members], or [batch, num_queries, num_members]: which members may be selected; None: all.
    """
    batch, queries, members = logits.shape
    allowed = torch.ones_like(logits, dtype=torch.bool)
    if mask is not None:
        allowed = (mask[:, None] if mask.ndim == 2 else mask).expand_as(logits)
    if labels.is_floating_point() or labels.dtype == torch.bool:
        if labels.numel() != logits.numel() or labels.shape not in (logits.shape, (batch, members)):
            raise ShapeError(
                f"`labels` of several members must have shape {[batch, queries, members]}, received {list(labels.shape)}"
            )
        wanted = labels.reshape(logits.shape)
        require_selectable((wanted > 0) & ~allowed)
        scores, targets = _at_full_precision(logits, wanted)
        losses = F.binary_cross_entropy_with_logits(
            torch.where(allowed, scores, torch.zeros_like(scores)), targets, reduction="none"
        )
        return (losses * allowed).sum() / allowed.sum().clamp(min=1)
    if labels.numel() != batch * queries or labels.shape not in ((batch, queries), (batch,)):
        raise ShapeError(
            f"`labels` must be numbers of members {[batch, queries]}, or bool {[batch, queries, members]} for several, "
            f"received {list(labels.shape)} of {labels.dtype}"
        )
    require_classes(labels, members)
    chosen = labels.reshape(batch, queries).long()
    counts = chosen != IGNORED_LABEL
    require_selectable(counts & ~allowed.gather(2, chosen.clamp(min=0)[..., None])[..., 0])
    losses = F.cross_entropy(
        logits.float().flatten(0, 1), chosen.flatten(), ignore_index=IGNORED_LABEL, reduction="sum"
    )
    return losses / counts.sum().clamp(min=1)


def mean_absolute_error(values: Tensor, targets: Tensor) -> Tensor:
    """Mean of |values - targets|, both of the same shape."""
    return F.l1_loss(*_at_full_precision(values, targets))


def end_point_error(
    flow: Tensor, labels: Tensor, target_scale: float, valid_mask: Tensor | None = None
) -> Tensor:
    """Mean Euclidean distance between predicted and true displacements, over valid pixels.

    Args:
        flow: [batch, height, width, 2], in units of `target_scale` pixels.
        labels: [batch, height, width, 2], in pixels; non-finite entries count as invalid.
        target_scale: divides labels.
        valid_mask: bool [batch, height, width], False where there is no truth.
    """
    if labels.shape != flow.shape:
        raise ShapeError(
            f"`labels` must have shape {list(flow.shape)} (a displacement in pixels for every pixel), "
            f"received {list(labels.shape)}"
        )
    valid = torch.isfinite(labels).all(dim=-1)
    if valid_mask is not None:
        if valid_mask.shape != valid.shape:
            raise ShapeError(
                f"`valid_mask` must have shape {list(valid.shape)}, received {list(valid_mask.shape)}"
            )
        valid = valid & valid_mask.to(torch.bool)
    flow, labels = _at_full_precision(flow, labels)
    # Infinity times a zero weight would be NaN, so invalid truths are replaced before they meet the prediction.
    targets = torch.where(valid[..., None], labels, torch.zeros_like(labels)) / target_scale
    difference = torch.where(valid[..., None], flow - targets, torch.ones_like(flow))
    distances = torch.linalg.vector_norm(difference, dim=-1)
    return (distances * valid).sum() / valid.sum().clamp(min=1)


def weighted_sum(losses: Mapping[str, Tensor], weights: Mapping[str, float]) -> Tensor:
    """Sum of the losses, each times its weight (1 where none is given)."""
    if not losses:
        raise ShapeError("`labels` must give a target for at least one modality, received none")
    total: Tensor = torch.stack([loss * weights.get(name, 1.0) for name, loss in losses.items()]).sum()
    return total


def _at_full_precision(values: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
    """Both in float32 at least: in bfloat16 a displacement of 100 pixels is known to half a pixel only."""
    working = torch.promote_types(values.dtype, torch.float32)
    return values.to(working), targets.to(working)


def require_selectable(wrong: Tensor) -> None:
    """ShapeError where a label is a member that may not be selected; not checked while a graph is captured."""
    if torch.compiler.is_compiling() or wrong.is_meta or not bool(wrong.any()):
        return
    place = wrong.nonzero()[0].tolist()
    raise ShapeError(
        f"`labels` must select members that the mask and `choices` allow, received one that they hide at {place}"
    )


def _infer_problem_type(labels: Tensor, num_labels: int) -> str:
    if num_labels == 1:
        return "regression"
    is_class_id = not labels.is_floating_point() and labels.dtype != torch.bool
    return "single_label_classification" if is_class_id else "multi_label_classification"


def require_classes(labels: Tensor, num_classes: int) -> None:
    """ShapeError unless labels are numbers of classes, or -100; their range is not checked while a graph is captured."""
    if labels.is_floating_point() or labels.dtype == torch.bool:
        raise ShapeError(f"`labels` must be whole numbers, received {labels.dtype}")
    if torch.compiler.is_compiling() or labels.is_meta or labels.numel() == 0:
        return
    counted = labels[labels != IGNORED_LABEL]
    if counted.numel() and (int(counted.min()) < 0 or int(counted.max()) >= num_classes):
        raise ShapeError(
            f"`labels` must be in [0, {num_classes - 1}] (or {IGNORED_LABEL}, ignored), "
            f"received labels from {int(counted.min())} to {int(counted.max())}"
        )
