"""The gradient of a quadratic energy, the only thing an algorithm sees of it."""

from collections.abc import Callable

from torch import Tensor


class QuadraticGradient:
    r"""The gradient :math:`\nabla E(y) = Q y + b` of a quadratic energy.

    Parameters
    ----------
    product : callable
        Maps y of shape (..., n, d) to Q y of the same shape.
    b : Tensor or float
        The linear term, of a shape that broadcasts against y.

    Notes
    -----
    It is all that an algorithm sees of an energy: ``product`` is there for methods that need
    products with Q alone, as conjugate gradients do.

    Examples
    --------
    >>> import torch
    >>> gradient = QuadraticGradient(lambda y: 2.0 * y, torch.tensor([[1.0, -1.0]]))
    >>> gradient(torch.ones(1, 2))
    tensor([[3., 1.]])
    """

    __slots__ = ("b", "product")

    def __init__(self, product: Callable[[Tensor], Tensor], b: Tensor | float) -> None:
        self.product = product
        self.b = b

    def __call__(self, y: Tensor) -> Tensor:
        """Return Q y + b, of the shape of y."""
        return self.product(y) + self.b
