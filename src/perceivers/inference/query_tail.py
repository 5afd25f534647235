"""From a query's attention weights to its answer: output projection, perceptron, final linear maps, multiplied out.

With weights P [queries, latents] of one head, V = Wv z^ + bv [latents, v_channels] and y = Wo (P V) + bo the attended values,

    answer = E (y + W2 act(W1 LN(y) + b1) + b2) + e

where E, e are the final layer and a linear postprocessor in one. E W2 is one small matrix. Two exact ways to go on:

split: y by the merged table Wo V [latents, channels], then the norm, then W1, as they stand.

merged: without a residual y depends on P alone, so W1 and E can be multiplied into the table too. With Wo', bo' the
projection centred over its outputs (y minus its mean), the norm's numerator is Wo' (P V) + bo', and its length follows from a
QR factorisation Wo' = Q R, where a = P V:

    |Wo' a + bo'|^2 = |R a + Q^T bo'|^2 + (|bo'|^2 - |Q^T bo'|^2)

so that one product P [W1 Wo' V | R V | E Wo V] gives the perceptron's input, the variance and the answer's linear part. It
has hidden + min(channels, v_channels) + outputs columns; which way is cheaper depends on the sizes and is counted beforehand.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import cast

import torch
from torch import Tensor
from torch.nn import functional as F

from perceivers.inference.folding import compose, fold_norm, narrow, round_up, wide_map
from perceivers.nn.activations import Activation
from perceivers.nn.attention_layer import AttentionLayer
from perceivers.nn.token_structure import AffineMap


class QueryTail(ABC):
    """What follows a query's attention weights."""

    @property
    @abstractmethod
    def num_outputs(self) -> int:
        """Channels of an answer."""

    @abstractmethod
    def table(self, values: Tensor) -> Tensor:
        """One row for each latent, from V [latents, v_channels] of one head."""

    @abstractmethod
    def answers(self, weights: Tensor, table: Tensor, queries: Tensor | None) -> Tensor:
        """Answers [queries, outputs].

        Args:
            weights: P, [queries, latents].
            table: what `table` gave.
            queries: [queries, channels], to be added to y; None without a residual.
        """


@dataclass(frozen=True)
class SplitTail(QueryTail):
    """Answers from attended values y.

    Attributes:
        output: Wo, bo; [channels, v_channels].
        first: W1, b1 of the normalised y; hidden channels filled up with zeros, see `round_up`.
        second: E W2, E b2 + e; likewise.
        final: E; None for the identity.
        eps: of the norm.
        activation: between the two.
    """

    output: AffineMap
    first: AffineMap
    second: AffineMap
    final: Tensor | None
    eps: float
    activation: Activation

    @property
    def num_outputs(self) -> int:
        """Channels of an answer."""
        return self.second.weight.shape[0]

    def table(self, values: Tensor) -> Tensor:
        """Wo V, [latents, channels filled up with zeros]."""
        table = F.linear(values, self.output.weight)
        return F.pad(table, (0, round_up(table.shape[1]) - table.shape[1]))

    def answers(self, weights: Tensor, table: Tensor, queries: Tensor | None) -> Tensor:
        """See QueryTail."""
        assert self.output.bias is not None
        attended = (weights @ table)[:, : self.output.bias.shape[0]] + self.output.bias
        return self.finish(attended if queries is None else attended.add_(queries))

    def project(self, context: Tensor) -> Tensor:
        """The attended values y of a context whose heads lie side by side, [..., v_channels] to [..., channels]."""
        return F.linear(context, self.output.weight, self.output.bias)

    def finish(self, attended: Tensor) -> Tensor:
        """Answers [..., outputs] from y [..., channels]."""
        normed = F.layer_norm(attended, attended.shape[-1:], eps=self.eps)
        hidden = self.activation(F.linear(normed, self.first.weight, self.first.bias))
        linear = attended if self.final is None else F.linear(attended, self.final)
        return linear + F.linear(hidden, self.second.weight, self.second.bias)


@dataclass(frozen=True)
class MergedTail(QueryTail):
    """Answers from a = P V by one table, without a residual.

    Attributes:
        columns: [W1 Wo' | R | E Wo | 0], [hidden + rank + outputs + filling, v_channels].
        sizes: hidden, rank, outputs, filling.
        offsets: W1 bo' (hidden), Q^T bo' (rank), E (bo + b2) + e (outputs).
        bias: b1.
        second: E W2.
        rest: |bo'|^2 - |Q^T bo'|^2.
        channels: of y.
        eps: of the norm.
        activation: between the two.
    """

    columns: Tensor
    sizes: tuple[int, int, int, int]
    offsets: tuple[Tensor, Tensor, Tensor]
    bias: Tensor
    second: Tensor
    rest: float
    channels: int
    eps: float
    activation: Activation

    @property
    def num_outputs(self) -> int:
        """Channels of an answer."""
        return self.sizes[2]

    def table(self, values: Tensor) -> Tensor:
        """[latents, hidden + rank + outputs + filling]."""
        return F.linear(values, self.columns)

    def answers(self, weights: Tensor, table: Tensor, queries: Tensor | None) -> Tensor:
        """See QueryTail."""
        assert queries is None
        hidden, reduced, linear, _ = (weights @ table).split(list(self.sizes), dim=1)
        length = (reduced + self.offsets[1]).square().sum(dim=1, keepdim=True) + self.rest
        scale = torch.rsqrt(length / self.channels + self.eps)
        activated = self.activation((hidden + self.offsets[0]).mul_(scale).add_(self.bias))
        return torch.addmm(linear + self.offsets[2], activated, self.second.T)


def split_tail(layer: AttentionLayer, final: AffineMap | None, dtype: torch.dtype) -> SplitTail:
    """Fold the end of a decoder's layer; `final` in float64, None for the identity."""
    first, second = fold_norm(layer.mlp.dense1, layer.layernorm), wide_map(layer.mlp.dense2)
    second = second if final is None else compose(final, second)
    assert first.bias is not None
    filling = round_up(first.bias.shape[0]) - first.bias.shape[0]
    first = AffineMap(F.pad(first.weight, (0, 0, 0, filling)), F.pad(first.bias, (0, filling)))
    second = AffineMap(F.pad(second.weight, (0, filling)), second.bias)
    return SplitTail(
        output=narrow(wide_map(layer.attention.output.dense), dtype),
        first=narrow(first, dtype),
        second=narrow(second, dtype),
        final=None if final is None else final.weight.to(dtype),
        eps=layer.layernorm.eps,
        activation=layer.mlp.activation,
    )


def merged_tail(layer: AttentionLayer, final: AffineMap, dtype: torch.dtype) -> MergedTail:
    """Fold the end of a decoder's layer without query residual into one table; `final` in float64."""
    output = wide_map(layer.attention.output.dense)
    assert output.bias is not None
    weight = output.weight - output.weight.mean(dim=0, keepdim=True)
    bias = output.bias - output.bias.mean()
    first = fold_norm(layer.mlp.dense1, layer.layernorm)
    second = compose(final, wide_map(layer.mlp.dense2))
    orthogonal, reduced = torch.linalg.qr(weight)
    projected = orthogonal.T @ bias
    rest = (bias.square().sum() - projected.square().sum()).clamp(min=0)
    columns = torch.cat([first.weight @ weight, reduced, final.weight @ output.weight])
    num_columns = columns.shape[0]
    filling = round_up(num_columns) - num_columns
    columns = F.pad(columns, (0, 0, 0, filling))
    assert first.bias is not None
    assert second.bias is not None
    offsets = (first.weight @ bias, projected, final.weight @ output.bias + second.bias)
    return MergedTail(
        columns=columns.to(dtype),
        sizes=(first.weight.shape[0], reduced.shape[0], final.weight.shape[0], filling),
        offsets=cast("tuple[Tensor, Tensor, Tensor]", tuple(each.to(dtype) for each in offsets)),
        bias=first.bias.to(dtype),
        second=second.weight.to(dtype),
        rest=float(rest),
        channels=weight.shape[0],
        eps=layer.layernorm.eps,
        activation=layer.mlp.activation,
    )


def merging_is_cheaper(layer: AttentionLayer, num_latents: int, num_outputs: int) -> bool:
    """Whether the merged way takes fewer multiplications for each query."""
    channels, v_channels = layer.attention.output.dense.weight.shape
    hidden = layer.mlp.dense1.out_features
    merged = num_latents * (hidden + min(channels, v_channels) + num_outputs)
    split = num_latents * channels + channels * (hidden + num_outputs)
    return merged < split
