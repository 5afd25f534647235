"""The five verbs: encode once, decode as often as wanted, whole, in chunks, or only what is asked for."""

from __future__ import annotations

import pytest
import torch
from torch import nn

import perceivers
from perceivers.decoders.base import Queries
from perceivers.errors import ConfigurationError, ShapeError
from perceivers.outputs import PerceiverDecoderOutput

# Outputs of the tiny models: how many queries each decoder answers.
NUM_OUTPUTS = {
    "masked_lm": 11,
    "sequence_classification": 1,
    "image_learned": 1,
    "image_fourier": 1,
    "image_conv": 1,
    "optical_flow": 35,
    "multimodal": 15 + 72 + 1,
}
pytestmark = pytest.mark.filterwarnings("error")


@pytest.fixture(autouse=True)
def _no_gradients():
    with torch.no_grad():
        yield


def flat(task, logits):
    """Outputs laid in a row, as positions count them."""
    return logits.flatten(1, 2) if task == "optical_flow" else logits


def test_decoding_what_was_encoded_is_the_forward_pass(task, tiny, inputs_of):
    model, inputs = tiny(task), inputs_of(task)
    expected = model(inputs).logits
    encoded = model.encode(inputs)
    for _ in range(2):
        received = model.decode(encoded)
        if task == "multimodal":
            assert list(received) == list(expected) == ["audio", "image", "label"]
            assert all(torch.equal(received[name], expected[name]) for name in expected)
        else:
            assert torch.equal(received, expected)


@pytest.mark.parametrize("chunk_size", [1, 2, 7, 16, 34, 87, 1000])
def test_chunks_of_any_size_equal_the_whole(task, chunk_size, tiny, inputs_of, same):
    model = tiny(task)
    encoded = model.encode(inputs_of(task))
    same(model.decode(encoded, chunk_size=chunk_size), model.decode(encoded))


def test_attention_weights_of_chunks_are_joined(task, tiny, inputs_of, same):
    model = tiny(task)
    encoded = model.encode(inputs_of(task))
    whole = model.decode(encoded, output_attentions=True)
    chunked = model.decode(encoded, output_attentions=True, chunk_size=4)
    assert isinstance(chunked, PerceiverDecoderOutput)
    heads = 2 if task == "masked_lm" else 1
    assert chunked.cross_attentions[0].shape == (2, heads, NUM_OUTPUTS[task], 5)
    same(chunked.cross_attentions[0], whole.cross_attentions[0])
    same(chunked.logits, model.decode(encoded), 1e-5)


def test_forward_gives_the_encoders_and_the_decoders_attention(task, tiny, inputs_of, same):
    model, inputs = tiny(task), inputs_of(task)
    output = model(inputs, output_attentions=True)
    encoded = model.encode(inputs, output_attentions=True)
    decoded = model.decode(encoded, output_attentions=True)
    same(output.cross_attentions[0], encoded.cross_attentions[0])
    same(output.cross_attentions[1], decoded.cross_attentions[0])
    assert len(output.attentions) == len(encoded.attentions) == 2


@pytest.mark.parametrize("task", ["masked_lm", "optical_flow"])
@pytest.mark.parametrize("chunk_size", [None, 2])
def test_positions_are_rows_of_the_whole(task, chunk_size, tiny, inputs_of, same):
    model = tiny(task)
    encoded = model.encode(inputs_of(task))
    whole = flat(task, model.decode(encoded))
    shared = torch.tensor([3, 0, 10, 3, 7])
    same(model.decode(encoded, positions=shared, chunk_size=chunk_size), whole[:, shared])
    each = torch.tensor([[1, 10, 2], [9, 0, 9]])
    expected = torch.stack([whole[0, each[0]], whole[1, each[1]]])
    same(model.decode(encoded, positions=each, chunk_size=chunk_size), expected)
    same(model.decode(encoded, positions=[5, 6]), whole[:, 5:7])


def test_positions_of_several_modalities_are_rows_of_the_whole(tiny, inputs_of, same):
    model = tiny("multimodal")
    encoded = model.encode(inputs_of("multimodal"))
    whole = model.decode(encoded)
    positions = {"image": torch.tensor([71, 0, 13]), "audio": torch.tensor([[2, 14], [0, 1]])}
    decoded = model.decode(encoded, positions=positions)
    same(decoded["image"], whole["image"][:, [71, 0, 13]])
    patches = whole["audio"].unflatten(1, (15, 2))
    same(decoded["audio"], torch.stack([patches[0, [2, 14]], patches[1, [0, 1]]]).flatten(1))
    same(decoded["label"], whole["label"])
    same(model.decode(encoded, positions=positions, chunk_size=2), decoded)


@pytest.mark.parametrize("nothing", [[], torch.tensor([], dtype=torch.long)], ids=["list", "tensor"])
@pytest.mark.parametrize("argument", ["positions", "subsampled_output_points"])
def test_a_modality_that_is_asked_for_no_points_is_left_out(argument, nothing, tiny, inputs_of, same):
    model = tiny("multimodal")
    encoded = model.encode(inputs_of("multimodal"))
    decoded = model.decode(encoded, **{argument: {"image": nothing, "label": nothing}})
    assert list(decoded) == ["audio"]
    same(decoded["audio"], model.decode(encoded)["audio"])
    with pytest.raises(ShapeError, match="at least one output point must be asked for, received none"):
        model.decode(encoded, **{argument: dict.fromkeys(["audio", "image", "label"], nothing)})


def test_subsampled_points_follow_their_own_coordinate_rule(tiny, inputs_of, same):
    model = tiny("multimodal")
    encoded = model.encode(inputs_of("multimodal"))
    points = {"image": torch.arange(72), "audio": torch.arange(15)}
    subsampled = model.decode(encoded, subsampled_output_points=points)
    same(subsampled, model.decode(encoded, coordinate_rule="subsampled"))
    same(model.decode(encoded, positions=points), model.decode(encoded, coordinate_rule="grid"))
    grid = model.decode(encoded)
    for name in ("audio", "image"):
        # Both rules begin at -1 and part from there.
        assert torch.allclose(subsampled[name][:, 0], grid[name][:, 0], atol=1e-5)
        assert not torch.allclose(subsampled[name][:, -1], grid[name][:, -1], atol=1e-3)


def test_the_coordinate_rule_holds_for_modalities_that_no_mapping_names(tiny, inputs_of, same):
    model = tiny("multimodal")
    encoded = model.encode(inputs_of("multimodal"))
    expected = model.decode(encoded, coordinate_rule="subsampled")
    partly = model.decode(encoded, coordinate_rule="subsampled", output_dims={"image": (3, 4, 6)})
    same(partly, expected)


def test_points_that_are_none_are_as_if_they_were_not_named(tiny, inputs_of, same):
    model = tiny("multimodal")
    encoded = model.encode(inputs_of("multimodal"))
    points = torch.tensor([4, 1])
    named = model.decode(encoded, subsampled_output_points={"image": points, "audio": None, "label": None})
    same(named, model.decode(encoded, subsampled_output_points={"image": points}))


def test_an_output_array_of_another_size_can_be_asked_for(tiny, inputs_of, same):
    model = tiny("multimodal")
    inputs = inputs_of("multimodal")
    encoded = model.encode(inputs)
    decoded = model.decode(encoded, output_dims={"image": (5, 2, 3)})
    assert decoded["image"].shape == (2, 30, 3)
    same(decoded["audio"], model.decode(encoded)["audio"])
    other = tiny("multimodal", output_shape=(1, 5, 2, 3))
    other.load_state_dict(model.state_dict())
    same(decoded, other(inputs).logits)
    same(model.perceiver(inputs, output_dims={"image": (5, 2, 3)}).logits, decoded)


def test_a_query_that_is_masked_looks_at_nothing_where_such_rows_are_zero(tiny, inputs_of, same):
    model = tiny("masked_lm", zero_fully_masked_rows=True)
    encoded = model.encode(inputs_of("masked_lm"))
    mask = torch.ones(2, 11)
    mask[0, 3] = mask[1, 10] = 0
    whole, masked = model.decode(encoded), model.decode(encoded, query_mask=mask)
    same(model.decode(encoded, query_mask=mask, chunk_size=3), masked)
    kept = mask.bool()
    same(masked[kept], whole[kept])
    # What is left of a masked query is the bias of the attention's output, whatever the inputs are.
    other = model.decode(model.encode(inputs_of("masked_lm")), query_mask=mask)
    assert (masked - whole)[~kept].abs().min() > 1e-4
    same(other[~kept], masked[~kept])
    attention = model.perceiver.decoder.decoding_cross_attention
    bias = attention.attention.output.dense.bias
    expected = bias + attention.mlp(attention.layernorm(bias))
    text = model.perceiver.input_preprocessor.embeddings
    same(masked[0, 3], model.embedding_decoder(expected, text), 1e-5)


def test_the_base_model_takes_a_query_mask_in_forward(tiny, inputs_of, same):
    model = tiny("masked_lm", zero_fully_masked_rows=True).perceiver
    inputs, mask = inputs_of("masked_lm"), torch.arange(11).expand(2, -1) % 3
    expected = model.decode(model.encode(inputs), query_mask=mask)
    same(model(inputs, query_mask=mask).logits, expected)
    assert (model(inputs).logits - expected).abs().max() > 1e-3


@pytest.mark.parametrize("shape", [(2, 10), (1, 11), (11,)])
def test_a_query_mask_of_another_shape_is_refused(shape, tiny, inputs_of):
    model = tiny("masked_lm")
    encoded = model.encode(inputs_of("masked_lm"))
    with pytest.raises(ShapeError, match=r"`query_mask` must have shape \[2, 11\], received"):
        model.decode(encoded, query_mask=torch.ones(shape))


@pytest.mark.parametrize("chunk_size", [0, -3])
def test_a_chunk_holds_at_least_one_output(chunk_size, tiny, inputs_of):
    model = tiny("optical_flow")
    with pytest.raises(ShapeError, match=f"`chunk_size` must be at least 1, received {chunk_size}"):
        model.decode(model.encode(inputs_of("optical_flow")), chunk_size=chunk_size)


def test_the_steps_under_decode_are_public_and_compose_to_it(task, tiny, inputs_of, same):
    model, inputs = tiny(task), inputs_of(task)
    inner = model.perceiver
    tokens, sizes, _ = inner.preprocess(inputs)
    if task == "multimodal":
        assert sizes == {"audio": 15, "image": 18, "label": 1}
    latents = inner.encode_tokens(tokens).last_hidden_state
    encoded = model.encode(inputs)
    same(latents, encoded.latents)
    queries = model.build_queries(encoded)
    assert isinstance(queries, Queries)
    assert queries.tokens.shape[:2] == (2, NUM_OUTPUTS[task])
    decoded = inner.decode_queries(latents, queries).logits
    if task in ("masked_lm", "multimodal"):
        values = model.postprocess(decoded, queries.modality_sizes)
        values = model._scores(values) if task == "masked_lm" else values
    elif task == "optical_flow":
        values = model.postprocess(decoded).unflatten(1, (7, 5))
    else:
        values = model.postprocess(decoded)[:, 0]
    same(values, model.decode(encoded), 1e-5)


@pytest.mark.parametrize("task", ["masked_lm", "optical_flow", "multimodal"])
def test_queries_of_some_rows_are_rows_of_the_queries(task, tiny, inputs_of):
    model = tiny(task)
    encoded = model.encode(inputs_of(task))
    whole = model.build_queries(encoded)
    some = model.build_queries(encoded, rows=slice(4, 9))
    torch.testing.assert_close(some.tokens, whole.tokens[:, 4:9])
    if task == "multimodal":
        assert some.modality_sizes == {"audio": 5}
        across = model.build_queries(encoded, rows=slice(13, 88))
        assert across.modality_sizes == {"audio": 2, "image": 72, "label": 1}
        torch.testing.assert_close(across.tokens, whole.tokens[:, 13:])


def test_queries_of_positions_are_rows_of_the_queries(tiny, inputs_of):
    model = tiny("masked_lm")
    encoded = model.encode(inputs_of("masked_lm"))
    whole = model.build_queries(encoded).tokens
    torch.testing.assert_close(model.build_queries(encoded, positions=[7, 2]).tokens, whole[:, [7, 2]])


# Positions of the user


@pytest.mark.parametrize("task", ["image_fourier", "image_conv", "optical_flow"])
def test_positions_of_the_users_own_are_each_samples_own(task, tiny, inputs_of, same):
    model = tiny(task)
    inputs = inputs_of(task)
    rows, columns = {"image_fourier": (5, 7), "image_conv": (3, 4), "optical_flow": (7, 5)}[task]
    axes = torch.linspace(-1, 1, rows), torch.linspace(-1, 1, columns)
    grid = torch.stack(torch.meshgrid(*axes, indexing="ij"), dim=-1).reshape(1, -1, 2)
    default = model.encode(inputs).latents
    same(model.encode(inputs, pos=grid.expand(2, -1, -1)).latents, default, 1e-5)
    moved = torch.cat([grid, grid.flip(1)])
    latents = model.encode(inputs, pos=moved).latents
    same(latents[:1], default[:1], 1e-5)
    assert (latents[1] - default[1]).abs().max() > 1e-3
    alone = model.encode(inputs[1:], pos=moved[1:]).latents
    same(latents[1:], alone, 1e-5)
    with pytest.raises(ShapeError, match=rf"`pos` must have shape \[2, {rows * columns}, 2\], received"):
        model.encode(inputs, pos=torch.zeros(3, rows * columns, 2))


def test_positions_of_the_users_own_by_modality(tiny, inputs_of, same):
    model, inputs = tiny("multimodal"), inputs_of("multimodal")
    default = model.encode(inputs).latents
    seconds = torch.linspace(-1, 1, 15)[:, None]
    same(model.encode(inputs, pos={"audio": seconds.expand(2, -1, -1)}).latents, default, 1e-5)
    for pos in ({"audio": torch.rand(2, 15, 1)}, {"image": torch.rand(2, 18, 3)}):
        latents = model.encode(inputs, pos=pos).latents
        for row in range(2):
            one = {name: value[row : row + 1] for name, value in inputs.items()}
            alone = model.encode(one, pos={name: value[row : row + 1] for name, value in pos.items()}).latents
            same(latents[row : row + 1], alone, 1e-5)
        assert (latents - default).abs().amax(dim=(1, 2)).min() > 1e-3


def test_learned_positions_of_pictures_have_no_coordinates(tiny, inputs_of):
    with pytest.raises(ShapeError, match="`pos` needs Fourier positions"):
        tiny("image_learned").encode(inputs_of("image_learned"), pos=torch.zeros(2, 35, 2))


# Masks


@pytest.mark.parametrize("task", ["masked_lm", "sequence_classification"])
def test_padding_changes_nothing(task, tiny, inputs_of, same):
    model = tiny(task)
    ids = inputs_of(task)
    mask = (torch.arange(11) < torch.tensor([[4], [7]])).long()
    logits = model(ids, mask).logits
    other = torch.where(mask.bool(), ids, 30 - ids)
    same(model(other, mask).logits, logits)
    same(model.decode(model.encode(ids, mask)), logits)
    short = model(ids[:1, :4], torch.ones(1, 4)).logits
    same(logits[:1], short, 1e-5)


@pytest.mark.parametrize("task", ["image_learned", "image_fourier", "image_conv", "optical_flow"])
def test_masked_pixels_are_not_looked_at(task, tiny, inputs_of, same):
    model, inputs = tiny(task), inputs_of(task)
    num_tokens = model.encode(inputs).features.shape[1]
    mask = torch.rand(2, num_tokens) < 0.5
    encoded = model.encode(inputs, mask)
    inner = model.perceiver
    tokens, _, _ = inner.preprocess(inputs)
    for row in range(2):
        kept = tokens[row : row + 1, mask[row]]
        same(encoded.latents[row : row + 1], inner.encode_tokens(kept).last_hidden_state, 1e-5)
    same(model(inputs, attention_mask=mask).logits, model.decode(encoded), 1e-5)


def test_a_mask_by_modality_is_the_mask_over_all_tokens(tiny, inputs_of, same):
    model, inputs = tiny("multimodal"), inputs_of("multimodal")
    audio, image = torch.rand(2, 15) < 0.5, torch.rand(2, 18) < 0.5
    by_modality = model.encode(inputs, {"audio": audio, "image": image})
    joined = torch.cat([audio, image, torch.ones(2, 1, dtype=torch.bool)], dim=1)
    assert torch.equal(by_modality.mask, joined)
    same(by_modality.latents, model.encode(inputs, joined).latents)
    same(model.decode(by_modality), model(inputs, attention_mask={"audio": audio, "image": image}).logits)
    assert (by_modality.latents - model.encode(inputs).latents).abs().max() > 1e-3
    with pytest.raises(ShapeError, match=r"`attention_mask` must name modalities of \['audio', 'image', 'la"):
        model.encode(inputs, {"sound": audio})
    with pytest.raises(ShapeError, match=r"`attention_mask` must have shape \[2, 15\] \(one entry a token\)"):
        model.encode(inputs, {"audio": audio[:, :3]})


def test_a_mask_of_another_shape_is_refused(task, tiny, inputs_of):
    model, inputs = tiny(task), inputs_of(task)
    with pytest.raises(ShapeError, match=r"`attention_mask` must have shape \[2, \d+\].*received \[2, 2\]"):
        model(inputs, torch.ones(2, 2))


# Made by hand


class Sensor(nn.Module):
    """A plain module as a preprocessor: it only has `num_channels` and gives tokens."""

    num_channels = 7

    def __init__(self):
        super().__init__()
        self.map = nn.Linear(2, 7)

    def forward(self, inputs, interpolate_pos_encoding=False):
        return self.map(inputs), None, inputs


class Sum(nn.Module):
    """A plain module as a postprocessor; it mixes tokens, so chunks of them must not reach it."""

    def forward(self, inputs, modality_sizes=None):
        return inputs.sum(dim=1)


def basic_decoder(config, **options):
    return perceivers.PerceiverBasicDecoder(
        config,
        output_num_channels=3,
        output_index_dims=options.pop("output_index_dims", 13),
        num_channels=8,
        trainable_position_encoding_kwargs={"num_channels": 8, "index_dims": 13},
        **options,
    )


def test_plain_modules_serve_as_preprocessor_and_postprocessor(tiny_config, lively, same):
    config = tiny_config()
    model = perceivers.PerceiverModel(
        config, decoder=basic_decoder(config), input_preprocessor=Sensor(), output_postprocessor=Sum()
    ).eval()
    lively(model)
    inputs = torch.randn(2, 17, 2)
    encoded = model.encode(inputs)
    bare = model.decode_queries(encoded.latents, model.build_queries(encoded)).logits
    assert encoded.index_dims == (17,)
    same(model(inputs).logits, bare.sum(dim=1))
    same(model.decode(encoded, chunk_size=5), bare.sum(dim=1))
    same(model.decode(encoded, positions=[2, 3]), bare[:, 2:4].sum(dim=1))
    mask = torch.arange(17).expand(2, -1) < 11
    same(model(inputs, attention_mask=mask).last_hidden_state, model.encode(inputs[:, :11]).latents, 1e-5)


def test_without_a_preprocessor_inputs_are_tokens(tiny_config, lively):
    model = perceivers.PerceiverModel(tiny_config()).eval()
    lively(model)
    tokens = torch.randn(2, 17, 14)
    output = model(tokens)
    assert output.logits is None
    assert torch.equal(output.last_hidden_state, model.encode(tokens).latents)
    assert model.encode(tokens).tokens is None
    refused = (
        r"`inputs` must be floating-point tokens \[batch, num_inputs, 14\] \(`d_model`\) without an `input_p"
    )
    for wrong in (tokens[0], tokens[..., :13], torch.ones(2, 17, 14, dtype=torch.long)):
        with pytest.raises(ShapeError, match=refused):
            model(wrong)
    for empty in (tokens[:0], tokens[:, :0]):
        with pytest.raises(ShapeError, match="`inputs` must not be empty, received"):
            model(empty)
    with pytest.raises(ShapeError, match="`inputs` must hold finite numbers, received NaN or infinity"):
        model(torch.full((1, 2, 14), float("nan")))


def test_without_a_decoder_nothing_can_be_decoded(tiny_config):
    model = perceivers.PerceiverModel(tiny_config())
    encoded = model.encode(torch.randn(1, 2, 14))
    for verb in (model.decode, model.build_queries):
        with pytest.raises(ConfigurationError, match="`decoder` must be given to PerceiverModel to decode"):
            verb(encoded)


def test_inputs_come_in_the_models_dtype(tiny_config, lively):
    model = perceivers.PerceiverModel(tiny_config()).eval()
    lively(model)
    tokens = torch.randn(2, 3, 14)
    assert torch.equal(model(tokens.double()).last_hidden_state, model(tokens).last_hidden_state)


def test_any_names_of_modalities_work(tiny_config, lively, same):
    config = tiny_config()
    fourier = {"num_bands": 2, "max_resolution": (5,)}
    picture = {"num_bands": 2, "max_resolution": (4, 6)}
    preprocessor = perceivers.PerceiverMultimodalPreprocessor(
        modalities={
            "sound": perceivers.PerceiverAudioPreprocessor(
                config, samples_per_patch=3, fourier_position_encoding_kwargs=fourier
            ),
            "depth": perceivers.PerceiverImagePreprocessor(
                config, "patches", 2, in_channels=1, fourier_position_encoding_kwargs=picture
            ),
        }
    )
    decoder = perceivers.PerceiverMultimodalDecoder(
        config,
        modalities={
            "sound": perceivers.PerceiverBasicDecoder(
                config, 5, "fourier", 5, position_encoding_only=True, fourier_position_encoding_kwargs=fourier
            ),
            "depth": perceivers.PerceiverBasicDecoder(
                config,
                5,
                "fourier",
                (4, 6),
                position_encoding_only=True,
                fourier_position_encoding_kwargs=picture,
            ),
        },
        num_outputs=5 + 24,
        output_num_channels=5,
    )
    postprocessor = perceivers.PerceiverMultimodalPostprocessor(
        modalities={
            "sound": perceivers.PerceiverAudioPostprocessor(config, in_channels=5),
            "depth": perceivers.PerceiverProjectionPostprocessor(5, 1),
        }
    )
    model = perceivers.PerceiverModel(config, decoder, preprocessor, postprocessor).eval()
    lively(model)
    inputs = {"sound": torch.randn(2, 15, 1), "depth": torch.randn(2, 1, 4, 6)}
    logits = model(inputs).logits
    assert {name: tuple(value.shape) for name, value in logits.items()} == {
        "depth": (2, 24, 1),
        "sound": (2, 10),
    }
    encoded = model.encode(inputs, {"sound": torch.ones(2, 5)})
    assert encoded.modality_sizes == {"depth": 6, "sound": 5}
    same(model.decode(encoded, chunk_size=7), logits)
    points = {"depth": torch.tensor([23, 5]), "sound": torch.tensor([4])}
    decoded = model.decode(encoded, positions=points)
    same(decoded["depth"], logits["depth"][:, [23, 5]])
    same(decoded["sound"], logits["sound"][:, 8:])
    without_sound = model.encode({"depth": inputs["depth"]})
    assert without_sound.modality_sizes == {"depth": 6}
    assert model.decode(without_sound)["sound"].shape == (2, 10)


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"postproc_type": "conv", "spatial_upsample": 2}, (2, 4, 6, 2)),
        ({"postproc_type": "patches", "spatial_upsample": 3}, (2, 6, 9, 2)),
        ({"postproc_type": "conv1x1"}, (2, 2, 3, 2)),
    ],
    ids=["transposed convolution", "patches", "linear"],
)
def test_postprocessors_that_need_the_whole_picture_get_it(options, expected, tiny_config, lively, same):
    config = tiny_config()
    decoder = basic_decoder(config, output_index_dims=(2, 3))
    decoder.output_position_encodings = perceivers.PerceiverTrainablePositionEncoding((2, 3), 8)
    postprocessor = perceivers.PerceiverImagePostprocessor(
        in_channels=3, out_channels=2, input_reshape_size=(2, 3), **options
    )
    model = perceivers.PerceiverModel(config, decoder, Sensor(), postprocessor).eval()
    lively(model)
    inputs = torch.randn(2, 5, 2)
    encoded = model.encode(inputs)
    logits = model(inputs).logits
    assert logits.shape == expected
    for chunk_size in (1, 4, 6):
        same(model.decode(encoded, chunk_size=chunk_size), logits, 1e-5)


def test_one_modality_may_need_its_whole_picture_while_others_do_not(tiny_config, lively, same):
    config = tiny_config()
    picture = {"num_bands": 2, "max_resolution": (2, 3)}
    decoder = perceivers.PerceiverMultimodalDecoder(
        config,
        modalities={
            "words": basic_decoder(config, position_encoding_only=True),
            "map": perceivers.PerceiverBasicDecoder(
                config,
                5,
                "fourier",
                (2, 3),
                position_encoding_only=True,
                fourier_position_encoding_kwargs=picture,
            ),
        },
        output_num_channels=5,
    )
    postprocessor = perceivers.PerceiverMultimodalPostprocessor(
        {
            "map": perceivers.PerceiverImagePostprocessor(
                5, "conv", 2, input_reshape_size=(2, 3), out_channels=1
            ),
            "words": perceivers.PerceiverProjectionPostprocessor(5, 4),
        }
    )
    model = perceivers.PerceiverModel(config, decoder, Sensor(), postprocessor).eval()
    lively(model)
    encoded = model.encode(torch.randn(2, 5, 2))
    whole = model.decode(encoded)
    assert {name: tuple(value.shape) for name, value in whole.items()} == {
        "map": (2, 4, 6, 1),
        "words": (2, 13, 4),
    }
    same(model.decode(encoded, chunk_size=4), whole, 1e-5)


def test_scores_of_the_first_token_are_the_same_by_chunks(tiny_config, lively, same):
    config = tiny_config()
    decoder = basic_decoder(config)
    postprocessor = perceivers.PerceiverClassificationPostprocessor(config, in_channels=3)
    model = perceivers.PerceiverModel(config, decoder, Sensor(), postprocessor).eval()
    lively(model)
    encoded = model.encode(torch.randn(2, 5, 2))
    whole = model.decode(encoded)
    assert whole.shape == (2, 3)
    same(model.decode(encoded, chunk_size=4), whole)


# Bad questions


def test_points_outside_the_output_array_are_refused(tiny, inputs_of):
    model = tiny("masked_lm")
    encoded = model.encode(inputs_of("masked_lm"))
    for wrong, low, high in ([[11, 3], 3, 11], [[-1], -1, -1]):
        message = (
            rf"output points must be in \[0, 10\] for an output array of \[11\], received .* {low} to {high}"
        )
        with pytest.raises(ShapeError, match=message):
            model.decode(encoded, positions=wrong)


def test_positions_of_another_batch_are_refused(task, tiny, inputs_of):
    model = tiny(task)
    positions = torch.zeros(3, 1, dtype=torch.long)
    asked_for = {"image": positions} if task == "multimodal" else positions
    with pytest.raises(ShapeError, match=r"output points must be .*\[2, num_points\], received \[3, 1\]"):
        model.decode(model.encode(inputs_of(task)), positions=asked_for)


def test_points_by_modality_need_a_decoder_of_modalities(tiny, inputs_of):
    for task in ("masked_lm", "optical_flow", "sequence_classification"):
        model = tiny(task)
        with pytest.raises(
            ShapeError, match="output points by modality need a decoder of several modalities"
        ):
            model.decode(model.encode(inputs_of(task)), positions={"image": [0]})


def test_points_of_several_modalities_are_given_by_name(tiny, inputs_of):
    model = tiny("multimodal")
    encoded = model.encode(inputs_of("multimodal"))
    with pytest.raises(
        ShapeError, match=r"output points must be a mapping from some of \['audio', 'image', 'la"
    ):
        model.decode(encoded, positions=[0, 1])
    with pytest.raises(
        ShapeError, match=r"output points must be of modalities \['audio'.*received \['video'\]"
    ):
        model.decode(encoded, positions={"video": [0, 1]})


def test_inputs_are_tensors(task, tiny, inputs_of):
    model, inputs = tiny(task), inputs_of(task)
    if task == "multimodal":
        wrong, name = {**inputs, "audio": inputs["audio"].numpy()}, r"inputs\['audio'\]"
    else:
        wrong, name = inputs.numpy(), "inputs"
    for verb in (model, model.encode):
        with pytest.raises(ShapeError, match=f"`{name}` must be a torch.Tensor, received ndarray"):
            verb(wrong)


def test_aliases_are_tensors(tiny):
    with pytest.raises(ShapeError, match=r"`input_ids` must be a torch\.Tensor, received list"):
        tiny("masked_lm")(input_ids=[[1, 2]])
    with pytest.raises(ShapeError, match=r"`pixel_values` must be a torch\.Tensor, received list"):
        tiny("image_fourier")(pixel_values=[[1, 2]])


def test_parts_of_another_kind_are_refused(tiny_config):
    config = tiny_config()
    with pytest.raises(ShapeError, match=r"`inputs` must be a torch\.Tensor, received list"):
        perceivers.PerceiverModel(config)([[1.0]])
    with pytest.raises(
        ConfigurationError, match="`input_preprocessor` must say the channels of its tokens in `num_cha"
    ):
        perceivers.PerceiverModel(config, input_preprocessor=nn.Identity())
    with pytest.raises(
        ConfigurationError, match="`decoder` must be a PerceiverAbstractDecoder, received Linear"
    ):
        perceivers.PerceiverModel(config, decoder=nn.Linear(2, 3))


def test_memory_is_bounded_by_itself_while_gradients_are_off(monkeypatch, tiny_config, lively, same):
    config = tiny_config()
    decoder = basic_decoder(config, output_index_dims=13)
    model = perceivers.PerceiverModel(config, decoder=decoder).eval()
    lively(model)
    tokens = torch.randn(2, 5, config.d_model)
    with torch.enable_grad():
        whole = model(tokens).logits.detach()
    monkeypatch.setattr("perceivers.models.answering.DECODING_CHUNK", 5)
    attended = []
    decoder.decoding_cross_attention.register_forward_pre_hook(
        lambda _, args: attended.append(args[0].shape[1])
    )

    with torch.no_grad():
        same(model(tokens).logits, whole)
        assert attended == [5, 5, 3]
        model(tokens, output_attentions=True)
    with torch.enable_grad():
        model(tokens)
    assert attended == [5, 5, 3, 13, 13]
