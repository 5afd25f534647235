"""Audio classification: log-mel spectrograms or raw samples in, one class or several labels out."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import torch
from torch import Tensor, nn

from perceivers.arguments import DataArguments
from perceivers.arguments.audio_classification import AudioClassificationArguments
from perceivers.configuration import PerceiverConfig
from perceivers.data.opening import TABLE_FORMATS, find_files, open_table_file, open_tables
from perceivers.data.rows import load_splits, names_of_classes
from perceivers.data.splits import Splits
from perceivers.data.tables import FILE_COLUMN, ListTable, StreamTable, Table, require_columns
from perceivers.models.classification import PerceiverForClassification
from perceivers.tasks.audio_classification_features import AudioProcessor, build_processor, load_processor
from perceivers.tasks.audio_classification_features import modality_of, number_of_clips
from perceivers.tasks.audio_classification_picture import MOST_SHOWN, draw_sounds
from perceivers.tasks.audio_classification_samples import (
    AUDIO_SUFFIXES,
    AudioDecoder,
    AudioSample,
    names_of_labels,
    vary_sound,
)
from perceivers.tasks.base import Batch, Parts, Prediction, Step
from perceivers.tasks.classification import (
    LABELS,
    MULTI_LABEL,
    ClassificationTask,
    class_names,
    classification_losses,
    ranked_answers,
)
