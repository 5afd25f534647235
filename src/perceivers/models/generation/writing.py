"""The loop that writes on: look, choose, append, until enough is written."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol

import torch
from torch import Tensor

from perceivers.configuration import PerceiverConfig
from perceivers.errors import ConfigurationError, ShapeError
from perceivers.modalities.base import require_rows
from perceivers.models.generation.cache import CausalCache
from perceivers.models.generation.sampling import Sampling, generators_of
from perceivers.models.generation.schedule import Look, Schedule
from perceivers.models.generation.streaming import Streamer

CacheKind = Literal["exact", "sliding", "none"]


@dataclass(frozen=True)
class Generated:
    """What was written.

    Attributes:
        sequences: ids [batch, length + num_steps]: the prompts with their padding in front, then what was written; behind the
            end of a text, padding.
        num_new: ids that were written for each prompt, what stopped it included, [batch].
        log_probs: natural logarithm of the model's probability of each of them, [batch, num_steps]; 0 behind the end.
        is_stopped: bool [batch], True where one of the stop sequences ended the text.
        logits: the model's scores [batch, num_steps, vocab_size], where they were asked for.
    """

    sequences: Tensor
    num_new: Tensor
    log_probs: Tensor
    is_stopped: Tensor
    logits: Tensor | None = None

    def new_ids(self, row: int) -> list[int]:
        """The ids that were written for a prompt."""
        start = self.sequences.shape[1] - self.log_probs.shape[1]
        ids: list[int] = self.sequences[row, start : start + int(self.num_new[row])].tolist()
        return ids


class CausalModel(Protocol):
    """What the loop needs of a model."""

    @property
    def config(self) -> PerceiverConfig:
        """Its configuration."""

    @property
    def device(self) -> torch.device:
        """Where its weights are."""

    def __call__(self, *inputs: Any, **options: Any) -> Any:
        """See PerceiverForCausalLM.forward."""

    def new_cache(self, num_inputs: int | None = None, num_latents: int | None = None) -> CausalCache:
        """See PerceiverForCausalLM."""


@dataclass(frozen=True)
class Writing:
    """What `write` is to do beside the prompts, see PerceiverForCausalLM.generate.

    Attributes:
        max_new_tokens: at least 1.
        sampling: how a token is chosen.
        num_latents: at most; None for the configuration's.
        stop: sequences of ids, any of which ends a text.
        seed: of what is drawn.
        cache: what is kept from token to token.
        stride: tokens from one computing anew to the next; None for half of the latents.
        pad_token_id: what stands behind the end of a text.
        streamer: receives the ids as they come.
        keep_logits: give the scores, too.
    """

    max_new_tokens: int
    sampling: Sampling
    num_latents: int | None = None
    stop: tuple[tuple[int, ...], ...] = ()
    seed: int = 0
    cache: CacheKind = "exact"
    stride: int | None = None
    pad_token_id: int = 0
    streamer: Streamer | None = None
    keep_logits: bool = False

    def __post_init__(self) -> None:
        if self.max_new_tokens < 1:
            raise ConfigurationError(f"`max_new_tokens` must be at least 1, received {self.max_new_tokens}")
        if self.cache not in ("exact", "sliding", "none"):
            raise ConfigurationError(
                f"`cache` must be one of 'exact', 'sliding', 'none', received {self.cache!r}"
            )
        if self.cache == "sliding" and self.stride is not None:
            raise ConfigurationError(
                f"`stride` must be left out with `cache` 'sliding', which computes nothing anew, received {self.stride}"
            )
        if not all(self.stop):
            raise ConfigurationError("`stop` must be sequences of at least one id, received an empty one")


class _Reader:
    """Gives the scores of the next token, of a text that grows."""

    def __init__(self, model: CausalModel, writing: Writing, context: int, num_latents: int) -> None:
        self._model, self._kind = model, writing.cache
        stride = max(num_latents // 2, 1) if writing.stride is None else writing.stride
        self._schedule = Schedule(context, num_latents, 1 if self._kind == "sliding" else stride)
        self._look: Look | None = None
        self._cache: CausalCache | None = None

    def scores(self, ids: Tensor, mask: Tensor | None) -> Tensor:
        """[batch, vocab_size] of what follows `ids` [batch, total], one longer than at the call before."""
        total = ids.shape[1]
        slides = self._kind == "sliding" and self._cache is not None
        if self._look is None:
            self._look = self._schedule.begin(total)
        elif not slides:
            self._look = self._schedule.after(self._look, total)
        look = self._look
        if slides or (self._kind == "exact" and not look.is_anew):
            output = self._model(ids[:, -1:], cache=self._cache)
        else:
            if self._kind != "none":
                self._cache = self._model.new_cache(self._schedule.context, self._schedule.num_latents)
            output = self._model(
                ids[:, -look.num_inputs :],
                None if mask is None else mask[:, -look.num_inputs :],
                num_latents=look.num_latents,
                cache=self._cache,
            )
        last: Tensor = output.logits[:, -1].float()
        return last


def write(model: CausalModel, prompts: Tensor, mask: Tensor | None, writing: Writing) -> Generated:
    """Write on after prompts.

    Args:
        model: in evaluation mode.
        prompts: ids [batch, length].
        mask: [batch, length], 0 in padding, wherever it stands; None where there is none.
        writing: see Writing.

    Raises:
        ShapeError: a prompt is empty.
        ConfigurationError: `cache` "sliding" meets the end of a table of positions.
    """
    config = model.config
    ids, mask = _padding_in_front(prompts.to(model.device), mask)
    num_latents = _num_latents(config, writing)
    _require_known(config, writing)
    require_rows("input_ids", ids, config.vocab_size, "ids")
    _require_positions(config, writing, ids.shape[1])
    reader = _Reader(model, writing, config.max_position_embeddings, num_latents)
    batch = ids.shape[0]
    generators = generators_of(writing.seed, batch)
    seen = _seen(ids, mask, config.vocab_size)
    running = torch.ones(batch, dtype=torch.bool, device=ids.device)
    num_new = torch.zeros(batch, dtype=torch.int64, device=ids.device)
    is_stopped = torch.zeros_like(running)
    log_probs: list[Tensor] = []
    kept: list[Tensor] = []
    start = ids.shape[1]
    if writing.streamer is not None:
        writing.streamer.put(ids.cpu())
    for _ in range(writing.max_new_tokens):
        scores = reader.scores(ids, mask)
        chosen = writing.sampling.choose(scores, seen, generators).masked_fill(~running, writing.pad_token_id)
        own = torch.log_softmax(scores, dim=-1).gather(-1, chosen[:, None])[:, 0]
        log_probs.append(own.masked_fill(~running, 0.0))
        if writing.keep_logits:
            kept.append(scores)
        ids = torch.cat([ids, chosen[:, None]], dim=1)
        mask = None if mask is None else torch.cat([mask, torch.ones_like(mask[:, :1])], dim=1)
        seen = seen.scatter(1, chosen[:, None], True)
        num_new += running
        if writing.streamer is not None:
            writing.streamer.put(chosen.cpu())
        ended = running & _ends(ids[:, start:], writing.stop)
        is_stopped, running = is_stopped | ended, running & ~ended
        if not bool(running.any()):
            break
    if writing.streamer is not None:
        writing.streamer.end()
    return Generated(
        ids,
        num_new,
        torch.stack(log_probs, dim=1),
        is_stopped,
        torch.stack(kept, dim=1) if kept else None,
    )


def as_sequences(stop: Sequence[int | Sequence[int]]) -> tuple[tuple[int, ...], ...]:
    """Stop sequences, of which single ids are some."""
    return tuple((each,) if isinstance(each, int) else tuple(each) for each in stop)


def _padding_in_front(ids: Tensor, mask: Tensor | None) -> tuple[Tensor, Tensor | None]:
    if ids.ndim != 2 or 0 in ids.shape:
        raise ShapeError(
            f"`input_ids` must be ids [batch, length], a token at least, received {list(ids.shape)}"
        )
    if mask is None:
        return ids, None
    if mask.shape != ids.shape:
        raise ShapeError(f"`attention_mask` must have shape {list(ids.shape)}, received {list(mask.shape)}")
    counts = mask.to(ids.device, torch.bool)
    if not bool(counts.any(dim=1).all()):
        raise ShapeError("`attention_mask` must leave a token of every row, received a row of padding alone")
    if bool(counts.all()):
        return ids, None
    order = counts.byte().argsort(dim=1, stable=True)
    return ids.gather(1, order), counts.gather(1, order)


def _num_latents(config: PerceiverConfig, writing: Writing) -> int:
    context = config.max_position_embeddings
    if writing.num_latents is None:
        return min(config.num_latents, context)
    if not 1 <= writing.num_latents <= context:
        raise ConfigurationError(
            f"`num_latents` must be in [1, {context}] (`max_position_embeddings`), received {writing.num_latents}"
        )
    return writing.num_latents


def _require_known(config: PerceiverConfig, writing: Writing) -> None:
    """Ids that a model does not have would be found by accident only, or never."""
    given = {
        "suppress": writing.sampling.suppress,
        "stop": tuple(each for sequence in writing.stop for each in sequence),
        "pad_token_id": (writing.pad_token_id,),
    }
    for name, ids in given.items():
        unknown = [each for each in ids if not 0 <= each < config.vocab_size]
        if unknown:
            raise ConfigurationError(
                f"`{name}` must hold ids in [0, {config.vocab_size - 1}], received {unknown[0]}"
            )
    if len(set(writing.sampling.suppress)) == config.vocab_size:
        raise ConfigurationError("`suppress` must leave an id that can be chosen, received all of them")


def _require_positions(config: PerceiverConfig, writing: Writing, length: int) -> None:
    """What slides without an end needs positions without one."""
    total = min(length, config.max_position_embeddings) + writing.max_new_tokens
    is_rotary = config.causal_positions in (None, "rotary")
    if writing.cache == "sliding" and not is_rotary and total > config.max_position_embeddings:
        raise ConfigurationError(
            f"`cache` must be 'exact' where {config.causal_positions} positions end: a prompt of {length} and "
            f"`max_new_tokens` {writing.max_new_tokens} go beyond `max_position_embeddings` "
            f"{config.max_position_embeddings}"
        )


def _seen(ids: Tensor, mask: Tensor | None, vocab_size: int) -> Tensor:
    counts = torch.ones_like(ids, dtype=torch.bool) if mask is None else mask
    found = torch.zeros(ids.shape[0], vocab_size, dtype=torch.int64, device=ids.device)
    return found.scatter_add(1, ids, counts.long()) > 0


def _ends(new: Tensor, stop: tuple[tuple[int, ...], ...]) -> Tensor:
    """Which rows [batch, count] end with one of the sequences."""
    found = torch.zeros(new.shape[0], dtype=torch.bool, device=new.device)
    for sequence in stop:
        if len(sequence) <= new.shape[1]:
            wanted = torch.tensor(sequence, device=new.device)
            found = found | (new[:, -len(sequence) :] == wanted).all(dim=1)
    return found
