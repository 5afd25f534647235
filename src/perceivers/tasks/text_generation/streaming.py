"""A trained run writes on, and shows the text as it comes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from torch import Tensor

from perceivers.errors import ConfigurationError
from perceivers.models.generation.streaming import Streamer, TextStreamer
from perceivers.tasks.base import Prediction
from perceivers.tasks.text_generation.codes import ByteCodes, Codes, codes_of
from perceivers.tasks.text_generation.continuing import continued
from perceivers.tasks.text_generation.prompts import read_prompts
from perceivers.tasks.text_generation.task import TextGeneration, with_writing


class _EventStreamer:
    """Events with spaces between them."""

    def __init__(self, codes: Codes, write: Callable[[str], Any]) -> None:
        self._codes, self._write = codes, write

    def put(self, value: Tensor) -> None:
        """See Streamer."""
        if value.ndim == 1 and (text := self._codes.shown(value.tolist())):
            self._write(f"{text} ")

    def end(self) -> None:
        """See Streamer."""


def stream(
    predictor: Any, prompt: str, write: Callable[[str], Any], *, seed: int = 0, **changed: Any
) -> Prediction:
    """Write on after a prompt, handing over pieces of text as they come.

    Args:
        predictor: what `perceivers.load` gives of a run of text-generation.
        prompt: a text, or events with spaces between them; a file of these.
        write: receives pieces of what is written.
        seed: of what is drawn.
        changed: options of TextGenerationArguments that say how it is written, such as `temperature`.

    Returns:
        See `perceivers.tasks.text_generation.continuing.continued`.

    Raises:
        ConfigurationError: the run is none of text-generation, or an option is out of range.
        DataError: the prompt cannot be read.
    """
    if not isinstance(predictor.task, TextGeneration):
        raise ConfigurationError(
            f"`folder` must be a run of {TextGeneration.name}, received one of {predictor.task.name}"
        )
    task = with_writing(predictor.task, **changed)
    codes = codes_of(predictor.parts.processor)
    (found,) = read_prompts([prompt], reads_events=task.reads_events)
    streamer = streamer_for(codes, write)
    return continued(predictor.prepared, codes, found, task.arguments, seed=seed, streamer=streamer)


def streamer_for(codes: Codes, write: Callable[[str], Any]) -> Streamer:
    """What hands over pieces of text as tokens come: whole characters, or events with spaces between them."""
    return TextStreamer(codes.decode, write) if isinstance(codes, ByteCodes) else _EventStreamer(codes, write)
