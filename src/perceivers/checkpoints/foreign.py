"""Arguments of Transformers' `from_pretrained` that have no work to do here: passed over, or refused with a reason."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from perceivers.errors import ConfigurationError

#: They say how, and not what, is loaded, or where a call comes from: nothing changes with them.
HARMLESS = (
    "_commit_hash",
    "_fast_init",
    "_from_auto",
    "_from_pipeline",
    "adapter_name",
    "allow_all_kernels",
    "disable_mmap",
    "fast_init",
    "low_cpu_mem_usage",
    "mirror",
    "resume_download",
    "tqdm_class",
)

_WHOLE = "a model lies whole on one device, which `device` (or `device_map`) names"
_ONE_PROCESS = "a model is loaded whole by each process; accelerate, or torch, divides it afterwards"

#: Why each is refused, unless it is None, False or empty.
REFUSED: Mapping[str, str] = {
    "adapter_kwargs": "adapters are not loaded with a model: PEFT adds them afterwards",
    "device_mesh": _ONE_PROCESS,
    "distributed_config": _ONE_PROCESS,
    "experts_implementation": "a Perceiver has no experts",
    "from_flax": "only PyTorch weights are read",
    "from_tf": "only PyTorch weights are read",
    "fusion_config": "`model.prepare()` gives the fast form",
    "generation_config": "a Perceiver does not generate text",
    "gguf_file": "only safetensors and .bin files are read",
    "kernel_config": "`model.prepare()` gives the fast form",
    "key_mapping": "keys are those of the file; rename them there",
    "load_in_4bit": '`model.prepare(quantize="int8")` is the quantised form',
    "load_in_8bit": '`model.prepare(quantize="int8")` is the quantised form',
    "max_memory": _WHOLE,
    "offload_buffers": _WHOLE,
    "offload_folder": _WHOLE,
    "offload_state_dict": _WHOLE,
    "proxies": "the hub is asked through the environment's HTTPS_PROXY",
    "quantization_config": '`model.prepare(quantize="int8")` is the quantised form',
    "tp_plan": _ONE_PROCESS,
    "tp_size": _ONE_PROCESS,
    "trust_remote_code": "code that comes with a checkpoint is never run",
    "use_auth_token": "it is called `token`",
    "use_kernels": "`model.prepare()` gives the fast form",
}


def without_foreign(options: Mapping[str, Any]) -> dict[str, Any]:
    """The options without those that Transformers knows and that have no work to do here.

    Args:
        options: what a caller of `from_pretrained` gave beyond its own arguments.

    Raises:
        ConfigurationError: one of them asks for what is not done; the message says why.
    """
    for name, reason in REFUSED.items():
        if options.get(name):
            raise ConfigurationError(f"`{name}` must be left out, received {options[name]!r}: {reason}")
    return {name: value for name, value in options.items() if name not in HARMLESS and name not in REFUSED}


def require_safe_unpickling(weights_only: bool | None) -> None:
    """ConfigurationError for `weights_only=False`: a pickle that may hold more than tensors can run any program."""
    if weights_only is not None and not weights_only:
        raise ConfigurationError(
            "`weights_only` must be True: what a file holds beside tensors could run any program; "
            "where you trust it, save its tensors as safetensors"
        )
