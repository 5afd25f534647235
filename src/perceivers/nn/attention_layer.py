"""One layer of a Perceiver: pre-norm attention (self or cross), then a pre-norm perceptron, each with its residual."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from perceivers.errors import ConfigurationError, ShapeError
from perceivers.nn.attention import as_attention_mask, attend
from perceivers.nn.bare import is_bare
from perceivers.nn.folded_attention import can_fold, folding_pays, look
from perceivers.nn.key_value_cache import KeyValueCache
from perceivers.nn.mlp import MLP
from perceivers.nn.recomputed import recomputed
from perceivers.nn.residual import add_residual
from perceivers.nn.rotary import Rotation


@dataclass(frozen=True)
class Order:
    """How what asks and what is looked at follow each other, where they are a sequence.

    Attributes:
        is_causal: nothing looks at what comes after it; the last that is looked at belongs to the last that asks.
        query_rotation: turns of the queries; None for none.
        key_rotation: turns of the keys.
        cache: keys and values of earlier calls, which come before those of this one and are extended by them.
    """

    is_causal: bool = False
    query_rotation: Rotation | None = None
    key_rotation: Rotation | None = None
    cache: KeyValueCache | None = None


UNORDERED = Order()


class Projections(nn.Module):
    """Norms and linear maps that make queries, keys and values.

    Args:
        query_channels: size of the array that asks.
        kv_channels: size of the array that is looked at; None for self-attention, which then shares one norm.
        qk_channels: size of queries and keys, all heads together.
        v_channels: size of values, all heads together.
        norm_eps: added to the variance in the norms.
        latents_as_keys: keys and values are those of the inputs, then those of what asks, by the same maps.
    """

    def __init__(
        self,
        query_channels: int,
        kv_channels: int | None,
        qk_channels: int,
        v_channels: int,
        norm_eps: float,
        latents_as_keys: bool = False,
    ) -> None:
        super().__init__()
        if latents_as_keys and kv_channels != query_channels:
            received = "self-attention" if kv_channels is None else f"inputs of {kv_channels} channels"
            raise ConfigurationError(
                f"`latents_as_keys` needs inputs of as many channels as the latents ({query_channels}), whose keys are made "
                f"by the same map, received {received}: give the inputs a linear map to {query_channels} channels first"
            )
        self.layernorm1 = nn.LayerNorm(query_channels, eps=norm_eps)
        self.layernorm2 = nn.LayerNorm(kv_channels, eps=norm_eps) if kv_channels is not None else None
        source = query_channels if kv_channels is None else kv_channels
        self.query = nn.Linear(query_channels, qk_channels)
        self.key = nn.Linear(source, qk_channels)
        self.value = nn.Linear(source, v_channels)
        self.latents_as_keys = latents_as_keys

    def forward(self, hidden_states: Tensor, inputs: Tensor | None) -> tuple[Tensor, Tensor, Tensor]:
        """Queries of `hidden_states`; keys and values of `inputs`, or of `hidden_states` where that is None."""
        with recomputed(self.layernorm1, hidden_states) as normed:
            query = self.query(normed)
            if self.layernorm2 is None or inputs is None:
                return query, self.key(normed), self.value(normed)
        with recomputed(self.layernorm2, inputs) as source:
            if self.latents_as_keys:
                source = torch.cat([source, normed], dim=1)
            return query, self.key(source), self.value(source)

    def folds(self, num_queries: int, inputs: Tensor) -> bool:
        """Whether one head looks at `inputs` with fewer products, and as well, without keys and values of them."""
        num_inputs, channels = inputs.shape[1:]
        return can_fold(self.key, self.value, inputs) and folding_pays(
            num_queries, num_inputs, channels, self.key.out_features, self.value.out_features
        )

    def look(
        self, hidden_states: Tensor, inputs: Tensor, mask: Tensor | None, zero_masked_rows: bool
    ) -> Tensor:
        """What one head of `hidden_states` receives from `inputs`, [batch, num_queries, v_channels]."""
        assert self.layernorm2 is not None
        with recomputed(self.layernorm1, hidden_states) as normed:
            query = self.query(normed)
        with recomputed(self.layernorm2, inputs) as source:
            if self.latents_as_keys:
                source = torch.cat([source, normed], dim=1)
            return look(query, source, self.key, self.value, mask, zero_masked_rows)


class OutputProjection(nn.Module):
    """The linear map after attention (a module of its own because published checkpoints name it so)."""

    def __init__(self, v_channels: int, output_channels: int) -> None:
        super().__init__()
        self.dense = nn.Linear(v_channels, output_channels)

    def forward(self, context: Tensor) -> Tensor:
        """[..., v_channels] to [..., output_channels]."""
        return self.dense(context)


class Attention(nn.Module):
    """Projections, attention, output projection, query residual.

    Args:
        query_channels: size of the array that asks, and of the output.
        kv_channels: size of the array that is looked at; None for self-attention.
        qk_channels: size of queries and keys, all heads together; divisible by num_heads.
        v_channels: size of values, all heads together; divisible by num_heads.
        num_heads: number of heads.
        query_residual: add the queries' array to the output.
        dropout: probability of dropping an attention weight while training.
        norm_eps: added to the variance in the norms.
        zero_masked_rows: see `perceivers.nn.attention.attend`.
        implementation: "sdpa" or "eager".
        latents_as_keys: see Projections.
    """

    def __init__(
        self,
        query_channels: int,
        kv_channels: int | None,
        qk_channels: int,
        v_channels: int,
        num_heads: int,
        query_residual: bool,
        dropout: float,
        norm_eps: float,
        zero_masked_rows: bool,
        implementation: str,
        latents_as_keys: bool = False,
    ) -> None:
        super().__init__()
        for name, channels in (("qk_channels", qk_channels), ("v_channels", v_channels)):
            if channels % num_heads != 0:
                raise ConfigurationError(
                    f"`{name}` must be divisible by the number of heads ({num_heads}), received {channels}"
                )
        # Published checkpoints call the projections `attention.self`.
        self.self = Projections(
            query_channels, kv_channels, qk_channels, v_channels, norm_eps, latents_as_keys
        )
        self.output = OutputProjection(v_channels, query_channels)
        self.num_heads = num_heads
        self.query_residual = query_residual
        self.dropout = dropout
        self.zero_masked_rows = zero_masked_rows
        self.implementation = implementation

    def forward(
        self,
        hidden_states: Tensor,
        inputs: Tensor | None,
        mask: Tensor | None,
        need_weights: bool,
        order: Order = UNORDERED,
    ) -> tuple[Tensor, Tensor | None]:
        """Attended values, and the weights where needed; `mask` is bool, broadcastable to four axes."""
        context: Tensor
        weights: Tensor | None = None
        if inputs is not None and not need_weights and self._folds(hidden_states, inputs, order):
            context = self.self.look(hidden_states, inputs, mask, self.zero_masked_rows)
        else:
            context, weights = self._attend(hidden_states, inputs, mask, need_weights, order)
        attended = self.output(context)
        if self.query_residual:
            makers = {self.output: OutputProjection, self.output.dense: nn.Linear}
            attended = add_residual(attended, hidden_states, makers)
        return attended, weights

    def _folds(self, hidden_states: Tensor, inputs: Tensor, order: Order) -> bool:
        """Whether this is the one head of `perceivers.nn.folded_attention`, and it learns."""
        is_one_head = self.num_heads == 1 and self.implementation == "sdpa" and order is UNORDERED
        learns = self.training and torch.is_grad_enabled() and self.dropout == 0.0
        return (
            is_one_head
            and learns
            and is_bare(self.self, Projections)
            and self.self.folds(hidden_states.shape[1], inputs)
        )

    def _attend(
        self,
        hidden_states: Tensor,
        inputs: Tensor | None,
        mask: Tensor | None,
        need_weights: bool,
        order: Order,
    ) -> tuple[Tensor, Tensor | None]:
        query, key, value = self.self(hidden_states, inputs)
        if order.query_rotation is not None:
            query = order.query_rotation.turn(query, self.num_heads)
        if order.key_rotation is not None:
            key = order.key_rotation.turn(key, self.num_heads)
        if order.cache is not None:
            key, value = order.cache.extend(key, value)
        return attend(
            query,
            key,
            value,
            num_heads=self.num_heads,
            mask=mask,
            causal=order.is_causal,
            dropout=self.dropout if self.training else 0.0,
            zero_masked_rows=self.zero_masked_rows,
            implementation=self.implementation,
            need_weights=need_weights,
        )


class AttentionLayer(nn.Module):
    """Attention, then a perceptron with its residual.

    Args:
        query_channels: see Attention.
        kv_channels: see Attention.
        qk_channels: see Attention.
        v_channels: see Attention.
        num_heads: see Attention.
        widening_factor: of the perceptron's hidden layer.
        activation_name: of the perceptron.
        query_residual: see Attention.
        dropout: see Attention.
        norm_eps: see Attention.
        zero_masked_rows: see Attention.
        implementation: see Attention.
        mlp_dropout: share of the perceptron's hidden channels left out while training.
        mlp_chunk_size: rows that the perceptron takes at a time; 0 takes all. Changes memory only.
        latents_as_keys: what asks looks at the inputs and at itself in one attention, as the Perceiver Resampler does
            (Alayrac et al. 2022, "Flamingo", section 3.1.1). Inputs have `query_channels` then; masks hide inputs alone.

    Raises:
        ConfigurationError: `latents_as_keys` for self-attention, or for inputs of other channels.
    """

    def __init__(
        self,
        *,
        query_channels: int,
        kv_channels: int | None,
        qk_channels: int,
        v_channels: int,
        num_heads: int,
        widening_factor: int,
        activation_name: str,
        query_residual: bool = True,
        dropout: float = 0.0,
        norm_eps: float = 1e-5,
        zero_masked_rows: bool = False,
        implementation: str = "sdpa",
        mlp_dropout: float = 0.0,
        mlp_chunk_size: int = 0,
        latents_as_keys: bool = False,
    ) -> None:
        super().__init__()
        self.attention = Attention(
            query_channels,
            kv_channels,
            qk_channels,
            v_channels,
            num_heads,
            query_residual,
            dropout,
            norm_eps,
            zero_masked_rows,
            implementation,
            latents_as_keys,
        )
        self.layernorm = nn.LayerNorm(query_channels, eps=norm_eps)
        self.mlp = MLP(query_channels, widening_factor, activation_name, mlp_dropout)
        self.mlp_chunk_size = mlp_chunk_size
        self.is_cross_attention = kv_channels is not None
        self.latents_as_keys = latents_as_keys

    def forward(
        self,
        hidden_states: Tensor,
        attention_mask: Tensor | None = None,
        inputs: Tensor | None = None,
        inputs_mask: Tensor | None = None,
        output_attentions: bool | None = False,
        order: Order | None = None,
    ) -> tuple[Tensor, ...]:
        """The layer's output, and its attention weights when asked for.

        Args:
            hidden_states: [batch, num_queries, query_channels].
            attention_mask: what may be looked at in self-attention, in any form of `as_attention_mask`.
            inputs: [batch, num_inputs, kv_channels]; cross-attention only.
            inputs_mask: what may be looked at in cross-attention, in any form of `as_attention_mask`.
            output_attentions: also return [batch, num_heads, num_queries, num_keys]; with `latents_as_keys`, keys are the
                inputs, then the queries.
            order: of sequences; None where the order of what asks, and of what is looked at, means nothing.
        """
        if self.is_cross_attention and inputs is None:
            raise ShapeError("`inputs` must be given to a cross-attention layer, received None")
        if not self.is_cross_attention and inputs is not None:
            raise ShapeError(
                f"`inputs` must be None for a self-attention layer, received {list(inputs.shape)}"
            )
        mask = as_attention_mask(inputs_mask if self.is_cross_attention else attention_mask)
        if self.latents_as_keys and mask is not None and inputs is not None:
            mask = _and_latents(mask, inputs.shape[1], hidden_states.shape[1])
        attended, weights = self.attention(
            hidden_states, inputs, mask, bool(output_attentions), UNORDERED if order is None else order
        )
        output = add_residual(
            self._feed_forward(attended), attended, {self.mlp: MLP, self.mlp.dense2: nn.Linear}
        )
        return (output,) if weights is None else (output, weights)

    def feed_forward_chunk(self, attention_output: Tensor) -> Tensor:
        """Norm and perceptron of attended values [batch, num_queries, query_channels], all of them or some."""
        # The perceptron's first map alone: what follows keeps its own.
        with recomputed(self.layernorm, attention_output) as normed:
            return self.mlp(normed)

    def _feed_forward(self, hidden_states: Tensor) -> Tensor:
        if self.mlp_chunk_size == 0:
            return self.feed_forward_chunk(hidden_states)
        chunks = hidden_states.split(self.mlp_chunk_size, dim=1)
        return torch.cat([self.feed_forward_chunk(chunk) for chunk in chunks], dim=1)


def _and_latents(mask: Tensor, num_inputs: int, num_latents: int) -> Tensor:
    """A mask [batch, 1, num_queries or 1, num_inputs or 1] over inputs, and latents behind them, which all may be seen."""
    over_inputs = mask.expand(*mask.shape[:-1], num_inputs)
    return torch.cat([over_inputs, over_inputs.new_ones(*mask.shape[:-1], num_latents)], dim=-1)
