"""Models put together by hand from preprocessors, decoders and postprocessors, as the reference page's examples do."""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType
from typing import Any

import pytest
import torch
from torch import Tensor, nn

Config = Any
FOURIER = {"num_bands": 5, "max_resolution": (8, 12), "concat_pos": True, "sine_only": False}
IMAGE = (2, 3, 8, 12)
VIDEO = (2, 4, 3, 8, 12)


def library(name: str) -> ModuleType:
    if name == "ours":
        import perceivers

        return perceivers
    from transformers.models.perceiver import modeling_perceiver

    return modeling_perceiver


def normal(*shape: int) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(sum(shape)))


def classifier(kit: Any, config: Config, **options: Any) -> Any:
    return kit.PerceiverClassificationDecoder(
        config,
        num_channels=config.d_latents,
        trainable_position_encoding_kwargs={"num_channels": config.d_latents, "index_dims": 1},
        use_query_residual=True,
        **options,
    )


# Preprocessors: name -> (how to build it, what it takes)

PREPROCESSORS: dict[str, tuple[Callable[[Any, Config], nn.Module], Any]] = {
    "text": (
        lambda kit, config: kit.PerceiverTextPreprocessor(config),
        torch.arange(14).reshape(2, 7),
    ),
    "pixels with Fourier positions": (
        lambda kit, config: kit.PerceiverImagePreprocessor(
            config, prep_type="pixels", spatial_downsample=1, fourier_position_encoding_kwargs=FOURIER
        ),
        normal(*IMAGE),
    ),
    "pixels with sines only": (
        lambda kit, config: kit.PerceiverImagePreprocessor(
            config,
            prep_type="pixels",
            spatial_downsample=1,
            fourier_position_encoding_kwargs={**FOURIER, "sine_only": True},
        ),
        normal(*IMAGE),
    ),
    "pixels with learned positions": (
        lambda kit, config: kit.PerceiverImagePreprocessor(
            config,
            prep_type="pixels",
            spatial_downsample=1,
            position_encoding_type="trainable",
            trainable_position_encoding_kwargs={"num_channels": 9, "index_dims": 96},
        ),
        normal(*IMAGE),
    ),
    "a linear map of pixels, positions beside": (
        lambda kit, config: kit.PerceiverImagePreprocessor(
            config,
            prep_type="conv1x1",
            spatial_downsample=1,
            out_channels=16,
            position_encoding_type="trainable",
            concat_or_add_pos="concat",
            project_pos_dim=7,
            trainable_position_encoding_kwargs={"num_channels": 16, "index_dims": 96},
        ),
        normal(*IMAGE),
    ),
    "a linear map of pixels, positions added": (
        lambda kit, config: kit.PerceiverImagePreprocessor(
            config,
            prep_type="conv1x1",
            spatial_downsample=2,
            out_channels=16,
            position_encoding_type="trainable",
            concat_or_add_pos="add",
            trainable_position_encoding_kwargs={"num_channels": 16, "index_dims": 24},
        ),
        normal(*IMAGE),
    ),
    "a convolutional stem": (
        lambda kit, config: kit.PerceiverImagePreprocessor(
            config, prep_type="conv", out_channels=11, fourier_position_encoding_kwargs=FOURIER
        ),
        normal(2, 3, 21, 34),
    ),
    "a convolutional stem without batch norm": (
        lambda kit, config: kit.PerceiverImagePreprocessor(
            config,
            prep_type="conv",
            out_channels=11,
            conv2d_use_batchnorm=False,
            fourier_position_encoding_kwargs=FOURIER,
        ),
        normal(2, 3, 21, 34),
    ),
    "patches": (
        lambda kit, config: kit.PerceiverImagePreprocessor(
            config, prep_type="patches", spatial_downsample=4, fourier_position_encoding_kwargs=FOURIER
        ),
        normal(*IMAGE),
    ),
    "patches of a video, two frames each": (
        lambda kit, config: kit.PerceiverImagePreprocessor(
            config,
            prep_type="patches",
            spatial_downsample=4,
            temporal_downsample=2,
            fourier_position_encoding_kwargs={"num_bands": 3, "max_resolution": (4, 8, 12)},
        ),
        normal(*VIDEO),
    ),
    "a linear map of patches of a pair of frames": (
        lambda kit, config: kit.PerceiverImagePreprocessor(
            config,
            prep_type="patches",
            spatial_downsample=1,
            temporal_downsample=2,
            conv_after_patching=True,
            conv_after_patching_in_channels=54,
            out_channels=13,
            fourier_position_encoding_kwargs=FOURIER,
        ),
        normal(2, 2, 27, 8, 12),
    ),
    "sound with Fourier positions": (
        lambda kit, config: kit.PerceiverAudioPreprocessor(
            config,
            samples_per_patch=5,
            fourier_position_encoding_kwargs={"num_bands": 7, "max_resolution": (40,)},
        ),
        normal(2, 40, 1),
    ),
    "sound with learned positions": (
        lambda kit, config: kit.PerceiverAudioPreprocessor(
            config,
            samples_per_patch=5,
            position_encoding_type="trainable",
            out_channels=11,
            project_pos_dim=3,
            trainable_position_encoding_kwargs={"num_channels": 11, "index_dims": 8},
        ),
        normal(2, 40, 1),
    ),
    "video, sound and label": (
        lambda kit, config: kit.PerceiverMultimodalPreprocessor(
            min_padding_size=3,
            modalities={
                "audio": PREPROCESSORS["sound with Fourier positions"][0](kit, config),
                "image": PREPROCESSORS["patches of a video, two frames each"][0](kit, config),
                "label": kit.PerceiverOneHotPreprocessor(config),
            },
            mask_probs={"image": 0.0, "audio": 0.0, "label": 1.0},
        ),
        {"image": normal(*VIDEO), "audio": normal(2, 40, 1), "label": normal(2, 3)},
    ),
    "modalities of other names": (
        lambda kit, config: kit.PerceiverMultimodalPreprocessor(
            min_padding_size=1,
            modalities={
                "touch": PREPROCESSORS["sound with Fourier positions"][0](kit, config),
                "smell": kit.PerceiverOneHotPreprocessor(config),
            },
            mask_probs={"touch": 1.0},
        ),
        {"touch": normal(2, 40, 1), "smell": normal(2, 3)},
    ),
}


@pytest.fixture(scope="module")
def twins(
    our_config: Callable[..., Any], their_config: Callable[..., Any], lively: Callable[..., None]
) -> Callable[..., tuple[Any, Any]]:
    """The same part or model built from both libraries, with the same weights."""

    def build(make: Callable[[Any, Config], nn.Module], **changes: Any) -> tuple[Any, Any]:
        torch.manual_seed(0)
        theirs = make(library("theirs"), their_config(**changes))
        lively(theirs)
        ours = make(library("ours"), our_config(**changes))
        ours.load_state_dict(theirs.state_dict(), strict=True)
        assert list(ours.state_dict()) == list(theirs.state_dict())
        return ours.eval(), theirs.eval()

    return build


@pytest.mark.parametrize("name", list(PREPROCESSORS))
def test_a_preprocessor_alone_gives_the_same_tokens(
    name: str, twins: Callable[..., Any], assert_equal_outputs: Callable[..., None]
) -> None:
    make, inputs = PREPROCESSORS[name]
    ours, theirs = twins(make)
    with torch.no_grad():
        (tokens, sizes, features), (their_tokens, their_sizes, their_features) = ours(inputs), theirs(inputs)
    assert ours.num_channels == theirs.num_channels == tokens.shape[-1]
    assert_equal_outputs(tokens, their_tokens)
    if isinstance(features, dict):
        features, their_features = dict(sorted(features.items())), dict(sorted(their_features.items()))
    assert_equal_outputs(features, their_features)
    assert (sizes and dict(sizes)) == (their_sizes and dict(their_sizes))


@pytest.mark.parametrize("name", list(PREPROCESSORS))
def test_a_classifier_of_anything_gives_the_same_scores(
    name: str, twins: Callable[..., Any], assert_equal_outputs: Callable[..., None]
) -> None:
    make, inputs = PREPROCESSORS[name]
    ours, theirs = twins(
        lambda kit, config: kit.PerceiverModel(
            config, input_preprocessor=make(kit, config), decoder=classifier(kit, config)
        )
    )
    asked = {"output_attentions": True, "output_hidden_states": True}
    with torch.no_grad():
        assert_equal_outputs(ours(inputs, **asked), theirs(inputs, **asked))
        assert_equal_outputs(ours(inputs), theirs(inputs))


# Decoders: name -> how to build one; each answers latents of sound with Fourier positions

DECODERS: dict[str, Callable[[Any, Config], nn.Module]] = {
    "a class": classifier,
    "learned queries": lambda kit, config: kit.PerceiverBasicDecoder(
        config,
        output_num_channels=6,
        output_index_dims=5,
        num_channels=14,
        num_heads=2,
        qk_channels=10,
        v_channels=18,
        widening_factor=3,
        trainable_position_encoding_kwargs={"num_channels": 14, "index_dims": 5},
    ),
    "learned queries without a final map": lambda kit, config: kit.PerceiverBasicDecoder(
        config,
        output_num_channels=14,
        output_index_dims=5,
        num_channels=14,
        final_project=False,
        use_query_residual=True,
        trainable_position_encoding_kwargs={"num_channels": 14, "index_dims": 5},
    ),
    "queries with the input's features": lambda kit, config: kit.PerceiverBasicDecoder(
        config,
        output_num_channels=6,
        output_index_dims=8,
        num_channels=14 + 5,
        concat_preprocessed_input=True,
        trainable_position_encoding_kwargs={"num_channels": 14, "index_dims": 8},
    ),
}


@pytest.mark.parametrize("name", list(DECODERS))
def test_a_decoder_gives_the_same_queries_and_answers(
    name: str, twins: Callable[..., Any], assert_equal_outputs: Callable[..., None]
) -> None:
    ours, theirs = twins(DECODERS[name])
    tokens, features, latents = normal(2, 8, 20), normal(2, 8, 5), normal(2, 10, 20)
    answers = []
    for decoder in (ours, theirs):
        query = decoder.decoder_query(tokens, inputs_without_pos=features)
        with torch.no_grad():
            answers.append((query, decoder(query, latents, output_attentions=True)))
    assert_equal_outputs(*answers)


@pytest.mark.parametrize("name", list(DECODERS))
def test_a_model_with_the_decoder_gives_the_same_answers(
    name: str, twins: Callable[..., Any], assert_equal_outputs: Callable[..., None]
) -> None:
    ours, theirs = twins(
        lambda kit, config: kit.PerceiverModel(
            config,
            input_preprocessor=PREPROCESSORS["sound with Fourier positions"][0](kit, config),
            decoder=DECODERS[name](kit, config),
        )
    )
    sound = normal(2, 40, 1)
    with torch.no_grad():
        assert_equal_outputs(ours(sound, output_attentions=True), theirs(sound, output_attentions=True))
        assert_equal_outputs(ours(sound).logits, theirs(sound).logits)


@pytest.mark.parametrize("fourier", [True, False], ids=["Fourier", "learned"])
def test_flow_of_a_pair_of_frames_composed_by_hand(
    fourier: bool, twins: Callable[..., Any], assert_equal_outputs: Callable[..., None]
) -> None:
    positions: dict[str, Any] = {
        "position_encoding_type": "fourier" if fourier else "trainable",
        "fourier_position_encoding_kwargs": FOURIER,
        "trainable_position_encoding_kwargs": {"num_channels": 22, "index_dims": 96},
    }

    def compose(kit: Any, config: Config) -> nn.Module:
        preprocessor = kit.PerceiverImagePreprocessor(
            config,
            prep_type="patches",
            spatial_downsample=1,
            temporal_downsample=2,
            conv_after_patching=True,
            conv_after_patching_in_channels=54,
            out_channels=13,
            concat_or_add_pos="concat",
            **positions,
        )
        decoder = kit.PerceiverOpticalFlowDecoder(
            config,
            num_channels=preprocessor.num_channels,
            output_image_shape=(8, 12),
            rescale_factor=7.0,
            use_query_residual=False,
            output_num_channels=2,
            position_encoding_type="fourier",
            fourier_position_encoding_kwargs=FOURIER,
        )
        return kit.PerceiverModel(config, input_preprocessor=preprocessor, decoder=decoder)

    ours, theirs = twins(compose)
    frames = normal(2, 2, 27, 8, 12)
    with torch.no_grad():
        assert_equal_outputs(ours(frames, output_attentions=True), theirs(frames, output_attentions=True))


def autoencoder(kit: Any, config: Config) -> nn.Module:
    """Video, sound and label in and out, every number on the page."""
    video = {"num_bands": 3, "max_resolution": (4, 8, 12)}
    sound = {"num_bands": 7, "max_resolution": (40,)}
    points = {"image": (6,), "audio": (3,), "label": (1,)}
    image_decoder = kit.PerceiverBasicVideoAutoencodingDecoder(
        config,
        concat_preprocessed_input=False,
        output_shape=[2, 4, 8, 12],
        output_num_channels=17,
        use_query_residual=False,
        position_encoding_only=True,
        position_encoding_type="fourier",
        fourier_position_encoding_kwargs=video,
    )
    decoder = kit.PerceiverMultimodalDecoder(
        config,
        concat_preprocessed_input=False,
        subsampled_index_dims=points,
        modalities={
            "audio": kit.PerceiverBasicDecoder(
                config,
                concat_preprocessed_input=False,
                output_index_dims=(8,),
                subsampled_index_dims=points["audio"],
                output_num_channels=17,
                use_query_residual=False,
                position_encoding_only=True,
                position_encoding_type="fourier",
                fourier_position_encoding_kwargs=sound,
            ),
            "image": image_decoder,
            "label": kit.PerceiverClassificationDecoder(
                config,
                concat_preprocessed_input=False,
                use_query_residual=False,
                position_encoding_only=True,
                position_encoding_type="trainable",
                trainable_position_encoding_kwargs={"num_channels": 16, "index_dims": 1},
            ),
        },
        num_outputs=None,
        output_num_channels=17,
        min_padding_size=5,
        use_query_residual=True,
    )
    postprocessor = kit.PerceiverMultimodalPostprocessor(
        modalities={
            "audio": kit.PerceiverAudioPostprocessor(config, in_channels=17),
            "image": kit.PerceiverProjectionPostprocessor(in_channels=17, out_channels=3),
            "label": kit.PerceiverClassificationPostprocessor(config, in_channels=17),
        }
    )
    return kit.PerceiverModel(
        config,
        input_preprocessor=PREPROCESSORS["video, sound and label"][0](kit, config),
        decoder=decoder,
        output_postprocessor=postprocessor,
    )


@pytest.mark.parametrize("label_points", [None, "absent"])
def test_an_autoencoder_of_video_sound_and_label_composed_by_hand(
    label_points: str | None, twins: Callable[..., Any], assert_equal_outputs: Callable[..., None]
) -> None:
    ours, theirs = twins(autoencoder)
    inputs = PREPROCESSORS["video, sound and label"][1]
    points = {"image": torch.tensor([0, 95, 100, 383, 7, 7]), "audio": torch.tensor([7, 0, 2])}
    if label_points is None:
        points["label"] = None
    asked = {"subsampled_output_points": points, "output_attentions": True}
    with torch.no_grad():
        received, expected = ours(inputs, **asked), theirs(inputs, **asked)
    assert list(received.logits) == ["audio", "image", "label"]
    assert_equal_outputs(received, expected)


@pytest.mark.parametrize(
    "make",
    [
        lambda kit, config: kit.PerceiverProjectionPostprocessor(in_channels=20, out_channels=7),
        lambda kit, config: kit.PerceiverAudioPostprocessor(config, in_channels=20),
        lambda kit, config: kit.PerceiverClassificationPostprocessor(config, in_channels=20),
    ],
    ids=["projection", "audio", "classification"],
)
def test_a_postprocessor_alone_gives_the_same_values(
    make: Callable[..., nn.Module], twins: Callable[..., Any], assert_equal_outputs: Callable[..., None]
) -> None:
    ours, theirs = twins(make)
    decoded = normal(2, 5, 20)
    with torch.no_grad():
        assert_equal_outputs(ours(decoded), theirs(decoded))


@pytest.mark.parametrize("residual", [True, False])
@pytest.mark.parametrize("is_cross_attention", [True, False], ids=["cross", "self"])
def test_a_layer_alone_gives_the_same_output(
    is_cross_attention: bool,
    residual: bool,
    twins: Callable[..., Any],
    assert_equal_outputs: Callable[..., None],
) -> None:
    ours, theirs = twins(
        lambda kit, config: kit.PerceiverLayer(
            config,
            is_cross_attention=is_cross_attention,
            qk_channels=12,
            v_channels=20,
            num_heads=2,
            q_dim=20,
            kv_dim=14 if is_cross_attention else 20,
            widening_factor=3,
            use_query_residual=residual,
        )
    )
    options = {"inputs": normal(2, 9, 14)} if is_cross_attention else {}
    with torch.no_grad():
        for asked in (True, False):
            assert_equal_outputs(
                tuple(ours(normal(2, 6, 20), output_attentions=asked, **options)),
                tuple(theirs(normal(2, 6, 20), output_attentions=asked, **options)),
            )


@pytest.mark.parametrize("asked", [True, False])
def test_an_encoder_alone_gives_the_same_latents(
    asked: bool, twins: Callable[..., Any], assert_equal_outputs: Callable[..., None]
) -> None:
    ours, theirs = twins(lambda kit, config: kit.PerceiverEncoder(config, kv_dim=14), num_blocks=2)
    latents, tokens = normal(2, 10, 20), normal(2, 9, 14)
    options = {"output_attentions": asked, "output_hidden_states": asked}
    with torch.no_grad():
        assert_equal_outputs(
            ours(latents, inputs=tokens, **options), theirs(latents, inputs=tokens, **options)
        )


def test_fourier_and_learned_positions_alone_are_the_same(
    twins: Callable[..., Any], assert_equal_outputs: Callable[..., None]
) -> None:
    ours, theirs = twins(lambda kit, _: kit.PerceiverFourierPositionEncoding(**FOURIER))
    options = {"batch_size": 2, "device": torch.device("cpu"), "dtype": torch.float32}
    assert_equal_outputs(ours((8, 12), **options), theirs((8, 12), **options))
    assert ours.output_size() == theirs.output_size() == 22

    ours, theirs = twins(lambda kit, _: kit.PerceiverTrainablePositionEncoding((36,), num_channels=5))
    assert_equal_outputs(ours(2), theirs(2))
    fitted = {"interpolate_pos_encoding": True, "input_size": torch.Size((5, 9))}
    assert_equal_outputs(ours(2, **fitted), theirs(2, **fitted))


def test_positions_of_a_user_are_encoded_the_same_when_the_batch_shares_them(
    twins: Callable[..., Any],
) -> None:
    """Transformers takes the first sample's positions for all; ours must agree where all are the same."""
    ours, _ = twins(lambda kit, _: kit.PerceiverFourierPositionEncoding(**FOURIER))
    theirs = library("theirs")
    positions = normal(96, 2).clamp(-1, 1).expand(2, 96, 2)
    expected = theirs.generate_fourier_features(
        positions, num_bands=5, max_resolution=(8, 12), concat_pos=True, sine_only=False
    )
    received = ours((8, 12), 2, pos=positions)
    assert (received - expected).abs().max() <= 1e-5


@pytest.mark.parametrize("num_layers", [1, 3])
def test_masks_reach_the_encoder_of_a_hand_composed_model(
    num_layers: int, twins: Callable[..., Any], assert_equal_outputs: Callable[..., None]
) -> None:
    make, text = PREPROCESSORS["text"]
    ours, theirs = twins(
        lambda kit, config: kit.PerceiverModel(
            config, input_preprocessor=make(kit, config), decoder=classifier(kit, config)
        ),
        num_self_attends_per_block=num_layers,
    )
    mask = torch.tensor([[1, 1, 0, 1, 0, 0, 0], [0, 0, 0, 0, 0, 0, 0]])
    with torch.no_grad():
        assert_equal_outputs(ours(text, mask), theirs(text, mask))
