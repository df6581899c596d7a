"""The contract of energies."""

import math

import torch
from torch import Tensor

from sklearn_reasoning.energies import KnownSpectrum, QuadraticEnergy

from ._compare import close, normal, require


def check_energy(energy: QuadraticEnergy, rtol: float | None = None) -> None:
    """Check that an energy is what algorithms and the layer take it for.

    Parameters
    ----------
    energy : QuadraticEnergy
        Any energies with linear terms b of shape (..., n, d).
    rtol : float or None, default=None
        Largest difference, relative to the largest entry compared; None is the square root of
        the dtype's precision. Ill-conditioned energies may need more.

    Raises
    ------
    AssertionError
        If Q is not linear, symmetric and positive, if the gradient is not the derivative of
        the value or does not vanish at the minimiser, or if the eigenbasis is none.

    Examples
    --------
    >>> import torch
    >>> from sklearn_reasoning.energies import DenseQuadratic, OperatorQuadratic
    >>> check_energy(DenseQuadratic(torch.tensor([[[2.0, 1.0], [1.0, 2.0]]]), torch.ones(1, 2)))
    >>> check_energy(OperatorQuadratic(lambda y: y.cumsum(-1), torch.ones(1, 2)))
    Traceback (most recent call last):
    ...
    AssertionError: OperatorQuadratic: Q is not symmetric, u'Qv is not v'Qu: ...
    """
    minimizer = energy.minimizer().detach()
    rtol = math.sqrt(torch.finfo(minimizer.dtype).eps) if rtol is None else rtol

    def same(actual: Tensor, expected: Tensor, message: str) -> None:
        close(actual, expected, rtol, energy, message)

    u, v = (normal(seed, *minimizer.shape).to(minimizer) for seed in (0, 1))
    Qu, Qv = energy.product(u).detach(), energy.product(v).detach()
    require(
        Qu.shape == u.shape and Qu.dtype == u.dtype,
        energy,
        f"product makes {tuple(Qu.shape)}, {Qu.dtype} of {tuple(u.shape)}, {u.dtype}.",
    )
    same(energy.product(2.0 * u - 3.0 * v).detach(), 2.0 * Qu - 3.0 * Qv, "Q is not linear")
    same((u * Qv).sum(-1), (v * Qu).sum(-1), "Q is not symmetric, u'Qv is not v'Qu")
    require(bool(((u * Qu).sum(-1) > 0).all()), energy, "Q is not positive definite.")
    point = u.clone().requires_grad_()
    with torch.enable_grad():
        (slope,) = torch.autograd.grad(energy.value(point).sum(), point)
    same(energy.gradient(u).detach(), slope, "the gradient is not the derivative of the value")
    b = energy.b.detach().expand_as(u)
    same(energy.gradient(minimizer).detach() + b, b, "the gradient at the minimizer is not 0")
    if isinstance(energy, KnownSpectrum):
        for there, back in (
            (energy.to_eigenbasis, energy.from_eigenbasis),
            (energy.from_eigenbasis, energy.to_eigenbasis),
        ):
            same(back(there(u)).detach(), u, "to_ and from_eigenbasis are not inverse")
            same(there(u).detach().norm(dim=-1), u.norm(dim=-1), "the eigenbasis is no rotation")
        scaled = energy.eigenvalues * energy.to_eigenbasis(u)
        same(energy.from_eigenbasis(scaled).detach(), Qu, "product is not R diag(eigenvalues) R'")
