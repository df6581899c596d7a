"""What holds inside the layer: energies, minimisers, dtypes, tensor k, derivatives."""

from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch import Tensor

from sklearn_reasoning.algorithms import Algorithm, Problem, last_iterate
from sklearn_reasoning.energies import (
    DenseQuadratic,
    DiagonalQuadratic,
    OperatorQuadratic,
    QuadraticEnergy,
    SpectralQuadratic,
)
from sklearn_reasoning.layer import minimize

from ._compare import close, normal, require
from ._problem import EXACT, MANY, MU, L, is_learned, middle_phi, phis_of, spectral_problem


def _energies(
    eigenvalues: Tensor, rotation: Tensor, b: Tensor
) -> Iterator[tuple[str, QuadraticEnergy]]:
    spectral = SpectralQuadratic(eigenvalues, rotation, b)
    Q = spectral.matrix()
    yield "SpectralQuadratic", spectral
    yield "OperatorQuadratic", OperatorQuadratic(lambda y: (Q @ y.unsqueeze(-1)).squeeze(-1), b)


def check_energies(algorithm: Algorithm) -> None:
    eigenvalues, rotation, b = spectral_problem(4, 3)
    dense = DenseQuadratic(SpectralQuadratic(eigenvalues, rotation, b).matrix(), b)
    matrices = torch.diag_embed(eigenvalues)
    if "polynomial" in algorithm.provides:
        remedy = "if q_k depends on b, set is_polynomial = False"
    else:
        remedy = "if it treats the outputs one by one, set commutes_with_rotations = False"
    for description, phi in phis_of(algorithm).items():
        for k in (0, 1, 4, 12):
            where = f"for k={k}, {description}; {remedy}"
            expected = minimize(algorithm, Problem(dense, MU, L), k, phi)
            for kind, energy in _energies(eigenvalues, rotation, b):
                close(
                    minimize(algorithm, Problem(energy, MU, L), k, phi),
                    expected,
                    EXACT,
                    algorithm,
                    f"{kind} gives another result than DenseQuadratic {where}",
                )
            close(
                minimize(algorithm, Problem(DiagonalQuadratic(eigenvalues, b), MU, L), k, phi),
                minimize(algorithm, Problem(DenseQuadratic(matrices, b), MU, L), k, phi),
                EXACT,
                algorithm,
                f"DiagonalQuadratic gives another result than DenseQuadratic {where}",
            )


def check_start(algorithm: Algorithm) -> None:
    """Compare the layer from a start with the steps from there, on plain matrices."""
    eigenvalues, rotation, b = spectral_problem(4, 3)
    dense = DenseQuadratic(SpectralQuadratic(eigenvalues, rotation, b).matrix(), b)
    for start in (normal(5, 4, 3), 10.0 * normal(6, 3)):
        for description, phi in phis_of(algorithm).items():
            for k in (1, 4, 12):
                expected = minimize(algorithm, Problem(dense, MU, L, start=start), k, phi)
                for kind, energy in _energies(eigenvalues, rotation, b):
                    close(
                        minimize(algorithm, Problem(energy, MU, L, start=start), k, phi),
                        expected,
                        EXACT,
                        algorithm,
                        f"from another start than 0, {kind} gives another result than "
                        f"DenseQuadratic for k={k}, {description}; what the steps remember must "
                        "come from start(y, problem), and not from 0",
                    )


def check_convergence(algorithm: Algorithm) -> None:
    if is_learned(algorithm):
        return
    eigenvalues, rotation, b = spectral_problem(4, 3)
    energy = DenseQuadratic(SpectralQuadratic(eigenvalues, rotation, b).matrix(), b)
    phi = middle_phi(algorithm)
    y = minimize(algorithm, Problem(energy, MU, L), MANY, phi)
    close(
        y,
        energy.minimizer(),
        1e-2,
        algorithm,
        f"after {MANY} steps it is not at the minimiser, where mu={MU}, L={L}, in the middle of "
        "its stable_region; is the first entry of the state the iterate?",
    )
    if "exact" not in algorithm.provides:
        y = last_iterate(algorithm, Problem(energy, MU, L, start=energy.minimizer()), 5, phi)
        close(y, energy.minimizer(), 1e-8, algorithm, "started at the minimiser it moves away")


def check_dtypes(algorithm: Algorithm) -> None:
    eigenvalues, rotation, b = spectral_problem(4, 3)
    for dtype in (torch.float64, torch.float32):
        for description, phi in phis_of(algorithm).items():
            if isinstance(phi, dict):
                phi = {name: weight.to(dtype) for name, weight in phi.items()}
            elif phi is not None:
                phi = torch.tensor(phi, dtype=dtype)
            for k in (0, 3, 40):
                energy = SpectralQuadratic(eigenvalues.to(dtype), rotation.to(dtype), b.to(dtype))
                y = minimize(algorithm, Problem(energy, MU, L), k, phi)
                require(
                    y.shape == b.shape and y.dtype == dtype and bool(y.isfinite().all()),
                    algorithm,
                    f"for k={k}, {description} and {dtype} the layer gives {y.dtype} of shape "
                    f"{tuple(y.shape)}, or numbers that are not finite.",
                )


def check_tensor_k(algorithm: Algorithm) -> None:
    eigenvalues, rotation, b = spectral_problem(5, 3)
    k = torch.tensor([0, 1, 9, 2, 4]).unsqueeze(-1)
    phi = middle_phi(algorithm)
    Q = SpectralQuadratic(eigenvalues, rotation, b).matrix()
    for energy in (SpectralQuadratic(eigenvalues, rotation, b), DenseQuadratic(Q, b)):
        together = minimize(algorithm, Problem(energy, MU, L), k, phi)
        for row in range(5):
            alone = minimize(algorithm, Problem(energy, MU, L), int(k[row]), phi)
            close(
                together[row],
                alone[row],
                EXACT,
                algorithm,
                f"with a tensor k the row of k={int(k[row])} is not that of the int",
            )


def check_layer_derivatives(algorithm: Algorithm) -> None:
    eigenvalues, rotation, b = spectral_problem(2, 2)
    Q = SpectralQuadratic(eigenvalues, rotation, b).matrix()
    phi = middle_phi(algorithm, d=2)
    names = list(phi) if isinstance(phi, dict) else []
    if names:
        # Off the initial weights, where units may sit in the kink of an activation.
        learned = [w + 0.1 * normal(4 + i, *w.shape) for i, w in enumerate(phi.values())]
    else:
        learned = [] if phi is None else [torch.tensor(phi, dtype=torch.float64)]

    def layer(kind: type[Any], k: int | Tensor) -> Callable[..., Tensor]:
        def run(matrix: Tensor, b: Tensor, *learned: Tensor) -> Tensor:
            phi_: Any = dict(zip(names, learned, strict=True)) if names else (*learned, None)[0]
            # Q stays symmetric: methods that end after d steps are smooth in no other Q.
            matrix = matrix if kind is DiagonalQuadratic else 0.5 * (matrix + matrix.mT)
            return minimize(algorithm, Problem(kind(matrix, b), MU, L), k, phi_)

        return run

    for kind, matrix in ((DiagonalQuadratic, eigenvalues), (DenseQuadratic, Q)):
        for k in (0, 1, 2, 5, torch.tensor([[1], [3]])):
            inputs = [x.detach().clone().requires_grad_() for x in (matrix, b, *learned)]
            run = layer(kind, k)
            if not run(*inputs).requires_grad:
                continue  # k = 0
            try:
                torch.autograd.gradcheck(run, inputs, fast_mode=True)
                torch.autograd.gradgradcheck(run, inputs, fast_mode=True)
            except RuntimeError as error:
                raise AssertionError(
                    f"{algorithm.name}: the layer's derivatives over {kind.__name__} are wrong for "
                    f"k={k}; a derivative written by hand, or detach(), may be the cause. {error}"
                ) from error
