"""Losses of regression models and their gradients, every operation followed by its adjoint.

Autograd finds the same gradients; recording and looking up tiny operations is most of what a step
then takes. A name with ``_`` is the gradient of that name.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import torch
from torch import Tensor
from torch.nn import functional

from sklearn_reasoning.energies._heads import (
    cayley_with_pullback,
    free_with_pullback,
    inner_with_pullback,
)

from ._batches import Batch
from ._loss import StackLoss
from ._network import Networks

if TYPE_CHECKING:
    from ._regression_model import RegressionModel


class Adjoint:
    r"""The losses of a stack on a batch, and the gradients of its parameters.

    With the start c and :math:`Q = R \Lambda R'` predictions are
    :math:`c - R\,q_k(\Lambda) R'(Qc + b)`. R is the identity, given for each row, or
    learned; all vectors are features times rows.

    Parameters
    ----------
    model : RegressionModel
        Of a polynomial algorithm with one step size or none, which predicts no rotations.
    criterion : StackLoss
    """

    def __init__(self, model: RegressionModel, criterion: StackLoss) -> None:
        self._model, self._criterion = model, criterion
        self._made_for: tuple[int, int] | None = None

    @torch.no_grad()
    def step(self, batch: Batch) -> tuple[Tensor, Callable[[], Tensor]]:
        """Set the gradients of the parameters; return the losses, and what gives predictions."""
        model, scale = self._model, self._model.scale.unsqueeze(-1)
        a, d = model.architecture, model.architecture.n_outputs
        self._prepare(batch.x)
        outputs, pull_networks = self._networks.run(batch.x)
        outputs = {name: self._networks.true(name, values) for name, values in outputs.items()}
        grads: dict[str, Tensor | None] = {}
        t, head = self._eigenvalues, free_with_pullback
        if a.spectrum == "anchored":
            head = inner_with_pullback
        pull_spectrum = head(outputs["Q"], a.mu, a.L, self._predicted)
        rotation, pull_cayley = batch.rotation, None
        if a.rotation == "shared" and d > 1:
            upper = model._layout.blocks["skew"].cut(self._networks.blocks["skew"])
            turn, pull_cayley = cayley_with_pullback(upper, d)
            rotation = torch.matmul(model.axes, turn)
        b = outputs["b"] * scale if batch.b is None else batch.b
        first, start, target = _into(rotation, b), None, batch.y
        if not a.starts_at_origin and "exact" not in a.algorithm.provides:
            start = model._start(outputs, self._networks.blocks, n=b.shape[-1]).mT
            turned = _into(rotation, start)
            first, target = torch.addcmul(first, t, turned), target - start
        phi = model.phi(b.dtype)
        k = model.number_of_steps()
        q, pull_filter = a.algorithm._filter_with_pullback(t, k, phi, a.mu, a.L)
        u = q * first
        # The loss is that of -error.
        error = _out_of(rotation, u) + target
        losses, pull_loss = self._criterion.with_pullback(error, batch.weight)

        moved_ = pull_loss(batch.weight)
        u_ = _into(rotation, moved_)
        size = model.step_size
        learns_size = size is not None and size.requires_grad
        phi_, t_ = pull_filter(u_ * first, with_phi=learns_size)
        if size is not None and phi_ is not None:
            size.grad = phi_.reshape(size.shape).to(size.dtype)
        if start is not None or pull_cayley is not None or batch.b is None:
            first_ = u_ * q
            b_ = _out_of(rotation, first_)
        if pull_cayley is not None:
            rotation_ = torch.bmm(moved_, u.mT) + torch.bmm(b, first_.mT)
        if start is not None:
            turned_ = t * first_
            t_ = torch.addcmul(t_, turned, first_)
            start_ = _out_of(rotation, turned_) - moved_
            if pull_cayley is not None:
                rotation_ += torch.bmm(start, turned_.mT)
            if a.start == "predicted":
                grads["start"] = self._rooms["start"]
                torch.mul(start_, scale, out=self._true_rooms["start"])
            elif a.start == "learned":
                grads["start"] = _padded(
                    start_.sum(-1) * model.scale, self._networks.blocks["start"]
                )
        if pull_cayley is not None:
            upper_ = pull_cayley(torch.matmul(model.axes.mT, rotation_))
            grads["skew"] = _padded(upper_, self._networks.blocks["skew"])
        if batch.b is None:
            grads["b"] = self._rooms["b"]
            torch.mul(b_, scale, out=self._true_rooms["b"])
        grads["Q"] = self._rooms["Q"]
        pull_spectrum(t_[:, 1:-1] if a.spectrum == "anchored" else t_, self._true_rooms["Q"])
        model.weights.grad = pull_networks(grads)
        return losses, lambda: (batch.y - error).mT

    def _prepare(self, x: Tensor) -> None:
        """Make what is the same for batches of one length, unless the weights were replaced."""
        model, n = self._model, x.shape[-1]
        weights = model.weights.detach()
        made_for = (weights.data_ptr(), n)
        if self._made_for == made_for:
            return
        self._made_for = made_for
        a = model.architecture
        self._networks = Networks(weights, n, model._layout)
        # Gradients of outputs: padding stays 0.
        self._rooms = {name: room.zero_() for name, room in self._networks.empty_outputs().items()}
        self._true_rooms = {
            name: self._networks.true(name, room) for name, room in self._rooms.items()
        }
        self._eigenvalues = weights.new_full((model.n_models, a.n_outputs, n), a.mu)
        self._predicted = self._eigenvalues
        if a.spectrum == "anchored":
            self._eigenvalues[:, 0] = a.L
            self._predicted = self._eigenvalues[:, 1:-1]


def _into(rotation: Tensor | None, v: Tensor) -> Tensor:
    """Return R' v."""
    return v if rotation is None else _out_of(rotation.mT, v)


def _out_of(rotation: Tensor | None, v: Tensor) -> Tensor:
    """Return R v."""
    if rotation is None:
        return v
    if rotation.ndim == v.ndim:
        return torch.matmul(rotation, v)
    # As rows, v' R' = (R v)': three times faster in torch than matrices times columns.
    rows = torch.matmul(v.mT.unsqueeze(-2), rotation.mT).squeeze(-2)
    return rows.mT.contiguous()


def _padded(values: Tensor, like: Tensor) -> Tensor:
    return functional.pad(values, (0, like.shape[-1] - values.shape[-1]))
