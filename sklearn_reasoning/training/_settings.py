"""What the models of a stack share, what they may differ in, and what they are trained on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from sklearn_reasoning.algorithms import Algorithm
from sklearn_reasoning.layer import resolve_step_size
from sklearn_reasoning.penalties import Penalty


@dataclass(frozen=True)
class Architecture:
    """The shapes and the code path of a model: what all models of a stack share.

    Parameters
    ----------
    n_features : int
        Columns of x.
    n_outputs : int
        Columns d of y.
    algorithm : Algorithm
    mu, L : float
        Bounds of the spectrum.
    q_hidden : tuple of int or None
        Hidden sizes of the network that predicts Q; None for a constant Q.
    b_hidden : tuple of int or None
        Hidden sizes of the network that predicts b; None where b is given, and not corrected.
    spectrum : {"anchored", "free"}
    rotation : {"identity", "shared", "predicted", "given"}
    start : {"zero", "mean", "learned", "predicted"}
        Where the steps begin: at 0, at the mean of y, at a learned vector, or where a network of
        the sizes ``start_hidden`` says.
    start_hidden : tuple of int
        Hidden sizes of that network.
    initial_weights : {"small", "glorot"}
        How the matrices of the networks are drawn.
    corrects : bool
        Whether that network corrects a b that is given.
    penalty : Penalty or None
        The set that outputs lie in, or the term that is added to the energy, in the units of y.
    project : {"each_step", "last_step"}
        Whether the penalty is in every step, or a set is projected onto once, after the last.
    """

    n_features: int
    n_outputs: int
    algorithm: Algorithm
    mu: float
    L: float
    q_hidden: tuple[int, ...] | None
    b_hidden: tuple[int, ...] | None
    spectrum: str
    rotation: str
    start: str
    start_hidden: tuple[int, ...] = ()
    initial_weights: str = "small"
    corrects: bool = False
    penalty: Penalty | None = None
    project: str = "each_step"

    @property
    def is_centred(self) -> bool:
        """Whether the models predict y less its mean, which a given b has no place for."""
        return not self.b_given

    @property
    def b_given(self) -> bool:
        """Whether b is given, corrected or not."""
        return self.b_hidden is None or self.corrects

    @property
    def predicts_b(self) -> bool:
        """Whether a network predicts b, or a part of it."""
        return self.b_hidden is not None

    @property
    def starts_at_origin(self) -> bool:
        """Whether the steps begin at 0, counted from where the targets are."""
        return self.start == ("mean" if self.is_centred else "zero")

    @property
    def obeys_in_steps(self) -> bool:
        """Whether the penalty is in every step."""
        return self.penalty is not None and self.project == "each_step"

    @property
    def obeys_at_end(self) -> bool:
        """Whether free steps are taken, and their last iterate is projected."""
        return self.penalty is not None and self.project == "last_step"

    @property
    def n_limits(self) -> int:
        """The number of columns of X from which the penalty takes numbers."""
        return 0 if self.penalty is None else len(self.penalty.columns())


@dataclass(frozen=True)
class ModelSettings:
    """What one model of a stack has for itself.

    Parameters
    ----------
    k : int
        Number of steps.
    step_size : tuple of float
        Initial step sizes: none, one, or one for each of the k iterations.
    step_size_range : (float, float)
        The range that they are kept in.
    learn_step_size : bool
    loss : {"l2", "squared"}
    optimizer : {"adam", "sgd"}
    lr : float
    weight_decay : float or None
        None is the decay that the targets call for.
    lr_schedule : {"constant", "cosine", "one_cycle"}
    max_epochs : int
    batch_size : int
        Largest number of rows in a step.
    keep : {"best", "last"}
    patience : int or None
        Epochs without improvement of the validation loss after which training stops; None
        for no early stopping.
    tol : float
        Relative improvement that counts.
    seed : int
        Seed of the initial weights and of the order of the rows.
    max_steps : int or None, default=None
        Number of steps of the optimiser over which the rate falls from one to the next; None where
        it falls from epoch to epoch.
    """

    k: int
    step_size: tuple[float, ...]
    step_size_range: tuple[float, float]
    learn_step_size: bool
    loss: str
    optimizer: str
    lr: float
    weight_decay: float | None
    lr_schedule: str
    max_epochs: int
    batch_size: int
    keep: str
    patience: int | None
    tol: float
    seed: int
    max_steps: int | None = None


class Given(NamedTuple):
    """What a model predicts from, row by row.

    Parameters
    ----------
    x : ndarray of shape (n, n_features)
    b : ndarray of shape (n, d) or None
        The linear terms, where they are given.
    rotation : ndarray of shape (n, d, d) or None
        The eigenvectors, where they are given.
    limits : ndarray of shape (n, n_limits) or None
        What the penalty takes from columns of X, in the units of y.
    """

    x: np.ndarray[Any, Any]
    b: np.ndarray[Any, Any] | None = None
    rotation: np.ndarray[Any, Any] | None = None
    limits: np.ndarray[Any, Any] | None = None

    def take(self, indices: Any) -> Given:
        """Return some of the rows."""
        b, rotation, limits = (None if part is None else part[indices] for part in self[1:])
        return Given(self.x[indices], b, rotation, limits)


@dataclass(frozen=True)
class Rows:
    """The rows that one model is trained or validated on.

    Parameters
    ----------
    x : ndarray of shape (n, n_features)
    y : ndarray of shape (n, d)
    weight : ndarray of shape (n,)
        Sample weights; only their ratios count.
    b : ndarray of shape (n, d) or None
        The linear terms, where they are given.
    rotation : ndarray of shape (n, d, d) or None
        The eigenvectors, where they are given.
    limits : ndarray of shape (n, n_limits) or None
        What the penalty takes from columns of X, in the units of y.
    """

    x: np.ndarray[Any, Any]
    y: np.ndarray[Any, Any]
    weight: np.ndarray[Any, Any]
    b: np.ndarray[Any, Any] | None = None
    rotation: np.ndarray[Any, Any] | None = None
    limits: np.ndarray[Any, Any] | None = None

    @property
    def given(self) -> Given:
        """What a model predicts from."""
        return Given(self.x, self.b, self.rotation, self.limits)

    def take(self, indices: np.ndarray[Any, Any]) -> Rows:
        """Return some of the rows."""
        x, b, rotation, limits = self.given.take(indices)
        return Rows(x, self.y[indices], self.weight[indices], b, rotation, limits)

    def in_eigenbasis(self) -> Rows:
        """Return the same problem in the eigenbasis of each row's Q, where it decouples."""
        assert self.b is not None
        assert self.rotation is not None
        y, b = (np.einsum("nji,nj->ni", self.rotation, v) for v in (self.y, self.b))
        return Rows(self.x, y, self.weight, b)


def first_step_sizes(
    algorithm: Algorithm,
    step_size: float | None,
    step_size_range: str | Sequence[float],
    mu: float,
    L: float,
) -> tuple[tuple[float, ...], tuple[float, float]]:
    """Return ``step_size`` and ``step_size_range`` of settings; no sizes where there are none.

    Parameters and errors are those of :func:`~sklearn_reasoning.layer.resolve_step_size`.
    """
    resolved = resolve_step_size(algorithm, step_size, step_size_range, mu, L)
    if resolved is None:
        return (), (1.0, 1.0)
    initial, low, high = resolved
    return (initial,), (low, high)
