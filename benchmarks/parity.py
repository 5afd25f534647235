"""Are our models equal to Transformers' at their released sizes? Outputs, hidden states and attentions, to 1e-5.

Run: python benchmarks/parity.py [--models masked-lm optical-flow ...] [--output benchmarks/results/parity.md]

Each model is built in a fresh process, gets the same lively weights in both libraries, and runs on one random sample. Errors
are the largest difference as a part of the largest value of the same tensor. Attention weights (9 GB a side for optical flow)
are never held together: Transformers' go to a scratch file layer by layer, and ours are compared with them as they are made.
Exits with 1 when an error exceeds 1e-5.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from measuring import (
    circumstances,
    in_bytes,
    in_fresh_process,
    in_seconds,
    largest_relative_error,
    markdown_table,
    report,
)
from reference_models import RELEASED_MODELS, build_reference, example_inputs
from torch import Tensor, nn

TOLERANCE = 1e-5
HEADER = ["model", "outputs", "without attentions", "hidden states", "attentions", "peak memory", "time"]


@dataclass(frozen=True)
class Parity:
    """Largest relative errors of one model.

    Attributes:
        outputs: output -> error, when attention weights are asked for (plain matrix products).
        fused: output -> error, when they are not (fused kernels).
        hidden_states: largest of all layers.
        num_hidden_states: number compared.
        attentions: largest of all layers.
        num_attentions: number compared.
        attention_values: numbers in them together.
        seconds: of the whole comparison.
    """

    outputs: Mapping[str, float]
    fused: Mapping[str, float]
    hidden_states: float
    num_hidden_states: int
    attentions: float
    num_attentions: int
    attention_values: int
    seconds: float

    @property
    def worst(self) -> float:
        """The largest error of all."""
        return max(*self.outputs.values(), *self.fused.values(), self.hidden_states, self.attentions)


class AttentionFile:
    """Attention weights of one forward after another, on disk."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._shapes: list[tuple[int, ...]] = []
        self._next = 0
        self.largest_error = 0.0

    @property
    def num_written(self) -> int:
        """Number of arrays."""
        return len(self._shapes)

    @property
    def num_compared(self) -> int:
        """Number of arrays that were compared."""
        return self._next

    @property
    def num_values(self) -> int:
        """Numbers in all arrays together."""
        return sum(int(np.prod(shape)) for shape in self._shapes)

    def write(self, weights: Tensor) -> None:
        """Append one layer's weights."""
        with self._path.open("ab") as file:
            weights.contiguous().numpy().tofile(file)
        self._shapes.append(tuple(weights.shape))

    def compare(self, weights: Tensor) -> None:
        """Compare with the next layer's weights on disk."""
        shape = self._shapes[self._next]
        offset = 4 * sum(int(np.prod(earlier)) for earlier in self._shapes[: self._next])
        written = np.memmap(self._path, dtype=np.float32, mode="c", offset=offset, shape=shape)
        self._next += 1
        # Head by head: three copies of a whole layer of optical flow would be 5 GB.
        theirs = torch.from_numpy(written)
        if weights.shape != theirs.shape:
            self.largest_error = float("inf")
            return
        largest = max(float(theirs[:, head].abs().max()) for head in range(shape[1]))
        difference = max(float((weights[:, head] - theirs[:, head]).abs().max()) for head in range(shape[1]))
        self.largest_error = max(self.largest_error, difference / largest)


@contextmanager
def attentions_to(
    take: Callable[[Tensor], None], model: nn.Module, is_attention: Callable[[str], bool]
) -> Iterator[None]:
    """Hand every layer's attention weights to `take`, and let the model keep an empty tensor in their place.

    Args:
        take: is given [batch, heads, queries, keys].
        model: whose forward runs in this context.
        is_attention: whether the module of that name returns (values, weights).
    """

    def hook(_module: nn.Module, _inputs: Any, outputs: Any) -> Any:
        values, weights, *rest = outputs
        if weights is None:
            return outputs
        take(weights)
        return (values, weights.new_empty(0), *rest)

    modules = [module for name, module in model.named_modules() if is_attention(name)]
    handles = [module.register_forward_hook(hook) for module in modules]
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()


def named_outputs(logits: Any) -> dict[str, Tensor]:
    """Outputs by name; a single one is called logits."""
    return dict(logits) if isinstance(logits, Mapping) else {"logits": logits}


def errors(ours: Any, theirs: Mapping[str, Tensor]) -> dict[str, float]:
    """Error of each output."""
    received = named_outputs(ours)
    if list(received) != list(theirs):
        return dict.fromkeys(theirs, float("inf"))
    return {name: largest_relative_error(received[name], expected) for name, expected in theirs.items()}


@torch.no_grad()
def compare(name: str) -> Parity:
    """Build, run and compare one model of RELEASED_MODELS."""
    import perceivers

    start = time.perf_counter()
    inputs = example_inputs(name)
    asked = {"output_attentions": True, "output_hidden_states": True}
    with tempfile.TemporaryDirectory(prefix="parity-") as folder:
        attentions = AttentionFile(Path(folder) / "attentions")
        reference = build_reference(name)
        with attentions_to(attentions.write, reference, lambda path: path.endswith(".attention.self")):
            theirs = reference(**inputs, **asked)
        expected = named_outputs(theirs.logits)
        hidden_states = theirs.hidden_states
        weights = reference.state_dict()
        del reference, theirs

        chosen = RELEASED_MODELS[name]
        with torch.device("meta"):
            model = getattr(perceivers, chosen.class_name)(perceivers.PerceiverConfig(**chosen.config)).eval()
        model.load_state_dict(weights, strict=True, assign=True)
        with attentions_to(attentions.compare, model, lambda path: path.endswith(".attention")):
            ours = model(**inputs, **asked)
        fused = model(**inputs)
    if attentions.num_compared != attentions.num_written or len(ours.hidden_states) != len(hidden_states):
        raise RuntimeError(
            f"{name}: {attentions.num_compared} attentions for {attentions.num_written}, "
            f"{len(ours.hidden_states)} hidden states for {len(hidden_states)}"
        )
    pairs = zip(ours.hidden_states, hidden_states, strict=True)
    return Parity(
        outputs=errors(ours.logits, expected),
        fused=errors(fused.logits, expected),
        hidden_states=max(largest_relative_error(mine, other) for mine, other in pairs),
        num_hidden_states=len(hidden_states),
        attentions=attentions.largest_error,
        num_attentions=attentions.num_compared,
        attention_values=attentions.num_values,
        seconds=time.perf_counter() - start,
    )


def in_words(found: Mapping[str, float]) -> str:
    """Errors of all outputs, in one cell."""
    if list(found) == ["logits"]:
        return f"{found['logits']:.1e}"
    return ", ".join(f"{name} {error:.1e}" for name, error in found.items())


def row(name: str, parity: Parity, peak: int | None) -> list[str]:
    """One line of the table."""
    return [
        name,
        in_words(parity.outputs),
        in_words(parity.fused),
        f"{parity.hidden_states:.1e} in {parity.num_hidden_states}",
        f"{parity.attentions:.1e} in {parity.num_attentions} ({in_bytes(4 * parity.attention_values)})",
        in_bytes(peak),
        in_seconds(parity.seconds),
    ]


def main(arguments: Sequence[str] | None = None) -> int:
    """Compare the models asked for; 0 when all are equal."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--models", nargs="+", choices=list(RELEASED_MODELS), default=list(RELEASED_MODELS))
    parser.add_argument("--output", type=Path, help="also write the table to this file")
    options = parser.parse_args(arguments)
    described = circumstances()
    rows, worst = [], 0.0
    for name in options.models:
        outcome = in_fresh_process(compare, name)
        if outcome.failure is not None:
            rows.append([name, outcome.failure, *["-"] * (len(HEADER) - 2)])
            worst = float("inf")
            continue
        rows.append(row(name, outcome.value, outcome.peak))
        worst = max(worst, outcome.value.worst)
        print(" | ".join(rows[-1]), file=sys.stderr, flush=True)
    verdict = "equal" if worst <= TOLERANCE else "NOT EQUAL"
    text = "\n\n".join(
        [
            "# Parity with Transformers at released sizes",
            "\n".join(described.splitlines()),
            markdown_table(HEADER, rows),
            f"Largest relative error {worst:.1e}, allowed {TOLERANCE:.0e}: {verdict}. One random sample, float32; norms, "
            "biases and statistics of the weights are away from 1 and 0.",
        ]
    )
    report(text, options.output)
    return 0 if worst <= TOLERANCE else 1


if __name__ == "__main__":
    raise SystemExit(main())
