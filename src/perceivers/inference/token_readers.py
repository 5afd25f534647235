"""From inputs to what the latents look at: table rows, groups of channels, or whole tokens where nothing else is known."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

from torch import Tensor, nn

from perceivers.inference.cross_attention import Grouped
from perceivers.inference.lookup_attention import LookedUp
from perceivers.inference.overrides import is_overridden
from perceivers.modalities.adapters import Preprocessor
from perceivers.modalities.base import AbstractPreprocessor
from perceivers.modalities.structure import InputStructure, TokensOfGroups, TokensOfTables, WholeTokens
from perceivers.nn.token_structure import TokenStructure


@dataclass(frozen=True)
class Reading:
    """What was read of inputs that are known to make sense.

    Attributes:
        attended: what the latents look at.
        batch_size: number of samples.
        num_tokens: of a sample.
        modality_sizes: number of tokens of each modality, where there are several.
        values: what a decoder needs that asks with the tokens: these, or the features that they are made of.
        features: as in Encoded, where tokens were built whole.
    """

    attended: LookedUp | Grouped
    batch_size: int
    num_tokens: int
    modality_sizes: Mapping[str, int] | None = None
    values: Tensor | None = None
    features: Any = None


class TokenReader(ABC):
    """Reads inputs."""

    @abstractmethod
    def read(self, inputs: Any, interpolate_pos_encoding: bool, pos: Any) -> Reading:
        """What the preprocessor's `forward` would make tokens of; arguments as there."""


class WholeReader(TokenReader):
    """Builds tokens whole.

    Args:
        preprocessor: builds them.
    """

    def __init__(self, preprocessor: Preprocessor) -> None:
        self._preprocessor = preprocessor

    def read(self, inputs: Any, interpolate_pos_encoding: bool, pos: Any) -> Reading:
        """See TokenReader."""
        places = {} if pos is None else {"pos": pos}
        tokens, modality_sizes, features = self._preprocessor(
            inputs, interpolate_pos_encoding=interpolate_pos_encoding, **places
        )
        batch_size, num_tokens = tokens.shape[:2]
        grouped = Grouped({"": TokenStructure(num_tokens, tokens)}, batch_size)
        return Reading(grouped, batch_size, num_tokens, modality_sizes, tokens, features)


class TableReader(TokenReader):
    """Looks tokens up.

    Args:
        structure: the tables.
    """

    def __init__(self, structure: TokensOfTables) -> None:
        self._structure = structure

    def read(self, inputs: Any, interpolate_pos_encoding: bool, pos: Any) -> Reading:
        """See TokenReader."""
        positions = self._structure.lookup(inputs, pos, interpolate_pos_encoding)
        return Reading(LookedUp(inputs, positions), *inputs.shape)


class GroupReader(TokenReader):
    """Tells the groups of channels of tokens apart, and builds whole only those whose positions are given.

    Args:
        structure: of the tokens.
        whole: for tokens that must be built whole.
        keeps_values: a decoder asks with the tokens, of which it must find the groups again.
    """

    def __init__(self, structure: TokensOfGroups, whole: WholeReader, keeps_values: bool) -> None:
        self._structure = structure
        self._whole = whole
        self._keeps_values = keeps_values

    def read(self, inputs: Any, interpolate_pos_encoding: bool, pos: Any) -> Reading:
        """See TokenReader."""
        if pos is not None:
            return self._whole.read(inputs, interpolate_pos_encoding, pos)
        parts = self._structure.parts(inputs, interpolate_pos_encoding)
        first = next(iter(inputs.values())) if isinstance(inputs, Mapping) else inputs
        # A graph keeps `shape[0]` free, and would take `len` for a number.
        batch_size = first.shape[0]
        sizes = {name: part.num_tokens for name, part in parts.items()}
        reading = Reading(
            Grouped(parts, batch_size),
            batch_size,
            sum(sizes.values()),
            None if list(sizes) == [""] else sizes,
        )
        if not self._keeps_values:
            return reading
        part = parts.get("")
        if part is None or part.features is None or not are_values(part.features, self._structure):
            return self._whole.read(inputs, interpolate_pos_encoding, pos)
        return Reading(
            reading.attended, batch_size, part.num_tokens, values=part.features, features=part.features
        )


def are_values(kept: Tensor, structure: TokensOfGroups) -> bool:
    """Whether what was kept of tokens are the values that they are made of, and not the tokens: by their channels."""
    return kept.shape[-1] != structure.num_channels


def input_structure(preprocessor: Preprocessor) -> InputStructure:
    """What a preprocessor says of its tokens, unless a subclass changed them since."""
    structure = preprocessor.structure()
    parts = preprocessor.modules() if isinstance(preprocessor, nn.Module) else iter(())
    for part in parts:
        is_changed = isinstance(part, AbstractPreprocessor) and is_overridden(part, "forward", "structure")
        # One that says nothing of its tokens is right whatever they are.
        if is_changed and not isinstance(cast("AbstractPreprocessor", part).structure(), WholeTokens):
            return WholeTokens(f"{type(part).__name__} changes the tokens of its base")
    return structure


def build_reader(structure: InputStructure, preprocessor: Preprocessor, keeps_values: bool) -> TokenReader:
    """The reader for tokens of some structure.

    Args:
        structure: of the tokens.
        preprocessor: builds them whole.
        keeps_values: a decoder asks with the tokens.
    """
    whole = WholeReader(preprocessor)
    if isinstance(structure, TokensOfTables):
        return TableReader(structure)
    if isinstance(structure, TokensOfGroups) and (structure.of_values is not None or not keeps_values):
        return GroupReader(structure, whole, keeps_values)
    return whole
