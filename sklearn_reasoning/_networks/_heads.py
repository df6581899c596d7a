"""From the outputs of a network to the parameters of an energy.

Networks here give features times rows, with the rows innermost: reductions over the short
feature axis are then sums of long contiguous rows.
"""

from collections.abc import Callable

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


# With their pullbacks, which write the gradient of the logits where they are told to.
Pullback = Callable[[Tensor, Tensor], None]


def free_with_pullback(logits: Tensor, mu: float, L: float, out: Tensor) -> Pullback:
    """Write :func:`free_spectrum` into ``out``."""
    share = torch.sigmoid(logits)
    torch.mul(share, L - mu, out=out).add_(mu)

    def pull(spectrum_: Tensor, logits_: Tensor) -> None:
        slope = torch.addcmul(share, share, share, value=-1.0)
        torch.mul(slope, spectrum_, out=logits_).mul_(L - mu)

    return pull


def inner_with_pullback(logits: Tensor, mu: float, L: float, out: Tensor) -> Pullback:
    """Write :func:`inner_spectrum` into ``out``."""
    share = torch.softmax(logits, dim=-2)
    torch.mul(share, L - mu, out=out).add_(mu)

    def pull(spectrum_: Tensor, logits_: Tensor) -> None:
        weighted = share * spectrum_
        total = weighted.sum(dim=-2, keepdim=True)
        torch.addcmul(weighted, share, total, value=-1.0, out=logits_).mul_(L - mu)

    return pull


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


def cayley_with_pullback(upper: Tensor, d: int) -> tuple[Tensor, Callable[[Tensor], Tensor]]:
    """Return :func:`cayley` and what pulls a gradient back through it."""
    rotation = cayley(upper, d)

    def pull(rotation_: Tensor) -> Tensor:
        # dR = (I - A)^-1 dA (I + R), and I + R = 2 (I - A)^-1.
        half = rotation + torch.eye(d, dtype=upper.dtype, device=upper.device)
        skew_ = torch.matmul(half.mT, torch.matmul(rotation_, half.mT))
        rows, columns = torch.triu_indices(d, d, offset=1, device=upper.device)
        return (0.5 * (skew_ - skew_.mT)).flatten(-2).index_select(-1, rows * d + columns)

    return rotation, pull
