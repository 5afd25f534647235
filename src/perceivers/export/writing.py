"""Files of a model, each proved before it counts: the whole model, and its encoder and decoder where one asks in parts."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, cast

import torch
from torch import Tensor

from perceivers.errors import ConfigurationError, ShapeError, one_line
from perceivers.export.calls import Call, Parts, is_asked_in_parts, portable_form, whole_model
from perceivers.export.graph import ONNX_SUFFIX, captured, with_metadata, write_onnx, write_program
from perceivers.export.proof import Compute, Proof, as_arrays, other_sizes, prove
from perceivers.export.steps import write_steps, writes_on
from perceivers.models.base import PerceiverPreTrainedModel
from perceivers.runtime.ports import ROLES, flattened
from perceivers.runtime.session import METADATA, Session

FORMATS, FORMS = ("onnx", "torch"), ("fast", "plain")
MODEL, ENCODER, DECODER = "model", "encoder", "decoder"
SUFFIXES = {"onnx": ONNX_SUFFIX, "torch": ".pt2"}


@dataclass(frozen=True)
class Written:
    """One file.

    Attributes:
        path: of the file.
        call: what it computes.
        outputs: what the model gives of the sample.
        proof: how far it is off.
    """

    path: Path
    call: Call
    outputs: Mapping[str, Tensor]
    proof: Proof


def write_model(
    model: PerceiverPreTrainedModel,
    samples: Sequence[Mapping[str, Any]],
    folder: Path,
    *,
    file_format: str = "onnx",
    form: str = "fast",
    free: Mapping[str, Sequence[int]] | None = None,
    says: Mapping[str, Any] | None = None,
) -> list[Written]:
    """Write a model's files into a folder that exists, and prove each.

    Args:
        model: any of this library's.
        samples: real inputs, as `forward` takes them: `inputs`, and `attention_mask` and `pos` where there are any; or by
            the names that they have in the file. The first, of two samples or more, is what the model is traced with; axes in
            which the others differ are free.
        folder: that receives `model`, and `encoder` and `decoder` where outputs are asked for in parts.
        file_format: "onnx" or "torch".
        form: "fast", the exact fast form, or "plain".
        free: further free axes of inputs, by the names that they have in the file.
        says: more for the file's metadata.

    Raises:
        ConfigurationError: the model cannot be captured, or a file differs from it by more than 1e-4 of its largest output.
    """
    model = model.eval()
    batches = [_by_name(each) for each in samples]
    sample = batches[0]
    axes = _free_axes(batches, free or {})
    fast = portable_form(model) if form == "fast" else None
    traced: Any = model if fast is None else fast
    whole = whole_model(model)
    with torch.no_grad():
        outputs = whole(model, sample)
    write = partial(_write, traced, folder=folder, file_format=file_format)
    call = Call(MODEL, whole, sample, axes)
    path, run = write(call, outputs)
    proof = prove(partial(whole, model), run, batches, other_sizes(sample, axes))
    files = [Written(path, call, outputs, proof)]
    if is_asked_in_parts(model):
        files += _write_parts(model, traced, write, call, batches, outputs)
    if writes_on(model):
        files.append(Written(*write_steps(cast("Any", model), write, sample["inputs"])))
    for each in files:
        each.proof.require(each.path.name)
        if file_format == "onnx":
            _describe(each, model, form, says or {})
    return files


def _write_parts(
    model: PerceiverPreTrainedModel,
    traced: Any,
    write: Any,
    whole: Call,
    batches: Sequence[Mapping[str, Tensor]],
    outputs: Mapping[str, Tensor],
) -> list[Written]:
    """Encoder and decoder, proved together: what the one gives is what the other takes."""
    parts = Parts(model, whole.inputs)
    # What an encoder hands on is for the decoder of its own form alone.
    form = getattr(traced, "traceable", traced)
    encoder = Call(ENCODER, parts.encode, whole.inputs, whole.free)
    with torch.no_grad():
        encoded = parts.encode(form, whole.inputs)
    points = parts.points(outputs)
    decoder = Call(
        DECODER,
        parts.decode,
        {**encoded, **points},
        {**{name: _batch_axes(encoded[name]) for name in encoded}, **dict.fromkeys(points, (0,))},
    )
    with torch.no_grad():
        answers = parts.decode(form, decoder.inputs)
    paths = {}
    paths[ENCODER], encode = write(encoder, encoded)
    paths[DECODER], decode = write(decoder, answers)

    def both(tensors: Mapping[str, Tensor]) -> Mapping[str, Any]:
        asked = {name: value for name, value in tensors.items() if name.startswith("points")}
        rest = {name: value for name, value in tensors.items() if name not in asked}
        found = {name: torch.from_numpy(value) for name, value in as_arrays(encode(rest)).items()}
        return decode({**found, **asked})

    def plainly(tensors: Mapping[str, Tensor]) -> Mapping[str, Any]:
        asked = {name: value for name, value in tensors.items() if name.startswith("points")}
        rest = {name: value for name, value in tensors.items() if name not in asked}
        return parts.decode(model, {**parts.encode(model, rest), **asked})

    def asked_of(batches: Iterable[Mapping[str, Tensor]], first: int) -> Iterator[Mapping[str, Tensor]]:
        for index, batch in enumerate(batches, first):
            yield {**batch, **{name: value.repeat(1 + index)[: 3 + index] for name, value in points.items()}}

    made = asked_of(other_sizes(whole.inputs, whole.free), len(batches))
    proof = prove(plainly, both, asked_of(batches, 0), made)
    return [
        Written(paths[ENCODER], encoder, encoded, proof),
        Written(paths[DECODER], decoder, answers, proof),
    ]


def _write(
    traced: Any, call: Call, outputs: Mapping[str, Tensor], *, folder: Path, file_format: str
) -> tuple[Path, Compute]:
    """The file of a call, and what runs it."""
    path = folder / f"{call.name}{SUFFIXES[file_format]}"
    program = captured(traced, call)
    if file_format == "torch":
        write_program(program, path)
        module = torch.export.load(path).module()

        def run_program(tensors: Mapping[str, Tensor]) -> Mapping[str, Any]:
            try:
                found: Mapping[str, Any] = module(dict(tensors))
            except Exception as error:  # a program says what it likes of sizes that it does not take
                raise ShapeError(f"`{path.name}` cannot compute this: {one_line(error)}") from error
            return found

        return path, run_program
    write_onnx(program, call, list(outputs), path)
    session = Session(path)
    _require_free(session, call)
    return path, lambda tensors: session.run(as_arrays(tensors))


def _require_free(session: Session, call: Call) -> None:
    """Read the file's axes: those that are meant to be free must be."""
    for name, axes in call.free.items():
        fixed = [axis for axis in axes if isinstance(session.inputs[name][1][axis], int)]
        if fixed:
            raise ConfigurationError(
                f"`{session.path.name}` must leave axis {fixed[0]} of `{name}` free, received the fixed size "
                f"{session.inputs[name][1][fixed[0]]}"
            )


def _free_axes(
    batches: Sequence[Mapping[str, Tensor]], given: Mapping[str, Sequence[int]]
) -> dict[str, tuple[int, ...]]:
    """The batch, the axes in which samples differ, and those that were named."""
    found = {}
    for name, value in batches[0].items():
        varying = {
            axis
            for other in batches[1:]
            for axis in range(1, value.ndim)
            if name in other and other[name].shape[axis] != value.shape[axis]
        }
        found[name] = tuple(sorted({0, *varying, *given.get(name, ())}))
    unknown = sorted(set(given) - set(found))
    if unknown:
        raise ConfigurationError(
            f"`free` must name inputs among {', '.join(found)}, received {', '.join(unknown)}"
        )
    for name, axes in given.items():
        count = batches[0][name].ndim
        for axis in axes:
            if not 0 <= axis < count:
                raise ConfigurationError(
                    f"`free` must name axes of `{name}` from 0 to {count - 1}, {list(batches[0][name].shape)} in a sample, "
                    f"received {axis}"
                )
    return found


def _batch_axes(_tensor: Tensor) -> tuple[int, ...]:
    return (0,)


def _describe(file: Written, model: PerceiverPreTrainedModel, form: str, says: Mapping[str, Any]) -> None:
    """Write into a file what it is, and how well it was proved."""
    from importlib.metadata import version

    entry = {
        "perceivers": version("perceivers"),
        "torch": torch.__version__,
        "class": type(model).__name__,
        "form": form,
        "part": file.call.name,
        "error": file.proof.error,
        "free_axes": {name: list(axes) for name, axes in file.call.free.items()},
        "proved_at": [{name: list(size) for name, size in each.items()} for each in file.proof.sizes],
        **says,
    }
    with_metadata(file.path, {METADATA: json.dumps(entry, ensure_ascii=False)})


def _by_name(given: Mapping[str, Any]) -> dict[str, Tensor]:
    """Inputs by their names in the file, of inputs by argument or by name."""
    by_argument = any(name in given for name in ROLES if name != ROLES[name]) or isinstance(
        given.get("inputs"), Mapping
    )
    return flattened(given) if by_argument else dict(given)
