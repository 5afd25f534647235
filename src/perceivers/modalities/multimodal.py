"""Several modalities as one array of tokens, and one array of decoded tokens as several modalities."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from math import prod
from typing import Any, cast

import torch
from torch import Tensor, nn

from perceivers.errors import ConfigurationError, ShapeError
from perceivers.modalities.base import (
    AbstractPostprocessor,
    AbstractPreprocessor,
    Preprocessed,
    require_tensor,
    token_mask,
)
from perceivers.modalities.structure import (
    InputStructure,
    TokensOfGroups,
    ValuesByModality,
    WholeTokens,
    tokens_as_features,
)
from perceivers.nn.packing import pad_channels, require_names, restructure
from perceivers.nn.token_structure import TokenStructure


class PerceiverMultimodalPreprocessor(AbstractPreprocessor):
    """Tokens of every modality, padded with learned vectors to the same channels, in sorted order of their names.

    A modality may be missing from the inputs: it then gives no tokens, unless its mask probability is 1 and its number of
    tokens does not depend on the input (a label), in which case its mask token stands for it as it always does.

    Args:
        modalities: name -> preprocessor.
        mask_probs: name -> probability with which a token is replaced by the modality's learned mask token, drawn anew for
            each token, in evaluation too.
        min_padding_size: learned channels that the widest modality gets.
    """

    def __init__(
        self,
        modalities: Mapping[str, AbstractPreprocessor],
        mask_probs: Mapping[str, float] | None = None,
        min_padding_size: int = 2,
    ) -> None:
        super().__init__()
        if not modalities:
            raise ConfigurationError("`modalities` must name at least one preprocessor, received none")
        require_names("modalities", modalities)
        self.mask_probs = dict(mask_probs or {})
        if unknown := sorted(set(self.mask_probs) - set(modalities)):
            raise ConfigurationError(
                f"`mask_probs` must name modalities of {sorted(modalities)}, received {unknown}"
            )
        for name, probability in self.mask_probs.items():
            if not 0.0 <= probability <= 1.0:
                raise ConfigurationError(
                    f"`mask_probs[{name!r}]` must be a probability between 0 and 1, received {probability}"
                )
        if min_padding_size < 0:
            raise ConfigurationError(f"`min_padding_size` must be at least 0, received {min_padding_size}")
        self.min_padding_size = min_padding_size
        self.modalities = nn.ModuleDict(dict(modalities))
        self.padding = nn.ParameterDict(
            {
                name: nn.Parameter(_vector(self.num_channels - preprocessor.num_channels))
                for name, preprocessor in modalities.items()
            }
        )
        self.mask = nn.ParameterDict(
            {name: nn.Parameter(_vector(self.num_channels)) for name in self.mask_probs}
        )

    @property
    def num_channels(self) -> int:
        """Channels of the widest modality plus `min_padding_size`."""
        widest = max(cast("AbstractPreprocessor", each).num_channels for each in self.modalities.values())
        return widest + self.min_padding_size

    def index_dims(self, inputs: Mapping[str, Any]) -> tuple[int, ...]:
        """(number of tokens of all modalities,)."""
        grids = [self._preprocessor(name).index_dims(inputs[name]) for name in sorted(inputs)]
        return (sum(prod(grid) for grid in grids) + len(self._absent_but_masked(inputs)),)

    def output_dims(self, inputs: Mapping[str, Any]) -> dict[str, Any]:
        """Name -> sizes of the output array that describes the modality whole."""
        return {name: self._preprocessor(name).output_dims(inputs[name]) for name in sorted(inputs)}

    def forward(
        self,
        inputs: Mapping[str, Any],
        pos: Mapping[str, Any] | None = None,
        network_input_is_1d: bool = True,
        interpolate_pos_encoding: bool = False,
    ) -> Preprocessed:
        """Tokens of all modalities.

        Args:
            inputs: name -> what the modality's preprocessor takes; all with the same batch size.
            pos: name -> positions, see AbstractPreprocessor.
            network_input_is_1d: must be True: only rows of tokens can be joined.
            interpolate_pos_encoding: see AbstractPreprocessor.

        Returns:
            Tokens [batch, num_tokens, num_channels]; number of tokens of each modality; name -> tokens without positions.
        """
        self._validate(inputs, network_input_is_1d, pos)
        joined: dict[str, Tensor] = {}
        features: dict[str, Tensor] = {}
        for name in sorted(inputs):
            tokens, _, features[name] = self._preprocessor(name)(
                inputs[name],
                pos=None if pos is None else pos.get(name),
                interpolate_pos_encoding=interpolate_pos_encoding,
            )
            joined[name] = self._mask(name, pad_channels(tokens, self.padding[name]))
        example = next(iter(joined.values()))
        for name in self._absent_but_masked(inputs):
            joined[name] = self.mask[name].to(example.dtype).expand(example.shape[0], 1, -1)
        names = sorted(joined)
        sizes = {name: joined[name].shape[1] for name in names}
        return torch.cat([joined[name] for name in names], dim=1), sizes, features

    def structure(self) -> InputStructure:
        """See AbstractPreprocessor; nothing is known either where tokens are masked at random."""
        groups: dict[str, TokensOfGroups] = {}
        for name in sorted(self.modalities):
            if 0 < self.mask_probs.get(name, 0) < 1:
                return WholeTokens(f"tokens of {name!r} are masked at random (`mask_probs`)")
            groups[name] = _groups(self._preprocessor(name))
        learned = [table for own in groups.values() for table in own.learned]
        reasons = [f"{name!r}: {own.whole_because}" for name, own in groups.items() if own.whole_because]
        return TokensOfGroups(
            self.num_channels,
            partial(self._part_structures, groups),
            learned,
            whole_because="; ".join(reasons) or None,
        )

    def _part_structures(
        self,
        groups: Mapping[str, TokensOfGroups],
        inputs: Mapping[str, Any],
        interpolate_pos_encoding: bool,
    ) -> dict[str, TokenStructure]:
        self._validate(inputs, True)
        found: dict[str, TokenStructure] = {}
        for name in inputs:
            part = groups[name].parts(inputs[name], interpolate_pos_encoding)[""]
            is_masked = self.mask_probs.get(name) == 1
            found[name] = (
                self._masked(name, part.num_tokens) if is_masked else part.padded(self.padding[name])
            )
        found.update((name, self._masked(name, 1)) for name in self._absent_but_masked(inputs))
        return {name: found[name] for name in sorted(found)}

    def input_mask(self, mask: Any, tokens: Tensor, modality_sizes: Mapping[str, int] | None) -> Tensor:
        """A bool mask over the tokens of all modalities.

        Args:
            mask: [batch, num_tokens], or name -> what that modality's preprocessor takes, or name -> [batch], nonzero for
                the samples that have the modality; every token of a modality that is not named counts.
            tokens: what `forward` returned.
            modality_sizes: what `forward` returned.
        """
        if not isinstance(mask, Mapping):
            return token_mask(mask, tokens)
        parts = restructure(cast("Mapping[str, int]", modality_sizes), tokens)
        if unknown := sorted(set(mask) - set(parts)):
            raise ShapeError(f"`attention_mask` must name modalities of {sorted(parts)}, received {unknown}")
        return torch.cat(
            [
                self._part_mask(name, mask[name], part)
                if name in mask
                else part.new_ones(part.shape[:2], dtype=torch.bool)
                for name, part in parts.items()
            ],
            dim=1,
        )

    def own_positions(self, inputs: Mapping[str, Any], mask: Any) -> dict[str, Any] | None:
        """See AbstractPreprocessor; name -> positions, for the modalities whose mask `mask` names."""
        self._validate(inputs, True)
        if not isinstance(mask, Mapping):
            return None
        positions = {
            name: self._preprocessor(name).own_positions(values, mask[name])
            for name, values in inputs.items()
            if name in mask and mask[name].ndim > 1
        }
        return {name: own for name, own in positions.items() if own is not None} or None

    def _part_mask(self, name: str, mask: Tensor, part: Tensor) -> Tensor:
        if mask.ndim == 1:
            return token_mask(mask[:, None].expand(-1, part.shape[1]), part)
        return self._preprocessor(name).input_mask(mask, part, None)

    def _masked(self, name: str, num_tokens: int) -> TokenStructure:
        return TokenStructure(num_tokens, padding=self.mask[name].flatten())

    def _preprocessor(self, name: str) -> AbstractPreprocessor:
        return cast("AbstractPreprocessor", self.modalities[name])

    def _mask(self, name: str, tokens: Tensor) -> Tensor:
        if name not in self.mask_probs:
            return tokens
        probability = self.mask_probs[name]
        mask_token = self.mask[name].to(tokens.dtype).expand_as(tokens)
        # With gradients, 0 and 1 take the general way too: every parameter is then part of the graph, with a gradient of
        # zero at least, which data-parallel training needs.
        if probability in (0.0, 1.0) and not torch.is_grad_enabled():
            return mask_token if probability else tokens
        drawn = torch.bernoulli(torch.full(tokens.shape[:2], probability, device=tokens.device))
        return torch.where(drawn[..., None].bool(), mask_token, tokens)

    def _absent_but_masked(self, inputs: Mapping[str, Any]) -> list[str]:
        absent = set(self.modalities) - set(inputs)
        return sorted(
            name
            for name in absent
            if self.mask_probs.get(name) == 1.0 and self._preprocessor(name).single_token
        )

    def _validate(
        self, inputs: Mapping[str, Any], network_input_is_1d: bool, pos: Mapping[str, Any] | None = None
    ) -> None:
        if not network_input_is_1d:
            raise ShapeError("`network_input_is_1d` must be True for several modalities, received False")
        if not isinstance(inputs, Mapping) or not inputs:
            raise ShapeError(
                f"`inputs` must be a mapping with some of {sorted(self.modalities)}, received {type(inputs).__name__}"
            )
        if unknown := sorted(set(inputs) - set(self.modalities)):
            raise ShapeError(
                f"`inputs` must name modalities of {sorted(self.modalities)}, received {unknown}"
            )
        if pos is not None and (not isinstance(pos, Mapping) or set(pos) - set(inputs)):
            received = sorted(pos) if isinstance(pos, Mapping) else type(pos).__name__
            raise ShapeError(f"`pos` must be a mapping with some of {sorted(inputs)}, received {received}")
        for name, value in inputs.items():
            require_tensor(f"inputs[{name!r}]", value)
        sizes = {name: value.shape[0] for name, value in inputs.items()}
        # Compared, not gathered in a set: a set would fix the batch size of an exported program.
        if any(size != next(iter(sizes.values())) for size in sizes.values()):
            raise ShapeError(f"`inputs` must have the same batch size for every modality, received {sizes}")


def _groups(preprocessor: AbstractPreprocessor) -> TokensOfGroups:
    """The groups of channels of a modality's tokens; a single one where they must be built whole."""
    own = preprocessor.structure()
    if isinstance(own, TokensOfGroups):
        return own
    if isinstance(own, WholeTokens):
        return tokens_as_features(preprocessor, own.because)
    kind = type(preprocessor).__name__
    return tokens_as_features(
        preprocessor, f"{kind} looks tokens up in tables, which must be the only tokens"
    )


class PerceiverMultimodalPostprocessor(AbstractPostprocessor):
    """Each modality's decoded tokens to that modality's postprocessor.

    Args:
        modalities: name -> postprocessor.
        input_is_dict: decoded tokens come as name -> tokens, not as one array.
    """

    def __init__(self, modalities: Mapping[str, nn.Module], input_is_dict: bool = False) -> None:
        super().__init__()
        require_names("modalities", modalities)
        self.modalities = nn.ModuleDict(dict(modalities))
        self.input_is_dict = input_is_dict
        self._pointwise = {name for name, each in modalities.items() if getattr(each, "pointwise", False)}
        self.pointwise = len(self._pointwise) == len(modalities)

    def forward(
        self,
        inputs: Tensor | Mapping[str, Tensor],
        pos: Tensor | None = None,
        modality_sizes: Mapping[str, int] | None = None,
    ) -> dict[str, Any]:
        """Values of each modality.

        Args:
            inputs: [batch, num_tokens, channels], modalities in sorted order of their names; or a mapping.
            pos: handed on.
            modality_sizes: number of decoded tokens of each modality; needed unless inputs are a mapping.

        Returns:
            Name -> values, in sorted order of names; a modality without tokens is left out.
        """
        return {
            name: self._values(name, part, pos) for name, part in self._parts(inputs, modality_sizes).items()
        }

    def structure(self) -> ValuesByModality | None:
        """See AbstractPostprocessor."""
        return None if self.input_is_dict else ValuesByModality(dict(self.modalities.items()))

    def of_chunk(self, decoded: Tensor, modality_sizes: Mapping[str, int] | None) -> dict[str, Any]:
        """See AbstractPostprocessor; each modality by its own postprocessor."""
        return {
            name: self._values(name, part) if name in self._pointwise else part
            for name, part in self._parts(decoded, modality_sizes).items()
        }

    def of_whole(self, joined: Mapping[str, Any], modality_sizes: Mapping[str, int] | None) -> dict[str, Any]:
        """See AbstractPostprocessor; each modality by its own postprocessor."""
        return {
            name: part if name in self._pointwise else self._values(name, part)
            for name, part in joined.items()
        }

    def _parts(
        self, inputs: Tensor | Mapping[str, Tensor], modality_sizes: Mapping[str, int] | None
    ) -> dict[str, Tensor]:
        """Decoded tokens of each modality that has some, in sorted order of names."""
        if not self.input_is_dict:
            if modality_sizes is None:
                raise ShapeError("`modality_sizes` must be given when `inputs` are one array, received None")
            parts: Mapping[str, Tensor] = restructure(modality_sizes, cast("Tensor", inputs))
        elif not isinstance(inputs, Mapping):
            raise ShapeError(
                f"`inputs` must be a mapping from modality to tokens (`input_is_dict`), received {type(inputs).__name__}"
            )
        else:
            parts = inputs
        if unknown := sorted(set(parts) - set(self.modalities)):
            raise ShapeError(
                f"`modality_sizes` must name modalities of {sorted(self.modalities)}, received {unknown}"
            )
        return {name: parts[name] for name in sorted(parts) if parts[name].shape[1] > 0}

    def _values(self, name: str, part: Tensor, pos: Tensor | None = None) -> Any:
        return self.modalities[name](part, pos=pos, modality_sizes=None)


def _vector(channels: int) -> Tensor:
    return nn.init.trunc_normal_(torch.empty(1, channels), std=0.02, a=-0.04, b=0.04)
