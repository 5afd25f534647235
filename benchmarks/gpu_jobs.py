"""What is compared on a GPU: the seven released models' sides, in one dtype, with the same weights and inputs.

Run: python benchmarks/gpu_jobs.py. Prints the jobs.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import torch
from device_measuring import moved
from reference_models import make_lively
from torch import nn
from training_jobs import JOBS as MODELS
from training_jobs import Job, example, small

THEIRS, EAGER, FUSED, COMPILED, PREPARED = (
    "Transformers",
    "ours, eager",
    "ours, fused",
    "ours, compiled",
    "prepared",
)
SIDES = (THEIRS, EAGER, FUSED, COMPILED, PREPARED)
#: Largest difference in float32, as a part of the largest value: sums in another order, through up to 48 layers.
TOLERANCE = 5e-5
CHUNKS = 128


@dataclass(frozen=True)
class GpuJob:
    """Inference of one model.

    Attributes:
        model: one of training_jobs.JOBS.
        batch: samples.
        what: in words.
        parts: Transformers' time is that of so many runs like the one measured.
    """

    model: str
    batch: int
    what: str
    parts: int = 1


INFERENCE: Mapping[str, GpuJob] = MappingProxyType(
    {
        "masked-lm, 1": GpuJob("masked-lm", 1, "a text of 2,048 bytes"),
        "masked-lm, 16": GpuJob("masked-lm", 16, "16 texts of 2,048 bytes"),
        "sequence-classification, 1": GpuJob("sequence-classification", 1, "a text of 2,048 bytes"),
        **{
            f"{model}, {batch}": GpuJob(model, batch, f"{batch} of 224 x 224 pixels")
            for model in ("image-learned", "image-fourier", "image-conv")
            for batch in (1, 32)
        },
        "optical-flow, 1": GpuJob("optical-flow", 1, "a pair of frames of 368 x 496"),
        "multimodal, 1": GpuJob(
            "multimodal",
            1,
            f"a video of 16 frames with sound, whole; theirs is one of {CHUNKS} chunks",
            CHUNKS,
        ),
    }
)

TRAINING: Mapping[str, int] = MappingProxyType(
    {
        "masked-lm": 8,
        "sequence-classification": 8,
        "image-learned": 8,
        "image-fourier": 8,
        "image-conv": 8,
        "optical-flow": 1,
        "multimodal": 2,
    }
)


def model_job(name: str, is_small: bool) -> Job:
    """A model at its released size, or tiny."""
    return small(MODELS[name]) if is_small else MODELS[name]


def our_config(job: Job, **changes: Any) -> Any:
    import perceivers

    return perceivers.PerceiverConfig(**{**job.sizes, **changes})


class Models:
    """One model of both libraries with the same lively float32 weights; what is measured are copies.

    Args:
        name: one of training_jobs.JOBS.
        job: its sizes.
        device: where both are.
    """

    def __init__(self, name: str, job: Job, device: torch.device) -> None:
        import transformers

        import perceivers

        transformers.logging.set_verbosity_error()
        self.name, self.job, self.device = name, job, device
        changes = {"attention_probs_dropout_prob": 0.0}
        torch.manual_seed(0)
        with torch.device(device):
            config = transformers.PerceiverConfig(**{**job.sizes, **changes})
            self._theirs = getattr(transformers, job.class_name)(config).eval()
            self._ours = getattr(perceivers, job.class_name)(our_config(job, **changes)).eval()
        make_lively(self._theirs)
        self._ours.load_state_dict(self._theirs.state_dict())

    def theirs(self, dtype: torch.dtype) -> Any:
        """Transformers' model."""
        return copy.deepcopy(self._theirs).to(dtype)

    def ours(self, dtype: torch.dtype, implementation: str = "sdpa") -> Any:
        """Our plain model, with one of its implementations of attention."""
        model = copy.deepcopy(self._ours).to(dtype)
        for module in model.modules():
            if hasattr(module, "implementation"):
                module.implementation = implementation
        return model

    def prepared(self, dtype: torch.dtype, **options: Any) -> Any:
        """Our model's fast form."""
        return self.ours(dtype).prepare(consume=True, **options)

    def compiled(self, dtype: torch.dtype) -> Any:
        """Our plain model with the latents' layers compiled: most of its layers, alike, so that they compile in seconds."""
        torch.compiler.reset()
        model = self.ours(dtype)
        for layer in model.perceiver.encoder.self_attends:
            layer.compile(dynamic=False)
        return model


def whole_inputs(name: str, job: Job, batch: int) -> dict[str, Any]:
    """Forward arguments without masks that hide nothing, at the model's own size."""
    inputs, _ = example(job, our_config(job), batch)
    inputs.pop("attention_mask", None)
    if name == "multimodal":
        config = our_config(job)
        pixels = config.num_frames * job.picture**2 // CHUNKS
        patches = config.num_audio_samples // config.samples_per_patch // CHUNKS
        inputs["subsampled_output_points"] = {
            "image": torch.arange(pixels),
            "audio": torch.arange(max(1, patches)),
            "label": None,
        }
    return inputs


def runner(
    name: str, model: Any, inputs: Mapping[str, Any], theirs: bool, autocast: torch.dtype | None = None
) -> Callable[[], Any]:
    """What a side runs."""
    device = next(iter(model.parameters())).device if isinstance(model, nn.Module) else model.device
    dtype = None if autocast is not None else model.dtype
    given = moved(inputs, device, dtype)

    def run() -> Any:
        if name == "multimodal" and not theirs:
            return model.reconstruct(given["inputs"])
        return model(**given).logits

    def run_mixed() -> Any:
        with torch.autocast(device.type, autocast):
            return run()

    return run if autocast is None else run_mixed


def comparable(name: str, output: Any, theirs: bool, like: Any = None) -> dict[str, torch.Tensor]:
    """Tensors by name, float32; of a whole video what one chunk holds too."""
    if name != "multimodal":
        return {"logits": output.float()}
    if theirs:
        return {each: output[each].float() for each in ("image", "audio", "label")}
    pixels, samples = like["image"].shape[1], like["audio"].shape[1]
    return {
        "image": output["image"].movedim(2, -1).flatten(1, 3)[:, :pixels].float(),
        "audio": output["audio"][:, :samples, 0].float(),
        "label": output["label"].float(),
    }


if __name__ == "__main__":
    for job_name, each in INFERENCE.items():
        print(f"{job_name:28} {each.what}")
    for job_name, count in TRAINING.items():
        print(f"{job_name:28} a training step of {count}")
