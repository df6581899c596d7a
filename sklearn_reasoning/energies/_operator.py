"""Energies known only through products with Q."""

from collections.abc import Callable

import torch
from torch import Tensor

from ._base import QuadraticEnergy, check_batch


class OperatorQuadratic(QuadraticEnergy):
    r"""Energies :math:`\tfrac12 y'Qy + b'y` with Q given by its products.

    Parameters
    ----------
    matvec : callable
        Maps y of shape (n, d) to the products Q y, of the same shape. It must be linear,
        symmetric and positive definite row by row, and differentiable in whatever is trained;
        :func:`~sklearn_reasoning.testing.check_energy` tells whether it is.
    b : Tensor of shape (n, d)
        The linear terms. Further leading axes are allowed.

    Raises
    ------
    TypeError
        If ``matvec`` is not callable, or ``b`` is no floating point tensor.
    ValueError
        If ``b`` has fewer than two axes.

    Notes
    -----
    The layer unrolls k steps, k products, which autograd keeps. The exact minimiser takes d
    products and a linear solve, "admm" d products and an inverse for all of its steps.

    Examples
    --------
    >>> import torch
    >>> def second_difference(y):
    ...     padded = torch.nn.functional.pad(y, (1, 1))
    ...     return 2.5 * y - padded[:, :-2] - padded[:, 2:]
    >>> OperatorQuadratic(second_difference, -torch.ones(1, 3)).minimizer()
    tensor([[0.8235, 1.0588, 0.8235]])
    """

    def __init__(self, matvec: Callable[[Tensor], Tensor], b: Tensor) -> None:
        if not callable(matvec):
            raise TypeError(f"matvec must be callable, got {type(matvec).__name__}.")
        self.matvec = matvec
        self.b = check_batch("b", b)

    def product(self, y: Tensor) -> Tensor:
        """Return Q y."""
        return self.matvec(y)

    def minimizer(self) -> Tensor:
        r"""Return :math:`-Q^{-1} b`: d products give Q, a linear solve the rest."""
        return -torch.linalg.solve(self._matrix(), self.b.unsqueeze(-1)).squeeze(-1)
