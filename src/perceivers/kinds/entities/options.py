"""What a user may choose about sets of entities."""

from __future__ import annotations

from dataclasses import dataclass

from perceivers.arguments.base import require, require_at_least, require_share
from perceivers.errors import ConfigurationError


@dataclass(frozen=True, kw_only=True)
class EntityOptions:
    """How sets of entities are told to the model, and changed while training."""

    type_attribute: str | None = None
    """Attribute that says what an entity is. None: the first of `type`, `unit_type`, `kind`, `class`, `name` there is."""
    name_attributes: tuple[str, ...] = ()
    """Attributes that are names although they are written as numbers, such as the number of a player."""
    max_entities: int = 512
    """Entities of a set that are seen, the first ones. Perceiver IO has 512 in StarCraft II."""
    name_sets: int = 3
    """Training sets that a type, or another name, must come in; rarer ones are taken for unknown, which is how the model
    learns what to do about those that it has never seen."""
    number_waves: int = 16
    """Learned frequencies of each number, whose sines and cosines the model sees beside it; 0: the number alone."""
    wave_sigma: float = 0.3
    """Standard deviation of the first frequencies, in periods for each standard deviation of the numbers."""
    entity_drop: float = 0.0
    """Up to this share of the entities is left out at random while training, in [0, 1)."""
    attribute_hidden: float = 0.0
    """While training, the share in [0, 1) of attributes that are hidden: the model then learns to do without."""

    def __post_init__(self) -> None:
        require_at_least(1, self, "max_entities", "name_sets")
        require_at_least(0, self, "number_waves")
        require("wave_sigma", self.wave_sigma, 0.0 < self.wave_sigma < float("inf"), "above 0, and finite")
        require_share(self, "entity_drop", "attribute_hidden")
        if isinstance(self.name_attributes, str) or not all(
            isinstance(name, str) for name in self.name_attributes
        ):
            raise ConfigurationError(
                f"`name_attributes` must be a list of names, received {self.name_attributes!r}"
            )
