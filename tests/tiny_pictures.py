"""Small pictures of two classes, in a folder each, and the smallest network that learns to tell them apart."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from perceivers.arguments import DataArguments
from perceivers.tasks.image_classification.task import ImageClassification

TINY: dict[str, Any] = {
    "size": "usual",
    "image_height": 5,
    "image_width": 7,
    "num_latents": 3,
    "latent_channels": 8,
    "num_layers": 1,
    "num_heads": 2,
    "num_fourier_bands": 2,
    "qk_channels": 8,
}


def draw_classes(root: Path, count: int = 12) -> Path:
    """Pictures of many sizes and modes, bright on the left or on the right."""
    generator = np.random.default_rng(0)
    for name in ("left", "right"):
        (root / name).mkdir(parents=True)
        for index in range(count):
            height, width = generator.integers(5, 20, size=2)
            pixels = generator.integers(0, 60, size=(height, width)).astype(np.uint8)
            half = slice(0, width // 2) if name == "left" else slice(width - width // 2, width)
            pixels[:, half] = 220
            image = Image.fromarray(pixels)
            image = image.convert("RGB") if index % 2 else image
            image.save(root / name / f"{index:02d}.png")
    return root


def class_names(parts: Any) -> list[str]:
    """The classes that a model answers, in its own order."""
    return list(parts.processor.answers["label"].names)


def parts_of(task: ImageClassification, pictures: Path) -> Any:
    """An untrained model for the pictures of a folder."""
    return task.build(task.load_data(DataArguments(data=str(pictures))))
