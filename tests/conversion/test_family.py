"""Perceiver AR and the Hierarchical Perceiver: the authors' files become models that answer as theirs did."""

from __future__ import annotations

import json
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from perceivers import HierarchicalPerceiver, PerceiverConfig, PerceiverForCausalLM, hierarchical_config
from perceivers.conversion import ARCHITECTURES, convert_haiku
from perceivers.errors import CheckpointError, ConfigurationError
from perceivers.models.hierarchical_perceiver import config_of_hierarchy

ARRAYS = Path(__file__).parents[1] / "compatibility" / "data"
CAUSAL: dict[str, Any] = {
    "vocab_size": 23,
    "max_position_embeddings": 14,
    "d_model": 24,
    "num_latents": 6,
    "d_latents": 32,
    "num_self_attends_per_block": 2,
    "num_cross_attention_heads": 2,
    "num_self_attention_heads": 4,
    "cross_attention_widening_factor": 3,
    "self_attention_widening_factor": 2,
    "hidden_act": "relu2",
}
SINUSOIDAL = PerceiverConfig(**CAUSAL, causal_positions="sinusoidal", first_position=1)


def content_of(file: str, prefix: str) -> dict[str, dict[str, np.ndarray]]:
    """One network's parameters, as the authors' code would have pickled them."""
    found: dict[str, dict[str, np.ndarray]] = {}
    with np.load(ARRAYS / file) as archive:
        for key in archive.files:
            own, _, rest = key.partition("|")
            if own == prefix and rest:
                module, parameter = rest.split("|")
                found.setdefault(module, {})[parameter] = archive[key]
    return found


def converted(tmp_path: Path, content: Any, architecture: str, config: PerceiverConfig | None) -> Any:
    (tmp_path / "file.pickle").write_bytes(pickle.dumps(content))
    convert_haiku(tmp_path / "file.pickle", tmp_path / "out", architecture, config)
    kind = PerceiverForCausalLM if architecture.startswith("causal") else HierarchicalPerceiver
    return kind.from_pretrained(tmp_path / "out", strict=True).eval()


@pytest.mark.parametrize(
    ("name", "positions", "given"),
    [
        (
            "rotary_data",
            {
                "rotary_fraction": 0.75,
                "rotary_head_fraction": 0.5,
                "rotary_max_wavelength": 40,
            },
            "positions",
        ),
        ("sinusoidal", {"causal_positions": "sinusoidal"}, "positions"),
        ("learned", {"causal_positions": "learned", "position_sizes": (6, 7, 5)}, "learned_positions"),
    ],
)
@torch.no_grad()
def test_a_file_of_perceiver_ar_answers_as_the_original(
    name: str, positions: dict[str, Any], given: str, tmp_path: Path
) -> None:
    content = content_of("jax_perceiver_ar.npz", name)
    # Whatever a training program puts before the network's own name.
    content = {f"trainer/~/{module}": values for module, values in content.items()}
    model = converted(tmp_path, content, "causal-language-modeling", PerceiverConfig(**CAUSAL, **positions))
    with np.load(ARRAYS / "jax_perceiver_ar.npz") as golden:
        padded = name == "learned"
        tokens = torch.tensor(golden["tokens_padded" if padded else "tokens"]).long()
        answered = model(tokens, tokens != 0, positions=torch.tensor(golden[given]).long()).logits
        expected = golden[f"{name}_logits" if padded else f"{name}_logits_unpadded"]
        valid = golden[f"{name}_last_steps"] >= 0 if padded else np.ones(expected.shape[:2], bool)
    assert np.abs(answered.numpy() - expected)[valid].max() < 1e-4 * np.abs(expected[valid]).max()


@torch.no_grad()
def test_positions_are_counted_from_the_first_one(tmp_path: Path) -> None:
    model = converted(
        tmp_path, content_of("jax_perceiver_ar.npz", "sinusoidal"), "causal-language-modeling", SINUSOIDAL
    )
    assert model.config.first_position == 1
    tokens = torch.arange(1, 23).view(2, 11)
    counted = torch.arange(1, 12)[None].expand(2, -1)
    expected = model(tokens, positions=counted).logits
    torch.testing.assert_close(model(tokens).logits, expected)
    padded = torch.cat([torch.zeros(2, 3, dtype=torch.long), tokens], dim=1)
    torch.testing.assert_close(model(padded, padded != 0).logits, expected)
    assert not torch.allclose(model(tokens, positions=counted - 1).logits, expected)
    exact, none = (
        model.generate(tokens[:, :4], 5, temperature=0, cache=cache).sequences for cache in ("exact", "none")
    )
    assert torch.equal(exact, none)
    cache = model.new_cache()
    model(tokens[:, :9], cache=cache, num_latents=4)
    model(tokens[:, 9:10], cache=cache, num_latents=1)
    stepped = model(tokens[:, 10:], cache=cache, num_latents=1).logits
    torch.testing.assert_close(stepped[:, -1], expected[:, -1])
    with pytest.raises(ConfigurationError, match="`first_position` must be a whole number of at least 0"):
        PerceiverConfig(first_position=-1)
    learned = PerceiverConfig(**CAUSAL, causal_positions="learned", first_position=2)
    assert PerceiverForCausalLM(learned)(torch.ones(1, 14, dtype=torch.long)).logits.shape == (1, 6, 23)


def test_what_does_not_fit_is_named(tmp_path: Path) -> None:
    extra = content_of("jax_perceiver_ar.npz", "extra")
    with pytest.raises(CheckpointError, match=r"none of Perceiver AR's network \(19\)") as caught:
        converted(
            tmp_path, extra, "causal-language-modeling", PerceiverConfig(**CAUSAL, causal_positions="learned")
        )
    assert "perceiver_ar/~/cross_attention_1/attention/linear/w" in str(caught.value)
    assert str(caught.value).endswith("\n  and 9 more")
    learned = content_of("jax_perceiver_ar.npz", "learned")
    with pytest.raises(
        CheckpointError, match=r"embed_1/embeddings must be a table of sines .*causal_positions 'learned'"
    ):
        converted(tmp_path, learned, "causal-language-modeling", SINUSOIDAL)
    rotary = content_of("jax_perceiver_ar.npz", "rotary")
    del rotary["perceiver_ar/~/logits"]
    with pytest.raises(CheckpointError, match=r"missing from the checkpoint \(2\)(?s:.*)lm_head"):
        converted(tmp_path, rotary, "causal-language-modeling", PerceiverConfig(**CAUSAL))
    assert not (tmp_path / "out").exists()


def test_the_released_copy_task_has_its_size() -> None:
    with torch.device("meta"):
        model = PerceiverForCausalLM(ARCHITECTURES["causal-language-modeling"].released_config())
    # 131,073 rows of the frozen table, which is computed here, are left out.
    assert model.num_parameters() == 223_976_707 - 131_073 * 1024


def hierarchy_of(name: str) -> tuple[PerceiverConfig, dict[str, Any]]:
    with np.load(ARRAYS / "jax_hierarchical_perceiver.npz") as golden:
        said = json.loads(str(golden["config_json"]))[name]
    names = {
        "num_groups": "groups", "z_index_dim": "latents", "num_z_channels": "channels",
        "num_self_attends_per_block": "self_attends", "num_self_attend_heads": "self_heads",
        "num_cross_attend_heads": "cross_heads", "cross_attend_widening_factor": "cross_widening",
        "self_attend_widening_factor": "self_widening",
    }  # fmt: skip
    lists = {ours: said[theirs] for theirs, ours in names.items() if theirs in said}
    levels = [dict(zip(lists, values, strict=True)) for values in zip(*lists.values(), strict=True)]
    hierarchy = {
        "levels": levels,
        "inputs": [
            {"name": key, "points": said["inputs"][key][1], "channels": said["inputs"][key][2],
             "at_processor": key in said.get("label_modalities", [])}
            for key in said["order"]
        ],
        "embedding_channels": said["num_embedding_channels"],
        "projects_positions": "num_position_encoding_channels" in said,
        "regrouping": "spread" if said.get("regroup_type") == "transpose_reshape" else "neighbours",
    }  # fmt: skip
    from perceivers.configuration_hierarchy import read_hierarchy

    return config_of_hierarchy(read_hierarchy(hierarchy)), said


@pytest.mark.parametrize("name", ["mini", "mini_projected", "deep_transposed", "bottleneck"])
@torch.no_grad()
def test_a_file_of_the_hierarchical_perceiver_answers_as_the_original(name: str, tmp_path: Path) -> None:
    config, said = hierarchy_of(name)
    content = content_of("jax_hierarchical_perceiver.npz", name)
    model = converted(tmp_path, content, "hierarchical-perceiver", config)
    with np.load(ARRAYS / "jax_hierarchical_perceiver.npz") as golden:
        given = {key: torch.tensor(golden[f"{name}_in_{key}"]) for key in said["order"]}
        answered = model(given).logits
        for key in said["order"]:
            expected = golden[f"{name}_reconstruction_{key}"]
            assert np.abs(answered[key].numpy() - expected).max() < 1e-4 * np.abs(expected).max()


def test_sizes_of_a_hierarchy_must_be_given(tmp_path: Path) -> None:
    content = content_of("jax_hierarchical_perceiver.npz", "mini")
    with pytest.raises(
        ConfigurationError, match="`config` must give the sizes of HierarchicalPerceiver, of which no"
    ):
        converted(tmp_path, content, "hierarchical-perceiver", None)
    with pytest.raises(ConfigurationError, match="`config` must have a `hierarchy`"):
        converted(tmp_path, content, "hierarchical-perceiver", PerceiverConfig())
    content["perceiver/resnet"] = {"w": np.zeros((2, 3), np.float32)}
    config = hierarchical_config("mini", {"image": (13, 3), "sound": (4, 2)})
    with pytest.raises(CheckpointError, match=r"none of the Hierarchical .* \(1\):\n  perceiver/resnet/w"):
        converted(tmp_path, content, "hierarchical-perceiver", config)
