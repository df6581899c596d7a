r"""What is proven of the recurrent cell: products of spectral norms (Table 2).

ReLU is :math:`s(u) = (u + |u|)/2`. A cell of one layer is therefore

.. math:: y_{j+1} = \tfrac12 V W z_j + \tfrac12 V |W z_j|, \qquad
    W z_j = W^1_1 y_j + W^1_2 g_j , \quad g_j = Q y_j + b ,

and units whose inputs are each other's negative share one :math:`|u|`, whose outputs add up: a
pair :math:`s(u) - s(-u)` is the identity that it is, and gradient descent, where a cell begins,
has the constants of gradient descent. With them, for inputs of norm 1: c bounds the change of
:math:`y_{j+1}` with :math:`y_j`, and g that with b,

.. math:: S_b(k) = g \sum_{j<k} c^j, \qquad
    S_Q(k) = g \sum_{j<k} c^{k-1-j} S_b(j) .

The minimiser is a fixed point of the cell only if the cell returns y where the gradient is 0;
:math:`\eta` bounds its relative error there, and
:math:`\mathrm{Cvg} \le c^k + \eta \sum_{j<k} c^j`.

All that is for the start 0. From a start a with the gradient h the iterates are at most
:math:`S_b(j) \|h\| + m_j \|a\|` long, so besides :math:`S_Q \|h\|` the matrix moves the output
by :math:`g \sum_{j<k} c^{k-1-j} m_j` per unit of :math:`\|a\|`, where

.. math:: m_j = \min\Bigl(1 + \eta \sum_{i<j} c^i, \; c^j + L S_b(j)\Bigr) .

The start itself moves it by :math:`c^k`. Unless :math:`\eta = 0` no fraction of the first
distance is left at most: the cell moves away from the minimiser.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import torch

from sklearn_reasoning._support.threads import on_one_thread
from sklearn_reasoning.algorithms import RecurrentCell

from ._analysis import Analysis, analysis_of
from ._arguments import Case
from ._chebyshev_series import Array, Supremum
from ._sampling import sampled_convergence, sampled_in_b, sampled_in_Q, sampled_sensitivity

# Sampled values are quotients of small differences, good to about ten digits.
_ROUNDING = 1.0 + 1e-9


def _growing() -> np.errstate:
    """Allow bounds to grow beyond all numbers, as those of a cell that stretches do."""
    return np.errstate(over="ignore", invalid="ignore")


@dataclass(frozen=True)
class _Constants:
    """Lipschitz constants of one step.

    Of the next iterate in the last one, c, and in the gradient, g; ``deviation``, eta, is the
    largest relative error of the cell at a point whose gradient is 0.
    """

    in_y: float
    in_gradient: float
    deviation: float


class RecurrentCellAnalysis(Analysis):
    """Bounds for the recurrent cell."""

    moves_along = False

    def convergence(self, case: Case) -> Supremum:
        """Bound the error by contraction and by the error at the minimiser."""
        return _bounded(case, sampled_convergence(case), self.convergence_bound(case))

    def convergence_bound(self, case: Case) -> Array:
        """Return the upper bounds alone."""
        step, k = _constants(case), np.arange(int(case.k.max(initial=0)) + 1)
        with _growing():
            left = step.in_y**k + step.deviation * _sum_of_powers(step.in_y, len(k))
            # Or by the lengths of output and minimiser: |b| is at most L times the latter.
            bound = np.fmin(left, 1.0 + case.L * _in_b(step, len(k)))
        return _at_k(case, bound)

    def shown_convergence(self, case: Case) -> Array:
        """Return 0: the bounds themselves cost little."""
        return np.zeros(case.k.shape)

    def in_Q(self, case: Case) -> Supremum:
        """Bound the change with Q, which each iterate multiplies."""
        bound = _in_Q(_constants(case), int(case.k.max(initial=0)) + 1)
        return _with_samples(case, sampled_in_Q(case), bound)

    def in_b(self, case: Case) -> Supremum:
        """Bound the change with b."""
        bound = _in_b(_constants(case), int(case.k.max(initial=0)) + 1)
        return _with_samples(case, sampled_in_b(case), bound)

    def in_Q_per_start(self, case: Case) -> Supremum:
        """Bound the change with Q by as much as the start adds to the iterates."""
        bound = _in_Q_per_start(_constants(case), case.L, int(case.k.max(initial=0)) + 1)
        return _with_samples(case, np.zeros(case.k.shape), bound)

    def in_start(self, case: Case) -> Supremum:
        """Bound the change with the start."""
        powers = _powers(_constants(case).in_y, int(case.k.max(initial=0)) + 1)
        return _with_samples(case, np.where(case.k == 0, 1.0, 0.0), powers)

    def sensitivity(self, case: Case) -> Supremum:
        """Bound the derivative with respect to all weights together."""
        bound = _in_weights(case, int(case.k.max(initial=0)) + 1)
        return _with_samples(case, sampled_sensitivity(case), bound)

    def from_any_start(self) -> Analysis:
        """Return what holds although the first distance is not the minimiser's length."""
        return _FromAnyStart()


class _FromAnyStart(RecurrentCellAnalysis):
    """Bounds for the recurrent cell from any start, of which there are few."""

    def convergence_bound(self, case: Case) -> Array:
        """Return the contraction if the cell stays at the minimiser; it rarely does."""
        step, n = _constants(case), int(case.k.max(initial=0)) + 1
        bound = _powers(step.in_y, n)
        if step.deviation > 0.0:
            bound = np.where(np.arange(n) == 0, 1.0, np.inf)
        return _at_k(case, bound)

    def sensitivity(self, case: Case) -> Supremum:
        """Return inf: the start adds to the iterates, whatever the gradient there."""
        found = super().sensitivity(case)
        return found._replace(certified=np.where(case.k == 0, 0.0, np.inf))


@analysis_of.register
def _(algorithm: RecurrentCell) -> Analysis:
    return RecurrentCellAnalysis()


def _with_samples(case: Case, attained: Array, bound: Array) -> Supremum:
    return _bounded(case, attained, _at_k(case, bound))


def _bounded(case: Case, attained: Array, certified: Array) -> Supremum:
    # What exceeds a proven bound is rounding: the samples are quotients of small differences.
    return Supremum(np.minimum(attained, certified), certified, np.full(case.k.shape, np.nan))


def _at_k(case: Case, bound: Array) -> Array:
    return np.where(np.isnan(bound), np.inf, bound * _ROUNDING)[case.k]


def _weights(case: Case) -> dict[str, Array]:
    weights = case.phi
    if not isinstance(weights, Mapping):
        weights = case.algorithm.initial_weights(4, case.mu, case.L)
    return {name: torch.as_tensor(value).numpy() for name, value in weights.items()}


def _hidden(weights: Mapping[str, Array]) -> list[Array]:
    """Return the layers between the first and V, in their order."""
    return [weights[f"W{layer}"] for layer in range(2, len(weights) - 1)]


def _constants(case: Case) -> _Constants:
    held = tuple((name, value.shape, value.tobytes()) for name, value in _weights(case).items())
    return _constants_of(held, case.mu, case.L)


@lru_cache(maxsize=16)
@on_one_thread
def _constants_of(
    held: tuple[tuple[str, tuple[int, ...], bytes], ...], mu: float, L: float
) -> _Constants:
    """Return the constants of weights, once: every property and every k asks for them."""
    weights = {name: np.frombuffer(content).reshape(shape) for name, shape, content in held}
    state, gradient, V = weights["W1_state"], weights["W1_gradient"], weights["V"]
    identity = np.eye(len(state))
    # A layer that is the identity does nothing to outputs that are not negative.
    hidden = [value for value in _hidden(weights) if not np.array_equal(value, identity)]
    if hidden:
        gain = math.prod([_norm(V), *map(_norm, hidden)])
        return _Constants(
            in_y=gain * _largest_norm(state, gradient, mu, L),
            in_gradient=gain * _norm(gradient),
            deviation=1.0 + gain * _norm(state),
        )
    # |W z| has a row for each pair of units, and only for those with an output.
    folded, rows = _fold_pairs(V, state, gradient)
    bent = 0.5 * _norm(folded)

    def halves(straight: Array, through_units: float) -> float:
        return 0.5 * _norm(straight) + bent * through_units

    straight = 0.5 * _largest_norm(_product(V, state), _product(V, gradient), mu, L)
    bent_in_y = bent * _largest_norm(state[rows], gradient[rows], mu, L)
    gain = _norm(V)
    return _Constants(
        in_y=min(gain * _largest_norm(state, gradient, mu, L), straight + bent_in_y),
        in_gradient=min(
            gain * _norm(gradient), halves(_product(V, gradient), _norm(gradient[rows]))
        ),
        deviation=min(
            1.0 + gain * _norm(state),
            halves(_product(V, state) - 2.0 * np.eye(len(V)), _norm(state[rows])),
        ),
    )


def _fold_pairs(V: Array, state: Array, gradient: Array) -> tuple[Array, list[int]]:
    """Add up the outputs of units whose inputs are each other's negative.

    Returns outputs of shape (d, n_kept), and which units are kept: the first of each pair and the
    single ones, without those that put nothing out.
    """
    inputs = np.concatenate([state, gradient], axis=1) + 0.0  # -0.0 becomes 0.0
    partners: dict[bytes, int] = {}
    outputs: dict[int, Array] = {}
    for unit, row in enumerate(inputs):
        first = partners.pop((-row + 0.0).tobytes(), None)
        if first is None:
            partners[row.tobytes()] = unit
            outputs[unit] = V[:, unit]
        else:
            outputs[first] = outputs[first] + V[:, unit]
    kept = [unit for unit, column in outputs.items() if np.any(column)]
    columns = [outputs[unit] for unit in kept]
    return (np.stack(columns, axis=1) if kept else np.zeros((len(V), 0))), kept


def _largest_norm(A: Array, B: Array, mu: float, L: float) -> float:
    """Bound the norm of A + B Q over all Q in S(mu, L), a ball about a multiple of I."""
    return _norm(A + 0.5 * (mu + L) * B) + 0.5 * (L - mu) * _norm(B)


# torch's products and norms, because numpy's threads cannot be limited for one caller.


def _norm(matrix: Array) -> float:
    return float(torch.linalg.matrix_norm(_tensor(matrix), ord=2)) if matrix.size else 0.0


def _product(A: Array, B: Array) -> Array:
    product: Array = (_tensor(A) @ _tensor(B)).numpy()
    return product


def _tensor(matrix: Array) -> torch.Tensor:
    return torch.from_numpy(np.array(matrix))


@_growing()
def _powers(base: float, n: int) -> Array:
    """Return base ** k for k = 0, ..., n - 1."""
    powers: Array = base ** np.arange(n)
    return powers


def _sum_of_powers(base: float, n: int) -> Array:
    """Return the sums of base ** i over i < k, for k = 0, ..., n - 1."""
    with _growing():
        return np.concatenate([[0.0], np.cumsum(_powers(base, n - 1))])


@_growing()
def _in_b(step: _Constants, n: int) -> Array:
    return step.in_gradient * _sum_of_powers(step.in_y, n)


@_growing()
def _in_Q(step: _Constants, n: int) -> Array:
    # An iterate is no longer than S_b, since the output is 0 for b = 0.
    return _accumulate(step.in_y, step.in_gradient * _in_b(step, n))


@_growing()
def _in_Q_per_start(step: _Constants, L: float, n: int) -> Array:
    away = 1.0 + step.deviation * _sum_of_powers(step.in_y, n)
    lengths = np.fmin(away, _powers(step.in_y, n) + L * _in_b(step, n))
    return _accumulate(step.in_y, step.in_gradient * lengths)


@_growing()
def _accumulate(c: float, additions: Array) -> Array:
    """Return D_0 = 0, D_{j+1} = c D_j + additions_j."""
    totals = np.zeros(len(additions))
    for j, addition in enumerate(additions[:-1]):
        totals[j + 1] = c * totals[j] + addition
    return totals


@on_one_thread
@_growing()
def _in_weights(case: Case, n: int) -> Array:
    step, weights = _constants(case), _weights(case)
    y = _in_b(step, n)
    gradient = case.L * y + 1.0
    hidden = _hidden(weights)
    signals = [_norm(weights["W1_state"]) * y + _norm(weights["W1_gradient"]) * gradient]
    for matrix in hidden:
        signals.append(_norm(matrix) * signals[-1])
    squares = signals[-1] ** 2  # V
    gain = _norm(weights["V"])
    for matrix, signal in zip(reversed(hidden), reversed(signals[:-1]), strict=True):
        squares = squares + (gain * signal) ** 2
        gain *= _norm(matrix)
    squares = squares + gain**2 * (y**2 + gradient**2)
    return _accumulate(step.in_y, np.sqrt(squares))
