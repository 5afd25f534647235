"""How long and how the loop runs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from perceivers.arguments.base import require, require_at_least, require_choice, require_share


@dataclass(frozen=True, kw_only=True)
class TrainingArguments:
    """How long and how the loop runs."""

    epochs: int | None = None
    """Passes over the training samples. None: chosen from their number."""
    steps: int | None = None
    """Optimiser steps of the whole run, in place of `epochs`; None counts epochs."""
    time_limit: float | None = None
    """Minutes of training, looks at the validation samples included: where the steps do not fit, fewer are run, and the
    learning rate reaches its end with them. Reading the data and measuring at the end are not counted. A run that is resumed
    may have another limit, for all of its training. None: no limit."""
    batch_size: int | None = None
    """Samples a forward pass, on each process. None: chosen from their number."""
    gradient_accumulation_steps: int = 1
    """Batches whose gradients are averaged before one optimiser step."""
    max_gradient_norm: float | None = None
    """Gradients whose global norm is above this are scaled down to it. None: 1 where the loop is chosen from the
    data, else 10."""
    mixed_precision: Literal["no", "bf16", "fp16"] = "no"
    """Number format of the forward pass; the weights stay in float32. On a processor with units for bfloat16 (AMX), networks
    of the papers' sizes take less than half the time in bf16; those of the sizes that are chosen here take longer."""
    stem_precision: Literal["float32", "bfloat16"] | None = None
    """Number format of the convolutions of stems while training; the weights and all answers stay in float32. None: bfloat16
    where the loop is chosen from the data and the processor has units for it (AMX), else float32."""
    gradient_checkpointing: bool = False
    """Compute activations again in the backward pass instead of keeping them: less memory, more time."""
    compile: bool = False
    """Compile the network (torch.compile) for the shape that most batches have; others run as written. Needs a C++ compiler,
    and a minute or more before the first steps, which counts for `time_limit`. On a processor, steps of networks for small
    pictures, series and numbers take 0.74 to 0.87 of their time then; those for texts as long as before, for photographs
    a little longer."""
    ema_decay: float | None = None
    """Decay of a running mean of the weights, in [0, 1), which is then what is measured and saved; 0 keeps none. None: chosen
    from the number of steps."""
    watch_every: int | None = None
    """Optimiser steps between two looks at the validation samples; None looks after every epoch."""
    keep_best: bool | None = None
    """Save the weights of the best look at the validation samples instead of the last ones. None: wherever there are any."""
    patience: int | None = None
    """Looks at the validation samples without a better one after which training ends (early stopping), before its last step;
    the learning rate is then as high as it was there. Of samples that are divided (`folds`) each division's training ends so.
    None: all steps are made."""
    folds: int | None = None
    """Divisions of the training and validation samples that choose how many of the passes are best (all, without
    `keep_best`); then a new model learns from all of these samples for so long. 1: the validation part alone chooses; 5: each
    fifth is held out in turn (cross-validation). It takes as many times longer. 0: the model learns from the training part
    alone. None: chosen from the data, where neither `epochs`, `steps` nor `keep_best` is given, nor a `time_limit` of fewer
    than 5 minutes."""
    checkpoint_every: int | None = None
    """Optimiser steps between two checkpoints to resume from; None writes one with every look at the validation samples."""
    seed: int = 0
    """Seed of the initial weights, the order of the samples, the augmentation and the dropout."""
    workers: int | Literal["auto"] = "auto"
    """Processes that load samples beside the training process. `auto`: none where a sample takes less than 2 ms to load, or
    for a stream; else one fewer than there are processor cores. Results do not depend on it."""
    device: Literal["auto", "cpu"] = "auto"
    """`auto` takes the accelerator that is there."""

    def __post_init__(self) -> None:
        require_at_least(1, self, "epochs", "steps", "batch_size", "gradient_accumulation_steps")
        require_at_least(1, self, "watch_every", "checkpoint_every", "patience")
        require_at_least(0, self, "folds")
        limit = self.time_limit
        require("time_limit", 1.0 if limit is None else limit, limit is None or limit > 0.0, "above 0")
        norm = self.max_gradient_norm
        require("max_gradient_norm", 1.0 if norm is None else norm, norm is None or norm > 0.0, "above 0")
        require_share(self, "ema_decay")
        if self.workers != "auto":
            known = isinstance(self.workers, int) and self.workers >= 0
            require("workers", self.workers, known, "auto, or at least 0")
        require_choice("mixed_precision", self.mixed_precision, ("no", "bf16", "fp16"))
        if self.stem_precision is not None:
            require_choice("stem_precision", self.stem_precision, ("float32", "bfloat16"))
        require_choice("device", self.device, ("auto", "cpu"))
