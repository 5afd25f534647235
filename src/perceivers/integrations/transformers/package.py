"""What is needed of Transformers, imported in one place: where it is absent, one line says how to install it."""

from __future__ import annotations

from perceivers.errors import MissingExtraError

try:
    import transformers as transformers
    from transformers import BatchEncoding as BatchEncoding
    from transformers import PreTrainedConfig as PreTrainedConfig
    from transformers import PreTrainedModel as PreTrainedModel
    from transformers import Trainer as Trainer
    from transformers.pipelines import PIPELINE_REGISTRY as PIPELINE_REGISTRY
    from transformers.pipelines import Pipeline as Pipeline
    from transformers.processing_utils import ImagesKwargs as ImagesKwargs
    from transformers.utils import ModelOutput as ModelOutput
except ImportError as error:
    raise MissingExtraError(
        "transformers", "transformers", "`perceivers.integrations.transformers`"
    ) from error
