"""Gradient steps that go on in the direction of the last move, as a form that methods share."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from torch import Tensor


@dataclass(frozen=True)
class Momentum:
    r"""What tells apart the methods of one form.

    .. math::
        y_{i+1} = prox_{\phi g}(z_i - \phi \nabla E(x_i)), \quad
        z_{i+1} = y_{i+1} + \beta_i (y_{i+1} - y_i), \quad z_0 = y_0 .

    Parameters
    ----------
    factor : Tensor, callable or None
        :math:`\beta`, of a shape that broadcasts against y, where it is the same for all i; or what
        maps i to :math:`\beta_i`, which then does not depend on :math:`\phi`. None is 0.
    looks_ahead : bool
        Whether the gradient is taken at :math:`x_i = z_i`, as Nesterov does, or at :math:`y_i`.
    """

    factor: Tensor | Callable[[int], float] | None = None
    looks_ahead: bool = True

    def after(self, i: int) -> Tensor | float:
        r"""Return :math:`\beta_i`, of a method that has momentum."""
        if isinstance(self.factor, Tensor):
            return self.factor
        assert self.factor is not None
        return self.factor(i)
