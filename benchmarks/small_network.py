"""A convolutional network of four layers in plain torch: what a practitioner writes in a minute to see what pictures give."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn
from torch.nn import functional as F

# Pictures are brought to their own longer side, up to this.
LARGEST_SIDE = 64
BATCH_SIZE = 64
WIDTHS = (32, 64, 128, 128)
PASSES = 25


def accuracy_of_small_network(folder: Path, *, seconds: float, seed: int) -> float:
    """Learn pictures for a time, and give the share of test pictures that are told right.

    Args:
        folder: `train` and `test`, with a folder of pictures for each class.
        seconds: of learning; the rate falls to zero by then. At most 25 passes are done.
        seed: of weights, order and changes.
    """
    torch.manual_seed(seed)
    classes = sorted(path.name for path in (folder / "train").iterdir() if path.is_dir())
    pixels, labels = read(folder / "train", classes)
    network = build(len(classes))
    optimizer = torch.optim.AdamW(network.parameters(), lr=2e-3, weight_decay=0.05)
    steps, step, begin = PASSES * math.ceil(len(pixels) / BATCH_SIZE), 0, time.monotonic()
    while step < steps and time.monotonic() - begin < seconds:
        for indices in torch.randperm(len(pixels)).split(BATCH_SIZE):
            gone = max(step / steps, (time.monotonic() - begin) / seconds)
            for group in optimizer.param_groups:
                group["lr"] = 2e-3 * (1 + math.cos(math.pi * min(gone, 1.0))) / 2
            loss = F.cross_entropy(network(changed(pixels[indices])), labels[indices])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            step += 1
            if gone >= 1.0:
                break
    network.eval()
    pixels, labels = read(folder / "test", classes)
    with torch.inference_mode():
        told = torch.cat([network(batch.float() / 255).argmax(dim=1) for batch in pixels.split(256)])
    return float((told == labels).float().mean())


def build(num_classes: int) -> nn.Sequential:
    """Four convolutions of 3 x 3, each with batch normalisation, ReLU and a pool of 2; the mean; a linear map."""
    layers: list[nn.Module] = []
    for before, after in zip((3, *WIDTHS), WIDTHS, strict=False):
        layers += [
            nn.Conv2d(before, after, 3, padding=1),
            nn.BatchNorm2d(after),
            nn.ReLU(),
            nn.MaxPool2d(2, ceil_mode=True),
        ]
    return nn.Sequential(
        *layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Dropout(0.3), nn.Linear(WIDTHS[-1], num_classes)
    )


def changed(batch: Tensor) -> Tensor:
    """Pictures [batch, 3, height, width] in [0, 1], moved by up to an eighth of their sides."""
    height, width = batch.shape[2:]
    rows, columns = max(height // 8, 1), max(width // 8, 1)
    padded = F.pad(batch.float() / 255, (columns, columns, rows, rows), mode="replicate")
    top, left = int(torch.randint(2 * rows + 1, ())), int(torch.randint(2 * columns + 1, ()))
    return padded[:, :, top : top + height, left : left + width]


def read(folder: Path, classes: Sequence[str]) -> tuple[Tensor, Tensor]:
    """Pictures [num_pictures, 3, side, side] uint8, and their classes [num_pictures]."""
    found, labels, side = [], [], 0
    for label, name in enumerate(classes):
        for path in sorted((folder / name).iterdir()):
            picture = Image.open(path).convert("RGB")
            side = side or min(max(picture.size), LARGEST_SIDE)
            found.append(np.asarray(picture.resize((side, side), Image.Resampling.BICUBIC)))
            labels.append(label)
    return torch.from_numpy(np.stack(found)).movedim(-1, 1), torch.tensor(labels)
