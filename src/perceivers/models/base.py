"""PerceiverPreTrainedModel: what every model shares that is not the network: starting values, device, loading, saving."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, ClassVar, Literal, Self, overload

import torch
from torch import Tensor, nn
from torch.utils.hooks import RemovableHandle

from perceivers.checkpoints.foreign import require_safe_unpickling, without_foreign
from perceivers.checkpoints.locating import HubOptions
from perceivers.checkpoints.pretrained import load_pretrained, upload
from perceivers.checkpoints.writing import write_checkpoint
from perceivers.configuration import PerceiverConfig
from perceivers.errors import ConfigurationError, ShapeError
from perceivers.models.fast_form import find_prepare
from perceivers.nn.initialization import initialize_tensors
from perceivers.nn.late_weights import left_in_file

# What keys of the latents' layers have in them.
SELF_ATTENDS = "encoder.self_attends."


class PerceiverPreTrainedModel(nn.Module):
    """Base of every model: a network that is built from a configuration alone.

    A subclass builds its modules in `__init__` and ends it with `self.initialize_parameters()`; a model that wraps
    another one ends with `self.initialize_new_parameters()`, so that nothing is drawn twice.

    Args:
        config: what the model is built from; kept as `config`.
    """

    config_class: ClassVar[type[PerceiverConfig]] = PerceiverConfig
    base_model_prefix: ClassVar[str] = "perceiver"
    main_input_name: ClassVar[str] = "inputs"
    # `forward` takes further arguments, from which Transformers' Trainer would conclude that the loss is a sum.
    accepts_loss_kwargs: ClassVar[bool] = False

    config: PerceiverConfig
    _input_hook: RemovableHandle | None = None

    def __init__(self, config: PerceiverConfig) -> None:
        super().__init__()
        if not isinstance(config, PerceiverConfig):
            raise ConfigurationError(
                f"`config` must be a PerceiverConfig, received {type(config).__name__}; "
                f"use {type(self).__name__}.from_pretrained to load a checkpoint"
            )
        self.config = config

    @property
    def base_model(self) -> nn.Module:
        """The PerceiverModel inside a task model; the model itself when it is one."""
        inner = getattr(self, self.base_model_prefix, self)
        return inner if isinstance(inner, nn.Module) else self

    @property
    def device(self) -> torch.device:
        """Where the parameters are (the first one's device)."""
        return next(self.parameters()).device

    @property
    def dtype(self) -> torch.dtype:
        """Type of the floating-point parameters (the first one's)."""
        return next(parameter.dtype for parameter in self.parameters() if parameter.is_floating_point())

    def num_parameters(self, only_trainable: bool = False, exclude_embeddings: bool = False) -> int:
        """Number of scalar parameters; a parameter that is shared counts once.

        Args:
            only_trainable: leave out the frozen ones.
            exclude_embeddings: leave out the embedding tables (`nn.Embedding`).
        """
        embeddings = {
            id(module.weight)
            for module in self.modules()
            if isinstance(module, nn.Embedding) and exclude_embeddings
        }
        return sum(
            parameter.numel()
            for parameter in self.parameters()
            if id(parameter) not in embeddings and (parameter.requires_grad or not only_trainable)
        )

    def get_input_embeddings(self) -> nn.Parameter:
        """The latent array `[num_latents, d_latents]`, as in Transformers: not the byte embeddings of the text models."""
        latents = self._embeddings().latents
        assert isinstance(latents, nn.Parameter)
        return latents

    def set_input_embeddings(self, value: Tensor) -> None:
        """Replace the latent array by `value`, `[num_latents, d_latents]` of the same size."""
        latents = self.get_input_embeddings()
        if value.shape != latents.shape:
            raise ShapeError(f"`value` must have shape {list(latents.shape)}, received {list(value.shape)}")
        self._embeddings().latents = value if isinstance(value, nn.Parameter) else nn.Parameter(value)

    @classmethod
    def can_generate(cls) -> bool:
        """False: a Perceiver answers everything at once. Training loops and loggers ask."""
        return False

    def get_output_embeddings(self) -> None:
        """None: no layer of a Perceiver is a table of output embeddings of its own."""
        return

    def enable_input_require_grads(self) -> None:
        """Let gradients flow through the latents although they are frozen, as recomputing beside adapters needs it."""
        self.disable_input_require_grads()
        self._input_hook = self._embeddings().register_forward_hook(_require_grad)

    def disable_input_require_grads(self) -> None:
        """Take `enable_input_require_grads` back."""
        if self._input_hook is not None:
            self._input_hook.remove()
        self._input_hook = None

    def prepare(
        self,
        *,
        consume: bool = False,
        max_memory: int | None = None,
        chunk_size: int | None = None,
        progress: Callable[[int, int], None] | None = None,
        quantize: str | None = None,
        dtype: str | None = None,
    ) -> Any:
        """The exact fast form of this model, for inference: the same call, `encode`, `decode` and `reconstruct`.

        Args:
            consume: move the weights instead of copying them; this model cannot be used afterwards.
            max_memory: bytes of working memory beside weights, inputs and outputs; None: 256 MiB, and on a GPU up to 4 GiB.
            chunk_size: tokens, or outputs, computed at a time at most; None: as many as fit.
            progress: called with the number of outputs decoded so far and the number asked for.
            quantize: "int8" rounds the self-attends to 8 bits: faster on processors, not equal any more.
            dtype: "bfloat16" takes the self-attends' products in bfloat16: faster on processors that have these, not equal.

        Returns:
            A frozen `perceivers.inference.PreparedModel`.
        """
        return find_prepare()(
            self,
            consume=consume,
            max_memory=max_memory,
            chunk_size=chunk_size,
            progress=progress,
            quantize=quantize,
            dtype=dtype,
        )

    @classmethod
    def prepare_pretrained(
        cls,
        pretrained_model_name_or_path: str | os.PathLike[str],
        *,
        max_memory: int | None = None,
        chunk_size: int | None = None,
        progress: Callable[[int, int], None] | None = None,
        quantize: str | None = None,
        **options: Any,
    ) -> Any:
        """The exact fast form of a checkpoint, with less memory on the way than `from_pretrained` and `prepare` take.

        Each of the latents' layers is read, folded and laid out before the next one is read: the model is never there whole.

        Args:
            pretrained_model_name_or_path: see `from_pretrained`.
            max_memory: see `prepare`, as the three below.
            chunk_size: see there.
            progress: see there.
            quantize: see there.
            options: see `from_pretrained`.

        Returns:
            A frozen `perceivers.inference.PreparedModel`.
        """
        with left_in_file(SELF_ATTENDS):
            model = cls.from_pretrained(pretrained_model_name_or_path, **options)
        return model.prepare(
            consume=True, max_memory=max_memory, chunk_size=chunk_size, progress=progress, quantize=quantize
        )

    def gradient_checkpointing_enable(
        self, gradient_checkpointing_kwargs: Mapping[str, Any] | None = None
    ) -> None:
        """Recompute the layers' activations in the backward pass instead of keeping them, while training.

        Args:
            gradient_checkpointing_kwargs: only `{"use_reentrant": False}`, which is what happens anyway.
        """
        unusable = dict(gradient_checkpointing_kwargs or {})
        if unusable.get("use_reentrant") is False:
            del unusable["use_reentrant"]
        if unusable:
            raise ConfigurationError(
                f"`gradient_checkpointing_kwargs` may hold use_reentrant=False only, received {unusable}"
            )
        self._set_gradient_checkpointing(True)

    def gradient_checkpointing_disable(self) -> None:
        """Keep the layers' activations again."""
        self._set_gradient_checkpointing(False)

    @property
    def is_gradient_checkpointing(self) -> bool:
        """Whether any layer recomputes its activations in the backward pass."""
        return any(getattr(module, "gradient_checkpointing", False) for module in self.modules())

    def activation_checkpointing_enable(
        self,
        activation_checkpointing_kwargs: Mapping[str, Any] | None = None,
        every_n_layers: int = 1,
        offload: bool = False,
    ) -> None:
        """Transformers' newer name of `gradient_checkpointing_enable`.

        Args:
            activation_checkpointing_kwargs: as there.
            every_n_layers: 1; a layer is recomputed, or none is.
            offload: False; what is kept stays on its device.
        """
        if every_n_layers != 1 or offload:
            raise ConfigurationError(
                f"`every_n_layers` must be 1 and `offload` False, received {every_n_layers} and {offload}"
            )
        self.gradient_checkpointing_enable(activation_checkpointing_kwargs)

    def activation_checkpointing_disable(self) -> None:
        """Transformers' newer name of `gradient_checkpointing_disable`."""
        self.gradient_checkpointing_disable()

    @property
    def is_activation_checkpointing(self) -> bool:
        """Transformers' newer name of `is_gradient_checkpointing`."""
        return self.is_gradient_checkpointing

    def initialize_parameters(self, names: Iterable[str] | None = None) -> None:
        """Draw the values that training from scratch starts from; repeatable under `torch.manual_seed`.

        `config.initializer_range` is the standard deviation of latents, positions, tables, padding and mask vectors, and of
        the weights of linear layers and convolutions unless `config.fan_in_scaling` says that they scale with their fan-in.
        That says so itself where `initializer_range` has its default. See `perceivers.nn.initialization`.

        Args:
            names: keys of the state dict, running statistics included; None for all.
        """
        wanted = None if names is None else set(names)
        unknown = sorted((wanted or set()) - self.state_dict(keep_vars=True).keys())
        if unknown:
            raise ConfigurationError(
                f"`names` must be keys of the state dict of {type(self).__name__}, received {', '.join(unknown)}"
            )
        initialize_tensors(self, wanted, self.config.initializer_range, self.config.matrix_std)

    def initialize_new_parameters(self) -> None:
        """Draw only what no inner PerceiverPreTrainedModel has drawn already: the last line of a wrapping model."""
        inner = [
            f"{path}."
            for path, module in self.named_modules()
            if path and isinstance(module, PerceiverPreTrainedModel)
        ]
        self.initialize_parameters(key for key in self.state_dict() if not key.startswith(tuple(inner)))

    @overload
    @classmethod
    def from_pretrained(
        cls,
        pretrained_model_name_or_path: str | os.PathLike[str] | None,
        *,
        output_loading_info: Literal[False] = False,
        **options: Any,
    ) -> Self: ...

    @overload
    @classmethod
    def from_pretrained(
        cls,
        pretrained_model_name_or_path: str | os.PathLike[str] | None,
        *,
        output_loading_info: Literal[True],
        **options: Any,
    ) -> tuple[Self, dict[str, Any]]: ...

    @classmethod
    def from_pretrained(
        cls,
        pretrained_model_name_or_path: str | os.PathLike[str] | None,
        *,
        config: PerceiverConfig | str | os.PathLike[str] | None = None,
        revision: str | None = None,
        dtype: str | torch.dtype | None = None,
        torch_dtype: str | torch.dtype | None = None,
        device: str | int | torch.device | None = None,
        device_map: str | int | torch.device | Mapping[str, Any] | None = None,
        fidelity: str | None = None,
        conv_kernel_order: str | None = None,
        cache_dir: str | os.PathLike[str] | None = None,
        token: str | bool | None = None,
        local_files_only: bool = False,
        force_download: bool = False,
        ignore_mismatched_sizes: bool = False,
        strict: bool = False,
        output_loading_info: bool = False,
        subfolder: str = "",
        variant: str | None = None,
        use_safetensors: bool | None = None,
        weights_only: bool = True,
        state_dict: Mapping[str, Tensor] | None = None,
        **options: Any,
    ) -> Self | tuple[Self, dict[str, Any]]:
        """A model with the weights of a checkpoint, in evaluation mode.

        The checkpoint of a base model loads into a task model and the reverse. What the checkpoint lacks is drawn by
        `initialize_parameters` and listed in a warning. Memory holds about one copy of the weights at any time.

        Args:
            pretrained_model_name_or_path: folder with config.json and weights, or a hub name such as
                "deepmind/language-perceiver"; None where `config` and `state_dict` are given.
            config: configuration (or the folder or name of one) to build from instead of the checkpoint's own.
            revision: branch, tag or commit of the hub repository.
            dtype: floating-point type to load in, or its name; None or "auto" for the one it was saved in.
            torch_dtype: another name of `dtype`.
            device: where the weights go; None for torch's default device, normally the CPU.
            device_map: another name of `device`; one device for the whole model. "auto" is this machine's accelerator, and
                the CPU where there is none.
            fidelity: "transformers" or "deepmind", see PerceiverConfig; None for what the configuration says.
            conv_kernel_order: how the file holds the convolutional stem's kernel, "width_height" or "height_width". None:
                what its config.json says, and "width_height" if it does not, as the published files are. With fidelity
                "deepmind" such a kernel is turned on loading, and saved as "height_width" from then on.
            cache_dir: where downloads are kept.
            token: hub access token; True takes the stored one.
            local_files_only: never ask the network (the variable HF_HUB_OFFLINE does the same everywhere).
            force_download: download again what the cache holds.
            ignore_mismatched_sizes: draw weights of another shape anew, with a warning, instead of raising.
            strict: raise for missing and unexpected keys instead of warning.
            output_loading_info: also return a dictionary with `missing_keys`, `unexpected_keys`, `mismatched_keys` (each
                key with its stored and its own shape) and `error_msgs`.
            subfolder: folder inside the folder or repository that holds the checkpoint.
            variant: a word such as "fp16" that the weight files have in their names: `model.fp16.safetensors`.
            use_safetensors: True reads safetensors alone, False `.bin` files alone, None safetensors where there are some.
            weights_only: True; a pickle that holds more than tensors is never opened.
            state_dict: tensors to take instead of those of weight files.
            options: keys of the configuration to replace (`num_labels=5`, `attn_implementation="eager"`), and further
                arguments of the model's constructor. Some of Transformers' arguments change nothing here and are passed over,
                such as `low_cpu_mem_usage`; others are refused with the reason, such as `trust_remote_code=True`:
                `perceivers.checkpoints.foreign` lists both.

        Raises:
            CheckpointError: no such checkpoint, or unreadable files.
            CheckpointMismatchError: weights that do not fit; a CheckpointError and a RuntimeError.
            ConfigurationError: an argument that nothing knows, or a value out of range.
            MetaDeviceError: called under `torch.device("meta")`; a ConfigurationError and a RuntimeError.
        """
        if dtype is not None and torch_dtype is not None:
            raise ConfigurationError("give `dtype` or `torch_dtype`, not both")
        require_safe_unpickling(weights_only)
        hub = HubOptions(
            revision=revision,
            cache_dir=cache_dir,
            token=token,
            local_files_only=local_files_only,
            force_download=force_download,
            subfolder=subfolder,
        )
        model, match = load_pretrained(
            cls,
            pretrained_model_name_or_path,
            config=config,
            hub=hub,
            dtype=torch_dtype if dtype is None else dtype,
            device=device,
            device_map=device_map,
            fidelity=fidelity,
            conv_kernel_order=conv_kernel_order,
            ignore_mismatched_sizes=ignore_mismatched_sizes,
            strict=strict,
            extra=without_foreign(options),
            use_safetensors=use_safetensors,
            variant=variant,
            state_dict=state_dict,
        )
        if not output_loading_info:
            return model
        return model, {
            "missing_keys": set(match.missing),
            "unexpected_keys": set(match.unexpected),
            "mismatched_keys": {(key, *shapes) for key, shapes in match.mismatched.items()},
            "error_msgs": [],
        }

    def save_pretrained(
        self,
        save_directory: str | os.PathLike[str],
        *,
        is_main_process: bool = True,
        state_dict: Mapping[str, Tensor] | None = None,
        max_shard_size: int | str = "5GB",
        safe_serialization: bool = True,
        push_to_hub: bool = False,
        repo_id: str | None = None,
        **hub_options: Any,
    ) -> None:
        """Write `config.json` and safetensors weights into `save_directory`, for this library and for Transformers alike.

        Whatever interrupts it, the folder holds the former checkpoint or the new one, whole.

        Args:
            save_directory: made if absent; other files in it stay.
            is_main_process: False writes nothing: for all but one of the processes of a distributed run.
            state_dict: tensors to write instead of the model's own, such as those gathered from several devices.
            max_shard_size: bytes, or a text such as "5GB", above which the weights are split into several files.
            safe_serialization: True; pickled weights are not written.
            push_to_hub: also upload, to `repo_id`.
            repo_id: the repository's name; the folder's name if None.
            hub_options: further arguments of `push_to_hub`.
        """
        if not safe_serialization:
            raise ConfigurationError(
                "`safe_serialization` must be True: weights are written as safetensors only"
            )
        if not push_to_hub and (hub_options or repo_id is not None):
            given = ", ".join(sorted([*hub_options, *(["repo_id"] if repo_id is not None else [])]))
            raise ConfigurationError(f"without `push_to_hub=True` nothing uses {given}")
        if not is_main_process:
            return
        self.config.architectures = [type(self).__name__]
        self.config.dtype = self.dtype
        write_checkpoint(
            save_directory,
            self.config,
            self.state_dict() if state_dict is None else state_dict,
            max_shard_size,
        )
        if push_to_hub:
            name = Path(save_directory).resolve().name if repo_id is None else repo_id
            self.push_to_hub(name, max_shard_size=max_shard_size, state_dict=state_dict, **hub_options)

    def push_to_hub(
        self,
        repo_id: str,
        *,
        commit_message: str | None = None,
        private: bool | None = None,
        token: str | bool | None = None,
        revision: str | None = None,
        create_pr: bool = False,
        max_shard_size: int | str = "5GB",
        state_dict: Mapping[str, Tensor] | None = None,
    ) -> str:
        """Upload the checkpoint to the model hub and give the commit's (or pull request's) address.

        Args:
            repo_id: the repository's name, "owner/name"; made if absent.
            commit_message: the commit's title; None for one with the class's name.
            private: whether a new repository is private; None: as the owner's settings say.
            token: hub access token; None or True takes the stored one.
            revision: branch to commit to.
            create_pr: open a pull request instead of committing.
            max_shard_size: see `save_pretrained`.
            state_dict: see `save_pretrained`.
        """
        return upload(
            lambda folder: self.save_pretrained(folder, max_shard_size=max_shard_size, state_dict=state_dict),
            repo_id,
            commit_message=commit_message or f"Upload {type(self).__name__}",
            private=private,
            token=token,
            revision=revision,
            create_pr=create_pr,
        )

    def _embeddings(self) -> nn.Module:
        embeddings = getattr(self.base_model, "embeddings", None)
        if not isinstance(embeddings, nn.Module):
            raise ConfigurationError(f"{type(self).__name__} has no latent array `embeddings.latents`")
        return embeddings

    def _set_gradient_checkpointing(self, active: bool) -> None:
        layers = [module for module in self.modules() if hasattr(module, "gradient_checkpointing")]
        if not layers:
            raise ConfigurationError(f"{type(self).__name__} has no layer that can recompute its activations")
        for layer in layers:
            layer.gradient_checkpointing = active  # type: ignore[assignment]


def _require_grad(module: nn.Module, inputs: Any, output: Tensor) -> None:
    output.requires_grad_(True)
