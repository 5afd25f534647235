"""docs/text-generation.md: its example runs, its options and figures are the code's."""

from __future__ import annotations

import re

import torch

from documented import ROOT, blocks_of
from perceivers.arguments.open import usual_values
from perceivers.cli import app
from perceivers.tasks.text_generation.options import TextGenerationArguments
from perceivers.tasks.text_generation.sizing import network_and_loop, sequence_sizes

PAGE = ROOT / "docs" / "text-generation.md"
OF_GENERATE = {"temperature", "max_new_tokens"}
OF_BENCHMARK = {"folder"}
OF_CONVERT = {"architecture", "config"}
OF_DATA = {"data", "output", "group_column", "test_data", "text_column"}


def test_the_example_runs() -> None:
    (example,) = blocks_of(PAGE, "python")
    values: dict[str, object] = {}
    torch.manual_seed(0)
    exec(compile(example, str(PAGE), "exec"), values)
    assert values["output"].logits.shape == (2, 6, 262)  # type: ignore[attr-defined]
    assert values["written"].num_new.tolist() == [20, 20]  # type: ignore[attr-defined]


def test_every_option_that_is_named_is_one() -> None:
    named = {
        name.replace("-", "_") for name in re.findall(r"--([a-z][a-z-]+)", PAGE.read_text(encoding="utf-8"))
    }
    assert len(named) > 10
    known = OF_DATA | OF_GENERATE | OF_BENCHMARK | OF_CONVERT
    assert named <= set(vars(TextGenerationArguments())) | known
    assert "generate" in app


def test_the_sizes_are_those_that_are_chosen() -> None:
    assert sequence_sizes(1_100_000, 1_100_000) == {"context": 1_024, "num_latents": 512}
    assert sequence_sizes(300_000, 90_000) == {"context": 256, "num_latents": 128}
    assert sequence_sizes(300_000, 100) == {"context": 128, "num_latents": 64}
    advice = network_and_loop(1_000_000, 512)
    assert (advice.latent_channels, advice.num_layers, advice.batch_size) == (128, 3, 4)
    # Ten passes of 1,954 stretches in steps of four.
    assert advice.epochs == 10
    assert usual_values(TextGenerationArguments)["context"] == 256
