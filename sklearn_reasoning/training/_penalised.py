"""The penalty and the energies of models, where they count y in their units from 0."""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence

from torch import Tensor

from sklearn_reasoning.energies import DiagonalQuadratic, KnownSpectrum, SpectralQuadratic
from sklearn_reasoning.penalties import Penalty, Pullback


class OfModels(Penalty):
    """A penalty of outputs of shape (n_models, n, d), in the units of the models.

    Points and gradients keep the rows innermost in memory, on which the last digits of products
    depend. Units are powers of two: each model gets the same bits as alone.

    Parameters
    ----------
    penalty : Penalty
        In the units of y.
    units : sequence of float
        Of each model.
    like : Tensor
        What it will be applied to.
    """

    def __init__(self, penalty: Penalty, units: Sequence[float], like: Tensor) -> None:
        self.is_set = penalty.is_set
        penalty = _detached(penalty)
        self.unit: Tensor | None = None
        if len(set(units)) == 1:
            penalty = penalty.in_units(units[0])
        else:
            self.unit = like.new_tensor(units).reshape(-1, 1, 1)
        self.penalty = penalty.to(like)

    def value(self, y: Tensor) -> Tensor:
        if self.unit is None:
            return self.penalty.value(y)
        return self.penalty.value(self.unit * y) / self.unit.squeeze(-1) ** 2

    def prox(self, v: Tensor, step: Tensor | float) -> Tensor:
        return self._in_old_unit(lambda y: self.penalty.prox(y, step), v)

    def _prox_with_pullback(self, v: Tensor, step: Tensor | float) -> tuple[Tensor, Pullback]:
        unit = self.unit
        if unit is None:
            y, pull = self.penalty._prox_with_pullback(v, step)
            return rows_innermost(y), lambda y_: _of_rows_innermost(*pull(y_))
        y, pull = self.penalty._prox_with_pullback(unit * v, step)

        def pull_in_unit(y_: Tensor) -> tuple[Tensor, Tensor | None]:
            v_, step_ = pull(y_ / unit)
            return _of_rows_innermost(unit * v_, step_)

        return rows_innermost(y / unit), pull_in_unit

    def project(self, y: Tensor) -> Tensor:
        return self._in_old_unit(self.penalty.project, y)

    def _in_old_unit(self, function: Callable[[Tensor], Tensor], v: Tensor) -> Tensor:
        y = function(v) if self.unit is None else function(self.unit * v) / self.unit
        if y.mT.is_contiguous():
            return y
        if v.requires_grad:
            v.register_hook(rows_innermost)
        return rows_innermost(y)


def _detached(penalty: Penalty) -> Penalty:
    """Return a penalty whose tensors are constants: a model learns no options."""
    constant = copy.copy(penalty)
    for name, value in vars(penalty).items():
        if isinstance(value, Tensor):
            setattr(constant, name, value.detach())
        elif isinstance(value, Penalty):
            setattr(constant, name, _detached(value))
    return constant


def projected_with_pullback(
    penalty: Penalty, offset: Tensor, y: Tensor
) -> tuple[Tensor, Callable[[Tensor], Tensor]]:
    """Return the projections of points counted from an offset, and what pulls gradients back.

    Points are (n_models, n, d), the offset is (n_models, d); both results are in the points' dtype.
    Where the penalty is no set, they are the points.
    """
    if not penalty.is_set:
        return y, lambda y_: y_
    offset = offset.unsqueeze(1)
    inside, pull = penalty._prox_with_pullback(rows_innermost(y + offset), 1.0)
    return (inside - offset).to(y.dtype), lambda inside_: pull(inside_.to(inside))[0].to(y.dtype)


def _of_rows_innermost(v_: Tensor, step_: Tensor | None) -> tuple[Tensor, Tensor | None]:
    return rows_innermost(v_), step_


def rows_innermost(y: Tensor) -> Tensor:
    """Return a tensor of shape (n_models, n, d) that lies in memory as features times rows."""
    turned = y.mT
    return y if turned.is_contiguous() else turned.contiguous().mT


def counted_from_zero(energy: KnownSpectrum, offset: Tensor) -> KnownSpectrum:
    """Return energies of y, of shape (n_models, n, d), where those given are of y less an offset.

    They are float64: float32 has no digits for an offset that is large against the spread.
    """
    eigenvalues, b = energy.eigenvalues.double(), energy.b.double()
    if not isinstance(energy, SpectralQuadratic):
        return DiagonalQuadratic(eigenvalues, b - eigenvalues * offset.unsqueeze(1))
    moved = SpectralQuadratic(eigenvalues, energy.rotation.double(), b)
    moved.b = b - moved.product(rows_innermost(offset.unsqueeze(1).expand(b.shape)))
    return moved
