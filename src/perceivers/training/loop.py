"""The training loop of every task: steps, looks at the validation samples, checkpoints, and when to end."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn
from torch.optim.lr_scheduler import LambdaLR

from perceivers.arguments import TrainingArguments
from perceivers.data.draws import seed_of_step
from perceivers.errors import DataError, PerceiversError
from perceivers.kinds.base import counted
from perceivers.tasks.base import Parts, Task
from perceivers.training.checkpoints import Position, RunCheckpoints
from perceivers.training.compilation import UsualForm
from perceivers.training.evaluation import collect, measure, scores_of
from perceivers.training.interruption import Interruption
from perceivers.training.log import RunLog
from perceivers.training.looks import Looks
from perceivers.training.pace import (
    FORWARD_SHARE,
    LEAST_ANNOUNCED,
    TOLERANCE,
    TRIAL_SHARE,
    Stopwatch,
    bounded_steps,
    in_words,
    is_marked,
    seconds_left,
    steps_of_other_limit,
    steps_that_fit,
)
from perceivers.training.patience import looks_in_vain
from perceivers.training.reporting import USUALLY_TOLD, Told, TrainingProgress
from perceivers.training.weights import Average, Best
from perceivers.training.workers import FEWER_WORKERS, while_workers_live

if TYPE_CHECKING:
    from accelerate import Accelerator


@dataclass(frozen=True)
class Loop:
    """The loop itself, with everything that accelerate has prepared for it.

    Args:
        task: one forward pass, augmentation, metrics.
        parts: model and processor as they were built.
        model: the prepared model.
        batches: the prepared training batches; each is (indices of the samples, what the task's `collate` gave).
        order: what the batches follow; its `epoch` is set before each pass.
        watched: the prepared validation batches; may be empty.
        optimizer: the prepared optimiser.
        schedule: the optimiser's learning rate; stepped once an optimiser step.
        accelerator: what prepared them.
        checkpoints: where the run can be resumed from.
        position: where the run is.
        average: running mean of the weights, or None.
        best: the best weights so far, or None.
        form: compiles the model where batches fit, or None.
        name_of: what errors call a training sample, by index.
        arguments: how long and how to run.
        planned_steps: optimiser steps of the whole run, where no limit of time lowers them.
        interruption: whether somebody wants the run to end.
        log: takes the history.
        quiet: whether no progress is shown.
        share: of `total_steps` that is run; the learning rate falls as if all were.
        knows_something: whether the model does before its first step, so that its weights there may be the best ones.
        looks: takes what is found on the validation samples, where divisions of the samples choose how long to train.
        expected: validation scores by passes done, where such divisions have found them and there are no validation samples.
        told: how progress is told.
        stopwatch: how fast this session is.
    """

    task: Task[Any]
    parts: Parts
    model: nn.Module
    batches: Any
    order: Any
    watched: Any
    optimizer: Any
    schedule: LambdaLR
    accelerator: Accelerator
    checkpoints: RunCheckpoints
    position: Position
    average: Average | None
    best: Best | None
    form: UsualForm | None
    name_of: Any
    arguments: TrainingArguments
    planned_steps: int
    interruption: Interruption
    log: RunLog
    quiet: bool = False
    share: float = 1.0
    knows_something: bool = False
    looks: Looks | None = None
    expected: Mapping[float, Mapping[str, float]] = field(default_factory=dict)
    told: Told = USUALLY_TOLD
    stopwatch: Stopwatch = field(default_factory=Stopwatch)

    @property
    def total_steps(self) -> int:
        """Optimiser steps of the whole run, as far as is known now."""
        return self.position.total_steps or self.planned_steps

    @property
    def last_step(self) -> int:
        """The step after which the run ends, as far as is known now."""
        return round(self.share * self.total_steps)

    def run(self) -> bool:
        """Train from the present position to the end; False where somebody has stopped it before: a checkpoint is written."""
        position, began_at = self.position, self.position.step
        self._heed_other_limit()
        started = time.monotonic() - position.seconds
        visible = self.accelerator.is_main_process and not self.quiet
        with TrainingProgress(
            self.last_step, position.step, self.task.headline, visible, self.told
        ) as progress:
            if self.form is not None:
                self.form.say = progress.say
            if self.looks is not None and not self.looks.passes:
                self.watch()
            if self._looks_at_start() and not position.history:
                self._add_row(progress)
            while not self._is_at_end():
                for indices, batch in self._pass():
                    began = time.monotonic()
                    loss = self.step(indices, batch)
                    position.seconds = time.monotonic() - started
                    if self.form is not None and self.form.has_waited:
                        self.stopwatch.waited(time.monotonic() - began)
                    if self.accelerator.sync_gradients:
                        self._look_at_clock(progress, position.step - began_at)
                        progress.step_done(position.step, position.epoch, loss)
                        self._between_steps(progress)
                        if self.interruption.is_agreed and not self._is_at_end():
                            self.checkpoints.save(position.step)
                            return False
                    if self._is_at_end():
                        break
                else:
                    if not position.batches:
                        raise DataError("`data` must give training samples, received a stream without any")
                    position.epoch, position.batches = position.epoch + 1, 0
                    if self.arguments.watch_every is None:
                        self._add_row(progress)
            self._end_early(progress)
        return True

    def _looks_at_start(self) -> bool:
        """Whether the weights before the first step may be those that are saved."""
        return not self.last_step or (self.knows_something and self.best is not None)

    def _is_at_end(self) -> bool:
        """Whether all steps are made, or no look was better for as long as the user is patient."""
        patience = self.arguments.patience
        return self.position.step >= self.last_step or (
            patience is not None and self.position.waited >= patience
        )

    def _end_early(self, progress: TrainingProgress) -> None:
        """Say that a run ends before its last step, and note for `looks` of how long a run."""
        position = self.position
        if position.step >= self.last_step:
            return
        looks = counted(position.waited, "look")
        progress.say(f"{looks} without a better one: ends at step {position.step:,} of {self.last_step:,}")
        if self.looks is not None:
            self.looks.planned = self._epochs_done() * self.total_steps / position.step
        if self.arguments.checkpoint_every is not None:
            self.checkpoints.save(position.step)

    def _heed_other_limit(self) -> None:
        """Find the number of steps anew where the run is resumed with another limit than it was found for."""
        position, limit = self.position, self.arguments.time_limit
        if limit is None or not position.step or position.time_limit == limit:
            return
        if position.total_steps and not position.time_limit:
            # Of a version that has not recorded it.
            return
        position.is_settled, position.trial_from = False, position.seconds
        if position.total_steps:
            former, share = position.time_limit, max(self.share, 1e-9)
            position.total_steps = steps_of_other_limit(
                position.total_steps,
                self.planned_steps,
                done=math.ceil(position.step / share),
                share=limit / former,
            )

    def step(self, indices: Tensor, batch: Any) -> float:
        """Run one batch forward and backward, and the optimiser when enough batches are accumulated; the mean loss."""
        position, accelerator = self.position, self.accelerator
        torch.manual_seed(seed_of_step(self.arguments.seed, position.batches_seen, accelerator.process_index))
        with accelerator.accumulate(self.model):
            loss = self._loss(self.task.augment(batch))
            mean = self._mean(loss)
            self._require_finite("loss", mean, indices)
            accelerator.backward(loss)
            if accelerator.sync_gradients:
                norm = accelerator.clip_grad_norm_(
                    self.model.parameters(), self.arguments.max_gradient_norm or math.inf
                )
                if accelerator.scaler is None:
                    self._require_finite("gradient's norm", float(norm), indices)
            self.optimizer.step()
            if accelerator.sync_gradients:
                position.step += 1
                if not accelerator.optimizer_step_was_skipped:
                    self.schedule.step()
                    if self.average is not None:
                        self.average.update(self.model)
            self.optimizer.zero_grad()
        position.batches += 1
        position.batches_seen += 1
        position.loss_sum += mean
        position.loss_count += 1
        return mean

    def _loss(self, batch: Any) -> Tensor:
        """The loss of a batch, by the compiled model where there is one for it."""
        if self.form is None:
            return self.task.step(self.model, batch).loss
        with self.form.for_batch(batch) as model:
            return self.task.step(model, batch).loss

    def _mean(self, loss: Tensor) -> float:
        """The mean loss of all processes; they agree here whether the run is to end, and whether one has compiled, too."""
        is_asked = self.interruption.number is not None
        if self.accelerator.num_processes == 1:
            self.interruption.is_agreed = is_asked
            return float(loss.detach())
        has_waited = self.form is not None and self.form.has_waited
        told = [torch.full_like(loss, each, dtype=torch.float32) for each in (is_asked, has_waited)]
        said = torch.stack([loss.detach().float(), *told])
        mean, asked, waited = self.accelerator.reduce(said, "mean").tolist()
        self.interruption.is_agreed = self.interruption.is_agreed or asked > 0.0
        if self.form is not None:
            # The others have waited with it.
            self.form.has_waited = waited > 0.0
        return float(mean)

    def watch(self) -> dict[str, float]:
        """Measure on the validation batches, if there are any, with the weights that would be saved now."""
        if not len(self.watched):
            expected = self.expected.get(self._epochs_done(), {})
            return {f"validation_{name}": score for name, score in expected.items()}
        model = self.model if self.average is None else self.average.model
        if self.looks is None:
            scores, _ = measure(self.task, model, self.parts, self.watched, self.accelerator)
        else:
            measured = collect(self.task, model, self.watched, self.accelerator)
            scores, _ = scores_of(self.task, self.parts, measured)
            self.looks.add(self._epochs_done(), scores, measured)
        self.model.train()
        if self.best is not None:
            self.best.offer(scores[self.task.best_by[0]], model)
        return {f"validation_{name}": score for name, score in scores.items()}

    def _pass(self) -> Iterator[tuple[Tensor, Any]]:
        """The batches of the present pass that are not done yet."""
        position = self.position
        epoch = position.epoch
        self.order.epoch = epoch
        if not position.batches:
            # Not counted anew in the middle of a pass, where a run may be resumed.
            position.passes = max(self._passes(), epoch + 1)
        self.task.begin_pass(epoch, position.passes)
        self.model.train()
        batches = self.batches
        if position.batches:
            batches = self.accelerator.skip_first_batches(batches, position.batches)
        return while_workers_live(
            batches, f"{FEWER_WORKERS}, and --resume goes on where there is a checkpoint"
        )

    def _passes(self) -> int:
        """Passes of the whole run; 1 where the length of a pass is not known."""
        if not hasattr(self.order, "__len__"):
            return 1
        return math.ceil(self.total_steps / self._steps_of_pass())

    def _steps_of_pass(self) -> int:
        return math.ceil(len(self.batches) / self.arguments.gradient_accumulation_steps)

    def _look_at_clock(self, progress: TrainingProgress, steps_of_session: int) -> None:
        """See how fast the run is, now and then: say how long it will take, or make it fit into its limit."""
        position, clock = self.position, self.stopwatch
        if not is_marked(steps_of_session, position.step, self.total_steps):
            return
        clock.mark(position.step, position.seconds)
        limit = self.arguments.time_limit
        if clock.step_seconds is None:
            return
        look = clock.look_seconds
        if look is None:
            look = FORWARD_SHARE * clock.step_seconds * len(self.watched)
        pace = {
            "step_seconds": clock.step_seconds,
            "look_seconds": look,
            "steps_a_look": self._steps_a_look(),
        }
        if limit is None:
            left = self.told.runs_to_come * seconds_left(position.step, self.last_step, **pace)
            if not clock.is_told and clock.is_worth_telling:
                clock.is_told = True
                if left >= LEAST_ANNOUNCED:
                    progress.say(f"about {in_words(left)}; --time-limit MINUTES bounds it")
            return
        chosen = 60.0 * limit
        planned = round(self.share * self.planned_steps)
        fits = round(
            steps_that_fit(position.step, position.seconds, planned, chosen, **pace) / max(self.share, 1e-9)
        )
        total = bounded_steps(
            self.total_steps,
            fits,
            tolerance=TOLERANCE * chosen / clock.step_seconds,
            is_settled=position.is_settled,
        )
        # What is not measured yet is waited for, but not for long.
        is_known = clock.num_looks > 1 or not len(self.watched)
        tried = position.seconds - position.trial_from - clock.waits
        trial = TRIAL_SHARE * max(chosen - position.trial_from, 0.0)
        is_settled = position.is_settled or tried >= trial * (1 if is_known else 6)
        total, is_settled = self._agreed((total, is_settled))
        if is_settled and (not position.is_settled or total != self.total_steps):
            progress.say(f"{total:,} of {self.planned_steps:,} steps fit into {in_words(chosen)}")
        position.total_steps, position.is_settled, position.time_limit = total, is_settled, limit
        progress.set_total(self.last_step)

    def _steps_a_look(self) -> float:
        if not len(self.watched):
            return math.inf
        if self.arguments.watch_every is not None:
            return float(self.arguments.watch_every)
        return float(self._steps_of_pass()) if hasattr(self.order, "__len__") else math.inf

    def _agreed(self, found: tuple[int, bool]) -> tuple[int, bool]:
        """What the main process has found, on all of them."""
        if self.accelerator.num_processes == 1:
            return found
        from accelerate.utils import broadcast_object_list

        shared: list[Any] = list(found)
        broadcast_object_list(shared)
        return shared[0], shared[1]

    def _between_steps(self, progress: TrainingProgress) -> None:
        step, ended = self.position.step, self.position.step == self.last_step
        watch_every, checkpoint_every = self.arguments.watch_every, self.arguments.checkpoint_every
        if (watch_every is not None and step % watch_every == 0) or ended:
            self._add_row(progress)
        if (checkpoint_every is not None and step % checkpoint_every == 0) or ended:
            self.checkpoints.save(step)

    def _add_row(self, progress: TrainingProgress) -> None:
        """Look at the validation samples, and write a checkpoint where none has a rhythm of its own."""
        position, began = self.position, time.monotonic()
        row = {
            "step": float(position.step),
            "epoch": self._epochs_done(),
            **({"train_loss": position.loss_sum / position.loss_count} if position.loss_count else {}),
            "learning_rate": float(self.schedule.get_last_lr()[0]),
            **self.watch(),
        }
        position.history.append(row)
        if len(self.watched):
            name, better = self.task.best_by
            position.waited = looks_in_vain(position.history, f"validation_{name}", better)
        self.log.add(position.history)
        position.loss_sum, position.loss_count = 0.0, 0
        progress.row_done(row)
        if self.arguments.checkpoint_every is None:
            self.checkpoints.save(position.step)
        self.stopwatch.looked(time.monotonic() - began)

    def _epochs_done(self) -> float:
        """Passes over the data, parts of one included; whole ones only where their length is not known."""
        position = self.position
        has_length = position.batches and hasattr(self.order, "__len__")
        return position.epoch + (position.batches / len(self.batches) if has_length else 0.0)

    def _require_finite(self, what: str, value: float, indices: Tensor) -> None:
        if math.isfinite(value):
            return
        names = ", ".join(self.name_of(int(index)) for index in indices)
        raise PerceiversError(
            f"the {what} became {value} at optimiser step {self.position.step + 1} with the samples {names}; lower "
            f"--learning-rate or --max-gradient-norm, or mend the samples; of the checkpoints, "
            f"{self.checkpoints.describe_last()}"
        )
