"""Sets of entities: units of a game, items of an order, agents of a scene; each has a type, further names, and numbers."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate
from typing import Any

import torch
from torch import Tensor, nn

from perceivers.configuration import PerceiverConfig
from perceivers.configuration_rules import require_count, require_positive
from perceivers.errors import ConfigurationError, ShapeError
from perceivers.modalities.base import AbstractPreprocessor, Preprocessed, require_finite, require_tensor
from perceivers.modalities.ids import NUM_RESERVED
from perceivers.modalities.structure import InputStructure, tokens_as_features
from perceivers.nn.number_encodings import PeriodicEncoding

_NUM_FREQUENCIES = 16
_SIGMA = 0.3


class PerceiverEntitiesPreprocessor(AbstractPreprocessor):
    """Each entity one token: the sum of the vectors of its names, and of one linear map of its numbers.

    That is a linear map of all attributes side by side, with names as one-hot vectors, as the entity encoder of AlphaStar
    begins (Vinyals et al. 2019, "Grandmaster level in StarCraft II using multi-agent reinforcement learning", extended data
    figure 3). The map sees each number itself and, beside it, sines and cosines of learned frequencies times the number
    (see `perceivers.nn.number_encodings`). A missing number is a learned vector instead.

    Nothing tells entities apart but what they hold, so that their order does not matter to a model.

    Ids of a name, as in PerceiverCategoryPreprocessor: 0 where it is missing, 1 where it is unknown, from 2 on known ones.

    Args:
        config: says what is None below.
        cardinalities: number of known names of each attribute that is a name, the type first; each may be 0.
        num_numbers: numbers of an entity.
        out_channels: channels of a token; None: `d_model`.
        num_frequencies: waves of each number; 0 for the number alone. None: 16, or 0 where there are no numbers.
        sigma: standard deviation of the frequencies at the start, in periods for each unit of the number; None: 0.3.
    """

    def __init__(
        self,
        config: PerceiverConfig,
        cardinalities: Sequence[int],
        num_numbers: int,
        out_channels: int | None = None,
        num_frequencies: int | None = None,
        sigma: float | None = None,
    ) -> None:
        super().__init__()
        if not isinstance(cardinalities, (list, tuple)) or not cardinalities:
            raise ConfigurationError(
                "`cardinalities` must give the number of known names of each attribute that is one, the type first, received "
                f"{cardinalities!r}"
            )
        for count in cardinalities:
            require_count("cardinalities", count, minimum=0)
        require_count("num_numbers", num_numbers, minimum=0)
        channels = config.d_model if out_channels is None else out_channels
        require_count("out_channels", channels)
        if num_frequencies is not None:
            require_count("num_frequencies", num_frequencies, minimum=0)
        usual = _NUM_FREQUENCIES if num_numbers else 0
        count = usual if num_frequencies is None else num_frequencies
        for name, value in (("num_frequencies", num_frequencies), ("sigma", sigma)):
            if value and not (num_numbers and count):
                raise ConfigurationError(
                    f"`{name}` has no effect without numbers and their frequencies: leave it out"
                )
        self.config = config
        self.cardinalities = tuple(cardinalities)
        self.num_numbers = num_numbers
        sizes = [known + NUM_RESERVED for known in cardinalities]
        # Not buffers: they follow from the configuration. On the processor, wherever models are built.
        self._sizes = torch.tensor(sizes, device="cpu")
        self._offsets = torch.tensor([0, *accumulate(sizes[:-1])], device="cpu")
        self.embeddings = nn.Embedding(sum(sizes), channels)
        self.waves: PeriodicEncoding | None = None
        if count:
            sigma = _SIGMA if sigma is None else sigma
            require_positive("sigma", sigma)
            self.waves = PeriodicEncoding(num_numbers, count, sigma)
        if num_numbers:
            self.projection = nn.Linear(num_numbers * (1 + 2 * count), channels)
            self.missing = nn.Parameter(torch.randn(num_numbers, channels) * config.initializer_range)

    @property
    def num_channels(self) -> int:
        """Channels of the tokens."""
        return self.embeddings.embedding_dim

    @property
    def num_columns(self) -> int:
        """Attributes of an entity: names, then numbers."""
        return len(self.cardinalities) + self.num_numbers

    def index_dims(self, inputs: Tensor) -> tuple[int, ...]:
        """(number of entities,)."""
        return (inputs.shape[1],)

    def forward(
        self,
        inputs: Tensor,
        pos: Any = None,
        network_input_is_1d: bool = True,
        interpolate_pos_encoding: bool = False,
    ) -> Preprocessed:
        """Tokens of entities.

        Args:
            inputs: floating-point [batch, num_entities, num_columns]: ids of the names, the type first, then the numbers,
                normalised, NaN where one is missing. Sets of fewer entities end with zeros, which `attention_mask`
                [batch, num_entities] hides.
            pos: must be None: a place is a number of an entity like others.
            network_input_is_1d: a set is a row of tokens either way.
            interpolate_pos_encoding: there is nothing to interpolate.

        Returns:
            Tokens [batch, num_entities, num_channels], None, and the same tokens.
        """
        if pos is not None:
            raise ShapeError("`pos` must be None for entities, whose places are numbers among their others")
        self._validate(inputs)
        ids, numbers = inputs.split([len(self.cardinalities), self.num_numbers], dim=2)
        tokens = self.embeddings(ids.long() + self._offsets.to(inputs.device)).sum(dim=2)
        if self.num_numbers:
            tokens = tokens + self._numbers(numbers)
        return tokens, None, tokens

    def structure(self) -> InputStructure:
        """See AbstractPreprocessor; all channels of a token depend on the inputs."""
        return tokens_as_features(self)

    def _numbers(self, numbers: Tensor) -> Tensor:
        """What the numbers [batch, num_entities, num_numbers] add to the tokens."""
        is_missing = torch.isnan(numbers)
        # Replaced before they meet a weight: the gradient of a NaN is NaN even where its result is not used.
        values = torch.where(is_missing, torch.zeros_like(numbers), numbers)
        require_finite("inputs", values)
        encoded = values[..., None]
        if self.waves is not None:
            waves = self.waves(values.flatten(0, 1)).unflatten(0, values.shape[:2])
            encoded = torch.cat([encoded, waves], dim=-1)
        encoded = torch.where(is_missing[..., None], torch.zeros_like(encoded), encoded)
        return self.projection(encoded.flatten(2)) + is_missing.to(values.dtype) @ self.missing

    def _validate(self, inputs: Tensor) -> None:
        require_tensor("inputs", inputs)
        if inputs.ndim != 3 or inputs.shape[2] != self.num_columns or not inputs.is_floating_point():
            raise ShapeError(
                f"`inputs` must be floating-point entities [batch, num_entities, {self.num_columns}], ids of "
                f"{len(self.cardinalities)} names and then {self.num_numbers} numbers, received {list(inputs.shape)} of "
                f"{inputs.dtype}"
            )
        if 0 in inputs.shape:
            raise ShapeError(f"`inputs` must not be empty, received {list(inputs.shape)}")
        exact = round(2 / torch.finfo(inputs.dtype).eps)
        highest = max(self.cardinalities) + NUM_RESERVED - 1
        if highest > exact:
            raise ShapeError(
                f"`inputs` of {inputs.dtype} can hold ids up to {exact}, and there are {highest}: keep the "
                "model in float32, under torch.autocast where it is to be fast"
            )
        if torch.compiler.is_compiling() or inputs.is_meta:
            return
        ids = inputs[..., : len(self.cardinalities)].float()
        right = (ids >= 0) & (ids < self._sizes.to(inputs.device)) & (ids == ids.floor())
        if not bool(right.all()):
            sample, entity, column = (int(place) for place in (~right).nonzero()[0])
            raise ShapeError(
                f"`inputs` must hold whole ids in [0, {self.cardinalities[column] + NUM_RESERVED - 1}] as name {column}, "
                f"received {float(ids[sample, entity, column]):g} for entity {entity} of sample {sample}"
            )
