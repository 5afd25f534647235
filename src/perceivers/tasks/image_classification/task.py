"""Image classification: pixels with learned or Fourier positions, or features of a stem, in; one of several classes out."""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar

from perceivers.configuration import PerceiverConfig
from perceivers.data.tables import FILE_COLUMN
from perceivers.kinds.base import Kind
from perceivers.kinds.image.kind import ImageKind
from perceivers.tasks.answering import LABELS
from perceivers.tasks.base import Batch
from perceivers.tasks.columns import Columns
from perceivers.tasks.image_classification.options import ImageClassificationArguments
from perceivers.tasks.one_column_task import ANSWER, OneColumnTask


class ImageClassification(OneColumnTask[ImageClassificationArguments]):
    """Pictures of any size, grey or colour, one folder a class, or a table of them."""

    name: ClassVar[str] = "image-classification"
    arguments_class: ClassVar[type[Any]] = ImageClassificationArguments
    kind_class: ClassVar[type[Kind]] = ImageKind

    def names_of_input(self) -> tuple[str, ...]:
        """See OneColumnTask."""
        return self.arguments.image_column, FILE_COLUMN

    @property
    def by_modality(self) -> bool:  # type: ignore[override]
        """See AnsweringTask: pictures behind a stem of stages are a modality of PerceiverForPrediction."""
        return self.arguments.input_form == "stem"

    def build_model(self, columns: Columns, start: PerceiverConfig | None) -> Any:
        """One of the page's three models, by the form of the input, or PerceiverForPrediction for a stem of stages."""
        if self.by_modality:
            return super().build_model(columns, start)
        from perceivers.tasks.image_classification.model import build_classifier

        return build_classifier(self.arguments, columns.answers[ANSWER].names, start)

    def load_model(self, folder: Path) -> Any:
        """See ColumnTask."""
        from perceivers.tasks.image_classification.model import load_classifier

        return super().load_model(folder) if self.by_modality else load_classifier(folder)

    def augment(self, batch: Batch) -> Batch:
        """Shift, turn and scale the pictures, and mix them; mixed labels are shares [batch, num_classes]."""
        batch, chosen = super().augment(batch), self.arguments
        if not (chosen.mixup or chosen.cutmix):
            return batch
        from perceivers.kinds.image.mixing import mix_at_random

        ((name, pixels),) = batch["inputs"].items()
        pixels, labels = mix_at_random(
            pixels,
            batch[LABELS][ANSWER],
            num_classes=self.columns.answers[ANSWER].description.num_outputs,
            mixup_alpha=chosen.mixup,
            cutmix_alpha=chosen.cutmix,
        )
        return {**batch, "inputs": {name: pixels}, LABELS: {ANSWER: labels}}
