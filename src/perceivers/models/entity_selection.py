"""Sets of entities: an output for each, their mean, and a pointer that selects some of them."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from typing import Any, cast

import torch
from torch import Tensor

from perceivers.configuration import PerceiverConfig
from perceivers.decoders.asked_for import gather_rows, require_indices
from perceivers.decoders.entities import PerceiverEntityDecoder
from perceivers.errors import ConfigurationError, ShapeError, require_shape
from perceivers.models.losses import pointer_loss
from perceivers.models.mixture import PerceiverMixtureModel, mixture_preprocessor
from perceivers.models.other_arguments import pass_over
from perceivers.models.perceiver import PerceiverModel
from perceivers.models.verbs import or_default
from perceivers.nn.pointer import Pointer, require_choices
from perceivers.outputs import Encoded, PerceiverDecoderOutput, PerceiverEntityOutput

TYPE = "entities"
MEAN, ENTITIES = "mean", "entities"


class PerceiverForEntitySelection(PerceiverMixtureModel):
    """What stands in the place of AlphaStar's entity encoder, and the pointer behind it.

    A sample is a set of entities of any number. The latents look at them; then every entity asks the latents with its own
    token (Perceiver IO, section 4.4). The outputs are one an entity, and their mean. A pointer scores the entities for each
    of its queries. Attention and mean leave out what the mask hides, so that padding changes nothing.

    Example:
        model = PerceiverForEntitySelection(entity_config([3, 2], num_numbers=4))
        units = torch.rand(1, 20, 6)  # ids of type and side, then four numbers
        units[..., :2] = 2  # the first known type, and the first side
        output = model(units)
        output.entities, output.mean, output.logits  # [1, 20, 256], [1, 256], [1, 1, 20]

    Args:
        config: `modalities` with a single entry of type "entities", and the sizes of latents and layers: see `entity_config`.
    """

    def __init__(self, config: PerceiverConfig) -> None:
        super().__init__(config)
        description = cast("Mapping[str, Mapping[str, Any]]", config.modalities)
        types = [each.get("type") for each in description.values()]
        if types != [TYPE]:
            raise ConfigurationError(
                f"`modalities` must describe a single modality of type {TYPE!r} for {type(self).__name__}, received "
                f"{types}"
            )
        own = copy.copy(config)
        # A sample without any entity must not be answered from what stands in the place of its entities.
        own.zero_fully_masked_rows = True
        preprocessor = mixture_preprocessor(own)
        channels = preprocessor.num_channels
        if channels % config.num_cross_attention_heads:
            raise ConfigurationError(
                f"`num_cross_attention_heads` must divide the channels of an entity ({channels}), received "
                f"{config.num_cross_attention_heads}"
            )
        decoder = PerceiverEntityDecoder(own, channels)
        self.perceiver = PerceiverModel(own, input_preprocessor=preprocessor, decoder=decoder)
        self.pointer = Pointer(channels, channels, norm_eps=config.norm_eps)
        self.initialize_new_parameters()

    def forward(
        self,
        inputs: Any,
        attention_mask: Any = None,
        output_attentions: bool | None = None,
        output_hidden_states: bool | None = None,
        labels: Tensor | None = None,
        return_dict: bool | None = None,
        queries: Tensor | str = MEAN,
        choices: Tensor | None = None,
        **others: Any,
    ) -> PerceiverEntityOutput | tuple[Any, ...]:
        """Outputs of entities, and the scores of a pointer over them.

        Args:
            inputs: [batch, num_entities, num_columns], as PerceiverEntitiesPreprocessor takes them, or a mapping with it.
            attention_mask: [batch, num_entities], nonzero where there is an entity; None: all are. Or a mapping with it.
            output_attentions: see PerceiverModel.
            output_hidden_states: see PerceiverModel.
            labels: which entities are to be selected, see `perceivers.models.losses.pointer_loss`.
            return_dict: see PerceiverModel.
            queries: what points: "mean", the mean of all outputs, once a sample; "entities", every output by itself; the
                outputs of some entities, by their numbers [num_queries] or [batch, num_queries]; or vectors of your own
                [batch, num_queries, channels], such as the state of what decides before.
            choices: [batch, num_entities], or [batch, num_queries, num_entities], nonzero where an entity may be selected;
                what the mask hides never is. None: all others may be.
            others: what tokenizers and training loops hand on, such as `token_type_ids`, is passed over; anything else is
                refused, see `perceivers.models.other_arguments`.

        Returns:
            `logits` [batch, num_queries, num_entities], the lowest number of their type where nothing may be selected;
            `entities` [batch, num_entities, channels], 0 where there is none; `mean` [batch, channels], 0 where there are
            none at all; with labels `loss`.
        """
        pass_over(others, self.forward)
        with_weights = or_default(output_attentions, self.config.output_attentions)
        encoded = self.encode(
            inputs,
            attention_mask,
            output_attentions=with_weights,
            output_hidden_states=or_default(output_hidden_states, self.config.output_hidden_states),
        )
        decoded: Any = self.perceiver.decode(encoded, output_attentions=with_weights)
        weights = None
        if isinstance(decoded, PerceiverDecoderOutput):
            decoded, weights = decoded.logits, decoded.cross_attentions
        entities, mean = without_absent(decoded, encoded.mask)
        asking = _asking(queries, entities, mean)
        mask = _selectable(choices, encoded.mask, asking.shape[1], entities.shape[:2])
        logits = self.pointer(asking, entities, mask)
        output = PerceiverEntityOutput(
            logits=logits,
            entities=entities,
            mean=mean,
            hidden_states=encoded.hidden_states,
            attentions=encoded.attentions,
            cross_attentions=((encoded.cross_attentions or ()) + (weights or ())) or None,
        )
        if labels is not None:
            output.loss = pointer_loss(logits, labels, mask)
        return self._finish(output, return_dict)

    def decode(self, encoded: Encoded, **asked_for: Any) -> Any:
        """Outputs of entities [batch, num_entities, channels], or of some: `positions` of PerceiverModel.decode names them.

        What they hold where there is no entity means nothing.
        """
        return self.perceiver.decode(encoded, **asked_for)


def entity_config(
    cardinalities: Sequence[int], num_numbers: int, *, name: str = "entities", **values: Any
) -> PerceiverConfig:
    """The configuration in AlphaStar's place: 32 latents and three layers (Perceiver IO, section 4.4).

    The 256 channels and two heads are those of the Transformer that the Perceiver replaced there (Vinyals et al. 2019). The
    perceptrons of the cross-attends are widened four times, which the paper does not say: so counted, an answer costs about
    what it gives, 0.93 GFLOPs. It has sets of up to 512 entities; any number will do.

    Args:
        cardinalities: number of known names of each attribute that is one, the type first.
        num_numbers: numbers of an entity.
        name: of the modality.
        values: other keys of PerceiverConfig, or other values of those that are set here.
    """
    usual: dict[str, Any] = {
        "num_latents": 32,
        "d_latents": 256,
        "d_model": 256,
        "num_self_attends_per_block": 3,
        "num_self_attention_heads": 2,
        "num_cross_attention_heads": 2,
        "cross_attention_widening_factor": 4,
        "attention_probs_dropout_prob": 0.0,
    }
    description = {"type": TYPE, "cardinalities": list(cardinalities), "num_numbers": num_numbers}
    return PerceiverConfig(**{**usual, **values}, modalities={name: description})


def without_absent(entities: Tensor, mask: Tensor | None) -> tuple[Tensor, Tensor]:
    """Outputs with zeros where there is no entity, and the mean of the others, zeros where there is none.

    Args:
        entities: [batch, num_entities, channels].
        mask: bool [batch, num_entities], True where there is one; None: everywhere.

    Returns:
        [batch, num_entities, channels] and [batch, channels].
    """
    if mask is None:
        return entities, entities.mean(dim=1)
    there = torch.where(mask[..., None], entities, torch.zeros_like(entities))
    counts = mask.sum(dim=1, keepdim=True).clamp(min=1)
    return there, there.sum(dim=1) / counts.to(there.dtype)


def _asking(queries: Tensor | str, entities: Tensor, mean: Tensor) -> Tensor:
    """The vectors that point, [batch, num_queries, channels]."""
    if isinstance(queries, Tensor):
        if queries.is_floating_point():
            require_shape("queries", queries, (entities.shape[0], "num_queries", entities.shape[2]))
            return queries
        if queries.dtype == torch.bool or queries.ndim not in (1, 2):
            raise ShapeError(
                "`queries` must be numbers of entities [num_queries] or [batch, num_queries], or vectors, received "
                f"{list(queries.shape)} of {queries.dtype}"
            )
        require_indices(queries, (entities.shape[1],), entities.shape[0])
        return gather_rows(entities, queries)
    if queries == MEAN:
        return mean[:, None]
    if queries == ENTITIES:
        return entities
    raise ConfigurationError(f"`queries` must be {MEAN!r}, {ENTITIES!r} or a tensor, received {queries!r}")


def _selectable(
    choices: Tensor | None, mask: Tensor | None, num_queries: int, of_entities: torch.Size
) -> Tensor | None:
    """Which entities may be selected, bool [batch, num_entities] or [batch, num_queries, num_entities]; None: all may."""
    if choices is None:
        return mask
    if not isinstance(choices, Tensor):
        raise ShapeError(f"`choices` must be a torch.Tensor, received {type(choices).__name__}")
    allowed = require_choices("choices", choices, num_queries, of_entities)
    if mask is None:
        return allowed
    return allowed & (mask if allowed.ndim == 2 else mask[:, None])
