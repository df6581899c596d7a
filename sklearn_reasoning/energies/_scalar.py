"""The scalar energies on which polynomials are read off a recurrence."""

import torch
from torch import Tensor

from ._base import QuadraticEnergy


class ScalarQuadratic(QuadraticEnergy):
    r"""Energies :math:`\tfrac12 t y^2 + b y` of numbers y, one for each point t, with the same b.

    With b = -1, from 0, k steps of a polynomial method give :math:`q_k(t)`; with b = 0, from 1,
    they give :math:`r_k(t)`.
    """

    def __init__(self, t: Tensor, b: float) -> None:
        self.t = t
        self.b = b  # type: ignore[assignment]  # a float broadcasts as well, and costs less

    def product(self, y: Tensor) -> Tensor:
        """Return t y."""
        return self.t * y

    def minimizer(self) -> Tensor:
        """Return -b / t."""
        return -self.b / self.t

    def resolvent(self, v: Tensor, step: Tensor | float) -> Tensor:
        """Return (v - step b) / (1 + step t)."""
        return (v - step * self.b) / (1.0 + step * self.t)

    def zeros(self) -> Tensor:
        """Return zeros of the shape of t."""
        return torch.zeros_like(self.t)
