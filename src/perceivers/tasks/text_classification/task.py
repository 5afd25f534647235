"""Text classification: a text or two in; one class, several labels or a number out, for one task or several at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, cast

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from perceivers.arguments import DataArguments
from perceivers.configuration import PerceiverConfig
from perceivers.data.opening import open_tables
from perceivers.data.rows import load_splits
from perceivers.data.splits import Splits
from perceivers.kinds.text.batches import padded_rows, row_of_texts
from perceivers.kinds.text.page import write_page
from perceivers.kinds.text.reading import TEXT_SUFFIXES, column_of_text
from perceivers.metrics.text_measures import CONFUSIONS, Asked, measure, measures_of_tasks
from perceivers.models.multitask_text_classification import PerceiverForMultitaskSequenceClassification
from perceivers.models.sequence_classification import PerceiverForSequenceClassification
from perceivers.models.text_building import start_positions, text_config
from perceivers.processors.tokenizer.byte_tokenizer import PerceiverTokenizer
from perceivers.tasks.base import Batch, Parts, Prediction, Step
from perceivers.tasks.classification import LABELS, ClassificationTask, classification_losses
from perceivers.tasks.confusions import draw_confusions
from perceivers.tasks.text_classification.answers import answer_texts, read_questions
from perceivers.tasks.text_classification.options import TextClassificationArguments
from perceivers.tasks.text_classification.questions import (
    Question,
    config_of_questions,
    questions_of_data,
    questions_of_model,
)
from perceivers.tasks.text_classification.samples import TextDecoder, TextFields, TextSample, vary_text

if TYPE_CHECKING:
    from torchmetrics import MetricCollection


class TextClassification(ClassificationTask[TextClassificationArguments]):
    """Texts or pairs of texts with a class, labels or a number; tables, or folders with one sub-folder a class."""

    name: ClassVar[str] = "text-classification"
    arguments_class: ClassVar[type[Any]] = TextClassificationArguments

    @property
    def headline(self) -> str:  # type: ignore[override]
        """The first measure; of several tasks, the mean of their first ones."""
        if self.arguments.task_column is not None:
            return "score"
        return self._measures(Question(self.arguments.answer, ()))[0]

    @property
    def headline_is_better(self) -> Any:  # type: ignore[override]
        """Lower for an error, higher for all else."""
        return "lower" if self.headline == "mean_squared_error" else "higher"

    @property
    def has_heads(self) -> bool:
        """Whether each task has a query and a head of its own, in place of the plain classifier."""
        return self.arguments.task_column is not None or self.arguments.head_layers > 0

    def load_data(self, arguments: DataArguments, parts: Parts | None = None) -> Splits:
        """Open texts with their labels; those of a trained model must be of its classes and tasks."""
        chosen = self.arguments
        tables = open_tables(arguments, TEXT_SUFFIXES)
        train = tables["train"]
        questions = (
            questions_of_data(train, chosen) if parts is None else questions_of_model(parts.model.config)
        )
        decode = TextDecoder(
            self._fields(column_of_text(train, chosen.text_column)),
            chosen.label_column,
            chosen.label_separator,
            chosen.task_column,
            questions,
        )
        strata = chosen.label_column if chosen.answer == "one-class" else None
        return load_splits(
            arguments,
            tables,
            decode,
            labels=strata if chosen.task_column is None else chosen.task_column,
            groups=chosen.group_column,
            class_names=next(iter(questions.values())).names if len(questions) == 1 else (),
        )

    def build(self, splits: Splits, start: PerceiverConfig | None = None) -> Parts:
        """Build a classifier and its tokenizer."""
        chosen = self.arguments
        questions = config_of_questions(splits.train.decode.questions, with_heads=self.has_heads)  # type: ignore[attr-defined]
        if self.has_heads:
            questions["task_mlp_layers"] = chosen.head_layers
        model = self._model_class()(text_config(chosen.config_values(), start, **questions))
        start_positions(model, chosen.position_start)
        return Parts(model, PerceiverTokenizer(model_max_length=model.config.max_position_embeddings))

    def restore(self, folder: Path) -> Parts:
        """Load classifier and tokenizer."""
        return Parts(self._model_class().from_pretrained(folder), PerceiverTokenizer.from_pretrained(folder))

    def vary(self, sample: TextSample, generator: np.random.Generator) -> TextSample:
        """Read a part, hide words, begin elsewhere."""
        return vary_text(sample, self.arguments, generator)

    def collate(self, processor: PerceiverTokenizer, samples: Sequence[TextSample]) -> Batch:
        """Give `inputs` [batch, length], `attention_mask`, `labels` [batch] or [batch, num_labels], and `task` [batch]."""
        rows = [row_of_texts(processor, *sample.texts) for sample in samples]
        for row, sample in zip(rows, samples, strict=True):
            begin = 1
            for text, hidden in zip(sample.texts, sample.hidden or ((),) * len(sample.texts), strict=True):
                row[[begin + index for index in hidden]] = cast("int", processor.mask_token_id)
                begin += len(text) + 1
        ids, mask = padded_rows(processor, rows, [sample.offset for sample in samples])
        targets = np.stack([np.asarray(sample.target) for sample in samples])
        is_id = targets.dtype.kind == "i"
        return {
            "inputs": ids,
            "attention_mask": mask,
            LABELS: torch.from_numpy(targets).to(torch.int64 if is_id else torch.float32),
            "task": torch.tensor([sample.task for sample in samples]),
        }

    def step(self, model: nn.Module, batch: Batch) -> Step:
        """Compute each sample's loss: softmax or sigmoid cross-entropy, or the squared error in standard deviations."""
        # A model inside accelerate's or torch's wrappers keeps its configuration one level down.
        config: Any = getattr(model, "config", None) or model.module.config  # type: ignore[union-attr]
        questions = questions_of_model(config)
        labels, tasks = batch[LABELS], batch["task"]
        inputs = {name: batch[name] for name in ("inputs", "attention_mask")}
        unused: Tensor | float = 0.0
        if self.has_heads:
            output = model(**inputs, task=tasks, labels=_labels_by_task(labels, tasks, questions))
            scores = output.logits
            # The model's own loss reaches the heads that no sample of the batch asks for, as several processes need.
            unused = 0.0 * output.loss
        else:
            scores = dict.fromkeys(questions, model(**inputs).logits)
        smoothing = self.label_smoothing if model.training else 0.0
        width = max(len(question.names) for question in questions.values())
        preds = torch.zeros(len(labels), width, device=labels.device)
        losses = torch.zeros(len(labels), device=labels.device)
        for number, (name, question) in enumerate(questions.items()):
            rows = (tasks == number).nonzero()[:, 0]
            if len(rows):
                losses = losses.index_put((rows,), _losses(scores[name], labels[rows], question, smoothing))
                preds[rows, : len(question.names)] = _in_own_units(scores[name].detach().float(), question)
        measured = {"preds": preds, "target": labels, "value": losses.detach(), "task": tasks}
        if self.arguments.task_column is None:
            del measured["task"]
            if self.arguments.answer == "number":
                measured["preds"] = preds[:, 0]
            elif self.arguments.answer == "several-labels":
                measured["target"] = labels.long()
        return Step(losses.mean() + unused, measured)

    def metrics(self, parts: Parts) -> MetricCollection:
        """The chosen measures, or those of the kind of answer, by task where there are several; loss and confusions."""
        questions = questions_of_model(parts.model.config)
        asked = {
            name: Asked(question.answer, len(question.names), self._measures(question))
            for name, question in questions.items()
        }
        if self.arguments.task_column is not None:
            found = measures_of_tasks(asked, list(questions))
        else:
            from torchmetrics import MetricCollection

            only = next(iter(asked.values()))
            names = (*only.measures, *((CONFUSIONS,) if only.answer == "one-class" else ()))
            found = MetricCollection(
                {name: measure(name, only.answer, only.num_outputs) for name in names}, compute_groups=False
            )
        from torchmetrics import MeanMetric

        found.add_metrics({"loss": MeanMetric()})
        return found

    def show_evaluation(self, parts: Parts, values: Mapping[str, Tensor], folder: Path) -> list[Path]:
        """Draw the confusion matrix of each task that has classes."""
        written = []
        for task, question in questions_of_model(parts.model.config).items():
            name = CONFUSIONS if self.arguments.task_column is None else f"{task}/{CONFUSIONS}"
            if name in values and values[name].any():
                path = folder / f"{name.replace('/', '-')}.png"
                draw_confusions(values[name].cpu().numpy(), question.names, path)
                written.append(path)
        return written

    @torch.no_grad()
    def predict(self, parts: Parts, inputs: Sequence[str]) -> list[Prediction]:
        """Answer for texts: typed ones, text files, folders of these, and the rows of tables.

        A typed pair of texts has [SEP] between them. Of a model with several tasks, a table's row has its own task's answer
        if the table says which it is, and every other text those of all tasks.
        """
        chosen = self.arguments
        texts = read_questions(inputs, chosen, self._fields(chosen.text_column))
        return answer_texts(parts, texts, questions_of_model(parts.model.config), has_heads=self.has_heads)

    def show(self, predictions: Sequence[Prediction], folder: Path) -> list[Path]:
        """Write a page with the texts, what the answers looked at, and the probabilities."""
        path = folder / "predictions.html"
        write_page(predictions, path)
        return [path]

    def _fields(self, text_column: str) -> TextFields:
        chosen = self.arguments
        second = chosen.second_text_column
        columns = (text_column,) if second is None else (text_column, second)
        return TextFields(columns, chosen.max_length, chosen.random_offset, chosen.truncate)

    def _measures(self, question: Question) -> tuple[str, ...]:
        chosen = tuple(name for name in self.arguments.measures if name in question.measures)
        return chosen or question.measures

    def _model_class(self) -> Any:
        return (
            PerceiverForMultitaskSequenceClassification
            if self.has_heads
            else PerceiverForSequenceClassification
        )


def _losses(scores: Tensor, labels: Tensor, question: Question, label_smoothing: float) -> Tensor:
    """Loss of each sample, [batch], of scores [batch, num_outputs]."""
    if question.answer == "number":
        return F.mse_loss(scores[:, 0].float(), _standardized(labels, question), reduction="none")
    targets = labels.long() if question.answer == "one-class" else labels
    return classification_losses(
        scores.float(), targets, question.answer == "several-labels", label_smoothing
    )


def _labels_by_task(labels: Tensor, tasks: Tensor, questions: Mapping[str, Question]) -> dict[str, Tensor]:
    """The labels of each task that occurs, as its head is trained for."""
    found = {}
    for number, (name, question) in enumerate(questions.items()):
        own = labels[tasks == number]
        if len(own):
            is_number = question.answer == "number"
            own = _standardized(own, question) if is_number else own
            found[name] = own.long() if question.answer == "one-class" else own.float()
    return found


def _standardized(labels: Tensor, question: Question) -> Tensor:
    return (labels.float() - question.mean) / question.scale


def _in_own_units(scores: Tensor, question: Question) -> Tensor:
    """Scores as they are, a number in the units of the data."""
    return scores * question.scale + question.mean if question.answer == "number" else scores
