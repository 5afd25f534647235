"""What the model hears of a sound: a processor for raw samples or log-mel energies, clips of it, the modality it fits."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from perceivers.arguments.audio_classification import AudioClassificationArguments
from perceivers.errors import CheckpointError
