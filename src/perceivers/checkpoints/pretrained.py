"""from_pretrained and push_to_hub: the order in which configuration, files, model and tensors come together."""

from __future__ import annotations

import copy
import difflib
import inspect
import os
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

import torch
from torch import Tensor

from perceivers.checkpoints.contract import Configuration, FillableModel
from perceivers.checkpoints.loading import LoadOptions, choose_device, choose_dtype, fill_model
from perceivers.checkpoints.locating import (
    CONFIG_NAME,
    FileAbsentError,
    HubOptions,
    find_weights,
    resolve_file,
)
from perceivers.checkpoints.matching import KeyMatch
from perceivers.checkpoints.reading import StoredTensor, open_weights
from perceivers.errors import CheckpointError, ConfigurationError

Model = TypeVar("Model", bound=FillableModel)

# The only convolution whose kernel published files hold with height and width exchanged.
STEM_KERNEL = "input_preprocessor.convnet.conv.weight"


def load_pretrained(
    model_class: type[Model],
    name_or_folder: str | os.PathLike[str] | None,
    *,
    config: Configuration | str | os.PathLike[str] | None,
    hub: HubOptions,
    dtype: str | torch.dtype | None,
    device: str | int | torch.device | None,
    device_map: object,
    fidelity: str | None,
    conv_kernel_order: str | None,
    ignore_mismatched_sizes: bool,
    strict: bool,
    extra: Mapping[str, Any],
    use_safetensors: bool | None = None,
    variant: str | None = None,
    state_dict: Mapping[str, Tensor] | None = None,
) -> tuple[Model, KeyMatch]:
    """Build a model and fill it from a checkpoint; `PerceiverPreTrainedModel.from_pretrained` documents the arguments.

    Args:
        model_class: what to build.
        name_or_folder: where the checkpoint is; None where `config` and `state_dict` say everything.
        config: configuration, or where one is, instead of the checkpoint's.
        hub: how the hub is asked.
        dtype: floating-point type.
        device: where the tensors go.
        device_map: another name of `device`.
        fidelity: which arithmetic, instead of the configuration's.
        conv_kernel_order: how the file stores the stem's kernel, instead of what its configuration says.
        ignore_mismatched_sizes: see LoadOptions.
        strict: see LoadOptions.
        extra: keys of the configuration, and arguments of the model's constructor, by name.
        use_safetensors: see `perceivers.checkpoints.locating.weight_names`.
        variant: see there, too.
        state_dict: tensors to take instead of those of weight files.
    """
    if name_or_folder is None and (config is None or state_dict is None):
        raise ConfigurationError(
            "`pretrained_model_name_or_path` must be a folder or a hub name unless `config` and `state_dict` are given, "
            "received None"
        )
    target = choose_device(device, device_map)
    arguments = {key: value for key, value in extra.items() if key in _constructor_arguments(model_class)}
    overrides = {key: value for key, value in extra.items() if key not in arguments}
    built_from = _configure(model_class.config_class, name_or_folder, config, hub, fidelity, overrides)
    stored_order = conv_kernel_order or _stored_kernel_order(name_or_folder, config, hub, built_from)
    built_from.conv_kernel_order = stored_order
    built_from.validate()

    if state_dict is not None:
        stored = {key: StoredTensor.of(tensor) for key, tensor in state_dict.items()}
    else:
        assert name_or_folder is not None
        stored = open_weights(find_weights(name_or_folder, hub, use_safetensors, variant))
    chosen = choose_dtype(dtype, built_from.dtype, stored)
    built_from.dtype = chosen
    change: Callable[[str, Tensor], Tensor] | None = None
    if built_from.fidelity == "deepmind" and stored_order == "width_height":
        change = _swap_stem_kernel
        built_from.conv_kernel_order = "height_width"

    with torch.device("meta"):
        model = model_class(built_from, **arguments)
    options = LoadOptions(
        dtype=chosen, device=target, ignore_mismatched_sizes=ignore_mismatched_sizes, strict=strict
    )
    match = fill_model(model, stored, options, change)
    model.eval()
    return model, match


def upload(
    save: Callable[[Path], None],
    repo_id: str,
    *,
    commit_message: str,
    private: bool | None,
    token: str | bool | None,
    revision: str | None,
    create_pr: bool,
) -> str:
    """Have `save` fill a temporary folder and upload that; the commit's address.

    Args:
        save: writes the checkpoint into the folder it is given.
        repo_id: the repository's name on the hub; made if absent.
        commit_message: the commit's title.
        private: whether a new repository is private; None: as the owner's settings say.
        token: access token; True or None takes the stored one.
        revision: branch to commit to.
        create_pr: open a pull request instead of committing.
    """
    from huggingface_hub import HfApi
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError, OfflineModeIsEnabled

    api = HfApi(token=token)
    with tempfile.TemporaryDirectory(prefix="perceivers-") as folder:
        save(Path(folder))
        try:
            name = api.create_repo(repo_id, private=private, exist_ok=True).repo_id
            commit = api.upload_folder(
                repo_id=name,
                folder_path=folder,
                commit_message=commit_message,
                revision=revision,
                create_pr=create_pr,
            )
        except OfflineModeIsEnabled as problem:
            raise CheckpointError(f"cannot push to {repo_id!r}: HF_HUB_OFFLINE is set") from problem
        except (HfHubHTTPError, HFValidationError, OSError) as problem:
            raise CheckpointError(f"cannot push to {repo_id!r}: {problem}") from problem
    return str(commit.pr_url if create_pr else commit.commit_url)


def _configure(
    config_class: type[Configuration],
    name_or_folder: str | os.PathLike[str] | None,
    config: Configuration | str | os.PathLike[str] | None,
    hub: HubOptions,
    fidelity: str | None,
    overrides: Mapping[str, Any],
) -> Configuration:
    if config is None or isinstance(config, (str, os.PathLike)):
        source = name_or_folder if config is None else config
        assert source is not None
        path = resolve_file(source, CONFIG_NAME, **vars(hub))
        found = config_class.from_json_file(path)
    else:
        found = copy.deepcopy(config)
    known = {key for key in vars(found) if not key.startswith("__")} | {
        "num_labels",
        "torch_dtype",
        "use_return_dict",
    }
    for key in overrides:
        if key not in known:
            close = difflib.get_close_matches(key, known, n=1)
            hint = f"; did you mean `{close[0]}`?" if close else ""
            raise ConfigurationError(
                f"`{key}` is neither an argument of from_pretrained nor a key of the configuration{hint}"
            )
    if fidelity is not None:
        found.set_fidelity(fidelity)
    if not overrides:
        return found
    # attn_implementation is not part of what a configuration saves.
    values = {"attn_implementation": found.attn_implementation, **overrides}
    return config_class.from_dict(found.to_dict(), **values)


def _stored_kernel_order(
    name_or_folder: str | os.PathLike[str] | None,
    config: Configuration | str | os.PathLike[str] | None,
    hub: HubOptions,
    built_from: Configuration,
) -> str:
    """How the file stores the stem's kernel: its own configuration knows, a configuration given beside it does not."""
    if config is None or name_or_folder is None:
        return built_from.conv_kernel_order
    try:
        path = resolve_file(name_or_folder, CONFIG_NAME, **vars(hub))
    except FileAbsentError:
        return built_from.conv_kernel_order
    return type(built_from).from_json_file(path).conv_kernel_order


def _swap_stem_kernel(key: str, tensor: Tensor) -> Tensor:
    if key.endswith(STEM_KERNEL):
        return tensor.transpose(-1, -2).contiguous()
    return tensor


def _constructor_arguments(model_class: type[FillableModel]) -> set[str]:
    return set(inspect.signature(model_class.__init__).parameters) - {"self", "config"}
