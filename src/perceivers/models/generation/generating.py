"""Writing on by a model in torch: the loop asks it token by token, and its answer comes back as tensors."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any, Protocol

import torch
from torch import Tensor

from perceivers.configuration import PerceiverConfig
from perceivers.errors import ShapeError
from perceivers.modalities.base import require_rows
from perceivers.models.generation.cache import CausalCache
from perceivers.models.generation.streaming import Streamer
from perceivers.models.generation.writing import Floats, Ids, Mask, Writing, write


@dataclass(frozen=True)
class Generated:
    """What was written.

    Attributes:
        sequences: ids [batch, length + num_steps]: the prompts with their padding in front, then what was written; behind the
            end of a text, padding.
        num_new: ids that were written for each prompt, what stopped it included, [batch].
        log_probs: natural logarithm of the model's probability of each of them, [batch, num_steps]; 0 behind the end.
        is_stopped: bool [batch], True where one of the stop sequences ended the text.
        logits: the model's scores [batch, num_steps, vocab_size], where they were asked for.
    """

    sequences: Tensor
    num_new: Tensor
    log_probs: Tensor
    is_stopped: Tensor
    logits: Tensor | None = None

    def new_ids(self, row: int) -> list[int]:
        """The ids that were written for a prompt."""
        start = self.sequences.shape[1] - self.log_probs.shape[1]
        ids: list[int] = self.sequences[row, start : start + int(self.num_new[row])].tolist()
        return ids


class CausalModel(Protocol):
    """What is needed of a model."""

    @property
    def config(self) -> PerceiverConfig:
        """Its configuration."""

    @property
    def device(self) -> torch.device:
        """Where its weights are."""

    def __call__(self, *inputs: Any, **options: Any) -> Any:
        """See PerceiverForCausalLM.forward."""

    def new_cache(self, num_inputs: int | None = None, num_latents: int | None = None) -> CausalCache:
        """See PerceiverForCausalLM."""


def generate(model: CausalModel, prompts: Tensor, mask: Tensor | None, writing: Writing) -> Generated:
    """Write on after prompts.

    Args:
        model: in evaluation mode.
        prompts: ids [batch, length].
        mask: [batch, length], 0 in padding, wherever it stands; None where there is none.
        writing: see Writing.

    Raises:
        ShapeError: a prompt is empty, or has ids that are no whole numbers, or that the model does not know.
        ConfigurationError: `cache` "sliding" meets the end of a table of positions.
    """
    if prompts.is_floating_point() or prompts.dtype == torch.bool:
        raise ShapeError(f"`input_ids` must be whole numbers, received {prompts.dtype}")
    if prompts.numel():
        require_rows("input_ids", prompts, model.config.vocab_size, "ids")
    if writing.streamer is not None:
        writing = dataclasses.replace(writing, streamer=_AsTensors(writing.streamer))
    counts = None if mask is None else mask.cpu().numpy()
    written = write(_Stepped(model), model.config, prompts.cpu().numpy(), counts, writing)

    def there(array: Any) -> Tensor:
        return torch.from_numpy(array).to(model.device)

    return Generated(
        there(written.sequences),
        there(written.num_new),
        there(written.log_probs),
        there(written.is_stopped),
        None if written.logits is None else there(written.logits),
    )


class _Stepped:
    """See StepModel."""

    def __init__(self, model: CausalModel) -> None:
        self._model = model
        self._cache: CausalCache | None = None

    def begin(self, ids: Ids, mask: Mask | None, num_latents: int, kept: tuple[int, int] | None) -> Floats:
        self._cache = None if kept is None else self._model.new_cache(*kept)
        counts = None if mask is None else self._there(mask)
        return self._last(
            self._model(self._there(ids), counts, num_latents=num_latents, cache=self._cache).logits
        )

    def go_on(self, ids: Ids) -> Floats:
        return self._last(self._model(self._there(ids), cache=self._cache).logits)

    def _there(self, array: Any) -> Tensor:
        return torch.from_numpy(array).to(self._model.device)

    @staticmethod
    def _last(logits: Tensor) -> Floats:
        last: Floats = logits[:, -1].float().cpu().numpy()
        return last


@dataclass(frozen=True)
class _AsTensors:
    """A streamer that is given tensors, as those of Transformers want them.

    Args:
        streamer: the user's.
    """

    streamer: Streamer

    def put(self, value: Any) -> None:
        self.streamer.put(torch.from_numpy(value))

    def end(self) -> None:
        self.streamer.end()
