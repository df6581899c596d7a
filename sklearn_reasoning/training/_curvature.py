"""Q by its eigenvalues, for vectors that lie as features times rows."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor


class Curvature(NamedTuple):
    r""":math:`Q = R \Lambda R'` of every row of every model.

    Parameters
    ----------
    eigenvalues : Tensor of shape (n_models, d, n)
    rotation : Tensor of shape (n_models, d, d) or (n_models, n, d, d), or None
        One for each model or for each row; None is the identity.
    turns : bool
        Whether the gradient of the rotation is asked for; it is then one for each model.
    """

    eigenvalues: Tensor
    rotation: Tensor | None
    turns: bool

    def into(self, v: Tensor) -> Tensor:
        """Return R' v, of shape (n_models, d, n)."""
        return v if self.rotation is None else _times(self.rotation.mT, v)

    def out_of(self, v: Tensor) -> Tensor:
        """Return R v, of shape (n_models, d, n)."""
        return v if self.rotation is None else _times(self.rotation, v)

    def onto(self, base: Tensor, v: Tensor) -> Tensor:
        """Return base + R v, of shape (n_models, d, n)."""
        if self.rotation is None or self.rotation.ndim > v.ndim:
            return base + self.out_of(v)
        return torch.baddbmm(base, self.rotation, v)

    def double(self) -> Curvature:
        """Return the same in float64."""
        rotation = None if self.rotation is None else self.rotation.double()
        return Curvature(self.eigenvalues.double(), rotation, self.turns)


class Gradients(NamedTuple):
    """The gradients of what a problem is made of, each of its shape; None for what has none.

    ``projected`` is that of the points that the last proximal step of each model projects.
    """

    eigenvalues: Tensor
    rotation: Tensor | None
    b: Tensor
    start: Tensor | None
    phi: Tensor | None
    projected: Tensor | None = None

    def to(self, dtype: torch.dtype) -> Gradients:
        """Return the same in a dtype."""
        start, phi, projected = self.start, self.phi, self.projected
        return Gradients(
            self.eigenvalues.to(dtype),
            None if self.rotation is None else self.rotation.to(dtype),
            self.b.to(dtype),
            None if start is None else start.to(dtype),
            None if phi is None else phi.to(dtype),
            None if projected is None else projected.to(dtype),
        )


def _times(rotation: Tensor, v: Tensor) -> Tensor:
    if rotation.ndim == v.ndim:
        return torch.bmm(rotation, v)  # half the time of matmul, which looks at shapes
    # As rows, v' R' = (R v)': three times faster in torch than matrices times columns.
    rows = torch.matmul(v.mT.unsqueeze(-2), rotation.mT).squeeze(-2)
    return rows.mT.contiguous()
