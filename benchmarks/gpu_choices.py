"""What fits on a GPU, by doubling; and what the fast form would cost there if it chose otherwise.

Run: python benchmarks/gpu.py --parts largest choices.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from device_measuring import Peak, Side, build, empty, run_once, time_in_turns, tried, wait
from gpu_jobs import FUSED, PREPARED, THEIRS, Models, our_config, runner, whole_inputs
from measuring import in_bytes, in_seconds

# A larger input is not tried once one run takes half as long.
MOST_SECONDS = 3.0
FIRST_PICTURES = 32
MEBIBYTES = (16, 256, 1024, 4096)


@torch.no_grad()
def fill(models: Models, dtypes: dict[str, torch.dtype], options: Any, report: Any) -> None:
    """Twice as much each time, of ours and theirs: pictures of one model, frames of a video."""
    if models.name not in ("image-fourier", "multimodal"):
        return
    first = FIRST_PICTURES if models.name == "image-fourier" else our_config(models.job).num_frames
    for dtype in dtypes:
        for side in (THEIRS, FUSED, PREPARED):
            # Their video model does not take bfloat16 weights.
            is_mixed = side == THEIRS and models.name == "multimodal" and dtype == "bfloat16"
            kept = torch.float32 if is_mixed else dtypes[dtype]
            made = {THEIRS: models.theirs, FUSED: models.ours, PREPARED: models.prepared}
            model = made[side](kept)
            size, last, reason = first, None, "time"
            while last is None or last[1] < MOST_SECONDS / 2:
                trial = Side()
                with Peak(models.device) as peak:
                    seconds = tried(
                        trial,
                        lambda model=model, size=size, is_mixed=is_mixed, side=side: _timed(
                            models, model, size, side == THEIRS, torch.bfloat16 if is_mixed else None
                        ),
                    )
                empty(models.device)
                if trial.failure is not None:
                    reason = trial.failure
                    break
                last, size = (size, seconds, peak.bytes), size * 2
                if options.small and size > 4 * first:
                    break
            report.add(
                "What fits, doubling (a run of more than 3 s was not tried)",
                ("what", "dtype", "side", "largest", "time", "memory beside weights", "ended by"),
                (
                    "pictures" if models.name == "image-fourier" else "frames of a video",
                    dtype,
                    side,
                    "-" if last is None else str(last[0]),
                    in_seconds(None if last is None else last[1]),
                    in_bytes(None if last is None else last[2]),
                    reason,
                ),
            )
            del model
            empty(models.device)


def _timed(models: Models, model: Any, size: int, theirs: bool, autocast: torch.dtype | None) -> float:
    """Seconds of a run on `size` pictures, or on a video of `size` frames (theirs: one chunk of it)."""
    if models.name == "image-fourier":
        side = models.job.picture
        inputs: Any = {"inputs": torch.rand(size, 3, side, side, device=models.device, dtype=model.dtype)}
    else:
        inputs = whole_inputs(models.name, models.job, 1)
        image, audio = inputs["inputs"]["image"], inputs["inputs"]["audio"]
        times = size // image.shape[1]
        inputs["inputs"]["image"] = image.repeat(1, times, 1, 1, 1)
        inputs["inputs"]["audio"] = audio.repeat(1, times, 1)
    run = runner(models.name, model, inputs, theirs, autocast)
    wait(models.device)
    start = time.perf_counter()
    run()
    wait(models.device)
    return time.perf_counter() - start


@torch.no_grad()
def choose(models: Models, dtypes: dict[str, torch.dtype], options: Any, report: Any) -> None:
    """One row a choice: tiles of several sizes, layers not recorded, a tail in float32."""
    from perceivers.inference import prepared_perceiver, recorded

    batches = (1, 32) if models.name.startswith("image") and not options.small else (1,)
    for dtype, batch in [(dtype, batch) for dtype in dtypes for batch in batches]:
        inputs, kept = whole_inputs(models.name, models.job, batch), dtypes[dtype]
        sides: dict[str, Side] = {}

        def built(
            side: str, make: Callable[[], Any], inputs: Any = inputs, sides: dict[str, Side] = sides
        ) -> None:
            sides[side] = build(models.device, lambda: runner(models.name, make(), inputs, False))
            run_once(models.device, sides[side])
            sides[side].output = None

        built("plain", lambda kept=kept: models.ours(kept))
        for mebibytes in MEBIBYTES:
            built(
                f"prepared, {mebibytes} MiB",
                lambda kept=kept, bound=mebibytes * 2**20: models.prepared(kept, max_memory=bound),
            )
        built("prepared, not recorded", lambda kept=kept: models.prepared(kept))
        sides["prepared, not recorded"].run = _changed(
            sides["prepared, not recorded"].run, recorded, "LARGEST", 0
        )
        if kept != torch.float32:
            with _replaced(prepared_perceiver, "tail_dtype", lambda *_: torch.float32):
                built("prepared, tail in float32", lambda kept=kept: models.prepared(kept))
        time_in_turns(models.device, sides)
        for side, found in sides.items():
            working = None if found.peak is None else found.peak - (found.weights or 0)
            report.add(
                "Choices of the fast form",
                ("model", "batch", "dtype", "side", "time", "memory beside weights"),
                (
                    models.name,
                    str(batch),
                    dtype,
                    side,
                    found.failure or in_seconds(found.seconds),
                    in_bytes(working),
                ),
            )
        del sides
        empty(models.device)


@contextmanager
def _replaced(module: Any, name: str, value: Any) -> Iterator[None]:
    """Something of ours changed for a while."""
    before = getattr(module, name)
    setattr(module, name, value)
    try:
        yield
    finally:
        setattr(module, name, before)


def _changed(run: Callable[[], Any] | None, module: Any, name: str, value: Any) -> Callable[[], Any] | None:
    """A run while something is changed."""
    if run is None:
        return None

    def changed() -> Any:
        with _replaced(module, name, value):
            return run()

    return changed
