"""The inference jobs that are compared: for each, the inputs, what either side runs, and how their outputs are matched.

Run: python benchmarks/inference_jobs.py. Prints the names of the jobs and what they are.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import torch
from reference_models import RELEASED_MODELS, build_reference
from torch import Tensor

FRAME = (368, 496)
LARGE_FRAME = (436, 1024)
FRAMES, SIDE, PATCHES = 16, 224, 1920
ASKED_BYTES = torch.arange(52, 62)

Run = Callable[[Any, Any], Any]


@dataclass(frozen=True)
class Job:
    """Something to be done by both sides.

    Attributes:
        model: one of RELEASED_MODELS.
        what: the job in words.
        inputs: makes them.
        ours: runs a prepared model on them.
        theirs: runs Transformers' model on them, or a part of the job.
        parts: how many such parts the job has; their time is multiplied by it.
        matched: from both outputs to tensors that must be equal, ours and theirs.
    """

    model: str
    what: str
    inputs: Callable[[], Any]
    ours: Run
    theirs: Run
    parts: int = 1
    matched: Callable[[Any, Any], tuple[Mapping[str, Tensor], Mapping[str, Tensor]]] | None = None

    def pairs(self, our_output: Any, their_output: Any) -> dict[str, tuple[Tensor, Tensor]]:
        """Tensors of either side that must be equal, by name."""
        if self.matched is None:
            return {"logits": (our_output, their_output)}
        ours, theirs = self.matched(our_output, their_output)
        return {name: (ours[name], theirs[name]) for name in theirs}


def build_ours(job: Job, reference: Any = None) -> Any:
    """Our prepared model of a job, with the weights of a reference where one is given; the plain one is used up."""
    import perceivers

    released = RELEASED_MODELS[job.model]
    model = getattr(perceivers, released.class_name)(perceivers.PerceiverConfig(**released.config))
    if reference is not None:
        model.load_state_dict(reference.state_dict())
    return model.eval().prepare(consume=True)


def build_theirs(job: Job) -> Any:
    """Transformers' model of a job, with lively weights."""
    return build_reference(job.model)


def _values(seed: int, *shape: int) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def _bytes(length: int) -> Tensor:
    return torch.randint(6, 262, (1, length), generator=torch.Generator().manual_seed(length))


def _logits(model: Any, inputs: Any) -> Any:
    return model(inputs).logits


def _picture_job(model: str, batch: int) -> Job:
    what = f"{batch} picture{'s' if batch > 1 else ''} of 224 x 224"
    return Job(model, what, lambda: _values(batch, batch, 3, SIDE, SIDE), _logits, _logits)


def _asked_bytes(model: Any, ids: Tensor) -> Tensor:
    return model.decode(model.encode(ids), positions=ASKED_BYTES)


def _all_bytes(model: Any, ids: Tensor) -> Tensor:
    return model(ids).logits[:, ASKED_BYTES]


def _frames(height: int, width: int) -> Callable[[], Tensor]:
    return lambda: _values(height, 1, 2, 27, height, width)


def _first_tile(model: Any, frames: Tensor) -> Tensor:
    return model(frames[..., : FRAME[0], : FRAME[1]]).logits


def _where_only_the_first_tile_is(
    ours: Tensor, theirs: Tensor
) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    # The next tiles begin at LARGE_FRAME - FRAME rows, and 20 columns before the end of the first one.
    region = (slice(None), slice(0, LARGE_FRAME[0] - FRAME[0]), slice(0, FRAME[1] - 20))
    return {"logits": ours[region]}, {"logits": theirs[region]}


def _scene() -> dict[str, Tensor]:
    generator = torch.Generator().manual_seed(7)
    return {
        "image": torch.rand(1, FRAMES, 3, SIDE, SIDE, generator=generator),
        "audio": torch.rand(1, 16 * PATCHES, 1, generator=generator) * 2 - 1,
        "label": torch.zeros(1, 700),
    }


def _video_job(chunks: int) -> Job:
    pixels, patches = FRAMES * SIDE * SIDE // chunks, PATCHES // chunks
    points = {"image": torch.arange(pixels), "audio": torch.arange(patches), "label": None}

    def matched(ours: Any, theirs: Any) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
        image = ours["image"].movedim(2, -1).flatten(1, 3)[:, :pixels]
        audio = ours["audio"][:, : 16 * patches, 0]
        return {"image": image, "audio": audio, "label": ours["label"]}, theirs

    return Job(
        "multimodal",
        f"a video of 16 frames and its sound, whole, against {chunks} chunks (one measured)",
        _scene,
        lambda model, inputs: model.reconstruct(inputs),
        lambda model, inputs: model(inputs, subsampled_output_points=points).logits,
        parts=chunks,
        matched=matched,
    )


JOBS: Mapping[str, Job] = MappingProxyType(
    {
        **{
            f"{model}, batch {batch}": _picture_job(model, batch)
            for batch in (1, 8)
            for model in ("image-learned", "image-fourier", "image-conv")
        },
        "fill-mask, 120 bytes": Job(
            "masked-lm", "10 asked bytes of 120", lambda: _bytes(120), _asked_bytes, _all_bytes
        ),
        "fill-mask, 2048 bytes": Job("masked-lm", "all 2,048 bytes", lambda: _bytes(2048), _logits, _logits),
        "sequence classification": Job(
            "sequence-classification", "a text of 2,048 bytes", lambda: _bytes(2048), _logits, _logits
        ),
        "flow, 368 x 496": Job("optical-flow", "one pair of frames", _frames(*FRAME), _logits, _logits),
        "flow, 436 x 1024": Job(
            "optical-flow",
            "one pair of large frames by 6 tiles (one measured)",
            _frames(*LARGE_FRAME),
            _logits,
            _first_tile,
            parts=6,
            matched=_where_only_the_first_tile_is,
        ),
        "video, 128 chunks": _video_job(128),
        "video, 16 chunks": _video_job(16),
    }
)


if __name__ == "__main__":
    for name, job in JOBS.items():
        print(f"{name:28} {job.model:24} {job.what}")
