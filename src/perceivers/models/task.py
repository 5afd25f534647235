"""What the task models share: a PerceiverModel inside, its verbs passed through, outputs with a loss."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, cast

from torch import Tensor

from perceivers.decoders.base import Queries
from perceivers.errors import ShapeError
from perceivers.modalities.base import require_tensor
from perceivers.models.base import PerceiverPreTrainedModel
from perceivers.models.losses import classification_loss
from perceivers.models.perceiver import PerceiverModel
from perceivers.models.verbs import or_default
from perceivers.nn.token_structure import AffineMap
from perceivers.outputs import Encoded, PerceiverClassifierOutput, PerceiverModelOutput


@dataclass(frozen=True)
class LinearHead:
    """A linear map that a task model applies to every answer of its decoder.

    Attributes:
        child: name of the module that applies it, whose first argument are the answers and which gives the mapped ones.
        mapped: the map.
    """

    child: str
    mapped: AffineMap


class PerceiverTaskModel(PerceiverPreTrainedModel):
    """A model around a PerceiverModel, `self.perceiver`, whose verbs it passes through."""

    #: Whether `decode` answers each position of the input when it is given `positions`, instead of the input as a whole.
    answers_positions: ClassVar[bool] = False

    perceiver: PerceiverModel

    @property
    def plain_heads(self) -> dict[str, str]:
        """Parts behind the decoder that `prepare` leaves as they are although they are no linear maps, and why."""
        return {}

    def linear_head(self) -> LinearHead | None:
        """The linear map after the decoder, where there is one: the fast form makes it part of the decoder's own maps."""
        return None

    def encode(
        self, inputs: Any, attention_mask: Any = None, interpolate_pos_encoding: bool = False, **options: Any
    ) -> Encoded:
        """See PerceiverModel.encode."""
        return self.perceiver.encode(inputs, attention_mask, interpolate_pos_encoding, **options)

    def decode(self, encoded: Encoded, **asked_for: Any) -> Any:
        """See PerceiverModel.decode."""
        return self.perceiver.decode(encoded, **asked_for)

    def build_queries(self, encoded: Encoded, **asked_for: Any) -> Queries:
        """See PerceiverModel.build_queries."""
        return self.perceiver.build_queries(encoded, **asked_for)

    def postprocess(self, decoded: Any, sizes: Mapping[str, int] | None = None) -> Any:
        """See PerceiverModel.postprocess."""
        return self.perceiver.postprocess(decoded, sizes)

    def _classify(self, outputs: PerceiverModelOutput, labels: Tensor | None) -> PerceiverClassifierOutput:
        """The output of a classifier, with its loss when labels are given."""
        logits = cast("Tensor", outputs.logits)
        loss = None
        if labels is not None:
            loss = classification_loss(logits, labels, self.config.num_labels, self.config.problem_type)
        return self._task_output(outputs, logits, loss)

    def _task_output(
        self, outputs: PerceiverModelOutput, logits: Any, loss: Tensor | None
    ) -> PerceiverClassifierOutput:
        return PerceiverClassifierOutput(
            loss=loss,
            logits=logits,
            hidden_states=outputs.hidden_states,
            attentions=outputs.attentions,
            cross_attentions=outputs.cross_attentions,
        )

    def _finish(self, output: Any, return_dict: bool | None) -> Any:
        return output if or_default(return_dict, self.config.return_dict) else output.to_tuple()


def one_of(inputs: Any, alias: Any, alias_name: str) -> Any:
    """`inputs`, or what was given under its other name; exactly one of the two must be there."""
    if inputs is not None and alias is not None:
        raise ShapeError(f"give `inputs` or `{alias_name}`, not both: they are the same argument")
    if inputs is None and alias is None:
        raise ShapeError(f"`inputs` (or `{alias_name}`) must be given, received None")
    values = alias if inputs is None else inputs
    require_tensor("inputs" if alias is None else alias_name, values)
    return values
