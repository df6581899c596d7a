"""The iterates of an algorithm, one step after another."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from sklearn_reasoning._polynomials import PerIteration, Phi, StepCounts, Steps
from sklearn_reasoning._support.documentation import documented_like

from ._problem import Problem

if TYPE_CHECKING:
    from ._base import Algorithm


def iterates(algorithm: Algorithm, problem: Problem, k: Steps, phi: Phi) -> Iterator[Tensor]:
    """Yield the iterates y_0, ..., y_k of an algorithm (Eq. 9).

    Parameters
    ----------
    algorithm : Algorithm
        The method, an instance; "opt" takes no steps.
    problem : Problem
        What is minimised, and the starting point.
    k : int, Tensor of int or StepCounts
        Number of steps. A tensor broadcasts against y: it runs to the largest k, and rows
        that are done keep their iterate.
    phi : Tensor, float, PerIteration, mapping or None
        Step size(s) in 1/curvature, which broadcast against y, or weights.

    Yields
    ------
    Tensor of shape (..., n, d)
        The iterates, the starting point among them: k + 1 in all.

    Raises
    ------
    ValueError
        If ``k`` is above the number of step sizes of a :class:`PerIteration`.

    Examples
    --------
    >>> import torch
    >>> from sklearn_reasoning.algorithms import GradientDescent, Problem
    >>> from sklearn_reasoning.energies import DiagonalQuadratic
    >>> energy = DiagonalQuadratic(torch.tensor([[0.5]]), torch.tensor([[1.0]]))
    >>> steps = iterates(GradientDescent(), Problem(energy, mu=0.1, L=1.0), 3, 1.0)
    >>> [float(y) for y in steps]
    [0.0, -1.0, -1.5, -1.75]
    """
    y = problem.start_point()
    state = algorithm.start(y, problem)
    yield y
    counts = StepCounts(k) if isinstance(k, Tensor) else k
    last = counts if isinstance(counts, int) else counts.largest
    if isinstance(phi, PerIteration) and last > len(phi):
        raise ValueError(f"k={last} steps need {last} step sizes, got {len(phi)}.")
    for i in range(last):
        phi_i = phi[i] if isinstance(phi, PerIteration) else phi
        state = algorithm.step(state, problem, phi_i)
        y = state[0] if isinstance(counts, int) else torch.where(counts.k > i, state[0], y)
        yield y


@documented_like(iterates)
def last_iterate(algorithm: Algorithm, problem: Problem, k: Steps, phi: Phi) -> Tensor:
    """Return y_k (Eq. 3), holding one iterate at a time where no gradients are recorded.

    Parameters
    ----------
    algorithm, problem, k, phi

    Returns
    -------
    Tensor of shape (..., n, d)
        The last iterate, in the units of y.

    Raises
    ------
    ValueError

    Examples
    --------
    >>> import torch
    >>> from sklearn_reasoning.algorithms import GradientDescent, Problem
    >>> from sklearn_reasoning.energies import DiagonalQuadratic
    >>> energy = DiagonalQuadratic(torch.tensor([[0.5]]), torch.tensor([[1.0]]))
    >>> last_iterate(GradientDescent(), Problem(energy, mu=0.1, L=1.0), 3, 1.0)
    tensor([[-1.7500]])
    """
    for y in iterates(algorithm, problem, k, phi):  # noqa: B007  (a list would hold all of them)
        pass
    return y
