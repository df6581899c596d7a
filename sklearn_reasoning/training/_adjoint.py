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

from sklearn_reasoning._networks import (
    Networks,
    cayley_with_pullback,
    free_with_pullback,
    inner_with_pullback,
)
from sklearn_reasoning.penalties import Pullback

from ._batches import Batch
from ._curvature import Curvature, Gradients
from ._filtered import filtered_with_pullback
from ._loss import StackLoss
from ._penalised import projected_with_pullback
from ._revival import handed_to_b
from ._stepped import stepped_with_pullback

if TYPE_CHECKING:
    from ._regression_model import RegressionModel

# Errors, and what pulls their gradients back to what the problem is made of.
Solution = tuple[Tensor, Callable[[Tensor], Gradients]]


class Adjoint:
    r"""The losses of a stack on a batch, and the gradients of its parameters.

    Predictions are those of free steps as a function of Q, or the projections of these, or those of
    proximal steps. The rotation of Q is the identity, given for each row, or learned; all vectors
    are features times rows.

    Parameters
    ----------
    model : RegressionModel
        Of a method with one step size or none, which predicts no rotations: of a polynomial one if
        steps are free, otherwise of one whose steps have a momentum.
    criterion : StackLoss
    """

    def __init__(self, model: RegressionModel, criterion: StackLoss) -> None:
        self._model, self._criterion = model, criterion
        self._made_for: tuple[int, int] | None = None

    @torch.no_grad()
    def step(self, batch: Batch) -> tuple[Tensor, Callable[[], Tensor]]:
        """Set the gradients of the parameters; return the losses, and what gives predictions."""
        model, a = self._model, self._model.architecture
        self._prepare(batch.x)
        padded_outputs, pull_networks = self._networks.run(batch.x)
        outputs = {name: self._networks.true(name, out) for name, out in padded_outputs.items()}
        pull_spectrum = self._spectrum(outputs["Q"])
        rotation, pull_rotation = self._rotation(batch)
        Q = Curvature(self._eigenvalues, rotation, pull_rotation is not None)
        b = model.linear_term(outputs, batch)
        start, pull_start = self._start(outputs, batch)
        solve = self._stepped if a.obeys_in_steps else self._filtered
        error, pull_solution = solve(Q, b, start, batch)
        # The loss is that of -error.
        losses, pull_loss = self._criterion.with_pullback(error, batch.weight)

        error_ = pull_loss(batch.weight)
        found = pull_solution(error_)
        if found.start is not None:
            pull_start(found.start)
        if pull_rotation is not None and found.rotation is not None:
            pull_rotation(found.rotation)
        if a.predicts_b:
            b_ = found.b
            if found.projected is not None:
                b_ = self._with_revival(b_, batch, error, error_, found.projected)
            torch.mul(b_, self._scale, out=self._outputs_["b"])
        t_ = found.eigenvalues
        pull_spectrum(t_[:, 1:-1] if a.spectrum == "anchored" else t_, self._outputs_["Q"])
        model.weights.grad = pull_networks(self._grads)
        phi_, size = found.phi, model.step_size
        if phi_ is not None and size is not None and size.requires_grad:
            size.grad = phi_.reshape(size.shape).to(size.dtype)
        return losses, lambda: (batch.y - error).mT

    def _filtered(self, Q: Curvature, b: Tensor, start: Tensor | None, batch: Batch) -> Solution:
        """Return the errors of free steps, and what pulls their gradients back."""
        model, a = self._model, self._model.architecture
        fall, pull = filtered_with_pullback(
            a.algorithm, Q, b, start, model.number_of_steps(), model.phi(b.dtype), a.mu, a.L
        )
        error, pull_end = self._at_end(
            fall + (batch.y if start is None else batch.y - start), batch
        )

        def pull_error(error_: Tensor) -> Gradients:
            moved_ = pull_end(error_)
            found = pull(moved_)
            if found.start is not None:
                found = found._replace(start=found.start - moved_)
            return found._replace(projected=-moved_) if a.obeys_at_end else found

        return error, pull_error

    def _stepped(self, Q: Curvature, b: Tensor, start: Tensor | None, batch: Batch) -> Solution:
        """Return the errors of proximal steps, and what pulls their gradients back.

        Points are in float64, as what is allowed is.
        """
        model, a = self._model, self._model.architecture
        penalty, offset = model.penalty_of(batch.limits), model.offset.unsqueeze(-1)
        phi, counts = model.phi(torch.float64), model.number_of_steps()
        assert start is not None
        assert not isinstance(counts, Tensor)

        def prox(v: Tensor) -> tuple[Tensor, Pullback]:
            y, pull = penalty._prox_with_pullback((v + offset).mT, phi)

            def pull_back(y_: Tensor) -> tuple[Tensor, Tensor | None]:
                v_, step_ = pull(y_.mT)
                return v_.mT, step_

            return y.mT - offset, pull_back

        y, pull = stepped_with_pullback(
            a.algorithm, Q.double(), b.double(), start.double(), prox, counts, phi, a.mu
        )

        def pull_error(error_: Tensor) -> Gradients:
            return pull(-error_.double()).to(b.dtype)

        return batch.y - y.to(b.dtype), pull_error

    def _spectrum(self, logits: Tensor) -> Callable[[Tensor, Tensor], None]:
        """Write the eigenvalues that are predicted, and return what pulls their gradients back."""
        a = self._model.architecture
        head = inner_with_pullback if a.spectrum == "anchored" else free_with_pullback
        return head(logits, a.mu, a.L, self._predicted)

    def _rotation(self, batch: Batch) -> tuple[Tensor | None, Callable[[Tensor], None] | None]:
        """Return the rotation, and what pulls its gradient back if it is learned."""
        model, a = self._model, self._model.architecture
        if a.rotation != "shared" or a.n_outputs == 1:
            return batch.rotation, None
        skew = self._networks.blocks["skew"]
        turn, pull_cayley = cayley_with_pullback(
            model._layout.blocks["skew"].cut(skew) * self._turns, a.n_outputs
        )

        def pull(rotation_: Tensor) -> None:
            upper_ = pull_cayley(torch.matmul(model.axes.mT, rotation_)) * self._turns
            self._grads["skew"] = _padded(upper_, skew)

        return torch.matmul(model.axes, turn), pull

    def _start(
        self, outputs: dict[str, Tensor], batch: Batch
    ) -> tuple[Tensor | None, Callable[[Tensor], None]]:
        """Return starting points, and what pulls their gradients back.

        None where the steps begin at the origin, or where they begin does not matter.
        """
        model, a = self._model, self._model.architecture
        begins_at_origin = a.starts_at_origin and a.penalty is None
        if begins_at_origin or "exact" in a.algorithm.provides:
            return None, self._pull_start
        start = model._start(outputs, self._networks.blocks, batch.x.shape[-1])
        if a.penalty is None:
            return start.mT, self._pull_start
        penalty = model.penalty_of(batch.limits)
        if a.obeys_in_steps:
            start = start.double()
        start, pull = projected_with_pullback(penalty, model.offset, start)
        if a.start not in ("predicted", "learned"):
            return start.mT, lambda start_: None
        return start.mT, lambda start_: self._pull_start(pull(start_.mT).mT.to(self._scale.dtype))

    def _at_end(self, error: Tensor, batch: Batch) -> tuple[Tensor, Callable[[Tensor], Tensor]]:
        """Return the errors of what is projected, and what pulls their gradients back."""
        model = self._model
        if not model.architecture.obeys_at_end:
            return error, lambda error_: error_
        penalty = model.penalty_of(batch.limits)
        inside, pull = projected_with_pullback(penalty, model.offset, (batch.y - error).mT)
        return batch.y - inside.mT, lambda error_: pull(error_.mT).mT

    def _with_revival(
        self, b_: Tensor, batch: Batch, error: Tensor, error_: Tensor, projected_: Tensor
    ) -> Tensor:
        """Return the gradient of b with what outputs that are cut off need to come back."""
        model, a = self._model, self._model.architecture
        penalty = model.penalty_of(batch.limits)
        handed = handed_to_b(penalty, model.offset, batch.y, error, -error_, projected_, a.L)
        return b_ if handed is None else b_ + handed

    def _pull_start(self, start_: Tensor) -> None:
        kind = self._model.architecture.start
        if kind == "predicted":
            torch.mul(start_, self._scale, out=self._outputs_["start"])
        elif kind == "learned":
            self._grads["start"] = _padded(
                start_.sum(-1) * self._model.scale, self._networks.blocks["start"]
            )

    def _prepare(self, x: Tensor) -> None:
        """Make what is the same for batches of one length, unless the weights were replaced."""
        model, n = self._model, x.shape[-1]
        weights = model.weights.detach()
        made_for = (weights.data_ptr(), n)
        if self._made_for == made_for:
            return
        self._made_for = made_for
        a = model.architecture
        self._scale, self._turns = model.scale.unsqueeze(-1), model.turns()
        self._networks = Networks(weights, n, model._layout)
        # Gradients of outputs, written anew each time but for the padding, which stays 0; in
        # what is never written they are 0 too.
        rooms = {name: room.zero_() for name, room in self._networks.empty_outputs().items()}
        self._outputs_ = {name: self._networks.true(name, room) for name, room in rooms.items()}
        self._grads = dict(rooms)
        self._eigenvalues = weights.new_full((model.n_models, a.n_outputs, n), a.mu)
        self._predicted = self._eigenvalues
        if a.spectrum == "anchored":
            self._eigenvalues[:, 0] = a.L
            self._predicted = self._eigenvalues[:, 1:-1]


def _padded(values: Tensor, like: Tensor) -> Tensor:
    return functional.pad(values, (0, like.shape[-1] - values.shape[-1]))
