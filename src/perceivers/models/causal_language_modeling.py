"""Perceiver AR: a sequence, of which the last tokens are latents that each say which token comes next.

Hawthorne et al. 2022, "General-purpose, long-context autoregressive modeling with Perceiver AR" (arXiv 2202.07765), as the
authors' code computes it (google-research/perceiver-ar).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from perceivers.configuration import PerceiverConfig
from perceivers.configuration_causal import read_causal
from perceivers.errors import ConfigurationError, ShapeError
from perceivers.layers import PerceiverEncoder
from perceivers.modalities.base import require_rows
from perceivers.models.base import PerceiverPreTrainedModel
from perceivers.models.generation.cache import CausalCache
from perceivers.models.generation.generating import Generated, generate
from perceivers.models.generation.sampling import Sampling
from perceivers.models.generation.streaming import Streamer
from perceivers.models.generation.writing import CacheKind, Writing, as_sequences
from perceivers.models.losses import IGNORED_LABEL, next_token_loss
from perceivers.models.other_arguments import pass_over
from perceivers.models.task import one_of
from perceivers.models.verbs import or_default
from perceivers.nn.attention_layer import AttentionLayer, Order
from perceivers.nn.initialization import start_at_zero, start_with_std
from perceivers.nn.rotary import Rotation, rotation_at, sinusoids
from perceivers.outputs import EncoderOutput, PerceiverCausalLMOutput


@dataclass(frozen=True)
class _Row:
    """Tokens with all padding before them, so that the last columns are the last tokens of every row.

    Attributes:
        ids: [batch, length].
        mask: bool [batch, length], False in padding; None where there is none.
        order: column of the given array that each column comes from, [batch, length]; None where they are the same.
        positions: [batch or 1, length] or [batch or 1, length, axes].
    """

    ids: Tensor
    mask: Tensor | None
    order: Tensor | None
    positions: Tensor


class PerceiverForCausalLM(PerceiverPreTrainedModel):
    """Every latent answers with the scores of the token that follows its own.

    All inputs are looked at once, by the latents, which stand on the last tokens and look at no token after their own. Then
    each latent looks at those before it, layer after layer. How many latents there are is chosen at each call: fewer cost
    less, more see each other further back.

    Args:
        config: `vocab_size`, `d_model` (channels of the tokens), `d_latents`, `num_latents` (at most so many, where a call
            says nothing), `max_position_embeddings` (tokens that are looked at, at most), layers, heads and widening as for
            every model; positions, dropout of the prefix and z-loss see `perceivers.configuration_causal`.

    Raises:
        ConfigurationError: a number of channels does not fit the heads or the positions.
    """

    main_input_name: ClassVar[str] = "inputs"

    def __init__(self, config: PerceiverConfig) -> None:
        super().__init__(config)
        self.causal = read_causal(config)
        if self.causal.positions == "sinusoidal" and config.d_model % 2:
            raise ConfigurationError(
                f"`d_model` must be even where positions are sinusoidal, received {config.d_model}"
            )
        if config.num_self_attends_per_block < 1:
            raise ConfigurationError(
                "`num_self_attends_per_block` must be at least 1 in a causal model, received 0"
            )
        harmless = {"num_cross_attends": 1, "share_self_attends": True, "latents_as_keys": False}
        keys = (*harmless, "cross_attend_places", "mean_of_latents")
        for key in keys:
            value = getattr(config, key)
            if value not in (None, harmless.get(key)):
                raise ConfigurationError(
                    f"`{key}` must not be set for a causal model, whose latents look at the tokens once, since its caches "
                    f"keep one look and one set of layers, received {value!r}"
                )
        is_learned = self.causal.positions == "learned"
        self.embeddings = nn.Embedding(config.vocab_size, config.d_model)
        self.position_embeddings = nn.ModuleList(
            nn.Embedding(size, config.d_model) for size in (self.causal.position_sizes if is_learned else ())
        )
        self.query = nn.Linear(config.d_model, config.d_latents)
        self.encoder = PerceiverEncoder(config, kv_dim=config.d_model)
        self.layernorm = nn.LayerNorm(config.d_latents, eps=config.norm_eps)
        self.lm_head = nn.Linear(config.d_latents, config.vocab_size)
        # As in the authors' code: all tokens are alike at first, and none is more likely than another.
        for table in (self.embeddings, *self.position_embeddings):
            start_with_std(table, 1.0)
        start_at_zero(self.lm_head)
        self.initialize_parameters()

    def get_input_embeddings(self) -> nn.Parameter:
        """The vectors of the ids [vocab_size, d_model]; there are no learned latents."""
        return cast("nn.Parameter", self.embeddings.weight)

    def set_input_embeddings(self, value: Tensor) -> None:
        """Replace the vectors of the ids by `value`, [vocab_size, d_model]."""
        if value.shape != self.embeddings.weight.shape:
            raise ShapeError(
                f"`value` must have shape {list(self.embeddings.weight.shape)}, received {list(value.shape)}"
            )
        self.embeddings.weight = value if isinstance(value, nn.Parameter) else nn.Parameter(value)

    def new_cache(self, num_inputs: int | None = None, num_latents: int | None = None) -> CausalCache:
        """An empty cache for `forward`.

        Args:
            num_inputs: inputs that are kept; None for `max_position_embeddings`.
            num_latents: latents that are kept; None for `num_latents` of the configuration.
        """
        sizes = {
            "num_inputs": self.config.max_position_embeddings if num_inputs is None else num_inputs,
            "num_latents": self.config.num_latents if num_latents is None else num_latents,
        }
        for name, size in sizes.items():
            if size < 1:
                raise ConfigurationError(f"`{name}` must be at least 1, received {size}")
        return CausalCache(
            **sizes, num_layers=self.config.num_blocks * self.config.num_self_attends_per_block
        )

    def forward(
        self,
        inputs: Tensor | None = None,
        attention_mask: Tensor | None = None,
        labels: Tensor | None = None,
        num_latents: int | None = None,
        positions: Tensor | None = None,
        cache: CausalCache | None = None,
        output_attentions: bool | None = None,
        output_hidden_states: bool | None = None,
        return_dict: bool | None = None,
        input_ids: Tensor | None = None,
        **others: Any,
    ) -> PerceiverCausalLMOutput | tuple[Any, ...]:
        """Scores of the tokens that follow the last `num_latents` tokens.

        Padding may stand anywhere in a row, and counts nowhere: the latents stand on the last tokens that are none. A row
        with fewer tokens than latents has meaningless scores in front.

        Args:
            inputs: ids [batch, length].
            attention_mask: [batch, length], 0 in padding; None where there is none.
            labels: ids [batch, length] as `inputs`, compared with the scores one token earlier; -100 is not counted, nor is
                what stands before the second latent.
            num_latents: from 1 to length; None for the configuration's, or length where that is less.
            positions: whole numbers [batch, length], or [batch, length, axes] where there are several learned tables; None
                counts from 0, without padding.
            cache: see `new_cache`. While it is empty, it is filled; afterwards every input is a latent that follows what is
                kept, and padding must not follow a token.
            output_attentions: see PerceiverModel.
            output_hidden_states: see PerceiverModel.
            return_dict: see PerceiverModel.
            input_ids: another name of `inputs`.
            others: see `perceivers.models.other_arguments`.

        Returns:
            `logits` [batch, num_latents, vocab_size], and `loss` where labels are given.

        Raises:
            ShapeError: an argument has another shape, or values out of range.
        """
        pass_over(others, self.forward)
        ids = one_of(inputs, input_ids, "input_ids")
        self._require(ids, attention_mask, labels, positions)
        is_first = cache is None or cache.num_inputs == 0
        count = self._num_latents(num_latents, ids.shape[1], is_first)
        row = self._arranged(ids, attention_mask, positions, cache)
        tokens = self._tokens(row)
        cross_order, latent_order = self._orders(row.positions, count)
        inputs_mask, latents_mask = self._masks(row, count, cache)
        layers = self.config.num_blocks * len(self.encoder.self_attends)
        caches = (None,) * layers if cache is None else cache.layers
        encoded = self.encoder(
            self.query(tokens[:, -count:]),
            latents_mask,
            tokens,
            inputs_mask,
            output_attentions=or_default(output_attentions, self.config.output_attentions),
            output_hidden_states=or_default(output_hidden_states, self.config.output_hidden_states),
            cross_order=_with_cache(cross_order, None if cache is None else cache.cross),
            latent_orders=[_with_cache(latent_order, each) for each in caches],
        )
        return self._output(cast("EncoderOutput", encoded), row, labels, count, return_dict)

    @torch.inference_mode()
    def generate(
        self,
        input_ids: Tensor,
        max_new_tokens: int,
        *,
        attention_mask: Tensor | None = None,
        num_latents: int | None = None,
        temperature: float = 0.0,
        top_k: int | None = None,
        top_p: float | None = None,
        repetition_penalty: float = 1.0,
        suppress: Sequence[int] = (),
        stop: Sequence[int | Sequence[int]] = (),
        seed: int = 0,
        cache: CacheKind = "exact",
        stride: int | None = None,
        pad_token_id: int = 0,
        streamer: Streamer | None = None,
        keep_logits: bool = False,
    ) -> Generated:
        """Write on after each prompt.

        A text may grow without end; the last `max_position_embeddings` tokens are looked at. What is kept in between:

        - "exact" is equal to "none", at a fraction of its cost: as long as inputs and latents grow, each token is one latent
          more. Where either meets its limit, the oldest `stride - 1` are let go at once, and what is kept is computed anew.
        - "sliding" computes nothing anew, in bounded memory: the oldest go one by one. It is *not equal* to a call on what is
          kept, as soon as something has gone: latents remember what they have seen. Needs rotary positions beyond
          `max_position_embeddings`.
        - "none" keeps nothing: each token is a call on as many inputs and latents as "exact" looks at.

        Prompts of a batch share these limits, which the longest one meets first.

        Args:
            input_ids: prompts [batch, length].
            max_new_tokens: tokens that are written at most.
            attention_mask: [batch, length], 0 in padding, wherever it stands; None where there is none.
            num_latents: at most; None for the configuration's.
            temperature: scores are divided by it before a draw; 0 takes the best token.
            top_k: only so many of the best may be drawn.
            top_p: only the best that together have this probability may be drawn.
            repetition_penalty: above 1, tokens that are there already are less likely.
            suppress: ids that are never chosen.
            stop: ids, or sequences of ids, that end a text; looked for in what is written.
            seed: of what is drawn; a row draws the same whatever stands beside it.
            cache: "exact", "sliding" or "none".
            stride: tokens from one computing anew to the next, 1 to the latents; None for half of them. 1 answers each token
                with as many inputs and latents as there may be.
            pad_token_id: stands behind the end of a text.
            streamer: gets the prompts' ids, then those of each step, see `perceivers.models.generation.streaming`.
            keep_logits: give the model's scores of every token, too.

        Raises:
            ConfigurationError: an option is out of range.
            ShapeError: a prompt is empty, or ids are unknown.
        """
        was_training = self.training
        writing = Writing(
            max_new_tokens=max_new_tokens,
            sampling=Sampling(temperature, top_k, top_p, repetition_penalty, tuple(suppress)),
            num_latents=num_latents,
            stop=as_sequences(stop),
            seed=seed,
            cache=cache,
            stride=stride,
            pad_token_id=pad_token_id,
            streamer=streamer,
            keep_logits=keep_logits,
        )
        if was_training:
            self.eval()
        try:
            return generate(self, input_ids, attention_mask, writing)
        finally:
            if was_training:
                self.train()

    def resize_token_embeddings(self, new_num_tokens: int) -> nn.Embedding:
        """Change the number of ids, keeping the rows and scores of those that stay; new ones are drawn.

        Returns:
            The new embedding table.
        """
        old_table, old_head = self.embeddings, self.lm_head
        if new_num_tokens < 1:
            raise ShapeError(f"`new_num_tokens` must be at least 1, received {new_num_tokens}")
        like: dict[str, Any] = {"device": old_table.weight.device, "dtype": old_table.weight.dtype}
        kept = min(new_num_tokens, old_table.num_embeddings)
        self.embeddings = nn.Embedding(new_num_tokens, self.config.d_model, **like)
        self.lm_head = nn.Linear(self.config.d_latents, new_num_tokens, **like)
        start_with_std(self.embeddings, 1.0)
        start_at_zero(self.lm_head)
        self.initialize_parameters(["embeddings.weight", "lm_head.weight", "lm_head.bias"])
        with torch.no_grad():
            self.embeddings.weight[:kept] = old_table.weight[:kept]
            self.lm_head.weight[:kept] = old_head.weight[:kept]
            self.lm_head.bias[:kept] = old_head.bias[:kept]
        self.config.vocab_size = new_num_tokens
        return self.embeddings

    def _require(
        self, ids: Tensor, mask: Tensor | None, labels: Tensor | None, positions: Tensor | None
    ) -> None:
        if ids.ndim != 2 or ids.dtype not in (torch.int64, torch.int32):
            raise ShapeError(
                f"`inputs` must be ids [batch, length] of dtype int64, received {list(ids.shape)} of {ids.dtype}"
            )
        if ids.shape[0] == 0 or ids.shape[1] == 0:
            raise ShapeError(f"`inputs` must not be empty, received {list(ids.shape)}")
        if ids.shape[1] > self.config.max_position_embeddings:
            raise ShapeError(
                f"`inputs` must be at most {self.config.max_position_embeddings} tokens long (`max_position_embeddings`), "
                f"received {ids.shape[1]}: give the last ones, or let `generate` do so"
            )
        require_rows("inputs", ids, self.config.vocab_size, "ids")
        for name, given in (("attention_mask", mask), ("labels", labels)):
            if given is not None and given.shape != ids.shape:
                raise ShapeError(f"`{name}` must have shape {list(ids.shape)}, received {list(given.shape)}")
        num_axes = len(self.position_embeddings)
        if positions is None:
            if num_axes > 1:
                raise ShapeError(
                    f"`positions` must be given where there are {num_axes} tables of positions, received None"
                )
            return
        expected = (*ids.shape, num_axes) if num_axes > 1 else tuple(ids.shape)
        if tuple(positions.shape) != expected or positions.is_floating_point():
            raise ShapeError(
                f"`positions` must be whole numbers {list(expected)}, received {list(positions.shape)} of "
                f"{positions.dtype}"
            )

    def _num_latents(self, asked: int | None, length: int, is_first: bool) -> int:
        if not is_first:
            if asked not in (None, length):
                raise ShapeError(
                    f"`num_latents` must be {length}, or left out, where a cache is filled already: every input is a latent, "
                    f"received {asked}"
                )
            return length
        if asked is None:
            return min(self.config.num_latents, length)
        if not 1 <= asked <= length:
            raise ShapeError(f"`num_latents` must be in [1, {length}], received {asked}")
        return asked

    def _arranged(
        self, ids: Tensor, attention_mask: Tensor | None, positions: Tensor | None, cache: CausalCache | None
    ) -> _Row:
        mask = None if attention_mask is None else attention_mask.to(torch.bool)
        # Read, and so waited for, only where that is possible.
        if mask is not None and not torch.compiler.is_compiling() and not mask.is_meta and bool(mask.all()):
            mask = None
        order = None
        if mask is not None and (cache is None or cache.num_inputs == 0):
            order = _padding_first(mask)
            ids, mask = ids.gather(1, order), mask.gather(1, order)
            if positions is not None:
                index = order if positions.ndim == 2 else order[..., None].expand_as(positions)
                positions = positions.gather(1, index)
        if positions is None:
            positions = self._counted(ids, mask, cache)
        return _Row(ids, mask, order, positions)

    def _counted(self, ids: Tensor, mask: Tensor | None, cache: CausalCache | None) -> Tensor:
        """Positions from the first one, without padding."""
        (batch, length), first = ids.shape, self.causal.first_position
        if cache is not None:
            return first + cache.positions(mask, length, batch, ids.device)
        if mask is None:
            return torch.arange(first, first + length, device=ids.device)[None]
        return first + (mask.long().cumsum(dim=1) - 1).clamp(min=0)

    def _tokens(self, row: _Row) -> Tensor:
        """Embedded ids, and what is added for their positions: [batch, length, d_model]."""
        embedded = self.embeddings(row.ids)
        if self.causal.positions == "sinusoidal":
            return embedded + sinusoids(row.positions, self.config.d_model, embedded.dtype)
        axes = row.positions[..., None] if row.positions.ndim == 2 else row.positions
        for table, places in zip(self.position_embeddings, axes.unbind(dim=-1), strict=False):
            require_rows("positions", places, cast("nn.Embedding", table).num_embeddings, "positions")
            embedded = embedded + table(places)
        return embedded

    def _orders(self, positions: Tensor, count: int) -> tuple[Order, Order]:
        """Order of the cross-attend, and of the layers."""
        cross, layer = self.encoder.cross_attention, cast("AttentionLayer", self.encoder.self_attends[0])
        own = positions[:, -count:]
        turned = self._rotation(own, layer)
        return (
            Order(True, self._rotation(own, cross), self._rotation(positions, cross)),
            Order(True, turned, turned),
        )

    def _rotation(self, positions: Tensor, layer: AttentionLayer) -> Rotation | None:
        if self.causal.positions != "rotary":
            return None
        attention = layer.attention
        return rotation_at(
            positions,
            head_channels=attention.self.query.out_features // attention.num_heads,
            num_heads=attention.num_heads,
            fraction=self.causal.rotary_fraction,
            head_fraction=self.causal.rotary_head_fraction,
            max_wavelength=self.causal.rotary_max_wavelength,
            dtype=self.dtype,
        )

    def _masks(self, row: _Row, count: int, cache: CausalCache | None) -> tuple[Tensor | None, Tensor | None]:
        """What counts among inputs and among latents, as bool [batch, 1, 1 or count, keys], order left aside."""
        batch, length = row.ids.shape
        inputs_mask = row.mask
        latents_mask = None if row.mask is None else row.mask[:, -count:]
        if cache is not None:
            inputs_mask = cache.inputs_mask(inputs_mask, length, batch, row.ids.device)
            latents_mask = cache.latents_mask(latents_mask, count, batch, row.ids.device)
        inputs_mask = None if inputs_mask is None else inputs_mask[:, None, None, :]
        latents_mask = None if latents_mask is None else latents_mask[:, None, None, :]
        if self.training:
            device, dropped = (
                row.ids.device,
                (self.causal.prefix_dropout_prob, self.causal.latent_dropout_prob),
            )
            inputs_mask = _hidden(inputs_mask, (batch, length), count, dropped[0], device)
            latents_mask = _hidden(latents_mask, (batch, count), count, dropped[1], device)
        return inputs_mask, latents_mask

    def _output(
        self, encoded: EncoderOutput, row: _Row, labels: Tensor | None, count: int, return_dict: bool | None
    ) -> PerceiverCausalLMOutput | tuple[Any, ...]:
        logits = self.lm_head(self.layernorm(encoded.last_hidden_state))
        loss = None
        if labels is not None:
            labels = labels if row.order is None else labels.gather(1, row.order)
            targets = F.pad(labels[:, 1:], (0, 1), value=IGNORED_LABEL)[:, -count:]
            if row.mask is not None:
                targets = targets.masked_fill(~row.mask[:, -count:], IGNORED_LABEL)
            loss = next_token_loss(logits, targets, self.causal.z_loss_weight)
        output = PerceiverCausalLMOutput(
            loss=loss,
            logits=logits,
            hidden_states=encoded.hidden_states,
            attentions=encoded.attentions,
            cross_attentions=encoded.cross_attentions,
        )
        return output if or_default(return_dict, self.config.return_dict) else output.to_tuple()


def _padding_first(mask: Tensor) -> Tensor:
    """Columns of each row of a bool mask [batch, length], those of padding first, each kind as it stands.

    Counted instead of sorted: programs that run exported files know no sort that keeps the order.
    """
    padding = ~mask
    behind = padding.sum(dim=1, keepdim=True) + mask.long().cumsum(dim=1)
    places = torch.where(mask, behind, padding.long().cumsum(dim=1)) - 1
    columns = torch.arange(mask.shape[1], device=mask.device).expand_as(places)
    return torch.empty_like(places).scatter(1, places, columns)


def _with_cache(order: Order, cache: Any) -> Order:
    return order if cache is None else Order(True, order.query_rotation, order.key_rotation, cache)


def _hidden(
    mask: Tensor | None, shape: tuple[int, int], count: int, probability: float, device: torch.device
) -> Tensor | None:
    """The mask with some keys hidden from all queries but their own.

    A query that saw nothing would look at everything, what comes after it included.

    Args:
        mask: bool [batch, 1, 1, keys], or None.
        shape: (batch, keys).
        count: of the queries, which stand on the last keys.
        probability: of each key to be hidden, one draw for all queries, heads and layers.
        device: of the mask.
    """
    if probability == 0.0:
        return mask
    kept = draw_kept(shape, probability, device)[:, None, None, :]
    seen = kept | own_keys(count, shape[1], device)
    return seen if mask is None else mask & seen


def own_keys(count: int, num_keys: int, device: torch.device) -> Tensor:
    """True where a key is the query's own, [count, num_keys], the last key being the last query's."""
    return torch.eye(num_keys, dtype=torch.bool, device=device)[num_keys - count :]


def draw_kept(shape: tuple[int, int], probability: float, device: torch.device) -> Tensor:
    """Which of [batch, keys] are not hidden, by torch's generator."""
    return torch.rand(shape, device=device) >= probability
