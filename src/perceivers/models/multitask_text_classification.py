"""Classification of texts for several tasks at once: one encoder, one learned query and one head a task (GLUE)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, cast

import torch
from torch import Tensor, nn

from perceivers.configuration import PerceiverConfig
from perceivers.decoders.multitask import PerceiverMultitaskDecoder
from perceivers.errors import ConfigurationError, ShapeError
from perceivers.modalities.text import PerceiverTextPreprocessor
from perceivers.models.losses import IGNORED_LABEL, classification_loss
from perceivers.models.multitask_text_classification_tasks import TaskHead, read_task
from perceivers.models.perceiver import PerceiverModel
from perceivers.models.task import PerceiverTaskModel, one_of
from perceivers.models.verbs import or_default
from perceivers.nn.packing import require_names
from perceivers.outputs import Encoded, PerceiverClassifierOutput, PerceiverDecoderOutput

# Every task, one by its name, or the number of each sample's own [batch].
Asked = str | Tensor | None


class PerceiverForMultitaskSequenceClassification(PerceiverTaskModel):
    """Class scores, or regression targets, of a text for each of several tasks.

    Args:
        config: gives `tasks`: name -> {"num_labels": n} or {"id2label": {0: name, ...}}, perhaps with "problem_type" (see
            `classification_loss`); `task_mlp_layers`, the tanh layers of each head before its linear one (2 in the paper);
            and the language model's sizes.
    """

    def __init__(self, config: PerceiverConfig) -> None:
        super().__init__(config)
        if not config.tasks:
            raise ConfigurationError(
                f"`tasks` must describe at least one task for {type(self).__name__}, received {config.tasks!r}"
            )
        require_names("tasks", config.tasks)
        # Sorted, because config.json does not keep an order.
        self.task_names = tuple(sorted(config.tasks))
        self._tasks = {name: read_task(name, config.tasks[name]) for name in self.task_names}
        decoder = PerceiverMultitaskDecoder(
            config, num_tasks=len(self.task_names), num_channels=config.d_latents
        )
        self.perceiver = PerceiverModel(
            config, input_preprocessor=PerceiverTextPreprocessor(config), decoder=decoder
        )
        self.heads = nn.ModuleDict(
            {
                name: TaskHead(config.d_latents, task.num_labels, config.task_mlp_layers)
                for name, task in self._tasks.items()
            }
        )
        self.initialize_new_parameters()

    def id2label(self, task: str) -> dict[int, str]:
        """Class id -> name of one task; LABEL_0, LABEL_1, ... where the configuration has no names."""
        self._require_task(task)
        return dict(self._tasks[task].id2label)

    def problem_type(self, task: str) -> str | None:
        """The task's "problem_type" in the configuration; None where the labels say it."""
        self._require_task(task)
        return self._tasks[task].problem_type

    def forward(
        self,
        inputs: Tensor | None = None,
        attention_mask: Tensor | None = None,
        output_attentions: bool | None = None,
        output_hidden_states: bool | None = None,
        labels: Any = None,
        return_dict: bool | None = None,
        input_ids: Tensor | None = None,
        interpolate_pos_encoding: bool = False,
        task: str | Sequence[str | int] | Tensor | None = None,
    ) -> PerceiverClassifierOutput | tuple[Any, ...]:
        """Scores of texts for the tasks asked for; the text is encoded once, and no other query is answered.

        Args:
            inputs: ids [batch, length], length at most `max_position_embeddings`.
            attention_mask: [batch, length], nonzero where a byte counts.
            output_attentions: see PerceiverModel.
            output_hidden_states: see PerceiverModel.
            labels: where `task` is a name, what `classification_loss` takes. Otherwise task -> what it takes for the rows of
                that task, any of the tasks asked for; or, where each sample has its own task, one number a sample [batch].
                Class id -100 counts for nothing.
            return_dict: see PerceiverModel.
            input_ids: another name of `inputs`.
            interpolate_pos_encoding: admit a longer text by stretching the positions linearly.
            task: a name: this task for every sample; a name or number of `task_names` for each sample, [batch]: its own task;
                None: every task.

        Returns:
            `logits` [batch, outputs of the task] where `task` is a name, otherwise task -> such scores, in the order of
            `task_names`: of every sample, or of those, in their order, whose task it is. `loss` when labels are given: the
            mean over all pairs of a sample and a task that have a label.
        """
        with_weights = or_default(output_attentions, self.config.output_attentions)
        encoded = self.encode(
            one_of(inputs, input_ids, "input_ids"),
            attention_mask,
            interpolate_pos_encoding,
            output_attentions=with_weights,
            output_hidden_states=or_default(output_hidden_states, self.config.output_hidden_states),
        )
        asked = self._asked(task, encoded.latents.shape[0])
        answers, weights = self._answers(encoded, asked, output_attentions=with_weights)
        scores = self._scores(answers, asked)
        output = PerceiverClassifierOutput(
            loss=None if labels is None else self._loss(scores, labels, asked),
            logits=_shown(scores, asked),
            hidden_states=encoded.hidden_states,
            attentions=encoded.attentions,
            cross_attentions=((encoded.cross_attentions or ()) + (weights or ())) or None,
        )
        return self._finish(output, return_dict)

    def decode(
        self, encoded: Encoded, *, task: str | Sequence[str | int] | Tensor | None = None, **asked_for: Any
    ) -> Any:
        """Scores of encoded texts for the tasks asked for, as `forward` gives them.

        Args:
            encoded: what `encode` returned.
            task: see `forward`.
            asked_for: `query_mask`, `chunk_size` and `output_attentions` of PerceiverModel.decode; with the last, an object
                with `logits` and `cross_attentions`.
        """
        asked = self._asked(task, encoded.latents.shape[0])
        answers, weights = self._answers(encoded, asked, **asked_for)
        logits = _shown(self._scores(answers, asked), asked)
        if asked_for.get("output_attentions"):
            return PerceiverClassifierOutput(logits=logits, cross_attentions=weights)
        return logits

    def resize_token_embeddings(self, new_num_tokens: int) -> nn.Embedding:
        """Change the number of ids, keeping the rows of those that stay; new ones are drawn.

        Returns:
            The new embedding table.
        """
        text = cast("PerceiverTextPreprocessor", self.perceiver.input_preprocessor)
        text.resize(new_num_tokens, self.config.initializer_range)
        self.config.vocab_size = new_num_tokens
        return text.embeddings

    def _answers(
        self, encoded: Encoded, asked: Asked, **asked_for: Any
    ) -> tuple[Tensor, tuple[Tensor, ...] | None]:
        """What the latents answer the queries, [batch, num_queries, d_latents], and the attention weights where asked for."""
        positions: Tensor | None = None
        if isinstance(asked, str):
            positions = torch.tensor([self.task_names.index(asked)])
        elif asked is not None:
            positions = asked[:, None]
        decoded = self.perceiver.decode(encoded, positions=positions, **asked_for)
        if isinstance(decoded, PerceiverDecoderOutput):
            return cast("Tensor", decoded.logits), decoded.cross_attentions
        return decoded, None

    def _scores(self, answers: Tensor, asked: Asked) -> dict[str, Tensor]:
        """Task -> [rows of the task, outputs of the task], without rows where the task is not asked for.

        Heads without rows are run on none, so that every parameter is part of the graph, which data-parallel training needs.
        """
        rows = {}
        for index, name in enumerate(self.task_names):
            if asked is None:
                rows[name] = answers[:, index]
            elif isinstance(asked, str):
                rows[name] = answers[:, 0] if name == asked else answers[:0, 0]
            else:
                rows[name] = answers[asked.to(answers.device) == index, 0]
        return {name: self.heads[name](some) for name, some in rows.items()}

    def _loss(self, scores: Mapping[str, Tensor], labels: Any, asked: Asked) -> Tensor:
        """Mean loss over the pairs of a sample and a task that have a label; 0 where there is none."""
        given = self._labels_by_task(scores, labels, asked)
        counts: list[int] = []
        # Sums of scores without rows are 0; see `_scores`.
        sums = [some.sum() for some in scores.values() if some.shape[0] == 0]
        for name, own in given.items():
            count = _num_labelled(own)
            if count > 0:
                task = self._tasks[name]
                counts.append(count)
                sums.append(
                    count * classification_loss(scores[name], own, task.num_labels, task.problem_type)
                )
        if not counts:
            sums.extend(some.sum() * 0 for some in scores.values())
        return torch.stack(sums).sum() / max(sum(counts), 1)

    def _labels_by_task(self, scores: Mapping[str, Tensor], labels: Any, asked: Asked) -> dict[str, Tensor]:
        present = [name for name, some in scores.items() if some.shape[0] > 0]
        if isinstance(labels, Mapping):
            if unknown := sorted(set(labels) - set(present)):
                raise ShapeError(f"`labels` must name tasks of {present}, received {unknown}")
            return dict(labels)
        if isinstance(asked, str):
            return {asked: labels}
        if asked is None:
            raise ShapeError(
                f"`labels` must be a mapping with some of {present} where every task is asked for, "
                f"received {type(labels).__name__}"
            )
        if labels.shape != asked.shape:
            raise ShapeError(f"`labels` must have shape {list(asked.shape)}, received {list(labels.shape)}")
        rows = {name: labels[asked.to(labels.device) == self.task_names.index(name)] for name in present}
        return {name: self._as_own_label(name, own) for name, own in rows.items()}

    def _as_own_label(self, name: str, labels: Tensor) -> Tensor:
        """Class ids as whole numbers, where they share a tensor with the numbers of other tasks."""
        if not self._tasks[name].takes_class_ids or not labels.is_floating_point():
            return labels
        if not bool((labels == labels.round()).all()):
            raise ShapeError(f"`labels` must be class ids for the task {name!r}, received {labels.tolist()}")
        return labels.long()

    def _asked(self, task: Any, batch_size: int) -> Asked:
        """`task` checked: None, a name, or numbers of `task_names`, [batch]."""
        if task is None:
            return None
        if isinstance(task, str):
            self._require_task(task)
            return task
        if not isinstance(task, Tensor):
            for each in task:
                if isinstance(each, str):
                    self._require_task(each)
            task = torch.tensor(
                [self.task_names.index(each) if isinstance(each, str) else int(each) for each in task]
            )
        if task.shape != (batch_size,) or task.is_floating_point() or task.dtype == torch.bool:
            raise ShapeError(
                f"`task` must be a name, or a name or number for each of the {batch_size} samples, "
                f"received {list(task.shape)} of {task.dtype}"
            )
        low, high = (int(bound) for bound in task.aminmax())
        if low < 0 or high >= len(self.task_names):
            raise ShapeError(
                f"`task` must hold numbers in [0, {len(self.task_names) - 1}], the places in {self.task_names}, "
                f"received numbers from {low} to {high}"
            )
        return task

    def _require_task(self, name: str) -> None:
        if name not in self.task_names:
            raise ShapeError(f"`task` must be one of {self.task_names}, received {name!r}")


def _shown(scores: Mapping[str, Tensor], asked: Asked) -> Any:
    """Scores as `forward` gives them: those of the one task, or of the tasks that have rows."""
    if isinstance(asked, str):
        return scores[asked]
    return {name: some for name, some in scores.items() if some.shape[0] > 0}


def _num_labelled(labels: Tensor) -> int:
    """Number of samples that have a label."""
    is_class_id = labels.ndim == 1 and not labels.is_floating_point()
    return int((labels != IGNORED_LABEL).sum()) if is_class_id else labels.shape[0]
