"""The networks that imitate: a Perceiver, or a Transformer in its place, with the same tokens, pointer and actions."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import torch
from battle import ATTACK, HALF, NUM_ACTIONS, TRAITS, TYPES, Orders, View
from scripted import Player
from torch import Tensor, nn
from torch.nn import functional as F
from torch.utils.flop_counter import FlopCounterMode

from perceivers import (
    PerceiverConfig,
    PerceiverEntitiesPreprocessor,
    PerceiverEntityOutput,
    PerceiverForEntitySelection,
    PerceiverLayer,
    entity_config,
)
from perceivers.models.losses import IGNORED_LABEL, pointer_loss
from perceivers.nn.pointer import Pointer

# Ids of names begin at 2: 0 stands for a missing one, 1 for an unknown one.
FIRST_ID = 2
# The largest health and cooldown, so that numbers are about as large as 1.
UNITS = torch.tensor([HALF, HALF, float(TRAITS[:, 0].max()), float(TRAITS[:, 3].max())])
CARDINALITIES, NUM_NUMBERS = [len(TYPES), 2], len(UNITS)
NUM_LAYERS = 3


def as_entities(view: View) -> Tensor:
    """Type, side, place, health and cooldown of every unit, [batch, num_entities, 6]; 0 for those that are not seen."""
    own = view.mask.shape[1] // 2
    side = (torch.arange(2 * own) >= own).expand_as(view.kind)
    numbers = torch.cat([view.place, view.health[..., None], view.cooldown[..., None]], dim=2) / UNITS
    entities = torch.cat([torch.stack([view.kind, side], dim=2) + FIRST_ID, numbers], dim=2)
    return entities * view.mask[..., None]


class Transformer(nn.Module):
    """The rival: tokens that look at each other in three layers, as AlphaStar's entity encoder has it.

    Args:
        config: sizes; the widening of a layer is 4, AlphaStar's.
    """

    def __init__(self, config: PerceiverConfig) -> None:
        super().__init__()
        channels = config.d_model
        self.tokens = PerceiverEntitiesPreprocessor(config, CARDINALITIES, NUM_NUMBERS)
        self.layers = nn.ModuleList(
            PerceiverLayer(
                config, q_dim=channels, num_heads=config.num_self_attention_heads, widening_factor=4
            )
            for _ in range(NUM_LAYERS)
        )
        self.pointer = Pointer(channels, channels)

    def forward(
        self, inputs: Tensor, attention_mask: Tensor, queries: Tensor, choices: Tensor
    ) -> PerceiverEntityOutput:
        """As PerceiverForEntitySelection, for numbers of entities as queries."""
        hidden = self.tokens(inputs)[0]
        for layer in self.layers:
            hidden = layer(hidden, attention_mask=attention_mask)[0]
        logits = self.pointer(hidden[:, queries], hidden, choices & attention_mask)
        return PerceiverEntityOutput(logits=logits, entities=hidden)


class Clone(nn.Module):
    """Orders for the units of one side: an action from each one's output, a target from the pointer.

    Args:
        encoder: outputs and pointer.
        channels: of an output.
    """

    def __init__(self, encoder: nn.Module, channels: int) -> None:
        super().__init__()
        self.encoder = encoder
        self.action = nn.Sequential(nn.LayerNorm(channels), nn.Linear(channels, NUM_ACTIONS))

    def forward(self, entities: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        """Scores of the actions [batch, num_units, NUM_ACTIONS], and of the targets [batch, num_units, num_units]."""
        own = mask.shape[1] // 2
        numbers = torch.arange(2 * own)
        enemies = (numbers >= own).expand_as(mask)
        output = self.encoder(entities, mask, queries=numbers[:own], choices=enemies)
        return self.action(output.entities[:, :own]), output.logits[:, :, own:]

    def loss(self, entities: Tensor, mask: Tensor, orders: Orders) -> Tensor:
        """Mean over the living: cross-entropy of the action, and, where it is an attack, of the target."""
        actions, targets = self(entities, mask)
        lives = mask[:, : orders.action.shape[1]]
        action = F.cross_entropy(actions[lives], orders.action[lives])
        attacks = lives & (orders.action == ATTACK)
        return action + pointer_loss(targets, orders.target.masked_fill(~attacks, IGNORED_LABEL))

    def player(self) -> Player:
        """Plays the likeliest orders."""

        @torch.inference_mode()
        def play(view: View) -> Orders:
            actions, targets = self(as_entities(view), view.mask)
            return Orders(actions.argmax(dim=2), targets.argmax(dim=2))

        return play


def build(name: str, channels: int, implementation: str = "sdpa") -> Clone:
    """A new network: "perceiver" or "transformer"."""
    config = entity_config(
        CARDINALITIES, NUM_NUMBERS, d_model=channels, d_latents=channels,
        num_self_attends_per_block=NUM_LAYERS, attn_implementation=implementation,
    )  # fmt: skip
    builders: dict[str, Callable[[PerceiverConfig], nn.Module]] = {
        "perceiver": PerceiverForEntitySelection,
        "transformer": Transformer,
    }
    return Clone(builders[name](config), channels)


@cache
def count_flops(name: str, channels: int, num_entities: int) -> int:
    """Multiplications and additions, counted apart, of one forward pass of one sample."""
    # The counter knows the products of plain attention, and not those inside the fused one. Shapes are enough.
    with torch.device("meta"), FlopCounterMode(display=False) as counter:
        clone = build(name, channels, "eager")
        entities = torch.full((1, num_entities, len(CARDINALITIES) + NUM_NUMBERS), float(FIRST_ID))
        clone(entities, torch.ones(1, num_entities, dtype=torch.bool))
    return counter.get_total_flops()
