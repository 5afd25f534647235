"""What type checkers and editors see of the lazily imported names; a test keeps it equal to `__init__.py`."""

from perceivers.configuration import PerceiverConfig as PerceiverConfig
from perceivers.decoders.base import PerceiverAbstractDecoder as PerceiverAbstractDecoder
from perceivers.decoders.basic import PerceiverBasicDecoder as PerceiverBasicDecoder
from perceivers.decoders.classification import (
    PerceiverClassificationDecoder as PerceiverClassificationDecoder,
)
from perceivers.decoders.classification import (
    PerceiverProjectionDecoder as PerceiverProjectionDecoder,
)
from perceivers.decoders.entities import PerceiverEntityDecoder as PerceiverEntityDecoder
from perceivers.decoders.multimodal import PerceiverMultimodalDecoder as PerceiverMultimodalDecoder
from perceivers.decoders.multitask import PerceiverMultitaskDecoder as PerceiverMultitaskDecoder
from perceivers.decoders.optical_flow import PerceiverOpticalFlowDecoder as PerceiverOpticalFlowDecoder
from perceivers.decoders.video import (
    PerceiverBasicVideoAutoencodingDecoder as PerceiverBasicVideoAutoencodingDecoder,
)
from perceivers.errors import (
    CheckpointError as CheckpointError,
)
from perceivers.errors import (
    ConfigurationError as ConfigurationError,
)
from perceivers.errors import (
    DataError as DataError,
)
from perceivers.errors import (
    MissingExtraError as MissingExtraError,
)
from perceivers.errors import (
    PerceiversError as PerceiversError,
)
from perceivers.errors import (
    RunInterrupted as RunInterrupted,
)
from perceivers.errors import (
    ShapeError as ShapeError,
)
from perceivers.errors import (
    UnreadableError as UnreadableError,
)
from perceivers.layers import (
    PerceiverEmbeddings as PerceiverEmbeddings,
)
from perceivers.layers import (
    PerceiverEncoder as PerceiverEncoder,
)
from perceivers.layers import (
    PerceiverLayer as PerceiverLayer,
)
from perceivers.modalities.audio import (
    PerceiverAudioPostprocessor as PerceiverAudioPostprocessor,
)
from perceivers.modalities.audio import (
    PerceiverAudioPreprocessor as PerceiverAudioPreprocessor,
)
from perceivers.modalities.base import AbstractPreprocessor as AbstractPreprocessor
from perceivers.modalities.category import PerceiverCategoryPreprocessor as PerceiverCategoryPreprocessor
from perceivers.modalities.entities import PerceiverEntitiesPreprocessor as PerceiverEntitiesPreprocessor
from perceivers.modalities.image import (
    PerceiverImagePostprocessor as PerceiverImagePostprocessor,
)
from perceivers.modalities.image import (
    PerceiverImagePreprocessor as PerceiverImagePreprocessor,
)
from perceivers.modalities.label import (
    PerceiverClassificationPostprocessor as PerceiverClassificationPostprocessor,
)
from perceivers.modalities.label import (
    PerceiverOneHotPreprocessor as PerceiverOneHotPreprocessor,
)
from perceivers.modalities.multimodal import (
    PerceiverMultimodalPostprocessor as PerceiverMultimodalPostprocessor,
)
from perceivers.modalities.multimodal import (
    PerceiverMultimodalPreprocessor as PerceiverMultimodalPreprocessor,
)
from perceivers.modalities.number import PerceiverNumberPreprocessor as PerceiverNumberPreprocessor
from perceivers.modalities.points import PerceiverPointsPreprocessor as PerceiverPointsPreprocessor
from perceivers.modalities.projection import (
    PerceiverProjectionPostprocessor as PerceiverProjectionPostprocessor,
)
from perceivers.modalities.series import PerceiverSeriesPreprocessor as PerceiverSeriesPreprocessor
from perceivers.modalities.spectrogram import (
    PerceiverSpectrogramPreprocessor as PerceiverSpectrogramPreprocessor,
)
from perceivers.modalities.text import (
    PerceiverEmbeddingDecoder as PerceiverEmbeddingDecoder,
)
from perceivers.modalities.text import (
    PerceiverTextPreprocessor as PerceiverTextPreprocessor,
)
from perceivers.models.base import PerceiverPreTrainedModel as PerceiverPreTrainedModel
from perceivers.models.causal_language_modeling import PerceiverForCausalLM as PerceiverForCausalLM
from perceivers.models.entity_selection import (
    PerceiverForEntitySelection as PerceiverForEntitySelection,
)
from perceivers.models.entity_selection import (
    entity_config as entity_config,
)
from perceivers.models.hierarchical_perceiver import (
    HierarchicalPerceiver as HierarchicalPerceiver,
)
from perceivers.models.hierarchical_perceiver import (
    hierarchical_config as hierarchical_config,
)
from perceivers.models.image_classification import (
    PerceiverForImageClassificationConvProcessing as PerceiverForImageClassificationConvProcessing,
)
from perceivers.models.image_classification import (
    PerceiverForImageClassificationFourier as PerceiverForImageClassificationFourier,
)
from perceivers.models.image_classification import (
    PerceiverForImageClassificationLearned as PerceiverForImageClassificationLearned,
)
from perceivers.models.masked_language_modeling import PerceiverForMaskedLM as PerceiverForMaskedLM
from perceivers.models.multimodal_autoencoding import (
    PerceiverForMultimodalAutoencoding as PerceiverForMultimodalAutoencoding,
)
from perceivers.models.optical_flow import PerceiverForOpticalFlow as PerceiverForOpticalFlow
from perceivers.models.perceiver import PerceiverModel as PerceiverModel
from perceivers.models.prediction import PerceiverForPrediction as PerceiverForPrediction
from perceivers.models.sequence_classification import (
    PerceiverForSequenceClassification as PerceiverForSequenceClassification,
)
from perceivers.nn.position_encoding import (
    PerceiverAbstractPositionEncoding as PerceiverAbstractPositionEncoding,
)
from perceivers.nn.position_encoding import (
    PerceiverFourierPositionEncoding as PerceiverFourierPositionEncoding,
)
from perceivers.nn.position_encoding import (
    PerceiverTrainablePositionEncoding as PerceiverTrainablePositionEncoding,
)
from perceivers.nn.position_encoding import (
    build_position_encoding as build_position_encoding,
)
from perceivers.outputs import (
    PerceiverCausalLMOutput as PerceiverCausalLMOutput,
)
from perceivers.outputs import (
    PerceiverClassifierOutput as PerceiverClassifierOutput,
)
from perceivers.outputs import (
    PerceiverDecoderOutput as PerceiverDecoderOutput,
)
from perceivers.outputs import (
    PerceiverEntityOutput as PerceiverEntityOutput,
)
from perceivers.outputs import (
    PerceiverMaskedLMOutput as PerceiverMaskedLMOutput,
)
from perceivers.outputs import (
    PerceiverModelOutput as PerceiverModelOutput,
)
from perceivers.outputs import (
    PerceiverPredictionOutput as PerceiverPredictionOutput,
)
from perceivers.processors.audio.processor import PerceiverAudioProcessor as PerceiverAudioProcessor
from perceivers.processors.audio.spectrogram import (
    PerceiverSpectrogramProcessor as PerceiverSpectrogramProcessor,
)
from perceivers.processors.auto import (
    AutoImageProcessor as AutoImageProcessor,
)
from perceivers.processors.auto import (
    AutoTokenizer as AutoTokenizer,
)
from perceivers.processors.image.fast import PerceiverImageProcessorFast as PerceiverImageProcessorFast
from perceivers.processors.image.pillow import (
    PerceiverImageProcessor as PerceiverImageProcessor,
)
from perceivers.processors.image.pillow import (
    PerceiverImageProcessorPil as PerceiverImageProcessorPil,
)
from perceivers.processors.multimodal import PerceiverMultimodalProcessor as PerceiverMultimodalProcessor
from perceivers.processors.optical_flow.processor import (
    PerceiverOpticalFlowProcessor as PerceiverOpticalFlowProcessor,
)
from perceivers.processors.tokenizer import PerceiverTokenizer as PerceiverTokenizer
from perceivers.processors.video.processor import PerceiverVideoProcessor as PerceiverVideoProcessor

__all__: list[str]
__version__: str
from perceivers.predictor import load as load
from perceivers.training.fitting import fit as fit
from perceivers.training.prediction import predict as predict
