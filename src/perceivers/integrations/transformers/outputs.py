"""Outputs as Transformers' ModelOutput, one for each of ours: the same name, the same fields in the same order."""

from __future__ import annotations

from dataclasses import field, fields, make_dataclass
from typing import Any

from perceivers import outputs as plain
from perceivers.integrations.transformers.package import ModelOutput


def _output_class(of: type[plain.ModelOutput]) -> type[ModelOutput]:
    names = [entry.name for entry in fields(of)]  # type: ignore[arg-type]
    return make_dataclass(
        of.__name__,
        [(name, Any, field(default=None)) for name in names],
        bases=(ModelOutput,),
        namespace={"__doc__": of.__doc__, "__module__": __name__},
    )


PerceiverModelOutput = _output_class(plain.PerceiverModelOutput)
PerceiverMaskedLMOutput = _output_class(plain.PerceiverMaskedLMOutput)
PerceiverClassifierOutput = _output_class(plain.PerceiverClassifierOutput)
PerceiverCausalLMOutput = _output_class(plain.PerceiverCausalLMOutput)
PerceiverEntityOutput = _output_class(plain.PerceiverEntityOutput)
PerceiverPredictionOutput = _output_class(plain.PerceiverPredictionOutput)

_CLASSES = {
    plain.PerceiverModelOutput: PerceiverModelOutput,
    plain.PerceiverMaskedLMOutput: PerceiverMaskedLMOutput,
    plain.PerceiverClassifierOutput: PerceiverClassifierOutput,
    plain.PerceiverCausalLMOutput: PerceiverCausalLMOutput,
    plain.PerceiverEntityOutput: PerceiverEntityOutput,
    plain.PerceiverPredictionOutput: PerceiverPredictionOutput,
}


def as_model_output(output: Any) -> Any:
    """The output of one of our models as Transformers' kind of output; a tuple as it is."""
    if isinstance(output, tuple):
        return output
    return _CLASSES[type(output)](**dict(output.items()))
