"""The training behind Fig. 6: the energies are given, and only phi is learned."""

from collections.abc import Sequence
from itertools import product
from pathlib import Path

import numpy as np

from sklearn_reasoning.algorithms import Algorithm, get_algorithm
from sklearn_reasoning.experiments._protocol import Protocol
from sklearn_reasoning.experiments._selection import selected
from sklearn_reasoning.experiments._stacks import Losses, kept_in, losses_of_stacks
from sklearn_reasoning.experiments._tables import Table
from sklearn_reasoning.experiments.synthetic import draw_population
from sklearn_reasoning.layer import decouples

from ._given_energies import GivenEnergies, Stack, given_energies, measure, train_stack

# What the results depend on. All else in a protocol is about Q_theta, which there is none of.
_SETTINGS = (
    *("k", "optimizers", "lrs", "epochs", "repetitions", "n_samples", "n_features"),
    *("n_outputs", "mu", "L", "noise", "population_size", "weight_decay", "held_out", "seed"),
)


def run_learning_to_optimise(
    protocol: Protocol,
    folder: str | Path | None = None,
    *,
    n_jobs: int | None = None,
    verbose: int = 0,
    algos: Sequence[str | Algorithm] = ("gd", "nag", "rnn"),
) -> Table:
    r"""Train algorithms on given energies, and measure their generalisation gap (Fig. 6).

    The true (Q, b) of each row is known, and only phi is learned: a step size, kept in the
    algorithm's stable region, or the weights of a cell, which begins as gradient descent with
    step size 1/L. The loss is the mean of :math:`\lVert Alg^k_\phi(Q, b) - y \rVert_2` over
    the training rows (Eq. 13), through all k steps, with labels :math:`y = -Q^{-1} b`. Step
    sizes do not decay, weights do. Each model keeps the parameters of its best epoch. Algorithms
    with nothing to learn are measured as they are.

    Algorithms that commute with rotations run in the eigenbasis of each row's Q, where all
    that counts is the same. The recurrent cell does not commute: it runs in the original basis,
    on :math:`Q = R \operatorname{diag}(\lambda) R'`, b and y, with the R of
    :func:`~sklearn_reasoning.datasets.make_quadratic_reasoning` of the same seed. Training rows
    and label noise are those of the study, rotated.

    The protocol's ``fig6_k`` and ``fig6_epochs`` come before ``k`` and ``epochs``. Its ``algos``,
    ``q_hidden``, ``learn_step_size``, ``same_initial_weights`` and ``selection`` have no part in
    this: phi is always trained, begins at one value, and the training loss selects. Finished
    stacks, which are all repetitions and learning rates of an algorithm, a k and an optimiser, are
    kept in ``learning-to-optimise`` in the folder, so that a killed run goes on.

    Returns equally long columns ``algo``, ``k``, ``repetition``, ``optimizer``, ``lr``,
    ``train_loss``, ``population_loss`` and ``gap``: one row for each algorithm, k and repetition,
    with the optimiser and learning rate of the smallest training loss. The training loss is against
    the labels with their noise, the other without. A RuntimeError if all trainings of an algorithm,
    k and repetition diverged.
    """
    algorithms = _checked(algos)
    protocol = protocol.of_figure_6()
    population = draw_population(protocol)
    given = {
        decoupled: given_energies(protocol, population, decoupled=decoupled)
        for decoupled in sorted({decouples(algorithm) for algorithm in algorithms})
    }
    stacks = [Stack(*parts) for parts in product(algorithms, protocol.k, protocol.optimizers)]
    n_models = protocol.repetitions * len(protocol.lrs)
    # A folder of its own in the folder, where the study may keep its stacks too.
    kept = kept_in(
        folder, "learning-to-optimise", protocol, _SETTINGS, algorithms, population=population
    )
    losses = losses_of_stacks(
        stacks,
        n_models,
        lambda s: (_measured, (protocol, given[decouples(s.algorithm)], s)),
        kept,
        n_jobs=n_jobs,
        verbose=verbose,
    )
    return _selected(protocol, stacks, losses)


def _measured(protocol: Protocol, given: GivenEnergies, stack: Stack) -> list[Losses]:
    """Train a stack, and return the losses of its models."""
    trained = train_stack(protocol, given, stack, given.folds)
    return measure(protocol, given, stack, trained, given.folds)


def _checked(algos: Sequence[str | Algorithm]) -> list[Algorithm]:
    if isinstance(algos, str):
        raise TypeError(f"algos={algos!r} must be a sequence of algorithms, such as ({algos!r},).")
    algorithms = [get_algorithm(algo) for algo in algos]
    names = [algorithm.name for algorithm in algorithms]
    if not names or len(set(names)) != len(names):
        raise ValueError(f"algos={tuple(algos)!r} must hold at least one, and no name twice.")
    return algorithms


def _selected(protocol: Protocol, stacks: list[Stack], losses: list[Losses]) -> Table:
    """Return the rows of the rates and optimisers with the smallest training losses."""
    p = protocol
    candidates = [
        {"algo": stack.algorithm.name, "k": stack.k, "optimizer": stack.optimizer, "lr": lr}
        for stack in stacks
        for lr in p.lrs
    ]
    shape = (len(stacks), p.repetitions, len(p.lrs))
    measured = {
        name: np.array([loss[name] for loss in losses])
        .reshape(shape)
        .swapaxes(1, 2)
        .reshape(len(candidates), p.repetitions)
        for name in ("train_loss", "population_loss")
    }
    return selected(candidates, ("algo", "k"), measured["train_loss"], measured)
