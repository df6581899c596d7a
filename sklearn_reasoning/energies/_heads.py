"""From the outputs of a network to the parameters of an energy.

Networks here give features times rows, with the rows innermost: reductions over the short
feature axis are then sums of long contiguous rows.
"""

import torch
from torch import Tensor


def free_spectrum(logits: Tensor, mu: float, L: float) -> Tensor:
    """Return eigenvalues anywhere in [mu, L], of the shape of the logits, (..., d, n)."""
    return mu + (L - mu) * torch.sigmoid(logits)


def anchored_spectrum(logits: Tensor, mu: float, L: float) -> Tensor:
    """Return eigenvalues [L, mu + (L - mu) softmax, mu], the paper's (Sec. 7).

    The logits have shape (..., d - 2, n), the eigenvalues (..., d, n).
    """
    inner = inner_spectrum(logits, mu, L)
    end = inner[..., :1, :]
    return torch.cat([torch.full_like(end, L), inner, torch.full_like(end, mu)], dim=-2)


def inner_spectrum(logits: Tensor, mu: float, L: float) -> Tensor:
    """Return what :func:`anchored_spectrum` has between L and mu, in the shape of the logits."""
    return mu + (L - mu) * torch.softmax(logits, dim=-2)


def cayley(upper: Tensor, d: int) -> Tensor:
    """Return the rotation :math:`(I - A)^{-1}(I + A)` of a skew-symmetric A, of shape (..., d, d).

    ``upper`` are the d (d - 1) / 2 entries of A above its diagonal, row by row, in the last axis.
    Zeros give the identity.
    """
    rows, columns = torch.triu_indices(d, d, offset=1, device=upper.device)
    flat = upper.new_zeros(*upper.shape[:-1], d * d).index_copy(-1, rows * d + columns, upper)
    triangle = flat.unflatten(-1, (d, d))
    skew = triangle - triangle.mT
    identity = torch.eye(d, dtype=upper.dtype, device=upper.device)
    # I - A is never singular; solve's own check would raise for all models of a stack where
    # one has left the finite numbers.
    rotation, _ = torch.linalg.solve_ex(identity - skew, identity + skew)
    return rotation
