"""Each model of the library as a PreTrainedModel: made of the plain model's own modules, so that all keys are the same."""

from __future__ import annotations

import copy
import functools
from collections.abc import Callable, Mapping
from typing import Any, ClassVar, Self

import torch
from torch import Tensor, nn

from perceivers.checkpoints.pretrained import STEM_KERNEL
from perceivers.errors import ConfigurationError
from perceivers.integrations.transformers.configuration import PerceiverConfig
from perceivers.integrations.transformers.outputs import as_model_output
from perceivers.integrations.transformers.package import PreTrainedModel
from perceivers.models.base import PerceiverPreTrainedModel as PlainModel
from perceivers.models.causal_language_modeling import PerceiverForCausalLM as PlainCausalLM
from perceivers.models.entity_selection import PerceiverForEntitySelection as PlainEntitySelection
from perceivers.models.hierarchical_perceiver import HierarchicalPerceiver as PlainHierarchical
from perceivers.models.image_classification import (
    PerceiverForImageClassificationConvProcessing as PlainImageClassificationConvProcessing,
)
from perceivers.models.image_classification import (
    PerceiverForImageClassificationFourier as PlainImageClassificationFourier,
)
from perceivers.models.image_classification import (
    PerceiverForImageClassificationLearned as PlainImageClassificationLearned,
)
from perceivers.models.masked_language_modeling import PerceiverForMaskedLM as PlainMaskedLM
from perceivers.models.multimodal_autoencoding import (
    PerceiverForMultimodalAutoencoding as PlainMultimodalAutoencoding,
)
from perceivers.models.optical_flow import PerceiverForOpticalFlow as PlainOpticalFlow
from perceivers.models.perceiver import PerceiverModel as PlainPerceiver
from perceivers.models.prediction import PerceiverForPrediction as PlainPrediction
from perceivers.models.sequence_classification import (
    PerceiverForSequenceClassification as PlainSequenceClassification,
)
from perceivers.nn.initialization import initialize_tensors
from perceivers.outputs import Encoded

# Keys of a configuration that are read at every call, and may be changed after a model was built.
_READ_AT_CALLS = (
    "flow_target_scale",
    "loss_weights",
    "mask_probabilities",
    "num_training_points",
    "output_attentions",
    "output_hidden_states",
    "problem_type",
    "return_dict",
)

# How Transformers marks a tensor that has its values.
_HAS_VALUES = "_is_hf_initialized"


class PerceiverPreTrainedModel(PreTrainedModel):  # type: ignore[misc]
    """What all of them share: the plain model that computes, and Transformers' loading, saving and training around it.

    Args:
        config: what the model is built from.
        parts: further arguments of the plain model's constructor.
        named_parts: the same, by name.
    """

    config_class = PerceiverConfig
    base_model_prefix = "perceiver"
    main_input_name = "inputs"
    supports_gradient_checkpointing = True
    accepts_loss_kwargs = False
    _supports_sdpa = True
    # Transformers reads these answers out of the source of a class otherwise.
    _can_set_attn_implementation_cached_value = True
    _can_set_experts_implementation_cached_value = False

    #: The library's own class.
    plain_class: ClassVar[type[PlainModel]]

    def __init__(self, config: PerceiverConfig, *parts: Any, **named_parts: Any) -> None:
        if not isinstance(config, PerceiverConfig):
            raise ConfigurationError(
                f"`config` must be a perceivers.integrations.transformers.PerceiverConfig, received "
                f"{type(config).__module__}.{type(config).__name__}"
            )
        super().__init__(config)
        self._wrap(self.plain_class(config.plain(), *parts, **named_parts))

    @classmethod
    def around(cls, plain: PlainModel) -> Self:
        """This class around a plain model, whose modules both then share.

        Args:
            plain: an instance of `plain_class`.
        """
        if not isinstance(plain, cls.plain_class):
            raise ConfigurationError(
                f"`plain` must be a {cls.plain_class.__name__}, received {type(plain).__name__}"
            )
        made = cls.__new__(cls)
        config = PerceiverConfig.of(plain.config)
        config._attn_implementation = plain.config.attn_implementation
        PreTrainedModel.__init__(made, config)
        made._wrap(plain)
        made.train(plain.training)
        return made

    @property
    def plain(self) -> PlainModel:
        """The library's own model, made of the same modules: `encode`, `decode`, `prepare` and the rest."""
        plain: PlainModel = self.__dict__["_plain"]
        return plain

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        """See the plain class; outputs are Transformers' ModelOutput."""
        for key in _READ_AT_CALLS:
            setattr(self.plain.config, key, getattr(self.config, key))
        return as_model_output(self.plain(*args, **kwargs))

    def encode(self, *args: Any, **kwargs: Any) -> Encoded:
        """See the plain class."""
        return self.plain.encode(*args, **kwargs)  # type: ignore[operator]

    def decode(self, encoded: Encoded, **asked_for: Any) -> Any:
        """See the plain class."""
        return self.plain.decode(encoded, **asked_for)  # type: ignore[operator]

    def prepare(self, **options: Any) -> Any:
        """The exact fast form, see `perceivers.PerceiverPreTrainedModel.prepare`."""
        return self.plain.prepare(**options)

    def train(self, mode: bool = True) -> Self:
        """See nn.Module."""
        super().train(mode)
        self.plain.training = mode
        return self

    def get_input_embeddings(self) -> nn.Parameter:
        """The latent array [num_latents, d_latents], as in Transformers' own class."""
        return self.plain.get_input_embeddings()

    def set_input_embeddings(self, value: Tensor) -> None:
        """Replace the latent array by one of the same size."""
        self.plain.set_input_embeddings(value)

    def resize_token_embeddings(
        self,
        new_num_tokens: int | None = None,
        pad_to_multiple_of: int | None = None,
        mean_resizing: bool = True,
    ) -> nn.Module:
        """Change the number of ids of a text model, keeping the rows of those that stay; new rows are drawn.

        Args:
            new_num_tokens: ids from now on; None: as many as there are.
            pad_to_multiple_of: round that number up to a multiple of this one.
            mean_resizing: passed over: new rows are drawn as those of a new model are.
        """
        resize = getattr(self.plain, "resize_token_embeddings", None)
        if resize is None:
            raise ConfigurationError(f"{type(self).__name__} has no table of tokens that could be resized")
        number = self.config.vocab_size if new_num_tokens is None else new_num_tokens
        if pad_to_multiple_of is not None:
            number = -(-number // pad_to_multiple_of) * pad_to_multiple_of
        table = resize(number)
        self.config.vocab_size = self.plain.config.vocab_size
        return table

    def set_attn_implementation(self, attn_implementation: Any, *args: Any, **kwargs: Any) -> None:
        """Choose "sdpa" or "eager" for every layer, from now on."""
        super().set_attn_implementation(attn_implementation, *args, **kwargs)
        chosen = self.config._attn_implementation
        self.plain.config.attn_implementation = chosen
        for module in self.modules():
            if hasattr(module, "implementation"):
                module.implementation = chosen

    def enable_input_require_grads(self) -> None:
        """See the plain class."""
        self.plain.enable_input_require_grads()

    def disable_input_require_grads(self) -> None:
        """See the plain class."""
        self.plain.disable_input_require_grads()

    @torch.no_grad()
    def initialize_weights(self) -> None:
        """Draw what has no values yet, as the plain model draws it."""
        tensors = self.state_dict(keep_vars=True)
        names = [name for name, tensor in tensors.items() if not getattr(tensor, _HAS_VALUES, False)]
        if names:
            self.plain.initialize_parameters(names)
        self._mark_values()

    @classmethod
    def from_pretrained(cls, pretrained_model_name_or_path: Any, *args: Any, **kwargs: Any) -> Any:
        """See PreTrainedModel; with fidelity "deepmind" a stem's kernel that lies as width x height is turned."""
        loaded = super().from_pretrained(pretrained_model_name_or_path, *args, **kwargs)
        model = loaded[0] if isinstance(loaded, tuple) else loaded
        if model.config.fidelity == "deepmind" and model.config.conv_kernel_order == "width_height":
            for name, parameter in model.named_parameters():
                if name.endswith(STEM_KERNEL):
                    parameter.data = parameter.data.transpose(-1, -2).contiguous()
            model.config.conv_kernel_order = model.plain.config.conv_kernel_order = "height_width"
        return loaded

    def _init_weights(self, module: nn.Module) -> None:
        plain = self.plain.config
        initialize_tensors(module, None, plain.initializer_range, plain.matrix_std)

    def _mark_values(self) -> None:
        for tensor in self.state_dict(keep_vars=True).values():
            if not tensor.is_meta:
                setattr(tensor, _HAS_VALUES, True)

    def _wrap(self, plain: PlainModel) -> None:
        self.__dict__["_plain"] = plain
        self._share_modules()
        # The plain model has drawn everything; Transformers would begin once more.
        self._mark_values()
        self.post_init()

    def _share_modules(self) -> None:
        """Both models hold the very same dictionaries: a module that is replaced in one is replaced in the other."""
        for held in ("_modules", "_parameters", "_buffers"):
            self.__dict__[held] = self.plain.__dict__[held]

    def _replicate_for_data_parallel(self) -> Any:
        replica = super()._replicate_for_data_parallel()
        plain = copy.copy(self.plain)
        for held in ("_modules", "_parameters", "_buffers"):
            plain.__dict__[held] = replica.__dict__[held]
        replica.__dict__["_plain"] = plain
        return replica


def _around_class(plain_class: type[PlainModel], *methods: str) -> type[PerceiverPreTrainedModel]:
    """The class of the same name whose `forward` has the plain one's signature.

    Args:
        plain_class: the library's own class.
        methods: names of further methods of it that this class has, too.
    """

    @functools.wraps(plain_class.forward)
    def forward(self: PerceiverPreTrainedModel, *args: Any, **kwargs: Any) -> Any:
        return PerceiverPreTrainedModel.forward(self, *args, **kwargs)

    return type(
        plain_class.__name__,
        (PerceiverPreTrainedModel,),
        {
            "__doc__": plain_class.__doc__,
            "__module__": __name__,
            "plain_class": plain_class,
            "forward": forward,
            **{name: _asking_the_plain_model(plain_class, name) for name in methods},
        },
    )


def _asking_the_plain_model(plain_class: type[PlainModel], name: str) -> Callable[..., Any]:
    @functools.wraps(getattr(plain_class, name))
    def method(self: PerceiverPreTrainedModel, *args: Any, **kwargs: Any) -> Any:
        return getattr(self.plain, name)(*args, **kwargs)

    return method


PerceiverModel = _around_class(PlainPerceiver)
PerceiverForMaskedLM = _around_class(PlainMaskedLM)
PerceiverForSequenceClassification = _around_class(PlainSequenceClassification)
PerceiverForImageClassificationLearned = _around_class(PlainImageClassificationLearned)
PerceiverForImageClassificationFourier = _around_class(PlainImageClassificationFourier)
PerceiverForImageClassificationConvProcessing = _around_class(PlainImageClassificationConvProcessing)
PerceiverForOpticalFlow = _around_class(PlainOpticalFlow)
PerceiverForMultimodalAutoencoding = _around_class(PlainMultimodalAutoencoding)
PerceiverForPrediction = _around_class(PlainPrediction)
PerceiverForEntitySelection = _around_class(PlainEntitySelection)
PerceiverForCausalLM = _around_class(PlainCausalLM, "generate", "new_cache")
HierarchicalPerceiver = _around_class(
    PlainHierarchical, "answer", "decode_levels", "draw_visible", "draw_visible_groups", "position_table"
)

#: The library's own class -> the PreTrainedModel of the same name.
CLASSES: Mapping[type[PlainModel], type[PerceiverPreTrainedModel]] = {
    made.plain_class: made
    for made in (
        PerceiverModel,
        PerceiverForMaskedLM,
        PerceiverForSequenceClassification,
        PerceiverForImageClassificationLearned,
        PerceiverForImageClassificationFourier,
        PerceiverForImageClassificationConvProcessing,
        PerceiverForOpticalFlow,
        PerceiverForMultimodalAutoencoding,
        PerceiverForPrediction,
        PerceiverForEntitySelection,
        PerceiverForCausalLM,
        HierarchicalPerceiver,
    )
}


def adapt(plain: PlainModel) -> PerceiverPreTrainedModel:
    """A PreTrainedModel around one of the library's own models; both are made of the same modules.

    Args:
        plain: a model of one of the classes in `CLASSES`, or of a class derived from one.
    """
    for plain_class in type(plain).__mro__:
        if plain_class in CLASSES:
            return CLASSES[plain_class].around(plain)
    raise ConfigurationError(
        f"`plain` must be one of {', '.join(known.__name__ for known in CLASSES)}, received {type(plain).__name__}"
    )
