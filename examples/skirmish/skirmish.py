"""A Perceiver learns to command: it imitates an expert that focuses its fire, beside a Transformer in the same place.

Run: python examples/skirmish/skirmish.py [--small] [--weights FOLDER --fewest 256 --most 256]. Prints win rates over battles
that nobody has trained on, against the same weaker opponent and with their 95 % intervals, and the cost of an answer; writes
a film of one battle.
"""

from __future__ import annotations

import argparse
import math
import time
from dataclasses import dataclass
from pathlib import Path

import torch
from battle import ATTACK, MOST_TICKS, Battles, Orders
from film import film
from networks import Clone, as_entities, build, count_flops
from scripted import Player, anything, focused, nearest
from torch import Tensor, nn

LEARNING_RATE, CLIMB, CLIP = 2e-3, 0.1, 1.0
# Share of the expert's orders that are carried out otherwise while it is watched: it is then seen to mend what went wrong, as
# an imitator must (Laskey et al. 2017, "DART: Noise injection for robust imitation learning"). What it says is learned.
NOISE = 0.05
# Battles of a round of training, whose moments are mixed; battles that are played at a time, and pairs of enemies in them.
ROUND, AT_A_TIME, MOST_PAIRS = 64, 250, 2**20
# Seeds of what is trained on, and of what is measured: their battles are others.
TRAINING, MEASURING = 0, 1_000_003
# Entities of the paper's sets, and channels of AlphaStar's encoder.
PAPER, PAPER_CHANNELS = 512, 256
Z = 1.959964


@dataclass(frozen=True)
class Moments:
    """What the expert saw and did: entities [moments, 2 * num_units, columns], mask, orders [moments, num_units]."""

    entities: Tensor
    mask: Tensor
    action: Tensor
    target: Tensor

    def some(self, rows: Tensor) -> tuple[Tensor, Tensor, Orders]:
        """A batch of them."""
        return self.entities[rows], self.mask[rows], Orders(self.action[rows], self.target[rows])


def moments_of_battles(
    number: int, fewest: int, most: int, generator: torch.Generator, noise: float = 0.0
) -> Moments:
    """The expert plays against the opponent: every moment, and what it said; a share of that is carried out otherwise."""
    play = anything(generator)
    battles = Battles.start(number, fewest, most, generator)
    found: list[tuple[Tensor, Tensor, Tensor, Tensor]] = []
    for _ in range(MOST_TICKS):
        view = battles.view(0)
        orders = focused(view)
        found.append((as_entities(view), view.mask, orders.action, orders.target))
        other, changed = play(view), torch.rand(orders.action.shape, generator=generator) < noise
        carried_out = Orders(
            torch.where(changed, other.action, orders.action),
            torch.where(changed, other.target, orders.target),
        )
        battles.step((carried_out, nearest(battles.view(1))))
        battles = battles.some(~battles.winners()[1])
        if not len(battles.kind):
            break
    return Moments(*(torch.cat(parts) for parts in zip(*found, strict=True)))


def train(clone: Clone, arguments: argparse.Namespace) -> None:
    """Behavioural cloning: fresh battles of the expert for ever, the same for every network."""
    generator = torch.Generator().manual_seed(TRAINING + arguments.seed)
    optimizer = torch.optim.AdamW(clone.parameters(), lr=LEARNING_RATE, weight_decay=0.01)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, LEARNING_RATE, total_steps=arguments.steps, pct_start=CLIMB
    )
    step = 0
    while step < arguments.steps:
        moments = moments_of_battles(ROUND, arguments.fewest, arguments.most, generator, NOISE)
        order = torch.randperm(len(moments.mask), generator=generator)
        for rows in order.split(arguments.batch)[: arguments.steps - step]:
            loss = clone.loss(*moments.some(rows))
            optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(clone.parameters(), CLIP)
            optimizer.step()
            schedule.step()
            step += 1
            if step % 100 == 0 or step == arguments.steps:
                print(f"  step {step}/{arguments.steps}, loss {float(loss.detach()):.3f}", flush=True)
    clone.eval()


@torch.no_grad()
def agreement(clone: Clone, arguments: argparse.Namespace) -> tuple[float, float]:
    """Shares of actions, and of targets of attacks, that are the expert's, in battles that nobody has trained on."""
    generator = torch.Generator().manual_seed(MEASURING + arguments.seed)
    number = min(ROUND, max(1, MOST_PAIRS // arguments.most**2))
    moments = moments_of_battles(number, arguments.fewest, arguments.most, generator)
    right: list[tuple[Tensor, Tensor]] = []
    for rows in torch.arange(len(moments.mask)).split(max(1, MOST_PAIRS // arguments.most**2)):
        entities, mask, orders = moments.some(rows)
        actions, targets = clone(entities, mask)
        lives = mask[:, : arguments.most]
        attacks = lives & (orders.action == ATTACK)
        same = actions.argmax(dim=2) == orders.action, targets.argmax(dim=2) == orders.target
        right.append((same[0][lives], same[1][attacks]))
    actions, targets = (torch.cat(each).double().mean() for each in zip(*right, strict=True))
    return float(actions), float(targets)


def wins(player: Player, arguments: argparse.Namespace) -> int:
    """Battles won against the opponent; a draw is not won. All players are measured in the same battles."""
    won, first = 0, 0
    at_a_time = min(AT_A_TIME, max(1, MOST_PAIRS // arguments.most**2))
    while first < arguments.battles:
        number = min(at_a_time, arguments.battles - first)
        generator = torch.Generator().manual_seed(MEASURING + arguments.seed + first)
        battles = Battles.start(number, arguments.fewest, arguments.most, generator)
        for _ in range(MOST_TICKS):
            battles.step((player(battles.view(0)), nearest(battles.view(1))))
            winners, over = battles.winners()
            won += int(winners[:, 0].sum())
            battles = battles.some(~over)
            if not len(battles.kind):
                break
        first += number
    return won


def wilson(won: int, number: int, z: float = Z) -> tuple[float, float]:
    """The interval of a share, Wilson 1927: ends in [0, 1] also near them.

    Args:
        won: of `number`.
        number: one at least.
        z: normal quantile; 1.96 for 95 %.
    """
    share, square = won / number, z * z / number
    middle = (share + square / 2) / (1 + square)
    half = z * math.sqrt(share * (1 - share) / number + square / (4 * number)) / (1 + square)
    return max(middle - half, 0.0), min(middle + half, 1.0)


def report(
    name: str, player: Player, arguments: argparse.Namespace, extra: str = "- | - | - | - | -"
) -> None:
    won = wins(player, arguments)
    low, high = wilson(won, arguments.battles)
    share = won / arguments.battles
    print(f"| {name} | {share:.3f} | {low:.3f} to {high:.3f} | {extra} |", flush=True)


def main(words: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--steps", type=int, default=1200, help="of training, for each network")
    parser.add_argument("--batch", type=int, default=64, help="moments a step")
    parser.add_argument("--channels", type=int, default=64, help="of an entity, and of a latent")
    parser.add_argument("--fewest", type=int, default=8, help="units a side")
    parser.add_argument("--most", type=int, default=16, help="units a side")
    parser.add_argument("--battles", type=int, default=1000, help="that are measured")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument(
        "--weights",
        type=Path,
        help="output of an earlier run with as many channels, whose networks play instead of new ones: any number of units",
    )
    parser.add_argument(
        "--output", type=Path, default=Path("skirmish"), help="folder of the film and the weights"
    )
    parser.add_argument(
        "--small", action="store_true", help="seconds instead of minutes: to see that all runs"
    )
    arguments = parser.parse_args(words)
    if arguments.small:
        small = {"steps": 3, "batch": 16, "channels": 16, "fewest": 4, "most": 5, "battles": 5}
        vars(arguments).update(small)
    arguments.output.mkdir(parents=True, exist_ok=True)

    clones: dict[str, Clone] = {}
    for name in ("perceiver", "transformer"):
        torch.manual_seed(arguments.seed)
        clones[name] = build(name, arguments.channels)
        if arguments.weights is not None:
            clones[name].load_state_dict(torch.load(arguments.weights / f"{name}.pt", weights_only=True))
            clones[name].eval()
            continue
        print(f"{name}: {sum(each.numel() for each in clones[name].parameters()):,} parameters", flush=True)
        started = time.process_time()
        train(clones[name], arguments)
        print(f"  {time.process_time() - started:.0f} s of processor time", flush=True)
        torch.save(clones[name].state_dict(), arguments.output / f"{name}.pt")

    chance = torch.Generator().manual_seed(MEASURING + arguments.seed)
    own = 2 * arguments.most
    print(f"\n{arguments.battles:,} battles, {arguments.fewest} to {arguments.most} units a side")
    print(
        f"| player | wins | 95 % | actions | targets | MFLOPs for {own} units | for {PAPER} | "
        f"for {PAPER}, of {PAPER_CHANNELS} channels |"
    )
    print("|---|---|---|---|---|---|---|---|")
    report("expert", focused, arguments)
    for name, clone in clones.items():
        actions, targets = agreement(clone, arguments)
        sizes = [(arguments.channels, own), (arguments.channels, PAPER), (PAPER_CHANNELS, PAPER)]
        costs = " | ".join(f"{count_flops(name, *size) / 1e6:,.1f}" for size in sizes)
        extra = f"{actions:.3f} | {targets:.3f} | {costs}"
        report(name, clone.player(), arguments, extra)
    report("the opponent itself", nearest, arguments)
    report("anything", anything(chance), arguments)

    shown = Battles.start(1, arguments.most, arguments.most, chance)
    frames = film(clones["perceiver"], nearest, shown, arguments.output / "battle.gif")
    print(f"{arguments.output / 'battle.gif'}: {frames} frames")


if __name__ == "__main__":
    main()
