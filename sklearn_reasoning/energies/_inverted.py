"""Energies whose implicit steps of one size share an inverse."""

from __future__ import annotations

import torch
from torch import Tensor

from ._base import QuadraticEnergy


class InvertedQuadratic(QuadraticEnergy):
    r"""An energy with :math:`I + \phi Q` inverted, for many resolvents of the one size.

    ``energy`` is another one, and ``step`` the size, of which it is told by identity. The matrix is
    far better conditioned than Q, and an inverse has derivatives in all of its entries, where a
    Cholesky factor has them in symmetric moves alone.
    """

    def __init__(self, energy: QuadraticEnergy, step: Tensor | float) -> None:
        self._energy, self._step, self.b = energy, step, energy.b
        self._inverse = torch.linalg.inv(energy._implicit_matrix(step))

    def product(self, y: Tensor) -> Tensor:
        """Return Q y."""
        return self._energy.product(y)

    def minimizer(self) -> Tensor:
        """Return the minimiser of the energy."""
        return self._energy.minimizer()

    def zeros(self) -> Tensor:
        """Return the point 0."""
        return self._energy.zeros()

    def resolvent(self, v: Tensor, step: Tensor | float) -> Tensor:
        """Return the implicit step from v, by a product where the size is its own."""
        if step is not self._step:
            return self._energy.resolvent(v, step)
        row = (v - step * self.b).unsqueeze(-2)
        return torch.matmul(row, self._inverse.mT).squeeze(-2)


def for_steps_of(energy: QuadraticEnergy, step: Tensor | float) -> QuadraticEnergy:
    """Return an energy for many resolvents of one size; itself where it has its own way."""
    if type(energy).resolvent is not QuadraticEnergy.resolvent:
        return energy
    return InvertedQuadratic(energy, step)
