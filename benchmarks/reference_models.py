"""Transformers' seven models at their released sizes, with weights that let no mistake hide, and inputs for them.

Run: python benchmarks/reference_models.py. Prints the models and their numbers of parameters.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

import torch
from torch import Tensor, nn

_CLASSIFIER = MappingProxyType(
    {
        "num_latents": 512,
        "d_latents": 1024,
        "d_model": 512,
        "num_blocks": 8,
        "num_self_attends_per_block": 6,
        "num_self_attention_heads": 8,
        "num_cross_attention_heads": 1,
        "num_labels": 1000,
    }
)


@dataclass(frozen=True)
class ReleasedModel:
    """One model of the released checkpoints' sizes.

    Attributes:
        class_name: the same in both libraries.
        config: keys that differ from PerceiverConfig's defaults.
    """

    class_name: str
    config: Mapping[str, Any] = field(default_factory=dict)


RELEASED_MODELS: Mapping[str, ReleasedModel] = MappingProxyType(
    {
        "masked-lm": ReleasedModel("PerceiverForMaskedLM", {"qk_channels": 256, "v_channels": 1280}),
        "sequence-classification": ReleasedModel(
            "PerceiverForSequenceClassification", {"qk_channels": 256, "v_channels": 1280}
        ),
        "image-learned": ReleasedModel(
            "PerceiverForImageClassificationLearned", {**_CLASSIFIER, "image_size": 224}
        ),
        "image-fourier": ReleasedModel(
            "PerceiverForImageClassificationFourier", {**_CLASSIFIER, "d_model": 261}
        ),
        "image-conv": ReleasedModel(
            "PerceiverForImageClassificationConvProcessing", {**_CLASSIFIER, "d_model": 322}
        ),
        "optical-flow": ReleasedModel(
            "PerceiverForOpticalFlow",
            {
                "num_latents": 2048,
                "d_latents": 512,
                "d_model": 322,
                "num_blocks": 1,
                "num_self_attends_per_block": 24,
                "num_self_attention_heads": 16,
                "num_cross_attention_heads": 1,
            },
        ),
        "multimodal": ReleasedModel(
            "PerceiverForMultimodalAutoencoding",
            {
                "num_latents": 784,
                "d_latents": 512,
                "d_model": 704,
                "num_blocks": 1,
                "num_self_attends_per_block": 8,
                "num_self_attention_heads": 8,
                "num_cross_attention_heads": 1,
                "num_labels": 700,
                # Not 224: the Fourier resolution counts patches of 4 x 4 pixels.
                "image_size": 56,
            },
        ),
    }
)


def build_reference(name: str, seed: int = 0, device: str = "cpu") -> Any:
    """Transformers' model of the released size, with lively weights, in evaluation mode.

    Args:
        name: one of RELEASED_MODELS.
        seed: of the weights.
        device: "meta" makes no weights.
    """
    import transformers

    transformers.logging.set_verbosity_error()
    chosen = RELEASED_MODELS[name]
    torch.manual_seed(seed)
    with torch.device(device):
        model = getattr(transformers, chosen.class_name)(transformers.PerceiverConfig(**chosen.config))
    if device != "meta":
        make_lively(model, seed)
    return model.eval()


@torch.no_grad()
def make_lively(model: nn.Module, seed: int = 0) -> None:
    """Move norms, biases and statistics away from 1 and 0, and let attention choose: sharper queries, larger latents."""
    tensors = [*model.named_parameters(), *model.named_buffers()]
    device = tensors[0][1].device
    generator = torch.Generator(device).manual_seed(seed)
    for name, tensor in tensors:
        if not tensor.is_floating_point():
            continue
        noise = torch.randn(tensor.shape, generator=generator, device=device)
        if name.endswith("running_var"):
            tensor.copy_(1.0 + 0.3 * noise.abs())
        elif name.endswith(("running_mean", "bias")):
            tensor.copy_(0.1 * noise)
        elif "norm" in name:
            tensor.copy_(1.0 + 0.2 * noise)
        elif name.endswith(("query.weight", "key.weight")):
            tensor.mul_(2.5)
        elif name.endswith("latents"):
            tensor.mul_(5.0)


def example_inputs(name: str, seed: int = 0) -> dict[str, Any]:
    """Forward arguments for one sample of a model, random.

    Args:
        name: one of RELEASED_MODELS.
        seed: of the values.
    """
    generator = torch.Generator().manual_seed(seed)

    def normal(*shape: int) -> Tensor:
        return torch.randn(shape, generator=generator)

    if name in ("masked-lm", "sequence-classification"):
        ids = torch.randint(6, 262, (1, 2048), generator=generator)
        mask = torch.ones(1, 2048, dtype=torch.long)
        mask[:, 1500:] = 0
        return {"inputs": ids, "attention_mask": mask}
    if name == "optical-flow":
        return {"inputs": normal(1, 2, 27, 368, 496)}
    if name == "multimodal":
        return {
            "inputs": {
                "image": normal(1, 16, 3, 224, 224),
                "audio": normal(1, 30720, 1),
                "label": torch.zeros(1, 700),
            },
            "subsampled_output_points": {
                "image": torch.randperm(16 * 224 * 224, generator=generator)[: 16 * 224 * 224 // 128],
                "audio": torch.randperm(1920, generator=generator)[: 1920 // 128],
                "label": None,
            },
        }
    return {"inputs": normal(1, 3, 224, 224)}


if __name__ == "__main__":
    for model_name, released in RELEASED_MODELS.items():
        count = sum(
            parameter.numel() for parameter in build_reference(model_name, device="meta").parameters()
        )
        print(f"{model_name:24} {released.class_name:48} {count:>12,} parameters")
