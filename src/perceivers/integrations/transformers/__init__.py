"""Transformers around the library's models: PreTrainedModels of the same names, pipelines, registration on request.

Nothing happens on import: Transformers' own Perceiver stays what it is until `register` is called.
"""

from __future__ import annotations

from perceivers.integrations.transformers.configuration import PerceiverConfig
from perceivers.integrations.transformers.models import (
    CLASSES,
    HierarchicalPerceiver,
    PerceiverForCausalLM,
    PerceiverForEntitySelection,
    PerceiverForImageClassificationConvProcessing,
    PerceiverForImageClassificationFourier,
    PerceiverForImageClassificationLearned,
    PerceiverForMaskedLM,
    PerceiverForMultimodalAutoencoding,
    PerceiverForOpticalFlow,
    PerceiverForPrediction,
    PerceiverForSequenceClassification,
    PerceiverModel,
    PerceiverPreTrainedModel,
    adapt,
)
from perceivers.integrations.transformers.pipelines.opening import pipeline
from perceivers.integrations.transformers.processors.images import (
    PerceiverImageProcessor,
    PerceiverImageProcessorFast,
    PerceiverImageProcessorPil,
)
from perceivers.integrations.transformers.processors.tokenizer import PerceiverTokenizer
from perceivers.integrations.transformers.registration import Registration, register
from perceivers.integrations.transformers.trainer import Trainer

__all__ = [
    "CLASSES",
    "HierarchicalPerceiver",
    "PerceiverConfig",
    "PerceiverForCausalLM",
    "PerceiverForEntitySelection",
    "PerceiverForImageClassificationConvProcessing",
    "PerceiverForImageClassificationFourier",
    "PerceiverForImageClassificationLearned",
    "PerceiverForMaskedLM",
    "PerceiverForMultimodalAutoencoding",
    "PerceiverForOpticalFlow",
    "PerceiverForPrediction",
    "PerceiverForSequenceClassification",
    "PerceiverImageProcessor",
    "PerceiverImageProcessorFast",
    "PerceiverImageProcessorPil",
    "PerceiverModel",
    "PerceiverPreTrainedModel",
    "PerceiverTokenizer",
    "Registration",
    "Trainer",
    "adapt",
    "pipeline",
    "register",
]
