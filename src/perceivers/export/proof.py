"""That a file computes what the model does: at the sizes of the sample and at others, on real inputs."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from perceivers.errors import ConfigurationError, PerceiversError
from perceivers.nn.pointer import HIDDEN

# Share of the largest output that a file's may be off by.
MOST_ERROR = 1e-4
# Other sizes that every file must have been run at.
OTHER_SIZES = 2
#: From tensors by name to tensors, or arrays, by name.
Compute = Callable[[Mapping[str, Tensor]], Mapping[str, Any]]


@dataclass(frozen=True)
class Proof:
    """How far a file is off.

    Attributes:
        error: largest difference to the model, as a share of the model's largest output.
        sizes: of each input, at every run that was compared.
    """

    error: float
    sizes: tuple[Mapping[str, tuple[int, ...]], ...]

    def require(self, name: str) -> None:
        """Raise ConfigurationError where the file is too far off, or has been run at too few sizes."""
        if not self.error <= MOST_ERROR:
            raise ConfigurationError(
                f"`{name}` differs from the model by {self.error:.1e} of its largest output, more than {MOST_ERROR:.0e}: it "
                "is not written; export with --form plain, and report the model's configuration"
            )
        other = _num_different(self.sizes) - 1
        if other < OTHER_SIZES:
            raise ConfigurationError(
                f"`{name}` must be compared at {OTHER_SIZES} sizes beside the sample's, received {other}"
            )


def prove(
    reference: Compute,
    file: Compute,
    samples: Iterable[Mapping[str, Tensor]],
    made: Iterable[Mapping[str, Tensor]] = (),
) -> Proof:
    """Compare a file with the model it was made of.

    Args:
        reference: the model.
        file: what was written, as it is run.
        samples: real inputs.
        made: others, of which no more are taken than are needed for two other sizes; those that the model itself refuses,
            such as a text longer than it takes, are passed over.
    """
    worst, sizes = 0.0, []

    def compare(sample: Mapping[str, Tensor]) -> None:
        nonlocal worst
        with torch.no_grad():
            expected = reference(sample)
        worst = max(worst, difference(expected, file(sample)))
        sizes.append({name: tuple(value.shape) for name, value in sample.items()})

    for sample in samples:
        compare(sample)
    for sample in made:
        if _num_different(sizes) > OTHER_SIZES:
            break
        with suppress(PerceiversError, IndexError, RuntimeError):
            compare(sample)
    return Proof(worst, tuple(sizes))


def _num_different(sizes: Sequence[Mapping[str, tuple[int, ...]]]) -> int:
    return len({tuple(sorted(each.items())) for each in sizes})


def difference(expected: Mapping[str, Any], received: Mapping[str, Any]) -> float:
    """Largest difference of any output, as a share of the largest value of that output.

    Infinite where one hides what the other does not, or is no number where the other is one.
    """
    found = 0.0
    for name, tensor in expected.items():
        wanted, own = _wide(tensor), _wide(received[name])
        if wanted.shape != own.shape:
            raise ConfigurationError(
                f"`{name}` must have shape {list(wanted.shape)}, as the model's, received {list(own.shape)}"
            )
        # What hides the members of a set is no number to compare, and would make all other differences small.
        hidden = wanted <= HIDDEN
        if not np.array_equal(hidden, own <= HIDDEN):
            return np.inf
        # No comparison is true of what is no number: it would pass for equal.
        if not np.array_equal(np.isnan(wanted), np.isnan(own)):
            return np.inf
        hidden |= np.isnan(wanted)
        wanted, own = np.where(hidden, 0.0, wanted), np.where(hidden, 0.0, own)
        largest = float(np.abs(wanted).max(initial=0.0))
        off = float(np.abs(wanted - own).max(initial=0.0))
        found = max(found, off / largest if largest else off)
    return found


def other_sizes(
    sample: Mapping[str, Tensor], free: Mapping[str, tuple[int, ...]]
) -> Iterator[dict[str, Tensor]]:
    """The sample cut, and repeated, along its free axes: to half, one and a half, twice, and one less.

    Axes of one size are of one size again, so that a mask still fits its inputs.

    Args:
        sample: inputs by name.
        free: axes by name.
    """
    rules: tuple[Callable[[int], int], ...] = (
        lambda size: max(1, size // 2),
        lambda size: max(1, size * 3 // 2),
        lambda size: size * 2,
        lambda size: max(1, size - 1),
    )
    for rule in rules:
        changed = {}
        for name, value in sample.items():
            for axis in free.get(name, ()):
                places = torch.arange(rule(value.shape[axis])) % value.shape[axis]
                value = value.index_select(axis, places)
            changed[name] = value
        yield changed


def as_arrays(tensors: Mapping[str, Any]) -> dict[str, np.ndarray]:
    """Tensors as arrays."""
    return {
        name: value.detach().cpu().numpy() if isinstance(value, Tensor) else np.asarray(value)
        for name, value in tensors.items()
    }


def _wide(values: Any) -> np.ndarray:
    array = values.detach().cpu().numpy() if isinstance(values, Tensor) else np.asarray(values)
    return array.astype(np.float64)
