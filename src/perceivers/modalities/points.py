"""Point sets: coordinates and features of any number of points, in no order."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn

from perceivers.configuration import PerceiverConfig
from perceivers.configuration_rules import require_count
from perceivers.errors import ConfigurationError, ShapeError
from perceivers.modalities.base import Preprocessed, require_finite, require_tensor, token_mask
from perceivers.modalities.positioned import PositionedPreprocessor, axis_resolutions
from perceivers.modalities.structure import InputStructure, tokens_as_features
from perceivers.nn.neighbourhoods import NeighbourhoodStages


class PerceiverPointsPreprocessor(PositionedPreprocessor):
    """Each point one token: its features, with Fourier features of its own coordinates beside them.

    With `neighbourhood_widths`, a token holds features of the points around it in the place of its own, see
    `perceivers.nn.neighbourhoods`; of large sets, points that are spread out over them are tokens.

    Nothing tells points apart but what they hold, so that their order does not matter to a model.

    Args:
        config: kept for hand-made compositions; this class takes its numbers from the other arguments.
        num_coordinates: coordinates of a point.
        num_features: further values of a point (intensity, colour, a normal).
        coordinate_range: coordinates lie in [-coordinate_range, coordinate_range], in the unit that they come in; they are
            divided by it.
        num_bands: frequencies of a coordinate; the first Perceiver has 64 for ModelNet40.
        max_resolution: half of it is the highest frequency, in half-periods over the range; one number, or one a coordinate.
            The first Perceiver has 2240 for ModelNet40; as many points as lie along an axis is a start for other data.
        out_channels: channels that a learned linear map makes of the features; None leaves them as they are.
        neighbourhood_widths: channels of each stage that tells a point of its neighbours; None: a point knows of no other.
        neighbourhood_centres: points that each stage leaves, not more than the stage before; smaller sets stay whole. Needed
            with `neighbourhood_widths`, and for them alone.
        num_neighbours: points that a stage looks at around each, itself among them.
    """

    def __init__(
        self,
        config: PerceiverConfig,
        num_coordinates: int = 3,
        num_features: int = 0,
        coordinate_range: float = 1.0,
        num_bands: int = 64,
        max_resolution: int | Sequence[int] = 2240,
        out_channels: int | None = None,
        neighbourhood_widths: Sequence[int] | None = None,
        neighbourhood_centres: Sequence[int] | None = None,
        num_neighbours: int = 16,
    ) -> None:
        super().__init__()
        require_count("num_coordinates", num_coordinates)
        require_count("num_features", num_features, minimum=0)
        require_count("num_bands", num_bands)
        if not 0 < coordinate_range < float("inf"):
            raise ConfigurationError(
                f"`coordinate_range` must be a finite number above 0, received {coordinate_range}"
            )
        self.config = config
        self.num_coordinates = num_coordinates
        self.num_features = num_features
        self.coordinate_range = coordinate_range
        if out_channels is not None:
            if num_features == 0:
                raise ConfigurationError(
                    f"`out_channels` needs features to map: `num_features` is 0, received {out_channels}"
                )
            require_count("out_channels", out_channels)
            self.projection = nn.Linear(num_features, out_channels)
        feature_channels = num_features if out_channels is None else out_channels
        if (neighbourhood_widths is None) != (neighbourhood_centres is None):
            raise ConfigurationError(
                "`neighbourhood_widths` and `neighbourhood_centres` must be given together, received "
                f"{neighbourhood_widths} and {neighbourhood_centres}"
            )
        self.neighbourhoods: NeighbourhoodStages | None = None
        if neighbourhood_widths is not None and neighbourhood_centres is not None:
            require_count("num_neighbours", num_neighbours)
            self.neighbourhoods = NeighbourhoodStages(
                num_coordinates, feature_channels, neighbourhood_widths, neighbourhood_centres, num_neighbours
            )
            feature_channels = neighbourhood_widths[-1]
        self._build_positions(
            feature_channels=feature_channels,
            position_encoding_type="fourier",
            concat_or_add_pos="concat",
            project_pos_dim=-1,
            n_extra_pos_mlp=0,
            trainable_position_encoding_kwargs=None,
            fourier_position_encoding_kwargs={
                "num_bands": num_bands,
                "max_resolution": axis_resolutions(max_resolution, num_coordinates),
            },
        )

    def index_dims(self, inputs: Tensor) -> tuple[int, ...]:
        """(number of points,); with neighbourhoods, of those that the last stage leaves."""
        num_points = inputs.shape[1]
        return (num_points if self.neighbourhoods is None else self.neighbourhoods.num_tokens(num_points),)

    def forward(
        self,
        inputs: Tensor,
        pos: Tensor | None = None,
        network_input_is_1d: bool = True,
        interpolate_pos_encoding: bool = False,
    ) -> Preprocessed:
        """Tokens of points.

        Args:
            inputs: floating-point points [batch, num_points, num_coordinates + num_features], coordinates first; sets of
                fewer points end with zeros, which `attention_mask` [batch, num_points] hides.
            pos: coordinates [batch, num_points, num_coordinates] to take instead of those in `inputs`, in the same unit; with
                neighbourhoods, NaN for a point that no other may see.
            network_input_is_1d: a set is a row of tokens either way.
            interpolate_pos_encoding: Fourier features fit any set either way.

        Returns:
            Tokens [batch, num_points, num_channels], None, and the tokens without coordinates. With neighbourhoods, those of
            the points that the last stage leaves.
        """
        self._validate(inputs)
        coordinates, features = inputs.split([self.num_coordinates, self.num_features], dim=2)
        if pos is not None:
            if pos.shape != coordinates.shape:
                raise ShapeError(
                    f"`pos` must have shape {list(coordinates.shape)}, received {list(pos.shape)}"
                )
            coordinates = pos
        counts: Tensor | None = None
        if pos is not None and self.neighbourhoods is not None:
            counts = ~pos.isnan().any(dim=2)
            coordinates = pos.masked_fill(~counts[..., None], 0.0)
        self._require_range("inputs" if pos is None else "pos", coordinates)
        if hasattr(self, "projection"):
            features = self.projection(features)
        places = coordinates.float() / self.coordinate_range
        if self.neighbourhoods is not None:
            own = features if features.shape[2] else None
            features, places = self.neighbourhoods(places, own, counts)
        return self._with_positions(features, places, network_input_is_1d, interpolate_pos_encoding)

    def input_mask(self, mask: Tensor, tokens: Tensor, modality_sizes: Mapping[str, int] | None) -> Tensor:
        """A bool mask over tokens.

        Args:
            mask: [batch, num_points], nonzero where a point counts; or [batch, num_tokens].
            tokens: what `forward` returned.
            modality_sizes: not used.
        """
        num_tokens = tokens.shape[1]
        if self.neighbourhoods is None or mask.ndim != 2 or mask.shape[1] <= num_tokens:
            return token_mask(mask, tokens)
        # Points that count are chosen first.
        places = torch.arange(num_tokens, device=mask.device)
        return token_mask(places < mask.to(torch.bool).sum(dim=1, keepdim=True), tokens)

    def own_positions(self, inputs: Tensor, mask: Tensor) -> Tensor | None:
        """With neighbourhoods, the coordinates of points that count and NaN for others, as `forward` takes them."""
        if self.neighbourhoods is None or mask.shape != inputs.shape[:2]:
            return None
        self._validate(inputs)
        return inputs[..., : self.num_coordinates].masked_fill(~mask.to(torch.bool)[..., None], torch.nan)

    def structure(self) -> InputStructure:
        """See AbstractPreprocessor; all channels of a token depend on the inputs."""
        return tokens_as_features(self)

    def _require_range(self, argument: str, coordinates: Tensor) -> None:
        """ShapeError for coordinates out of range; not checked while a graph is being captured."""
        require_finite(argument, coordinates)
        if torch.compiler.is_compiling() or coordinates.is_meta:
            return
        farthest = float(coordinates.abs().max())
        # Half precision rounds 1 up by less than this.
        if farthest > self.coordinate_range * 1.01:
            raise ShapeError(
                f"`{argument}` must have coordinates in [-{self.coordinate_range:g}, {self.coordinate_range:g}] "
                f"(`coordinate_range`), received coordinates up to {farthest:g}: centre and scale them"
            )

    def _validate(self, inputs: Tensor) -> None:
        require_tensor("inputs", inputs)
        channels = self.num_coordinates + self.num_features
        if inputs.ndim != 3 or inputs.shape[2] != channels or not inputs.is_floating_point():
            raise ShapeError(
                f"`inputs` must be floating-point points [batch, num_points, {channels}], {self.num_coordinates} coordinates "
                f"and {self.num_features} features, received {list(inputs.shape)} of {inputs.dtype}"
            )
        if 0 in inputs.shape:
            raise ShapeError(f"`inputs` must not be empty, received {list(inputs.shape)}")
        require_finite("inputs", inputs)
