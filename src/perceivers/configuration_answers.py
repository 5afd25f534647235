"""What `config.answers` says, checked: the kind of each answer, its classes or quantiles, its weight, its head."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from perceivers.configuration_rules import require_count, require_positive
from perceivers.errors import ConfigurationError

#: Type of an answer -> its settings, beside those that every answer has.
ANSWER_TYPES: Mapping[str, tuple[str, ...]] = {
    "class": ("id2label", "num_labels"),
    "labels": ("id2label", "num_labels"),
    "number": ("quantiles",),
    "entity": ("of",),
    "entities": ("of",),
}
#: Types that select members of a set that the model reads, whatever its size: one of them, and any number.
ONE_MEMBER, SEVERAL_MEMBERS = "entity", "entities"
_SETTINGS = ("mlp_layers", "num_queries", "token_rate", "weight")


@dataclass(frozen=True)
class AnswerDescription:
    """One answer of a model.

    Attributes:
        type: "class" (one of several), "labels" (any of several), "number", "entity" (one of those that a sample has) or
            "entities" (any of them).
        id2label: class id -> name, in the order of ids; empty where there are none.
        quantiles: shares in (0, 1), ascending, of which a number is answered; empty for its mean.
        weight: of this answer's loss among the others'.
        mlp_layers: tanh layers of the head before its linear one.
        num_queries: learned queries that are asked for this answer, each with a head of its own, trained each on its own
            loss; their answers are averaged.
        token_rate: above 0, what each query says has, beside the latents' part, a linear map of the mean of the input
            tokens: what can be read off the inputs without latents is learned by it. It learns at so many times the run's
            learning rate, and the latents' part starts at zero. 0: no such map.
        of: of "entity" and "entities": the modality whose entities are selected; else "".
    """

    type: str
    id2label: Mapping[int, str]
    quantiles: tuple[float, ...] = ()
    weight: float = 1.0
    mlp_layers: int = 0
    num_queries: int = 1
    token_rate: float = 0.0
    of: str = ""

    @property
    def num_outputs(self) -> int:
        """Scores of a head: one a class, one a label, one a quantile, or 1; of members there are as many as a set has."""
        return len(self.id2label) or len(self.quantiles) or 1

    @property
    def selects(self) -> bool:
        """Whether it selects members of a set that the model reads."""
        return bool(self.of)


def read_answers(answers: Mapping[str, Mapping[str, Any]]) -> dict[str, AnswerDescription]:
    """Every answer of `config.answers`, in sorted order of names (config.json keeps no other)."""
    return {name: read_answer(name, answers[name]) for name in sorted(answers)}


def read_answer(name: str, description: Mapping[str, Any]) -> AnswerDescription:
    """An answer from its entry in `config.answers`.

    Args:
        name: for messages.
        description: "type" ("class", "labels", "number", "entity" or "entities"); for the first two "num_labels" or
            "id2label"; for a number "quantiles", or none for the mean; for the last two "of"; "weight" (1.0), "mlp_layers"
            (0), "num_queries" (1) and "token_rate" (0.0), see AnswerDescription.

    Raises:
        ConfigurationError: a key that the type does not have, or a value out of range.
    """
    place = f"answers[{name!r}]"
    kind = description.get("type")
    if not isinstance(kind, str) or kind not in ANSWER_TYPES:
        raise ConfigurationError(
            f"`{place}` must have a 'type' that is one of {sorted(ANSWER_TYPES)}, received {kind!r}"
        )
    known = sorted([*ANSWER_TYPES[kind], *_SETTINGS])
    if unknown := sorted(set(description) - {"type", *known}):
        raise ConfigurationError(
            f"`{place}` of type {kind!r} must have settings among {known}, received {unknown}"
        )
    weight, layers, queries = (
        description.get(key, default)
        for key, default in (("weight", 1.0), ("mlp_layers", 0), ("num_queries", 1))
    )
    require_positive(f"{place}['weight']", weight)
    require_count(f"{place}['mlp_layers']", layers, minimum=0)
    require_count(f"{place}['num_queries']", queries)
    token_rate = description.get("token_rate", 0.0)
    if token_rate != 0:
        require_positive(f"{place}['token_rate']", token_rate)
    selects = kind in (ONE_MEMBER, SEVERAL_MEMBERS)
    if selects:
        _require_of_a_pointer(place, description, layers, token_rate)
    return AnswerDescription(
        type=kind,
        id2label={} if kind == "number" or selects else _labels(place, description),
        quantiles=_quantiles(place, description.get("quantiles")),
        weight=float(weight),
        mlp_layers=layers,
        num_queries=queries,
        token_rate=float(token_rate),
        of=description["of"] if selects else "",
    )


def _require_of_a_pointer(
    place: str, description: Mapping[str, Any], mlp_layers: int, token_rate: float
) -> None:
    of = description.get("of")
    if not isinstance(of, str) or not of:
        raise ConfigurationError(
            f"`{place}['of']` must name the modality whose entities are selected, received {of!r}"
        )
    for name, value in (("mlp_layers", mlp_layers), ("token_rate", token_rate)):
        if value:
            raise ConfigurationError(f"`{place}['{name}']` must be 0 for a pointer, received {value}")


def _labels(place: str, description: Mapping[str, Any]) -> dict[int, str]:
    names, count = description.get("id2label"), description.get("num_labels")
    if names is None:
        require_count(f"{place}['num_labels']", count)
        return {index: f"LABEL_{index}" for index in range(count or 0)}
    try:
        # Keys of JSON objects are texts.
        by_id = {int(index): str(label) for index, label in dict(names).items()}
    except (TypeError, ValueError):
        by_id = {}
    if sorted(by_id) != list(range(len(by_id))) or not by_id or count not in (None, len(by_id)):
        raise ConfigurationError(
            f"`{place}` must have an id2label with names for 0, 1, 2, ... (and as many num_labels, if any), "
            f"received {names!r} and {count!r}"
        )
    return {index: by_id[index] for index in sorted(by_id)}


def _quantiles(place: str, quantiles: object) -> tuple[float, ...]:
    if quantiles is None:
        return ()
    numbers = isinstance(quantiles, (list, tuple)) and all(isinstance(each, float) for each in quantiles)
    shares: tuple[float, ...] = tuple(quantiles) if numbers else ()  # type: ignore[arg-type]
    if shares and all(low < high for low, high in pairwise([0.0, *shares, 1.0])):
        return shares
    raise ConfigurationError(
        f"`{place}['quantiles']` must be ascending numbers between 0 and 1, received {quantiles!r}"
    )
