"""Players that follow a rule: one that focuses its fire, a weaker one that strikes what is near, one that does anything."""

from __future__ import annotations

from collections.abc import Callable

import torch
from battle import ATTACK, DAMAGE, DIRECTIONS, HOLD, PAUSE, REACH, TYPES, Orders, View
from torch import Tensor

Player = Callable[[View], Orders]
# Nothing is as far, or as good to strike, as what cannot be chosen.
NEVER = 1e6
GUARD = TYPES.index("guard")
# A shooter steps back from a guard that is so near; a guard waits for an enemy that is so near, within so much of the others.
TOO_NEAR, NEAR, LOOSE = 4.0, 5.0, 2.0


def distances(view: View) -> Tensor:
    """From each own unit to each enemy, [batch, num_units, num_units]; NEVER to enemies that are not seen."""
    num_units = view.mask.shape[1] // 2
    far = torch.cdist(view.place[:, :num_units], view.place[:, num_units:])
    return far.masked_fill(~view.mask[:, None, num_units:], NEVER)


def direction(way: Tensor) -> Tensor:
    """The nearest of the eight directions to ways [..., 2]."""
    return (way @ DIRECTIONS.T).argmax(dim=-1)


def advance(view: View, orders: Orders) -> Orders:
    """Units that see no enemy go to the middle of the plane, where the others go, too; those that are there wait."""
    num_units = view.mask.shape[1] // 2
    blind = ~view.mask[:, num_units:].any(dim=1, keepdim=True)
    place = view.place[:, :num_units]
    at_middle = torch.linalg.vector_norm(place, dim=-1) < 1.0
    towards = torch.where(at_middle, HOLD, direction(-place))
    return Orders(torch.where(blind, towards, orders.action), orders.target)


def nearest(view: View) -> Orders:
    """The opponent: every unit strikes at the enemy that is nearest to it."""
    far = distances(view)
    target = far.argmin(dim=2)
    return advance(view, Orders(torch.full_like(target, ATTACK), target))


def focused(view: View) -> Orders:
    """The expert: it focuses its fire, wastes no blow, keeps its guards together, and has its shooters step back.

    - Of the enemies in its reach, a unit strikes at the one with the most damage a tick for the health that is left to it, so
      that neighbours choose alike. Those that are nearest to a target strike first; whoever would come too late, because
      their blows will kill it, chooses once more among the others.
    - With nothing in reach, it strikes at the nearest; but guards wait with the rest until an enemy is near.
    - A shooter whose weapon is not ready steps back from a guard.
    """
    num_units = view.mask.shape[1] // 2
    far, traits = distances(view), view.traits()
    own, enemy = traits[:, :num_units], traits[:, num_units:]
    place, shoots = view.place[:, :num_units], view.kind[:, :num_units] != GUARD
    health = view.health[:, num_units:]

    in_reach = (far <= own[..., REACH, None]) & view.mask[:, :num_units, None]
    first = most_worth(enemy, health, in_reach)
    blows = own[..., DAMAGE] * ((view.cooldown[:, :num_units] <= 0) & in_reach.any(dim=2))
    too_late, left = after_the_nearest(first, blows, far, health)
    others = in_reach & (left > 0)[:, None]
    again = torch.where(others.any(dim=2), most_worth(enemy, left, others), first)
    target = torch.where(too_late, again, first)
    target = torch.where(in_reach.any(dim=2), target, far.argmin(dim=2))
    action = torch.full_like(target, ATTACK)

    lives = view.mask[:, :num_units, None]
    middle = (place * lives).sum(dim=1, keepdim=True) / lives.sum(dim=1, keepdim=True).clamp(min=1)
    back = middle - place
    stay = torch.where(torch.linalg.vector_norm(back, dim=-1) > LOOSE, direction(back), HOLD)
    action = torch.where(~shoots & (far.amin(dim=2) > NEAR), stay, action)

    guards = far.masked_fill((view.kind[:, num_units:] != GUARD)[:, None], NEVER)
    threat, guard = guards.min(dim=2)
    from_guard = place - view.place[:, num_units:].gather(1, guard[..., None].expand(-1, -1, 2))
    flees = shoots & (threat < TOO_NEAR) & (view.cooldown[:, :num_units] > 1)
    return advance(view, Orders(torch.where(flees, direction(from_guard), action), target))


def most_worth(enemy: Tensor, health: Tensor, allowed: Tensor) -> Tensor:
    """The enemy with the most damage a tick for its health, of those allowed to each unit: int64 [batch, num_units]."""
    worth = enemy[..., DAMAGE] / enemy[..., PAUSE] / health.clamp(min=1.0)
    return (worth[:, None] - NEVER * ~allowed).argmax(dim=2)


def after_the_nearest(target: Tensor, blows: Tensor, far: Tensor, health: Tensor) -> tuple[Tensor, Tensor]:
    """Which units come too late for their target, since nearer ones kill it, and what those leave of each enemy's health."""
    own_far = far.gather(2, target[..., None])[..., 0].masked_fill(blows == 0, NEVER)
    hits = torch.zeros_like(far).scatter(2, target[..., None], blows[..., None])
    order = own_far.argsort(dim=1)
    sorted_hits = hits.gather(1, order[..., None].expand_as(hits))
    before = torch.zeros_like(hits).scatter(
        1, order[..., None].expand_as(hits), sorted_hits.cumsum(dim=1) - sorted_hits
    )
    struck = before.gather(2, target[..., None])[..., 0]
    too_late = (struck >= health.gather(1, target)) & (blows > 0)
    return too_late, health - (hits * ~too_late[..., None]).sum(dim=1)


def anything(generator: torch.Generator) -> Player:
    """A player that draws every order, from the actions and the enemies that are seen."""

    def play(view: View) -> Orders:
        batch, both = view.mask.shape
        shape = (batch, both // 2)
        action = torch.randint(ATTACK + 1, shape, generator=generator)
        chances = torch.rand(batch, both // 2, both // 2, generator=generator)
        target = (chances * view.mask[:, None, both // 2 :]).argmax(dim=2)
        return Orders(action, target)

    return play
