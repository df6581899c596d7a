"""Energies whose Q is diagonal: the outputs do not interact."""

import torch
from torch import Tensor

from ._base import KnownSpectrum, broadcast, check_batch


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
    TypeError
        If they are no floating point tensors of one dtype.
    ValueError
        If the shapes do not broadcast against each other.

    Notes
    -----
    The paper's denoiser has such an energy: :math:`Q = \mathrm{diag}(1 + f^2)`, Sec. 7.

    Examples
    --------
    >>> import torch
    >>> DiagonalQuadratic(torch.tensor([[0.5, 1.0]]), torch.tensor([[1.0, -1.0]])).minimizer()
    tensor([[-2.,  1.]])
    """

    def __init__(self, diagonal: Tensor, b: Tensor) -> None:
        self.eigenvalues = check_batch("diagonal", diagonal)
        self.b = check_batch("b", b, like=diagonal)
        if not broadcast(diagonal.shape, b.shape):
            raise ValueError(
                f"diagonal of shape {tuple(diagonal.shape)} does not go with b of shape "
                f"{tuple(b.shape)}; both are (n, d)."
            )

    def to_eigenbasis(self, v: Tensor) -> Tensor:
        """Return v: the basis is the eigenbasis."""
        return v

    def from_eigenbasis(self, u: Tensor) -> Tensor:
        """Return u: the basis is the eigenbasis."""
        return u

    def matrix(self) -> Tensor:
        """Return Q of each sample, of shape (..., n, d, d)."""
        return torch.diag_embed(self.eigenvalues)
