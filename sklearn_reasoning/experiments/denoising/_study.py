"""The study behind Fig. 7: small denoisers, trained on few patches, as stacks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path

import numpy as np
import torch

from sklearn_reasoning._support.threads import one_thread
from sklearn_reasoning.algorithms import Algorithm, get_algorithm
from sklearn_reasoning.estimators.denoiser import (
    PatchBatch,
    PatchLoss,
    architecture_of,
    settings_of,
    train_denoisers,
)
from sklearn_reasoning.experiments._stacks import Losses, kept_in, losses_of_stacks
from sklearn_reasoning.experiments._tables import Table, table_of
from sklearn_reasoning.training import TrainedModel, trained_models

from ._data import PatchSets
from ._protocol import PARAMETERISATIONS, DenoisingProtocol, Parameterisation, denoiser_of

_COLUMNS = (
    *("parameterisation", "algo", "k", "repetition"),
    *("train_loss", "held_out_loss", "gap", "gap_one_way"),
)
# What the results depend on besides the patches.
_SETTINGS = (
    *("k", "repetitions", "max_steps", "lr", "weight_decay", "L", "learn_step_size"),
    *("same_initial_weights", "loss", "seed"),
)
_GREY_LEVELS = 255.0


@dataclass(frozen=True)
class DenoisingStudy:
    """A protocol and its patches."""

    protocol: DenoisingProtocol
    patches: PatchSets

    def run(
        self, folder: str | Path | None = None, *, n_jobs: int | None = None, verbose: int = 0
    ) -> Table:
        """Train and measure every model; with ``verbose`` a line a stack is printed on stderr.

        Finished stacks, which are all repetitions of a parameterisation, an algorithm and a k, are
        kept in ``denoising`` in the folder, which may hold other things: a killed study goes on.

        Returns equally long columns ``parameterisation``, ``algo``, ``k``, ``repetition``,
        ``train_loss``, ``held_out_loss``, ``gap`` and ``gap_one_way``; one row for each model and
        repetition. Losses are means over both sets of a repetition, in grey levels (the 255th part
        of the pixels' range; its square for ``loss="squared"``). ``gap_one_way`` is the gap of the
        model that was trained on the first set alone. NaN where a training left the finite numbers;
        a RuntimeError if all trainings of a parameterisation, an algorithm and a k did.
        """
        p = self.protocol
        algorithms = [get_algorithm(algo) for algo in p.algos]
        stacks = [_Stack(*parts) for parts in product(PARAMETERISATIONS, algorithms, p.k)]
        patches = {"noisy": self.patches.noisy, "clean": self.patches.clean}
        kept = kept_in(folder, "denoising", p, _SETTINGS, algorithms, patches=patches)
        losses = losses_of_stacks(
            stacks,
            p.repetitions,
            lambda stack: (self._measured, (stack,)),
            kept,
            n_jobs=n_jobs,
            verbose=verbose,
        )
        rows = []
        for number, stack in enumerate(stacks):
            found = losses[number * p.repetitions : (number + 1) * p.repetitions]
            if all(np.isnan(model["gap"]) for model in found):
                raise RuntimeError(f"All trainings of {stack} diverged: try an lr below {p.lr}.")
            for repetition, model in enumerate(found):
                row = (stack.parameterisation.name, stack.algorithm.name, stack.k, repetition)
                rows.append((*row, *(model[name] for name in _COLUMNS[4:])))
        return table_of(_COLUMNS, rows)

    def train(
        self,
        parameterisation: Parameterisation,
        algorithm: Algorithm,
        k: int,
        sets: Sequence[int],
    ) -> list[TrainedModel]:
        """Train a model on each of some sets of patches; every step sees all patches of a set."""
        patches = self._tensors(sets)
        denoiser = denoiser_of(self.protocol, parameterisation, algorithm, k)
        net = train_denoisers(
            architecture_of(denoiser),
            [settings_of(denoiser, self._seed(number)) for number in sets],
            lambda: patches,
        )
        return list(trained_models(net))

    def _measured(self, stack: _Stack) -> list[Losses]:
        """Train a stack, and return the losses of its repetitions."""
        p, everything = self.protocol, range(2 * self.protocol.repetitions)
        models = self.train(stack.parameterisation, stack.algorithm, stack.k, everything)
        noisy, clean = self._tensors(everything)
        unit = _GREY_LEVELS ** (2 if p.loss == "squared" else 1)
        criterion = PatchLoss([p.loss])
        losses = np.empty((2, len(models)))
        with one_thread(), torch.no_grad():
            for row, sets in enumerate((list(everything), self.patches.held_out)):
                for i, model in enumerate(models):
                    which = [sets[i]]
                    # The patches of a set are the batch of a model.
                    batch = PatchBatch(noisy[:, which], clean[:, which])
                    loss = unit * criterion(model.net.module_(batch), batch).item()
                    losses[row, i] = np.nan if model.diverged else loss
        losses[~np.isfinite(losses)] = np.nan
        measured = []
        for repetition in range(p.repetitions):
            train, held_out = losses[:, 2 * repetition : 2 * repetition + 2]
            measured.append(
                {
                    "train_loss": float(train.mean()),
                    "held_out_loss": float(held_out.mean()),
                    "gap": float((held_out - train).mean()),
                    "gap_one_way": float(held_out[0] - train[0]),
                }
            )
        return measured

    def _tensors(self, sets: Sequence[int]) -> tuple[torch.Tensor, torch.Tensor]:
        noisy, clean = (
            torch.from_numpy(np.ascontiguousarray(values[:, list(sets)]))
            for values in (self.patches.noisy, self.patches.clean)
        )
        return noisy, clean

    def _seed(self, number: int) -> int:
        """Return the seed of the initial weights of models that are trained on a set."""
        p = self.protocol
        return p.seed if p.same_initial_weights else p.seed + 1000 * (1 + number // 2)


@dataclass(frozen=True)
class _Stack:
    """What all models of a stack share."""

    parameterisation: Parameterisation
    algorithm: Algorithm
    k: int

    @property
    def work(self) -> int:
        """How long it takes, roughly: with few channels, what is around the convolutions."""
        return 4 + self.parameterisation.f_channels + 3 * self.parameterisation.has_g

    def __str__(self) -> str:
        return f"{self.parameterisation.name}, {self.algorithm.name}, k = {self.k}"
