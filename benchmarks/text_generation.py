"""What text-generation reaches on two cores: the mirrored copy, long and short contexts, n-grams beside it, kept keys.

Run: python benchmarks/text_generation.py [--parts cache file copy shakespeare context docs] [--folder DATA] [--output FILE]

- `cache`: tokens written a second with the exact cache, the sliding one and none, at a context of 2,048; equal bytes.
- `file`: the same with the exact cache by torch's fast form, and by the file that `perceivers export` writes, in turns;
  equal bytes.
- `copy`: Perceiver AR's task of random bytes followed by the same in reverse, 512 tokens with start and end: how many of the
  second half are right. Fresh sequences while training, short ones first, and in the test.
- `shakespeare`: `--folder` holds Tiny Shakespeare's input.txt, whose last tenth is measured; nats a byte.
- `context`: the same text, steps and latents with a context of 1,024 and of 64.
- `docs`: Python's help topics (python-docs), as `recipes/text_generation.yaml` trains them, beside n-grams of bytes, whose
  order the validation part chose.

Times are seconds of processor time, all threads together, because other programs may run beside it. Each training part stops
after its steps; `--share` trains a share of them, to see how it goes.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from measuring import circumstances, markdown_table

from perceivers import PerceiverConfig, PerceiverForCausalLM
from perceivers.arguments import (
    DataArguments,
    OptimizationArguments,
    RunArguments,
    TrainingArguments,
    from_mapping,
    read_recipe,
)
from perceivers.export.writing import write_model
from perceivers.models.generation.sampling import Sampling
from perceivers.models.generation.writing import Writing, write
from perceivers.models.losses import next_token_loss
from perceivers.rivals.ngrams import Ngrams
from perceivers.runtime.session import Session
from perceivers.runtime.steps import SteppedFile
from perceivers.tasks.text_generation.options import TextGenerationArguments
from perceivers.tasks.text_generation.task import TextGeneration
from perceivers.training.run import train

PARTS = ("cache", "file", "copy", "shakespeare", "context", "docs")
HEADER = ("what", "figure", "aim", "reached", "parameters", "processor time")
RECIPE = Path(__file__).parents[1] / "recipes" / "text_generation.yaml"
TEST_SHARE = 0.1
# 510 bytes between start and end, the second half the first in reverse.
COPIED = 255
ORDERS = range(2, 9)
SHAKESPEARE = {
    "size": "usual",
    "context": 256,
    "num_latents": 256,
    "latent_channels": 128,
    "embedding_channels": 128,
    "num_layers": 3,
    "num_heads": 4,
    "num_cross_heads": 4,
    "widening_factor": 4,
}


@dataclass(frozen=True)
class Row:
    """A line of the table.

    Attributes:
        what: was measured.
        figure: with its unit.
        aim: in words; "-" for none.
        is_reached: None where there is no aim.
        parameters: of the model.
        seconds: of processor time.
    """

    what: str
    figure: str
    aim: str = "-"
    is_reached: bool | None = None
    parameters: int | None = None
    seconds: float | None = None

    def cells(self) -> list[str]:
        """The line's cells."""
        reached = "-" if self.is_reached is None else "yes" if self.is_reached else "no"
        parameters = "-" if self.parameters is None else f"{self.parameters:,}"
        seconds = "-" if self.seconds is None else f"{self.seconds:,.0f} s"
        return [self.what, self.figure, self.aim, reached, parameters, seconds]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the parts that are asked for; 1 where an aim is missed."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--parts", nargs="+", choices=PARTS, default=PARTS, help="all by default")
    parser.add_argument("--folder", type=Path, help="folder of Tiny Shakespeare's input.txt")
    parser.add_argument("--share", type=float, default=1.0, help="of the steps of each training part")
    parser.add_argument("--output", type=Path, help="file that is written, too")
    options = parser.parse_args(arguments)
    needs = [part for part in options.parts if part in ("shakespeare", "context")]
    if needs and options.folder is None:
        parser.error(f"{', '.join(needs)} needs --folder, where input.txt is")
    described = circumstances(("torch", "perceivers"))
    rows: list[Row] = []
    for part in options.parts:
        found = _measured(part, options.folder, options.share)
        for row in found:
            print(" | ".join(row.cells()), flush=True)
        rows += found
    table = markdown_table(HEADER, [row.cells() for row in rows])
    share = "" if options.share == 1.0 else f" Only {options.share:.0%} of the steps were trained."
    text = (
        f"# Text generation\n\n{described}\n\nBy `python benchmarks/text_generation.py`.{share}\n\n{table}\n"
    )
    print(text)
    if options.output is not None:
        options.output.write_text(text, encoding="utf-8")
    return int(any(row.is_reached is False for row in rows))


def _measured(part: str, folder: Path, share: float) -> list[Row]:
    if part == "cache":
        return cache()
    if part == "file":
        return file()
    if part == "copy":
        return copy(share)
    if part == "docs":
        return docs(share)
    return shakespeare(folder, share) if part == "shakespeare" else contexts(folder, share)


def cache(num_new: int = 48, context: int = 2_048, num_latents: int = 1_024) -> list[Row]:
    """Writing with a full context: the exact cache, the sliding one, and none; random weights, on which no time depends."""
    model = _writer(context, num_latents)
    prompt = torch.randint(6, 262, (1, context - num_new))
    seconds: dict[str, float] = {}
    written: dict[str, list[int]] = {}
    for kind in ("exact", "sliding", "none"):
        began = time.process_time()
        answer = model.generate(prompt, num_new, cache=kind)
        seconds[kind] = time.process_time() - began
        written[kind] = answer.new_ids(0)
    equal = written["exact"] == written["none"]
    rows = []
    for kind, called in (("none", "none kept"), ("exact", "exact cache"), ("sliding", "sliding cache")):
        ratio = seconds["none"] / seconds[kind]
        is_exact = kind == "exact"
        beside = "" if kind == "none" else f", {ratio:.1f} times as fast"
        beside += f", bytes {'equal' if equal else 'differ'}" if is_exact else ""
        rows.append(
            Row(
                f"{num_new} bytes up to a context of {context:,}, {num_latents:,} latents: {called}",
                f"{num_new / seconds[kind]:.1f} bytes a second{beside}",
                "5 times, equal" if is_exact else "-",
                ratio >= 5.0 and equal if is_exact else None,
                model.num_parameters(),
                seconds[kind],
            )
        )
    return rows


def file(
    num_new: int = 48, context: int = 2_048, num_latents: int = 1_024, repetitions: int = 3
) -> list[Row]:
    """The exact cache in torch's fast form, and by a file in onnxruntime; the fastest of some turns counts."""
    model = _writer(context, num_latents)
    prepared = model.prepare()
    prompt = torch.randint(6, 262, (1, context - num_new))
    with tempfile.TemporaryDirectory() as folder:
        samples = [{"inputs": prompt[:, :13].repeat(3, 1)}, {"inputs": prompt[:, :9]}]
        _, step = write_model(model, samples, Path(folder))
        stepped = SteppedFile(Session(step.path, torch.get_num_threads()))

    def by_torch(count: int) -> list[int]:
        ids: list[int] = prepared.generate(prompt, count).sequences[0].tolist()
        return ids

    def by_file(count: int) -> list[int]:
        written = write(stepped, model.config, prompt.numpy(), None, Writing(count, Sampling()))
        ids: list[int] = written.sequences[0].tolist()
        return ids

    programs = {"torch": by_torch, "the file": by_file}
    looks: dict[str, list[float]] = {program: [] for program in programs}
    steps: dict[str, list[float]] = {program: [] for program in programs}
    written = {}
    for _ in range(repetitions):
        for program, call in programs.items():
            began = time.process_time()
            call(1)
            between = time.process_time()
            written[program] = call(num_new)
            looks[program].append(between - began)
            steps[program].append((time.process_time() - between - looks[program][-1]) / (num_new - 1))
    equal = written["torch"] == written["the file"]
    rows = []
    for program in programs:
        is_file = program == "the file"
        look, step = min(looks[program]), min(steps[program])
        beside = f"; bytes {'equal' if equal else 'differ'}" if is_file else ""
        rows.append(
            Row(
                f"{num_new} bytes up to a context of {context:,}, {num_latents:,} latents: exact cache by {program}",
                f"{look * 1e3:.0f} ms for the first look, then {step * 1e3:.1f} ms a byte{beside}",
                "equal, a byte not slower" if is_file else "-",
                step <= min(steps["torch"]) and equal if is_file else None,
                model.num_parameters(),
                sum(looks[program]) + sum(steps[program]) * (num_new - 1),
            )
        )
    return rows


def _writer(context: int, num_latents: int) -> PerceiverForCausalLM:
    """A model with random weights, on which no time depends."""
    torch.manual_seed(0)
    sizes = {"max_position_embeddings": context, "num_latents": num_latents}
    config = PerceiverConfig(**{**TextGenerationArguments(**SHAKESPEARE).config_values(), **sizes})
    model = PerceiverForCausalLM(config).eval()
    torch.nn.init.normal_(model.lm_head.weight, std=0.05)
    return model


def mirrored(count: int, half: int, generator: np.random.Generator) -> tuple[torch.Tensor, torch.Tensor]:
    """Sequences [count, 2 * half + 2] of start, random bytes, the same in reverse, end; and the positions of their inputs.

    Shorter ones stand in the middle of the longest, so that a byte and its mirror always have the same two positions.
    """
    drawn = generator.integers(6, 262, (count, half))
    start, end = np.full((count, 1), 1), np.full((count, 1), 2)
    ids = torch.from_numpy(np.concatenate([start, drawn, drawn[:, ::-1], end], axis=1))
    positions = torch.arange(COPIED - half, COPIED + half + 1).expand(count, -1)
    return ids, positions


def copy(share: float, most_steps: int = 20_000) -> list[Row]:
    """Train on fresh mirrored sequences, from 4 bytes and their mirror to 255; all latents stand on the second half.

    Sequences grow by 30 % as soon as nine tenths are right, and training ends when all are long and 99.9 % are right. What is
    to be found, the other end of the sequence, is one of a few places first: among 511 from the start it takes far longer.
    """
    torch.manual_seed(0)
    config = PerceiverConfig(
        vocab_size=262,
        max_position_embeddings=2 * COPIED + 1,
        num_latents=COPIED + 1,
        d_model=64,
        d_latents=64,
        num_self_attends_per_block=1,
        num_self_attention_heads=2,
        num_cross_attention_heads=1,
        hidden_act="relu2",
        attention_probs_dropout_prob=0.0,
        causal_positions="sinusoidal",
    )
    model = PerceiverForCausalLM(config)
    generator = np.random.default_rng(0)
    optimizer = torch.optim.Adam(model.parameters(), lr=2e-3, betas=(0.9, 0.98))
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: min(1.0, (step + 1) / 50))
    half, right, step = 4, 0.0, 0
    began = time.process_time()
    while step < max(round(share * most_steps), 1):
        step += 1
        ids, positions = mirrored(min(max(1_024 // (half + 1), 4), 64), half, generator)
        logits = model(ids[:, :-1], num_latents=half + 1, positions=positions).logits
        targets = ids[:, -half - 1 :]
        loss = next_token_loss(logits, targets)
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        schedule.step()
        right = 0.9 * right + 0.1 * float((logits.argmax(-1) == targets).float().mean())
        if half == COPIED and right > 0.999:
            break
        if half < COPIED and right > 0.9:
            half, right = min(max(half + 1, round(1.3 * half)), COPIED), 0.6
    seconds = time.process_time() - began
    model.eval()
    with torch.no_grad():
        tested, _ = mirrored(64, COPIED, np.random.default_rng(1))
        chosen = torch.cat([model(ids[:, :-1]).logits.argmax(-1) for ids in tested.split(8)])
    found = float((chosen == tested[:, -COPIED - 1 :]).float().mean())
    return [
        Row(
            f"mirrored copy of {2 * COPIED + 2} tokens, {step:,} steps",
            f"{found:.2%} of the second half",
            "99 %",
            found >= 0.99,
            model.num_parameters(),
            seconds,
        )
    ]


def shakespeare(folder: Path, share: float) -> list[Row]:
    """Nats a byte of the last tenth."""
    score, parameters, seconds = _text_run(folder, SHAKESPEARE, steps=round(3_000 * share), batch_size=8)
    small = parameters <= 1_000_000
    aim = "1.80 nats, 1 M parameters, 1,200 s"
    return [
        Row(
            "Tiny Shakespeare, the last tenth, context 256, stride 128",
            f"{score:.3f} nats a byte",
            aim,
            score <= 1.80 and small and seconds <= 1_200.0,
            parameters,
            seconds,
        )
    ]


def contexts(folder: Path, share: float) -> list[Row]:
    """The same latents, steps and batches with a long and a short context."""
    rows, scores = [], {}
    for context in (64, 1_024):
        own = {**SHAKESPEARE, "context": context, "num_latents": 64}
        score, parameters, seconds = _text_run(folder, own, steps=round(1_500 * share), batch_size=16)
        scores[context] = score
        rows.append(Row(f"Tiny Shakespeare, 64 latents, context {context:,}, stride 32", f"{score:.3f} nats a byte",
                        parameters=parameters, seconds=seconds))  # fmt: skip
    rows[-1] = replace(rows[-1], aim="lower than with 64", is_reached=scores[1_024] < scores[64])
    return rows


def _text_run(folder: Path, own: dict[str, Any], *, steps: int, batch_size: int) -> tuple[float, int, float]:
    """Train on all but the last tenth of input.txt, measure that: nats a byte, parameters, processor seconds of training."""
    text = (folder / "input.txt").read_bytes()
    border = round((1.0 - TEST_SHARE) * len(text))
    with tempfile.TemporaryDirectory() as name:
        place = Path(name)
        for part, content in (("train", text[:border]), ("test", text[border:])):
            (place / part).mkdir()
            (place / part / "input.txt").write_bytes(content)
        task = TextGeneration(
            TextGenerationArguments(**own, evaluation_stride=max(own["num_latents"] // 2, 1))
        )
        began = time.process_time()
        results = train(
            task,
            RunArguments(
                output=str(place / "run"),
                data=DataArguments(
                    data=str(place / "train"), test_data=str(place / "test"), validation_fraction=0.0
                ),
                training=TrainingArguments(
                    steps=max(steps, 1),
                    batch_size=batch_size,
                    max_gradient_norm=1.0,
                    ema_decay=0.98,
                    workers=0,
                    device="cpu",
                ),
                optimization=OptimizationArguments(
                    learning_rate=3e-3, beta2=0.98, weight_decay=0.1, warmup_steps=max(steps // 10, 1)
                ),
                pictures=False,
                quiet=True,
            ),
        )
        seconds = time.process_time() - began
    return results["test"]["loss"], results["parameters"], seconds


def docs(share: float) -> list[Row]:
    """Python's help topics: the recipe, and n-grams of the same division."""
    recipe = read_recipe(RECIPE)
    task = TextGeneration(from_mapping(TextGenerationArguments, recipe["model"]))
    data = from_mapping(DataArguments, recipe["data"])
    training = from_mapping(TrainingArguments, recipe["training"])
    with tempfile.TemporaryDirectory() as name:
        began = time.process_time()
        results = train(
            task,
            RunArguments(
                output=f"{name}/run",
                data=data,
                training=replace(training, epochs=max(round((training.epochs or 1) * share), 1)),
                optimization=from_mapping(OptimizationArguments, recipe["optimization"]),
                pictures=False,
                quiet=True,
            ),
        )
        seconds = time.process_time() - began
    splits: Any = task.load_data(data)
    texts = {
        part: [crops.pieces[index].values.tobytes() for index in range(len(crops.pieces))]
        for part, crops in (("train", splits.train), ("validation", splits.validation), ("test", splits.test))
    }
    began = time.process_time()
    ngrams = Ngrams(max(ORDERS)).fit(texts["train"])
    best = min(ORDERS, key=lambda order: ngrams.bits_per_token(texts["validation"], order))
    rival = ngrams.bits_per_token(texts["test"], best)
    counted = time.process_time() - began
    own = results["test"]["bits_per_byte"]
    stride, context = task.arguments.stride, task.arguments.context
    return [
        Row(f"python-docs, test topics, n-grams up to {best + 1} bytes", f"{rival:.3f} bits a byte", seconds=counted),
        Row(f"python-docs, test topics, context {context}, stride {stride}", f"{own:.3f} bits a byte", "the n-grams",
            own < rival, results["parameters"], seconds),
    ]  # fmt: skip


if __name__ == "__main__":
    sys.exit(main())
