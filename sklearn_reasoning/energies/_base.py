"""What every energy offers to the layer."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import ClassVar

import numpy as np
import torch
from torch import Tensor


class Energy(ABC):
    r"""A batch of differentiable energies E(y), one for each of n samples.

    A subclass writes :meth:`value` and :meth:`zeros`; the gradient then comes from autograd, and
    every algorithm that needs no more than gradient steps can minimise the energy.

    Attributes
    ----------
    provides : frozenset of str
        What algorithms may ask of it: "gradient"; "product" (products with a Q that is the same
        at every point, the gradient being Q y + b); "minimizer"; "resolvent" (implicit steps);
        "spectrum" (``eigenvalues``, ``to_eigenbasis`` and ``from_eigenbasis`` are there).

    Notes
    -----
    The energy :math:`E_\theta(x, \cdot)` of the paper's Eq. 1, for given x. An algorithm says
    what it ``needs``, an energy what it ``provides``; the layer compares the two before any work.

    Examples
    --------
    >>> import torch
    >>> class Soft(Energy):
    ...     def __init__(self, b):
    ...         self.b = b
    ...
    ...     def value(self, y):
    ...         return (0.5 * y.square() + torch.nn.functional.softplus(y) + self.b * y).sum(dim=-1)
    ...
    ...     def zeros(self):
    ...         return torch.zeros_like(self.b)
    >>> energy = Soft(torch.tensor([[1.0, -0.5]]))
    >>> energy.value(energy.zeros())
    tensor([1.3863])
    >>> energy.gradient(energy.zeros())
    tensor([[1.5000, 0.0000]])
    """

    provides: ClassVar[frozenset[str]] = frozenset({"gradient"})

    @abstractmethod
    def value(self, y: Tensor) -> Tensor:
        """Return the energy of each row of y.

        Parameters
        ----------
        y : Tensor of shape (..., n, d)
            A point for each sample.

        Returns
        -------
        Tensor of shape (..., n)
            The energies.
        """

    @abstractmethod
    def zeros(self) -> Tensor:
        """Return the point 0, from which shape, dtype and device of y are told.

        Returns
        -------
        Tensor of shape (..., n, d)
            Zeros, a row for each sample.
        """

    def gradient(self, y: Tensor) -> Tensor:
        """Return the gradient at y; here by automatic differentiation of :meth:`value`.

        Parameters
        ----------
        y : Tensor of shape (..., n, d)
            A point for each sample.

        Returns
        -------
        Tensor of shape (..., n, d)
            The gradients, themselves differentiable where gradients are recorded.
        """
        # Unlike autograd.grad it leaves no graph where nothing is learned, in inference mode too.
        slope: Tensor = torch.func.grad(lambda point: self.value(point).sum())(y)
        return slope


class QuadraticEnergy(Energy):
    r"""A batch of energies :math:`E(y) = \tfrac12 y'Qy + b'y`, Q symmetric positive definite.

    The energy of the paper's Sec. 2, whose minimiser is Eq. 4. A subclass knows how to apply Q
    and how to solve for the minimiser. Q is measured in curvature (energy per squared unit of
    y), b in energy per unit of y.

    Attributes
    ----------
    b : Tensor of shape (..., n, d)
        The linear terms.

    Examples
    --------
    >>> import torch
    >>> class Scaled(QuadraticEnergy):
    ...     b = torch.ones(1, 2)
    ...
    ...     def product(self, y):
    ...         return 2.0 * y
    ...
    ...     def minimizer(self):
    ...         return -self.b / 2.0
    >>> energy = Scaled()
    >>> energy.product(torch.ones(1, 2))
    tensor([[2., 2.]])
    >>> energy.value(energy.minimizer())
    tensor([-0.5000])
    >>> energy.gradient(energy.zeros())
    tensor([[1., 1.]])
    """

    provides = Energy.provides | {"product", "minimizer", "resolvent"}
    b: Tensor

    @abstractmethod
    def product(self, y: Tensor) -> Tensor:
        """Return Q y.

        Parameters
        ----------
        y : Tensor of shape (..., n, d)
            A point for each sample.

        Returns
        -------
        Tensor of shape (..., n, d)
            The products, in the dtype of the energy.
        """

    @abstractmethod
    def minimizer(self) -> Tensor:
        """Return the exact minimiser :math:`-Q^{-1} b` (Eq. 4).

        Returns
        -------
        Tensor of shape (..., n, d)
            In the units of y.
        """

    def gradient(self, y: Tensor) -> Tensor:
        """Return Q y + b.

        Parameters
        ----------
        y : Tensor of shape (..., n, d)
            A point for each sample.

        Returns
        -------
        Tensor of shape (..., n, d)
            The gradients.
        """
        return self.product(y) + self.b

    def zeros(self) -> Tensor:
        """Return the point 0, of the shape of b."""
        return torch.zeros_like(self.b)

    def value(self, y: Tensor) -> Tensor:
        r"""Return the energy of each row of y.

        Parameters
        ----------
        y : Tensor of shape (..., n, d)
            A point for each sample.

        Returns
        -------
        Tensor of shape (..., n)
            The energies :math:`\tfrac12 y'Qy + b'y`.
        """
        return torch.sum(y * (0.5 * self.product(y) + self.b), dim=-1)

    def resolvent(self, v: Tensor, step: Tensor | float) -> Tensor:
        r"""Return the implicit gradient step from v; here from d products and a linear solve.

        .. math:: \mathrm{argmin}_y \; E(y) + \tfrac{1}{2\phi} \|y - v\|^2
            = (I + \phi Q)^{-1} (v - \phi b)

        Parameters
        ----------
        v : Tensor of shape (..., n, d)
            The points to start from.
        step : Tensor or float
            The step size :math:`\phi`, in 1/curvature, which broadcasts against v: the same for all
            outputs of a sample.

        Returns
        -------
        Tensor of shape (..., n, d)
            The next points.

        Examples
        --------
        >>> import torch
        >>> from sklearn_reasoning.energies import DenseQuadratic
        >>> energy = DenseQuadratic(torch.tensor([[[1.0, 1.0], [1.0, 3.0]]]), torch.ones(1, 2))
        >>> v = energy.resolvent(torch.zeros(1, 2), 1.0)
        >>> v, -energy.gradient(v)
        (tensor([[-0.4286, -0.1429]]), tensor([[-0.4286, -0.1429]]))
        """
        right = (v - step * self.b).unsqueeze(-1)
        return torch.linalg.solve(self._implicit_matrix(step), right).squeeze(-1)

    def _implicit_matrix(self, step: Tensor | float) -> Tensor:
        r"""Return :math:`I + \phi Q`, of shape (..., n, d, d)."""
        Q = self._matrix()
        size = step.unsqueeze(-1) if isinstance(step, Tensor) and step.ndim else step
        return torch.eye(Q.shape[-1], dtype=Q.dtype, device=Q.device) + size * Q

    def _matrix(self) -> Tensor:
        """Return Q, of shape (..., n, d, d)."""
        d = self.b.shape[-1]
        basis = torch.eye(d, dtype=self.b.dtype, device=self.b.device)
        return torch.stack([self.product(unit.expand_as(self.b)) for unit in basis], dim=-1)


class KnownSpectrum(QuadraticEnergy):
    r"""An energy whose Q comes as R diag(eigenvalues) R'.

    Attributes
    ----------
    eigenvalues : Tensor of shape (..., n, d)
        The eigenvalues of Q, positive.

    Notes
    -----
    Started at 0, a polynomial method ends at :math:`-R \, q_k(\Lambda) R' b`: with the spectrum
    at hand, k steps cost one function of each eigenvalue.

    Examples
    --------
    >>> import torch
    >>> from sklearn_reasoning.energies import DiagonalQuadratic
    >>> energy = DiagonalQuadratic(torch.tensor([[0.5, 2.0]]), torch.ones(1, 2))
    >>> "spectrum" in energy.provides
    True
    >>> energy.matrix()
    tensor([[[0.5000, 0.0000],
             [0.0000, 2.0000]]])
    >>> energy.apply(lambda t: 1.0 / t)
    tensor([[2.0000, 0.5000]])
    >>> energy.from_eigenbasis(energy.to_eigenbasis(energy.b))
    tensor([[1., 1.]])
    """

    provides = QuadraticEnergy.provides | {"spectrum"}
    eigenvalues: Tensor

    @abstractmethod
    def to_eigenbasis(self, v: Tensor) -> Tensor:
        """Return R' v.

        Parameters
        ----------
        v : Tensor of shape (..., n, d)
            Vectors in the coordinates of y.

        Returns
        -------
        Tensor of shape (..., n, d)
            Their coordinates in the eigenbasis.
        """

    @abstractmethod
    def from_eigenbasis(self, u: Tensor) -> Tensor:
        """Return R u.

        Parameters
        ----------
        u : Tensor of shape (..., n, d)
            Coordinates in the eigenbasis.

        Returns
        -------
        Tensor of shape (..., n, d)
            The vectors in the coordinates of y.
        """

    @abstractmethod
    def matrix(self) -> Tensor:
        """Return Q itself.

        Returns
        -------
        Tensor of shape (..., n, d, d)
            Symmetric positive definite matrices, one for each sample.
        """

    def apply(self, function: Callable[[Tensor], Tensor]) -> Tensor:
        """Return a function of the eigenvalues.

        Parameters
        ----------
        function : callable
            Elementwise: maps a tensor to one of its shape.

        Returns
        -------
        Tensor of shape (..., n, d)
            Its values at the eigenvalues.
        """
        return function(self.eigenvalues)

    def zeros(self) -> Tensor:
        """Return the point 0; one row of b may stand for all rows of eigenvalues."""
        shape = np.broadcast_shapes(self.b.shape, self.eigenvalues.shape)
        return torch.zeros_like(self.b).expand(shape)

    def product(self, y: Tensor) -> Tensor:
        """Return R diag(eigenvalues) R' y."""
        return self.from_eigenbasis(self.eigenvalues * self.to_eigenbasis(y))

    def minimizer(self) -> Tensor:
        r"""Return :math:`-R \,\mathrm{diag}(1/\lambda) R' b`."""
        return self.from_eigenbasis(-self.to_eigenbasis(self.b) / self.eigenvalues)

    def resolvent(self, v: Tensor, step: Tensor | float) -> Tensor:
        r"""Return :math:`R \,\mathrm{diag}(1 / (1 + \phi\lambda)) R' (v - \phi b)`."""
        turned = self.to_eigenbasis(v - step * self.b)
        return self.from_eigenbasis(turned / (1.0 + step * self.eigenvalues))


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


def broadcasts_to(shape: tuple[int, ...], target: tuple[int, ...]) -> bool:
    """Tell whether a shape broadcasts to another one, which stays as it is."""
    pairs = zip(reversed(shape), reversed(target), strict=False)
    return len(shape) <= len(target) and all(m in (1, n) for m, n in pairs)


def broadcast(*shapes: tuple[int, ...]) -> bool:
    """Tell whether the shapes broadcast against each other."""
    if all(shape == shapes[0] for shape in shapes):
        return True
    try:
        np.broadcast_shapes(*shapes)  # torch's imports half of the compiler the first time
    except ValueError:
        return False
    return True
