"""Peak memory of a process that loads a checkpoint of released size and answers one picture, and five, beside Transformers.

Run: python benchmarks/memory.py [--models image-learned ...] [--output benchmarks/results/memory.md]

Each side reads the same safetensors file in a fresh process of its own: ours by `prepare_pretrained`, Transformers' by
`from_pretrained`. The floor is what `import torch` alone holds, and the weights.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

from inference_jobs import JOBS
from measuring import circumstances, in_bytes, in_fresh_process, in_ratio, markdown_table, report
from reference_models import RELEASED_MODELS

MODELS = ("image-learned", "image-fourier", "image-conv")
PICTURES = (1, 5)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--models", nargs="+", choices=MODELS, default=list(MODELS))
    parser.add_argument("--output", type=Path)
    chosen = parser.parse_args()
    about = circumstances()
    torch_alone = in_fresh_process(import_torch).peak or 0
    rows = []
    for model in chosen.models:
        with tempfile.TemporaryDirectory(prefix="perceivers-") as folder:
            weights = in_fresh_process(save_checkpoint, model, folder).value
            for pictures in PICTURES:
                ours, theirs = (
                    in_fresh_process(answer, model, folder, pictures, of_ours) for of_ours in (True, False)
                )
                assert abs(ours.value - theirs.value) <= 1e-4 * abs(theirs.value), (ours.value, theirs.value)
                floor = torch_alone + weights
                cells = [model, str(pictures), in_bytes(ours.peak), in_bytes(theirs.peak)]
                ratios = [in_ratio(ours.peak, theirs.peak), in_ratio(floor, theirs.peak)]
                rows.append([*cells, *ratios, in_bytes((ours.peak or 0) - floor)])
                print(" | ".join(rows[-1]), flush=True)
    header = ["model", "pictures", "ours", "Transformers", "of theirs", "floor of theirs", "above the floor"]
    title = "# Memory for one picture"
    report("\n\n".join([title, about, markdown_table(header, rows)]), chosen.output)


def import_torch() -> None:
    import torch  # noqa: F401


def save_checkpoint(model: str, folder: str) -> int:
    """Write a model with lively weights; bytes of these."""
    from reference_models import build_reference

    built = build_reference(model)
    built.save_pretrained(folder)
    return sum(each.numel() * each.element_size() for each in built.parameters())


def answer(model: str, folder: str, pictures: int, of_ours: bool) -> float:
    """Load one side and answer one picture after the other; the largest logit of the last one."""
    import torch

    name, job = RELEASED_MODELS[model].class_name, JOBS[f"{model}, batch 1"]
    with torch.inference_mode():
        if of_ours:
            import perceivers

            loaded = getattr(perceivers, name).prepare_pretrained(folder)
        else:
            import transformers

            loaded = getattr(transformers, name).from_pretrained(folder).eval()
        for _ in range(pictures):
            logits = loaded(job.inputs()).logits
        return float(logits.abs().max())


if __name__ == "__main__":
    main()
