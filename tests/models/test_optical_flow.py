"""Optical flow: frames of any size, tiles blended, masks, the end-point error."""

from __future__ import annotations

import pytest
import torch

from perceivers.errors import ConfigurationError, ShapeError

# Tiles of 7 x 5 pixels that share at least 2.
TOPS = {7: [0], 8: [0, 1], 13: [0, 5, 6]}
LEFTS = {5: [0], 11: [0, 3, 6], 6: [0, 1]}


@pytest.fixture
def model(tiny):
    return tiny("optical_flow")


@pytest.fixture(autouse=True)
def _no_gradients(request):
    with torch.set_grad_enabled("gradient" in request.node.name):
        yield


def frames_of(height, width, batch=2):
    return torch.randn(batch, 2, 27, height, width)


def boxes(height, width):
    return [(top, left) for top in TOPS[height] for left in LEFTS[width]]


def blended_by_hand(tiles, height, width):
    """Pixel by pixel: each tile's flow times its distance to the tile's edge plus one, over the sum of these."""
    flow, total = torch.zeros(tiles[0].shape[0], height, width, 2), torch.zeros(height, width, 1)
    for tile, (top, left) in zip(tiles, boxes(height, width), strict=True):
        for row in range(7):
            for column in range(5):
                weight = min(row, 6 - row, column, 4 - column) + 1
                flow[:, top + row, left + column] += weight * tile[:, row, column]
                total[top + row, left + column] += weight
    return flow / total


@pytest.mark.parametrize(("height", "width"), [(13, 11), (7, 11), (13, 5), (8, 6)])
def test_a_large_frame_is_the_blend_of_its_tiles(height, width, model, same):
    frames = frames_of(height, width)
    tiles = [model(frames[..., top : top + 7, left : left + 5]).logits for top, left in boxes(height, width)]
    flow = model(frames).logits
    assert flow.shape == (2, height, width, 2)
    same(flow, blended_by_hand(tiles, height, width), 1e-5)


def test_masks_are_cut_as_the_frames_are(model, same):
    frames, mask = frames_of(13, 11), torch.rand(2, 13, 11) < 0.6
    tiles = [
        model(
            frames[..., top : top + 7, left : left + 5], mask[:, top : top + 7, left : left + 5].flatten(1)
        ).logits
        for top, left in boxes(13, 11)
    ]
    flow = model(frames, mask.flatten(1)).logits
    same(flow, blended_by_hand(tiles, 13, 11), 1e-5)
    assert (flow - model(frames).logits).abs().max() > 1e-4


@pytest.mark.parametrize("shape", [(2, 142), (2, 13, 11), (1, 143), (143,)])
def test_a_mask_of_another_shape_than_a_tiled_frame_is_refused(shape, model):
    with pytest.raises(ShapeError, match=r"`attention_mask` must have shape \[2, 143\].*received \["):
        model(frames_of(13, 11), torch.ones(shape))


@pytest.mark.parametrize(("height", "width"), [(7, 5), (3, 2), (6, 5), (7, 4), (6, 11), (13, 4)])
def test_a_frame_smaller_than_a_tile_in_one_axis_is_one_grid(height, width, model, same):
    frames = frames_of(height, width)
    encoded = model.encode(frames)
    assert encoded.index_dims == (height, width)
    assert encoded.latents.shape[0] == 2
    flow = model(frames).logits
    same(model.perceiver(frames).logits, flow)
    same(model.decode(encoded), flow)
    points = torch.tensor([height * width - 1, 0])
    same(model.decode(encoded, positions=points), flow.flatten(1, 2)[:, points])


@pytest.mark.parametrize("chunk_size", [None, 3, 35])
def test_decoding_the_tiles_that_were_encoded_is_the_forward_pass(chunk_size, model, same):
    frames, mask = frames_of(13, 11), torch.ones(2, 143)
    mask[1, 70:] = 0
    encoded = model.encode(frames, mask)
    assert encoded.latents.shape == (2 * 9, 5, 12)
    same(model.decode(encoded, chunk_size=chunk_size), model(frames, mask).logits)


def test_attention_of_tiles_lies_on_the_batch_axis(model, same):
    frames = frames_of(8, 11)
    output = model(frames, output_attentions=True, output_hidden_states=True)
    first = model(frames[..., :7, :5], output_attentions=True, output_hidden_states=True)
    last = model(frames[..., 1:, 6:], output_attentions=True, output_hidden_states=True)
    assert [tuple(each.shape) for each in output.cross_attentions] == [(12, 2, 5, 35), (12, 1, 35, 5)]
    for mine, one, other in (
        *zip(output.cross_attentions, first.cross_attentions, last.cross_attentions, strict=True),
        *zip(output.attentions, first.attentions, last.attentions, strict=True),
        *zip(output.hidden_states, first.hidden_states, last.hidden_states, strict=True),
    ):
        same(mine[:2], one, 1e-5)
        same(mine[-2:], other, 1e-5)
    encoded = model.encode(frames, output_attentions=True, output_hidden_states=True)
    same(encoded.cross_attentions[0], output.cross_attentions[0])
    same(encoded.hidden_states[1], output.hidden_states[1])
    decoded = model.decode(encoded, output_attentions=True)
    same(decoded.logits, output.logits, 1e-5)
    same(decoded.cross_attentions[0], output.cross_attentions[1], 1e-5)


@pytest.mark.parametrize("argument", ["positions", "subsampled_output_points"])
def test_pixels_of_a_tiled_frame_are_pixels_of_the_whole(argument, model, same):
    frames = frames_of(13, 11)
    encoded, flow = model.encode(frames), model(frames).logits.flatten(1, 2)
    points = torch.tensor([142, 0, 70, 71])
    same(model.decode(encoded, **{argument: points}), flow[:, points])
    each = torch.tensor([[5, 140], [66, 67]])
    same(
        model.decode(encoded, **{argument: each}, chunk_size=4),
        torch.stack([flow[0, [5, 140]], flow[1, [66, 67]]]),
    )
    with pytest.raises(
        ShapeError, match=r"output points must be in \[0, 142\] for an output array of \[13, 11\]"
    ):
        model.decode(encoded, **{argument: [143]})


def test_positions_of_the_users_own_are_cut_as_the_frames_are(model, same):
    frames, pos = frames_of(8, 6), torch.rand(2, 48, 2) * 2 - 1
    grid = pos.unflatten(1, (8, 6))
    tiles = [
        model.decode(
            model.encode(
                frames[..., top : top + 7, left : left + 5],
                pos=grid[:, top : top + 7, left : left + 5].flatten(1, 2),
            )
        )
        for top, left in boxes(8, 6)
    ]
    same(model.decode(model.encode(frames, pos=pos)), blended_by_hand(tiles, 8, 6), 1e-5)
    with pytest.raises(ShapeError, match=r"`pos` must have shape \[2, 48, 2\], received \[2, 35, 2\]"):
        model.encode(frames, pos=torch.zeros(2, 35, 2))


@pytest.mark.parametrize(("height", "width"), [(7, 5), (6, 4), (8, 6)])
def test_the_loss_is_the_mean_end_point_error_at_any_size(height, width, model):
    frames, labels = frames_of(height, width), 30 * torch.randn(2, height, width, 2)
    labels[0, 2, 3] = float("nan")
    valid = torch.rand(2, height, width) < 0.5
    output = model(frames, labels=labels, valid_mask=valid)
    kept = valid & labels.isfinite().all(dim=-1)
    distances = ((output.logits - labels / 20) ** 2).sum(dim=-1).sqrt()
    torch.testing.assert_close(output.loss, distances[kept].mean())
    unmasked = model(frames, labels=labels).loss
    torch.testing.assert_close(unmasked, distances[labels.isfinite().all(dim=-1)].mean())


def test_the_scale_of_the_labels_is_a_configuration_key(tiny):
    frames, labels = frames_of(7, 5), torch.randn(2, 7, 5, 2)
    loss = tiny("optical_flow").forward(frames, labels=20 * labels).loss
    torch.testing.assert_close(
        tiny("optical_flow", flow_target_scale=3.0)(frames, labels=3 * labels).loss, loss
    )


def test_answers_are_divided_by_the_rescale_factor(tiny, same):
    frames = frames_of(7, 5)
    same(
        tiny("optical_flow", flow_rescale_factor=4.0)(frames).logits, 25 * tiny("optical_flow")(frames).logits
    )


@pytest.mark.parametrize(("height", "width"), [(7, 5), (8, 6)])
def test_the_gradient_of_the_loss_is_finite_for_every_parameter(height, width, model):
    labels = torch.randn(2, height, width, 2)
    labels[0, 0, 0, 1] = float("nan")
    model(frames_of(height, width), labels=labels).loss.backward()
    gradients = [parameter.grad for parameter in model.parameters()]
    assert all(gradient is not None and torch.isfinite(gradient).all() for gradient in gradients)
    assert sum(gradient.abs().sum() for gradient in gradients) > 0


@pytest.mark.parametrize("shape", [(2, 27, 7, 5), (2, 3, 27, 7, 5), (2, 2, 3, 7, 5)])
def test_frames_come_as_pairs_of_patches(shape, model):
    message = r"`inputs` must have shape \[batch, 2, 27, height, width\], received \["
    for verb in (model, model.encode):
        with pytest.raises(ShapeError, match=message):
            verb(torch.randn(shape))
    with pytest.raises(ShapeError, match=r"`inputs` must be frames \[batch, 2, channels, .*received None"):
        model()
    with pytest.raises(ShapeError, match="`inputs` must not be empty"):
        model(torch.randn(2, 2, 27, 0, 5))


def test_an_overlap_leaves_room_in_a_tile(tiny):
    with pytest.raises(ConfigurationError, match="overlap"):
        tiny("optical_flow", flow_tile_overlap=5)(frames_of(8, 6))


def test_grey_frames_have_nine_channels(tiny):
    model = tiny("optical_flow", image_channels=1)
    assert model(torch.randn(2, 2, 9, 8, 6)).logits.shape == (2, 8, 6, 2)


def test_tiles_are_decoded_one_after_the_other(model):
    """Memory does not grow with the number of tiles."""
    encoded = model.encode(frames_of(13, 11))
    batches = []
    layer = model.perceiver.decoder.decoder.decoding_cross_attention
    layer.register_forward_hook(lambda _layer, arguments, _output: batches.append(arguments[0].shape[0]))
    model.decode(encoded)
    assert batches == [2] * 9
