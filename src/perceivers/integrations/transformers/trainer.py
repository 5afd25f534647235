"""Transformers' Trainer for models whose inputs are a mapping, such as films with sound or the columns of a table."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from perceivers.integrations.transformers.package import Trainer as TransformersTrainer


class Trainer(TransformersTrainer):  # type: ignore[misc]
    """Trainer as it is; its count of operations, for which it asks `inputs` for a number of values, knows mappings, too."""

    def floating_point_ops(self, inputs: Mapping[str, Any]) -> int:
        """Six operations for each value of the inputs and parameter, as Trainer reckons.

        Args:
            inputs: the batch.
        """
        values = inputs.get(self.model.main_input_name)
        if isinstance(values, Mapping):
            numbers = sum(value.numel() for value in values.values())
            return int(6 * numbers * self.model.num_parameters(exclude_embeddings=True))
        return int(super().floating_point_ops(inputs))
