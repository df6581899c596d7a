"""Energies whose Q is built from its eigenvalues and eigenvectors."""

import torch
from torch import Tensor

from ._base import KnownSpectrum, broadcast, check_batch


class SpectralQuadratic(KnownSpectrum):
    r"""Energies with :math:`Q = R \,\mathrm{diag}(\lambda) R'`, as in the paper's study (Sec. 7).

    Parameters
    ----------
    eigenvalues : Tensor of shape (n, d)
        The eigenvalues of Q, positive. Further leading axes are allowed.
    rotation : Tensor of shape (n, d, d) or (d, d)
        Orthogonal matrices whose columns are the eigenvectors: one for each
        sample, or one that all samples share.
    b : Tensor of shape (n, d)
        The linear terms.

    Raises
    ------
    TypeError
        If they are no floating point tensors of one dtype.
    ValueError
        If the shapes do not go together.

    Examples
    --------
    >>> import torch
    >>> swap = torch.tensor([[0.0, 1.0], [1.0, 0.0]])
    >>> energy = SpectralQuadratic(torch.tensor([[0.5, 1.0]]), swap, torch.tensor([[1.0, 1.0]]))
    >>> energy.matrix()
    tensor([[[1.0000, 0.0000],
             [0.0000, 0.5000]]])
    >>> energy.minimizer()
    tensor([[-1., -2.]])
    """

    def __init__(self, eigenvalues: Tensor, rotation: Tensor, b: Tensor) -> None:
        self.eigenvalues = check_batch("eigenvalues", eigenvalues)
        self.rotation = check_batch("rotation", rotation, like=eigenvalues)
        self.b = check_batch("b", b, like=eigenvalues)
        d = eigenvalues.shape[-1]
        self._shared = rotation.ndim == eigenvalues.ndim
        frames = (*rotation.shape[:-2], 1, d) if self._shared else rotation.shape[:-1]
        if (
            b.shape[-1] != d
            or rotation.shape[-2:] != (d, d)
            or not broadcast(eigenvalues.shape, b.shape)
            or not broadcast(eigenvalues.shape, frames)
        ):
            raise ValueError(
                f"eigenvalues of shape {tuple(eigenvalues.shape)}, rotation of shape "
                f"{tuple(rotation.shape)} and b of shape {tuple(b.shape)} do not go together; "
                "they are (n, d), (n, d, d) or (d, d), and (n, d)."
            )

    def to_eigenbasis(self, v: Tensor) -> Tensor:
        """Return R' v for v of shape (..., n, d)."""
        return self._rotate(self.rotation.mT, v)

    def from_eigenbasis(self, u: Tensor) -> Tensor:
        """Return R u for u of shape (..., n, d)."""
        return self._rotate(self.rotation, u)

    def _rotate(self, rotation: Tensor, v: Tensor) -> Tensor:
        if self._shared:
            # Features times rows: stacks keep the rows innermost in memory, and this order
            # of the product keeps them there.
            return torch.matmul(rotation, v.mT).mT
        # As rows, v' R' = (R v)': three times faster in torch than matrices times columns.
        if v.ndim == 2 and rotation.shape[:-1] == v.shape:
            return torch.bmm(v.unsqueeze(-2), rotation.mT).squeeze(-2)  # fewer views to record
        return torch.matmul(v.unsqueeze(-2), rotation.mT).squeeze(-2)

    def matrix(self) -> Tensor:
        """Return Q of each sample, of shape (..., n, d, d)."""
        rotation = self.rotation.unsqueeze(-3) if self._shared else self.rotation
        return torch.matmul(rotation * self.eigenvalues.unsqueeze(-2), rotation.mT)
