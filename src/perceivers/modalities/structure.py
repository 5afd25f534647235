"""What a modality says of itself for the fast form: what its tokens consist of, and how values come from decoded tokens."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Protocol

from torch import Tensor, nn

from perceivers.nn.token_structure import TablePositions, TokenStructure


@dataclass(frozen=True)
class WholeTokens:
    """Tokens of which nothing is known: they are built whole.

    Attributes:
        because: the reason, in words.
    """

    because: str


@dataclass(frozen=True)
class TokensOfTables:
    """Tokens that are sums of two table rows.

    Attributes:
        ids: [num_ids, channels]; inputs are rows of it.
        positions: [num_positions, channels].
        lookup: called with inputs, `pos` and `interpolate_pos_encoding` as `forward` is; checks them and gives the position
            vectors [length, channels] or [batch, length, channels], or None for the first rows of `positions`.
    """

    ids: Tensor
    positions: Tensor
    lookup: Callable[[Any, Any, bool], Tensor | None]


@dataclass(frozen=True)
class TokensOfGroups:
    """Tokens that are groups of channels side by side, see TokenStructure; they are never joined.

    Attributes:
        num_channels: of a token.
        parts: called with inputs and `interpolate_pos_encoding` as `forward` is; checks them and gives what the tokens
            consist of, one part a modality (a single one has the name "").
        learned: the tables of learned positions that parts may hold.
        of_values: from the `features` of a single part and the grid that its tokens lie on back to that part, for decoders
            that ask with the tokens; None where it cannot be had from these alone.
        whole_because: why some parts are a single group, which is the tokens built whole; None where there is nothing to
            tell apart, or all is told apart.
    """

    num_channels: int
    parts: Callable[[Any, bool], Mapping[str, TokenStructure]]
    learned: Sequence[TablePositions] = ()
    of_values: Callable[[Tensor, Sequence[int]], TokenStructure] | None = None
    whole_because: str | None = None


InputStructure = WholeTokens | TokensOfTables | TokensOfGroups


class MakesTokens(Protocol):
    """A preprocessor."""

    @property
    def num_channels(self) -> int:
        """Channels of the tokens."""

    def __call__(self, inputs: Any, *, interpolate_pos_encoding: bool) -> tuple[Tensor, Any, Any]:
        """Tokens [batch, num_tokens, num_channels], and more."""


def tokens_as_features(preprocessor: MakesTokens, whole_because: str | None = None) -> TokensOfGroups:
    """Tokens all of whose channels depend on the inputs, or, with a reason, cannot be told apart."""
    parts = partial(_one_group, preprocessor)
    return TokensOfGroups(preprocessor.num_channels, parts, whole_because=whole_because)


def _one_group(
    preprocessor: MakesTokens, inputs: Any, interpolate_pos_encoding: bool
) -> dict[str, TokenStructure]:
    tokens = preprocessor(inputs, interpolate_pos_encoding=interpolate_pos_encoding)[0]
    return {"": TokenStructure(tokens.shape[1], tokens)}


def as_they_are(values: Tensor) -> Tensor:
    """The values."""
    return values


@dataclass(frozen=True)
class LinearValues:
    """Values that are a linear map of each decoded token, laid out.

    Attributes:
        linear: the map.
        arrange: lays out its results [batch, num_tokens, out_channels] as `forward` returns them.
    """

    linear: nn.Linear
    arrange: Callable[[Tensor], Any] = as_they_are


@dataclass(frozen=True)
class ValuesByModality:
    """Values that each modality makes of its own decoded tokens.

    Attributes:
        parts: name -> postprocessor.
    """

    parts: Mapping[str, nn.Module]


OutputStructure = LinearValues | ValuesByModality
