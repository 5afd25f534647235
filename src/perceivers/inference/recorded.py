"""On a GPU: the latents' layers recorded as one graph a shape, and played back instead of asked for one kernel at a time.

A self-attend of a few hundred latents is some ten small kernels, which a GPU computes faster than Python can ask for them.
The latents' shape depends on nothing but the number of samples, so all layers together are one sequence of kernels that never
changes: CUDA records it once and starts it as a whole. The kernels, and so the values, are the same.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

#: From latents [batch, num_latents, channels] to latents of the same shape.
Layers = Callable[[Tensor], Tensor]

# Values of all latents. More keep a GPU busy without a graph, whose memory is never given back.
LARGEST = 2**23
# Graphs that are kept: one for each number of samples that came more than once.
MOST_GRAPHS = 4


def recorder(device: torch.device) -> Callable[[Layers, Tensor], Tensor]:
    """What runs layers that never change on latents of a device: itself, or, on a GPU, from a graph."""
    return Recorder() if device.type == "cuda" else _as_they_are


def _as_they_are(layers: Layers, latents: Tensor) -> Tensor:
    return layers(latents)


@dataclass(frozen=True)
class _Graph:
    """A recording.

    Attributes:
        graph: replays it.
        inputs: where it reads latents.
        outputs: where it writes them.
    """

    graph: Any
    inputs: Tensor
    outputs: Tensor

    def replay(self, latents: Tensor) -> Tensor:
        self.inputs.copy_(latents)
        self.graph.replay()
        return self.outputs.clone()


class Recorder:
    """Records layers when they are asked for in a shape for the second time; always the same layers, which never wait."""

    def __init__(self) -> None:
        self._seen: set[Any] = set()
        self._graphs: dict[Any, _Graph] = {}
        # A graph has one place for its inputs: threads take turns.
        self._turn = threading.Lock()

    def __reduce__(self) -> tuple[Any, ...]:
        """Copies record anew: a graph reads the weights that it was recorded with."""
        return Recorder, ()

    @property
    def num_graphs(self) -> int:
        """Number of recordings."""
        return len(self._graphs)

    def __call__(self, layers: Layers, latents: Tensor) -> Tensor:
        """[batch, num_latents, channels] after all layers."""
        if latents.numel() > LARGEST or torch.is_autocast_enabled("cuda"):
            return layers(latents)
        with torch.cuda.device(latents.device):
            if torch.cuda.is_current_stream_capturing():
                return layers(latents)
            # What a recording holds on to: the shape, the stream that it runs in, how products are rounded.
            key = (tuple(latents.shape), torch.cuda.current_stream().cuda_stream, _precision())
            with self._turn:
                graph = self._graphs.get(key)
                if graph is None and key in self._seen and len(self._graphs) < MOST_GRAPHS:
                    graph = self._graphs[key] = _record(layers, latents)
                self._seen.add(key)
                if graph is not None:
                    return graph.replay(latents)
        return layers(latents)


def _record(layers: Layers, latents: Tensor) -> _Graph:
    inputs = latents.clone()
    graph = torch.cuda.CUDAGraph()
    # Once beforehand in the stream that records: libraries reserve memory when they are first used there.
    beside = torch.cuda.Stream()
    beside.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(beside):
        layers(inputs)
    torch.cuda.current_stream().wait_stream(beside)
    with torch.cuda.graph(graph, stream=beside, capture_error_mode="thread_local"):
        outputs = layers(inputs)
    return _Graph(graph, inputs, outputs)


def _precision() -> Any:
    """How float32 products are rounded now."""
    matmul = torch.backends.cuda.matmul
    # The newer name knows more, and the older one refuses to answer where the newer was set.
    return matmul.fp32_precision if hasattr(matmul, "fp32_precision") else matmul.allow_tf32
