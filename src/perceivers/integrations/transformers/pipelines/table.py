"""The pipeline "table-prediction": rows of any columns in, the answers of a training run out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from perceivers.errors import DataError
from perceivers.integrations.transformers.package import Pipeline


class TablePredictionPipeline(Pipeline):  # type: ignore[misc]
    """Answers about rows; `processor` is the `perceivers.Predictor` of a run, whose model this pipeline has.

    Example:
        answers = pipe([{"photo": "a.jpg", "rooms": 3}, {"photo": "b.jpg", "rooms": 5}])
    """

    _load_processor = True
    _load_image_processor = False
    _load_feature_extractor = False
    _load_tokenizer = False

    def __call__(self, inputs: Any, **options: Any) -> Any:
        """Answer for one row, or for several at once.

        Args:
            inputs: a row (a mapping from column to cell); or a list of rows, or a DataFrame. Where the run reads one column,
                a list of its cells as well.
            options: what every pipeline takes.

        Returns:
            What `perceivers predict` writes about the row; of several rows a list, in order. A row that cannot be read has
            `error`, which says why, instead.
        """
        is_row = isinstance(inputs, Mapping)
        answers = super().__call__({"rows": [inputs] if is_row else inputs}, **options)
        return answers[0] if is_row else answers

    def _sanitize_parameters(self, **_: Any) -> tuple[dict[str, Any], dict[str, Any], dict[str, Any]]:
        return {}, {}, {}

    def preprocess(self, inputs: Mapping[str, Any]) -> Mapping[str, Any]:
        """The rows as they are: the run's own processor reads them."""
        return inputs

    def _forward(self, model_inputs: Mapping[str, Any]) -> dict[str, Any]:
        return {"answers": self.processor(model_inputs["rows"])}

    def postprocess(self, model_outputs: Mapping[str, Any]) -> list[dict[str, Any]]:
        """Answers as plain values."""
        return [
            {"error": str(answer)} if isinstance(answer, DataError) else answer
            for answer in model_outputs["answers"]
        ]
