"""From a configuration to plain blocks: the learned latents, one layer, the encoder."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

import torch
from torch import Tensor, nn

from perceivers.configuration import PerceiverConfig
from perceivers.errors import ConfigurationError, ShapeError, require_shape
from perceivers.nn.attention_layer import AttentionLayer, Order
from perceivers.nn.latent_encoder import encode_latents, spread_places
from perceivers.outputs import EncoderOutput


class PerceiverEmbeddings(nn.Module):
    """The learned latent array, `latents` [num_latents, d_latents]."""

    def __init__(self, config: PerceiverConfig) -> None:
        super().__init__()
        self.latents = nn.Parameter(torch.empty(config.num_latents, config.d_latents))
        std = config.initializer_range
        nn.init.trunc_normal_(self.latents, std=std, a=-2 * std, b=2 * std)

    def forward(self, batch_size: int) -> Tensor:
        """[batch, num_latents, d_latents], the same for every sample."""
        return self.latents.expand(batch_size, -1, -1)


class PerceiverLayer(AttentionLayer):
    """Attention and perceptron with sizes from a configuration.

    Args:
        config: gives activation, dropout, norm epsilon, treatment of masked rows, implementation.
        is_cross_attention: look at other inputs than the queries' array.
        qk_channels: channels of queries and keys; None takes `q_dim`, or for cross-attention the side that
            `config.cross_attention_shape_for_attention` ("q" or "kv") names.
        v_channels: channels of values; None takes qk_channels.
        num_heads: divides both.
        q_dim: channels of the queries' array.
        kv_dim: channels of the inputs; cross-attention only.
        widening_factor: of the perceptron.
        use_query_residual: add the queries' array after attention.
        latents_as_keys: see AttentionLayer; cross-attention only.
    """

    def __init__(
        self,
        config: PerceiverConfig,
        is_cross_attention: bool = False,
        qk_channels: int | None = None,
        v_channels: int | None = None,
        num_heads: int = 1,
        q_dim: int | None = None,
        kv_dim: int | None = None,
        widening_factor: int = 4,
        use_query_residual: bool = True,
        latents_as_keys: bool = False,
    ) -> None:
        if q_dim is None or (is_cross_attention and kv_dim is None):
            raise ConfigurationError(
                f"`q_dim` (and `kv_dim` for cross-attention) must be given, received q_dim={q_dim}, kv_dim={kv_dim}"
            )
        if qk_channels is None:
            by_inputs = is_cross_attention and config.cross_attention_shape_for_attention == "kv"
            qk_channels = cast("int", kv_dim) if by_inputs else q_dim
        super().__init__(
            query_channels=q_dim,
            kv_channels=kv_dim if is_cross_attention else None,
            qk_channels=qk_channels,
            v_channels=qk_channels if v_channels is None else v_channels,
            num_heads=num_heads,
            widening_factor=widening_factor,
            activation_name=config.hidden_act,
            query_residual=use_query_residual,
            dropout=config.attention_probs_dropout_prob,
            norm_eps=config.norm_eps,
            zero_masked_rows=config.zero_fully_masked_rows,
            implementation=config.attn_implementation,
            mlp_dropout=config.mlp_dropout_prob,
            mlp_chunk_size=config.chunk_size_feed_forward,
            latents_as_keys=latents_as_keys,
        )


class PerceiverEncoder(nn.Module):
    """Latents look at the inputs, once or several times, and at each other in `num_blocks` blocks.

    Args:
        config: sizes and numbers of layers.
        kv_dim: channels of the inputs.

    Raises:
        ConfigurationError: a number of heads does not divide the latents' channels.
    """

    def __init__(self, config: PerceiverConfig, kv_dim: int | None = None) -> None:
        super().__init__()
        self.config = config
        for key in ("num_self_attention_heads", "num_cross_attention_heads"):
            if config.d_latents % getattr(config, key) != 0:
                raise ConfigurationError(
                    f"`{key}` must divide `d_latents` ({config.d_latents}), received {getattr(config, key)}"
                )
        repeated = config.num_cross_attends or 1
        sharing = config.cross_attend_sharing or "after_first"
        own = {"all": 0, "after_first": min(1, repeated - 1), "none": repeated - 1}[sharing]
        self.cross_attention = self._cross_attend(kv_dim)
        # Its own list, empty where there is one cross-attend: keys of released checkpoints stay as they are.
        self.repeated_cross_attentions = nn.ModuleList(self._cross_attend(kv_dim) for _ in range(own))
        num_layers = config.num_self_attends_per_block
        self.shares_self_attends = config.share_self_attends is not False
        num_own = num_layers if self.shares_self_attends else num_layers * config.num_blocks
        self.self_attends = nn.ModuleList(
            PerceiverLayer(
                config,
                qk_channels=config.qk_channels,
                v_channels=config.v_channels,
                num_heads=config.num_self_attention_heads,
                q_dim=config.d_latents,
                widening_factor=config.self_attention_widening_factor,
            )
            for _ in range(num_own)
        )
        total = num_layers * config.num_blocks
        self.cross_attend_places: Sequence[int] = config.cross_attend_places or spread_places(repeated, total)
        if self.cross_attend_places[-1] > total:
            raise ConfigurationError(
                f"`cross_attend_places` must be at most the number of self-attends ({total}), received "
                f"{list(self.cross_attend_places)}"
            )
        self.kv_dim = cast("int", kv_dim)
        self.gradient_checkpointing = False

    @property
    def more_cross_attends(self) -> list[AttentionLayer]:
        """The cross-attends after the first one, in the order in which they run; those that share weights are the same."""
        repeated = (self.config.num_cross_attends or 1) - 1
        own = [cast("AttentionLayer", layer) for layer in self.repeated_cross_attentions]
        if len(own) == repeated:
            return own
        return [own[0] if own else self.cross_attention] * repeated

    def _cross_attend(self, kv_dim: int | None) -> PerceiverLayer:
        config = self.config
        return PerceiverLayer(
            config,
            is_cross_attention=True,
            qk_channels=config.qk_channels,
            v_channels=config.v_channels,
            num_heads=config.num_cross_attention_heads,
            q_dim=config.d_latents,
            kv_dim=kv_dim,
            widening_factor=config.cross_attention_widening_factor,
            use_query_residual=config.use_query_residual,
            latents_as_keys=bool(config.latents_as_keys),
        )

    def forward(
        self,
        hidden_states: Tensor,
        attention_mask: Tensor | None = None,
        inputs: Tensor | None = None,
        inputs_mask: Tensor | None = None,
        output_attentions: bool | None = False,
        output_hidden_states: bool | None = False,
        return_dict: bool | None = True,
        cross_order: Order | None = None,
        latent_orders: Sequence[Order] | None = None,
    ) -> EncoderOutput | tuple[Tensor | tuple[Tensor, ...], ...]:
        """Latents after the last layer.

        Args:
            hidden_states: the latents, [batch, num_latents, d_latents].
            attention_mask: [batch, num_latents], nonzero where a latent may be looked at.
            inputs: [batch, num_inputs, kv_dim].
            inputs_mask: [batch, num_inputs], nonzero where an input may be looked at, or the additive
                [batch, 1, 1, num_inputs] form.
            output_attentions: return attention weights.
            output_hidden_states: return the latents between layers.
            return_dict: an EncoderOutput, or else its tuple.
            cross_order: see `perceivers.nn.latent_encoder.encode_latents`, where latents and inputs are sequences.
            latent_orders: likewise.
        """
        if inputs is None:
            raise ShapeError("`inputs` must be given to the encoder, received None")
        require_shape("inputs", inputs, ["batch", "num_inputs", self.kv_dim])
        if inputs_mask is not None and inputs_mask.ndim == 2:
            require_shape("inputs_mask", inputs_mask, inputs.shape[:2])
        trace = encode_latents(
            hidden_states,
            inputs,
            cross_attention=self.cross_attention,
            self_attends=cast("Sequence[AttentionLayer]", self.self_attends),
            num_blocks=self.config.num_blocks,
            more_cross_attends=self.more_cross_attends,
            places=self.cross_attend_places,
            by_parts=self.config.cross_attend_inputs == "parts",
            shared=self.shares_self_attends,
            input_mask=inputs_mask,
            latent_mask=attention_mask,
            need_weights=bool(output_attentions),
            need_hidden_states=bool(output_hidden_states),
            recompute=self.gradient_checkpointing and self.training,
            cross_order=cross_order,
            latent_orders=latent_orders,
        )
        output = EncoderOutput(
            last_hidden_state=trace.latents,
            hidden_states=tuple(trace.hidden_states) if output_hidden_states else None,
            attentions=tuple(trace.attentions) if output_attentions else None,
            cross_attentions=tuple(trace.cross_attentions) or None,
        )
        return output if return_dict else output.to_tuple()
