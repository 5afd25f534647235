"""`perceivers train TASK`: one subcommand a task, its options taken from the argument dataclasses."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import App, Group, Parameter

from perceivers.arguments import (
    DataArguments,
    ImageClassificationArguments,
    OptimizationArguments,
    RunArguments,
    TrainingArguments,
)

app = App(name="train", help="Train a model from scratch and measure it on held-out data.")

Data = Annotated[DataArguments, Parameter(name="*", group=Group("Data", sort_key=1))]
Training = Annotated[TrainingArguments, Parameter(name="*", group=Group("Training", sort_key=3))]
Optimization = Annotated[OptimizationArguments, Parameter(name="*", group=Group("Optimization", sort_key=4))]
MODEL = Parameter(name="*", group=Group("Model and augmentation", sort_key=2))


@app.command(name="image-classification")
def image_classification(
    *,
    data: Data,
    output: Path,
    overwrite: Annotated[bool, Parameter(negative="")] = False,
    model: Annotated[ImageClassificationArguments, MODEL] = ImageClassificationArguments(),  # noqa: B008
    training: Training = TrainingArguments(),  # noqa: B008
    optimization: Optimization = OptimizationArguments(),  # noqa: B008
) -> None:
    """Learn to name pictures: one sub-folder per class, of any size, grey or colour.

    Args:
        data: where the pictures come from.
        output: folder that receives model, settings, results and learning curve.
        overwrite: replace the run that `output` already holds.
        model: size of the model.
        training: the loop.
        optimization: optimiser and learning rate.
    """
    _train(
        "image-classification",
        model,
        RunArguments(
            output=str(output), data=data, training=training, optimization=optimization, overwrite=overwrite
        ),
    )


def _train(task: str, model: object, arguments: RunArguments) -> None:
    from rich.console import Console

    from perceivers.reporting import is_main_process, results_table
    from perceivers.tasks.registry import task_class
    from perceivers.training import train

    results = train(task_class(task)(model), arguments)
    console = Console(quiet=not is_main_process())
    for line in results["unreadable"]:
        console.print(f"left out: {line}", markup=False, highlight=False, soft_wrap=True)
    rows = {f"test {name}": value for name, value in results["test"].items()}
    rows |= {
        "samples": ", ".join(f"{name} {count:,}" for name, count in results["samples"].items()),
        "parameters": f"{results['parameters']:,}",
        "training time": f"{results['seconds']['training']:.0f} s",
        "saved in": arguments.output,
    }
    console.print(results_table(task, rows))
