"""From a query's attention weights to its answer: output projection, perceptron, final linear maps, multiplied out.

With weights P [queries, latents] of one head, V = Wv z^ + bv [latents, v_channels] and y = Wo (P V) + bo the attended values,

    answer = E (y + W2 act(W1 LN(y) + b1) + b2) + e

where E, e are the final layer and a linear postprocessor in one. E W2 is one small matrix. Two exact ways to go on:

split: y by the merged table Wo V [latents, channels], then the norm, then W1, as they stand.

merged: without a residual y depends on P alone. With Wo', bo' the projection centred over its outputs (y minus its mean), and
a = P V, the norm's numerator is Wo' a + bo'. A QR factorisation [Wo' | bo'] = Q [R | r] turns it into Q z with

    z = R a + r,     |Wo' a + bo'| = |z|,     W1 (Wo' a + bo') = (W1 Q) z

and since the weights of a softmax sum to one, one product P [V R^T + r | V (E Wo)^T + ...] gives z, whose length is that of
the norm's numerator, and the answer's linear part. No more than min(channels, v_channels + 1) columns take the place of
`channels` in that product and in the perceptron's first map; which way is cheaper depends on the sizes and is counted first.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, replace
from typing import cast

import torch
from torch import Tensor
from torch.nn import functional as F

from perceivers.inference.folding import compose, fold_norm, narrow, round_up, wide_map
from perceivers.inference.packed_map import PackedMap
from perceivers.nn.attention_layer import AttentionLayer
from perceivers.nn.token_structure import AffineMap


class QueryTail(ABC):
    """What follows a query's attention weights."""

    @property
    @abstractmethod
    def num_outputs(self) -> int:
        """Channels of an answer."""

    @property
    @abstractmethod
    def width(self) -> int:
        """Values that exist for a query at the same time."""

    @abstractmethod
    def table(self, values: Tensor) -> PackedMap:
        """A map of P whose columns belong to the latents, from V [latents, v_channels] of one head."""

    @abstractmethod
    def in_graph(self) -> QueryTail:
        """The same for a graph being captured, see PackedMap."""

    @abstractmethod
    def tables(self, values: Tensor) -> Tensor:
        """The same for several samples, from V [batch, latents, v_channels]: [batch, latents, columns], without a bias."""

    @abstractmethod
    def answers(self, weights: Tensor, table: PackedMap, queries: Tensor | None) -> Tensor:
        """Answers [queries, outputs].

        Args:
            weights: P, [queries, latents].
            table: what `table` gave.
            queries: [queries, channels], to be added to y; None without a residual.
        """

    @abstractmethod
    def answers_of_samples(self, weights: Tensor, tables: Tensor, queries: Tensor | None) -> Tensor:
        """Answers [batch, queries, outputs]; `tables` as `tables` gave them, all else as in `answers`."""


@dataclass(frozen=True)
class SplitTail(QueryTail):
    """Answers from attended values y.

    Attributes:
        output: Wo, bo; [channels, v_channels].
        first: W1, b1 of the normalised y, and the activation; hidden channels filled up with zeros, see `round_up`.
        second: E W2, E b2 + e; likewise.
        final: E; None for the identity.
        eps: of the norm.
        sizes: hidden, outputs.
    """

    output: AffineMap
    first: PackedMap
    second: PackedMap
    final: Tensor | None
    eps: float
    sizes: tuple[int, int]

    @property
    def num_outputs(self) -> int:
        """Channels of an answer."""
        return self.sizes[1]

    @property
    def width(self) -> int:
        """Values that exist for a query at the same time."""
        return max(self.sizes[0], self.output.weight.shape[0])

    def table(self, values: Tensor) -> PackedMap:
        """Y = (Wo V^T) P + bo, with channels filled up with zeros."""
        table = F.linear(self.output.weight, values)
        filling = round_up(table.shape[0]) - table.shape[0]
        assert self.output.bias is not None
        return PackedMap(AffineMap(F.pad(table, (0, 0, 0, filling)), F.pad(self.output.bias, (0, filling))))

    def answers(self, weights: Tensor, table: PackedMap, queries: Tensor | None) -> Tensor:
        """See QueryTail."""
        attended = table(weights)[:, : self.output.weight.shape[0]]
        return self.finish(attended if queries is None else attended.add_(queries))

    def in_graph(self) -> SplitTail:
        """See QueryTail."""
        return replace(
            self,
            output=_in_graph(self.output),
            first=self.first.in_graph(),
            second=self.second.in_graph(),
            final=None if self.final is None else self.final.clone(),
        )

    def tables(self, values: Tensor) -> Tensor:
        """See QueryTail."""
        return F.linear(values, self.output.weight)

    def answers_of_samples(self, weights: Tensor, tables: Tensor, queries: Tensor | None) -> Tensor:
        """See QueryTail."""
        attended = weights @ tables + cast("Tensor", self.output.bias)
        return self.finish(attended if queries is None else attended + queries)

    def project(self, context: Tensor) -> Tensor:
        """The attended values y of a context whose heads lie side by side, [..., v_channels] to [..., channels]."""
        return F.linear(context, self.output.weight, self.output.bias)

    def finish(self, attended: Tensor) -> Tensor:
        """Answers [..., outputs] from y [..., channels]."""
        normed = F.layer_norm(attended, attended.shape[-1:], eps=self.eps)
        linear = attended if self.final is None else F.linear(attended, self.final)
        return self.second(self.first(normed), linear)


@dataclass(frozen=True)
class MergedTail(QueryTail):
    """Answers from a = P V by one table, without a residual.

    Attributes:
        columns: [R ; E Wo ; 0] and [r ; E (bo + b2) + e ; 0], [rank + outputs + filling, v_channels].
        first: [W1 Q | 0] of columns divided by the norm, b1, and the activation; hidden channels filled up with zeros.
        second: E W2, likewise.
        sizes: rank, outputs.
        channels: of y.
        eps: of the norm.
    """

    columns: AffineMap
    first: PackedMap
    second: Tensor
    sizes: tuple[int, int]
    channels: int
    eps: float

    @property
    def num_outputs(self) -> int:
        """Channels of an answer."""
        return self.sizes[1]

    @property
    def width(self) -> int:
        """Values that exist for a query at the same time."""
        return max(self.first.out_features, self.columns.weight.shape[0])

    def table(self, values: Tensor) -> PackedMap:
        """Z and the linear part of the answers, in one map of P."""
        return PackedMap(AffineMap(F.linear(self.columns.weight, values), self.columns.bias))

    def answers(self, weights: Tensor, table: PackedMap, queries: Tensor | None) -> Tensor:
        """See QueryTail."""
        assert queries is None
        rank, outputs = self.sizes
        columns = table(weights)
        answers = columns[:, rank : rank + outputs].clone()
        length = torch.linalg.vector_norm(columns[:, :rank], dim=1, keepdim=True)
        # What stands beside z is scaled, too, and meets weights of zero.
        columns *= torch.rsqrt(length.square() / self.channels + self.eps)
        return answers.add_(self.first(columns) @ self.second.T)

    def in_graph(self) -> MergedTail:
        """See QueryTail."""
        return replace(
            self,
            columns=_in_graph(self.columns),
            first=self.first.in_graph(),
            second=self.second.clone(),
        )

    def tables(self, values: Tensor) -> Tensor:
        """See QueryTail."""
        return F.linear(values, self.columns.weight)

    def answers_of_samples(self, weights: Tensor, tables: Tensor, queries: Tensor | None) -> Tensor:
        """See QueryTail."""
        assert queries is None
        rank, outputs = self.sizes
        columns = weights @ tables + cast("Tensor", self.columns.bias)
        square = columns[..., :rank].square().sum(dim=-1, keepdim=True)
        scaled = columns * torch.rsqrt(square / self.channels + self.eps)
        return columns[..., rank : rank + outputs] + self.first(scaled) @ self.second.T


def split_tail(layer: AttentionLayer, final: AffineMap | None, dtype: torch.dtype) -> SplitTail:
    """Fold the end of a decoder's layer; `final` in float64, None for the identity."""
    first, second = fold_norm(layer.mlp.dense1, layer.layernorm), wide_map(layer.mlp.dense2)
    second = second if final is None else compose(final, second)
    second = AffineMap(_fill(second.weight, columns=True), second.bias)
    return SplitTail(
        output=narrow(wide_map(layer.attention.output.dense), dtype),
        first=_hidden_map(first, layer, dtype),
        second=PackedMap(narrow(second, dtype)),
        final=None if final is None else final.weight.to(dtype),
        eps=layer.layernorm.eps,
        sizes=(layer.mlp.dense1.out_features, second.weight.shape[0]),
    )


def merged_tail(layer: AttentionLayer, final: AffineMap, dtype: torch.dtype) -> MergedTail:
    """Fold the end of a decoder's layer without query residual into one table; `final` in float64."""
    # One large matrix after the other, so that only a few exist in float64 at a time.
    second = compose(final, wide_map(layer.mlp.dense2))
    second_bias, second_weight = second.bias, _fill(second.weight, columns=True).to(dtype)
    del second
    output = wide_map(layer.attention.output.dense)
    assert output.bias is not None
    assert second_bias is not None
    channels, outputs = output.weight.shape[0], final.weight.shape[0]
    linear = AffineMap(final.weight @ output.weight, final.weight @ output.bias + second_bias)
    centred_map = torch.cat([output.weight, output.bias[:, None]], dim=1)
    del output
    centred_map -= centred_map.mean(dim=0, keepdim=True)
    orthogonal, reduced = torch.linalg.qr(centred_map)
    del centred_map
    rank = reduced.shape[0]
    columns = torch.cat([reduced[:, :-1], linear.weight])
    constants = torch.cat([reduced[:, -1], cast("Tensor", linear.bias)])
    narrowed = narrow(AffineMap(_fill(columns), _fill(constants)), dtype)
    del columns, reduced, linear
    first = fold_norm(layer.mlp.dense1, layer.layernorm)
    first = AffineMap(F.pad(first.weight @ orthogonal, (0, narrowed.weight.shape[0] - rank)), first.bias)
    return MergedTail(
        columns=narrowed,
        first=_hidden_map(first, layer, dtype),
        second=second_weight,
        sizes=(rank, outputs),
        channels=channels,
        eps=layer.layernorm.eps,
    )


def merging_is_cheaper(layer: AttentionLayer, num_latents: int, num_outputs: int) -> bool:
    """Whether the merged way takes no more multiplications for each query, in whole blocks of 16 channels."""
    channels, v_channels = layer.attention.output.dense.weight.shape
    hidden = round_up(layer.mlp.dense1.out_features)
    merged = round_up(min(channels, v_channels + 1) + num_outputs) * (num_latents + hidden)
    split = round_up(channels) * (num_latents + hidden + num_outputs)
    return merged <= split


def _in_graph(mapped: AffineMap) -> AffineMap:
    return AffineMap(mapped.weight.clone(), None if mapped.bias is None else mapped.bias.clone())


def _hidden_map(first: AffineMap, layer: AttentionLayer, dtype: torch.dtype) -> PackedMap:
    assert first.bias is not None
    filled = AffineMap(_fill(first.weight), _fill(first.bias))
    return PackedMap(narrow(filled, dtype), layer.mlp.activation)


def _fill(tensor: Tensor, columns: bool = False) -> Tensor:
    """Rows of a matrix, or values of a vector, or columns, up to the next multiple of 16, with zeros."""
    size = tensor.shape[-1 if columns else 0]
    filling = round_up(size) - size
    return F.pad(tensor, (0, filling) if columns or tensor.ndim == 1 else (0, 0, 0, filling))
