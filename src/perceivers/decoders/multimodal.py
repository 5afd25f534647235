"""The decoder of several modalities: every modality's queries, padded to the same channels, in one cross-attend."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Unpack, cast

import torch
from torch import Tensor, nn

from perceivers.configuration import PerceiverConfig
from perceivers.decoders.asked_for import EVERYTHING, AskedFor, PointsByModality, sizes_of
from perceivers.decoders.base import PerceiverAbstractDecoder, Queries
from perceivers.decoders.basic import BasicDecoderOptions, PerceiverBasicDecoder
from perceivers.decoders.structure import AttendedAnswers, DecoderStructure, PlainAnswers
from perceivers.errors import ConfigurationError, ShapeError
from perceivers.nn.packing import pad_channels, require_names
from perceivers.nn.token_structure import TokenStructure
from perceivers.outputs import Encoded, PerceiverDecoderOutput

NOTHING_ASKED_FOR = "at least one output point must be asked for, received none for every modality"


class PerceiverMultimodalDecoder(PerceiverAbstractDecoder):
    """Queries of every modality in sorted order of their names; a modality that is asked for no points gets none.

    Args:
        config: see PerceiverBasicDecoder.
        modalities: name -> decoder that builds that modality's queries.
        num_outputs: number of outputs of all modalities together; None takes what the modalities say, another number than
            theirs is an error.
        output_num_channels: channels of an answer.
        min_padding_size: learned channels that the widest query gets.
        subsampled_index_dims: name -> sizes of the array of subsampled points, or their number; when given, it is checked.
        decoder_kwargs: further arguments of PerceiverBasicDecoder for the cross-attend.
    """

    def __init__(
        self,
        config: PerceiverConfig,
        modalities: Mapping[str, PerceiverAbstractDecoder],
        num_outputs: int | None = None,
        output_num_channels: int | None = None,
        min_padding_size: int = 2,
        subsampled_index_dims: Mapping[str, int | Sequence[int]] | None = None,
        **decoder_kwargs: Unpack[BasicDecoderOptions],
    ) -> None:
        super().__init__()
        if not modalities:
            raise ConfigurationError("`modalities` must name at least one decoder, received none")
        require_names("modalities", modalities)
        self.modalities = nn.ModuleDict(dict(modalities))
        self.min_padding_size = min_padding_size
        self.subsampled_index_dims = {
            name: sizes_of(dims) for name, dims in (subsampled_index_dims or {}).items()
        }
        self._require_total(num_outputs)
        options: BasicDecoderOptions = {"num_channels": self.num_query_channels, **decoder_kwargs}
        self.decoder = PerceiverBasicDecoder(
            config,
            output_num_channels=output_num_channels or config.output_num_channels,
            position_encoding_type="none",
            **options,
        )
        self.padding = nn.ParameterDict(
            {
                name: nn.Parameter(torch.empty(1, self.num_query_channels - decoder.num_query_channels))
                for name, decoder in modalities.items()
            }
        )
        for vector in self.padding.values():
            nn.init.trunc_normal_(vector, std=0.02, a=-0.04, b=0.04)

    @property
    def num_query_channels(self) -> int:
        """Channels of the widest modality's queries plus `min_padding_size`."""
        return max(self._decoder(name).num_query_channels for name in self.modalities) + self.min_padding_size

    def num_outputs(self, encoded: Encoded, asked_for: AskedFor) -> int:
        """Number of points asked for in all modalities."""
        return sum(self.modality_sizes(encoded, asked_for).values())

    def modality_sizes(self, encoded: Encoded, asked_for: AskedFor) -> dict[str, int]:
        """Number of points asked for in each modality, in sorted order of names."""
        by_modality = self._by_modality(asked_for)
        sizes = {}
        for name in sorted(self.modalities):
            points = by_modality.of(name)
            sizes[name] = self._decoder(name).num_outputs(_of(encoded, name), points)
            expected = self.subsampled_index_dims.get(name)
            if points.indices is not None and points.rule == "subsampled" and expected is not None:
                _require_count(name, sizes[name], expected)
        return sizes

    def build_queries(
        self, encoded: Encoded, asked_for: AskedFor = EVERYTHING, rows: slice | None = None
    ) -> Queries:
        """Queries of every modality that has points asked for, padded and laid side by side."""
        parts: list[Tensor] = []
        sizes: dict[str, int] = {}
        first = 0
        for name, size in self.modality_sizes(encoded, asked_for).items():
            wanted = _overlap(rows, first, size)
            first += size
            if wanted is None:
                continue
            some = None if wanted == slice(0, size) else wanted
            points = self._by_modality(asked_for).of(name)
            part = self._decoder(name).build_queries(_of(encoded, name), points, some)
            parts.append(pad_channels(part.tokens, self.padding[name]))
            sizes[name] = part.tokens.shape[1]
        if not parts:
            raise ShapeError(NOTHING_ASKED_FOR)
        return Queries(torch.cat(parts, dim=1), modality_sizes=sizes)

    def structure(self) -> DecoderStructure:
        """See PerceiverAbstractDecoder; modalities without points asked for have no part."""
        parts: dict[str, AttendedAnswers] = {}
        for name in sorted(self.modalities):
            own = self._decoder(name).structure()
            if isinstance(own, PlainAnswers):
                return replace(own, because=f"{name!r}: {own.because}")
            if own.queries is None:
                return PlainAnswers(f"{name!r}: queries are the tokens of all modalities")
            parts[name] = own
        queries = partial(self._query_structures, parts)
        return replace(self.decoder.cross_attend(), queries=queries, names=tuple(parts))

    def _query_structures(
        self, parts: Mapping[str, AttendedAnswers], encoded: Encoded, asked_for: AskedFor
    ) -> dict[str, TokenStructure]:
        found: dict[str, TokenStructure] = {}
        for name, size in self.modality_sizes(encoded, asked_for).items():
            queries = parts[name].queries
            if size > 0 and queries is not None:
                part = queries(_of(encoded, name), self._by_modality(asked_for).of(name))[""]
                found[name] = part.padded(self.padding[name])
        if not found:
            raise ShapeError(NOTHING_ASKED_FOR)
        return found

    def attend(
        self, query: Tensor, z: Tensor, query_mask: Tensor | None = None, output_attentions: bool = False
    ) -> PerceiverDecoderOutput:
        """See PerceiverAbstractDecoder; the answers of all modalities, [batch, num_queries, output_num_channels]."""
        return self.decoder.attend(query, z, query_mask, output_attentions)

    def _decoder(self, name: str) -> PerceiverAbstractDecoder:
        return cast("PerceiverAbstractDecoder", self.modalities[name])

    def _by_modality(self, asked_for: AskedFor) -> PointsByModality:
        if isinstance(asked_for, PointsByModality):
            if unknown := sorted(set(asked_for.named) - set(self.modalities)):
                raise ShapeError(
                    f"output points must be of modalities {sorted(self.modalities)}, received {unknown}"
                )
            return asked_for
        if asked_for.indices is not None or asked_for.index_dims is not None:
            raise ShapeError(
                f"output points must be a mapping from some of {sorted(self.modalities)}, received a single selection"
            )
        return PointsByModality({}, others=asked_for)

    def _require_total(self, num_outputs: int | None) -> None:
        own = [self._decoder(name).own_dims() for name in self.modalities]
        if num_outputs is None or any(dims is None for dims in own):
            return
        total = sum(int(torch.Size(dims or ()).numel()) for dims in own)
        if total != num_outputs:
            raise ConfigurationError(
                f"`num_outputs` must be the {total} outputs of `modalities` together, received {num_outputs}"
            )


def _of(encoded: Encoded, name: str) -> Encoded:
    """What is known of one modality."""
    features = encoded.features.get(name) if isinstance(encoded.features, Mapping) else None
    return replace(encoded, tokens=None, features=features, modality_sizes=None, index_dims=None)


def _overlap(rows: slice | None, first: int, size: int) -> slice | None:
    """Rows of a modality, whose queries start at `first`, that fall into `rows`; None where none do."""
    start, stop = (0, size) if rows is None else (max(rows.start - first, 0), min(rows.stop - first, size))
    return slice(start, stop) if start < stop else None


def _require_count(name: str, count: int, expected: Sequence[int]) -> None:
    if count != int(torch.Size(expected).numel()):
        raise ShapeError(
            f"`subsampled_points[{name!r}]` must be {int(torch.Size(expected).numel())} points "
            f"(`subsampled_index_dims`), received {count}"
        )
