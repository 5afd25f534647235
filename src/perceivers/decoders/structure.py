"""What a decoder says of itself for the fast form: what its queries consist of, and which layers answer them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from torch import Tensor, nn

from perceivers.decoders.asked_for import AskedFor
from perceivers.nn.attention_layer import AttentionLayer
from perceivers.nn.token_structure import TablePositions, TokenStructure
from perceivers.outputs import Encoded


@dataclass(frozen=True)
class PlainAnswers:
    """Answers that come about in a way that nothing is known of.

    Attributes:
        because: the reason, in words.
        asks_with_inputs: whether queries may be made of the input's tokens or features, which must then be built whole.
    """

    because: str
    asks_with_inputs: bool = True


@dataclass(frozen=True)
class AttendedAnswers:
    """Queries of known structure, answered by one cross-attend and a linear map.

    Attributes:
        queries: called with `encoded` and `asked_for` as `build_queries` is; checks them and gives what the queries consist
            of, one part a modality (a single one has the name ""). None where `token_indices` is given.
        token_indices: where queries are the input's tokens: called alike, gives which of them, [num_points] or
            [batch, num_points]; None for all.
        layer: the cross-attend; None where the decoder builds queries and answers none.
        final: the linear map after it; None for the identity.
        factor: on the answers.
        learned: the table of learned queries, where all queries are its rows.
        names: of the modalities; None for a single output array.
    """

    queries: Callable[[Encoded, AskedFor], Mapping[str, TokenStructure]] | None = None
    token_indices: Callable[[Encoded, AskedFor], Tensor | None] | None = None
    layer: AttentionLayer | None = None
    final: nn.Linear | None = None
    factor: float = 1.0
    learned: TablePositions | None = None
    names: tuple[str, ...] | None = None


DecoderStructure = PlainAnswers | AttendedAnswers
