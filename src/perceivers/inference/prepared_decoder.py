"""The decoder's cross-attend, folded: queries read from their structure, answers by the tables of `query_tail`.

One head: with normalised queries x^ = (x - mean) rs and normalised latents z^, the logits of query o are

    (Wq x^_o + bq) . (Wk z^_n + bk) / sqrt(d) = rs_o (k_n . x_o) + c_n + (the same for all n)
    k_n = centred(Wq)^T Wk z^_n / sqrt(d),     c_n = bq . Wk z^_n / sqrt(d)

so the roles of the encoder are exchanged: the latents' k are the constant vectors, the queries are structured tokens, never
laid out or projected. Several heads: queries are projected (once, where they are constant), keys and values of the latents as
usual.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from perceivers.freed_memory import give_back_freed_memory
from perceivers.inference.budget import Budget, pieces
from perceivers.inference.folding import centred, compose, fold_norm, narrow, wide, wide_map, working_dtype
from perceivers.inference.packed_map import PackedMap
from perceivers.inference.query_logits import LatentKeys, query_logits
from perceivers.inference.query_tail import (
    QueryTail,
    SplitTail,
    merged_tail,
    merging_is_cheaper,
    split_tail,
)
from perceivers.inference.shares import in_shares, threads_for
from perceivers.inference.structured_tokens import StructuredTokens, Tile
from perceivers.inference.traced_attention import whole_tile
from perceivers.inference.traced_decoder import (
    Answerer,
    answer_absorbed_traced,
    answer_projected_traced,
    masked_rows,
)
from perceivers.inference.tracing import is_traced
from perceivers.nn.attention_layer import AttentionLayer
from perceivers.nn.token_structure import AffineMap, TablePositions, TokenStructure

#: Called with the number of outputs decoded so far and the number asked for.
Progress = Callable[[int, int], None]
_FIRST_SAMPLE = slice(0, 1)
_LEARNED_QUERIES_AT_A_TIME = 4096


class PreparedDecoder:
    """Answers of latents to structured queries.

    Args:
        layer: the decoder's cross-attend.
        final: the linear map after it; None for the identity.
        factor: on the answers.
        maps: name -> linear map that the answers of a modality go through; None for none.
        num_latents: how many latents answer.
        dtype: of the outputs.
        constant: learned queries, projected once.
        tail_dtype: of what follows the attention weights, see `perceivers.inference.folding.tail_dtype`; None: as before it.
    """

    def __init__(
        self,
        layer: AttentionLayer,
        final: nn.Linear | None,
        factor: float,
        maps: Mapping[str, AffineMap | None],
        num_latents: int,
        dtype: torch.dtype,
        constant: TablePositions | None = None,
        tail_dtype: torch.dtype | None = None,
    ) -> None:
        attention, projections = layer.attention, layer.attention.self
        self._num_heads = attention.num_heads
        self._working = working_dtype(dtype)
        self._tail_dtype = tail_dtype or self._working
        self._residual = attention.query_residual
        self._zero_masked_rows = attention.zero_masked_rows
        self._channels = projections.query.in_features
        self._query_eps = projections.layernorm1.eps
        latent_norm = cast("nn.LayerNorm", projections.layernorm2)
        self._latent_eps = latent_norm.eps
        scale = (projections.query.out_features // self._num_heads) ** -0.5
        is_constant = constant is not None
        # One large matrix after the other, so that only a few exist in float64 at a time.
        self._value = narrow(fold_norm(projections.value, latent_norm), self._working)
        key = fold_norm(projections.key, latent_norm).weight
        self._key = key.to(self._working)
        query = fold_norm(projections.query, projections.layernorm1)
        query = AffineMap(query.weight * scale, cast("Tensor", query.bias) * scale)
        self._query = narrow(query, self._working)
        if self._num_heads == 1 and not is_constant:
            # [channels, latent_channels] and [latent_channels]: k_n and c_n of z^_n.
            self._absorbed = (centred(query.weight).T @ key).to(self._working)
            self._absorbed_bias = (cast("Tensor", query.bias) @ key).to(self._working)
        del key, query
        self._tails: dict[str, QueryTail] = {}
        for name, mapped in maps.items():
            answer_map = _answer_map(final, factor, mapped)
            self._tails[name] = self._tail(layer, answer_map, num_latents, is_constant)
            give_back_freed_memory()
        self._projected: dict[int, Tensor] = {}
        if constant is not None:
            self._projected[id(constant.table)] = self._project_table(constant)

    def answer(
        self,
        latents: Tensor,
        structures: Mapping[str, TokenStructure],
        query_mask: Tensor | None,
        budget: Budget,
        progress: Progress | None = None,
    ) -> dict[str, Tensor]:
        """Answers by modality, [batch, number of its queries, channels] each.

        Args:
            latents: [batch, num_latents, latent_channels].
            structures: name -> structure of the modality's queries, in their order.
            query_mask: [batch, number of all queries], nonzero where a query may look at the latents.
            budget: how much is computed at a time.
            progress: told after every tile.
        """
        batch_size = latents.shape[0]
        total = batch_size * sum(each.num_tokens for each in structures.values())
        run = _Run(latents, self._working, self._latent_eps, self._value, budget, _Reports(total, progress))
        first, answers = 0, {}
        for name, structure in structures.items():
            places = slice(first, first + structure.num_tokens)
            first = places.stop
            mask = None if query_mask is None else query_mask[:, places].to(torch.bool)
            tokens = StructuredTokens(structure, self._query_eps, self._working, latents.device)
            tail = self._tails[name]
            if is_traced():
                answers[name] = self._answer_traced(run, tokens, tail, mask).to(latents.dtype)
                continue
            outputs = latents.new_empty(batch_size, structure.num_tokens, tail.num_outputs)
            if isinstance(tail, SplitTail) and self._is_projected(structure):
                self._answer_projected(run, tokens, tail, mask, outputs)
            else:
                self._answer_absorbed(run, tokens, tail, mask, outputs)
            answers[name] = outputs
        return answers

    def _answer_traced(
        self, run: _Run, tokens: StructuredTokens, tail: QueryTail, mask: Tensor | None
    ) -> Tensor:
        """The same for a graph, see `traced_decoder`."""
        share = 0.0 if self._zero_masked_rows else 1 / run.normed.shape[1]
        masked, tail = partial(masked_rows, share=share), tail.in_graph()
        if isinstance(tail, SplitTail) and self._is_projected(tokens.structure):

            def finish(attended: Tensor, queries: Tensor | None) -> Tensor:
                return tail.finish(attended if queries is None else attended + queries)

            projected, queries = self._project(tokens, whole_tile(tokens), slice(None))
            return answer_projected_traced(
                projected,
                self._heads(F.linear(run.normed, self._key)).transpose(2, 3),
                self._heads(run.values),
                self._num_heads,
                tail.project,
                Answerer(finish, masked, max(tail.width, self._channels), adds_queries=False),
                queries,
                mask,
            )
        tables = tail.tables(run.values)
        answerer = Answerer(
            lambda weights, queries: tail.answers_of_samples(weights, tables, queries),
            masked,
            tail.width,
            self._residual,
        )
        vectors = F.linear(run.normed, self._absorbed)
        return answer_absorbed_traced(tokens, vectors, run.normed @ self._absorbed_bias, answerer, mask)

    def _answer_absorbed(
        self, run: _Run, tokens: StructuredTokens, tail: QueryTail, mask: Tensor | None, outputs: Tensor
    ) -> None:
        """One head: the latents of each sample as constant vectors."""
        tiles = list(tokens.tiles(run.budget.rows(max(run.normed.shape[1], tail.width))))
        for sample in range(outputs.shape[0]):
            some = slice(sample, sample + 1)
            latents = run.normed[sample]
            keys = LatentKeys(
                tokens.products(F.linear(latents, self._absorbed)), latents @ self._absorbed_bias
            )
            table = tail.table(run.values[sample].to(self._tail_dtype))
            masked = None if mask is None else mask[sample]
            answer = partial(
                self._answer_tiles, run, tokens, tail, keys, table, masked, some, outputs[sample]
            )
            in_shares(answer, tiles, run.threads)

    def _answer_tiles(
        self,
        run: _Run,
        tokens: StructuredTokens,
        tail: QueryTail,
        keys: LatentKeys,
        table: PackedMap,
        mask: Tensor | None,
        sample: slice,
        outputs: Tensor,
        tiles: Sequence[Tile],
    ) -> None:
        for tile in tiles:
            weights = torch.softmax(query_logits(tokens, keys, tile, sample), dim=-1)
            if mask is not None:
                weights = self._masked(weights, mask[tile.tokens])
            queries = tokens.tokens(tile, sample)[0] if self._residual else None
            queries = None if queries is None else queries.to(self._tail_dtype)
            answers = tail.answers(weights.to(self._tail_dtype), table, queries)
            outputs[tile.tokens] = answers.to(outputs.dtype)
            run.reports.add(tile.num_tokens)

    def _answer_projected(
        self, run: _Run, tokens: StructuredTokens, tail: SplitTail, mask: Tensor | None, outputs: Tensor
    ) -> None:
        """Any number of heads: queries projected, a group of samples at a time."""
        width = max(self._num_heads * run.normed.shape[1], self._channels)
        keys = self._heads(F.linear(run.normed, self._key)).transpose(2, 3)
        values = self._heads(run.values)

        def answer(tiles: Sequence[Tile]) -> None:
            for tile in tiles:
                group_size = max(1, run.budget.tile_values // (width * tile.num_tokens))
                for group in pieces(outputs.shape[0], group_size):
                    projected, queries = self._project(tokens, tile, group)
                    heads = self._heads(projected)
                    if mask is None and heads.device.type == "cuda":
                        context = _attend_fused(heads, keys[group], values[group], self._tail_dtype)
                    else:
                        weights = torch.softmax(heads @ keys[group], dim=-1)
                        if mask is not None:
                            weights = self._masked(weights, mask[group, None, tile.tokens])
                        context = weights @ values[group]
                    context = context.transpose(1, 2).flatten(2)
                    attended = tail.project(context.to(self._tail_dtype))
                    if queries is not None:
                        attended = attended + queries.to(self._tail_dtype)
                    outputs[group, tile.tokens] = tail.finish(attended).to(outputs.dtype)
                    run.reports.add((group.stop - group.start) * tile.num_tokens)

        in_shares(answer, list(tokens.tiles(run.budget.rows(width))), run.threads)

    def _project(self, tokens: StructuredTokens, tile: Tile, group: slice) -> tuple[Tensor, Tensor | None]:
        """Queries after Wq, [1 or samples, tokens of the tile, qk_channels], and themselves where they are added later."""
        known = self._known(tokens.structure)
        positions = tokens.structure.positions
        queries = tokens.tokens(tile, group) if known is None or self._residual else None
        if known is None or positions is None:
            assert queries is not None
            normed = F.layer_norm(queries, queries.shape[-1:], eps=self._query_eps)
            projected = F.linear(normed, self._query.weight, self._query.bias)
        elif positions.indices is None:
            projected = known[None, tile.tokens]
        elif positions.indices.ndim == 1:
            projected = known[None, positions.indices[tile.tokens]]
        else:
            projected = known[positions.indices[group, tile.tokens]]
        return projected, queries if self._residual else None

    def _project_table(self, constant: TablePositions) -> Tensor:
        """Every learned query after its norm and Wq, [num_points, qk_channels]."""
        structure = TokenStructure(constant.table.shape[0], positions=constant)
        tokens = StructuredTokens(structure, self._query_eps, self._working, constant.table.device)
        tiles = tokens.tiles(_LEARNED_QUERIES_AT_A_TIME)
        return torch.cat([self._project(tokens, tile, _FIRST_SAMPLE)[0][0] for tile in tiles])

    def _known(self, structure: TokenStructure) -> Tensor | None:
        """Queries that are projected already, one row for each point of their table."""
        is_table = structure.features is None and structure.padding is None
        return self._projected.get(id(getattr(structure.positions, "table", None))) if is_table else None

    def _is_projected(self, structure: TokenStructure) -> bool:
        return self._num_heads > 1 or self._known(structure) is not None

    def _masked(self, weights: Tensor, mask: Tensor) -> Tensor:
        """A query that may look at nothing gets zeros, or the mean of all values."""
        share = 0.0 if self._zero_masked_rows else 1 / weights.shape[-1]
        return torch.where(mask[..., None], weights, weights.new_tensor(share))

    def _heads(self, values: Tensor) -> Tensor:
        return values.unflatten(-1, (self._num_heads, -1)).transpose(1, 2)

    def _tail(
        self, layer: AttentionLayer, final: AffineMap | None, num_latents: int, is_constant: bool
    ) -> QueryTail:
        may_merge = self._num_heads == 1 and not self._residual and not is_constant
        if may_merge and final is not None and merging_is_cheaper(layer, num_latents, final.weight.shape[0]):
            return merged_tail(layer, final, self._tail_dtype)
        return split_tail(layer, final, self._tail_dtype)


class _Reports:
    """Counts outputs and tells how far they are.

    Args:
        total: outputs of all samples.
        progress: who is told; None for nobody.
    """

    def __init__(self, total: int, progress: Progress | None) -> None:
        self._total = total
        self._progress = progress
        self._done = 0

    @property
    def is_listened_to(self) -> bool:
        """Whether anybody is told."""
        return self._progress is not None

    def add(self, count: int) -> None:
        """`count` more outputs are there."""
        self._done += count
        if self._progress is not None:
            self._progress(self._done, self._total)


class _Run:
    """What every tile of a call needs.

    Args:
        latents: [batch, num_latents, channels].
        dtype: the working dtype.
        eps: of the latents' norm.
        value: from normalised latents to values.
        budget: how much is computed at a time.
        reports: told after every tile.
    """

    def __init__(
        self,
        latents: Tensor,
        dtype: torch.dtype,
        eps: float,
        value: AffineMap,
        budget: Budget,
        reports: _Reports,
    ) -> None:
        self.normed = F.layer_norm(latents.to(dtype), latents.shape[-1:], eps=eps)
        self.values = F.linear(self.normed, value.weight, value.bias)
        # Who is told of progress is told in the thread that asked.
        self.threads = 1 if reports.is_listened_to else threads_for(latents.device, budget)
        self.budget = budget.shared_by(self.threads)
        self.reports = reports


def _attend_fused(queries: Tensor, keys: Tensor, values: Tensor, dtype: torch.dtype) -> Tensor:
    """Contexts [samples, heads, queries, channels] of scaled queries [1 or samples, ...] and transposed keys, on a GPU."""
    queries = queries.expand(len(keys), -1, -1, -1).to(dtype)
    return F.scaled_dot_product_attention(
        queries, keys.transpose(2, 3).to(dtype), values.to(dtype), scale=1.0
    )


def _answer_map(final: nn.Linear | None, factor: float, mapped: AffineMap | None) -> AffineMap | None:
    """The final layer, the factor on its answers and a linear map after it as one, in float64; None for the identity."""
    last = None if mapped is None else AffineMap(wide(mapped.weight), _wide_bias(mapped))
    if final is None:
        if factor == 1.0 or last is None:
            assert factor == 1.0
            return last
        return AffineMap(last.weight * factor, last.bias)
    own = wide_map(final)
    own = AffineMap(own.weight * factor, cast("Tensor", own.bias) * factor)
    return own if last is None else compose(last, own)


def _wide_bias(mapped: AffineMap) -> Tensor:
    return wide(mapped.weight.new_zeros(mapped.weight.shape[0]) if mapped.bias is None else mapped.bias)
