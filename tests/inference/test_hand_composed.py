"""Models composed by hand: folded where their parts allow it, plain where they do not, equal either way."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor, nn

import perceivers as p
from perceivers.modalities.base import AbstractPreprocessor
from perceivers.models.task import LinearHead, PerceiverTaskModel
from perceivers.nn.token_structure import AffineMap

FOURIER = {"num_bands": 3, "max_resolution": (5, 7)}


@pytest.fixture(autouse=True)
def _without_gradients():
    with torch.no_grad():
        yield


def fourier_decoder(config: p.PerceiverConfig, **options: Any) -> p.PerceiverBasicDecoder:
    own = {
        "output_num_channels": 5,
        "position_encoding_type": "fourier",
        "output_index_dims": (5, 11),
        "num_channels": 14,
        "fourier_position_encoding_kwargs": FOURIER,
    }
    return p.PerceiverBasicDecoder(config, **{**own, **options})


def pixels(config: p.PerceiverConfig, **options: Any) -> p.PerceiverImagePreprocessor:
    own = {"prep_type": "pixels", "spatial_downsample": 1, "fourier_position_encoding_kwargs": FOURIER}
    return p.PerceiverImagePreprocessor(config, **{**own, **options})


@pytest.mark.parametrize("heads", [1, 2])
@pytest.mark.parametrize("residual", [False, True])
@pytest.mark.parametrize("rule", ["grid", "subsampled"])
@pytest.mark.parametrize("final", [False, True])
def test_fourier_queries(heads, residual, rule, final, config, drawn, assert_equal):
    shape = config()
    decoder = fourier_decoder(
        shape,
        num_heads=heads,
        use_query_residual=residual,
        final_project=final,
        qk_channels=6,
        v_channels=8,
        widening_factor=2,
    )
    model = drawn(p.PerceiverModel(shape, decoder, pixels(shape)))
    prepared = model.prepare()
    assert dict(prepared.plain_parts) == {}
    pictures = torch.randn(3, 3, 5, 7)
    ours, plain = prepared.encode(pictures), model.encode(pictures)
    mask = torch.rand(3, 55) < 0.6
    for asked in (
        {"coordinate_rule": rule},
        {"coordinate_rule": rule, "query_mask": mask},
        {"output_dims": (13, 2), "coordinate_rule": rule},
        {"positions": torch.tensor([3, 54, 7])},
        {"subsampled_output_points": torch.tensor([[3, 54], [1, 2], [0, 0]])},
    ):
        assert_equal(prepared.decode(ours, **asked), model.decode(plain, **asked))


# With few outputs the merged way reads fewer columns; with more outputs than it saves, the split way is cheaper.
@pytest.mark.parametrize(("outputs", "is_merged"), [(5, True), (47, False)])
def test_both_ways_to_the_answer_are_taken(outputs, is_merged, config, drawn, assert_equal):
    from perceivers.inference.query_tail import merging_is_cheaper

    shape = config(num_latents=61)
    decoder = fourier_decoder(
        shape,
        num_channels=14,
        qk_channels=4,
        v_channels=2,
        widening_factor=1,
        output_num_channels=outputs,
    )
    layer = decoder.decoding_cross_attention
    assert merging_is_cheaper(layer, shape.num_latents, outputs) == is_merged
    model = drawn(p.PerceiverModel(shape, decoder, pixels(shape)))
    pictures = torch.randn(2, 3, 5, 7)
    assert_equal(model.prepare()(pictures), model(pictures))


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"concat_or_add_pos": "add", "project_pos_dim": 3}, "positions are added"),
        ({"n_extra_pos_mlp": 2}, "a perceptron transforms positions"),
        ({"project_pos_dim": 5}, "a linear map mixes the axes"),
    ],
)
def test_tokens_that_must_be_built_whole(options, reason, config, drawn, assert_equal):
    shape = config(fidelity="deepmind")
    model = drawn(p.PerceiverModel(shape, fourier_decoder(shape), pixels(shape, **options)))
    prepared = model.prepare()
    assert list(prepared.plain_parts) == ["input_preprocessor"]
    assert reason in prepared.plain_parts["input_preprocessor"]
    pictures, mask = torch.randn(3, 3, 5, 7), torch.rand(3, 35) < 0.6
    mask[1] = False
    assert_equal(prepared(pictures, attention_mask=mask), model(pictures, attention_mask=mask))


@pytest.mark.parametrize(
    ("prep_type", "options", "shape"),
    [
        ("pixels", {"spatial_downsample": 2}, (3, 9, 7)),
        (
            "pixels",
            {
                "temporal_downsample": 2,
                "fourier_position_encoding_kwargs": {"num_bands": 2, "max_resolution": (2, 5, 7)},
            },
            (5, 3, 6, 7),
        ),
        ("patches", {"spatial_downsample": 3}, (3, 9, 15)),
        (
            "patches",
            {
                "spatial_downsample": 2,
                "conv_after_patching": True,
                "conv_after_patching_in_channels": 12,
                "out_channels": 17,
            },
            (3, 6, 10),
        ),
        (
            "patches",
            {
                "spatial_downsample": 2,
                "conv_after_patching": True,
                "conv_after_patching_in_channels": 12,
                "out_channels": 5,
            },
            (3, 6, 10),
        ),
        ("conv1x1", {"spatial_downsample": 2, "out_channels": 2}, (3, 9, 7)),
        ("conv1x1", {"spatial_downsample": 1, "out_channels": 11}, (3, 9, 7)),
        ("conv", {"spatial_downsample": 4, "out_channels": 6}, (3, 19, 31)),
        ("stem", {"spatial_downsample": 4, "stem_widths": (4, 6), "stem_blocks": 1}, (3, 19, 31)),
    ],
)
def test_every_way_to_make_tokens_of_pictures(prep_type, options, shape, config, drawn, assert_equal):
    own = config()
    model = drawn(p.PerceiverModel(own, input_preprocessor=pixels(own, prep_type=prep_type, **options)))
    prepared = model.prepare()
    assert dict(prepared.plain_parts) == {}
    pictures = torch.randn(2, *shape)
    ours, plain = prepared(pictures), model(pictures)
    assert_equal(ours, plain)
    assert prepared.encode(pictures).index_dims == model.encode(pictures).index_dims


def test_sound_with_fourier_and_with_learned_positions(config, drawn, assert_equal):
    shape = config()
    for positions in (
        {"fourier_position_encoding_kwargs": {"num_bands": 5, "max_resolution": (13,)}},
        {
            "position_encoding_type": "trainable",
            "trainable_position_encoding_kwargs": {"index_dims": 13, "num_channels": 4},
        },
        {
            "position_encoding_type": "trainable",
            "project_pos_dim": 5,
            "trainable_position_encoding_kwargs": {"index_dims": 13, "num_channels": 4},
        },
    ):
        sound = p.PerceiverAudioPreprocessor(shape, samples_per_patch=3, **positions)
        model = drawn(p.PerceiverModel(shape, fourier_decoder(shape), sound))
        samples = torch.randn(2, 39, 1)
        for chunk_size in (None, 5):
            assert_equal(model.prepare(chunk_size=chunk_size)(samples), model(samples))


def test_tokens_given_as_they_are(config, drawn, assert_equal):
    shape = config(num_cross_attention_heads=3)
    model = drawn(p.PerceiverModel(shape))
    tokens, mask = torch.randn(3, 13, 14) + 100, torch.rand(3, 13) < 0.5
    mask[:, 0] = True
    for chunk_size in (None, 4):
        prepared = model.prepare(chunk_size=chunk_size)
        assert_equal(prepared(tokens, attention_mask=mask), model(tokens, attention_mask=mask), 1e-4)
    assert dict(prepared.plain_parts) == {}


def test_queries_with_input_features_are_plain(config, drawn, assert_equal):
    shape = config()
    decoder = fourier_decoder(
        shape, concat_preprocessed_input=True, num_channels=17, output_index_dims=(5, 7)
    )
    model = drawn(p.PerceiverModel(shape, decoder, pixels(shape)))
    prepared = model.prepare(chunk_size=3)
    assert set(prepared.plain_parts) == {"decoder", "input_preprocessor"}
    assert "queries hold input features" in prepared.plain_parts["decoder"]
    pictures = torch.randn(2, 3, 5, 7)
    assert_equal(prepared(pictures), model(pictures))


def test_the_mean_latent_is_plain(config, drawn, assert_equal):
    shape = config()
    model = drawn(p.PerceiverModel(shape, p.PerceiverProjectionDecoder(shape), pixels(shape)))
    prepared = model.prepare()
    assert list(prepared.plain_parts) == ["decoder"]
    pictures = torch.randn(3, 3, 5, 7)
    assert_equal(prepared(pictures), model(pictures))


class Squares(AbstractPreprocessor):
    """A user's own preprocessor, which says nothing of its structure."""

    @property
    def num_channels(self) -> int:
        return 4

    def index_dims(self, inputs: Tensor) -> tuple[int, ...]:
        return (inputs.shape[1],)

    def forward(
        self,
        inputs: Tensor,
        pos: Any = None,
        network_input_is_1d: bool = True,
        interpolate_pos_encoding: bool = False,
    ) -> Any:
        return torch.cat([inputs, inputs.square()], dim=-1), None, inputs


def test_a_preprocessor_of_ones_own(config, drawn, assert_equal):
    shape = config()
    model = drawn(p.PerceiverModel(shape, fourier_decoder(shape), Squares()))
    prepared = model.prepare()
    assert "Squares does not say what its tokens consist of" in prepared.plain_parts["input_preprocessor"]
    points = torch.randn(3, 13, 2)
    assert_equal(prepared(points), model(points))


def test_a_function_as_preprocessor(config, drawn, assert_equal):
    class Doubling:
        num_channels = 2

        def __call__(self, inputs: Tensor, **_options: Any) -> Any:
            return 2 * inputs, None, inputs

    shape = config()
    model = drawn(p.PerceiverModel(shape, fourier_decoder(shape), Doubling()))
    prepared = model.prepare()
    assert "Doubling is not an AbstractPreprocessor" in prepared.plain_parts["input_preprocessor"]
    points = torch.randn(3, 13, 2)
    assert_equal(prepared(points), model(points))


@pytest.mark.parametrize(
    "postprocessor",
    [
        lambda shape: p.PerceiverProjectionPostprocessor(5, 2),
        lambda shape: p.PerceiverImagePostprocessor(5, "conv1x1", out_channels=2),
        lambda shape: p.PerceiverImagePostprocessor(
            5, "patches", 2, out_channels=3, input_reshape_size=(5, 11)
        ),
        lambda shape: nn.Sequential(nn.Tanh()),
    ],
)
def test_postprocessors_folded_and_plain(postprocessor, config, drawn, assert_equal):
    shape = config()
    post = postprocessor(shape)
    if isinstance(post, nn.Sequential):
        whole = post
        post = lambda decoded, modality_sizes=None: whole(decoded)  # noqa: E731
    model = drawn(p.PerceiverModel(shape, fourier_decoder(shape), pixels(shape), post))
    pictures = torch.randn(2, 3, 5, 7)
    assert_equal(model.prepare(chunk_size=7)(pictures), model(pictures))


def test_tokens_masked_at_random_are_drawn_alike(small, video, assert_equal):
    model = small("multimodal", mask_probabilities={"image": 0.5, "audio": 0.0, "label": 1.0})
    prepared = model.prepare()
    assert "'image' are masked at random" in prepared.plain_parts["input_preprocessor"]
    inputs = video()
    torch.manual_seed(3)
    expected = model(inputs)
    torch.manual_seed(3)
    assert_equal(prepared(inputs), expected)


def test_modalities_that_no_model_of_ours_has(config, drawn, assert_equal):
    shape = config(fidelity="deepmind")
    preprocessor = p.PerceiverMultimodalPreprocessor(
        {
            "depth": pixels(shape, in_channels=1),
            "thermal": pixels(shape, spatial_downsample=2, in_channels=2),
            "points": Squares(),
        },
        mask_probs={"thermal": 0.0},
        min_padding_size=3,
    )
    decoder = p.PerceiverMultimodalDecoder(
        shape,
        {
            "depth": fourier_decoder(shape, position_encoding_only=True),
            "text": p.PerceiverBasicDecoder(
                shape,
                output_num_channels=5,
                output_index_dims=7,
                position_encoding_only=True,
                trainable_position_encoding_kwargs={"index_dims": 7, "num_channels": 3},
            ),
        },
        output_num_channels=6,
        num_heads=1,
        use_query_residual=True,
    )
    post = p.PerceiverMultimodalPostprocessor(
        {
            "depth": p.PerceiverProjectionPostprocessor(6, 1),
            "text": p.PerceiverImagePostprocessor(6, out_channels=6),
        }
    )
    model = drawn(p.PerceiverModel(shape, decoder, preprocessor, post))
    prepared = model.prepare()
    assert "'points': Squares does not say" in prepared.plain_parts["input_preprocessor"]
    inputs = {
        "depth": torch.randn(2, 1, 5, 7),
        "points": torch.randn(2, 3, 2),
        "thermal": torch.randn(2, 2, 9, 7),
    }
    assert_equal(prepared(inputs), model(inputs))
    without = {"depth": inputs["depth"]}
    asked = {"text": torch.tensor([1, 5]), "depth": torch.empty(0)}
    assert_equal(
        prepared.decode(prepared.encode(without), positions=asked),
        model.decode(model.encode(without), positions=asked),
    )


class Doubled(p.PerceiverImagePreprocessor):
    """A subclass with its own `forward` and its base's description."""

    def forward(self, inputs: Tensor, *arguments: Any, **options: Any) -> Any:
        return super().forward(2 * inputs, *arguments, **options)


class Negated(p.PerceiverBasicDecoder):
    """A subclass with its own answers and its base's description."""

    def attend(self, *arguments: Any, **options: Any) -> Any:
        answered = super().attend(*arguments, **options)
        answered.logits = -answered.logits
        return answered


class Squared(p.PerceiverProjectionPostprocessor):
    def forward(self, inputs: Tensor, *arguments: Any, **options: Any) -> Tensor:
        return super().forward(inputs).square()


def test_a_subclass_that_changes_what_is_computed_is_not_described_by_its_base(config, drawn, assert_equal):
    shape, pictures = config(), torch.randn(2, 3, 5, 7)
    doubled = Doubled(shape, "pixels", 1, fourier_position_encoding_kwargs=FOURIER)
    model = drawn(p.PerceiverModel(shape, fourier_decoder(shape), doubled))
    prepared = model.prepare()
    assert "Doubled changes the tokens of its base" in prepared.plain_parts["input_preprocessor"]
    assert_equal(prepared(pictures), model(pictures))

    negated = Negated(
        shape,
        output_num_channels=5,
        position_encoding_type="fourier",
        output_index_dims=(3, 2),
        num_channels=14,
        fourier_position_encoding_kwargs=FOURIER,
    )
    model = drawn(p.PerceiverModel(shape, negated, pixels(shape), Squared(5, 2)))
    prepared = model.prepare()
    assert "Negated changes how queries" in prepared.plain_parts["decoder"]
    assert_equal(prepared(pictures), model(pictures))

    model = drawn(p.PerceiverModel(shape, fourier_decoder(shape), pixels(shape), Squared(5, 2)))
    assert_equal(model.prepare()(pictures), model(pictures))


class TokensAsQueries(p.PerceiverAbstractDecoder):
    """A decoder of one's own whose queries are the tokens."""

    needs_tokens = True

    def __init__(self) -> None:
        super().__init__()
        self.mixed = nn.Linear(12, 3)

    @property
    def num_query_channels(self) -> int:
        return 17

    def num_outputs(self, encoded: Any, asked_for: Any) -> int:
        return int(encoded.tokens.shape[1])

    def build_queries(self, encoded: Any, asked_for: Any = None, rows: slice | None = None) -> Any:
        from perceivers.decoders.base import Queries

        return Queries(encoded.tokens if rows is None else encoded.tokens[:, rows])

    def attend(
        self, query: Tensor, z: Tensor, query_mask: Any = None, output_attentions: bool = False
    ) -> Any:
        return p.PerceiverDecoderOutput(logits=query.sum(-1, keepdim=True) * self.mixed(z.mean(1))[:, None])


def test_a_decoder_of_ones_own_gets_whole_tokens(config, drawn, assert_equal):
    shape = config()
    model = drawn(p.PerceiverModel(shape, TokensAsQueries(), pixels(shape)))
    prepared = model.prepare(chunk_size=3)
    assert set(prepared.plain_parts) == {"decoder", "input_preprocessor"}
    pictures = torch.randn(2, 3, 5, 7)
    assert_equal(prepared(pictures), model(pictures))


class Scaled(nn.Module):
    """A head whose map no linear layer holds."""

    def __init__(self) -> None:
        super().__init__()
        self.factors = nn.Parameter(torch.randn(5))

    def forward(self, answers: Tensor) -> Tensor:
        return answers * self.factors + 1


class WithHead(PerceiverTaskModel):
    """A user's task model, which says how its head maps answers."""

    def __init__(self, config: p.PerceiverConfig) -> None:
        super().__init__(config)
        self.perceiver = p.PerceiverModel(config, fourier_decoder(config), pixels(config))
        self.head = Scaled()
        self.initialize_new_parameters()

    def forward(self, inputs: Tensor) -> Tensor:
        return self.head(self.perceiver(inputs).logits)

    def linear_head(self) -> LinearHead:
        return LinearHead("head", AffineMap(torch.diag(self.head.factors), torch.ones(5)))


def test_a_linear_head_of_ones_own_is_folded(config, drawn, assert_equal):
    model = drawn(WithHead(config()))
    pictures = torch.randn(2, 3, 5, 7)
    prepared = model.prepare()
    assert_equal(prepared(pictures), model(pictures))
    shell = vars(prepared)["_model"]
    assert not any(isinstance(each, Scaled) for each in shell.modules())


def test_a_linear_head_that_cannot_be_folded_stays(config, drawn, assert_equal):
    pictures = torch.randn(2, 3, 5, 7)
    shape = config()

    class Mapped(WithHead):
        """Answers go through a postprocessor before the head."""

        def __init__(self, config: p.PerceiverConfig) -> None:
            super().__init__(config)
            self.perceiver.output_postprocessor = p.PerceiverProjectionPostprocessor(5, 5)

    model = drawn(Mapped(shape))
    assert_equal(model.prepare()(pictures), model(pictures))

    plain = WithHead(shape)
    plain.perceiver.decoder = fourier_decoder(
        shape, concat_preprocessed_input=True, num_channels=17, output_index_dims=(5, 7)
    )
    drawn(plain)
    prepared = plain.prepare()
    assert "decoder" in prepared.plain_parts
    assert_equal(prepared(pictures), plain(pictures))


class AsksWithFeatures(TokensAsQueries):
    """A decoder of one's own that reads the input's features, and says nothing of it."""

    needs_tokens = False

    def num_outputs(self, encoded: Any, asked_for: Any) -> int:
        return int(encoded.features.shape[1])

    def build_queries(self, encoded: Any, asked_for: Any = None, rows: slice | None = None) -> Any:
        from perceivers.decoders.base import Queries

        return Queries(encoded.features if rows is None else encoded.features[:, rows])


def test_a_decoder_of_ones_own_may_ask_with_features(config, drawn, assert_equal):
    shape = config()
    model = drawn(p.PerceiverModel(shape, AsksWithFeatures(), pixels(shape)))
    prepared = model.prepare(chunk_size=3)
    assert set(prepared.plain_parts) == {"decoder", "input_preprocessor"}
    pictures = torch.randn(2, 3, 5, 7)
    assert_equal(prepared(pictures), model(pictures))


def test_changed_answers_alone_leave_the_input_folded(config, drawn):
    shape = config()
    negated = Negated(
        shape,
        output_num_channels=5,
        position_encoding_type="fourier",
        output_index_dims=(3, 2),
        num_channels=14,
        fourier_position_encoding_kwargs=FOURIER,
    )
    assert list(drawn(p.PerceiverModel(shape, negated, pixels(shape))).prepare().plain_parts) == ["decoder"]


class Summed(p.PerceiverMultimodalPostprocessor):
    """A subclass that changes what several modalities become."""

    def forward(self, inputs: Any, *arguments: Any, **options: Any) -> Any:
        return {name: values + 1 for name, values in super().forward(inputs, *arguments, **options).items()}

    def of_chunk(self, decoded: Any, modality_sizes: Any) -> Any:
        return decoded

    def of_whole(self, joined: Any, modality_sizes: Any) -> Any:
        return self(joined, modality_sizes=modality_sizes)


@pytest.mark.parametrize("kind", [p.PerceiverMultimodalPostprocessor, Summed])
def test_values_of_several_modalities_that_a_subclass_changes(kind, config, drawn, assert_equal):
    shape = config()
    decoder = p.PerceiverMultimodalDecoder(
        shape, {name: fourier_decoder(shape, position_encoding_only=True) for name in "ab"}, num_heads=1
    )
    post = kind(
        {
            "a": p.PerceiverProjectionPostprocessor(shape.output_num_channels, 2),
            "b": p.PerceiverProjectionPostprocessor(shape.output_num_channels, 3),
        }
    )
    model = drawn(p.PerceiverModel(shape, decoder, pixels(shape), post))
    pictures = torch.randn(2, 3, 5, 7)
    assert_equal(model.prepare()(pictures), model(pictures))


class BytesAsQueries(p.PerceiverOpticalFlowDecoder):
    """Every byte asks, with its own token."""


def test_bytes_that_ask_are_built_whole(config, drawn, assert_equal):
    shape = config()
    decoder = BytesAsQueries(
        shape, num_channels=shape.d_model, output_image_shape=(11,), output_num_channels=3
    )
    model = drawn(p.PerceiverModel(shape, decoder, p.PerceiverTextPreprocessor(shape)))
    prepared = model.prepare()
    assert list(prepared.plain_parts) == ["input_preprocessor"]
    assert "asks with tokens that are looked up" in prepared.plain_parts["input_preprocessor"]
    ids = torch.randint(0, 31, (2, 11))
    assert_equal(prepared(ids), model(ids))


def test_tokens_of_any_structure_may_ask(config, drawn, assert_equal):
    shape = config()
    pairs = {
        "tokens as they are": (None, 14, torch.randn(2, 11, 14)),
        "points": (p.PerceiverPointsPreprocessor(shape, 2, 3, num_bands=2), 13, torch.rand(2, 11, 5)),
        "pixels": (pixels(shape), 17, torch.randn(2, 3, 5, 7)),
    }
    for preprocessor, channels, inputs in pairs.values():
        decoder = p.PerceiverOpticalFlowDecoder(
            shape, num_channels=channels, output_image_shape=(5, 7), output_num_channels=3
        )
        model = drawn(p.PerceiverModel(shape, decoder, preprocessor))
        assert_equal(model.prepare()(inputs), model(inputs))
