"""What holds of residual polynomial and filter: r_k = 1 - t q_k, closed forms, derivatives."""

import torch
from torch import Tensor

from sklearn_reasoning.algorithms import Algorithm, PerIteration

from ._compare import close, require
from ._problem import EXACT, MU, L, has_step_size, middle_phi, phis_of, sizes_per_iteration


def check_polynomial(algorithm: Algorithm) -> None:
    t = torch.linspace(MU, L, 13, dtype=torch.float64)
    for description, phi in phis_of(algorithm).items():
        for k in (0, 1, 2, 5, 30):
            r = algorithm.residual(t, k, phi, MU, L)
            q = algorithm.filter(t, k, phi, MU, L)
            require(
                r.shape == q.shape == t.shape,
                algorithm,
                f"residual and filter must keep the shape of t, {tuple(t.shape)}.",
            )
            close(
                r + t * q,
                torch.ones_like(t),
                EXACT,
                algorithm,
                f"residual + t filter is not 1 for k={k}, {description}; if step is not affine "
                "in y, set is_polynomial = False",
            )
            if "exact" not in algorithm.provides:
                origin = algorithm.filter(torch.zeros(1, dtype=t.dtype), k, phi, MU, L)
                require(
                    bool(origin.isfinite().all()),
                    algorithm,
                    f"filter is {origin.item()} at t = 0 for k={k}, {description}; it is a "
                    "polynomial there too: do not divide by t.",
                )


def check_closed_form(algorithm: Algorithm) -> None:
    t = torch.linspace(MU, L, 12, dtype=torch.float64)
    phis = phis_of(algorithm)
    if has_step_size(algorithm):
        phis["a step size for each iteration"] = sizes_per_iteration(algorithm, 30)
        tensor = torch.linspace(*algorithm.stable_region(MU, L), 12, dtype=torch.float64)
        phis["a step size for each point"] = tensor.clamp_min(1e-3 * float(tensor[-1]))
    each = torch.tensor([0, 1, 2, 3, 7, 30, 30, 4, 5, 0, 11, 16])
    for name in ("residual", "filter"):
        formula = f"_{name}"
        closed, recurrence = getattr(algorithm, name), getattr(Algorithm, formula)
        for description, phi in phis.items():
            for k in (0, 1, 2, 3, 7, 30, each):
                kind = "a tensor k" if isinstance(k, Tensor) else f"k={k}"
                close(
                    closed(t, k, phi, MU, L),
                    recurrence(algorithm, t, k, phi, MU, L),
                    EXACT,
                    algorithm,
                    f"{formula}'s closed form is not what step gives, for {kind} and {description}",
                )
        if has_step_size(algorithm):
            size = middle_phi(algorithm)
            close(
                closed(t, 7, PerIteration((size,) * 7), MU, L),
                closed(t, 7, size, MU, L),
                EXACT,
                algorithm,
                f"{formula} differs between one step size and the same in every iteration",
            )


def check_polynomial_derivatives(algorithm: Algorithm) -> None:
    # Its end at t = mu is where closed forms with square roots are 0/0.
    t = torch.linspace(MU, L, 7, dtype=torch.float64)
    phi = middle_phi(algorithm)
    width = 1e-6
    for k in (1, 2, 5, 12):
        for value, derivative in (
            (algorithm.residual, algorithm.residual_derivative),
            (algorithm.filter, algorithm.filter_derivative),
        ):
            slopes = {"t": (value(t + width, k, phi, MU, L), value(t - width, k, phi, MU, L))}
            if has_step_size(algorithm):
                slopes["step_size"] = (
                    value(t, k, phi + width, MU, L),
                    value(t, k, phi - width, MU, L),
                )
            for wrt, (above, below) in slopes.items():
                close(
                    derivative(t, k, phi, MU, L, wrt=wrt) + 1.0,
                    (above - below) / (2.0 * width) + 1.0,
                    1e-6,
                    algorithm,
                    f"{derivative.__name__} by {wrt} is no finite difference, for k={k}",
                )
