"""Energies with a diagonal Q whose outer eigenvalues are those of every row."""

from collections.abc import Callable
from functools import cached_property

import torch
from torch import Tensor

from ._diagonal import DiagonalQuadratic


class AnchoredQuadratic(DiagonalQuadratic):
    r"""Energies with :math:`Q = \operatorname{diag}(L, \lambda_2, \ldots, \lambda_{d-1}, \mu)`.

    Functions of Q are evaluated at L and mu once, and not for every row. ``inner``, the eigenvalues
    between the ends, has shape (..., n, d - 2); ``ends`` has L and mu in each of its rows,
    (..., n_copies, 2), with leading axes that broadcast; b has shape (..., n, d).
    """

    def __init__(self, inner: Tensor, ends: Tensor, b: Tensor) -> None:
        self._inner, self._ends, self.b = inner, ends, b

    @cached_property
    def eigenvalues(self) -> Tensor:  # type: ignore[override]
        """L, the inner ones and mu, of shape (..., n, d)."""
        return self._joined(self._inner, self._ends)

    def apply(self, function: Callable[[Tensor], Tensor]) -> Tensor:
        """Return an elementwise function of the eigenvalues, of shape (..., n, d)."""
        return self._joined(function(self._inner), function(self._ends))

    @staticmethod
    def _joined(inner: Tensor, ends: Tensor) -> Tensor:
        # Joined as features times rows, which is how stacks keep them in memory.
        inner = inner.mT
        first, last = (
            ends.mT[..., :1].expand(*inner.shape[:-2], 2, inner.shape[-1]).split(1, dim=-2)
        )
        return torch.cat([first, inner, last], dim=-2).mT
