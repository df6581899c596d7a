"""Stacks of algorithms that are trained on given energies: only phi is learned."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import torch
from torch import Tensor

from sklearn_reasoning._networks import evaluate
from sklearn_reasoning.algorithms import Algorithm, Problem
from sklearn_reasoning.energies import DiagonalQuadratic, OperatorQuadratic, QuadraticEnergy
from sklearn_reasoning.experiments._protocol import Protocol
from sklearn_reasoning.experiments._stacks import Losses
from sklearn_reasoning.experiments.synthetic import Population
from sklearn_reasoning.layer import decouples
from sklearn_reasoning.training import (
    Architecture,
    Inputs,
    ModelNet,
    ModelSettings,
    RegressionModel,
    Rows,
    TargetStatistics,
    build_net,
    first_step_sizes,
    one_thread,
    set_initial_state,
    stack_rows,
)

_Array = np.ndarray[Any, Any]


@dataclass(frozen=True)
class Stack:
    """What all models of a stack share."""

    algorithm: Algorithm
    k: int
    optimizer: str

    @property
    def work(self) -> int:
        """How long it takes, roughly: what unrolls takes long."""
        return 1 if "polynomial" in self.algorithm.provides else 1 + self.k

    def __str__(self) -> str:
        return f"{self.algorithm.name}, k = {self.k}, {self.optimizer}"


@dataclass(frozen=True, eq=False)
class GivenEnergies:
    """The population, as what the algorithms are given and what they should find.

    x of shape (n, d) or (n, d * d) holds the eigenvalues of Q, or Q row by row; b, y and noisy of
    shape (n, d) are linear terms, labels, and labels with noise: in the eigenbasis, or as they are.
    The folds are the training and held-out rows of each repetition.
    """

    x: _Array
    b: _Array
    y: _Array
    noisy: _Array
    folds: list[tuple[_Array, _Array]]


def given_energies(protocol: Protocol, population: Population, *, decoupled: bool) -> GivenEnergies:
    """Return the energies in the eigenbasis of each row's Q, or in the original basis."""
    p = protocol
    b = population.X[:, p.n_features :]
    eigenvalues = population.spectrum(population.X[:, : p.n_features])
    if decoupled:
        return GivenEnergies(eigenvalues, b, population.y, population.noisy, population.folds)
    R = population.rotations
    Q = np.einsum("nij,nj,nkj->nik", R, eigenvalues, R)
    b, y, noisy = (np.einsum("nij,nj->ni", R, v) for v in (b, population.y, population.noisy))
    return GivenEnergies(Q.reshape(len(Q), -1), b, y, noisy, population.folds)


class GivenEnergyModel(RegressionModel):
    """Models whose x holds Q itself: nothing of the energy is predicted, only phi is learned."""

    def problem(self, batch: Inputs) -> tuple[Problem, Any]:
        """Return the given energies, and step sizes or weights.

        x holds the eigenvalues of Q for algorithms that decouple in its eigenbasis, else Q.
        """
        a, d, x = self.architecture, self.architecture.n_outputs, batch.x
        assert batch.b is not None
        energy: QuadraticEnergy
        if decouples(a.algorithm):
            # Rows of padding are zero, and the exact minimiser divides by the eigenvalues.
            energy = DiagonalQuadratic(x[:, :d].clamp_min(a.mu).mT, batch.b.mT)
        else:
            Q = x[:, : d * d].unflatten(1, (d, d))
            energy = OperatorQuadratic(partial(_product, Q), batch.b.mT)
        _, blocks = evaluate(self.weights, x, self._layout) if self._cell else ({}, {})
        return Problem(energy, a.mu, a.L), self._phi(blocks)

    def decaying(self) -> Tensor:
        """Return 1 for every weight: those of a cell are all that there is to learn."""
        return torch.ones_like(self.weights[:1])


def _product(Q: Tensor, y: Tensor) -> Tensor:
    """Return Q y for Q of shape (..., d, d, n) and y of shape (..., n, d).

    Rows are innermost in memory, so that a product is d long sums, not n short ones.
    """
    return (Q * y.mT.unsqueeze(-3)).sum(dim=-2).mT


def train_stack(
    protocol: Protocol,
    given: GivenEnergies,
    stack: Stack,
    folds: Sequence[tuple[_Array, _Array]],
) -> ModelNet:
    """Train a model for each fold's training rows and each learning rate, the rates innermost."""
    p = protocol
    sizes, ends = first_step_sizes(stack.algorithm, None, "stable", p.mu, p.L)
    models = [
        ModelSettings(
            k=stack.k,
            step_size=sizes,
            step_size_range=ends,
            learn_step_size=True,
            loss="l2",
            optimizer=stack.optimizer,
            lr=lr,
            weight_decay=p.weight_decay,
            lr_schedule="constant",
            max_epochs=p.epochs,
            batch_size=p.n_samples // 2,
            keep="best",
            patience=None,
            tol=0.0,
            seed=p.seed,
        )
        for _ in folds
        for lr in p.lrs
    ]
    rows = [_rows(given, train) for train, _ in folds for _ in p.lrs]
    with one_thread():
        net = _initial_net(protocol, stack.algorithm, models, given.x.shape[1], torch.float32)
        # In unit 1: the rates of SGD are then those for the loss as the paper has it.
        unscaled = TargetStatistics.unscaled(net.module_.architecture)
        set_initial_state(net, models, [unscaled] * len(models))
        net.fit_loop(stack_rows(net, rows, [model.batch_size for model in models]))
    return net


def _rows(given: GivenEnergies, which: _Array | slice) -> Rows:
    y = given.noisy[which]
    return Rows(given.x[which], y, np.ones(len(y)), given.b[which])


def _initial_net(
    protocol: Protocol,
    algorithm: Algorithm,
    models: Sequence[ModelSettings],
    width: int,
    dtype: torch.dtype,
) -> ModelNet:
    architecture = Architecture(
        n_features=width,
        n_outputs=protocol.n_outputs,
        algorithm=algorithm,
        mu=protocol.mu,
        L=protocol.L,
        q_hidden=None,
        b_hidden=None,
        spectrum="free",
        rotation="identity",
        start="zero",
        initial_weights="glorot",
    )
    return build_net(GivenEnergyModel, architecture, models, dtype)


def measure(
    protocol: Protocol,
    given: GivenEnergies,
    stack: Stack,
    trained: ModelNet,
    folds: Sequence[tuple[_Array, _Array]],
) -> list[Losses]:
    """Return the losses of each model of a stack, in float64; NaN of those that diverged."""
    state = trained.module_.state_dict()
    measured = []
    with one_thread(), torch.no_grad():
        # One model after the other: the population, once for each, would not fit the memory.
        single = _initial_net(
            protocol, stack.algorithm, trained.models[:1], given.x.shape[1], torch.float64
        )
        single.module_.unit.fill_(1.0)
        (batch,) = stack_rows(single, [_rows(given, slice(None))]).epoch(0)
        for i, diverged in enumerate(trained.progress_.diverged):
            single.module_.load_state_dict({name: v[i : i + 1] for name, v in state.items()})
            prediction = single.module_(batch)[0, : len(given.y)].numpy()
            train, held_out = folds[i // len(protocol.lrs)]
            measured.append(
                {
                    "train_loss": _mean_loss(prediction[train] - given.noisy[train], diverged),
                    "population_loss": _mean_loss(
                        prediction[held_out] - given.y[held_out], diverged
                    ),
                }
            )
    return measured


def _mean_loss(error: _Array, diverged: bool) -> float:
    return float("nan") if diverged else float(np.linalg.norm(error, axis=1).mean())
