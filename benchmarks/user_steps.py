"""A training step as `perceivers train` takes it of a set, where nothing is chosen: its network, its batch, its optimiser."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from learning_sets import LearningSet


class UserStep:
    """The network that `--size auto` gives for a set; calling it learns the first batch once more.

    Args:
        learned: the set.
        folder: where it may write its files; those of a step before are taken as they are.
    """

    def __init__(self, learned: LearningSet, folder: Path) -> None:
        import torch

        from perceivers.arguments import DataArguments, RunArguments
        from perceivers.arguments.advice import resolved
        from perceivers.data.draws import NumberedBatch, training_loader
        from perceivers.nn.stems import learn_in_bfloat16
        from perceivers.tasks.registry import arguments_class, task_class
        from perceivers.training.optimization import build_optimizer

        place = learned.data if isinstance(learned.data, str) else learned.data(folder / "data")
        run = RunArguments(output="unused", data=DataArguments(data=place, **learned.data_options))
        self.task: Any = task_class(learned.task)(arguments_class(learned.task)(**learned.task_options))
        torch.manual_seed(0)
        self.task.prepare(run)
        splits = self.task.load_data(run.data)
        run = resolved(run, self.task.advise(splits, run))
        parts = self.task.build(splits)
        self.model: Any = parts.model.train()
        if run.training.stem_precision == "bfloat16":
            learn_in_bfloat16(self.model)
        self.optimizer = build_optimizer(self.model, run.optimization)
        self.most = run.training.max_gradient_norm
        batches, order = training_loader(
            splits.train,
            self.task.vary if self.task.varies else None,
            NumberedBatch(self.task.collate, parts.processor),
            batch_size=run.training.batch_size or 1,
            seed=0,
            workers=0,
        )
        order.epoch = 0
        self.task.begin_pass(0, 1)
        _, self.batch = next(iter(batches))

    def loss(self) -> Any:
        """The loss of the batch, changed and with dropout as in a run, by the same draws each time."""
        import torch

        torch.manual_seed(0)
        return self.task.step(self.model, self.task.augment(self.batch)).loss

    def __call__(self) -> float:
        """Take a step; the loss is that from before it."""
        import torch

        self.optimizer.zero_grad()
        loss = self.loss()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.model.parameters(), self.most)
        self.optimizer.step()
        return float(loss.detach())
