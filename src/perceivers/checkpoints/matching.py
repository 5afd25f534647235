"""Which stored tensor belongs to which key of a model, and what is left over on either side (pure)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

Shape = tuple[int, ...]
#: Keys that a message names of each sort; a network has hundreds.
MOST_LINES = 10


@dataclass(frozen=True)
class KeyMatch:
    """The outcome of comparing a checkpoint with a model."""

    sources: Mapping[str, str]
    """Model key to checkpoint key, for the tensors that fit."""
    missing: tuple[str, ...]
    """Model keys that the checkpoint does not hold."""
    unexpected: tuple[str, ...]
    """Checkpoint keys that the model has no place for."""
    mismatched: Mapping[str, tuple[Shape, Shape]] = field(default_factory=dict)
    """Model key to (stored shape, the model's shape), for the tensors that do not fit."""


def match_keys(
    stored: Mapping[str, Shape],
    wanted: Mapping[str, Shape],
    prefix: str,
    aliases: Mapping[str, str] | None = None,
) -> KeyMatch:
    """Match keys; those of a base model fit into a task model and the reverse.

    Args:
        stored: the checkpoint's keys and shapes.
        wanted: the model's keys and shapes.
        prefix: name of the base model inside a task model, without the dot; may be there on one side only.
        aliases: further keys of tensors that the model uses in several places, each with its key in `wanted`.
    """
    names = {**dict(aliases or {}), **{key: key for key in wanted}}
    sources: dict[str, str] = {}
    unexpected: list[str] = []
    # Keys that fit as they are go first: a key that fits only with the prefix changed never takes their place.
    for key in sorted(stored, key=lambda key: key not in names):
        candidates = (key, f"{prefix}.{key}", key.removeprefix(f"{prefix}."))
        target = next((names[candidate] for candidate in candidates if candidate in names), None)
        if target is None or (target in sources and key not in names):
            unexpected.append(key)
        else:
            sources.setdefault(target, key)
    mismatched = {
        target: (stored[key], wanted[target])
        for target, key in sources.items()
        if stored[key] != wanted[target]
    }
    return KeyMatch(
        sources={target: key for target, key in sources.items() if target not in mismatched},
        missing=tuple(key for key in wanted if key not in sources),
        unexpected=tuple(key for key in stored if key in set(unexpected)),
        mismatched=mismatched,
    )


def described(title: str, lines: Iterable[str]) -> str:
    """Lines under a title that says how many; of many the first ones, so that what stands above stays in sight."""
    given = list(lines)
    more = len(given) - MOST_LINES
    rest = [f"and {more:,} more"] if more > 0 else []
    return "\n  ".join([f"{title} ({len(given):,}):", *given[:MOST_LINES], *rest])


def describe_mismatches(match: KeyMatch) -> str:
    """The keys whose shapes differ, with both shapes, one a line; of many the first ones."""
    return described(
        "of another shape",
        (
            f"{key}: {list(stored)} in the checkpoint, {list(wanted)} in the model"
            for key, (stored, wanted) in match.mismatched.items()
        ),
    )
