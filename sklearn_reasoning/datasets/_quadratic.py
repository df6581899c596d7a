r"""The paper's synthetic problem: labels that minimise a quadratic energy.

Chen, Zhang, Reisinger and Song, "Understanding Deep Architectures with Reasoning Layer",
NeurIPS 2020, Section 7.
"""

from itertools import pairwise
from numbers import Integral, Real
from typing import Any, Literal, TypeAlias, overload

import numpy as np
from numpy.typing import NDArray
from sklearn.utils._param_validation import Interval, validate_parameter_constraints

from sklearn_reasoning._support.random_state import independent_random_state

from ._quadratic_problem import QuadraticReasoningProblem, anchored_spectrum, minimiser

_Array: TypeAlias = NDArray[np.float64]

_DEFAULT_MU = 0.1

_PARAMETER_CONSTRAINTS: dict[str, list[Any]] = {
    "n_samples": [Interval(Integral, 1, None, closed="left")],
    "n_features": [Interval(Integral, 1, None, closed="left")],
    # The anchored spectrum holds L, mu and at least one eigenvalue between them.
    "n_outputs": [Interval(Integral, 3, None, closed="left")],
    "mu": [Interval(Real, 0, None, closed="neither")],
    "L": [Interval(Real, 0, None, closed="neither")],
    "condition": [Interval(Real, 1, None, closed="left"), None],
    "hidden": [Interval(Integral, 0, None, closed="left")],
    "noise": [Interval(Real, 0, None, closed="left")],
    "population_size": [Interval(Integral, 1, None, closed="left")],
    "return_problem": ["boolean"],
    "random_state": ["random_state"],
}


@overload
def make_quadratic_reasoning(
    n_samples: int = ...,
    n_features: int = ...,
    n_outputs: int = ...,
    *,
    mu: float = ...,
    L: float = ...,
    condition: float | None = ...,
    hidden: int = ...,
    noise: float = ...,
    population_size: int = ...,
    return_problem: Literal[False] = ...,
    random_state: int | np.random.RandomState | None = ...,
) -> tuple[_Array, _Array]: ...
@overload
def make_quadratic_reasoning(
    n_samples: int = ...,
    n_features: int = ...,
    n_outputs: int = ...,
    *,
    mu: float = ...,
    L: float = ...,
    condition: float | None = ...,
    hidden: int = ...,
    noise: float = ...,
    population_size: int = ...,
    return_problem: Literal[True],
    random_state: int | np.random.RandomState | None = ...,
) -> tuple[_Array, _Array, QuadraticReasoningProblem]: ...
def make_quadratic_reasoning(
    n_samples: int = 100,
    n_features: int = 10,
    n_outputs: int = 5,
    *,
    mu: float = _DEFAULT_MU,
    L: float = 1.0,
    condition: float | None = None,
    hidden: int = 3,
    noise: float = 0.0,
    population_size: int = 10_000,
    return_problem: bool = False,
    random_state: int | np.random.RandomState | None = None,
) -> tuple[_Array, _Array] | tuple[_Array, _Array, QuadraticReasoningProblem]:
    r"""Generate the paper's synthetic problem (Section 7): labels that minimise an energy.

    A finite population of pairs (x, b), uniform in [-5, 5], each with a random rotation R, is
    labelled by

    .. math::

        y = -Q^*(x)^{-1} b, \quad Q^*(x) = R \operatorname{diag}(\lambda^*(x)) R', \quad
        \lambda^*(x) = [L, \mu + (L - \mu) \operatorname{softmax}(\operatorname{net}(x)), \mu],

    where net is a fixed random dense net with one hidden layer of ReLU units, Glorot-uniform
    weights and zero biases (Eq. 4). The training rows are drawn from the population without
    replacement; the generalisation gap is measured against the whole population.

    Parameters
    ----------
    n_samples : int, default=100
        Number of training rows, at most ``population_size``.
    n_features : int, default=10
        Number of columns of x, m.
    n_outputs : int, default=5
        Number of outputs, d; at least 3, since the spectrum holds L, mu and what is between.
    mu : float, default=0.1
        Smallest eigenvalue of every Q*.
    L : float, default=1.0
        Largest eigenvalue of every Q*.
    condition : float, default=None
        Condition number of every Q*, in place of ``mu``: mu = L / condition. Not together
        with a ``mu`` other than the default.
    hidden : int, default=3
        Number of hidden units of net; 0 makes net a linear map.
    noise : float, default=0.0
        Standard deviation of the Gaussian noise added to the training labels, in units of y. It is
        drawn last, so X, the population and the training rows of a seed are the same for every
        ``noise``.
    population_size : int, default=10000
        Number of rows of the population.
    return_problem : bool, default=False
        Whether to return the population and the true energy as well.
    random_state : int, RandomState instance or None, default=None
        Seed of Q*, the population, the choice of training rows and the noise. None is fresh
        entropy; numpy's global random state is never used. With the same int, the training rows
        of a smaller ``n_samples`` are the first rows of a larger one.

    Returns
    -------
    X : ndarray of shape (n_samples, m + d + d * d)
        Training rows ``[x | b | R row by row]``: R is ``row.reshape(d, d)`` of the last d * d
        columns, and its columns are the eigenvectors of Q*. This is what
        ``HybridReasoningRegressor(linear_term="given", rotation="given")`` reads.
    y : ndarray of shape (n_samples, d)
        Their labels.
    problem : QuadraticReasoningProblem
        The population, its labels without noise, and Q*. Only if ``return_problem``.

    Raises
    ------
    ValueError
        If a parameter is outside its domain, n_samples > population_size, mu > L, or condition is
        given with a mu other than the default.

    Examples
    --------
    >>> from sklearn_reasoning.datasets import make_quadratic_reasoning
    >>> X, y, problem = make_quadratic_reasoning(return_problem=True, random_state=0)
    >>> X.shape, y.shape, problem.X.shape
    ((100, 40), (100, 5), (10000, 40))
    >>> bool((y == problem.y[problem.train_indices]).all())
    True
    """
    parameters = dict(locals())
    validate_parameter_constraints(
        _PARAMETER_CONSTRAINTS, parameters, caller_name="make_quadratic_reasoning"
    )
    mu = _smallest_eigenvalue(mu, L, condition)
    if n_samples > population_size:
        raise ValueError(
            f"n_samples={n_samples} is larger than population_size={population_size}: training "
            "rows are drawn from the population without replacement. Raise population_size."
        )
    rng = independent_random_state(random_state)
    m, d = n_features, n_outputs

    # The order of the draws is part of the contract: training rows after the population, so that
    # n_samples leaves the population alone, and the noise last, so that it leaves all else alone.
    widths = [m, hidden, d - 2] if hidden else [m, d - 2]
    weights = tuple(_glorot_uniform(rng, n_in, n_out) for n_in, n_out in pairwise(widths))
    x = rng.uniform(-5, 5, size=(population_size, m))
    b = rng.uniform(-5, 5, size=(population_size, d))
    R = _haar_rotations(rng, population_size, d)
    train_indices = rng.permutation(population_size)[:n_samples]

    y = minimiser(anchored_spectrum(x, weights, mu, L), R, b)
    X = np.hstack([x, b, R.reshape(population_size, d * d)])
    X_train, y_train = X[train_indices], y[train_indices]
    if noise:
        y_train = y_train + noise * rng.standard_normal(y_train.shape)
    if not return_problem:
        return X_train, y_train
    problem = QuadraticReasoningProblem(
        X=X, y=y, train_indices=train_indices, mu=float(mu), L=float(L), weights=weights
    )
    return X_train, y_train, problem


def _smallest_eigenvalue(mu: float, L: float, condition: float | None) -> float:
    if condition is None:
        if mu > L:
            raise ValueError(
                f"mu={mu} is larger than L={L}; the eigenvalues lie in [mu, L]. "
                "Lower mu, raise L, or give condition."
            )
        return mu
    if mu != _DEFAULT_MU:
        raise ValueError(
            f"mu={mu} and condition={condition} both fix the smallest eigenvalue "
            f"(mu = L / condition = {L / condition}). Give one of them."
        )
    return L / condition


def _glorot_uniform(rng: np.random.RandomState, n_in: int, n_out: int) -> _Array:
    limit = np.sqrt(6.0 / (n_in + n_out))
    return rng.uniform(-limit, limit, size=(n_in, n_out))


def _haar_rotations(rng: np.random.RandomState, n: int, d: int) -> _Array:
    q, r = np.linalg.qr(rng.standard_normal((n, d, d)))
    # QR alone is not uniform: LAPACK's choice of signs depends on the matrix. With the diagonal of
    # r made positive the factor is unique, hence Haar on the orthogonal group (Mezzadri 2007).
    q *= np.where(np.diagonal(r, axis1=1, axis2=2) < 0, -1.0, 1.0)[:, None, :]
    # A reflection becomes a rotation by turning one column round, which Q* does not notice.
    q[..., 0] *= np.sign(np.linalg.det(q))[:, None]
    return q
