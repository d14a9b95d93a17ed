"""The training loop: batches in, better weights out; it can stop anywhere and go on as if it had not."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, closing, nullcontext
from datetime import timedelta
from typing import Any, NoReturn

import numpy as np
import torch
from accelerate import Accelerator, InitProcessGroupKwargs
from torch import Generator, Tensor
from torch.optim import AdamW
from tqdm import tqdm

from model.train.autoencoder import AutoencoderTask
from model.train.batches import Order, read_ahead
from model.train.budget import TrainingBudget
from model.train.checkpoints import Checkpoints, State
from model.train.ema import MovingAverage
from model.train.journal import Journal
from model.train.outfitting.task import OutfittingTask
from model.train.parsing.task import ParsingTask
from model.train.pointcloth.task import DrapeTask
from model.train.pose.task import PoseTask
from model.train.settings import LoopSettings
from model.train.stopping import Stopping
from model.train.task import Task, Validated
from model.train.template.outfits import OutfitTask
from model.train.template.task import PlaceTask
from model.train.tryon import TryOnTask
from model.train.up2you.aggregator_task import AggregatorTask
from model.train.up2you.shape_task import ShapeTask
from model.train.validation import BestSoFar
from model.train.warp.spline.task import SplineTask
from model.train.warp.task import WarpTask

_PATIENCE = timedelta(hours=24)  # of processes that wait for the first one to encode the data set

_log = logging.getLogger(__name__)

_TASKS: dict[str, Any] = {
    "autoencoder": AutoencoderTask,
    "tryon": TryOnTask,
    "places": PlaceTask,
    "warp": WarpTask,
    "spline": SplineTask,
    "outfits": OutfitTask,
    "outfitting": OutfittingTask,
    "drape": DrapeTask,
    "parsing": ParsingTask,
    "pose": PoseTask,
    "shape": ShapeTask,
    "aggregator": AggregatorTask,
}


def train(settings: LoopSettings) -> bool:
    """Train until the budget is spent or a signal comes; either way weights are written and a checkpoint is left.

    Returns whether it came to its end: after a signal no further stage begins.

    Raises:
        DataSetError, SettingsError, WeightsError: something it needs is not as it must be.
    """
    return all(_train(stage) for stage in settings.stages)


def _train(settings: LoopSettings) -> bool:
    _log.info("reading networks and pictures")
    torch.manual_seed(settings.seed)  # for the weights of new networks, the same in every process
    accelerator = Accelerator(
        cpu=settings.device == "cpu",
        mixed_precision=settings.mixed_precision,
        kwargs_handlers=[InitProcessGroupKwargs(timeout=_PATIENCE)],
    )
    with accelerator.main_process_first():  # it writes what the others read
        task = _TASKS[settings.what](settings, accelerator.device)
    with Stopping() as stopping:
        ended = Loop(settings, accelerator, task, stopping).run()
    accelerator.end_training()
    return ended


class Loop:
    """One training on one process; with several, each has its share of every batch's samples."""

    def __init__(self, settings: LoopSettings, accelerator: Accelerator, task: Task[Any], stopping: Stopping) -> None:
        self._settings = settings
        self._accelerator = accelerator
        self._task = task
        self._stopping = stopping
        task.module.to(accelerator.device)
        self._trained = {name: p for name, p in task.module.named_parameters() if p.requires_grad}
        optimizer = AdamW(
            self._trained.values(),
            settings.learning_rate,
            (0.9, settings.beta2),
            weight_decay=settings.weight_decay,
            fused=True,
        )
        self._module, self._optimizer = accelerator.prepare(task.module, optimizer)
        self._means = {name: b for name, b in task.module.named_buffers() if b.is_floating_point()}  # of BatchNorm
        moving = [*self._trained.values(), *self._means.values()]
        self._average = MovingAverage(moving, settings.ema) if settings.ema else None
        self._checkpoints = Checkpoints(settings.checkpoint_folder, settings.keep)
        self._best = BestSoFar(settings)
        self._budget = TrainingBudget(settings)
        if settings.resume and (file := self._checkpoints.newest()) is not None:
            self._continue(self._checkpoints.load(file, settings))

    def run(self) -> bool:
        """All steps that are left; whether it got through them, and was not stopped."""
        settings, accelerator = self._settings, self._accelerator
        journal = Journal(settings.log_folder) if accelerator.is_main_process else None
        count, samples = sum(parameter.numel() for parameter in self._trained.values()), len(self._task.source)
        _log.info("training %s parameters on %s samples, from step %d", f"{count:,}", f"{samples:,}", self._budget.step)
        order = Order(len(self._task.source), settings.batch_size, settings.seed)
        first = self._budget.step * settings.accumulate * accelerator.num_processes + accelerator.process_index
        batches = read_ahead(self._task.source, order, first, accelerator.num_processes, settings.workers)
        with (
            closing(batches),
            tqdm(unit="step", disable=None, initial=self._budget.step, total=settings.max_steps) as bar,
        ):
            ended = self._steps(batches, journal, bar)
        if journal is not None:
            self._save()
            if (best := self._best.to_write()) is not None:
                self._restore(best)
            with self._averaged():
                self._task.write()
            journal.close()
        accelerator.wait_for_everyone()
        return ended

    def _steps(self, batches: Iterator[object], journal: Journal | None, bar: tqdm[NoReturn]) -> bool:
        settings, budget = self._settings, self._budget
        losses, norms, since, samples = [], [], time.monotonic(), 0
        while True:
            share, asked = self._agreed()
            if share >= 1 or asked:
                return share >= 1
            rate = budget.learning_rate(share)
            loss, norm = self._step(batches, rate)
            budget.step += 1
            bar.update()
            if self._average is not None:
                self._average.update(budget.step)
            losses.append(loss)
            norms.append(norm)
            samples += settings.batch_size * settings.accumulate * self._accelerator.num_processes
            if journal is None:
                continue
            if budget.step % settings.log_steps == 0:
                now = time.monotonic()
                mean_loss, mean_norm = (torch.stack(tensors).mean().item() for tensors in (losses, norms))
                bar.set_postfix(loss=f"{mean_loss:.4f}", refresh=False)
                journal.numbers(
                    budget.step,
                    loss=mean_loss,
                    gradient_norm=mean_norm,
                    learning_rate=rate,
                    samples_per_second=samples / (now - since),
                    minutes=budget.seconds / 60,
                )
                losses, norms, since, samples = [], [], now, 0
            if settings.picture_steps and budget.step % settings.picture_steps == 0:
                with self._averaged():
                    journal.picture(budget.step, self._task.sheet())
            if self._best.due(budget.step):
                self._validate(journal)
            if budget.step % settings.checkpoint_steps == 0:
                self._save()

    def _step(self, batches: Iterator[object], rate: float) -> tuple[Tensor, Tensor]:
        """One optimiser step; returns loss and gradient norm without waiting for the device."""
        settings, accelerator = self._settings, self._accelerator
        total = torch.zeros((), device=accelerator.device)
        for i in range(settings.accumulate):
            last = i + 1 == settings.accumulate
            with nullcontext() if last else accelerator.no_sync(self._module):
                loss = self._task.loss(self._module, next(batches), self._generator(i)) / settings.accumulate
                accelerator.backward(loss)
            total += loss.detach()
        limit = settings.clip_norm or float("inf")
        norm = accelerator.clip_grad_norm_(self._trained.values(), limit)
        for group in self._optimizer.param_groups:
            group["lr"] = rate
        self._optimizer.step()
        self._optimizer.zero_grad(set_to_none=True)
        return total, norm.detach()

    def _generator(self, i: int) -> Generator:
        """Randomness that follows from seed, step, forward and process alone."""
        entropy = (self._settings.seed, self._budget.step, i, self._accelerator.process_index)
        seed = int(np.random.SeedSequence(entropy).generate_state(1, np.uint64)[0])
        return Generator(self._accelerator.device).manual_seed(seed)

    def _agreed(self) -> tuple[float, bool]:
        """How much of the budget is spent and whether to stop, the same in all processes."""
        share, asked = self._budget.share, self._stopping.asked
        if self._accelerator.num_processes == 1:
            return share, asked
        words = torch.tensor([share, float(asked)], device=self._accelerator.device)
        mean_share, mean_asked = self._accelerator.reduce(words, reduction="mean").tolist()
        return mean_share, mean_asked > 0

    def _averaged(self) -> AbstractContextManager[None]:
        return nullcontext() if self._average is None else self._average.in_place()

    def _validate(self, journal: Journal) -> None:
        """Measure the weights that would be written now, and keep this state if they are the best so far."""
        if isinstance(self._task, Validated):
            with self._averaged():
                measures = self._task.validate()
            if not measures:
                return
            journal.numbers(self._budget.step, **{f"validation_{name}": value for name, value in measures.items()})
            self._best.take(self._budget.step, measures, self._state())

    def _save(self) -> None:
        self._checkpoints.save(self._budget.step, self._settings, self._state())

    def _state(self) -> State:
        return {
            "step": self._budget.step,
            "seconds": self._budget.seconds,
            "weights": {name: parameter.detach() for name, parameter in self._trained.items()},
            "means": {name: buffer.detach() for name, buffer in self._means.items()},
            "average": None if self._average is None else self._average.averages,
            "optimizer": self._optimizer.state_dict(),
            "scaler": None if self._accelerator.scaler is None else self._accelerator.scaler.state_dict(),
        }

    def _continue(self, state: State) -> None:
        self._budget = TrainingBudget(self._settings, state["step"], state["seconds"])
        self._restore(state)
        self._optimizer.load_state_dict(state["optimizer"])
        if self._accelerator.scaler is not None and state["scaler"] is not None:
            self._accelerator.scaler.load_state_dict(state["scaler"])

    def _restore(self, state: State) -> None:
        """The weights of a checkpoint."""
        with torch.no_grad():
            for name, parameter in self._trained.items():
                parameter.copy_(state["weights"][name])
            for name, buffer in state.get("means", {}).items():
                self._means[name].copy_(buffer)
        if self._average is not None and state["average"] is not None:
            torch._foreach_copy_(self._average.averages, state["average"])
