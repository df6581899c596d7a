r"""Steps of a method with momentum for energies that share one matrix, on a product of sets.

.. math::
    y_{i+1} = P(z_i - \phi (G x_i + b)), \quad z_{i+1} = y_{i+1} + \beta_i (y_{i+1} - y_i)

with :math:`x_i` either :math:`z_i` or :math:`y_i`. As in :mod:`._cell_sets` outputs are cells times
classes times rows. G couples cells, alike for all classes, or all outputs with one another: it has
as many rows as the one or the other. A name with ``_`` is the gradient of that name.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import cycle, repeat
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from sklearn_reasoning.algorithms import Algorithm

from ._cell_sets import CellSet


class CoupledSteps:
    """A method with momentum, for one step size.

    Parameters
    ----------
    algorithm : Algorithm
        With a momentum.
    phi : float
        Step size, in 1/curvature.
    mu : float
        Lower bound of the curvature.
    cells : CellSet
        The set.
    """

    def __init__(self, algorithm: Algorithm, phi: float, mu: float, cells: CellSet) -> None:
        momentum = algorithm._momentum(torch.tensor(phi, dtype=torch.float64), mu)
        assert momentum is not None
        self.momentum, self.phi, self.cells = momentum, phi, cells

    def after(self, i: int) -> float:
        """Return the momentum after step i."""
        return 0.0 if self.momentum.factor is None else float(self.momentum.after(i))

    def last(self, G: Tensor, b: Tensor, start: Tensor, k: int) -> Tensor:
        """Return y_k, with gradients of first order to G and b.

        Parameters
        ----------
        G : Tensor of shape (m, m)
            Symmetric; m is n_cells, or n_cells times n_classes.
        b : Tensor of shape (n_cells, n_classes, n)
        start : Tensor of shape (n_cells, n_classes, n)
            Inside the set, a constant.
        k : int
        """
        apply: Any = _Last.apply
        y: Tensor = apply(G, b, start, self, k)
        return y

    def iterates(self, G: Tensor, b: Tensor, start: Tensor) -> Iterator[Tensor]:
        """Yield y_1, y_2, ... without end and without gradients.

        Two buffers take turns: an iterate is overwritten by the one after the next.
        """
        ys = cycle([start.clone(), torch.empty_like(start)])
        return self.written(G, b, ys, repeat(start.clone()))

    def written(
        self, G: Tensor, b: Tensor, ys: Iterable[Tensor], zs: Iterable[Tensor]
    ) -> Iterator[Tensor]:
        """Yield y_1, y_2, ..., each written into the next of ``ys``, of which the first is y_0.

        Of ``zs`` the first is z_0. When y_{i+1} is yielded, z_i is in its place; all may share one.
        """
        places = zip(ys, zs, strict=False)
        y, z = next(places)
        matrix, v = (len(G), -1), torch.empty_like(y)
        pushed = torch.mul(b, -self.phi).reshape(matrix)
        project = self.cells.projector(y)
        for i, (new, beyond) in enumerate(places):
            x = z if self.momentum.looks_ahead else y
            torch.addmm(pushed, G, x.view(matrix), alpha=-self.phi, out=v.view(matrix))
            v.add_(z)
            project(v, new)
            yield new
            torch.sub(new, y, out=beyond)
            beyond.mul_(self.after(i)).add_(new)
            y, z = new, beyond


class _Last(torch.autograd.Function):
    """The last iterate, and its adjoint: steps back, last one first."""

    @staticmethod
    def forward(
        ctx: Any, G: Tensor, b: Tensor, start: Tensor, steps: CoupledSteps, k: int
    ) -> Tensor:
        ys = torch.empty(k + 1, *start.shape, dtype=b.dtype, device=b.device)
        # Gradients of G need the points where gradients were taken.
        ahead = steps.momentum.looks_ahead
        zs = torch.empty_like(ys) if ahead else torch.empty_like(ys[0]).expand_as(ys)
        ys[0], zs[0] = start, start
        for _ in steps.written(G, b, ys, zs):
            pass
        ctx.saved = G, ys, zs if ahead else ys, steps
        return ys[k].clone() if k == 0 else ys[k]

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor | None, ...]:
        G, ys, zs, steps = ctx.saved
        (last_,) = grads
        matrix = (len(G), -1)
        y_, before_ = last_.clone(), torch.zeros_like(last_)
        G_, b_ = torch.zeros_like(G), torch.zeros_like(last_)
        x_ = torch.empty_like(last_)
        for i in reversed(range(len(ys) - 1)):
            v_ = y_
            steps.cells.pull_back_(v_, ys[i + 1])
            b_.add_(v_)
            flat = v_.view(matrix)
            G_.addmm_(flat, zs[i].view(matrix).T, alpha=-steps.phi)
            torch.mm(G.T, flat, out=x_.view(matrix)).mul_(-steps.phi)
            beta = steps.after(i - 1) if i else 0.0
            # z_i = y_i + beta (y_i - y_{i-1}) went into v, and into x where it looks ahead.
            z_ = v_.add_(x_) if steps.momentum.looks_ahead else v_
            y_ = torch.add(before_, z_, alpha=1.0 + beta)
            if not steps.momentum.looks_ahead:
                y_.add_(x_)
            before_ = z_.mul_(-beta)
        return G_, b_.mul_(-steps.phi), None, None, None
