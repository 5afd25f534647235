"""A skirmish of two sides on a plane, many battles at once: types of units, places, health, cooldowns, fog.

Each side sees the plane from its own end: its x grows towards the other side, so that one player plays both sides.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

TYPES = ("archer", "guard", "sniper")
# One row a type: health, reach, damage of a hit, ticks between hits, way in a tick.
TRAITS = torch.tensor(
    [
        [40.0, 5.0, 6.0, 3.0, 0.7],
        [90.0, 1.2, 9.0, 2.0, 0.9],
        [30.0, 8.0, 18.0, 6.0, 0.5],
    ]
)
HEALTH, REACH, DAMAGE, PAUSE, SPEED = range(5)
# Half the side of the plane, how far a unit sees, and ticks after which a battle is a draw.
HALF, SIGHT, MOST_TICKS = 12.0, 9.0, 150
# Eight ways of a move, then two things that are no move.
ANGLES = torch.arange(8) * (torch.pi / 4)
DIRECTIONS = torch.stack([ANGLES.cos(), ANGLES.sin()], dim=1)
HOLD, ATTACK = 8, 9
NUM_ACTIONS = 10
MIRROR = torch.tensor([-1.0, 1.0])


@dataclass(frozen=True)
class Orders:
    """What the units of one side are to do in a tick.

    Attributes:
        action: number of a direction, HOLD or ATTACK, int64 [batch, num_units].
        target: number of the enemy that an attack is meant for, int64 [batch, num_units].
    """

    action: Tensor
    target: Tensor


@dataclass(frozen=True)
class View:
    """What one side sees: its own units, then the enemy's, [batch, 2 * num_units] each.

    Attributes:
        place: from the side's own end, [batch, 2 * num_units, 2].
        health: above 0 for the living.
        cooldown: ticks until the next hit.
        kind: number of the type, int64.
        mask: True for units that live and are seen; of all others nothing here means anything.
    """

    place: Tensor
    health: Tensor
    cooldown: Tensor
    kind: Tensor
    mask: Tensor

    def traits(self) -> Tensor:
        """Of every unit's type, [batch, 2 * num_units, 5]."""
        return TRAITS[self.kind]


@dataclass
class Battles:
    """Battles that go on, [batch, 2 sides, num_units] each; places [batch, 2, num_units, 2] as the first side sees them."""

    place: Tensor
    health: Tensor
    cooldown: Tensor
    kind: Tensor

    @classmethod
    def start(cls, batch: int, fewest: int, most: int, generator: torch.Generator) -> Battles:
        """Two equal armies of `fewest` to `most` units of random types at both ends; what is less than `most` is dead."""
        kind = torch.randint(len(TYPES), (batch, 1, most), generator=generator).expand(-1, 2, -1).clone()
        number = torch.randint(fewest, most + 1, (batch, 1, 1), generator=generator)
        lives = (torch.arange(most) < number).expand(-1, 2, -1)
        place = torch.rand(batch, 2, most, 2, generator=generator)
        place = place * torch.tensor([0.4, 1.6]) * HALF - torch.tensor([1.0, 0.8]) * HALF
        place[:, 1] *= MIRROR
        health = TRAITS[kind][..., HEALTH] * lives
        return cls(place, health, torch.zeros_like(health), kind)

    def view(self, side: int) -> View:
        """What a side sees: all of its own living units, and those of the enemy that one of them sees."""
        sides = [side, 1 - side]
        alive = self.health > 0
        distance = torch.cdist(self.place[:, side], self.place[:, 1 - side])
        seen = ((distance <= SIGHT) & alive[:, side, :, None]).any(dim=1)
        place = self.place[:, sides].flatten(1, 2)
        return View(
            place * MIRROR if side else place,
            self.health[:, sides].flatten(1),
            self.cooldown[:, sides].flatten(1),
            self.kind[:, sides].flatten(1),
            torch.cat([alive[:, side], alive[:, 1 - side] & seen], dim=1),
        )

    def step(self, orders: tuple[Orders, Orders]) -> None:
        """One tick: all units move and strike at the same time; who is attacked out of reach is approached."""
        damage, moves = torch.zeros_like(self.health), torch.zeros_like(self.place)
        alive = self.health > 0
        traits = TRAITS[self.kind]
        num_units = alive.shape[2]
        for side, given in enumerate(orders):
            own, enemy = traits[:, side], 1 - side
            seen = self.view(side).mask[:, num_units:].gather(1, given.target)
            attacks = (given.action == ATTACK) & alive[:, side] & seen
            aim = self.place[:, enemy].gather(1, given.target[..., None].expand(-1, -1, 2))
            way = aim - self.place[:, side]
            far = torch.linalg.vector_norm(way, dim=-1)
            hits = attacks & (far <= own[..., REACH]) & (self.cooldown[:, side] <= 0)
            damage[:, enemy].scatter_add_(1, given.target, own[..., DAMAGE] * hits)
            self.cooldown[:, side] = torch.where(
                hits, own[..., PAUSE], (self.cooldown[:, side] - 1).clamp(min=0)
            )
            steps = DIRECTIONS[given.action.clamp(max=HOLD - 1)] * (MIRROR if side else 1.0)
            steps = steps * ((given.action < HOLD) & alive[:, side])[..., None]
            approaches = attacks & (far > own[..., REACH])
            steps = steps + way / far.clamp(min=1e-6)[..., None] * approaches[..., None]
            moves[:, side] = steps * own[..., SPEED, None]
        self.health = (self.health - damage).clamp(min=0)
        self.place = (self.place + moves).clamp(-HALF, HALF)

    def some(self, rows: Tensor) -> Battles:
        """Those of the battles that are named, by numbers or bool [batch]."""
        return Battles(self.place[rows], self.health[rows], self.cooldown[rows], self.kind[rows])

    def winners(self) -> tuple[Tensor, Tensor]:
        """Bool [batch, 2]: the sides that have won, and bool [batch]: the battles that are over."""
        lives = (self.health > 0).any(dim=2)
        return lives & ~lives.flip(1), ~lives.all(dim=1)
