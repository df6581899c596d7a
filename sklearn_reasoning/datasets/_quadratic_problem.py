"""The true energy of the paper's synthetic problem, and its exact minimiser."""

from dataclasses import dataclass, field
from typing import TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.utils import check_array

_Array: TypeAlias = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class QuadraticReasoningProblem:
    r"""What :func:`make_quadratic_reasoning` drew: the population and its true energy.

    The energy of a row is :math:`\frac12 y'Q^*(x)y + b'y` with
    :math:`Q^*(x) = R \operatorname{diag}(\lambda^*(x)) R'` and
    :math:`\lambda^*(x) = [L, \mu + (L - \mu)\operatorname{softmax}(\operatorname{net}(x)), \mu]`
    (Eq. 4, Sec. 7).

    Parameters
    ----------
    X : ndarray of shape (population_size, m + d + d * d)
        The whole population, ``[x | b | R row by row]``; the columns of R are the eigenvectors.
    y : ndarray of shape (population_size, d)
        Its labels, without noise.
    train_indices : ndarray of shape (n_samples,)
        The rows of the population that are the training rows, in their order.
    mu : float
        The smallest eigenvalue of every Q*.
    L : float
        The largest eigenvalue of every Q*.
    weights : tuple of ndarrays
        The weights of net: ``(W1, W2)`` of shapes (m, hidden) and (hidden, d - 2) for
        ``relu(x @ W1) @ W2``, or ``(W,)`` of shape (m, d - 2) for the linear map of hidden=0.
        All biases are zero.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_reasoning.datasets import make_quadratic_reasoning
    >>> X, y, problem = make_quadratic_reasoning(return_problem=True, random_state=0)
    >>> Q, b = problem.energy(X)
    >>> bool(np.allclose(np.linalg.solve(Q, -b[..., None])[..., 0], y))
    True
    """

    X: _Array = field(repr=False)
    y: _Array = field(repr=False)
    train_indices: NDArray[np.intp] = field(repr=False)
    mu: float
    L: float
    weights: tuple[_Array, ...] = field(repr=False)

    @property
    def n_features(self) -> int:
        """Number of columns of x, m."""
        return int(self.weights[0].shape[0])

    @property
    def n_outputs(self) -> int:
        """Number of outputs, d."""
        return int(self.weights[-1].shape[1]) + 2

    def eigenvalues(self, x: ArrayLike) -> _Array:
        r"""Return the eigenvalues of Q*(x), in the order of the columns of R.

        Parameters
        ----------
        x : array-like of shape (n, m)
            Inputs of the neural module: the first m columns of X.

        Returns
        -------
        ndarray of shape (n, d)
            :math:`[L, \mu + (L - \mu)\operatorname{softmax}(\operatorname{net}(x)), \mu]`.

        Raises
        ------
        ValueError
            If x does not have m columns, or is not finite.

        Examples
        --------
        >>> from sklearn_reasoning.datasets import make_quadratic_reasoning
        >>> X, y, problem = make_quadratic_reasoning(return_problem=True, random_state=0)
        >>> problem.eigenvalues(X[:2, :10]).round(3)
        array([[1.   , 0.277, 0.28 , 0.642, 0.1  ],
               [1.   , 0.284, 0.274, 0.641, 0.1  ]])
        """
        inputs = self._checked(x, "x", self.n_features)
        return anchored_spectrum(inputs, self.weights, self.mu, self.L)

    def energy(self, X: ArrayLike) -> tuple[_Array, _Array]:
        """Return the coefficients of the true energy of each row.

        Parameters
        ----------
        X : array-like of shape (n, m + d + d * d)
            Rows ``[x | b | R row by row]``.

        Returns
        -------
        Q : ndarray of shape (n, d, d)
            Q*(x), symmetric positive definite with spectrum in [mu, L].
        b : ndarray of shape (n, d)
            The linear term.

        Raises
        ------
        ValueError
            If X does not have m + d + d * d columns, or is not finite.

        Examples
        --------
        >>> from sklearn_reasoning.datasets import make_quadratic_reasoning
        >>> X, y, problem = make_quadratic_reasoning(return_problem=True, random_state=0)
        >>> Q, b = problem.energy(X)
        >>> Q.shape, b.shape
        ((100, 5, 5), (100, 5))
        """
        x, b, R = self._split(X)
        return (R * self.eigenvalues(x)[:, None, :]) @ R.swapaxes(1, 2), b

    def solution(self, X: ArrayLike) -> _Array:
        """Return the minimiser of the true energy, -Q*(x)^{-1} b (Eq. 4), without noise.

        Parameters
        ----------
        X : array-like of shape (n, m + d + d * d)
            Rows ``[x | b | R row by row]``.

        Returns
        -------
        ndarray of shape (n, d)
            The labels.

        Raises
        ------
        ValueError
            If X does not have m + d + d * d columns, or is not finite.

        Examples
        --------
        >>> import numpy as np
        >>> from sklearn_reasoning.datasets import make_quadratic_reasoning
        >>> X, y, problem = make_quadratic_reasoning(return_problem=True, random_state=0)
        >>> bool(np.allclose(problem.solution(X), y))
        True
        """
        x, b, R = self._split(X)
        return minimiser(self.eigenvalues(x), R, b)

    def _split(self, X: ArrayLike) -> tuple[_Array, _Array, _Array]:
        m, d = self.n_features, self.n_outputs
        rows = self._checked(X, "X", m + d + d * d)
        return rows[:, :m], rows[:, m : m + d], rows[:, m + d :].reshape(-1, d, d)

    def _checked(self, values: ArrayLike, name: str, width: int) -> _Array:
        array: _Array = check_array(values, dtype=np.float64, input_name=name)
        if array.shape[1] != width:
            raise ValueError(
                f"{name} has {array.shape[1]} columns; this problem, with m={self.n_features} "
                f"features and d={self.n_outputs} outputs, needs {width}."
            )
        return array


def anchored_spectrum(x: _Array, weights: tuple[_Array, ...], mu: float, L: float) -> _Array:
    """[L, mu + (L - mu) softmax(net(x)), mu] of shape (n, d), for x of shape (n, m)."""
    logits = x @ weights[0]
    for weight in weights[1:]:
        logits = np.maximum(logits, 0.0) @ weight
    shares = np.exp(logits - logits.max(axis=1, keepdims=True))
    shares /= shares.sum(axis=1, keepdims=True)
    # mu + (L - mu) * share can round to just outside [mu, L], which algorithms rely on.
    between = np.clip(mu + (L - mu) * shares, mu, L)
    n = len(x)
    return np.hstack([np.full((n, 1), L), between, np.full((n, 1), mu)])


def minimiser(eigenvalues: _Array, R: _Array, b: _Array) -> _Array:
    """-R diag(1 / eigenvalues) R' b of shape (n, d)."""
    coordinates = (b[:, None, :] @ R) / eigenvalues[:, None, :]
    return -(coordinates @ R.swapaxes(1, 2))[:, 0]
