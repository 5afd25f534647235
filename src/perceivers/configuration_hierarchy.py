"""What `config.hierarchy` says, checked: levels and inputs of a Hierarchical Perceiver; the published variants by name."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

from perceivers.configuration_rules import require_count
from perceivers.errors import ConfigurationError

REGROUPINGS = ("neighbours", "spread")
_LEVEL_KEYS = ("groups", "latents", "channels", "self_attends", "self_heads", "cross_heads", "cross_widening",
               "self_widening")  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Level:
    """One level: what happens to each of its groups."""

    groups: int
    """Parts that do not see each other."""
    latents: int
    """Latents of each group."""
    channels: int
    """Size of a latent."""
    self_attends: int = 1
    """Layers in which the latents of a group look at each other."""
    self_heads: int = 1
    """Heads of each of them; divides `channels`."""
    cross_heads: int = 1
    """Heads of the cross-attend; divides the channels of the level before."""
    cross_widening: int = 1
    """Hidden size of the cross-attend's perceptron, in multiples of `channels`."""
    self_widening: int = 4
    """The same of the self-attends."""


@dataclass(frozen=True, kw_only=True)
class HierarchyInput:
    """One input: so many points, in an order that is always the same."""

    name: str
    """How `inputs` of the model names it."""
    points: int
    """How many."""
    channels: int
    """Numbers of each point."""
    at_processor: bool = False
    """Enter at the level in the middle and be answered there: for labels."""


@dataclass(frozen=True, kw_only=True)
class Hierarchy:
    """All levels, from the points up to the processor in the middle and down again to the points."""

    levels: tuple[Level, ...]
    """An odd number; the one in the middle is the processor."""
    inputs: tuple[HierarchyInput, ...]
    """In the order in which they are grouped."""
    embedding_channels: int
    """Size of an embedded point and of its learned position."""
    regrouping: str = "neighbours"
    """`neighbours` merges and splits neighbouring groups; `spread` gives every new group a part of all."""
    projects_positions: bool = False
    """Send the learned positions through a linear map, one an input, before they are used."""
    joins_inputs: bool = False
    """One group for all inputs, as Perceiver IO has it; otherwise no group holds points of two."""
    training_latents: int | None = None
    """Latents of the processor that are used while training, drawn at random; None: all."""

    @property
    def processor(self) -> int:
        """Number of the level in the middle."""
        return len(self.levels) // 2

    @property
    def grouped(self) -> tuple[HierarchyInput, ...]:
        """Inputs that enter at the first level."""
        return tuple(each for each in self.inputs if not each.at_processor)

    @property
    def at_processor(self) -> tuple[HierarchyInput, ...]:
        """Inputs that enter at the processor."""
        return tuple(each for each in self.inputs if each.at_processor)

    def as_mapping(self) -> dict[str, Any]:
        """What `config.hierarchy` holds."""
        values = dataclasses.asdict(self)
        return {**values, "levels": list(values["levels"]), "inputs": list(values["inputs"])}


def _levels(groups: Sequence[int], **sizes: Sequence[int]) -> tuple[Level, ...]:
    return tuple(
        Level(groups=number, **{name: values[index] for name, values in sizes.items()})
        for index, number in enumerate(groups)
    )


def _io(layers: int, latents: int, channels: int, heads: tuple[int, int], widening: int) -> tuple[Level, ...]:
    cross, own = heads
    cross_widening, self_widening = (1, 2) if widening == 1 else (widening, widening)
    return (
        Level(groups=1, latents=latents, channels=channels, self_attends=layers, self_heads=own, cross_heads=cross,
              cross_widening=cross_widening, self_widening=self_widening),
    )  # fmt: skip


#: Name -> levels, channels of an embedded point, whether inputs are joined: the numbers of VARIANTS in the original code.
VARIANTS: Mapping[str, tuple[tuple[Level, ...], int, bool]] = {
    "mini": (
        _levels(
            (16, 1, 16), self_attends=(2, 1, 1), latents=(128, 64, 128), channels=(128, 1024, 128), self_heads=(4, 32, 4)
        ),
        32,
        False,
    ),
    "16": (
        _levels(
            (16, 4, 1, 1, 1, 4, 16),
            self_attends=(2, 2, 18, 2, 1, 1, 1),
            latents=(128, 256, 256, 64, 256, 256, 128),
            channels=(128, 256, 512, 1024, 512, 256, 128),
            self_heads=(4, 8, 16, 32, 16, 8, 4),
        ),
        32,
        False,
    ),
    "256": (
        _levels(
            (256, 64, 16, 4, 1, 1, 1, 4, 16, 64, 256),
            self_attends=(1, 1, 2, 2, 18, 2, 1, 1, 1, 1, 1),
            latents=(32, 64, 128, 256, 256, 64, 256, 256, 128, 64, 32),
            channels=(64, 96, 128, 256, 512, 1024, 256, 128, 64, 32, 16),
            self_heads=(1, 2, 4, 8, 16, 32, 16, 8, 4, 2, 1),
        ),
        16,
        False,
    ),
    "16x3": (
        _levels(
            (16, 1, 16), self_attends=(2, 18, 2), latents=(128, 256, 128), channels=(128, 1024, 128), self_heads=(4, 32, 4)
        ),
        32,
        False,
    ),
    "io-mini": (_io(2, 128, 128, (1, 2), 1), 128, True),
    "io-c-50m": (_io(8, 1024, 512, (8, 8), 4), 512, True),
    "io-c-150m": (_io(12, 1024, 896, (16, 16), 4), 896, True),
}  # fmt: skip


def variant(
    name: str,
    inputs: Mapping[str, tuple[int, int]],
    at_processor: Sequence[str] = (),
    changes: Mapping[str, Any] | None = None,
) -> Hierarchy:
    """A published hierarchy for these inputs.

    Args:
        name: one of VARIANTS.
        inputs: name -> (points, channels), in the order in which they are grouped.
        at_processor: names of those that enter at the processor, as labels do.
        changes: other fields of Hierarchy, or other values of those that the variant sets.

    Raises:
        ConfigurationError: no variant has that name, or the result is none that a model can be built from.
    """
    if name not in VARIANTS:
        raise ConfigurationError(f"`variant` must be one of {', '.join(VARIANTS)}, received {name!r}")
    levels, embedding, joined = VARIANTS[name]
    described = [
        {"name": key, "points": points, "channels": channels, "at_processor": key in at_processor}
        for key, (points, channels) in _sizes_of(inputs).items()
    ]
    values: dict[str, Any] = {
        "levels": [dataclasses.asdict(level) for level in levels],
        "inputs": described,
        "embedding_channels": embedding,
        "joins_inputs": joined,
        **(changes or {}),
    }
    return read_hierarchy(values)


def _sizes_of(inputs: object) -> Mapping[str, tuple[Any, Any]]:
    """Points and channels of each input."""
    is_right = isinstance(inputs, Mapping) and all(
        isinstance(sizes, (list, tuple)) and len(sizes) == 2 for sizes in inputs.values()
    )
    if not is_right:
        raise ConfigurationError(
            "`inputs` must map each name to its (points, channels), such as {'image': (4096, 3)}, "
            f"received {inputs!r}"
        )
    return cast("Mapping[str, tuple[Any, Any]]", inputs)


def read_hierarchy(values: Mapping[str, Any]) -> Hierarchy:
    """`config.hierarchy` as its classes, checked.

    Raises:
        ConfigurationError: a key that does not exist or is missing, or values that no model can be built from; the message
            names the key.
    """
    known = {entry.name for entry in dataclasses.fields(Hierarchy)}
    _require_keys("hierarchy", values, known, {"levels", "inputs", "embedding_channels"})
    levels = tuple(_read_level(index, each) for index, each in enumerate(_list("levels", values["levels"])))
    inputs = tuple(_read_input(index, each) for index, each in enumerate(_list("inputs", values["inputs"])))
    hierarchy = Hierarchy(**{**values, "levels": levels, "inputs": inputs})
    require_count("hierarchy.embedding_channels", hierarchy.embedding_channels)
    if hierarchy.regrouping not in REGROUPINGS:
        raise ConfigurationError(
            f"`hierarchy.regrouping` must be one of {', '.join(REGROUPINGS)}, received {hierarchy.regrouping!r}"
        )
    for key in ("projects_positions", "joins_inputs"):
        if not isinstance(getattr(hierarchy, key), bool):
            raise ConfigurationError(
                f"`hierarchy.{key}` must be True or False, received {getattr(hierarchy, key)!r}"
            )
    _require_levels(hierarchy)
    _require_inputs(hierarchy)
    return hierarchy


def _read_level(index: int, values: object) -> Level:
    place = f"hierarchy.levels[{index}]"
    mapping = _require_keys(place, values, set(_LEVEL_KEYS), {"groups", "latents", "channels"})
    for key, value in mapping.items():
        require_count(f"{place}.{key}", value, minimum=0 if key == "self_attends" else 1)
    level = Level(**mapping)
    if level.channels % level.self_heads:
        raise ConfigurationError(
            f"`{place}.self_heads` must divide its channels ({level.channels}), received {level.self_heads}"
        )
    return level


def _read_input(index: int, values: object) -> HierarchyInput:
    place = f"hierarchy.inputs[{index}]"
    known = {entry.name for entry in dataclasses.fields(HierarchyInput)}
    mapping = _require_keys(place, values, known, {"name", "points", "channels"})
    for key in ("points", "channels"):
        require_count(f"{place}.{key}", mapping[key])
    name = mapping["name"]
    # Names are keys of the state dict.
    if not isinstance(name, str) or not name or "." in name:
        raise ConfigurationError(f"`{place}.name` must be a word without dots, received {name!r}")
    return HierarchyInput(**mapping)


def _require_levels(hierarchy: Hierarchy) -> None:
    """Every level's tokens must fall into its groups, and both sides of a skip have as many latents."""
    levels = hierarchy.levels
    if len(levels) % 2 == 0:
        raise ConfigurationError(
            f"`hierarchy.levels` must be an odd number of levels, the processor in the middle, received {len(levels)}"
        )
    drawn = hierarchy.training_latents
    if drawn is not None:
        require_count("hierarchy.training_latents", drawn)
        most = levels[hierarchy.processor].latents
        if drawn > most:
            raise ConfigurationError(
                f"`hierarchy.training_latents` must be at most the processor's latents ({most}), received {drawn}"
            )
    channels = hierarchy.embedding_channels
    for index, level in enumerate(levels):
        place = f"hierarchy.levels[{index}]"
        if channels % level.cross_heads:
            raise ConfigurationError(
                f"`{place}.cross_heads` must divide the channels before it ({channels}), received {level.cross_heads}"
            )
        channels = level.channels
        if index > 0:
            before = levels[index - 1]
            counts = {before.latents}
            if drawn is not None and index - 1 == hierarchy.processor:
                counts.add(drawn)
            for count in sorted(counts):
                if before.groups * count % level.groups:
                    raise ConfigurationError(
                        f"`{place}.groups` must divide the tokens that come from the level before ({before.groups} groups "
                        f"of {count}), received {level.groups}"
                    )
        if index > hierarchy.processor:
            opposite = levels[len(levels) - 1 - index]
            if (level.groups, level.latents) != (opposite.groups, opposite.latents):
                raise ConfigurationError(
                    f"`{place}` must have the groups and latents of level {len(levels) - 1 - index}, whose latents it adds "
                    f"({opposite.groups} x {opposite.latents}), received {level.groups} x {level.latents}"
                )


def _require_inputs(hierarchy: Hierarchy) -> None:
    names = [each.name for each in hierarchy.inputs]
    if len(set(names)) < len(names):
        raise ConfigurationError(f"`hierarchy.inputs` must have different names, received {names}")
    if not hierarchy.grouped:
        raise ConfigurationError(
            "`hierarchy.inputs` must have an input that enters at the first level, received none"
        )
    first = hierarchy.levels[0].groups
    if hierarchy.joins_inputs and first != 1:
        raise ConfigurationError(
            f"`hierarchy.levels[0].groups` must be 1 where `joins_inputs` is set, received {first}"
        )
    if not hierarchy.joins_inputs and first < len(hierarchy.grouped):
        raise ConfigurationError(
            f"`hierarchy.levels[0].groups` must be at least 1 an input ({len(hierarchy.grouped)}), received {first}"
        )
    if hierarchy.at_processor:
        processor = hierarchy.levels[hierarchy.processor]
        if processor.groups != 1 or hierarchy.processor == 0:
            raise ConfigurationError(
                "`hierarchy.inputs` may enter at the processor where that has one group and levels before it, received "
                f"{processor.groups} groups and {hierarchy.processor} levels"
            )


def _list(key: str, value: object) -> Sequence[object]:
    if not isinstance(value, (list, tuple)) or not value:
        raise ConfigurationError(
            f"`hierarchy.{key}` must be a list with an entry or more, received {value!r}"
        )
    return value


def _require_keys(place: str, values: object, known: set[str], needed: set[str]) -> Mapping[str, Any]:
    if not isinstance(values, Mapping):
        raise ConfigurationError(f"`{place}` must be a mapping, received {values!r}")
    for what, keys in (("no key", set(values) - known), ("to have", needed - set(values))):
        if keys:
            raise ConfigurationError(
                f"`{place}` must {'have no key' if what == 'no key' else 'have'} {', '.join(sorted(map(str, keys)))}, "
                f"received {', '.join(sorted(map(str, values)))}"
            )
    return values
