"""A battle as a film: units by type and side, what is not seen pale, and the enemies darker that the pointer looks at."""

from __future__ import annotations

from pathlib import Path

import torch
from battle import ATTACK, HALF, HEALTH, MOST_TICKS, TRAITS, TYPES, Battles, Orders
from networks import Clone, as_entities
from PIL import Image, ImageDraw
from scripted import Player
from torch import Tensor

SIZE, MARGIN = 300, 10
OWN, ENEMY, PALE, LOOKED, INK = "#1f77b4", "#d1495b", "#e3e3e3", "#f2b134", "#333333"
# Milliseconds a frame; a frame every so many ticks.
PAUSE, EVERY = 120, 2


def film(clone: Clone, opponent: Player, battles: Battles, path: Path) -> int:
    """Let a network play one battle to its end, and write it as an animated GIF; returns the number of frames."""
    frames: list[Image.Image] = []
    for tick in range(MOST_TICKS):
        view = battles.view(0)
        with torch.inference_mode():
            actions, targets = clone(as_entities(view), view.mask)
        orders = Orders(actions.argmax(dim=2), targets.argmax(dim=2))
        if tick % EVERY == 0:
            frames.append(draw(battles, view.mask[0], orders, targets.softmax(dim=2)[0], tick))
        battles.step((orders, opponent(battles.view(1))))
        if bool(battles.winners()[1].all()):
            break
    frames.append(draw(battles, battles.view(0).mask[0], None, None, tick + 1))
    small = [frame.quantize(16) for frame in frames]
    small[0].save(path, save_all=True, append_images=small[1:], duration=PAUSE, loop=0, optimize=True)
    return len(frames)


def draw(
    battles: Battles, seen: Tensor, orders: Orders | None, weights: Tensor | None, tick: int
) -> Image.Image:
    """The first battle at one moment.

    Args:
        battles: where everybody is.
        seen: what the first side sees, bool [2 * num_units].
        orders: of the first side; None at the end.
        weights: of the pointer, [num_units, num_units].
        tick: for the caption.
    """
    image = Image.new("RGB", (SIZE, SIZE), "white")
    canvas = ImageDraw.Draw(image)
    num_units = len(seen) // 2
    place = (battles.place[0] + HALF) / (2 * HALF)
    pixels = (MARGIN + place * (SIZE - 2 * MARGIN)).tolist()
    alive = (battles.health[0] > 0).tolist()
    if orders is not None and weights is not None:
        attackers = seen[:num_units] & (orders.action[0] == ATTACK)
        looked = (weights * attackers[:, None]).sum(dim=0) / attackers.sum().clamp(min=1)
        for unit in range(num_units):
            if alive[1][unit] and seen[num_units + unit]:
                x, y = pixels[1][unit]
                radius = 5 + 16 * float(looked[unit]) ** 0.5
                canvas.ellipse((x - radius, y - radius, x + radius, y + radius), fill=LOOKED)
        for unit in range(num_units):
            if bool(attackers[unit]):
                aim = pixels[1][int(orders.target[0, unit])]
                canvas.line((*pixels[0][unit], *aim), fill="#bbbbbb", width=1)
    for side in (0, 1):
        for unit in range(num_units):
            if alive[side][unit]:
                hidden = side == 1 and not bool(seen[num_units + unit])
                colour = PALE if hidden else (OWN, ENEMY)[side]
                left = float(battles.health[0, side, unit] / TRAITS[battles.kind[0, side, unit], HEALTH])
                symbol(canvas, int(battles.kind[0, side, unit]), pixels[side][unit], colour, left)
    counts = [sum(alive[0]), sum(alive[1])]
    canvas.text((6, 4), f"tick {tick}: {counts[0]} against {counts[1]}", fill=INK)
    return image


def symbol(canvas: ImageDraw.ImageDraw, kind: int, centre: list[float], colour: str, left: float) -> None:
    """A circle, a square or a triangle by type, and a bar of what is left of the health."""
    x, y = centre
    box = (x - 4, y - 4, x + 4, y + 4)
    if TYPES[kind] == "guard":
        canvas.rectangle(box, fill=colour)
    elif TYPES[kind] == "sniper":
        canvas.polygon([(x, y - 5), (x - 5, y + 4), (x + 5, y + 4)], fill=colour)
    else:
        canvas.ellipse(box, fill=colour)
    canvas.line((x - 4, y + 7, x - 4 + 8 * left, y + 7), fill=colour, width=2)
