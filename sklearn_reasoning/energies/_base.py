"""What every energy offers to the layer."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import ClassVar

import numpy as np
import torch
from torch import Tensor

from ._gradient import QuadraticGradient


class QuadraticEnergy(ABC):
    r"""A batch of energies :math:`E(y) = \tfrac12 y'Qy + b'y`, Q symmetric positive definite.

    A subclass knows how to apply Q and, where ``has_spectrum`` is true, the
    eigenvalues of Q and how to go to its eigenbasis and back.

    Attributes
    ----------
    b : Tensor of shape (..., n, d)
        The linear terms.
    has_spectrum : bool
        Whether ``eigenvalues``, ``to_eigenbasis`` and ``from_eigenbasis`` are there.
    """

    has_spectrum: ClassVar[bool] = False
    b: Tensor

    @abstractmethod
    def product(self, y: Tensor) -> Tensor:
        """Return Q y for y of shape (..., n, d)."""

    @abstractmethod
    def minimizer(self) -> Tensor:
        r"""Return the exact minimiser :math:`-Q^{-1} b`, of shape (..., n, d)."""

    @property
    def gradient(self) -> QuadraticGradient:
        """The map y -> Q y + b."""
        return QuadraticGradient(self.product, self.b)

    def value(self, y: Tensor) -> Tensor:
        """Return the energy of each row of y, of shape (..., n)."""
        return torch.sum(y * (0.5 * self.product(y) + self.b), dim=-1)


class KnownSpectrum(QuadraticEnergy):
    """An energy whose Q comes as R diag(eigenvalues) R'.

    Attributes
    ----------
    eigenvalues : Tensor of shape (..., n, d)
    """

    has_spectrum: ClassVar[bool] = True
    eigenvalues: Tensor

    @abstractmethod
    def to_eigenbasis(self, v: Tensor) -> Tensor:
        """Return R' v."""

    @abstractmethod
    def from_eigenbasis(self, u: Tensor) -> Tensor:
        """Return R u."""

    @abstractmethod
    def matrix(self) -> Tensor:
        """Return Q itself, of shape (..., n, d, d)."""

    def apply(self, function: Callable[[Tensor], Tensor]) -> Tensor:
        """Return an elementwise function of the eigenvalues, of shape (..., n, d)."""
        return function(self.eigenvalues)

    def product(self, y: Tensor) -> Tensor:
        """Return R diag(eigenvalues) R' y."""
        return self.from_eigenbasis(self.eigenvalues * self.to_eigenbasis(y))

    def minimizer(self) -> Tensor:
        r"""Return :math:`-R \,\mathrm{diag}(1/\lambda) R' b`."""
        return self.from_eigenbasis(-self.to_eigenbasis(self.b) / self.eigenvalues)


def check_batch(name: str, tensor: Tensor, like: Tensor | None = None) -> Tensor:
    """Refuse what is not a floating point tensor of shape (..., n, d), of the dtype of like."""
    if not isinstance(tensor, Tensor):
        raise TypeError(f"{name} must be a torch.Tensor, got {type(tensor).__name__}.")
    if not tensor.is_floating_point():
        raise TypeError(f"{name} must have a floating point dtype, got {tensor.dtype}.")
    if tensor.ndim < 2:
        raise ValueError(f"{name} must have shape (n, d), got {tuple(tensor.shape)}.")
    if like is not None and tensor.dtype != like.dtype:
        raise TypeError(
            f"{name} of {tensor.dtype} does not go with {like.dtype}: an energy has one dtype."
        )
    return tensor


def broadcast(*shapes: tuple[int, ...]) -> bool:
    """Tell whether the shapes broadcast against each other."""
    if all(shape == shapes[0] for shape in shapes):
        return True
    try:
        np.broadcast_shapes(*shapes)  # torch's imports half of the compiler the first time
    except ValueError:
        return False
    return True
