"""What Transformers saves is loaded here, what is saved here is loaded there, and both give the same outputs."""

from __future__ import annotations

import json
import warnings
from collections.abc import Callable
from typing import Any

import pytest
import torch

ASKED = {"output_attentions": True, "output_hidden_states": True}


@pytest.fixture(scope="module")
def load_there(class_names: dict[str, str]) -> Callable[..., Any]:
    """Transformers' from_pretrained, refusing any difference in keys."""

    def load(task: str, folder: Any, **options: Any) -> Any:
        import transformers

        model_class = getattr(transformers, class_names[task])
        model, info = model_class.from_pretrained(folder, output_loading_info=True, **options)
        for kind in ("missing_keys", "unexpected_keys", "mismatched_keys", "error_msgs"):
            assert not info[kind], kind
        return model.eval()

    return load


@pytest.fixture(scope="module")
def load_here(class_names: dict[str, str]) -> Callable[..., Any]:
    def load(task: str, folder: Any, **options: Any) -> Any:
        import perceivers

        return getattr(perceivers, class_names[task]).from_pretrained(folder, strict=True, **options)

    return load


@torch.no_grad()
def outputs_of(model: Any, inputs: dict[str, Any]) -> Any:
    return model(**inputs, **ASKED)


@pytest.mark.parametrize("max_shard_size", ["5GB", "100KB"])
def test_saved_there_and_loaded_here(
    task: str,
    max_shard_size: str,
    pair: Callable[..., Any],
    example: Callable[..., Any],
    load_here: Callable[..., Any],
    assert_equal_outputs: Callable[..., None],
    tmp_path: Any,
) -> None:
    _, theirs = pair(task)
    theirs.save_pretrained(tmp_path, max_shard_size=max_shard_size)
    assert (tmp_path / "model.safetensors").exists() == (max_shard_size == "5GB")
    loaded = load_here(task, tmp_path)
    inputs = example(task)
    assert_equal_outputs(outputs_of(loaded, inputs), outputs_of(theirs, inputs))


@pytest.mark.parametrize("max_shard_size", ["5GB", "100KB"])
def test_saved_here_and_loaded_there(
    task: str,
    max_shard_size: str,
    ours: Callable[..., Any],
    example: Callable[..., Any],
    load_there: Callable[..., Any],
    assert_equal_outputs: Callable[..., None],
    tmp_path: Any,
) -> None:
    model = ours(task)
    model.save_pretrained(tmp_path, max_shard_size=max_shard_size)
    assert (tmp_path / "model.safetensors").exists() == (max_shard_size == "5GB")
    inputs = example(task)
    assert_equal_outputs(outputs_of(model, inputs), outputs_of(load_there(task, tmp_path), inputs))


def test_shards_written_over_shards_are_loaded_there(
    task: str, ours: Callable[..., Any], load_there: Callable[..., Any], tmp_path: Any
) -> None:
    """A second save names its files otherwise than the first, and the index says how."""
    model = ours(task)
    model.save_pretrained(tmp_path, max_shard_size="100KB")
    with torch.no_grad():
        model.get_input_embeddings().add_(1)
    model.save_pretrained(tmp_path, max_shard_size="100KB")
    assert any(path.name.startswith("model-2-00001") for path in tmp_path.iterdir())
    assert torch.equal(load_there(task, tmp_path).get_input_embeddings(), model.get_input_embeddings())


def test_there_and_back_again_changes_nothing(
    task: str,
    ours: Callable[..., Any],
    load_there: Callable[..., Any],
    load_here: Callable[..., Any],
    tmp_path: Any,
) -> None:
    model = ours(task)
    model.save_pretrained(tmp_path / "here")
    load_there(task, tmp_path / "here").save_pretrained(tmp_path / "there")
    again = load_here(task, tmp_path / "there")
    expected = model.state_dict()
    assert list(again.state_dict()) == list(expected)
    assert all(torch.equal(tensor, expected[key]) for key, tensor in again.state_dict().items())
    ours_config, their_config = (
        json.loads(config.to_json_string()) for config in (model.config, again.config)
    )
    assert their_config.pop("transformers_version")
    assert their_config == ours_config


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_half_precision_goes_both_ways(
    task: str,
    dtype: torch.dtype,
    ours: Callable[..., Any],
    load_there: Callable[..., Any],
    load_here: Callable[..., Any],
    tmp_path: Any,
) -> None:
    model = ours(task).to(dtype)
    model.save_pretrained(tmp_path / "here")
    there = load_there(task, tmp_path / "here")
    assert there.dtype is dtype
    there.save_pretrained(tmp_path / "there")
    again = load_here(task, tmp_path / "there")
    assert again.dtype is dtype
    assert all(torch.equal(a, b) for a, b in zip(again.parameters(), model.parameters(), strict=True))


def test_old_pickled_weights_are_loaded(
    task: str,
    pair: Callable[..., Any],
    example: Callable[..., Any],
    load_here: Callable[..., Any],
    assert_equal_outputs: Callable[..., None],
    tmp_path: Any,
) -> None:
    _, theirs = pair(task)
    theirs.config.save_pretrained(tmp_path)
    torch.save(theirs.state_dict(), tmp_path / "pytorch_model.bin")
    inputs = example(task)
    assert_equal_outputs(outputs_of(load_here(task, tmp_path), inputs), outputs_of(theirs, inputs))


def test_a_base_model_saved_there_becomes_every_part_that_it_shares(
    task: str, pair: Callable[..., Any], class_names: dict[str, str], tmp_path: Any
) -> None:
    import perceivers

    ours, theirs = pair(task)
    theirs.perceiver.save_pretrained(tmp_path)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        loaded, info = getattr(perceivers, class_names[task]).from_pretrained(
            tmp_path, output_loading_info=True
        )
    expected = ours.state_dict()
    assert info["missing_keys"] == {key for key in expected if not key.startswith("perceiver.")}
    assert info["unexpected_keys"] == info["mismatched_keys"] == set()
    for key, tensor in loaded.state_dict().items():
        assert torch.equal(tensor, expected[key]) == (key not in info["missing_keys"]), key


def test_a_language_model_becomes_a_text_classifier(
    pair: Callable[..., Any], class_names: dict[str, str], tmp_path: Any
) -> None:
    """The decoders differ: the new one is drawn, the trunk is kept, and Transformers draws the same keys."""
    import transformers

    import perceivers

    _, theirs = pair("masked_lm")
    theirs.save_pretrained(tmp_path)
    name = class_names["sequence_classification"]
    with pytest.warns(UserWarning, match=r"missing from the checkpoint"):
        ours, info = getattr(perceivers, name).from_pretrained(
            tmp_path, num_labels=5, output_loading_info=True
        )
    _, expected = getattr(transformers, name).from_pretrained(
        tmp_path, num_labels=5, output_loading_info=True
    )
    for kind in ("missing_keys", "unexpected_keys", "mismatched_keys"):
        assert info[kind] == set(expected[kind]), kind
    assert torch.equal(ours.perceiver.embeddings.latents, theirs.perceiver.embeddings.latents)
    assert ours.config.num_labels == 5


@pytest.mark.parametrize(
    "task", ["sequence_classification", "image_learned", "image_fourier", "image_conv"], scope="session"
)
def test_a_head_of_another_size_is_drawn_anew_as_there(
    task: str, pair: Callable[..., Any], class_names: dict[str, str], tmp_path: Any
) -> None:
    import transformers

    import perceivers

    _, theirs = pair(task)
    theirs.save_pretrained(tmp_path)
    options = {"num_labels": 7, "ignore_mismatched_sizes": True, "output_loading_info": True}
    with pytest.warns(UserWarning, match="of another shape"):
        ours, info = getattr(perceivers, class_names[task]).from_pretrained(tmp_path, **options)
    _, expected = getattr(transformers, class_names[task]).from_pretrained(tmp_path, **options)
    assert {key for key, *_ in info["mismatched_keys"]} == {key for key, *_ in expected["mismatched_keys"]}
    assert ours.config.num_labels == 7
    head = ours.perceiver.decoder.decoder.final_layer
    assert head.weight.shape[0] == 7
    assert torch.isfinite(head.weight).all()


def test_models_are_built_without_memory_and_loading_takes_what_was_saved(
    task: str, ours: Callable[..., Any], load_here: Callable[..., Any], tmp_path: Any
) -> None:
    model = ours(task)
    with torch.device("meta"):
        assert all(tensor.is_meta for tensor in type(model)(model.config).state_dict().values())
    model.save_pretrained(tmp_path)
    loaded = load_here(task, tmp_path)
    assert [name for name, _ in loaded.named_buffers()] == [name for name, _ in model.named_buffers()]
    assert loaded.config == model.config
