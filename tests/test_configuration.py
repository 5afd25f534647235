"""The configuration has the documented keys and defaults, says what is wrong, and survives every way to disk and back."""

from __future__ import annotations

import copy
import dataclasses
import json
import os
import pickle
import stat
import subprocess
import sys

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from perceivers import configuration
from perceivers.configuration import FIDELITIES, PerceiverConfig
from perceivers.errors import CheckpointError, ConfigurationError

# Keys that Transformers adds to every model's configuration and that say nothing about a Perceiver.
FOREIGN = {"transformers_version", "is_encoder_decoder", "_name_or_path"}

# Keys that both libraries have, none at its default.
SHARED_VALUES = {
    "num_latents": 7,
    "d_latents": 24,
    "qk_channels": 12,
    "image_size": [5, 7],
    "train_size": [11, 13],
    "output_shape": [1, 3, 5, 7],
    "_label_trainable_num_channels": 17,
    "hidden_act": "relu",
    "id2label": {0: "cat", 1: "dog", 2: "cow"},
    "label2id": {"cat": 0, "dog": 1, "cow": 2},
    "problem_type": "regression",
    "output_attentions": True,
    "architectures": ["PerceiverModel"],
    "dtype": "float16",
}

MAY_BE_ZERO = {
    "input_padding_size",
    "query_padding_size",
    "num_self_attends_per_block",
    "flow_tile_overlap",
    "chunk_size_feed_forward",
}
OUTPUT_FLAGS = ["output_attentions", "output_hidden_states", "return_dict"]
FLAGS = [key for key, value in PerceiverConfig().to_dict().items() if isinstance(value, bool)]
COUNTS = [
    key
    for key, value in PerceiverConfig().to_dict().items()
    if isinstance(value, int) and not isinstance(value, bool) and key not in {*MAY_BE_ZERO, "image_size"}
]


@pytest.fixture(scope="module")
def reference_class():
    from transformers import PerceiverConfig as Reference

    return Reference


def plain(values):
    """As JSON has it."""
    return json.loads(json.dumps(values))


class TestDefaults:
    def test_every_documented_key_has_the_documented_default(self, reference_class):
        reference = reference_class()
        ours = PerceiverConfig()
        for key, expected in reference.to_dict().items():
            if key not in FOREIGN:
                assert plain(getattr(ours, key)) == plain(expected), key
        assert ours.num_labels == reference.num_labels == 2
        assert ours.use_return_dict is True

    def test_sizes_that_the_reference_hard_codes_are_those_of_the_released_models(self):
        config = PerceiverConfig()
        expected = {
            "decoder_num_heads": 8,
            "decoder_qk_channels": 256,
            "image_channels": 3,
            "image_projection_channels": 256,
            "position_channels": 256,
            "projected_position_channels": 256,
            "fourier_num_bands": 64,
            "fourier_max_resolution": (224, 224),
            "stem_channels": 64,
            "stem_num_layers": 1,
            "stem_batch_norm": True,
            "stem_max_resolution": (56, 56),
            "flow_patch_size": 3,
            "flow_projection_channels": 64,
            "flow_rescale_factor": 100,
            "flow_target_scale": 20,
            "flow_tile_overlap": 20,
            "_label_trainable_num_channels": 1024,
            "video_patch_size": 4,
            "video_frames_per_patch": 1,
            "video_num_bands": 32,
            "audio_num_bands": 192,
            "input_padding_size": 4,
            "query_padding_size": 2,
            "mask_probabilities": {"audio": 0.0, "image": 0.0, "label": 1.0},
            "loss_weights": {"audio": 1.0, "image": 0.03, "label": 1e-4},
            "num_training_points": 512,
            "norm_eps": 1e-5,
        }
        assert {key: getattr(config, key) for key in expected} == expected

    def test_keys_are_given_by_name(self):
        with pytest.raises(TypeError, match="positional"):
            PerceiverConfig(256)

    def test_two_configurations_share_no_defaults(self):
        one, other = PerceiverConfig(), PerceiverConfig()
        one.mask_probabilities["audio"] = 0.5
        assert other.mask_probabilities["audio"] == 0.0

    def test_image_size_may_be_one_number_or_two(self):
        assert PerceiverConfig(image_size=7).image_height_width == (7, 7)
        assert PerceiverConfig(image_size=[5, 7]).image_height_width == (5, 7)

    def test_samples_of_sound_go_with_the_frames(self):
        assert PerceiverConfig().num_audio_samples == 30720
        assert PerceiverConfig(num_frames=3, audio_samples_per_frame=7).num_audio_samples == 21

    def test_importing_it_imports_no_torch(self):
        import subprocess

        program = "import perceivers.configuration, sys; print('torch' in sys.modules)"
        received = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
        assert received.stdout.strip() == "False"


class TestOtherNamesAndKeys:
    def test_unknown_keys_are_kept_and_written_back(self):
        config = PerceiverConfig(favourite_colour=["green", 3])
        assert config.favourite_colour == ["green", 3]
        assert config.to_dict()["favourite_colour"] == ["green", 3]
        assert PerceiverConfig.from_dict(config.to_dict()) == PerceiverConfig.from_dict(
            {"favourite_colour": ["green", 3], "conv_kernel_order": "height_width"}
        )

    def test_keys_added_later_are_written_too(self):
        config = PerceiverConfig()
        config.favourite_colour = "green"
        assert config.to_dict()["favourite_colour"] == "green"

    def test_use_return_dict_is_return_dict(self):
        config = PerceiverConfig(use_return_dict=False)
        assert config.return_dict is config.use_return_dict is False
        config.use_return_dict = True
        assert config.return_dict is True
        assert "use_return_dict" not in config.to_dict()

    @pytest.mark.parametrize("given", [torch.float16, "float16", "torch.float16"])
    def test_a_dtype_is_one_of_torchs_and_written_by_name(self, given):
        for key in ("dtype", "torch_dtype"):
            config = PerceiverConfig(**{key: given})
            assert config.dtype is torch.float16
            assert config.to_dict()["dtype"] == "float16"
            assert "torch_dtype" not in config.to_dict()

    def test_a_dtype_set_later_is_written_by_name(self):
        config = PerceiverConfig()
        config.dtype = torch.bfloat16
        assert config.to_dict()["dtype"] == "bfloat16"

    def test_dtype_wins_over_its_old_name(self):
        assert PerceiverConfig(torch_dtype="float16", dtype="bfloat16").dtype is torch.bfloat16

    @pytest.mark.parametrize("wrong", ["float17", "nn", 16])
    def test_a_dtype_that_torch_does_not_have_is_an_error(self, wrong):
        with pytest.raises(ConfigurationError, match=r"`dtype` must be a torch\.dtype or its name.*received"):
            PerceiverConfig(dtype=wrong)

    def test_a_configuration_that_says_no_dtype_does_not_import_torch(self):
        code = "import sys; from perceivers import PerceiverConfig; PerceiverConfig(); print('torch' in sys.modules)"
        shown = subprocess.run(
            [sys.executable, "-c", code], check=True, capture_output=True, text=True
        ).stdout
        assert shown.strip() == "False"

    @pytest.mark.parametrize("key", ["to_dict", "image_height_width", "num_audio_samples", "validate"])
    def test_derived_values_and_methods_cannot_be_given(self, key):
        with pytest.raises(ConfigurationError, match=f"`{key}` cannot be given"):
            PerceiverConfig(**{key: 3})

    def test_the_implementation_is_not_written(self):
        config = PerceiverConfig(attn_implementation="eager")
        assert "attn_implementation" not in config.to_dict()
        assert config == PerceiverConfig()


class TestLabels:
    def test_a_number_of_labels_names_them(self):
        config = PerceiverConfig(num_labels=3)
        assert config.id2label == {0: "LABEL_0", 1: "LABEL_1", 2: "LABEL_2"}
        assert config.label2id == {"LABEL_0": 0, "LABEL_1": 1, "LABEL_2": 2}

    def test_names_give_their_number(self):
        config = PerceiverConfig(id2label={"0": "cat", "1": "dog", "2": "cow"})
        assert config.num_labels == 3
        assert config.id2label == {0: "cat", 1: "dog", 2: "cow"}
        assert config.label2id == {"cat": 0, "dog": 1, "cow": 2}
        assert PerceiverConfig(num_labels=3, id2label=config.id2label) == config

    def test_names_by_label_are_kept_when_they_are_given(self):
        config = PerceiverConfig(id2label={0: "cat", 1: "dog"}, label2id={"cat": 0, "dog": 1, "kitten": 0})
        assert config.label2id == {"cat": 0, "dog": 1, "kitten": 0}

    def test_another_number_renames_the_labels_and_the_same_number_does_not(self):
        config = PerceiverConfig(id2label={0: "cat", 1: "dog"})
        config.num_labels = 2
        assert config.id2label == {0: "cat", 1: "dog"}
        config.num_labels = 3
        assert config.num_labels == 3
        assert config.id2label[2] == "LABEL_2"
        assert config.label2id == {"LABEL_0": 0, "LABEL_1": 1, "LABEL_2": 2}

    @given(num_labels=st.integers(1, 40))
    def test_any_number_survives_the_way_through_json(self, num_labels):
        config = PerceiverConfig(num_labels=num_labels)
        again = PerceiverConfig.from_dict(json.loads(config.to_json_string()))
        assert again == config
        assert again.num_labels == num_labels
        assert again.id2label == config.id2label

    def test_contradicting_numbers_are_an_error(self):
        with pytest.raises(ConfigurationError, match="`num_labels` is 3 but `id2label` names 2 labels"):
            PerceiverConfig(num_labels=3, id2label={0: "cat", 1: "dog"})

    @pytest.mark.parametrize("number", [0, -1, 2.0, True, "3"])
    def test_a_number_that_counts_nothing_is_an_error(self, number):
        with pytest.raises(ConfigurationError, match="`num_labels` must be a whole number of at least 1"):
            PerceiverConfig(num_labels=number)
        with pytest.raises(ConfigurationError, match="`num_labels` must be a whole number of at least 1"):
            PerceiverConfig().num_labels = number

    @pytest.mark.parametrize("names", [{}, {"cat": 0}, ["cat", "dog"], {None: "cat"}, 3])
    def test_names_without_class_numbers_are_an_error(self, names):
        with pytest.raises(ConfigurationError, match="`id2label` must map class numbers to names, received"):
            PerceiverConfig(id2label=names)


class TestFidelity:
    def test_each_fidelity_is_the_list_of_its_differences(self):
        config = PerceiverConfig(fidelity="deepmind")
        assert config.fidelity == "deepmind"
        assert config.hidden_act == "gelu_pytorch_tanh"
        assert config.attention_probs_dropout_prob == 0.0
        assert config.stem_padding == "same"
        assert config.learned_classifier_query_residual is False
        assert config.use_query_mask is True
        assert config.zero_fully_masked_rows is True

    def test_without_one_the_arithmetic_is_that_of_transformers(self):
        config = PerceiverConfig()
        assert config.fidelity == "transformers"
        assert PerceiverConfig(fidelity="transformers") == config
        assert {key: getattr(config, key) for key in FIDELITIES["transformers"]} == FIDELITIES["transformers"]

    def test_both_set_the_same_fields_and_each_to_another_value(self):
        ours, theirs = FIDELITIES["transformers"], FIDELITIES["deepmind"]
        assert ours.keys() == theirs.keys()
        assert all(ours[key] != theirs[key] for key in ours)

    def test_a_difference_given_alone_wins(self):
        config = PerceiverConfig(fidelity="deepmind", stem_padding="transformers")
        assert config.stem_padding == "transformers"
        assert config.use_query_mask is True

    def test_setting_it_later_sets_everything(self):
        config = PerceiverConfig(hidden_act="relu")
        config.set_fidelity("deepmind")
        assert config == PerceiverConfig(fidelity="deepmind")
        config.set_fidelity("transformers")
        assert config == PerceiverConfig()

    def test_a_file_records_it_and_an_override_replaces_it(self):
        stored = PerceiverConfig(fidelity="deepmind", hidden_act="relu").to_dict()
        assert stored["fidelity"] == "deepmind"
        assert PerceiverConfig.from_dict(stored).hidden_act == "relu"
        replaced = PerceiverConfig.from_dict(stored, fidelity="transformers", stem_padding="same")
        assert replaced == PerceiverConfig(stem_padding="same")

    def test_an_unknown_fidelity_is_an_error(self):
        message = "`fidelity` must be one of 'transformers', 'deepmind', received 'jax'"
        for call in (
            lambda: PerceiverConfig(fidelity="jax"),
            lambda: PerceiverConfig().set_fidelity("jax"),
            lambda: PerceiverConfig.from_dict({}, fidelity="jax"),
        ):
            with pytest.raises(ConfigurationError, match=message):
                call()


class TestDescriptions:
    def test_modalities_and_answers_are_kept_as_they_are(self, tmp_path):
        modalities = {"sound": {"type": "audio", "max_resolution": [8]}}
        answers = {"topic": {"type": "class", "id2label": {"0": "art", "1": "law"}}}
        config = PerceiverConfig(modalities=modalities, answers=answers)
        config.save_pretrained(tmp_path)
        again = PerceiverConfig.from_pretrained(tmp_path)
        assert again == config
        assert (again.modalities, again.answers) == (modalities, answers)

    def test_nothing_is_written_where_there_are_none(self):
        assert {"modalities", "answers"}.isdisjoint(PerceiverConfig().to_dict())


class TestValidation:
    @pytest.mark.parametrize("key", COUNTS)
    @pytest.mark.parametrize("value", [0, -3, 2.5, True, "7", None])
    def test_counts_must_be_whole_and_positive(self, key, value):
        with pytest.raises(
            ConfigurationError, match=rf"`{key}` must be a whole number of at least 1, received {value!r}"
        ):
            PerceiverConfig(**{key: value})

    @pytest.mark.parametrize("key", sorted(MAY_BE_ZERO))
    def test_some_counts_may_be_zero(self, key):
        assert getattr(PerceiverConfig(**{key: 0}), key) == 0
        with pytest.raises(
            ConfigurationError, match=rf"`{key}` must be a whole number of at least 0, received -1"
        ):
            PerceiverConfig(**{key: -1})

    @pytest.mark.parametrize("key", ["qk_channels", "v_channels"])
    def test_channels_may_be_left_to_the_layers(self, key):
        assert getattr(PerceiverConfig(**{key: None}), key) is None
        assert getattr(PerceiverConfig(**{key: 7}), key) == 7
        with pytest.raises(
            ConfigurationError, match=rf"`{key}` must be a whole number of at least 1, received 0"
        ):
            PerceiverConfig(**{key: 0})

    @pytest.mark.parametrize(
        ("key", "length"),
        [("fourier_max_resolution", 2), ("stem_max_resolution", 2), ("train_size", 2), ("output_shape", 4)],
    )
    def test_sizes_must_be_as_many_as_there_are_axes(self, key, length):
        right = [3, 5, 7, 11][:length]
        assert getattr(PerceiverConfig(**{key: right}), key) == right
        for wrong in (
            right[1:],
            [*right, 2],
            [0, *right[1:]],
            [2.5, *right[1:]],
            [True, *right[1:]],
            3,
            "35",
        ):
            with pytest.raises(
                ConfigurationError, match=rf"`{key}` must be {length} whole numbers of at least 1, received"
            ):
                PerceiverConfig(**{key: wrong})

    @pytest.mark.parametrize("size", [0, -7, True, [7, 0], [7], "7", None, 7.0])
    def test_image_size_must_be_a_size(self, size):
        with pytest.raises(ConfigurationError, match=r"`image_size` must be .* of at least 1, received"):
            PerceiverConfig(image_size=size)

    @pytest.mark.parametrize(
        ("key", "choices"),
        [
            ("cross_attention_shape_for_attention", "'q', 'kv'"),
            ("conv_kernel_order", "'width_height', 'height_width'"),
            ("stem_padding", "'transformers', 'same'"),
            ("attn_implementation", "'sdpa', 'eager'"),
            (
                "problem_type",
                "None, 'regression', 'single_label_classification', 'multi_label_classification'",
            ),
        ],
    )
    def test_choices_are_listed(self, key, choices):
        with pytest.raises(ConfigurationError, match=f"`{key}` must be one of {choices}, received 'other'"):
            PerceiverConfig(**{key: "other"})

    @pytest.mark.parametrize("value", [-0.1, 1.1, float("nan"), "half", True, None])
    def test_probabilities_lie_between_zero_and_one(self, value):
        with pytest.raises(
            ConfigurationError, match="`attention_probs_dropout_prob` must be a probability between 0 and 1"
        ):
            PerceiverConfig(attention_probs_dropout_prob=value)
        with pytest.raises(
            ConfigurationError, match=r"`mask_probabilities\['sound'\]` must be a probability between 0 and 1"
        ):
            PerceiverConfig(mask_probabilities={"sound": value})

    @pytest.mark.parametrize(
        "key",
        ["norm_eps", "layer_norm_eps", "initializer_range", "flow_rescale_factor", "flow_target_scale"],
    )
    @pytest.mark.parametrize("value", [-1e-5, float("nan"), float("inf"), "1e-5", True, None])
    def test_numbers_are_finite_and_not_negative(self, key, value):
        with pytest.raises(
            ConfigurationError, match=f"`{key}` must be a finite number of at least 0, received"
        ):
            PerceiverConfig(**{key: value})

    @pytest.mark.parametrize("value", [-1.0, "much", None])
    def test_loss_weights_are_numbers(self, value):
        with pytest.raises(
            ConfigurationError, match=r"`loss_weights\['sound'\]` must be a finite number of at least 0"
        ):
            PerceiverConfig(loss_weights={"sound": value})

    @pytest.mark.parametrize("key", ["mask_probabilities", "loss_weights"])
    @pytest.mark.parametrize("value", [None, 0.5, [("audio", 0.5)]])
    def test_values_of_modalities_are_a_mapping(self, key, value):
        with pytest.raises(
            ConfigurationError, match=f"`{key}` must be a mapping from modality to number, received"
        ):
            PerceiverConfig(**{key: value})

    @pytest.mark.parametrize("key", ["modalities", "answers"])
    @pytest.mark.parametrize("value", [["audio"], {"audio": "wav"}, {1: {}}, "audio"])
    def test_descriptions_are_a_mapping_of_mappings(self, key, value):
        with pytest.raises(
            ConfigurationError, match=f"`{key}` must be a mapping from names to mappings, received"
        ):
            PerceiverConfig(**{key: value})

    @pytest.mark.parametrize("key", sorted(set(FLAGS) - set(OUTPUT_FLAGS)))
    def test_flags_of_the_model_are_never_undecided(self, key):
        with pytest.raises(ConfigurationError, match=rf"`{key}` must be True or False, received None"):
            PerceiverConfig(**{key: None})

    @pytest.mark.parametrize("key", OUTPUT_FLAGS)
    def test_flags_of_the_output_are_as_by_default_where_undecided(self, key):
        assert getattr(PerceiverConfig(**{key: None}), key) is getattr(PerceiverConfig(), key)

    @pytest.mark.parametrize("key", FLAGS)
    @pytest.mark.parametrize("value", [1, "no"])
    def test_flags_are_true_or_false(self, key, value):
        with pytest.raises(ConfigurationError, match=f"`{key}` must be True or False, received {value!r}"):
            PerceiverConfig(**{key: value})

    def test_every_number_and_flag_is_validated(self):
        unchecked = {"output_attentions", "output_hidden_states", "return_dict"}
        for entry in dataclasses.fields(configuration._ConfigFields):
            if (
                isinstance(getattr(PerceiverConfig(), entry.name), (int, float))
                and entry.name not in unchecked
            ):
                with pytest.raises(ConfigurationError, match=entry.name):
                    PerceiverConfig(**{entry.name: "nonsense"})

    def test_values_set_later_are_checked_on_demand(self):
        config = PerceiverConfig()
        config.num_latents = 0
        with pytest.raises(ConfigurationError, match="`num_latents`"):
            config.validate()


class TestDictionaries:
    def test_another_kind_of_model_is_an_error(self):
        for call in (
            lambda: PerceiverConfig.from_dict({"model_type": "bert"}),
            lambda: PerceiverConfig(model_type="bert"),
        ):
            with pytest.raises(ConfigurationError, match="`model_type` must be 'perceiver', received 'bert'"):
                call()

    def test_overrides_win(self):
        config = PerceiverConfig.from_dict({"num_latents": 3, "d_model": 5}, num_latents=7, extra="x")
        assert (config.num_latents, config.d_model, config.extra) == (7, 5, "x")

    def test_what_was_given_is_not_changed(self):
        stored = {"model_type": "perceiver", "mask_probabilities": {"audio": 0.25}, "num_labels": 3}
        before = copy.deepcopy(stored)
        config = PerceiverConfig.from_dict(stored, num_labels=5, fidelity="deepmind")
        config.mask_probabilities["audio"] = 0.5
        assert stored == before

    def test_another_number_of_labels_forgets_the_stored_names(self):
        stored = {"id2label": {"0": "cat", "1": "dog"}, "label2id": {"cat": 0, "dog": 1}}
        assert PerceiverConfig.from_dict(stored, num_labels=2).id2label == {0: "cat", 1: "dog"}
        config = PerceiverConfig.from_dict(stored, num_labels=3)
        assert config.id2label == {0: "LABEL_0", 1: "LABEL_1", 2: "LABEL_2"}
        assert config.label2id == {"LABEL_0": 0, "LABEL_1": 1, "LABEL_2": 2}

    def test_other_names_forget_the_stored_ones_both_ways(self):
        stored = {"id2label": {"0": "cat", "1": "dog"}, "label2id": {"cat": 0, "dog": 1}, "num_labels": 2}
        config = PerceiverConfig.from_dict(stored, id2label={0: "ant", 1: "bee", 2: "fly"})
        assert config.num_labels == 3
        assert config.label2id == {"ant": 0, "bee": 1, "fly": 2}

    def test_a_file_without_a_kernel_order_was_written_by_the_converter(self):
        assert PerceiverConfig().conv_kernel_order == "height_width"
        assert PerceiverConfig.from_dict({}).conv_kernel_order == "width_height"
        assert PerceiverConfig.from_dict(PerceiverConfig().to_dict()).conv_kernel_order == "height_width"
        assert (
            PerceiverConfig.from_dict({}, conv_kernel_order="height_width").conv_kernel_order
            == "height_width"
        )

    def test_the_dictionary_holds_plain_json_and_the_kind_of_model(self):
        values = PerceiverConfig(id2label={0: "cat", 1: "dog"}, architectures=("PerceiverModel",)).to_dict()
        assert values == plain(values)
        assert values["model_type"] == "perceiver"
        assert values["train_size"] == [368, 496]
        assert values["id2label"] == {"0": "cat", "1": "dog"}
        assert values["architectures"] == ["PerceiverModel"]
        assert not {"dtype", "problem_type"} & values.keys()
        assert not {"id2label", "label2id", "architectures"} & PerceiverConfig().to_dict().keys()

    def test_all_keys_can_be_given_back(self):
        config = PerceiverConfig(num_labels=3, num_latents=7)
        assert PerceiverConfig(**config.to_dict()) == config

    def test_equality_is_by_value(self):
        assert PerceiverConfig(train_size=(3, 5)) == PerceiverConfig(train_size=[3, 5])
        assert PerceiverConfig(num_latents=3) != PerceiverConfig(num_latents=5)
        assert PerceiverConfig() != PerceiverConfig().to_dict()
        with pytest.raises(TypeError, match="unhashable"):
            hash(PerceiverConfig())

    def test_copies_are_equal_and_independent(self):
        config = PerceiverConfig(num_labels=3, extra=[1])
        for copied in (copy.deepcopy(config), pickle.loads(pickle.dumps(config))):
            assert copied == config
            copied.extra.append(2)
            assert config.extra == [1]

    def test_it_prints_its_keys(self):
        printed = repr(PerceiverConfig(num_latents=7))
        assert printed.startswith("PerceiverConfig {")
        assert '"num_latents": 7' in printed


class TestFiles:
    def test_a_folder_gives_back_what_was_saved(self, tmp_path):
        config = PerceiverConfig(num_labels=3, num_latents=7, extra={"a": [1, 2]}, fidelity="deepmind")
        config.save_pretrained(tmp_path / "new" / "folder")
        written = tmp_path / "new" / "folder" / "config.json"
        assert [path.name for path in written.parent.iterdir()] == ["config.json"]
        assert json.loads(written.read_text()) == config.to_dict()
        assert written.read_text() == config.to_json_string()
        assert PerceiverConfig.from_pretrained(written.parent) == config
        assert PerceiverConfig.from_pretrained(str(written.parent), num_latents=5).num_latents == 5
        assert PerceiverConfig.from_json_file(written) == config

    def test_saving_again_replaces_the_file(self, tmp_path):
        PerceiverConfig(num_latents=3).save_pretrained(tmp_path)
        PerceiverConfig(num_latents=5).save_pretrained(tmp_path)
        assert PerceiverConfig.from_pretrained(tmp_path).num_latents == 5
        assert [path.name for path in tmp_path.iterdir()] == ["config.json"]

    @pytest.mark.skipif(os.name != "posix", reason="permissions of POSIX")
    def test_everybody_may_read_the_file(self, tmp_path):
        PerceiverConfig().save_pretrained(tmp_path)
        assert stat.S_IMODE((tmp_path / "config.json").stat().st_mode) == 0o644

    def test_a_configuration_that_cannot_be_written_leaves_the_old_file_whole(self, tmp_path):
        PerceiverConfig(num_latents=3).save_pretrained(tmp_path)
        with pytest.raises(TypeError, match="not JSON serializable"):
            PerceiverConfig(num_latents=5, extra=object()).save_pretrained(tmp_path)
        assert PerceiverConfig.from_pretrained(tmp_path).num_latents == 3
        assert [path.name for path in tmp_path.iterdir()] == ["config.json"]

    def test_a_disk_that_fails_at_the_last_moment_leaves_the_old_file_whole(self, tmp_path, monkeypatch):
        PerceiverConfig(num_latents=3).save_pretrained(tmp_path)

        def fail(*_):
            raise OSError("no space left")

        monkeypatch.setattr(os, "replace", fail)
        with pytest.raises(OSError, match="no space left"):
            PerceiverConfig(num_latents=5).save_pretrained(tmp_path)
        assert PerceiverConfig.from_pretrained(tmp_path).num_latents == 3
        assert [path.name for path in tmp_path.iterdir()] == ["config.json"]

    def test_a_file_in_the_folders_place_is_an_error(self, tmp_path):
        (tmp_path / "file").write_text("")
        with pytest.raises(
            CheckpointError, match=r"`save_directory` must be a folder, received the file .*file"
        ):
            PerceiverConfig().save_pretrained(tmp_path / "file")

    @pytest.mark.parametrize("content", [b"{", b"", b'{"num_latents": }', b"\xff\xfe\x00"])
    def test_broken_json_is_an_error_that_names_the_file(self, tmp_path, content):
        (tmp_path / "config.json").write_bytes(content)
        with pytest.raises(CheckpointError, match=r"cannot read a configuration from .*config\.json: "):
            PerceiverConfig.from_pretrained(tmp_path)

    def test_a_value_of_a_file_that_cannot_be_is_an_error_that_names_the_file(self, tmp_path):
        path = tmp_path / "config.json"
        path.write_text(json.dumps({"stem_padding": "s" * 1000, "num_latents": 3}))
        for read in (PerceiverConfig.from_json_file, PerceiverConfig.from_pretrained):
            with pytest.raises(
                ConfigurationError, match=r"^`stem_padding` must be .{,320}; it stands in .*config\.json$"
            ):
                read(path if read == PerceiverConfig.from_json_file else tmp_path, num_latents=5)
        assert PerceiverConfig.from_json_file(path, stem_padding="same").num_latents == 3
        path.write_text(json.dumps({"num_latents": 3}))
        with pytest.raises(ConfigurationError, match=r"^`stem_padding` must be one of [^;]*$"):
            PerceiverConfig.from_json_file(path, stem_padding="x")

    def test_json_that_is_no_object_is_an_error(self, tmp_path):
        (tmp_path / "config.json").write_text("[1, 2]")
        with pytest.raises(CheckpointError, match=r"config\.json must hold a JSON object, received list"):
            PerceiverConfig.from_json_file(tmp_path / "config.json")

    def test_an_absent_file_is_an_error(self, tmp_path):
        with pytest.raises(CheckpointError, match=r"cannot read a configuration from .*absent\.json"):
            PerceiverConfig.from_json_file(tmp_path / "absent.json")
        with pytest.raises(CheckpointError, match=r"config\.json"):
            PerceiverConfig.from_pretrained(tmp_path)


class TestTransformers:
    def test_what_transformers_saves_is_read_here(self, tmp_path, reference_class):
        reference = reference_class(**SHARED_VALUES, attn_implementation="eager", mystery=3)
        reference.save_pretrained(tmp_path)
        ours = PerceiverConfig.from_pretrained(tmp_path)
        for key, value in SHARED_VALUES.items():
            expected = torch.float16 if key == "dtype" else value
            assert getattr(ours, key) == expected, key
        assert ours.mystery == 3
        assert ours.num_labels == 3
        assert ours.conv_kernel_order == "width_height"

    def test_what_is_saved_here_is_read_by_transformers(self, tmp_path, reference_class):
        ours = PerceiverConfig(**SHARED_VALUES, mystery=3, fidelity="deepmind", decoder_num_heads=5)
        ours.save_pretrained(tmp_path)
        reference = reference_class.from_pretrained(tmp_path)
        for key, value in SHARED_VALUES.items():
            expected = torch.float16 if key == "dtype" else value
            assert getattr(reference, key) == expected, key
        assert reference.mystery == 3
        assert reference.num_labels == 3
        assert reference.attention_probs_dropout_prob == 0.0

    def test_nothing_is_lost_on_the_way_there_and_back(self, tmp_path, reference_class):
        ours = PerceiverConfig(**SHARED_VALUES, mystery=3, fidelity="deepmind", decoder_num_heads=5)
        ours.save_pretrained(tmp_path / "ours")
        reference_class.from_pretrained(tmp_path / "ours").save_pretrained(tmp_path / "theirs")
        again = PerceiverConfig.from_pretrained(tmp_path / "theirs")
        for key, value in ours.to_dict().items():
            assert again.to_dict()[key] == value or key in ("id2label",), key
        assert again.id2label == ours.id2label
        assert {key for key in again.to_dict() if key not in ours.to_dict()} <= FOREIGN

    def test_defaults_come_back_from_a_file_that_leaves_them_out(self, tmp_path, reference_class):
        reference_class().save_pretrained(tmp_path)
        again = PerceiverConfig.from_pretrained(tmp_path, conv_kernel_order="height_width")
        kept = {key: value for key, value in again.to_dict().items() if key not in FOREIGN}
        assert kept == PerceiverConfig().to_dict()


class TestLoading:
    def test_a_subfolder_holds_the_file(self, tmp_path):
        PerceiverConfig(num_latents=7).save_pretrained(save_directory=tmp_path / "inner")
        loaded = PerceiverConfig.from_pretrained(pretrained_model_name_or_path=tmp_path, subfolder="inner")
        assert loaded.num_latents == 7

    def test_options_that_are_no_keys_come_back_when_asked_for(self, tmp_path):
        PerceiverConfig(num_latents=7, mystery=3).save_pretrained(tmp_path)
        options = {
            "num_latents": 5,
            "mystery": 2,
            "num_labels": 3,
            "colour": "red",
            "low_cpu_mem_usage": True,
        }
        config, unused = PerceiverConfig.from_pretrained(tmp_path, return_unused_kwargs=True, **options)
        assert unused == {"colour": "red"}
        assert (config.num_latents, config.mystery, config.num_labels) == (5, 2, 3)
        assert not hasattr(config, "colour")
        kept = PerceiverConfig.from_pretrained(tmp_path, **options)
        assert kept.colour == "red"
        assert not hasattr(kept, "low_cpu_mem_usage")

    def test_the_mapping_of_the_file_comes_with_the_other_options(self, tmp_path):
        PerceiverConfig(num_latents=7).save_pretrained(tmp_path)
        values, options = PerceiverConfig.get_config_dict(tmp_path, revision="main", num_latents=5)
        assert values == json.loads((tmp_path / "config.json").read_text())
        assert options == {"num_latents": 5}

    def test_code_of_others_is_not_run(self, tmp_path):
        PerceiverConfig().save_pretrained(tmp_path)
        with pytest.raises(ConfigurationError, match="code that comes with a checkpoint is never run"):
            PerceiverConfig.from_pretrained(tmp_path, trust_remote_code=True)

    def test_a_configuration_is_uploaded_alone_or_on_saving(self, tmp_path, monkeypatch):
        sent = []

        def upload(save, repo_id, **options):
            save(tmp_path / "sent")
            sent.append((repo_id, options["private"]))
            return "address"

        monkeypatch.setattr("perceivers.checkpoints.pretrained.upload", upload)
        config = PerceiverConfig(num_latents=7)
        assert config.push_to_hub("someone/model", private=True) == "address"
        config.save_pretrained(tmp_path / "mine", push_to_hub=True)
        assert sent == [("someone/model", True), ("mine", None)]
        assert PerceiverConfig.from_pretrained(tmp_path / "sent") == config
        with pytest.raises(
            ConfigurationError, match="without `push_to_hub=True` nothing uses private, repo_id"
        ):
            config.save_pretrained(tmp_path / "mine", repo_id="someone/model", private=True)


class TestStartingValues:
    @pytest.mark.parametrize(
        ("values", "expected"),
        [
            ({}, None),
            ({"initializer_range": 0.02}, None),
            ({"initializer_range": 0.5}, 0.5),
            ({"initializer_range": 0.5, "fan_in_scaling": True}, None),
            ({"fan_in_scaling": False}, 0.02),
        ],
    )
    def test_matrices_start_by_their_fan_in_unless_a_configuration_says_otherwise(
        self, values, expected, tmp_path
    ):
        config = PerceiverConfig(**values)
        assert config.matrix_std == expected
        config.save_pretrained(tmp_path)
        assert PerceiverConfig.from_pretrained(tmp_path).matrix_std == expected
        assert ("fan_in_scaling" in config.to_dict()) == ("fan_in_scaling" in values)

    def test_fan_in_scaling_is_a_flag(self):
        with pytest.raises(
            ConfigurationError, match="`fan_in_scaling` must be True or False, received 'yes'"
        ):
            PerceiverConfig(fan_in_scaling="yes")
