"""`prepare(dtype="bfloat16")` and `prepare(quantize="int8")`: how much faster, and what they cost in accuracy.

Run: python benchmarks/reduced_precision.py [--jobs "fill-mask, 120 bytes" ...] [--repetitions 3] [--output FILE]

Speed: Transformers, the exact prepared form and the two rounded ones take turns at released sizes, with lively random
weights and one thread; what is compared is processor time, so that other programs of the machine matter less.
Accuracy: how far the rounded outputs lie from the exact ones there, as far as random weights can tell; and a small picture
classifier that is trained here, on scikit-learn's digits: its accuracy on those held out, exact and rounded. A processor
without products of bfloat16 has dashes in their columns.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from inference_jobs import JOBS, build_theirs
from measuring import both_seconds_of, circumstances, in_ratio, in_seconds, markdown_table, medians, report
from reference_models import RELEASED_MODELS
from torch import Tensor
from torch.nn import functional as F

from perceivers.inference.half_precision import missing_products

ROUNDED: Mapping[str, Mapping[str, str]] = {"bfloat16": {"dtype": "bfloat16"}, "int8": {"quantize": "int8"}}
SPEED_HEADER = ["job", "Transformers", "ours", "bfloat16", "int8", "bfloat16 / ours", "int8 / ours"]
ERROR_HEADER = ["job", "form", "largest error", "mean error", "other choice"]
TRAINED_HEADER = ["form", "accuracy", "other class chosen", "loss"]
SPEED_JOBS = (
    "image-learned, batch 1",
    "image-fourier, batch 1",
    "image-conv, batch 1",
    "fill-mask, 120 bytes",
    "fill-mask, 2048 bytes",
    "sequence classification",
    "flow, 368 x 496",
)
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
    parser.add_argument(
        "--jobs", nargs="*", choices=JOBS, default=list(SPEED_JOBS), help="those at released sizes"
    )
    parser.add_argument("--repetitions", type=int, default=3, help="how often each side is timed")
    parser.add_argument("--steps", type=int, default=400, help="training steps of the small model")
    parser.add_argument("--output", type=Path, help="file that receives the report, too")
    options = parser.parse_args(arguments)
    torch.set_num_threads(1)
    described = circumstances()
    speed: list[list[str]] = []
    losses: list[list[str]] = []
    for name in options.jobs:
        row, some = at_released_size(name, options.repetitions)
        print(" | ".join(row), *(" | ".join(each) for each in some), sep="\n", flush=True)
        speed.append(row)
        losses += some
    name, trained = trained_rows(options.steps)
    parts = [
        f'# `prepare(dtype="bfloat16")` and `prepare(quantize="int8")`: speed and accuracy\n\n{described}'
    ]
    if missing_products() is not None:
        parts.append(f"No bfloat16 here: {missing_products()}.")
    if speed:
        parts += [
            markdown_table(SPEED_HEADER, speed),
            "Errors of the rounded outputs, random weights, as parts of the exact ones' largest value and root mean square; "
            "and how often another class or byte has the largest logit:",
            markdown_table(ERROR_HEADER, losses),
        ]
    parts += [
        f"A small classifier ({name}), trained here for {options.steps} steps on scikit-learn's digits, on those held out:",
        markdown_table(TRAINED_HEADER, trained),
    ]
    report("\n\n".join(parts), options.output)


def forms_of(model: Any) -> dict[str, Any]:
    """The exact prepared form, and the rounded ones that this processor has."""
    rounded = {
        name: model.prepare(**arguments)
        for name, arguments in ROUNDED.items()
        if name != "bfloat16" or missing_products() is None
    }
    return {"ours": model.prepare(), **rounded}


@torch.inference_mode()
def at_released_size(name: str, repetitions: int) -> tuple[list[str], list[list[str]]]:
    """A row of speed, and one of errors for each rounded form."""
    import perceivers

    job = JOBS[name]
    reference, inputs = build_theirs(job), job.inputs()
    released = RELEASED_MODELS[job.model]
    model = getattr(perceivers, released.class_name)(perceivers.PerceiverConfig(**released.config))
    model.load_state_dict(reference.state_dict())
    forms = forms_of(model.eval())
    sides: dict[str, Callable[[], Any]] = {
        form: lambda prepared=prepared: job.ours(prepared, inputs) for form, prepared in forms.items()
    }
    exact = sides["ours"]()
    for ours, theirs in job.pairs(exact, job.theirs(reference, inputs)).values():
        assert float((ours - theirs).abs().max() / theirs.abs().max()) < 1e-5
    losses = [[name, form, *errors(sides[form](), exact)] for form in forms if form != "ours"]
    sides = {"theirs": lambda: job.theirs(reference, inputs), **sides}
    turns: dict[str, list[float]] = {form: [] for form in sides}
    for _ in range(repetitions):
        for form, run in sides.items():
            turns[form].append(both_seconds_of(run)[0][1])
    seconds = medians(turns)
    theirs = seconds["theirs"] * job.parts
    times = [in_seconds(theirs), *(in_seconds(seconds.get(form)) for form in ("ours", *ROUNDED))]
    return [name, *times, *(in_ratio(seconds["ours"], seconds.get(form)) for form in ROUNDED)], losses


def errors(received: Tensor, exact: Tensor) -> list[str]:
    """Cells: largest error, root of the mean squared error, share of places whose largest logit is another one."""
    difference = received - exact
    changed = (received.argmax(-1) != exact.argmax(-1)).float().mean()
    return [
        f"{float(difference.abs().max() / exact.abs().max()):.1e}",
        f"{float(difference.square().mean().sqrt() / exact.square().mean().sqrt()):.1e}",
        # Two numbers are no classes.
        f"{float(changed):.2%}" if exact.shape[-1] > 2 else "-",
    ]


def trained_rows(steps: int) -> tuple[str, list[list[str]]]:
    """What was trained, and its accuracy and loss on held-out digits, exact and rounded."""
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
        logits = {form: prepared(held_out).logits for form, prepared in forms_of(model.eval()).items()}
    chosen = logits["ours"].argmax(-1)
    rows = [
        [
            form,
            f"{float((each.argmax(-1) == wanted).float().mean()):.4f}",
            f"{float((each.argmax(-1) != chosen).float().mean()):.2%}",
            f"{float(F.cross_entropy(each, wanted)):.4f}",
        ]
        for form, each in logits.items()
    ]
    return f"{sum(each.numel() for each in model.parameters()):,} parameters, {len(wanted):,} pictures", rows


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
