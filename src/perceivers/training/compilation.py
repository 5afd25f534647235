"""Training with a compiled network: one form, for the shape that most batches have; all else runs as written."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import torch
from torch import nn

from perceivers.errors import ConfigurationError, PerceiversError, one_line

if TYPE_CHECKING:
    from accelerate import Accelerator

# Batches that are seen before one shape can be called the usual one, and after which none is looked for any more.
LEAST_SEEN, MOST_SEEN = 4, 20
BACKEND = "inductor"
CURE = (
    "install a C++ compiler and Python's headers (Debian, Ubuntu: apt install g++ python3-dev; macOS: xcode-select "
    "--install; Windows: the Build Tools of Visual Studio), or train without --compile"
)


def require_compiler(device: torch.device) -> None:
    """Compile a small function, so that what is missing is known before any data are read.

    Raises:
        ConfigurationError: this machine cannot compile.
    """
    try:
        values = torch.arange(3.0, device=device)
        compiled(_doubled)(values)
    except Exception as error:  # compilers, loaders and torch raise what they like
        raise ConfigurationError(
            f"`compile` needs a compiler that torch can use, received {_said(error)}; {CURE}"
        ) from error


def compiled(function: Any) -> Any:
    """A module or function, to be compiled when it is first called: for its sizes alone, with the draws of torch's generator.

    Dropout then leaves out what it does without a compiler, in less time than the compiler's own draws take.
    """
    # Other backends than the usual one are for tests, and take no options.
    options: Any = {"fallback_random": True} if BACKEND == "inductor" else None
    return torch.compile(function, dynamic=False, backend=BACKEND, options=options)


def _said(error: Exception) -> str:
    """What a compiler says, without torch's advice to its own developers."""
    return one_line(str(error).partition("Set TORCHDYNAMO_VERBOSE")[0] or error)


def _doubled(values: torch.Tensor) -> torch.Tensor:
    return torch.cos(values) + values


class UsualForm:
    """A model, compiled for the usual shape of its batches.

    Compiling takes longer than hundreds of steps of a small network. It is therefore done once, for the shape that more than
    half of the batches have had; others run as written, as do all batches where no shape is usual (texts that are as long as
    the longest of each batch). Which shape it is, is part of a checkpoint: a resumed run computes each batch as an
    undisturbed one does.

    Args:
        model: as accelerate has prepared it. It stays as it is: saving, measuring and means of weights know nothing of this.
        accelerator: joins the processes, which settle on one shape.

    Attributes:
        say: told what the user should know.
        has_waited: whether the last batch waited for the compiler, of this process or another one.
    """

    def __init__(self, model: nn.Module, accelerator: Accelerator) -> None:
        if "FSDP" in str(accelerator.distributed_type):
            raise ConfigurationError(
                "`compile` needs whole weights on every process, received it together with FSDP"
            )
        self._model, self._accelerator = model, accelerator
        self._compiled = compiled(model)
        self._counts: dict[str, int] = {}
        self._usual: str | None = None
        self._is_made = False
        self.has_waited = False
        self.say: Callable[[str], None] = _silent

    @contextmanager
    def for_batch(self, batch: Mapping[str, Any]) -> Iterator[Any]:
        """Give what computes this batch: the compiled form, or the model itself.

        Raises:
            PerceiversError: torch cannot compile this network.
        """
        shape = shape_of(batch)
        if self._usual is None and sum(self._counts.values()) < MOST_SEEN:
            self._look_at(shape)
        is_usual = shape == self._usual
        self.has_waited = is_usual and not self._is_made
        if self.has_waited:
            self.say("compiling the network for the usual shape of a batch: a minute or more")
        try:
            yield self._compiled if is_usual else self._model
        except torch._dynamo.exc.TorchDynamoException as error:
            raise PerceiversError(
                f"`compile` cannot be used for this network: {_said(error)}; train without --compile"
            ) from error
        self._is_made = self._is_made or is_usual

    def _look_at(self, shape: str) -> None:
        """Count a shape, and settle on one that more than half of the batches have had."""
        counts = self._counts
        shapes = {shape} if self._accelerator.num_processes == 1 else set(gather_shapes(shape))
        # Processes with batches of different shapes have none in common.
        shape = shapes.pop() if len(shapes) == 1 else ""
        counts[shape] = counts.get(shape, 0) + 1
        seen = sum(counts.values())
        if shape and seen >= LEAST_SEEN and counts[shape] > seen / 2:
            self._usual = shape
        elif seen == MOST_SEEN:
            self.say(f"nothing is compiled: the first {seen} batches had no shape in common")

    def state_dict(self) -> dict[str, Any]:
        """For checkpoints."""
        return {"counts": dict(self._counts), "usual": self._usual}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take over what a checkpoint holds."""
        self._counts, self._usual = dict(state["counts"]), state["usual"]


def shape_of(value: Any) -> str:
    """What a form is compiled for: dtype and shape of each tensor of a batch, by name, and the numbers beside them."""
    if isinstance(value, torch.Tensor):
        return f"{str(value.dtype).removeprefix('torch.')}{list(value.shape)}"
    if isinstance(value, Mapping):
        return f"{{{', '.join(f'{name}: {shape_of(each)}' for name, each in value.items())}}}"
    if isinstance(value, list | tuple):
        return f"({', '.join(map(shape_of, value))})"
    return repr(value) if isinstance(value, int | float | str | None) else type(value).__name__


def gather_shapes(shape: str) -> list[str]:
    """The shapes of all processes."""
    from accelerate.utils import gather_object

    shapes: list[str] = gather_object([shape])
    return shapes


def _silent(message: str) -> None:
    """Say nothing."""
