"""What holds of an algorithm by itself: value, region, state, and iterates that stay bounded."""

import math

import torch
from torch import Tensor

from sklearn_reasoning.algorithms import Algorithm, Problem, last_iterate
from sklearn_reasoning.energies import DiagonalQuadratic

from ._compare import check_copies, normal, require
from ._problem import MANY, MU, L, has_step_size, is_learned, middle_phi, phis_of, spectral_problem


def check_value(algorithm: Algorithm) -> None:
    name = getattr(algorithm, "name", None)
    if not isinstance(name, str) or not name:
        raise AssertionError(f"{type(algorithm).__name__}: name={name!r} must be its key, a str.")
    check_copies(algorithm)


def check_region(algorithm: Algorithm) -> None:
    for bounds in ((MU, L), (0.5, 0.5), (1e-3, 20.0)):
        low, high = algorithm.stable_region(*bounds)
        require(
            0.0 <= low <= high and not math.isnan(high),
            algorithm,
            f"stable_region{bounds} is ({low}, {high}); it must be 0 <= low <= high.",
        )
        require(
            not has_step_size(algorithm) or 0.0 < high < math.inf,
            algorithm,
            f"stable_region{bounds} ends at {high}; with has_step_size = True it must end "
            "at a positive number.",
        )


def check_state(algorithm: Algorithm) -> None:
    eigenvalues, _, b = spectral_problem(4, 3)
    phi = middle_phi(algorithm)
    for dtype in (torch.float64, torch.float32):
        energy = DiagonalQuadratic(eigenvalues.to(dtype), b.to(dtype))
        problem = Problem(energy, MU, L)
        phi_ = {k: w.to(dtype) for k, w in phi.items()} if isinstance(phi, dict) else phi
        y = normal(3, 4, 3).to(dtype)
        kept = y.clone()
        state = algorithm.start(y, problem)
        require(isinstance(state, tuple), algorithm, "start must return a tuple.")
        require(
            isinstance(state[0], Tensor)
            and state[0].shape == y.shape
            and bool((state[0] == y).all()),
            algorithm,
            "the first entry of what start returns must be the iterate y that it was given.",
        )
        n_states = len(state)
        for _ in range(3):
            previous = [(x, x.clone()) for x in state if isinstance(x, Tensor)]
            state = algorithm.step(state, problem, phi_)
            require(
                isinstance(state, tuple) and len(state) == n_states,
                algorithm,
                f"step must return a tuple of {n_states} entries, as start does.",
            )
            require(
                isinstance(state[0], Tensor)
                and state[0].shape == y.shape
                and state[0].dtype == dtype,
                algorithm,
                f"the first entry of what step returns must be the next iterate, of shape "
                f"{tuple(y.shape)} and {dtype}; keep the dtype of y.",
            )
            require(
                all(torch.equal(x, was) for x, was in previous) and torch.equal(y, kept),
                algorithm,
                "step changes its state in place, which breaks its derivatives; make new tensors.",
            )


def check_bounded(algorithm: Algorithm) -> None:
    if is_learned(algorithm):
        return
    eigenvalues, _, b = spectral_problem(2, 5)
    energy = DiagonalQuadratic(eigenvalues, b)
    problem = Problem(energy, MU, L)
    bound = 100.0 * float(energy.minimizer().abs().max())
    for description, phi in phis_of(algorithm).items():
        # By its steps; the closed form is compared with them afterwards.
        y = last_iterate(algorithm, problem, MANY, phi)
        largest = float(y.abs().max())
        where = ", inside its stable_region," if has_step_size(algorithm) else ""
        require(
            largest <= bound,
            algorithm,
            f"with {description}{where} the iterates reach {largest:.3g} after {MANY} steps, "
            f"where mu={MU}, L={L}; correct the recurrence or narrow the region.",
        )
