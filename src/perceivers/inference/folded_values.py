"""From folded answers to values: what of a postprocessor is linear is in the answers already, and only laid out."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor

from perceivers.inference.overrides import is_overridden
from perceivers.modalities.adapters import Postprocessor
from perceivers.modalities.base import AbstractPostprocessor
from perceivers.modalities.structure import LinearValues, OutputStructure, ValuesByModality
from perceivers.nn.token_structure import AffineMap

#: Lays out the answers of a whole output array; others it leaves as they are.
Arrange = Callable[[Any], Any]


class FoldedValues:
    """A postprocessor without its linear maps.

    Args:
        postprocessor: makes values of answers.
        names: of the modalities that answers come by; None for a single array.
    """

    def __init__(self, postprocessor: Postprocessor, names: tuple[str, ...] | None) -> None:
        self._postprocessor = postprocessor
        structure = output_structure(postprocessor)
        self._whole = structure if isinstance(structure, LinearValues) and names is None else None
        self._parts: dict[str, Any] | None = None
        if (
            names is not None
            and isinstance(structure, ValuesByModality)
            and set(names) <= set(structure.parts)
        ):
            self._parts = {name: structure.parts[name] for name in names}
        self._linear = {name: output_structure(part) for name, part in (self._parts or {}).items()}
        self._names = names

    def maps(self) -> dict[str, AffineMap | None]:
        """Name -> what is to be folded into the answers; None for nothing."""
        if self._names is None:
            return {"": None if self._whole is None else AffineMap.of(self._whole.linear)}
        found: dict[str, AffineMap | None] = dict.fromkeys(self._names)
        for name, structure in self._linear.items():
            if isinstance(structure, LinearValues):
                found[name] = AffineMap.of(structure.linear)
        return found

    def __call__(self, answers: Mapping[str, Tensor], arrange: Arrange) -> Any:
        """Values of answers, by modality or under the name "" that a single array has."""
        if self._names is None:
            return self._single(answers[""], arrange)
        if self._parts is None:
            sizes = {name: some.shape[1] for name, some in answers.items()}
            return self._postprocessor(torch.cat(list(answers.values()), dim=1), modality_sizes=sizes)
        return {name: self._of_modality(name, some) for name, some in sorted(answers.items())}

    def _single(self, answers: Tensor, arrange: Arrange) -> Any:
        if self._whole is not None:
            return arrange(self._whole.arrange(answers))
        post = self._postprocessor
        return post.of_whole(arrange(post.of_chunk(answers, None)), None)

    def _of_modality(self, name: str, answers: Tensor) -> Any:
        assert self._parts is not None
        structure = self._linear[name]
        if isinstance(structure, LinearValues):
            return structure.arrange(answers)
        return self._parts[name](answers, pos=None, modality_sizes=None)


def output_structure(postprocessor: Any) -> OutputStructure | None:
    """What a postprocessor says of its values, unless a subclass changed them since; None where nothing is known."""
    if not isinstance(postprocessor, AbstractPostprocessor):
        return None
    return None if is_overridden(postprocessor, "forward", "structure") else postprocessor.structure()
