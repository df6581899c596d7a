"""What is signed: the losses of a model on the rows, or the errors of its representation of Q."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import Tensor

from sklearn_reasoning._networks import padded
from sklearn_reasoning.training import Architecture, Batch, RegressionModel, Rows

from ._signed_values import EnergyModel, Values, losses

Array = NDArray[Any]


@dataclass(frozen=True)
class SignedClass:
    """Draws of signs for a class of functions on n rows, w numbers a row.

    For values v of a member, from the outputs of the stack ``module``, the signed mean of a draw is
    ``(signs * v).sum() + offset``, and the mean square is ``(v * v).sum() / n + remainder``. Signs
    have the shape (n_draws, padded n, w), zero in padded rows; offsets (n_draws,).
    """

    module: type[RegressionModel]
    values: Values
    signs: Tensor
    offset: Tensor
    remainder: float


def signed_losses(n: int, unit: float, n_draws: int, rng: np.random.RandomState) -> SignedClass:
    """Return draws of one sign a row, for losses in the given unit."""
    signs = _signs(rng, (n_draws, n, 1)) * (unit / n)
    return SignedClass(
        RegressionModel, losses, _padded_rows(signs), torch.zeros(n_draws, dtype=torch.float64), 0.0
    )


def signed_energies(
    architecture: Architecture,
    rows: Rows,
    Q_true: Array,
    n_draws: int,
    rng: np.random.RandomState,
) -> SignedClass:
    """Return draws of a matrix of signs a row, of Frobenius norm 1, for Q - Q*.

    Where the eigenvectors are known only the diagonals in their basis vary with the model; what
    the rest adds goes into the offset and the remainder.
    """
    n, d = len(rows.y), architecture.n_outputs
    signs = _signs(rng, (n_draws, n, d, d)) / (n * d)
    if architecture.rotation in ("given", "identity") or d == 1:
        basis = np.eye(d)[None] if rows.rotation is None else rows.rotation
        offset = -np.einsum("snij,nij->s", signs, Q_true)
        square = (Q_true**2).sum()
        # The diagonals of R' S R and of R' Q* R.
        signs = np.einsum("nij,snik,nkj->snj", basis, signs, basis, optimize=True)
        target = np.einsum("nij,nik,nkj->nj", basis, Q_true, basis, optimize=True)
        offset = offset + np.einsum("snj,nj->s", signs, target)
        remainder = max(float(square - (target**2).sum()) / n, 0.0)
    else:
        signs = signs.reshape(n_draws, n, d * d)
        target = Q_true.reshape(n, d * d)
        offset, remainder = np.zeros(n_draws), 0.0
    expected = _padded_rows(target[None])

    def errors(prediction: Tensor, batch: Batch) -> Tensor:
        # Before it is signed; in padded rows the signs and weights are 0.
        difference: Tensor = prediction - expected
        return difference

    return SignedClass(
        EnergyModel, errors, _padded_rows(signs), torch.from_numpy(offset), remainder
    )


def check_true_energies(Q_true: ArrayLike | None, n: int, architecture: Architecture) -> Array:
    """Return Q* as an array of shape (n, d, d).

    A ValueError if it is missing, not finite, not symmetric or of another shape.
    """
    d = architecture.n_outputs
    if Q_true is None:
        raise ValueError(
            "target='Q' measures Q_theta against Q*: pass Q_true of shape (n, d, d), such as "
            "problem.energy(X)[0] of make_quadratic_reasoning(return_problem=True)."
        )
    Q = np.asarray(Q_true, dtype=np.float64)
    if Q.shape != (n, d, d):
        raise ValueError(f"Q_true has shape {Q.shape}; X and y ask for {(n, d, d)}.")
    if not np.isfinite(Q).all() or not np.allclose(Q, Q.swapaxes(1, 2)):
        raise ValueError("Q_true must hold finite symmetric matrices.")
    return Q


def _signs(rng: np.random.RandomState, shape: tuple[int, ...]) -> Array:
    return 2.0 * rng.randint(0, 2, size=shape) - 1.0


def _padded_rows(values: Array) -> Tensor:
    n = values.shape[1]
    result = np.zeros((values.shape[0], padded(n, 16), values.shape[2]))
    result[:, :n] = values
    return torch.from_numpy(result)
