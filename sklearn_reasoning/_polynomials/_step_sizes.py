"""Step sizes: one, or one for each iteration."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from torch import Tensor


@dataclass(frozen=True)
class PerIteration:
    r"""Step sizes that differ from one iteration to the next.

    Parameters
    ----------
    sizes : tuple of Tensor or float
        The step size of each iteration, in 1/curvature as L is a curvature; each broadcasts
        against y.

    Notes
    -----
    With sizes :math:`\phi_1, \ldots, \phi_k` the residual polynomial of gradient descent is
    :math:`\prod_i (1 - \phi_i t)`: any polynomial with real zeros can be learned.

    Examples
    --------
    >>> from sklearn_reasoning.algorithms import GradientDescent, PerIteration
    >>> sizes = PerIteration((1.0, 2.0))
    >>> len(sizes), sizes[1]
    (2, 2.0)
    >>> float(GradientDescent().residual(0.5, 2, sizes, 0.1, 1.0))
    0.0
    """

    sizes: tuple[Tensor | float, ...]

    def __getitem__(self, iteration: int) -> Tensor | float:
        """Return the step size of one iteration, counted from 0."""
        return self.sizes[iteration]

    def __len__(self) -> int:
        """Return the number of iterations that there are step sizes for."""
        return len(self.sizes)


Phi = Any  # a step size (float or Tensor), PerIteration, a mapping of weights, or None
