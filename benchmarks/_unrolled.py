"""An algorithm as one would unroll it by hand, for the benchmarks to compare with."""

from __future__ import annotations

import torch


def unroll(algo, k, product, b, phi, mu):
    """Return k steps of "gd" or "nag" from 0, recorded by autograd.

    ``product`` maps y to Q y, sample by sample, however the caller writes that.
    """
    y = z = torch.zeros_like(b)
    root = torch.sqrt(mu * phi)
    beta = (1 - root) / (1 + root) if algo == "nag" else None
    for _ in range(k):
        y_next = z - phi * (product(z) + b)
        z = y_next if beta is None else y_next + beta * (y_next - y)
        y = y_next
    return y


def column_product(Q, y):
    """Multiply as in the equations, Q y."""
    return torch.matmul(Q, y.unsqueeze(-1)).squeeze(-1)


def row_product(Q, y):
    """Multiply from the left, y' Q: the same for a symmetric Q, and faster in torch."""
    return torch.matmul(y.unsqueeze(-2), Q).squeeze(-2)
