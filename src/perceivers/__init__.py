"""Perceiver IO: inputs of any kind and size into a few latents, any number of outputs out of them.

Names are imported when they are first asked for, so that `import perceivers` costs next to nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

# Public name -> the module that defines it.
_HOMES = {
    "AbstractPreprocessor": "modalities.base",
    "AutoImageProcessor": "processors.auto",
    "AutoTokenizer": "processors.auto",
    "CheckpointError": "errors",
    "ConfigurationError": "errors",
    "DataError": "errors",
    "HierarchicalPerceiver": "models.hierarchical_perceiver",
    "MissingExtraError": "errors",
    "PerceiverAbstractDecoder": "decoders.base",
    "PerceiverAbstractPositionEncoding": "nn.position_encoding",
    "PerceiverAudioPostprocessor": "modalities.audio",
    "PerceiverAudioPreprocessor": "modalities.audio",
    "PerceiverAudioProcessor": "processors.audio.processor",
    "PerceiverBasicDecoder": "decoders.basic",
    "PerceiverBasicVideoAutoencodingDecoder": "decoders.video",
    "PerceiverCategoryPreprocessor": "modalities.category",
    "PerceiverCausalLMOutput": "outputs",
    "PerceiverClassificationDecoder": "decoders.classification",
    "PerceiverClassificationPostprocessor": "modalities.label",
    "PerceiverClassifierOutput": "outputs",
    "PerceiverConfig": "configuration",
    "PerceiverDecoderOutput": "outputs",
    "PerceiverEmbeddingDecoder": "modalities.text",
    "PerceiverEmbeddings": "layers",
    "PerceiverEncoder": "layers",
    "PerceiverEntitiesPreprocessor": "modalities.entities",
    "PerceiverEntityDecoder": "decoders.entities",
    "PerceiverEntityOutput": "outputs",
    "PerceiverForCausalLM": "models.causal_language_modeling",
    "PerceiverForEntitySelection": "models.entity_selection",
    "PerceiverForImageClassificationConvProcessing": "models.image_classification",
    "PerceiverForImageClassificationFourier": "models.image_classification",
    "PerceiverForImageClassificationLearned": "models.image_classification",
    "PerceiverForMaskedLM": "models.masked_language_modeling",
    "PerceiverForMultimodalAutoencoding": "models.multimodal_autoencoding",
    "PerceiverForOpticalFlow": "models.optical_flow",
    "PerceiverForPrediction": "models.prediction",
    "PerceiverForSequenceClassification": "models.sequence_classification",
    "PerceiverFourierPositionEncoding": "nn.position_encoding",
    "PerceiverImagePostprocessor": "modalities.image",
    "PerceiverImagePreprocessor": "modalities.image",
    "PerceiverImageProcessor": "processors.image.pillow",
    "PerceiverImageProcessorFast": "processors.image.fast",
    "PerceiverImageProcessorPil": "processors.image.pillow",
    "PerceiverLayer": "layers",
    "PerceiverMaskedLMOutput": "outputs",
    "PerceiverModel": "models.perceiver",
    "PerceiverModelOutput": "outputs",
    "PerceiverMultimodalDecoder": "decoders.multimodal",
    "PerceiverMultimodalPostprocessor": "modalities.multimodal",
    "PerceiverMultimodalPreprocessor": "modalities.multimodal",
    "PerceiverMultimodalProcessor": "processors.multimodal",
    "PerceiverMultitaskDecoder": "decoders.multitask",
    "PerceiverNumberPreprocessor": "modalities.number",
    "PerceiverOneHotPreprocessor": "modalities.label",
    "PerceiverOpticalFlowDecoder": "decoders.optical_flow",
    "PerceiverOpticalFlowProcessor": "processors.optical_flow.processor",
    "PerceiverPointsPreprocessor": "modalities.points",
    "PerceiverPreTrainedModel": "models.base",
    "PerceiverPredictionOutput": "outputs",
    "PerceiverProjectionDecoder": "decoders.classification",
    "PerceiverProjectionPostprocessor": "modalities.projection",
    "PerceiverSeriesPreprocessor": "modalities.series",
    "PerceiverSpectrogramPreprocessor": "modalities.spectrogram",
    "PerceiverSpectrogramProcessor": "processors.audio.spectrogram",
    "PerceiverTextPreprocessor": "modalities.text",
    "PerceiverTokenizer": "processors.tokenizer",
    "PerceiverTrainablePositionEncoding": "nn.position_encoding",
    "PerceiverVideoProcessor": "processors.video.processor",
    "PerceiversError": "errors",
    "RunInterrupted": "errors",
    "ShapeError": "errors",
    "UnreadableError": "errors",
    "build_position_encoding": "nn.position_encoding",
    "entity_config": "models.entity_selection",
    "fit": "training.fitting",
    "hierarchical_config": "models.hierarchical_perceiver",
    "load": "predictor",
    "predict": "training.prediction",
}

__all__ = sorted(_HOMES)
__version__ = "0.1.0"


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'perceivers' has no attribute {name!r}")
    value = getattr(import_module(f"perceivers.{_HOMES[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
