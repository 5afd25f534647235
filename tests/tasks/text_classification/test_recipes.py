"""The paper's recipe of GLUE: the pretrained encoder fits, every task has its query and head, and one step is taken."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from perceivers.arguments import DataArguments, from_mapping, read_recipe, run_from_recipe
from perceivers.models.masked_language_modeling import PerceiverForMaskedLM
from perceivers.models.prediction import PerceiverForPrediction
from perceivers.models.text_building import text_config
from perceivers.tasks.fill_mask.options import FillMaskArguments
from perceivers.tasks.text_classification.options import TextClassificationArguments
from perceivers.tasks.text_classification.task import TextClassification
from perceivers.training.starting import reads_inputs

RECIPES = Path(__file__).parents[3] / "recipes"
CLASSES = {"cola": 2, "mnli": 3, "mrpc": 2, "qnli": 2, "qqp": 2, "rte": 2, "sst2": 2}


def recipe_arguments() -> TextClassificationArguments:
    recipe = read_recipe(RECIPES / "paper" / "text-classification.yaml")
    assert recipe["task"] == "text-classification"
    return from_mapping(TextClassificationArguments, recipe["model"])


def test_the_papers_training_is_that_of_the_paper() -> None:
    recipe = read_recipe(RECIPES / "paper" / "text-classification.yaml")
    run = run_from_recipe(recipe, output="unused")
    assert (run.training.epochs, run.training.batch_size) == (10, 32)
    optimization = run.optimization
    assert (optimization.optimizer, optimization.learning_rate) == ("lamb", 1e-4)
    assert (optimization.warmup_steps, optimization.weight_decay) == (200, 0.01)
    assert (run.start.start, run.start.start_from) == ("deepmind/language-perceiver", "encoder")


def test_the_pretrained_encoder_fits_and_each_task_has_a_query_and_a_head() -> None:
    chosen = recipe_arguments()
    layers = {"mlp_layers": chosen.head_layers}
    answers = {name: {"type": "class", "num_labels": count, **layers} for name, count in CLASSES.items()}
    answers["stsb"] = {"type": "number", **layers}
    pretrained = from_mapping(FillMaskArguments, read_recipe(RECIPES / "paper" / "fill-mask.yaml")["model"])
    with torch.device("meta"):
        own = {"modalities": {"text": {"type": "text"}}, "answers": answers}
        model = PerceiverForPrediction(text_config(chosen.config_values(), None, **own))
        start = PerceiverForMaskedLM(text_config(pretrained.config_values()))
    shapes = {key: value.shape for key, value in start.state_dict().items() if reads_inputs(key)}
    own = {key: value.shape for key, value in model.state_dict().items() if reads_inputs(key)}
    assert own == shapes
    # Two tanh layers and a linear one of 1,280 channels, with their biases, for each task.
    expected = sum(2 * (1_280**2 + 1_280) + count * 1_281 for count in (*CLASSES.values(), 1))
    assert sum(parameter.numel() for parameter in model.heads.parameters()) == expected


def test_the_papers_recipe_takes_a_step_at_small_size(tmp_path: Path) -> None:
    small = {
        "num_latents": 5,
        "latent_channels": 16,
        "embedding_channels": 8,
        "num_layers": 2,
        "qk_channels": 8,
        "v_channels": 16,
        "max_length": 31,
    }
    task = TextClassification(replace(recipe_arguments(), **small))
    lines = ["sentence,second_sentence,label,task"]
    for index in range(4):
        for name, count in CLASSES.items():
            second = "" if name in ("cola", "sst2") else "of two"
            lines.append(f"text {index},{second},{index % count},{name}")
        lines.append(f"text {index},of two,{1.5 * index},stsb")
    (tmp_path / "glue.csv").write_text("\n".join(lines) + "\n")
    splits = task.load_data(DataArguments(data=str(tmp_path / "glue.csv"), test_fraction=0.25))
    parts = task.build(splits)
    assert isinstance(parts.model, PerceiverForPrediction)
    samples = [splits.train[index] for index in range(len(splits.train))]
    # Of one sentence and of two.
    assert {len(sample.values[0].present) for sample in samples} == {1, 2}
    step = task.step(parts.model.train(), task.collate(parts.processor, samples))
    step.loss.backward()
    assert torch.isfinite(step.loss)
    assert all(parameter.grad is not None for parameter in parts.model.parameters())
    assert task.headline == "score"


@pytest.mark.parametrize("name", ["language_identification", "fill_mask"])
def test_recipes_of_minutes_name_their_task_and_data(name: str) -> None:
    recipe = read_recipe(RECIPES / f"{name}.yaml")
    run = run_from_recipe(recipe, output="unused")
    kind = TextClassificationArguments if recipe["task"] == "text-classification" else FillMaskArguments
    chosen = from_mapping(kind, recipe["model"])
    assert run.data.data in ("django-messages", "python-docs")
    assert chosen.ngram_sizes == (2, 3, 4, 5)
