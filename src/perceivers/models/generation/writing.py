"""The loop that writes on: look, choose, append, until enough is written. Arrays alone: the model may be a file."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from perceivers.errors import ConfigurationError, ShapeError
from perceivers.models.generation.sampling import Sampling, generators_of, is_whole
from perceivers.models.generation.schedule import Look, Schedule
from perceivers.models.generation.streaming import Streamer

if TYPE_CHECKING:
    from perceivers.configuration import PerceiverConfig

Ids = NDArray[np.int64]
Mask = NDArray[np.bool_]
Floats = NDArray[np.float32]
CacheKind = Literal["exact", "sliding", "none"]


@dataclass(frozen=True)
class Written:
    """What was written, as arrays; what each of them is, see `perceivers.models.generation.generating.Generated`."""

    sequences: Ids
    num_new: Ids
    log_probs: Floats
    is_stopped: Mask
    logits: Floats | None = None


class StepModel(Protocol):
    """What the loop needs of a model: the scores of the token that comes next, [batch, vocab_size]."""

    def begin(self, ids: Ids, mask: Mask | None, num_latents: int, kept: tuple[int, int] | None) -> Floats:
        """Forget what is kept, and look at `ids` [batch, length].

        Args:
            ids: padding stands in front.
            mask: bool [batch, length], False in padding; None where there is none.
            num_latents: the last ones that are latents.
            kept: inputs and latents that are kept for `go_on` at most; None keeps nothing.
        """

    def go_on(self, ids: Ids) -> Floats:
        """Look at one more token [batch, 1], and at what is kept."""


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
        if not is_whole(self.max_new_tokens) or self.max_new_tokens < 1:
            raise ConfigurationError(
                f"`max_new_tokens` must be a whole number of at least 1, received {self.max_new_tokens!r}"
            )
        if not is_whole(self.seed):
            raise ConfigurationError(f"`seed` must be a whole number, received {self.seed!r}")
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

    def __init__(self, model: StepModel, writing: Writing, context: int, num_latents: int) -> None:
        self._model, self._kind = model, writing.cache
        stride = max(num_latents // 2, 1) if writing.stride is None else writing.stride
        self._schedule = Schedule(context, num_latents, 1 if self._kind == "sliding" else stride)
        self._look: Look | None = None

    def scores(self, ids: Ids, mask: Mask | None) -> Floats:
        """[batch, vocab_size] of what follows `ids` [batch, total], one longer than at the call before."""
        total = ids.shape[1]
        slides = self._kind == "sliding" and self._look is not None
        if self._look is None:
            self._look = self._schedule.begin(total)
        elif not slides:
            self._look = self._schedule.after(self._look, total)
        look = self._look
        if slides or (self._kind == "exact" and not look.is_anew):
            return self._model.go_on(ids[:, -1:])
        return self._model.begin(
            ids[:, -look.num_inputs :],
            None if mask is None else mask[:, -look.num_inputs :],
            look.num_latents,
            None if self._kind == "none" else (self._schedule.context, self._schedule.num_latents),
        )


def write(
    model: StepModel,
    config: PerceiverConfig,
    prompts: Ids,
    mask: NDArray[np.generic] | None,
    writing: Writing,
) -> Written:
    """Write on after prompts.

    Args:
        model: in evaluation mode.
        config: of the model.
        prompts: ids [batch, length].
        mask: [batch, length], 0 in padding, wherever it stands; None where there is none.
        writing: see Writing.

    Raises:
        ShapeError: a prompt is empty.
        ConfigurationError: `cache` "sliding" meets the end of a table of positions.
    """
    ids, counts = _padding_in_front(prompts, mask)
    num_latents = _num_latents(config, writing)
    _require_known(config, writing)
    _require_positions(config, writing, ids.shape[1])
    reader = _Reader(model, writing, config.max_position_embeddings, num_latents)
    batch = ids.shape[0]
    rows = np.arange(batch)
    generators = generators_of(writing.seed, batch)
    seen = _seen(ids, counts, config.vocab_size)
    running = np.ones(batch, np.bool_)
    num_new = np.zeros(batch, np.int64)
    is_stopped = np.zeros(batch, np.bool_)
    log_probs: list[Floats] = []
    kept: list[Floats] = []
    start = ids.shape[1]
    if writing.streamer is not None:
        writing.streamer.put(ids)
    for _ in range(writing.max_new_tokens):
        scores = reader.scores(ids, counts)
        chosen = np.where(running, writing.sampling.choose(scores, seen, generators), writing.pad_token_id)
        log_probs.append(np.where(running, log_softmax(scores)[rows, chosen], np.float32(0)))
        if writing.keep_logits:
            kept.append(scores)
        ids = np.concatenate([ids, chosen[:, None]], axis=1)
        counts = None if counts is None else np.pad(counts, ((0, 0), (0, 1)), constant_values=True)
        seen[rows, chosen] = True
        num_new += running
        if writing.streamer is not None:
            writing.streamer.put(chosen)
        ended = running & _ends(ids[:, start:], writing.stop)
        is_stopped, running = is_stopped | ended, running & ~ended
        if not running.any():
            break
    if writing.streamer is not None:
        writing.streamer.end()
    scores_kept = np.stack(kept, axis=1) if kept else None
    return Written(ids, num_new, np.stack(log_probs, axis=1), is_stopped, scores_kept)


def as_sequences(stop: Sequence[int | Sequence[int]]) -> tuple[tuple[int, ...], ...]:
    """Stop sequences, of which single ids are some."""
    return tuple((each,) if isinstance(each, int) else tuple(each) for each in stop)


def log_softmax(scores: Floats) -> Floats:
    """Natural logarithms of probabilities over the last axis."""
    less = scores - scores.max(axis=-1, keepdims=True)
    found: Floats = less - np.log(np.exp(less).sum(axis=-1, keepdims=True))
    return found


def _padding_in_front(ids: Ids, mask: NDArray[np.generic] | None) -> tuple[Ids, Mask | None]:
    if ids.ndim != 2 or 0 in ids.shape:
        raise ShapeError(
            f"`input_ids` must be ids [batch, length], a token at least, received {list(ids.shape)}"
        )
    if mask is None:
        return ids, None
    if mask.shape != ids.shape:
        raise ShapeError(f"`attention_mask` must have shape {list(ids.shape)}, received {list(mask.shape)}")
    counts = mask.astype(np.bool_)
    if not counts.any(axis=1).all():
        raise ShapeError("`attention_mask` must leave a token of every row, received a row of padding alone")
    if counts.all():
        return ids, None
    order = counts.argsort(axis=1, kind="stable")
    return np.take_along_axis(ids, order, axis=1), np.take_along_axis(counts, order, axis=1)


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
        unknown = [each for each in ids if not is_whole(each) or not 0 <= each < config.vocab_size]
        if unknown:
            raise ConfigurationError(
                f"`{name}` must hold ids in [0, {config.vocab_size - 1}], received {unknown[0]!r}"
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


def _seen(ids: Ids, counts: Mask | None, vocab_size: int) -> Mask:
    found = np.zeros((ids.shape[0], vocab_size), np.bool_)
    for row, tokens in enumerate(ids):
        found[row, tokens if counts is None else tokens[counts[row]]] = True
    return found


def _ends(new: Ids, stop: tuple[tuple[int, ...], ...]) -> Mask:
    """Which rows [batch, count] end with one of the sequences."""
    found = np.zeros(new.shape[0], np.bool_)
    for sequence in stop:
        if len(sequence) <= new.shape[1]:
            found |= (new[:, -len(sequence) :] == np.array(sequence)).all(axis=1)
    return found
