"""The cheapest exact way to run an algorithm on a problem."""

import sys
from collections.abc import Iterator
from dataclasses import replace
from typing import cast

from torch import Tensor

from sklearn_reasoning._polynomials import PerIteration, Phi, Steps
from sklearn_reasoning.algorithms import Algorithm, Problem, check_needs, iterates, last_iterate
from sklearn_reasoning.energies import DiagonalQuadratic, KnownSpectrum, for_steps_of
from sklearn_reasoning.penalties import Penalty


def minimize(algorithm: Algorithm, problem: Problem, k: Steps, phi: Phi) -> Tensor:
    r"""Return y_k, k steps of the algorithm on the problem from its start (Eq. 3).

    Parameters
    ----------
    algorithm : Algorithm
        The method, an instance.
    problem : Problem
        Energies of n samples in d dimensions, with penalty and start.
    k : int or Tensor of int
        Number of steps; a tensor broadcasts against y of shape (..., n, d).
    phi : Tensor, float, PerIteration, mapping or None
        Step size(s) in 1/curvature, broadcasting against y, or weights.

    Returns
    -------
    Tensor of shape (..., n, d)
        In the dtype of the energy and the units of y.

    Raises
    ------
    ValueError
        If the algorithm needs what the problem does not provide.

    Notes
    -----
    With c the starting point:

    ================ ================ ==========================================================
    problem provides algorithm        the layer computes
    ================ ================ ==========================================================
    "spectrum"       "polynomial"     :math:`c - R\,q_k(\lambda) R'(Qc + b)`
    "minimizer"      "exact"          the minimiser, by a linear solve
    "spectrum"       "rotations"      steps in the eigenbasis
    what it needs    anything         steps
    ================ ================ ==========================================================

    A penalty leaves the last: it is known in the coordinates of y only.

    Examples
    --------
    >>> import torch
    >>> from sklearn_reasoning.algorithms import GradientDescent
    >>> energy = DiagonalQuadratic(torch.tensor([[0.5, 1.0]]), torch.ones(1, 2))
    >>> minimize(GradientDescent(), Problem(energy, mu=0.5, L=1.0), 2, 1.0)
    tensor([[-1.5000, -1.0000]])
    """
    check_needs(algorithm, problem)
    energy, has = _known_spectrum(problem), algorithm.provides
    if "spectrum" in problem.provides:
        if "exact" in has:
            # Of a start, rounding would be left: in the minimiser, and as a gradient to learn from.
            problem = replace(problem, start=None)
        if "polynomial" in has:
            q = energy.apply(lambda t: algorithm.filter(_alone(t), k, phi, problem.mu, problem.L))
            moved = energy.from_eigenbasis(q * -_first_gradient(problem))
            return moved if problem.start is None else problem.start_point() + moved
        if "rotations" in has:
            return energy.from_eigenbasis(last_iterate(algorithm, _decoupled(problem), k, phi))
    if "exact" in has:
        return problem.minimizer()
    if "resolvent" in algorithm.needs and not isinstance(phi, PerIteration):
        problem = replace(problem, energy=for_steps_of(energy, phi))
    return last_iterate(algorithm, problem, k, phi)


def stepwise(algorithm: Algorithm, problem: Problem, phi: Phi) -> Iterator[Tensor]:
    """Yield the iterates of a method that takes steps, y_0, y_1, ..., without end.

    Parameters
    ----------
    algorithm : Algorithm
        The method, an instance.
    problem : Problem
        Energies of n samples in d dimensions, with penalty and start.
    phi : Tensor, float, mapping or None
        Step size in 1/curvature, broadcasting against y, or weights.

    Yields
    ------
    Tensor of shape (..., n, d)
        In the dtype of the energy and the units of y.

    Raises
    ------
    ValueError
        If the algorithm needs what the problem does not provide.
    """
    check_needs(algorithm, problem)
    if "resolvent" in algorithm.needs:
        problem = replace(problem, energy=for_steps_of(_known_spectrum(problem), phi))
    yield from iterates(algorithm, problem, sys.maxsize, phi)


def remaining(algorithm: Algorithm, problem: Problem, k: Steps, phi: Phi) -> Tensor:
    r"""Return what is left to the minimiser of an energy with a spectrum, y_k - y*.

    Parameters
    ----------
    algorithm : Algorithm
        The method, an instance.
    problem : Problem
        Energies with a spectrum, without a penalty.
    k : int or Tensor of int
        Number of steps; a tensor broadcasts against y of shape (..., n, d).
    phi : Tensor, float, PerIteration, mapping or None
        Step size(s) in 1/curvature, broadcasting against y, or weights.

    Returns
    -------
    Tensor of shape (..., n, d)
        In the eigenbasis, where its length is the same.

    Notes
    -----
    Of a polynomial method it is :math:`r_k(\lambda)` times the first distance: a difference of
    outputs has no digits left near 0.

    Examples
    --------
    >>> import torch
    >>> from sklearn_reasoning.algorithms import GradientDescent
    >>> energy = DiagonalQuadratic(torch.tensor([[0.5, 1.0]]), torch.ones(1, 2))
    >>> remaining(GradientDescent(), Problem(energy, mu=0.5, L=1.0), 2, 1.0)
    tensor([[0.5000, 0.0000]])
    """
    energy = _known_spectrum(problem)
    if "polynomial" in algorithm.provides:
        left = energy.apply(lambda t: algorithm.residual(t, k, phi, problem.mu, problem.L))
        return left * first_distance(problem)
    y = energy.to_eigenbasis(minimize(algorithm, problem, k, phi))
    return y - _decoupled(problem).minimizer()


def first_distance(problem: Problem) -> Tensor:
    r"""Return the starting point minus the minimiser, in the eigenbasis.

    Parameters
    ----------
    problem : Problem
        Of an energy with a spectrum, without a penalty.

    Returns
    -------
    Tensor of shape (..., n, d)
        In the units of y.

    Notes
    -----
    With c the start it is :math:`\Lambda^{-1} R'(Qc + b)`.

    Examples
    --------
    >>> import torch
    >>> energy = DiagonalQuadratic(torch.tensor([[0.5, 1.0]]), torch.ones(1, 2))
    >>> first_distance(Problem(energy, mu=0.5, L=1.0, start=torch.ones(2)))
    tensor([[3., 2.]])
    """
    return _first_gradient(problem) / _known_spectrum(problem).eigenvalues


def decouples(algorithm: Algorithm, penalty: Penalty | None = None) -> bool:
    r"""Tell whether an algorithm treats the outputs one by one in the eigenbasis of Q.

    Parameters
    ----------
    algorithm : Algorithm
        The method, an instance.
    penalty : Penalty or None, default=None
        The set or term of the problem; with one the outputs are never apart.

    Returns
    -------
    bool
        Whether a problem may be handed over in its eigenbasis, a scalar one for each output.

    Notes
    -----
    Where :math:`Q = R \Lambda R'`, a method that commutes with rotations runs on
    :math:`R'b` with the eigenvalues alone.

    Examples
    --------
    >>> from sklearn_reasoning.algorithms import get_algorithm
    >>> decouples(get_algorithm("gd")), decouples(get_algorithm("rnn"))
    (True, False)
    """
    return penalty is None and "rotations" in algorithm.provides


def _alone(t: Tensor) -> Tensor:
    """Return eigenvalues at which the gradients of a function of them are added up first.

    In which order they and those of the other uses of t arrive, and so how the sum is rounded,
    would depend on whether k is a tensor.
    """
    return t.view_as(t) if t.requires_grad else t


def _known_spectrum(problem: Problem) -> KnownSpectrum:
    # For the type checker: whether it is one, ``provides`` tells.
    return cast(KnownSpectrum, problem.energy)


def _first_gradient(problem: Problem) -> Tensor:
    """Return Q c + b in the eigenbasis, the gradient at the starting point c."""
    energy = _known_spectrum(problem)
    b = energy.to_eigenbasis(energy.b)
    if problem.start is None:
        return b
    return b + energy.eigenvalues * energy.to_eigenbasis(problem.start_point())


def _decoupled(problem: Problem) -> Problem:
    """Return the problem in the eigenbasis, a scalar one for each output."""
    energy = _known_spectrum(problem)
    start = None if problem.start is None else energy.to_eigenbasis(problem.start_point())
    diagonal = DiagonalQuadratic(energy.eigenvalues, energy.to_eigenbasis(energy.b))
    return Problem(diagonal, problem.mu, problem.L, start=start)
