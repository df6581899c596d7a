"""Energies whose Q is a plain matrix."""

import torch
from torch import Tensor

from ._base import QuadraticEnergy, broadcast, check_batch


class DenseQuadratic(QuadraticEnergy):
    r"""Energies :math:`\tfrac12 y'Qy + b'y` with Q given as matrices (Eq. 4).

    Parameters
    ----------
    Q : Tensor of shape (n, d, d)
        Symmetric positive definite matrices, which is not checked. Further leading axes are
        allowed.
    b : Tensor of shape (n, d)
        The linear terms.

    Raises
    ------
    TypeError
        If ``Q`` and ``b`` are no floating point tensors of one dtype.
    ValueError
        If the shapes do not go together.

    Examples
    --------
    >>> import torch
    >>> energy = DenseQuadratic(torch.tensor([[[2.0, 1.0], [1.0, 2.0]]]), torch.ones(1, 2))
    >>> energy.minimizer()
    tensor([[-0.3333, -0.3333]])
    """

    def __init__(self, Q: Tensor, b: Tensor) -> None:
        self.Q = check_batch("Q", Q)
        self.b = check_batch("b", b, like=Q)
        d = b.shape[-1]
        if Q.ndim < 3 or Q.shape[-2:] != (d, d) or not broadcast(Q.shape[:-1], b.shape):
            raise ValueError(
                f"Q of shape {tuple(Q.shape)} does not go with b of shape {tuple(b.shape)}; "
                "they are (n, d, d) and (n, d)."
            )

    def product(self, y: Tensor) -> Tensor:
        """Return Q y."""
        # As rows, y' Q' = (Q y)': three times faster in torch than matrices times columns.
        return torch.matmul(y.unsqueeze(-2), self.Q.mT).squeeze(-2)

    def minimizer(self) -> Tensor:
        r"""Return :math:`-Q^{-1} b` from a linear solve."""
        return -torch.linalg.solve(self.Q, self.b.unsqueeze(-1)).squeeze(-1)

    def _matrix(self) -> Tensor:
        return self.Q
