"""Weights other than the last ones: their running mean, and those of the best look at the validation samples."""

from __future__ import annotations

from typing import Any, Literal

from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn


class Average:
    """A running mean of the weights: after every optimiser step, mean = decay * mean + (1 - decay) * weights.

    Args:
        model: the model in training.
        decay: in (0, 1).
    """

    def __init__(self, model: nn.Module, decay: float) -> None:
        # The inner module: a copy of a distributed wrapper would synchronise gradients that it never has.
        self._averaged = AveragedModel(
            _inner(model), multi_avg_fn=get_ema_multi_avg_fn(decay), use_buffers=True
        )
        self._averaged.requires_grad_(False)

    @property
    def model(self) -> nn.Module:
        """A model with the mean weights."""
        module: nn.Module = self._averaged.module
        return module

    def update(self, model: nn.Module) -> None:
        """Take the present weights into the mean."""
        self._averaged.update_parameters(_inner(model))

    def state_dict(self) -> dict[str, Any]:
        """For checkpoints."""
        return dict(self._averaged.state_dict())

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take over what a checkpoint holds."""
        self._averaged.load_state_dict(state)


class Best:
    """The weights of the best score so far, on the processor; of equal ones the latest, which were learned at smaller steps.

    Args:
        better: which scores are better.
    """

    def __init__(self, better: Literal["higher", "lower"]) -> None:
        self._sign = 1.0 if better == "higher" else -1.0
        self._score: float | None = None
        self._weights: dict[str, Tensor] = {}

    def offer(self, score: float, model: nn.Module) -> None:
        """Keep a copy of the model's weights unless one before was better."""
        if self._score is None or self._sign * score >= self._sign * self._score:
            self._score = score
            self._weights = {
                key: tensor.detach().cpu().clone() for key, tensor in _inner(model).state_dict().items()
            }

    def restore(self, model: nn.Module) -> None:
        """Give the model the best weights."""
        if self._weights:
            _inner(model).load_state_dict(self._weights)

    def state_dict(self) -> dict[str, Any]:
        """For checkpoints."""
        return {"score": self._score, "weights": self._weights}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take over what a checkpoint holds."""
        self._score, self._weights = state["score"], state["weights"]


def _inner(model: nn.Module) -> nn.Module:
    """The module inside a distributed wrapper."""
    inner: nn.Module = getattr(model, "module", model)
    return inner
