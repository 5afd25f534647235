"""Optical flow: where every pixel of a frame went in the next one; large frames by overlapping tiles."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, cast

import torch
from torch import Tensor

from perceivers.configuration import PerceiverConfig
from perceivers.decoders.asked_for import ask_for, gather_rows, one_array, require_indices
from perceivers.decoders.optical_flow import PerceiverOpticalFlowDecoder
from perceivers.errors import ConfigurationError, ShapeError, require_shape
from perceivers.modalities.base import require_tensor
from perceivers.modalities.image import PerceiverImagePreprocessor
from perceivers.models.losses import end_point_error
from perceivers.models.other_arguments import pass_over
from perceivers.models.perceiver import PerceiverModel
from perceivers.models.task import PerceiverTaskModel
from perceivers.nn.attention import two_axes
from perceivers.nn.tile_layout import TileLayout, tile_layout
from perceivers.nn.tiles import blend_tiles
from perceivers.outputs import (
    Encoded,
    PerceiverClassifierOutput,
    PerceiverDecoderOutput,
    PerceiverModelOutput,
)

_FRAMES = 2
_FLOW_CHANNELS = 2
_AXES = 2


class PerceiverForOpticalFlow(PerceiverTaskModel):
    """Displacement of every pixel between two frames.

    A frame at least as large as `config.train_size` in both axes is cut into overlapping tiles of that size, whose flows are
    blended; a smaller one is a grid of its own.

    Args:
        config: `train_size`, `flow_patch_size`, `flow_projection_channels`, `fourier_num_bands`, `flow_rescale_factor`,
            `flow_tile_overlap`.
    """

    def __init__(self, config: PerceiverConfig) -> None:
        super().__init__(config)
        self.num_input_channels = config.image_channels * config.flow_patch_size**2
        preprocessor = PerceiverImagePreprocessor(
            config,
            prep_type="patches",
            spatial_downsample=1,
            temporal_downsample=_FRAMES,
            conv_after_patching=True,
            conv_after_patching_in_channels=self.num_input_channels * _FRAMES,
            out_channels=config.flow_projection_channels,
            fourier_position_encoding_kwargs={
                "num_bands": config.fourier_num_bands,
                "max_resolution": config.train_size,
            },
        )
        decoder = PerceiverOpticalFlowDecoder(
            config,
            num_channels=preprocessor.num_channels,
            output_image_shape=config.train_size,
            output_num_channels=_FLOW_CHANNELS,
            rescale_factor=config.flow_rescale_factor,
            use_query_residual=False,
        )
        self.perceiver = PerceiverModel(config, input_preprocessor=preprocessor, decoder=decoder)
        self.initialize_new_parameters()

    def forward(
        self,
        inputs: Tensor | None = None,
        attention_mask: Tensor | None = None,
        output_attentions: bool | None = None,
        output_hidden_states: bool | None = None,
        labels: Tensor | None = None,
        return_dict: bool | None = None,
        valid_mask: Tensor | None = None,
        **others: Any,
    ) -> PerceiverClassifierOutput | tuple[Any, ...]:
        """Flow from the first frame to the second.

        Args:
            inputs: [batch, 2, 27, height, width]: for each frame the 3 x 3 pixels around every pixel, in [-1, 1]
                (`PerceiverOpticalFlowProcessor` makes them).
            attention_mask: [batch, height * width], nonzero where a pixel counts.
            output_attentions: see PerceiverModel; with tiles, those of all tiles one after the other on the batch axis.
            output_hidden_states: see PerceiverModel; with tiles likewise.
            labels: true flow [batch, height, width, 2], in pixels (x, y); non-finite where unknown.
            return_dict: see PerceiverModel.
            valid_mask: bool [batch, height, width], False where the truth is not known.
            others: what tokenizers and training loops hand on, such as `token_type_ids`, is passed over; anything else is
                refused, see `perceivers.models.other_arguments`.

        Returns:
            `logits` [batch, height, width, 2], which times `config.flow_target_scale` (20) are pixels; `loss`, the mean
            end-point error in the same unit, when labels are given.
        """
        pass_over(others, self.forward)
        if inputs is None:
            raise ShapeError("`inputs` must be frames [batch, 2, channels, height, width], received None")
        layout = self._layout(inputs)
        outputs = [
            cast(
                "PerceiverModelOutput",
                self.perceiver(
                    tile,
                    attention_mask=mask,
                    output_attentions=output_attentions,
                    output_hidden_states=output_hidden_states,
                    return_dict=True,
                ),
            )
            for tile, mask, _ in self._tiles(inputs, attention_mask, None, layout)
        ]
        joined = outputs[0] if layout is None else _join(outputs, layout)
        flow = cast("Tensor", joined.logits)
        loss = None
        if labels is not None:
            loss = end_point_error(flow, labels, self.config.flow_target_scale, valid_mask)
        return self._finish(self._task_output(joined, flow, loss), return_dict)

    def encode(
        self,
        inputs: Tensor,
        attention_mask: Tensor | None = None,
        interpolate_pos_encoding: bool = False,
        pos: Tensor | None = None,
        **options: Any,
    ) -> Encoded:
        """See PerceiverModel.encode; the tiles of a large frame lie one after the other on the batch axis."""
        layout = self._layout(inputs)
        encoded = [
            self.perceiver.encode(tile, mask, interpolate_pos_encoding, pos=places, **options)
            for tile, mask, places in self._tiles(inputs, attention_mask, pos, layout)
        ]
        return encoded[0] if layout is None else _join_encoded(encoded, layout)

    def decode(
        self,
        encoded: Encoded,
        *,
        subsampled_output_points: Any = None,
        positions: Any = None,
        **asked_for: Any,
    ) -> Any:
        """See PerceiverModel.decode; the whole picture by default, blended from its tiles where there are several.

        Tiles are decoded one after the other. Points of a tiled picture are taken from the whole one, since most lie in
        several tiles; attention weights are those of all its tiles, one after the other on the batch axis.
        """
        points = ask_for(subsampled_output_points=subsampled_output_points, positions=positions)
        if encoded.index_dims == encoded.output_dims[-2:]:
            return self.perceiver.decode(
                encoded,
                subsampled_output_points=subsampled_output_points,
                positions=positions,
                **asked_for,
            )
        with_weights = bool(asked_for.pop("output_attentions", False))
        layout = self._tile_layout(*encoded.output_dims)
        weights: list[Tensor] = []

        def flows() -> Iterator[Tensor]:
            for tile in _split(encoded, len(layout)):
                decoded = self.perceiver.decode(tile, output_attentions=with_weights, **asked_for)
                if with_weights:
                    weights.extend(decoded.cross_attentions)
                yield decoded.logits if with_weights else decoded

        flow = _at(blend_tiles(flows(), layout), one_array(points).indices)
        if not with_weights:
            return flow
        return PerceiverDecoderOutput(logits=flow, cross_attentions=(torch.cat(weights),))

    def _layout(self, inputs: Tensor) -> TileLayout | None:
        """How the frames are tiled; None where one grid takes them whole."""
        require_tensor("inputs", inputs)
        expected = (_FRAMES, self.num_input_channels)
        if inputs.ndim != 5 or tuple(inputs.shape[1:3]) != expected:
            raise ShapeError(
                f"`inputs` must have shape [batch, {expected[0]}, {expected[1]}, height, width], "
                f"received {list(inputs.shape)}"
            )
        height, width = inputs.shape[-2:]
        tile_height, tile_width = self.config.train_size
        if (height, width) == (tile_height, tile_width) or height < tile_height or width < tile_width:
            return None
        return self._tile_layout(height, width)

    def _tile_layout(self, height: int, width: int) -> TileLayout:
        tile_height, tile_width = self.config.train_size
        if self.config.flow_tile_overlap >= min(tile_height, tile_width):
            raise ConfigurationError(
                f"`flow_tile_overlap` must be smaller than `train_size` {[tile_height, tile_width]} to tile a frame of "
                f"{[height, width]}, received {self.config.flow_tile_overlap}"
            )
        return tile_layout(height, width, tile_height, tile_width, self.config.flow_tile_overlap)

    def _tiles(
        self, inputs: Tensor, attention_mask: Tensor | None, pos: Tensor | None, layout: TileLayout | None
    ) -> list[tuple[Tensor, Tensor | None, Tensor | None]]:
        """Frames, mask and positions of every tile."""
        if layout is None:
            return [(inputs, attention_mask, pos)]
        masks = _as_pictures("attention_mask", two_axes(attention_mask), inputs)
        places = _as_pictures("pos", pos, inputs, _AXES)
        tiles = []
        for top, left in layout.boxes:
            rows, columns = slice(top, top + layout.tile_height), slice(left, left + layout.tile_width)
            tiles.append(
                (
                    inputs[..., rows, columns],
                    None if masks is None else masks[:, rows, columns].flatten(1),
                    None if places is None else places[:, rows, columns].flatten(1, 2),
                )
            )
        return tiles


def _as_pictures(argument: str, values: Tensor | None, inputs: Tensor, *channels: int) -> Tensor | None:
    """[batch, height * width, *channels] with rows and columns apart, as those of `inputs`."""
    if values is None:
        return None
    height, width = inputs.shape[-2:]
    require_shape(argument, values, (inputs.shape[0], height * width, *channels))
    return values.unflatten(1, (height, width))


def _at(flow: Tensor, indices: Tensor | None) -> Tensor:
    """Pixels of [batch, height, width, 2] at flat indices; the whole where they are None."""
    if indices is None:
        return flow
    require_indices(indices, tuple(flow.shape[1:3]), flow.shape[0])
    return gather_rows(flow.flatten(1, 2), indices.to(flow.device))


def _blend(flows: Tensor, layout: TileLayout) -> Tensor:
    """[num_tiles * batch, tile_height, tile_width, 2] to [batch, height, width, 2]."""
    return blend_tiles(flows.unflatten(0, (len(layout.boxes), -1)), layout)


def _join(outputs: Sequence[PerceiverModelOutput], layout: TileLayout) -> PerceiverModelOutput:
    """Outputs of tiles as one: flows blended, everything else laid one after the other on the batch axis."""
    flows = torch.cat([cast("Tensor", output.logits) for output in outputs])
    return PerceiverModelOutput(
        logits=_blend(flows, layout),
        last_hidden_state=torch.cat([cast("Tensor", output.last_hidden_state) for output in outputs]),
        hidden_states=_join_layers([output.hidden_states for output in outputs]),
        attentions=_join_layers([output.attentions for output in outputs]),
        cross_attentions=_join_layers([output.cross_attentions for output in outputs]),
    )


def _join_encoded(tiles: Sequence[Encoded], layout: TileLayout) -> Encoded:
    masks = [tile.mask for tile in tiles if tile.mask is not None]
    return Encoded(
        latents=torch.cat([tile.latents for tile in tiles]),
        tokens=torch.cat([cast("Tensor", tile.tokens) for tile in tiles]),
        features=torch.cat([tile.features for tile in tiles]),
        mask=torch.cat(masks) if masks else None,
        index_dims=tiles[0].index_dims,
        output_dims=(layout.height, layout.width),
        hidden_states=_join_layers([tile.hidden_states for tile in tiles]),
        attentions=_join_layers([tile.attentions for tile in tiles]),
        cross_attentions=_join_layers([tile.cross_attentions for tile in tiles]),
    )


def _split(encoded: Encoded, num_tiles: int) -> Iterator[Encoded]:
    """What the decoder needs of each tile: `_join_encoded` undone."""
    parts = (encoded.latents.chunk(num_tiles), cast("Tensor", encoded.tokens).chunk(num_tiles))
    for latents, tokens in zip(*parts, strict=True):
        yield Encoded(latents=latents, tokens=tokens, index_dims=encoded.index_dims)


def _join_layers(tiles: Sequence[tuple[Tensor, ...] | None]) -> tuple[Tensor, ...] | None:
    layers = [each for each in tiles if each is not None]
    return tuple(torch.cat(parts) for parts in zip(*layers, strict=True)) if layers else None
