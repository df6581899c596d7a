"""Energies whose Q is diagonal: the outputs do not interact."""

import numpy as np
from torch import Tensor

from ._base import KnownSpectrum, check_batch


class DiagonalQuadratic(KnownSpectrum):
    r"""Energies :math:`\tfrac12 \sum_i \lambda_i y_i^2 + b'y`.

    Parameters
    ----------
    diagonal : Tensor of shape (n, d)
        The diagonals of Q, positive. Further leading axes are allowed.
    b : Tensor of shape (n, d)
        The linear terms.

    Raises
    ------
    ValueError
        If the shapes do not broadcast against each other.

    Examples
    --------
    >>> import torch
    >>> DiagonalQuadratic(torch.tensor([[0.5, 1.0]]), torch.tensor([[1.0, -1.0]])).minimizer()
    tensor([[-2.,  1.]])
    """

    def __init__(self, diagonal: Tensor, b: Tensor) -> None:
        self.eigenvalues = check_batch("diagonal", diagonal)
        self.b = check_batch("b", b)
        if diagonal.shape == b.shape:
            return
        try:
            np.broadcast_shapes(diagonal.shape, b.shape)
        except ValueError as error:
            raise ValueError(
                f"diagonal of shape {tuple(diagonal.shape)} does not go with b of shape "
                f"{tuple(b.shape)}; both are (n, d)."
            ) from error

    def to_eigenbasis(self, v: Tensor) -> Tensor:
        """Return v: the basis is the eigenbasis."""
        return v

    def from_eigenbasis(self, u: Tensor) -> Tensor:
        """Return u: the basis is the eigenbasis."""
        return u
