"""HierarchicalPerceiver: points in groups up to one set of latents and down again, with learned positions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

import torch
from torch import Tensor, nn

from perceivers.configuration import PerceiverConfig
from perceivers.configuration_hierarchy import Hierarchy, HierarchyInput, Level, read_hierarchy, variant
from perceivers.errors import ConfigurationError, ShapeError, require_shape
from perceivers.layers import PerceiverLayer
from perceivers.models.base import PerceiverPreTrainedModel
from perceivers.models.losses import classification_loss, weighted_sum
from perceivers.models.verbs import or_default, to_dtype
from perceivers.nn.attention_layer import AttentionLayer
from perceivers.nn.groups import Grouping, draw_without_repeats, gather_slots, regroup
from perceivers.nn.hierarchy_block import HierarchyBlock, LearnedTable
from perceivers.nn.initialization import start_at_zero
from perceivers.outputs import PerceiverClassifierOutput


def hierarchical_config(
    name: str,
    inputs: Mapping[str, tuple[int, int]],
    *,
    at_processor: Sequence[str] = (),
    hierarchy: Mapping[str, Any] | None = None,
    **values: Any,
) -> PerceiverConfig:
    """The configuration of a published variant, with the original's arithmetic.

    Args:
        name: "mini", "16", "256" or "16x3"; "io-mini", "io-c-50m" or "io-c-150m", which have one level.
        inputs: name -> (points, channels), in the order in which they are grouped.
        at_processor: names of those that enter at the processor, as labels do.
        hierarchy: other fields of `perceivers.configuration_hierarchy.Hierarchy`, such as `{"embedding_channels": 16}`.
        values: other keys of PerceiverConfig.
    """
    return config_of_hierarchy(variant(name, inputs, at_processor, hierarchy), **values)


def config_of_hierarchy(hierarchy: Hierarchy, **values: Any) -> PerceiverConfig:
    """The configuration of any hierarchy, with the original's arithmetic; `values` are other keys of PerceiverConfig."""
    usual = {"fidelity": "deepmind", "hidden_act": "relu2", "loss_weights": {}}
    return PerceiverConfig(**{**usual, **values}, hierarchy=hierarchy.as_mapping())


@dataclass(frozen=True)
class EncodedHierarchy:
    """What the levels up to the processor made of inputs.

    Attributes:
        levels: latents after each of these levels, [batch, groups, latents, channels]; the processor's are the last.
    """

    levels: tuple[Tensor, ...]


class HierarchicalPerceiver(PerceiverPreTrainedModel):
    """The Hierarchical Perceiver (Carreira et al. 2022): every input again, point by point, from its own latents.

    Points are embedded, get learned positions and are divided into groups. Level after level, latents look at the tokens of
    their group, and groups are merged, until one group is left, the processor; then they are split again, each level adding
    the latents of the level that mirrors it. At the end the positions ask the latents of their group. Equal to the original
    code (google-deepmind/hierarchical_perceiver, commit a1c4cd2).

    Args:
        config: `config.hierarchy` says all sizes, see `hierarchical_config`.
    """

    def __init__(self, config: PerceiverConfig) -> None:
        super().__init__(config)
        if config.hierarchy is None:
            raise ConfigurationError(
                "`config.hierarchy` must describe levels and inputs, received None; "
                'hierarchical_config("mini", {"image": (1024, 3)}) makes such a configuration'
            )
        hierarchy = read_hierarchy(config.hierarchy)
        self.hierarchy = hierarchy
        grouped, labels = hierarchy.grouped, hierarchy.at_processor
        first, width = hierarchy.levels[0], hierarchy.embedding_channels
        self.grouping = Grouping([each.points for each in grouped], first.groups, hierarchy.joins_inputs)
        middle = hierarchy.levels[hierarchy.processor - 1].channels if labels else 0
        widths = {each.name: middle if each.at_processor else width for each in hierarchy.inputs}
        self.embeddings_of = nn.ModuleDict(
            {each.name: nn.Linear(each.channels, widths[each.name]) for each in hierarchy.inputs}
        )
        self.positions = nn.ModuleDict(
            {each.name: LearnedTable(each.points, widths[each.name]) for each in hierarchy.inputs}
        )
        self.position_maps = nn.ModuleDict(
            {
                each.name: nn.Linear(widths[each.name], widths[each.name], bias=False)
                for each in hierarchy.inputs
            }
            if hierarchy.projects_positions
            else {}
        )
        self.blocks = nn.ModuleList(_blocks(config, hierarchy))
        self.head = _head(config, width, hierarchy.levels[-1].channels)
        processor = hierarchy.levels[hierarchy.processor]
        self.processor_head = _head(config, middle, processor.channels) if labels else None
        self.outputs_of = nn.ModuleDict(
            {each.name: nn.Linear(widths[each.name], each.channels) for each in hierarchy.inputs}
        )
        for each in self.outputs_of.values():
            start_at_zero(each)
        self.initialize_parameters()

    def forward(
        self,
        inputs: Mapping[str, Tensor],
        labels: Mapping[str, Tensor] | None = None,
        visible_slots: Tensor | None = None,
        visible_groups: Tensor | None = None,
        output_hidden_states: bool | None = None,
        return_dict: bool | None = None,
    ) -> PerceiverClassifierOutput | tuple[Any, ...]:
        """Every input again.

        Args:
            inputs: name -> [batch, points, channels]. One at the processor may be absent: zeros.
            labels: name -> what the outputs are to be: [batch, points, channels], compared by mean squared error at the
                points that were hidden, or at all where nothing was; of an input at the processor class ids [batch], or 0 and
                1 [batch, channels]. `config.loss_weights` weighs them.
            visible_slots: whole numbers [batch, kept]: which slots of every group are looked at, the same in all groups; the
                others are cut out. `draw_visible` draws them. None: all.
            visible_groups: bool [batch, groups], False where a group of the first level sees nothing. None: all see.
            output_hidden_states: also return the latents after every level.
            return_dict: an output object, or else its tuple; None takes the configuration's.

        Returns:
            `logits`: name -> [batch, points, channels]; `loss` where there are labels; `hidden_states`, one
            [batch, groups, latents, channels] a level.
        """
        encoded = self.encode(inputs, visible_slots, visible_groups)
        states = self.decode_levels(encoded)
        values = self.answer(states)
        loss = None
        if labels is not None:
            loss = self.loss(values, labels, self.hidden_points(visible_slots, visible_groups))
        wants_states = or_default(output_hidden_states, self.config.output_hidden_states)
        output = PerceiverClassifierOutput(
            loss=loss, logits=cast("Any", values), hidden_states=states if wants_states else None
        )
        return output if or_default(return_dict, self.config.return_dict) else output.to_tuple()

    def encode(
        self,
        inputs: Mapping[str, Tensor],
        visible_slots: Tensor | None = None,
        visible_groups: Tensor | None = None,
    ) -> EncodedHierarchy:
        """The levels up to the processor; arguments as in `forward`."""
        inputs = self._checked(to_dtype(inputs, self.dtype))
        first = self.hierarchy.levels[0]
        tokens = self.grouping.group(
            [self._embedded(each, inputs[each.name]) for each in self.hierarchy.grouped]
        )
        batch_size = tokens.shape[0]
        if visible_slots is not None:
            self._require_slots(visible_slots, batch_size)
            tokens = gather_slots(tokens, visible_slots)
        mask = None
        if visible_groups is not None:
            require_shape("visible_groups", visible_groups, [batch_size, first.groups])
            mask = visible_groups.to(torch.bool)[:, :, None, None]
        states: list[Tensor] = []
        for index in range(self.hierarchy.processor + 1):
            block = cast("HierarchyBlock", self.blocks[index])
            if index > 0:
                tokens = self._regrouped(states[-1], block.groups)
            if index == self.hierarchy.processor and self.hierarchy.at_processor:
                added = [
                    self._embedded(each, self._given(inputs, each, tokens))[:, None]
                    for each in self.hierarchy.at_processor
                ]
                tokens = torch.cat([tokens, *added], dim=2)
            states.append(block(tokens, mask=mask if index == 0 else None))
        return EncodedHierarchy(tuple(states))

    def decode(self, encoded: EncodedHierarchy) -> dict[str, Tensor]:
        """The levels after the processor, and every input again: name -> [batch, points, channels]."""
        return self.answer(self.decode_levels(encoded))

    def decode_levels(self, encoded: EncodedHierarchy) -> tuple[Tensor, ...]:
        """Latents after every level, those of the encoder first."""
        states = list(encoded.levels)
        for index in range(len(states), len(self.hierarchy.levels)):
            block = cast("HierarchyBlock", self.blocks[index])
            mirrored = states[len(self.hierarchy.levels) - 1 - index]
            states.append(block(self._regrouped(states[-1], block.groups), mirrored))
        return tuple(states)

    def answer(self, states: Sequence[Tensor]) -> dict[str, Tensor]:
        """What latents after every level answer to the positions: name -> [batch, points, channels]."""
        grouped, labels = self.hierarchy.grouped, self.hierarchy.at_processor
        batch_size = states[-1].shape[0]
        queries = self.grouping.group([self._positions(each)[None] for each in grouped])
        queries = queries.expand(batch_size, -1, -1, -1).flatten(0, 1)
        answers = self.head(queries, None, states[-1].flatten(0, 1))[0].unflatten(0, (batch_size, -1))
        parts = dict(zip((each.name for each in grouped), self.grouping.ungroup(answers), strict=True))
        if self.processor_head is not None:
            latents = states[self.hierarchy.processor][:, 0]
            asked = torch.cat([self._positions(each) for each in labels]).expand(batch_size, -1, -1)
            answered = self.processor_head(asked, None, latents)[0].split(
                [each.points for each in labels], dim=1
            )
            parts.update(zip((each.name for each in labels), answered, strict=True))
        return {each.name: self.outputs_of[each.name](parts[each.name]) for each in self.hierarchy.inputs}

    def draw_visible(
        self, batch_size: int, hidden: float, generator: torch.Generator | None = None
    ) -> Tensor:
        """`visible_slots` for masked autoencoding: for every sample one random pattern, the same in all of its groups.

        Args:
            batch_size: number of samples.
            hidden: share of the slots that is hidden, in [0, 1); the paper hides 0.85. One slot at least stays visible.
            generator: the source of chance, on the model's device; None: torch's own.

        Returns:
            Whole numbers [batch, kept].
        """
        if not 0.0 <= hidden < 1.0:
            raise ConfigurationError(f"`hidden` must be in [0, 1), received {hidden}")
        kept = max(1, round((1.0 - hidden) * self.grouping.width))
        return draw_without_repeats(batch_size, self.grouping.width, kept, self.device, generator)

    def draw_visible_groups(
        self, batch_size: int, hidden: float, generator: torch.Generator | None = None
    ) -> Tensor:
        """`visible_groups` for masked autoencoding: which groups of the first level see anything.

        Args:
            batch_size: number of samples.
            hidden: share of the groups that sees nothing, in [0, 1). One group at least sees.
            generator: the source of chance, on the model's device; None: torch's own.

        Returns:
            Bool [batch, groups].
        """
        if not 0.0 <= hidden < 1.0:
            raise ConfigurationError(f"`hidden` must be in [0, 1), received {hidden}")
        groups = self.grouping.num_groups
        kept = max(1, round((1.0 - hidden) * groups))
        drawn = draw_without_repeats(batch_size, groups, kept, self.device, generator)
        return torch.zeros(batch_size, groups, dtype=torch.bool, device=drawn.device).scatter(1, drawn, True)

    def position_table(self, name: str) -> Tensor:
        """The learned positions of an input as they are used, [points, channels]."""
        (described,) = [each for each in self.hierarchy.inputs if each.name == name]
        return self._positions(described)

    def hidden_points(
        self, visible_slots: Tensor | None, visible_groups: Tensor | None
    ) -> dict[str, Tensor] | None:
        """Which points were hidden: name -> bool [batch, points], of the inputs that enter at the first level; None: none."""
        given = visible_slots if visible_slots is not None else visible_groups
        if given is None:
            return None
        shape = (given.shape[0], self.grouping.num_groups, self.grouping.width)
        hidden = torch.zeros(shape, dtype=torch.bool, device=given.device)
        if visible_slots is not None:
            slots = torch.ones(shape[0], shape[2], dtype=torch.bool, device=given.device)
            hidden = hidden | slots.scatter(1, visible_slots, False)[:, None]
        if visible_groups is not None:
            hidden = hidden | ~visible_groups.to(torch.bool)[:, :, None]
        points = self.grouping.ungroup(hidden[..., None])
        return {each.name: part[..., 0] for each, part in zip(self.hierarchy.grouped, points, strict=True)}

    def loss(
        self,
        values: Mapping[str, Tensor],
        labels: Mapping[str, Tensor],
        hidden: Mapping[str, Tensor] | None = None,
    ) -> Tensor:
        """Weighted sum of the losses of all labels.

        Args:
            values: what `answer` gives.
            labels: see `forward`.
            hidden: what `hidden_points` gives; only these points count. None: all do.
        """
        by_name = {each.name: each for each in self.hierarchy.inputs}
        unknown = sorted(set(labels) - set(by_name))
        if unknown:
            raise ShapeError(
                f"`labels` must be of the inputs {', '.join(by_name)}, received {', '.join(unknown)}"
            )
        losses = {}
        for name, truth in labels.items():
            if by_name[name].at_processor:
                losses[name] = classification_loss(values[name][:, 0], truth, by_name[name].channels)
                continue
            require_shape(f"labels[{name!r}]", truth, values[name].shape)
            squares = (values[name].float() - truth.float()).square().mean(dim=-1)
            if hidden is None:
                losses[name] = squares.mean()
            else:
                counted = hidden[name].to(squares.dtype)
                losses[name] = (squares * counted).sum() / counted.sum().clamp(min=1)
        return weighted_sum(losses, self.config.loss_weights)

    def _positions(self, described: HierarchyInput) -> Tensor:
        """[points, channels]."""
        table: Tensor = cast("LearnedTable", self.positions[described.name]).weight
        return self.position_maps[described.name](table) if self.hierarchy.projects_positions else table

    def _embedded(self, described: HierarchyInput, values: Tensor) -> Tensor:
        return self.embeddings_of[described.name](values) + self._positions(described)

    def _regrouped(self, states: Tensor, groups: int) -> Tensor:
        return regroup(states, groups, self.hierarchy.regrouping == "spread")

    @staticmethod
    def _given(inputs: Mapping[str, Tensor], described: HierarchyInput, tokens: Tensor) -> Tensor:
        if described.name in inputs:
            return inputs[described.name]
        return tokens.new_zeros(tokens.shape[0], described.points, described.channels)

    def _checked(self, inputs: Mapping[str, Tensor]) -> Mapping[str, Tensor]:
        if not isinstance(inputs, Mapping):
            raise ShapeError(
                f"`inputs` must be a mapping from the names {', '.join(each.name for each in self.hierarchy.inputs)} "
                f"to tensors, received {type(inputs).__name__}"
            )
        known = {each.name for each in self.hierarchy.inputs}
        needed = {each.name for each in self.hierarchy.grouped}
        if set(inputs) - known or needed - set(inputs):
            raise ShapeError(
                f"`inputs` must have the names {', '.join(sorted(needed))}, received {', '.join(map(str, inputs))}"
            )
        batch: int | str = "batch"
        for each in self.hierarchy.inputs:
            if each.name in inputs:
                require_shape(
                    f"inputs[{each.name!r}]", inputs[each.name], [batch, each.points, each.channels]
                )
                batch = inputs[each.name].shape[0]
        return inputs

    def _require_slots(self, slots: Tensor, batch_size: int) -> None:
        require_shape("visible_slots", slots, [batch_size, "kept"])
        if torch.compiler.is_compiling() or slots.is_meta:
            return
        width = self.grouping.width
        if (
            slots.is_floating_point()
            or slots.numel() == 0
            or int(slots.min()) < 0
            or int(slots.max()) >= width
        ):
            raise ShapeError(
                f"`visible_slots` must be whole numbers in [0, {width - 1}], received {slots.dtype} of shape "
                f"{list(slots.shape)}" + (f" up to {slots.max().item()}" if slots.numel() else "")
            )


def _blocks(config: PerceiverConfig, hierarchy: Hierarchy) -> list[HierarchyBlock]:
    blocks = []
    channels = hierarchy.embedding_channels
    for index, level in enumerate(hierarchy.levels):
        mirrored = hierarchy.levels[len(hierarchy.levels) - 1 - index]
        is_processor = index == hierarchy.processor
        blocks.append(
            HierarchyBlock(
                level.groups,
                level.latents,
                level.channels,
                channels,
                mirrored.channels if index > hierarchy.processor else None,
                _layer(config, level.channels, channels, channels, level.cross_heads, level.cross_widening),
                _self_attends(config, level),
                hierarchy.training_latents if is_processor else None,
            )
        )
        channels = level.channels
    return blocks


def _self_attends(config: PerceiverConfig, level: Level) -> list[AttentionLayer]:
    size, heads, widening = level.channels, level.self_heads, level.self_widening
    return [_layer(config, size, None, size, heads, widening) for _ in range(level.self_attends)]


def _head(config: PerceiverConfig, query_channels: int, channels: int) -> AttentionLayer:
    return _layer(config, query_channels, channels, channels, 1, 1, query_residual=False)


def _layer(
    config: PerceiverConfig,
    query_channels: int,
    kv_channels: int | None,
    attended_channels: int,
    num_heads: int,
    widening_factor: int,
    query_residual: bool = True,
) -> AttentionLayer:
    return PerceiverLayer(
        config,
        is_cross_attention=kv_channels is not None,
        qk_channels=attended_channels,
        num_heads=num_heads,
        q_dim=query_channels,
        kv_dim=kv_channels,
        widening_factor=widening_factor,
        use_query_residual=query_residual,
    )
