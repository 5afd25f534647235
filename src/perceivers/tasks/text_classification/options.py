"""Text, labels, model and augmentation of `text-classification`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from perceivers.arguments.base import require, require_at_least, require_choice, require_share
from perceivers.arguments.network import NetworkArguments
from perceivers.arguments.open import left_open
from perceivers.errors import ConfigurationError
from perceivers.kinds.text.options import TextOptions
from perceivers.tasks.text_model import TextModelArguments

MEASURES = (
    "accuracy",
    "f1",
    "matthews",
    "pearson",
    "spearman",
    "mean_squared_error",
    "mean_average_precision",
)
MEASURES_OF_ANSWER = {
    "one-class": ("accuracy", "f1", "matthews"),
    "several-labels": ("mean_average_precision", "f1"),
    "number": ("pearson", "spearman", "mean_squared_error"),
}


@left_open(
    TextOptions,
    NetworkArguments,
    "embedding_channels",
    "label_smoothing",
    "queries_per_answer",
    "token_rate",
    "initializer_range",
    "class_loss",
    "linear_start",
)
@dataclass(frozen=True, kw_only=True)
class TextClassificationArguments(TextOptions, TextModelArguments):
    """Text, labels, model and augmentation of `text-classification`: a text or two in; a class, labels or a number out."""

    second_text_column: str | None = None
    """Column of a second text, for questions about two; the model reads [CLS] first [SEP] second [SEP]. A row without
    a value there has one text alone."""
    label_column: str = "label"
    """Column that holds the class, the labels or the number."""
    answer: Literal["one-class", "several-labels", "number"] = "one-class"
    """What the model answers: exactly one class, any number of labels at once, or a number (regression)."""
    label_separator: str = ","
    """What divides the labels of a text in a table, with `several-labels`; lists need none."""
    task_column: str | None = None
    """Column that says which of several tasks a row belongs to. All tasks share the encoder; each has a query, a head and
    classes of its own."""
    number_tasks: tuple[str, ...] = ()
    """Those of the tasks in `task_column` whose label is a number; the others have classes."""
    head_layers: int = 0
    """Layers with tanh between the answer of a task's query and its scores; the paper has 2 for GLUE."""
    queries_per_answer: int = 1
    """Learned queries that are asked for each answer, each with a head of its own; their answers are averaged."""
    token_rate: float = 0.0
    """Above 0, add to what each query says a linear map of the mean of the text's tokens, which learns at so many times the
    learning rate: what can be read off the tokens without latents. What the latents say then starts at zero."""
    initializer_range: float = 0.02
    """Standard deviation of the first latents, queries and other vectors that stand alone."""
    label_smoothing: float = 0.0
    """Share of the target probability spread over all classes, in [0, 1); of one task only."""
    class_loss: Literal["cross_entropy", "margin"] = "cross_entropy"
    """What is made small for one class of several: the cross-entropy, or the squared hinge loss of support vector machines,
    which does better on n-grams. Its probabilities are fitted to the validation samples."""
    linear_start: bool = False
    """Let n-grams start with the weights of support vector machines of the training texts, and learn on from there. Needs
    `text_reading` ngrams, a `token_rate`, and one class of several; a run with `start` has its weights from there."""
    measures: tuple[str, ...] = ()
    """What is reported, the headline first. None given: accuracy, macro F1 and Matthews' coefficient for classes (F1 of the
    second class where there are two), mean average precision and macro F1 for labels, the coefficients of Pearson and
    Spearman and the mean squared error for numbers."""

    def __post_init__(self) -> None:
        TextOptions.__post_init__(self)
        TextModelArguments.__post_init__(self)
        require_choice("answer", self.answer, tuple(MEASURES_OF_ANSWER))
        require_at_least(0, self, "head_layers")
        require_at_least(1, self, "queries_per_answer")
        require("token_rate", self.token_rate, self.token_rate >= 0.0, "at least 0")
        require("initializer_range", self.initializer_range, self.initializer_range > 0.0, "above 0")
        require_share(self, "label_smoothing")
        require_choice("class_loss", self.class_loss, ("cross_entropy", "margin"))
        if self.class_loss == "margin" and self.answer != "one-class":
            raise ConfigurationError(
                f"`class_loss` margin goes with `answer` one-class, received it with {self.answer}"
            )
        require(
            "label_separator", len(self.label_separator), bool(self.label_separator), "1 character or more"
        )
        for name in self.measures:
            require_choice("measures", name, MEASURES)
        if self.task_column is None:
            self._require_single_task()
        elif self.answer != "one-class" or self.label_smoothing:
            raise ConfigurationError(
                "`task_column` goes with `answer` one-class and no `label_smoothing` (`number_tasks` names the tasks with "
                f"numbers), received {self.answer} and {self.label_smoothing}"
            )

        if self.linear_start and not (
            self.text_reading == "ngrams"
            and self.token_rate > 0.0
            and self.answer == "one-class"
            and self.task_column is None
        ):
            raise ConfigurationError(
                "`linear_start` needs `text_reading` ngrams, a `token_rate` above 0, `answer` one-class and no "
                f"`task_column`, received {self.text_reading}, {self.token_rate}, {self.answer} and {self.task_column}"
            )

    @property
    def calibrate(self) -> bool:
        """Whether probabilities are fitted to the validation samples.

        Scores of the margin loss say nothing of probabilities, and softened targets make them too small.
        """
        return self.class_loss == "margin" or bool(self.label_smoothing)

    def config_values(self) -> dict[str, Any]:
        """See NetworkArguments."""
        return {**super().config_values(), "initializer_range": self.initializer_range}

    def _require_single_task(self) -> None:
        if self.number_tasks:
            raise ConfigurationError(
                f"`number_tasks` needs `task_column`, received {', '.join(self.number_tasks)}; one task alone has a number "
                "with --answer number"
            )
        known = MEASURES_OF_ANSWER[self.answer]
        for name in self.measures:
            require_choice("measures", name, known)
        if self.answer == "number" and self.label_smoothing:
            raise ConfigurationError(
                f"`label_smoothing` is for classes, received {self.label_smoothing} with `answer` number"
            )
