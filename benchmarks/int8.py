"""`prepare(quantize="int8")` on the language model: how much faster, and what it costs in accuracy.

Run: python benchmarks/int8.py [--repetitions 5] [--steps 400] [--output FILE]

Speed: Transformers, the exact prepared form and the rounded one take turns at the released size, with lively random weights.
Accuracy: how far the rounded logits lie from the exact ones there, as far as random weights can tell; and a small picture
classifier that is trained here, on scikit-learn's digits: its accuracy on those held out, exact and rounded.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from inference_jobs import JOBS
from measuring import circumstances, in_ratio, in_seconds, interleaved, markdown_table, medians, report
from reference_models import RELEASED_MODELS, build_reference
from torch import Tensor
from torch.nn import functional as F

SPEED_HEADER = ["job", "Transformers", "ours", "int8", "int8 / Transformers", "int8 / ours"]
LOSS_HEADER = ["model", "largest error", "mean error", "other byte chosen"]
TRAINED_HEADER = ["model", "accuracy", "accuracy, int8", "other class chosen", "loss", "loss, int8"]
SPEED_JOBS = ("fill-mask, 120 bytes", "fill-mask, 2048 bytes")
BATCH = 64
SMALL_MODEL = {
    "image_size": 8,
    "image_channels": 1,
    "image_projection_channels": 32,
    "position_channels": 32,
    "projected_position_channels": 32,
    "d_model": 64,
    "num_latents": 32,
    "d_latents": 128,
    "num_self_attends_per_block": 4,
    "num_self_attention_heads": 4,
    "num_cross_attention_heads": 1,
    "num_labels": 10,
    "attention_probs_dropout_prob": 0.0,
}


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--repetitions", type=int, default=5, help="how often each side is timed")
    parser.add_argument("--steps", type=int, default=400, help="training steps of the small model")
    parser.add_argument("--small", action="store_true", help="only the classifier")
    parser.add_argument("--output", type=Path, help="file that receives the report, too")
    options = parser.parse_args(arguments)
    described = circumstances()
    speed, losses = ([], []) if options.small else at_released_size(options.repetitions)
    trained = trained_row(options.steps)
    parts = [f'# `prepare(quantize="int8")`: speed and accuracy\n\n{described}']
    if speed:
        parts += [
            markdown_table(SPEED_HEADER, speed),
            "Errors of the int8 logits at the released size, random weights, as parts of the exact ones' largest value and "
            "root mean square:",
            markdown_table(LOSS_HEADER, losses),
        ]
    parts += [
        f"A small classifier, trained here for {options.steps} steps on scikit-learn's digits, on those held out:",
        markdown_table(TRAINED_HEADER, [trained]),
    ]
    report("\n\n".join(parts), options.output)


@torch.inference_mode()
def at_released_size(repetitions: int) -> tuple[list[list[str]], list[list[str]]]:
    """Rows of speed and of errors of the released language model."""
    import perceivers

    reference = build_reference("masked-lm")
    model = perceivers.PerceiverForMaskedLM(perceivers.PerceiverConfig(**RELEASED_MODELS["masked-lm"].config))
    model.load_state_dict(reference.state_dict())
    exact, rounded = model.eval().prepare(), model.prepare(quantize="int8")
    speed, losses = [], []
    for name in SPEED_JOBS:
        job, inputs = JOBS[name], JOBS[name].inputs()
        sides = {
            "theirs": lambda job=job, inputs=inputs: job.theirs(reference, inputs),
            "ours": lambda job=job, inputs=inputs: job.ours(exact, inputs),
            "int8": lambda job=job, inputs=inputs: job.ours(rounded, inputs),
        }
        seconds = medians(interleaved(sides, repetitions))
        speed.append(
            [
                name,
                *(in_seconds(each) for each in seconds.values()),
                in_ratio(seconds["theirs"], seconds["int8"]),
                in_ratio(seconds["ours"], seconds["int8"]),
            ]
        )
        losses.append([name, *errors(sides["int8"](), sides["ours"]())])
    return speed, losses


def errors(received: Tensor, exact: Tensor) -> list[str]:
    """Cells: largest error, root of the mean squared error, share of places whose largest logit is another one."""
    difference = received - exact
    changed = (received.argmax(-1) != exact.argmax(-1)).float().mean()
    return [
        f"{float(difference.abs().max() / exact.abs().max()):.1e}",
        f"{float(difference.square().mean().sqrt() / exact.square().mean().sqrt()):.1e}",
        f"{float(changed):.2%}",
    ]


def trained_row(steps: int) -> list[str]:
    """A small classifier's accuracy and loss on held-out digits, exact and rounded."""
    import perceivers

    torch.manual_seed(0)
    (pictures, classes), (held_out, wanted) = digits()
    model: Any = perceivers.PerceiverForImageClassificationLearned(perceivers.PerceiverConfig(**SMALL_MODEL))
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3, weight_decay=0.01)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 1e-3, total_steps=max(steps, 2))
    model.train()
    for _ in range(steps):
        some = torch.randint(len(pictures), (BATCH,))
        loss = model(pictures[some], labels=classes[some]).loss
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        schedule.step()
    with torch.inference_mode():
        exact, rounded = (
            prepared(held_out).logits for prepared in (model.eval().prepare(), model.prepare(quantize="int8"))
        )
    accuracies = [f"{float((each.argmax(-1) == wanted).float().mean()):.4f}" for each in (exact, rounded)]
    changed = float((exact.argmax(-1) != rounded.argmax(-1)).float().mean())
    losses = [f"{float(F.cross_entropy(each, wanted)):.4f}" for each in (exact, rounded)]
    name = f"{sum(each.numel() for each in model.parameters()):,} parameters, {len(wanted):,} pictures"
    return [name, *accuracies, f"{changed:.2%}", *losses]


def digits() -> tuple[tuple[Tensor, Tensor], tuple[Tensor, Tensor]]:
    """scikit-learn's 1,797 digits in [-1, 1], [number, 1, 8, 8], and their classes; every fourth one is held out."""
    from sklearn.datasets import load_digits

    values, targets = load_digits(return_X_y=True)
    pictures = torch.tensor(values, dtype=torch.float32).view(-1, 1, 8, 8) / 8 - 1
    classes = torch.tensor(targets, dtype=torch.long)
    is_held_out = torch.arange(len(classes)) % 4 == 0
    return (pictures[~is_held_out], classes[~is_held_out]), (pictures[is_held_out], classes[is_held_out])


if __name__ == "__main__":
    main()
