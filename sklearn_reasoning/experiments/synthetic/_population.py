"""The synthetic population in the eigenbasis of each row's Q*, where the problem decouples."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.special import softmax

from sklearn_reasoning.datasets import make_quadratic_reasoning
from sklearn_reasoning.experiments._protocol import Protocol

_Array = np.ndarray[Any, Any]


@dataclass(frozen=True, eq=False)
class TrueSpectrum:
    """The eigenvalues [L, mu + (L - mu) softmax(net(x)), mu] of Q*.

    The weights are pairs of a matrix of shape (n_out, n_in) and a bias, with ReLU between them.
    """

    weights: tuple[tuple[_Array, _Array], ...]
    mu: float
    L: float

    def __call__(self, x: _Array) -> _Array:
        """Return the eigenvalues of each row, of shape (n, d)."""
        values = x
        for i, (matrix, bias) in enumerate(self.weights):
            values = (values if i == 0 else np.maximum(values, 0.0)) @ matrix.T + bias
        inner = softmax(values, axis=1)
        end = np.ones((len(x), 1))
        return np.hstack([self.L * end, self.mu + (self.L - self.mu) * inner, self.mu * end])


@dataclass(frozen=True, eq=False)
class Population:
    """Rows X = [x | R'b] with labels y = R'y: the rotation R is given, so nothing is lost.

    ``noisy`` has the noise of training labels, y has none. ``rotations`` of shape (n, d, d) are R,
    whose columns are the eigenvectors. ``folds`` are training and held-out rows of each repetition.
    """

    X: _Array
    y: _Array
    noisy: _Array
    spectrum: TrueSpectrum
    rotations: _Array
    folds: list[tuple[_Array, _Array]]


def draw_population(protocol: Protocol) -> Population:
    """Draw the population and the training rows of each repetition.

    A ValueError if the file of ``protocol.true_energy`` does not hold weights of the right shapes.
    """
    p = protocol
    _, _, problem = make_quadratic_reasoning(
        n_features=p.n_features,
        n_outputs=p.n_outputs,
        mu=p.mu,
        L=p.L,
        n_samples=p.n_samples,
        population_size=p.population_size,
        return_problem=True,
        random_state=p.seed,
    )
    m, d = p.n_features, p.n_outputs
    x, b, R = problem.X[:, :m], problem.X[:, m : m + d], problem.X[:, m + d :].reshape(-1, d, d)
    weights = tuple((W.T, np.zeros(W.shape[1])) for W in problem.weights)
    spectrum = TrueSpectrum(weights if p.true_energy is None else _released(p), p.mu, p.L)
    decoupled = np.einsum("nji,nj->ni", R, b)
    y = -decoupled / spectrum(x)
    rng = np.random.RandomState(p.seed + 1)
    folds = []
    for _ in range(p.repetitions):
        rows = rng.permutation(p.population_size)
        held_out = np.arange(p.population_size)
        if p.held_out == "disjoint":
            held_out = np.sort(rows[p.n_samples :])
        folds.append((rows[: p.n_samples], held_out))
    noisy = y + p.noise * rng.standard_normal(y.shape)
    return Population(np.hstack([x, decoupled]), y, noisy, spectrum, R, folds)


def check_true_energy(protocol: Protocol) -> None:
    """Raise a ValueError if the file of ``true_energy`` does not hold weights of the shapes."""
    if protocol.true_energy is not None:
        _released(protocol)


def _released(protocol: Protocol) -> tuple[tuple[_Array, _Array], ...]:
    """Return the weights in a file as the paper's authors released theirs."""
    path, m, d = str(protocol.true_energy), protocol.n_features, protocol.n_outputs
    names = [f"layers_w.{i}.{kind}" for i in (0, 1) for kind in ("weight", "bias")]
    try:
        with np.load(path) as file:
            weights = {name: file[name].astype(np.float64) for name in names if name in file}
    # numpy has many errors for what is no such file, that of its zip files among them.
    except Exception as error:
        raise ValueError(f"true_energy={path!r} cannot be read as an .npz file: {error}") from error
    if missing := [name for name in names if name not in weights]:
        raise ValueError(f"true_energy={path!r} lacks {missing}.")
    W1, b1, W2, b2 = (weights[name] for name in names)
    if W1.shape[1:] != (m,) or W2.shape != (d - 2, len(W1)):
        raise ValueError(
            f"true_energy={path!r} holds matrices of shapes {W1.shape} and {W2.shape}; "
            f"n_features={m} and n_outputs={d} need (h, {m}) and ({d - 2}, h)."
        )
    return (W1, b1), (W2, b2)
