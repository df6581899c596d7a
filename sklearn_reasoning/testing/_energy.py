"""The contract of energies."""

import math
from typing import Any

import torch
from torch import Tensor

from sklearn_reasoning.energies import Energy

from ._compare import close, normal, require


def check_energy(energy: Energy, rtol: float | None = None) -> None:
    """Check that an energy is what algorithms and the layer take it for.

    Parameters
    ----------
    energy : Energy
        Any batch of energies.
    rtol : float or None, default=None
        Largest difference, relative to the largest entry compared; None is the square root of
        the dtype's precision. Ill-conditioned energies may need more.

    Raises
    ------
    AssertionError
        If the gradient is not the derivative of the value; of an energy that provides them: if Q
        is not linear, symmetric and positive, the gradient is not Q y + b or does not vanish at
        the minimiser, the resolvent is no implicit step, or the eigenbasis is none.

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
    zeros = energy.zeros().detach()
    rtol = math.sqrt(torch.finfo(zeros.dtype).eps) if rtol is None else rtol
    require(not bool(zeros.any()), energy, "zeros() are not 0.")
    require("gradient" in energy.provides, energy, "provides must name 'gradient'.")
    if "product" in energy.provides:  # first: of a Q that is not symmetric no gradient is right
        _check_product(energy, rtol)
    _check_gradient(energy, rtol)
    if "minimizer" in energy.provides:
        minimizer = energy.minimizer().detach()  # type: ignore[attr-defined]
        slope, first = energy.gradient(minimizer).detach(), energy.gradient(zeros).detach()
        close(slope + first, first, rtol, energy, "the gradient at the minimizer is not 0")
    if "resolvent" in energy.provides:
        _check_resolvent(energy, rtol)
    if "spectrum" in energy.provides:
        _check_spectrum(energy, rtol)


def _point(energy: Energy, seed: int) -> Tensor:
    zeros = energy.zeros().detach()
    return normal(seed, *zeros.shape).to(zeros)


def _check_gradient(energy: Energy, rtol: float) -> None:
    u = _point(energy, 0)
    values = energy.value(u).detach()
    require(
        values.shape == u.shape[:-1] and values.dtype == u.dtype,
        energy,
        f"value makes {tuple(values.shape)}, {values.dtype} of {tuple(u.shape)}, {u.dtype}; it is "
        "a number for each row.",
    )
    gradient = energy.gradient(u).detach()
    require(
        gradient.shape == u.shape and gradient.dtype == u.dtype,
        energy,
        f"gradient makes {tuple(gradient.shape)}, {gradient.dtype} of {tuple(u.shape)}, {u.dtype}.",
    )
    point = u.clone().requires_grad_()
    with torch.enable_grad():
        (slope,) = torch.autograd.grad(energy.value(point).sum(), point)
    close(gradient, slope, rtol, energy, "the gradient is not the derivative of the value")
    # Rows are samples of their own: an energy that mixes them has no minimiser for each.
    moved = torch.where(torch.arange(u.shape[-2]).unsqueeze(-1) == 0, u + 1.0, u)
    close(
        energy.gradient(moved).detach()[..., 1:, :],
        gradient[..., 1:, :],
        rtol,
        energy,
        "the gradient of a row moves with another row",
    )


def _check_product(energy: Energy, rtol: float) -> None:
    u, v = _point(energy, 0), _point(energy, 1)

    def product(x: Tensor) -> Tensor:
        found: Tensor = energy.product(x).detach()  # type: ignore[attr-defined]
        return found

    Qu, Qv = product(u), product(v)
    require(
        Qu.shape == u.shape and Qu.dtype == u.dtype,
        energy,
        f"product makes {tuple(Qu.shape)}, {Qu.dtype} of {tuple(u.shape)}, {u.dtype}.",
    )
    close(product(2.0 * u - 3.0 * v), 2.0 * Qu - 3.0 * Qv, rtol, energy, "Q is not linear")
    close(
        (u * Qv).sum(-1),
        (v * Qu).sum(-1),
        rtol,
        energy,
        "Q is not symmetric, u'Qv is not v'Qu",
    )
    require(bool(((u * Qu).sum(-1) > 0).all()), energy, "Q is not positive definite.")
    difference = (energy.gradient(u) - energy.gradient(v)).detach()
    close(difference, Qu - Qv, rtol, energy, "the gradient is not Q y + b")


def _check_resolvent(energy: Energy, rtol: float) -> None:
    v = _point(energy, 0)
    for step in (0.3, 2.0):
        x = energy.resolvent(v, step).detach()  # type: ignore[attr-defined]
        back = x + step * energy.gradient(x).detach()
        close(back, v, rtol, energy, "resolvent is not the implicit gradient step")


def _check_spectrum(energy: Energy, rtol: float) -> None:
    known: Any = energy
    u = _point(energy, 0)
    for there, back in (
        (known.to_eigenbasis, known.from_eigenbasis),
        (known.from_eigenbasis, known.to_eigenbasis),
    ):
        turned = there(u).detach()
        close(back(turned).detach(), u, rtol, energy, "to_ and from_eigenbasis are not inverse")
        close(turned.norm(dim=-1), u.norm(dim=-1), rtol, energy, "the eigenbasis is no rotation")
    scaled = known.eigenvalues * known.to_eigenbasis(u)
    close(
        known.from_eigenbasis(scaled).detach(),
        known.product(u).detach(),
        rtol,
        energy,
        "product is not R diag(eigenvalues) R'",
    )
