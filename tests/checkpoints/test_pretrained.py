from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import pytest
import torch
from torch import nn

from perceivers.checkpoints.loading import choose_device
from perceivers.configuration import PerceiverConfig
from perceivers.errors import CheckpointError, ConfigurationError


def edit_config(folder, **changes):
    path = folder / "config.json"
    values = {**json.loads(path.read_text()), **changes}
    path.write_text(json.dumps({key: value for key, value in values.items() if value is not None}))


@pytest.fixture
def saved(task, tmp_path):
    task.save_pretrained(tmp_path / "saved")
    return tmp_path / "saved"


def test_what_is_saved_is_loaded(task, task_class, saved, assert_same_tensors):
    loaded = task_class.from_pretrained(saved)
    assert_same_tensors(loaded, task)
    assert loaded.config == task.config
    assert not loaded.training
    assert loaded.config.architectures == ["Task"]


def test_a_matrix_used_in_two_places_is_stored_once_and_shared_again(task_class, saved):
    from safetensors import safe_open

    with safe_open(saved / "model.safetensors", "pt") as file:
        assert "tied.weight" not in file.keys()  # noqa: SIM118
        assert file.metadata() == {"format": "pt"}
    loaded = task_class.from_pretrained(saved, strict=True)
    assert loaded.tied.weight is loaded.perceiver.encoder.weight


def test_a_checkpoint_that_holds_a_shared_matrix_twice_is_loaded_without_a_word(task, task_class, saved):
    torch.save(task.state_dict(), saved / "pytorch_model.bin")
    (saved / "model.safetensors").unlink()
    loaded = task_class.from_pretrained(saved, strict=True)
    assert torch.equal(loaded.tied.weight, task.tied.weight)


def test_a_base_checkpoint_loads_into_a_task_model_whose_head_is_drawn(task, task_class, tmp_path):
    task.perceiver.save_pretrained(tmp_path)
    with pytest.warns(
        UserWarning, match=r"missing from the checkpoint \(2\):\n  head\.weight\n  head\.bias"
    ) as seen:
        loaded, info = task_class.from_pretrained(tmp_path, output_loading_info=True)
    assert len(seen) == 1
    assert seen[0].filename == __file__
    assert info["missing_keys"] == {"head.weight", "head.bias"}
    assert info["unexpected_keys"] == set()
    assert torch.equal(loaded.perceiver.embeddings.latents, task.perceiver.embeddings.latents)
    assert torch.equal(loaded.head.bias, torch.zeros(5))
    assert 0 < loaded.head.weight.std() < 2 / 8**0.5


def test_a_task_checkpoint_loads_into_a_base_model_that_names_what_it_leaves(task, base_class, saved):
    with pytest.warns(UserWarning, match=r"without a place in the model \(2\)") as seen:
        loaded, info = base_class.from_pretrained(saved, output_loading_info=True)
    assert "untrained" not in str(seen[0].message)
    assert info["unexpected_keys"] == {"head.weight", "head.bias"}
    assert info["missing_keys"] == set()
    assert torch.equal(loaded.encoder.weight, task.perceiver.encoder.weight)


def test_every_missing_tensor_starts_as_training_from_scratch_does(task, task_class, saved, quietly):
    from safetensors.torch import load_file, save_file

    tensors = load_file(saved / "model.safetensors")
    gone = [key for key in tensors if "batchnorm" in key or "latents" in key]
    save_file(
        {key: tensor for key, tensor in tensors.items() if key not in gone}, saved / "model.safetensors"
    )
    torch.manual_seed(3)
    loaded, info = quietly(task_class, saved, output_loading_info=True)
    assert info["missing_keys"] == set(gone)
    norm = loaded.perceiver.input_preprocessor.convnet.batchnorm
    assert norm.weight.tolist() == [1] * 3
    assert norm.bias.tolist() == [0] * 3
    assert norm.running_mean.tolist() == [0] * 3
    assert norm.running_var.tolist() == [1] * 3
    assert norm.num_batches_tracked.item() == 0
    latents = loaded.perceiver.embeddings.latents
    assert 0 < latents.abs().max() <= 2 * task.config.initializer_range
    torch.manual_seed(3)
    assert torch.equal(quietly(task_class, saved).perceiver.embeddings.latents, latents)


def test_missing_and_unexpected_keys_are_errors_when_strict(task_class, base_class, saved, task, tmp_path):
    with pytest.raises(CheckpointError, match=r"does not fit Base:\nin the checkpoint without a place"):
        base_class.from_pretrained(saved, strict=True)
    task.perceiver.save_pretrained(tmp_path / "base")
    with pytest.raises(CheckpointError, match=r"does not fit Task:\nmissing from the checkpoint \(2\)"):
        task_class.from_pretrained(tmp_path / "base", strict=True)


def test_a_head_of_another_size_is_an_error_that_gives_both_shapes(task_class, saved):
    with pytest.raises(CheckpointError, match="ignore_mismatched_sizes") as caught:
        task_class.from_pretrained(saved, num_labels=7)
    assert "head.weight: [5, 8] in the checkpoint, [7, 8] in the model" in str(caught.value)
    assert "head.bias: [5] in the checkpoint, [7] in the model" in str(caught.value)


def test_a_head_of_another_size_is_drawn_anew_with_a_warning_when_asked_for(task, task_class, saved):
    with pytest.warns(UserWarning, match=r"of another shape \(2\)"):
        loaded, info = task_class.from_pretrained(
            saved, num_labels=7, ignore_mismatched_sizes=True, output_loading_info=True
        )
    assert info["mismatched_keys"] == {("head.weight", (5, 8), (7, 8)), ("head.bias", (5,), (7,))}
    assert loaded.head.weight.shape == (7, 8)
    assert loaded.config.num_labels == 7
    assert loaded.head.bias.tolist() == [0] * 7
    assert torch.equal(loaded.perceiver.encoder.weight, task.perceiver.encoder.weight)


def test_a_checkpoint_of_something_else_is_an_error(task_class, saved):
    torch.save({"bert.pooler.weight": torch.zeros(2)}, saved / "pytorch_model.bin")
    (saved / "model.safetensors").unlink()
    with pytest.raises(
        CheckpointError, match=r"no tensor of the checkpoint fits Task: it holds bert\.pooler\.weight"
    ):
        task_class.from_pretrained(saved)


def test_a_configuration_of_another_model_is_an_error(task_class, saved):
    edit_config(saved, model_type="bert")
    with pytest.raises(ConfigurationError, match="`model_type` must be 'perceiver', received 'bert'"):
        task_class.from_pretrained(saved)


@pytest.mark.parametrize("requested", [torch.float16, "float16", "torch.float16"])
def test_floating_point_tensors_take_the_type_asked_for(task, task_class, saved, requested):
    loaded = task_class.from_pretrained(saved, dtype=requested)
    assert loaded.dtype is torch.float16
    assert loaded.config.dtype is torch.float16
    assert torch.equal(loaded.head.weight, task.head.weight.half())
    norm = loaded.perceiver.input_preprocessor.convnet.batchnorm
    assert norm.running_mean.dtype is torch.float16
    assert norm.num_batches_tracked.dtype is torch.int64
    assert task_class.from_pretrained(saved, torch_dtype=requested).dtype is torch.float16


@pytest.mark.parametrize("requested", [None, "auto"])
@pytest.mark.parametrize("said", [True, False])
def test_without_a_type_the_saved_one_stays(task, task_class, tmp_path, requested, said):
    task.to(torch.bfloat16).save_pretrained(tmp_path)
    if not said:
        edit_config(tmp_path, dtype=None)
    assert task_class.from_pretrained(tmp_path, dtype=requested).dtype is torch.bfloat16


@pytest.mark.parametrize("wrong", ["float", "int64", torch.int8, 16, "nonsense"])
def test_a_type_that_no_model_runs_in_is_an_error(task_class, saved, wrong):
    # torch.float is a type, spelled so; the others are not.
    if wrong == "float":
        assert task_class.from_pretrained(saved, dtype=wrong).dtype is torch.float32
        return
    with pytest.raises(ConfigurationError, match="`dtype` must be a floating-point type"):
        task_class.from_pretrained(saved, dtype=wrong)


def test_two_names_for_one_argument_are_an_error(task_class, saved):
    with pytest.raises(ConfigurationError, match="`dtype` or `torch_dtype`"):
        task_class.from_pretrained(saved, dtype="auto", torch_dtype="auto")
    with pytest.raises(ConfigurationError, match="`device` or `device_map`"):
        task_class.from_pretrained(saved, device="cpu", device_map="cpu")


@pytest.mark.parametrize(
    "device", [{"device": "cpu"}, {"device_map": "cpu"}, {"device_map": {"": "cpu"}}, {}]
)
def test_the_device_goes_by_either_name(task_class, saved, device):
    assert task_class.from_pretrained(saved, **device).device == torch.device("cpu")


def test_a_device_that_is_not_one_place_is_an_error(task_class, saved):
    with pytest.raises(ConfigurationError, match="`device_map` must be one device"):
        task_class.from_pretrained(saved, device_map={"perceiver": "cpu"})
    with pytest.raises(ConfigurationError, match="`device_map` must be one device"):
        task_class.from_pretrained(saved, device_map={"perceiver": "cpu", "head": "cpu"})
    with pytest.raises(ConfigurationError, match="`device` must be a device with memory"):
        task_class.from_pretrained(saved, device="meta")


@pytest.mark.parametrize("name", ["auto", "balanced", "balanced_low_0", "sequential"])
@pytest.mark.parametrize(("there", "expected"), [(False, "cpu"), (True, "xpu:0")])
def test_an_automatic_device_is_the_accelerator_or_the_processor(monkeypatch, name, there, expected):
    monkeypatch.setattr(torch.accelerator, "is_available", lambda: there)
    monkeypatch.setattr(torch.accelerator, "current_accelerator", lambda: torch.device("xpu:0"))
    assert choose_device(None, name) == torch.device(expected)


def test_an_automatic_device_loads_a_model(task_class, saved):
    wanted = torch.accelerator.current_accelerator() if torch.accelerator.is_available() else "cpu"
    assert task_class.from_pretrained(saved, device_map="auto").device.type == torch.device(wanted).type


def test_without_a_device_weights_go_to_torchs_default_device(monkeypatch):
    monkeypatch.setattr(torch, "get_default_device", lambda: torch.device("xpu:3"))
    assert choose_device(None, None) == torch.device("xpu:3")
    assert choose_device("cpu", None) == torch.device("cpu")


def test_under_the_meta_device_loading_says_why_it_cannot(task, task_class, saved, assert_same_tensors):
    message = r"cannot be loaded under `torch\.device\('meta'\)`, where tensors have no values"
    with torch.device("meta"), pytest.raises(RuntimeError, match=message) as caught:
        task_class.from_pretrained(saved)
    assert isinstance(caught.value, ConfigurationError)
    with torch.device("meta"):
        loaded = task_class.from_pretrained(saved, device="cpu", dtype=torch.float32)
        halved = task_class.from_pretrained(saved, device="cpu", dtype=torch.float16)
    assert_same_tensors(loaded, task)
    assert torch.equal(halved.head.weight, task.head.weight.half())


def test_weights_that_do_not_fit_are_a_checkpoint_error_and_a_runtime_error(task_class, base_class, saved):
    for options in ({"num_labels": 7}, {"strict": True, "state_dict": {"head.bias": torch.zeros(5)}}):
        for kind in (CheckpointError, RuntimeError):
            with pytest.raises(kind, match="the checkpoint does not fit Task"):
                task_class.from_pretrained(saved, **options)


def test_a_checkpoint_in_a_folder_of_the_folder_is_found_by_its_name(
    task, task_class, tmp_path, assert_same_tensors
):
    task.save_pretrained(tmp_path / "runs" / "last", max_shard_size=200)
    assert (tmp_path / "runs" / "last" / "model.safetensors.index.json").is_file()
    for folder, subfolder in ((tmp_path, "runs/last"), (tmp_path / "runs", "last")):
        assert_same_tensors(task_class.from_pretrained(folder, subfolder=subfolder), task)
    with pytest.raises(CheckpointError, match=r"holds no first/config\.json; it holds last"):
        task_class.from_pretrained(tmp_path / "runs", subfolder="first")


def test_the_kind_of_weight_file_can_be_chosen(task, task_class, saved):
    torch.save({key: tensor + 1 for key, tensor in task.state_dict().items()}, saved / "pytorch_model.bin")
    assert torch.equal(task_class.from_pretrained(saved).head.bias, task.head.bias)
    assert torch.equal(task_class.from_pretrained(saved, use_safetensors=True).head.bias, task.head.bias)
    assert torch.equal(task_class.from_pretrained(saved, use_safetensors=False).head.bias, task.head.bias + 1)
    (saved / "model.safetensors").unlink()
    with pytest.raises(
        CheckpointError, match=r"none of model\.safetensors, model\.safetensors\.index\.json: the folder"
    ):
        task_class.from_pretrained(saved, use_safetensors=True)


def test_a_variant_is_part_of_the_files_names(task, task_class, saved):
    (saved / "model.safetensors").rename(saved / "model.fp16.safetensors")
    assert torch.equal(task_class.from_pretrained(saved, variant="fp16").head.bias, task.head.bias)
    with pytest.raises(CheckpointError, match=r"none of model\.bf16\.safetensors, .*index\.bf16\.json"):
        task_class.from_pretrained(saved, variant="bf16")
    with pytest.raises(CheckpointError, match=r"none of model\.safetensors"):
        task_class.from_pretrained(saved)


def test_tensors_can_be_given_instead_of_files(task, task_class, saved, config, assert_same_tensors):
    given = {
        key: tensor * 2 if tensor.is_floating_point() else tensor for key, tensor in task.state_dict().items()
    }
    loaded = task_class.from_pretrained(saved, state_dict=given)
    assert torch.equal(loaded.head.weight, task.head.weight * 2)
    assert_same_tensors(task_class.from_pretrained(None, config=config, state_dict=task.state_dict()), task)
    with pytest.raises(ConfigurationError, match="unless `config` and `state_dict` are given, received None"):
        task_class.from_pretrained(None, config=config)


def test_arguments_by_transformers_names_are_taken(task, task_class, tmp_path, assert_same_tensors):
    task.save_pretrained(save_directory=tmp_path)
    loaded = task_class.from_pretrained(
        pretrained_model_name_or_path=tmp_path,
        low_cpu_mem_usage=True,
        trust_remote_code=False,
        weights_only=True,
        proxies=None,
        use_safetensors=None,
        variant=None,
        subfolder="",
        _commit_hash=None,
    )
    assert_same_tensors(loaded, task)


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"trust_remote_code": True}, "code that comes with a checkpoint is never run"),
        ({"weights_only": False}, "`weights_only` must be True: .* could run any program"),
        ({"proxies": {"https": "proxy:80"}}, "HTTPS_PROXY"),
        ({"quantization_config": {"bits": 8}}, r'`model\.prepare\(quantize="int8"\)`'),
        ({"max_memory": {0: "1GB"}}, "lies whole on one device"),
    ],
)
def test_what_would_be_unsafe_or_is_not_done_is_refused_with_the_reason(task_class, saved, options, reason):
    with pytest.raises(ConfigurationError, match=reason):
        task_class.from_pretrained(saved, **options)


def test_keys_of_the_configuration_can_be_replaced(task_class, saved):
    loaded = task_class.from_pretrained(saved, attention_probs_dropout_prob=0.25, attn_implementation="eager")
    assert loaded.config.attention_probs_dropout_prob == 0.25
    assert loaded.config.attn_implementation == "eager"


def test_an_argument_that_nothing_knows_is_an_error_with_a_guess(task_class, saved):
    with pytest.raises(ConfigurationError, match=r"`num_label` is neither .*; did you mean `num_labels`"):
        task_class.from_pretrained(saved, num_label=3)
    with pytest.raises(ConfigurationError, match="`quantum` is neither an argument"):
        task_class.from_pretrained(saved, quantum=3)


def test_a_given_configuration_is_used_and_left_as_it_was(task_class, task, saved):
    given = PerceiverConfig(num_latents=3, d_latents=8, num_labels=5, hidden_act="relu")
    before = given.to_dict()
    loaded = task_class.from_pretrained(saved, config=given, initializer_range=0.5)
    assert loaded.config.hidden_act == "relu"
    assert loaded.config.initializer_range == 0.5
    assert given.to_dict() == before


def test_a_configuration_can_come_from_another_folder(task_class, saved, tmp_path):
    PerceiverConfig(num_latents=3, d_latents=8, num_labels=5, hidden_act="relu").save_pretrained(
        tmp_path / "other"
    )
    assert task_class.from_pretrained(saved, config=tmp_path / "other").config.hidden_act == "relu"


def test_arguments_of_the_constructor_are_passed_on(base_class, task, tmp_path):
    class WithPart(base_class):
        def __init__(self, config, part=None):
            super().__init__(config)
            self.part = part

    task.perceiver.save_pretrained(tmp_path)
    part = nn.Linear(2, 3)
    values = part.weight.detach().clone()
    with pytest.warns(UserWarning, match=r"part\.weight"):
        loaded = WithPart.from_pretrained(tmp_path, part=part, dtype="bfloat16")
    assert loaded.part is part
    assert torch.equal(part.weight, values.bfloat16())


def test_a_fidelity_sets_all_that_it_governs(task_class, saved):
    loaded = task_class.from_pretrained(saved, fidelity="deepmind")
    assert loaded.config.fidelity == "deepmind"
    assert loaded.config.hidden_act == "gelu_pytorch_tanh"
    with pytest.raises(ConfigurationError, match="`fidelity` must be one of"):
        task_class.from_pretrained(saved, fidelity="perfect")


def kernel(model):
    return model.perceiver.input_preprocessor.convnet.conv.weight


@pytest.fixture
def square(task):
    """The task with a square kernel that is not symmetric, so that a turned one shows."""
    task.perceiver.input_preprocessor.convnet.conv = nn.Conv2d(2, 3, 5, bias=False)
    return task


@pytest.fixture
def square_class(task_class):
    class Square(task_class):
        def __init__(self, config):
            super().__init__(config)
            self.perceiver.input_preprocessor.convnet.conv = nn.Conv2d(2, 3, 5, bias=False)

    return Square


@pytest.mark.parametrize("stored", [None, "width_height"])
def test_fidelity_deepmind_turns_a_kernel_stored_width_first_once(square, square_class, tmp_path, stored):
    square.save_pretrained(tmp_path)
    edit_config(tmp_path, conv_kernel_order=stored)
    plain = square_class.from_pretrained(tmp_path)
    assert torch.equal(kernel(plain), kernel(square))
    assert plain.config.conv_kernel_order == "width_height"

    turned = square_class.from_pretrained(tmp_path, fidelity="deepmind")
    assert torch.equal(kernel(turned), kernel(square).transpose(-1, -2))
    assert turned.config.conv_kernel_order == "height_width"

    turned.save_pretrained(tmp_path / "turned")
    again = square_class.from_pretrained(tmp_path / "turned")
    assert again.config.fidelity == "deepmind"
    assert torch.equal(kernel(again), kernel(turned))


@pytest.mark.parametrize("given", [True, False])
def test_a_kernel_stored_height_first_is_never_turned(square, square_class, tmp_path, given):
    square.save_pretrained(tmp_path)
    options = {}
    if given:
        edit_config(tmp_path, conv_kernel_order=None)
        options["conv_kernel_order"] = "height_width"
    loaded = square_class.from_pretrained(tmp_path, fidelity="deepmind", **options)
    assert torch.equal(kernel(loaded), kernel(square))
    assert loaded.config.conv_kernel_order == "height_width"


def test_the_file_and_not_a_configuration_given_beside_it_knows_how_it_stores_the_kernel(
    square, square_class, tmp_path
):
    square.save_pretrained(tmp_path)
    edit_config(tmp_path, conv_kernel_order=None)
    given = PerceiverConfig(num_latents=3, d_latents=8, num_labels=5, fidelity="deepmind")
    loaded = square_class.from_pretrained(tmp_path, config=given)
    assert torch.equal(kernel(loaded), kernel(square).transpose(-1, -2))
    (tmp_path / "config.json").unlink()
    loaded = square_class.from_pretrained(tmp_path, config=given)
    assert torch.equal(kernel(loaded), kernel(square))


def test_a_kernel_order_that_does_not_exist_is_an_error(task_class, saved):
    with pytest.raises(ConfigurationError, match="`conv_kernel_order` must be one of"):
        task_class.from_pretrained(saved, conv_kernel_order="diagonal")


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="reads the peak where Linux tells it")
def test_loading_never_holds_a_second_copy_of_the_weights(base_class, tmp_path):
    # 64 MB in one process of its own: the peak is read from the system, and lies far above what the tensors need.
    import subprocess
    import sys

    from safetensors.torch import save_file

    PerceiverConfig().save_pretrained(tmp_path)
    weights = {f"layers.{place}.weight": torch.ones(1024, 1024) for place in range(16)}
    save_file(weights, tmp_path / "model.safetensors")
    script = f"""
from torch import nn
from perceivers.configuration import PerceiverConfig
from perceivers.models.base import PerceiverPreTrainedModel
class Wide(PerceiverPreTrainedModel):
    def __init__(self, config):
        super().__init__(config)
        self.layers = nn.ModuleList([nn.Linear(1024, 1024, bias=False) for _ in range(16)])
        self.initialize_parameters()
def peak():
    return int(next(l.split()[1] for l in open("/proc/self/status") if l.startswith("VmHWM")))
import huggingface_hub, safetensors.torch
before = peak()
model = Wide.from_pretrained({str(tmp_path)!r})
assert sum(float(p.sum()) for p in model.parameters()) == 16 * 1024 * 1024
print((peak() - before) / 1024)
"""
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        [sys.executable, "-c", script], check=True, env=environment, capture_output=True, text=True
    )
    assert 60 < float(done.stdout) < 64 + 16


def test_an_interrupted_download_leaves_an_error_and_not_half_a_model(task_class, saved):
    content = (saved / "model.safetensors").read_bytes()
    for length in (0, 5, 40, len(content) // 2, len(content) - 1):
        (saved / "model.safetensors").write_bytes(content[:length])
        with pytest.raises(CheckpointError, match="cut short"):
            task_class.from_pretrained(saved)


def test_a_name_that_is_nothing_is_an_error(task_class, tmp_path):
    with pytest.raises(CheckpointError, match=r"holds no config.json; it holds nothing"):
        task_class.from_pretrained(tmp_path)
    (tmp_path / "notes.txt").touch()
    with pytest.raises(CheckpointError, match=r"holds no config.json; it holds notes\.txt"):
        task_class.from_pretrained(tmp_path)
    with pytest.raises(CheckpointError, match="must be a folder or a hub name, received the file"):
        task_class.from_pretrained(tmp_path / "notes.txt")


def test_a_folder_without_weights_is_an_error(task_class, saved):
    (saved / "model.safetensors").unlink()
    with pytest.raises(
        CheckpointError,
        match=r"holds no weights, that is none of model\.safetensors, .*it holds config\.json",
    ):
        task_class.from_pretrained(saved)


def test_a_copied_folder_loads_the_same(task, task_class, saved, tmp_path, assert_same_tensors):
    shutil.copytree(saved, tmp_path / "copy")
    assert_same_tensors(task_class.from_pretrained(str(tmp_path / "copy")), task)
