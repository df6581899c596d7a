r"""k steps on the energy of each group, in the weights of its head.

With features :math:`\Psi` (n rows, m columns, the last of ones), targets t and a start w_0,

.. math:: E(w) = \tfrac12 w'Qw + b'w, \quad Q = \Psi'\Psi / n + \lambda I, \quad
    b = -\Psi't / n - \lambda w_0,

so that :math:`\mu = \lambda`, and L is :math:`\lambda` plus the largest eigenvalue of
:math:`\Psi'\Psi / n`.

Where n < m the steps are taken on n numbers a, with :math:`w = w_0 + \Psi'a / n`. The gradient at
such a w is :math:`\Psi'((K + \lambda I) a - r) / n`, with :math:`K = \Psi\Psi'/n` and the residual
:math:`r = t - \Psi w_0`; so a step along gradients and differences of iterates, taken on a with
:math:`(K + \lambda I) a - r` in place of the gradient, is the same step on w. Hence
:math:`w_k = w_0 + \Psi' q_k(K + \lambda I) r / n` for all polynomial methods.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import torch
from torch import Tensor

from sklearn_reasoning._polynomials import StepCounts, Steps
from sklearn_reasoning.algorithms import Algorithm, Problem
from sklearn_reasoning.energies import DenseQuadratic
from sklearn_reasoning.layer import minimize

from ._matrix_filter import filtered
from ._step_share import step_size_at


class Support(NamedTuple):
    """The rows from which groups learn.

    Parameters
    ----------
    features : Tensor of shape (..., n, m)
        Any rows where a group has fewer than n.
    residual : Tensor of shape (..., n, d)
        What the start leaves of the targets; zeros there.
    n_rows : Tensor of shape (..., 1, 1)
        Number of rows, at least 1.
    here : Tensor of shape (..., n, 1)
        1 for rows, 0 for others.
    """

    features: Tensor
    residual: Tensor
    n_rows: Tensor
    here: Tensor


def moved(
    algorithm: Algorithm, support: Support, ridge: Tensor, share: Tensor | None, k: Steps
) -> Tensor:
    """Return how far k steps lead from the start, w_k - w_0.

    Parameters
    ----------
    algorithm : Algorithm
        One that commutes with rotations.
    support : Support
    ridge : Tensor of shape (..., 1, 1)
        Lambda.
    share : Tensor of shape (..., 1) or None
        Where step sizes lie in the stable region of each group.
    k : int, Tensor or StepCounts
        A tensor broadcasts against (..., 1).

    Returns
    -------
    Tensor of shape (..., m, d)
    """
    if not has_filter(algorithm):
        return _stepwise(algorithm, support, ridge, share, k)
    P, r, n, here = support
    # In units of the ridge mu is 1, which algorithms take as a number.
    if P.shape[-2] < P.shape[-1]:
        # Where K has zeros a stays 0, and takes no part.
        K = P @ P.mT * (here * here.mT / (n * ridge))
        return P.mT @ (filtered(algorithm, K, r / ridge, share, k) / n)
    P = P * here
    return filtered(algorithm, P.mT @ P / (n * ridge), P.mT @ r / (n * ridge), share, k)


def has_filter(algorithm: Algorithm) -> bool:
    """Tell whether steps are a function of Q, and one that is told of L by its step size alone."""
    knows_L = algorithm.initial_step_size(1.0, 2.0) is None and "exact" not in algorithm.provides
    return "polynomial" in algorithm.provides and not knows_L


def _stepwise(
    algorithm: Algorithm, support: Support, ridge: Tensor, share: Tensor | None, k: Steps
) -> Tensor:
    """Return :func:`moved` from one step after another, which autograd keeps."""
    problem, phi = problem_of(algorithm, support, ridge, share)
    if isinstance(k, StepCounts):
        k = k.k
    # Here outputs are an axis of their own.
    steps = k.unsqueeze(-1) if isinstance(k, torch.Tensor) else k
    return minimize(algorithm, problem, steps, phi).mT


def problem_of(
    algorithm: Algorithm, support: Support, ridge: Tensor, share: Tensor | None
) -> tuple[Problem, Tensor | None]:
    """Return the energies in w - w_0, over the ridge, one for each output, and step sizes."""
    P, r, n, here = support
    P = P * here
    T = P.mT @ P / (n * ridge)
    Q = T + torch.eye(T.shape[-1], dtype=T.dtype, device=T.device)
    L = torch.linalg.eigvalsh(Q)[..., -1:, None]
    b = -(P.mT @ r / (n * ridge)).mT
    energy = DenseQuadratic(Q.unsqueeze(-3).expand(*b.shape, -1), b)
    phi = None if share is None else step_size_at(algorithm, share.unsqueeze(-1), L)
    bound: Any = L
    return Problem(energy, 1.0, bound), phi
