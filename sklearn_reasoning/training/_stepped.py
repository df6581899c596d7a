r"""Proximal steps with momentum, one after another, and then their adjoints, last one first.

.. math::
    y_{i+1} = prox_{\phi g}(z_i - \phi (Q x_i + b)), \quad
    z_{i+1} = y_{i+1} + \beta_i (y_{i+1} - y_i)

with :math:`x_i` either :math:`z_i` or :math:`y_i`. A name with ``_`` is the gradient of that name.
Vectors are features times rows, so that models of a stack get the bits of single ones; for the same
reason gradients are added up step after step, and the zeros of models with fewer steps come first.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor

from sklearn_reasoning._polynomials import StepCounts
from sklearn_reasoning.algorithms import Algorithm
from sklearn_reasoning.penalties import Pullback

from ._curvature import Curvature, Gradients

Prox = Callable[[Tensor], tuple[Tensor, Pullback]]


class _Step(NamedTuple):
    turned: Tensor  # R' x
    moved: Tensor  # -phi Lambda R' x
    pull_prox: Pullback
    move: Tensor | None  # y_i - y_{i-1}, of a method with momentum


def stepped_with_pullback(
    algorithm: Algorithm,
    Q: Curvature,
    b: Tensor,
    start: Tensor,
    prox: Prox,
    k: int | StepCounts,
    phi: Tensor,
    mu: float,
) -> tuple[Tensor, Callable[[Tensor], Gradients]]:
    """Return y_k of a method whose steps are of this form, and what pulls gradients back.

    Parameters
    ----------
    algorithm : Algorithm
        Which has a ``_momentum``.
    Q : Curvature
    b, start : Tensor of shape (n_models, d, n)
    prox : callable
        Maps points of that shape to their proximal points, and to what pulls a gradient back to
        the points and to phi.
    k : int or StepCounts
        Number of steps, of all models or of each.
    phi : Tensor of shape (n_models, 1, 1)
        Step sizes, in 1/curvature.
    mu : float
        The lower bound of the curvature, from which methods take their momentum.

    Returns
    -------
    y : Tensor of shape (n_models, d, n)
    pull : callable
        Maps the gradient of y to those of all that it depends on.
    """
    size = phi.detach().requires_grad_()
    with torch.enable_grad():
        momentum = algorithm._momentum(size, mu)
    assert momentum is not None
    has_momentum, ahead = momentum.factor is not None, momentum.looks_ahead
    scaled, constant = -phi * Q.eigenvalues, -phi * b

    taken, y, y_before, found = list[_Step](), start, start, start
    for i in range(k if isinstance(k, int) else k.largest):
        z, move = y, None
        if has_momentum and i > 0:
            move = y - y_before
            z = y + momentum.after(i - 1) * move
        turned = Q.into(z if ahead else y)
        moved = scaled * turned
        y_before = y
        y, pull_prox = prox(Q.onto(z + constant, moved))
        found = y if isinstance(k, int) else torch.where(k.k > i, y, found)
        taken.append(_Step(turned, moved, pull_prox, move))

    def pull(found_: Tensor) -> Gradients:
        last = len(taken)
        v_sum, curved, along = (torch.zeros_like(start) for _ in range(3))
        phi_ = torch.zeros_like(phi)
        # Of an orthogonal R the gradient can be put together in the eigenbasis: v_ is R R' v_.
        rotation = Q.rotation if Q.turns else None
        spin = None if rotation is None else torch.zeros_like(rotation)
        y_, kept_, projected_ = _of_those_that_end(last, k, found_), None, found_
        for i in reversed(range(last)):
            turned, moved, pull_prox, move = taken[i]
            v_, step_ = pull_prox(y_)
            if not isinstance(k, int):
                projected_ = torch.where(k.k == i + 1, v_, projected_)
            elif i + 1 == last:
                projected_ = v_
            turned_ = Q.into(v_)
            moved_ = scaled * turned_
            v_sum.add_(v_)
            curved.addcmul_(turned, turned_)
            if spin is not None:
                spin.baddbmm_(turned_, moved.mT).baddbmm_(turned, moved_.mT)
            if step_ is not None:
                phi_ += step_
            y_ = Q.onto(v_, moved_)
            z_ = y_ if ahead else v_
            if kept_ is not None:
                y_ = y_ - kept_
            kept_ = None
            if move is not None:
                along.addcmul_(z_, move)
                kept_ = momentum.after(i - 1) * z_
                y_ = y_ + kept_
            if not isinstance(k, int):
                y_ = y_ + _of_those_that_end(i, k, found_)
        phi_ -= torch.addcmul(Q.eigenvalues * curved, b, v_sum).sum_to_size(phi.shape)
        if last > 1 and isinstance(momentum.factor, Tensor):
            factor_ = along.sum_to_size(momentum.factor.shape)
            phi_ += torch.autograd.grad(momentum.factor, size, factor_)[0]
        rotation_ = None if rotation is None or spin is None else torch.matmul(rotation, spin)
        return Gradients(-phi * curved, rotation_, -phi * v_sum, y_, phi_, projected_)

    return found, pull


def _of_those_that_end(i: int, k: int | StepCounts, found_: Tensor) -> Tensor:
    """Return the gradients of the models that take i steps, and zeros for the others."""
    return found_ if isinstance(k, int) else torch.where(k.k == i, found_, 0.0)
