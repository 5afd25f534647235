"""Series to the model's input: missing values, scale, one length a batch."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np
import torch
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence

from perceivers.errors import CheckpointError
from perceivers.kinds.series.samples import SeriesSample
from perceivers.kinds.series.values import fill_missing, statistics
from perceivers.records import write_json

FILE = "preprocessor_config.json"


@dataclass(frozen=True, kw_only=True)
class SeriesProcessor:
    """Series of several channels to one batch.

    Args:
        mean: of each channel over the training series; it is taken off where `normalization` is "data", and stands for
            channels without any value.
        std: standard deviation of each channel over the training series.
        normalization: "data", "series" (each by its own mean and deviation) or "none".
        missing: "interpolate" fills missing values; otherwise they stay NaN.
    """

    mean: tuple[float, ...]
    std: tuple[float, ...]
    normalization: str
    missing: str

    def of_one(self, sample: SeriesSample) -> np.ndarray:
        """Normalised values of one series, float32 [num_steps, num_channels], with its gains and noise."""
        values = sample.values
        if self.missing == "interpolate":
            values = fill_missing(values, np.array(self.mean))
        if self.normalization != "none":
            own = self.normalization == "series"
            mean, std = statistics([values]) if own else (np.array(self.mean), np.array(self.std))
            values = (values - mean) / std
        if sample.gains is not None:
            values = values * sample.gains
        if sample.noise is not None:
            # A channel that is left out stays silent.
            values = values + (sample.noise if sample.gains is None else sample.noise * (sample.gains != 0.0))
        return values.astype(np.float32)

    def __call__(self, samples: Sequence[SeriesSample]) -> dict[str, Tensor]:
        """Turn series into a batch.

        Returns:
            `inputs` float32 [batch, num_steps, num_channels], shorter ones filled up with zeros, and `attention_mask` bool
            [batch, num_steps], True where the series has a step.
        """
        rows = [torch.from_numpy(self.of_one(sample)) for sample in samples]
        lengths = torch.tensor([len(row) for row in rows])
        inputs = pad_sequence(rows, batch_first=True)
        return {
            "inputs": inputs,
            "attention_mask": torch.arange(inputs.shape[1])[None] < lengths[:, None],
        }

    def save_pretrained(self, folder: Path) -> None:
        """Write `preprocessor_config.json` into `folder`."""
        write_json(Path(folder) / FILE, dataclasses.asdict(self))

    @classmethod
    def from_pretrained(cls, folder: Path) -> Self:
        """Read what `save_pretrained` wrote."""
        path = Path(folder) / FILE
        try:
            saved = json.loads(path.read_text(encoding="utf-8"))
            return cls(**{**saved, "mean": tuple(saved["mean"]), "std": tuple(saved["std"])})
        except (OSError, ValueError, TypeError, KeyError) as error:
            raise CheckpointError(f"`{path}` does not hold the scale of series: {error}") from error
