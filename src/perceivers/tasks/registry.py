"""The tasks by name; a task's own file is imported when it is asked for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from perceivers.arguments import ARGUMENTS_FILE, RunArguments, from_mapping, load_arguments
from perceivers.errors import ConfigurationError, DataError

if TYPE_CHECKING:
    from perceivers.tasks.asking.base import Asking
    from perceivers.tasks.base import Parts, Task


@dataclass(frozen=True)
class TaskEntry:
    """Where a task is and what the list of tasks says about it.

    Args:
        location: "module:class".
        arguments: "module:class" of the task's own arguments.
        input: what a sample is.
        output: what the model answers.
        metrics: what is reported.
        asking: "module:class" of the Asking that people ask its runs through.
        exported: "module:function" that answers without torch by a file of the run's model: from the model, the task's
            arguments, inputs and what receives those that cannot be read, to predictions; empty where a run answers columns.
    """

    location: str
    arguments: str
    input: str
    output: str
    metrics: str
    asking: str = "perceivers.tasks.asking.columns:ColumnAsking"
    exported: str = ""


TASKS: Mapping[str, TaskEntry] = {
    "table": TaskEntry(
        location="perceivers.tasks.table.task:TableTask",
        arguments="perceivers.tasks.table.options:TableArguments",
        input="rows of a table: pictures, texts, sounds, numbers, categories, dates, of any number of columns",
        output="classes, labels, numbers and selected entities, one or several at once",
        metrics="accuracy, ROC AUC, log loss; R2, RMSE, MAE; of every target",
    ),
    "image-classification": TaskEntry(
        location="perceivers.tasks.image_classification.task:ImageClassification",
        arguments="perceivers.tasks.image_classification.options:ImageClassificationArguments",
        input="pictures of any size, grey or colour, one folder per class, or a table of them",
        output="one class",
        metrics="top-1 and top-5 accuracy, F1, loss, confusions",
    ),
    "audio-classification": TaskEntry(
        location="perceivers.tasks.audio_classification.task:AudioClassification",
        arguments="perceivers.tasks.audio_classification.options:AudioClassificationArguments",
        input="sound files of any rate and length, one folder per class, or a table of them",
        output="one class, or several labels",
        metrics="accuracy, F1, loss, confusions; mean average precision of several labels",
    ),
    "series-classification": TaskEntry(
        location="perceivers.tasks.series_classification.task:SeriesClassification",
        arguments="perceivers.tasks.series_classification.options:SeriesClassificationArguments",
        input="series of several channels and any length: .ts, CSV or NumPy files, or one long table",
        output="one class",
        metrics="top-1 and top-5 accuracy, F1, loss, confusions",
    ),
    "point-classification": TaskEntry(
        location="perceivers.tasks.point_classification.task:PointClassification",
        arguments="perceivers.tasks.point_classification.options:PointClassificationArguments",
        input="sets of points, surfaces or pictures of any size, one folder per class, or a table of them",
        output="one class",
        metrics="top-1 and top-5 accuracy, F1, loss, confusions",
    ),
    "fill-mask": TaskEntry(
        location="perceivers.tasks.fill_mask.task:FillMask",
        arguments="perceivers.tasks.fill_mask.options:FillMaskArguments",
        input="text files, or a text column of a table",
        output="the bytes of hidden words",
        metrics="bits per masked byte, masked-byte and whole-word accuracy, loss",
        asking="perceivers.tasks.fill_mask.asking:FillMaskAsking",
        exported="perceivers.tasks.fill_mask.answers:answers_of_export",
    ),
    "text-classification": TaskEntry(
        location="perceivers.tasks.text_classification.task:TextClassification",
        arguments="perceivers.tasks.text_classification.options:TextClassificationArguments",
        input="texts or pairs of texts, in a table or one folder per class",
        output="one class, several labels, or a number; several tasks at once",
        metrics="accuracy, F1, Matthews, Pearson, Spearman, loss",
    ),
    "text-generation": TaskEntry(
        location="perceivers.tasks.text_generation.task:TextGeneration",
        arguments="perceivers.tasks.text_generation.options:TextGenerationArguments",
        input="text files, a text column, or a column of whole numbers such as notes",
        output="what follows, token by token, as long as one likes",
        metrics="bits per byte or event, accuracy, loss",
        asking="perceivers.tasks.text_generation.asking:WritingAsking",
        exported="perceivers.tasks.text_generation.answers:answers_of_export",
    ),
    "optical-flow": TaskEntry(
        location="perceivers.tasks.optical_flow.task:OpticalFlow",
        arguments="perceivers.tasks.optical_flow.options:OpticalFlowArguments",
        input="pairs of frames with true flow (.flo, KITTI's .png), or pictures that such pairs are made of",
        output="the motion of every pixel",
        metrics="end-point error, as a share of zero flow's too, shares off by more than 1, 3 and 5 pixels, KITTI's outliers",
        asking="perceivers.tasks.optical_flow.asking:FlowAsking",
        exported="perceivers.tasks.optical_flow.arrays:answers_of_export",
    ),
    "video-autoencoding": TaskEntry(
        location="perceivers.tasks.video_autoencoding.task:VideoAutoencoding",
        arguments="perceivers.tasks.video_autoencoding.options:VideoAutoencodingArguments",
        input="videos with sound, with or without classes: files, folders, or a table of them",
        output="the videos and their sound again, from the latents; the class where it is hidden",
        metrics="PSNR of video and sound beside those of one colour and silence, SNR of sound, compression, top-1 accuracy",
        asking="perceivers.tasks.video_autoencoding.asking:FilmAsking",
        exported="perceivers.tasks.video_autoencoding.answers:answers_of_export",
    ),
    "masked-autoencoding": TaskEntry(
        location="perceivers.tasks.masked_autoencoding.task:MaskedAutoencoding",
        arguments="perceivers.tasks.masked_autoencoding.options:MaskedAutoencodingArguments",
        input="videos with sound, pixel by pixel and sample by sample, most of them hidden",
        output="the hidden pixels and samples, and positions that are learned from nothing else",
        metrics="PSNR of hidden pixels and samples beside simple guesses, neighbours found in the positions, loss",
        exported="perceivers.tasks.masked_autoencoding.answers:answers_of_export",
    ),
    "audio-visual-classification": TaskEntry(
        location="perceivers.tasks.audio_visual_classification.task:AudioVisualClassification",
        arguments="perceivers.tasks.audio_visual_classification.options:AudioVisualClassificationArguments",
        input="films with pictures, sound or both, one folder per class, or a table of them",
        output="one class, or several labels",
        metrics="accuracy, F1, loss, confusions; mean average precision of several labels",
    ),
}


def task_class(name: str) -> type[Task[Any]]:
    """Import and give the class of the task called `name`."""
    found: type[Task[Any]] = _imported(_entry(name).location)
    return found


def arguments_class(name: str) -> type[Any]:
    """Import and give the dataclass of a task's own arguments, without importing the task."""
    found: type[Any] = _imported(_entry(name).arguments)
    return found


def as_task(task: Task[Any] | str) -> Task[Any]:
    """The task itself, or the one of that name with its default arguments."""
    return task_class(task)() if isinstance(task, str) else task


def load_run(folder: Path) -> tuple[Task[Any], Parts, RunArguments]:
    """Load what a training run left in `folder`: the task, model and processor, the run's arguments."""
    task, run = load_task(folder)
    return task, task.restore(folder), run


def load_task(folder: Path) -> tuple[Task[Any], RunArguments]:
    """The task of a training run without its model, and the run's arguments."""
    name, values, run = load_arguments(folder)
    try:
        return task_class(name)(from_mapping(arguments_class(name), values)), run
    except ConfigurationError as error:
        raise DataError(
            f"{str(folder / ARGUMENTS_FILE)!r} is not a record of this version: {error}"
        ) from error


def asking_of(task: Task[Any], parts: Parts, prepared: Any) -> Asking:
    """What people ask a trained model through.

    Args:
        task: what it was trained for.
        parts: model and processor.
        prepared: the model's fast form.
    """
    found: Asking = _imported(_entry(task.name).asking)(task, parts, prepared)
    return found


def answers_of_export(name: str) -> Any:
    """The function that answers without torch for a task's runs that answer no columns; None where there is none."""
    location = _entry(name).exported
    return _imported(location) if location else None


def _entry(name: str) -> TaskEntry:
    if name not in TASKS:
        raise ConfigurationError(f"`task` must be one of {', '.join(TASKS)}, received {name!r}")
    return TASKS[name]


def _imported(location: str) -> Any:
    module, attribute = location.split(":")
    return getattr(import_module(module), attribute)
