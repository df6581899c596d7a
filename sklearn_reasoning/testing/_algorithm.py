"""The contract of algorithms: what one declares of itself is what it is held against."""

import copy
import math
import pickle
import sys
from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch import Tensor

from sklearn_reasoning.algorithms import Algorithm, PerIteration, get_algorithm, iterates
from sklearn_reasoning.energies import (
    DenseQuadratic,
    DiagonalQuadratic,
    OperatorQuadratic,
    QuadraticEnergy,
    SpectralQuadratic,
)
from sklearn_reasoning.layer import minimize

from ._compare import close, normal, require
from ._sensitivity_rate import check_sensitivity_rate

_MU, _L = 0.1, 1.0
_EXACT = 1e-10  # for two ways to the same numbers in float64
_MANY = 500


def check_algorithm(algorithm: str | Algorithm) -> None:
    """Check that an algorithm keeps the contract that layer, estimator and properties rely on.

    Parameters
    ----------
    algorithm : str or Algorithm
        A registered name or an instance; a class of your own need not be registered.

    Raises
    ------
    AssertionError
        If something does not hold, with what it is and what to do about it. What the
        algorithm's own methods raise passes through.

    Notes
    -----
    Checked, as far as the class declares that it applies:

    - it is a value: ``==``, ``hash``, ``copy`` and ``pickle`` work, and running it changes nothing;
    - ``start`` puts y first, ``step`` keeps shapes and dtypes and changes no state in place;
    - ``stable_region`` is a range, with bounded iterates at both of its ends and convergence to
      the minimiser between them (not asked of methods with learned weights);
    - r_k = 1 - t q_k, closed forms equal the recurrence for every kind of k and step size, q_k is
      finite at t = 0, and derivatives equal finite differences;
    - ``sensitivity_rate``, where there is one, is such a rate;
    - the layer has right first and second derivatives, gives the same result for every class of
      energies, and with a tensor k stops each row at its own step.

    Examples
    --------
    >>> from sklearn_reasoning.algorithms import Algorithm
    >>> class DampedRichardson(Algorithm):
    ...     name = "damped_richardson"
    ...
    ...     def __init__(self, damping=0.5):
    ...         self.damping = damping
    ...
    ...     def step(self, state, gradient, phi, mu, L):
    ...         (y,) = state
    ...         return (y - self.damping * phi * gradient(y),)
    ...
    ...     def stable_region(self, mu, L):
    ...         high = 2.0 / (self.damping * L)
    ...         return high / 100.0, high
    >>> check_algorithm(DampedRichardson())

    A region that promises too much is found out:

    >>> class Rash(DampedRichardson):
    ...     def stable_region(self, mu, L):
    ...         return 0.1, 5.0 / L
    >>> check_algorithm(Rash())
    Traceback (most recent call last):
    ...
    AssertionError: damped_richardson: with step size 5, inside its stable_region, ...
    """
    algorithm = get_algorithm(algorithm)
    before = copy.deepcopy(algorithm)
    _check_value(algorithm)
    _check_region(algorithm)
    checks: list[Callable[[Algorithm], None]] = []
    if not algorithm.is_exact:
        checks += [_check_state, _check_bounded]
    if algorithm.is_polynomial:
        checks += [_check_polynomial, _check_polynomial_derivatives]
        if not algorithm.is_exact:
            checks += [_check_closed_form]
        if algorithm.has_step_size:
            checks += [check_sensitivity_rate]
    checks += [_check_energies, _check_convergence, _check_dtypes, _check_tensor_k]
    checks += [_check_layer_derivatives]
    for check in checks:
        check(algorithm)
    require(
        algorithm == before and hash(algorithm) == hash(before),
        algorithm,
        "running it has changed its attributes; keep what changes in the state.",
    )


def _problem(n: int, d: int) -> tuple[Tensor, Tensor, Tensor]:
    """Return eigenvalues in [mu, L], both ends in each row, with rotations and linear terms."""
    inner = torch.rand(n, d, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    eigenvalues = _MU + (_L - _MU) * inner
    eigenvalues[:, 0], eigenvalues[:, -1] = _L, _MU
    rotation, _ = torch.linalg.qr(normal(1, n, d, d))
    return eigenvalues, rotation, normal(2, n, d)


def _phis(algorithm: Algorithm, d: int = 3) -> dict[str, Any]:
    """Return what may stand for phi, by a description: the region's ends and its middle."""
    if not algorithm.has_step_size:
        weights = algorithm.initial_weights(d, _MU, _L)
        return {"initial weights": weights} if weights else {"no step size": None}
    low, high = algorithm.stable_region(_MU, _L)
    sizes = sorted({low, 0.5 * (low + high), high} - {0.0})
    return {f"step size {size:.6g}": size for size in sizes}


def _middle(algorithm: Algorithm, d: int = 3) -> Any:
    phis = list(_phis(algorithm, d).values())
    return phis[len(phis) // 2]


def _is_learned(algorithm: Algorithm) -> bool:
    return bool(algorithm.initial_weights(2, _MU, _L))


def _sizes(algorithm: Algorithm, n: int) -> PerIteration:
    low, high = algorithm.stable_region(_MU, _L)
    return PerIteration(tuple(low + (high - low) * (0.3 + 0.6 * i / n) for i in range(n)))


# ---------------------------------------------------------------------- the checks


def _check_value(algorithm: Algorithm) -> None:
    name = getattr(algorithm, "name", None)
    if not isinstance(name, str) or not name:
        raise AssertionError(f"{type(algorithm).__name__}: name={name!r} must be its key, a str.")
    cls = type(algorithm)
    copies = {"copy": copy.copy(algorithm), "deepcopy": copy.deepcopy(algorithm)}
    found: Any = sys.modules.get(cls.__module__)
    for part in cls.__qualname__.split("."):
        found = getattr(found, part, None)
    if found is cls:
        copies["pickle"] = pickle.loads(pickle.dumps(algorithm))
    else:  # the class is defined where pickle cannot find it; its options can still be checked
        copies["pickle"] = copy.copy(algorithm)
        vars(copies["pickle"]).update(pickle.loads(pickle.dumps(vars(algorithm))))
    for how, twin in copies.items():
        require(
            twin == algorithm and hash(twin) == hash(algorithm),
            algorithm,
            f"a {how} of it does not compare equal, or has another hash; "
            "its attributes must be plain hashable values.",
        )
    require(algorithm != object(), algorithm, "it compares equal to an unrelated object.")
    require(
        repr(copy.deepcopy(algorithm)) == repr(algorithm),
        algorithm,
        "repr differs between equal algorithms; it should show type and options.",
    )


def _check_region(algorithm: Algorithm) -> None:
    for mu, L in ((_MU, _L), (0.5, 0.5), (1e-3, 20.0)):
        low, high = algorithm.stable_region(mu, L)
        require(
            0.0 <= low <= high and not math.isnan(high),
            algorithm,
            f"stable_region(mu={mu}, L={L}) is ({low}, {high}); it must be 0 <= low <= high.",
        )
        require(
            not algorithm.has_step_size or 0.0 < high < math.inf,
            algorithm,
            f"stable_region(mu={mu}, L={L}) ends at {high}; with has_step_size = True it must end "
            "at a positive number.",
        )


def _check_state(algorithm: Algorithm) -> None:
    eigenvalues, _, b = _problem(4, 3)
    phi = _middle(algorithm)
    for dtype in (torch.float64, torch.float32):
        gradient = DiagonalQuadratic(eigenvalues.to(dtype), b.to(dtype)).gradient
        phi_ = {k: w.to(dtype) for k, w in phi.items()} if isinstance(phi, dict) else phi
        y = normal(3, 4, 3).to(dtype)
        kept = y.clone()
        state = algorithm.start(y, gradient)
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
            state = algorithm.step(state, gradient, phi_, _MU, _L)
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


def _check_bounded(algorithm: Algorithm) -> None:
    if _is_learned(algorithm):
        return
    eigenvalues, _, b = _problem(2, 5)
    energy = DiagonalQuadratic(eigenvalues, b)
    bound = 100.0 * float(energy.minimizer().abs().max())
    for description, phi in _phis(algorithm).items():
        # By its steps; the closed form is compared with them afterwards.
        *_, y = iterates(algorithm, torch.zeros_like(b), energy.gradient, _MANY, phi, _MU, _L)
        largest = float(y.abs().max())
        where = ", inside its stable_region," if algorithm.has_step_size else ""
        require(
            largest <= bound,
            algorithm,
            f"with {description}{where} the iterates reach {largest:.3g} after {_MANY} steps, "
            f"where mu={_MU}, L={_L}; correct the recurrence or narrow the region.",
        )


def _check_polynomial(algorithm: Algorithm) -> None:
    t = torch.linspace(_MU, _L, 13, dtype=torch.float64)
    for description, phi in _phis(algorithm).items():
        for k in (0, 1, 2, 5, 30):
            r = algorithm.residual(t, k, phi, _MU, _L)
            q = algorithm.filter(t, k, phi, _MU, _L)
            require(
                r.shape == q.shape == t.shape,
                algorithm,
                f"residual and filter must keep the shape of t, {tuple(t.shape)}.",
            )
            close(
                r + t * q,
                torch.ones_like(t),
                _EXACT,
                algorithm,
                f"residual + t filter is not 1 for k={k}, {description}; if step is not affine "
                "in y, set is_polynomial = False",
            )
            if not algorithm.is_exact:
                origin = algorithm.filter(torch.zeros(1, dtype=t.dtype), k, phi, _MU, _L)
                require(
                    bool(origin.isfinite().all()),
                    algorithm,
                    f"filter is {origin.item()} at t = 0 for k={k}, {description}; it is a "
                    "polynomial there too: do not divide by t.",
                )


def _check_closed_form(algorithm: Algorithm) -> None:
    t = torch.linspace(_MU, _L, 12, dtype=torch.float64)
    phis = _phis(algorithm)
    if algorithm.has_step_size:
        phis["a step size for each iteration"] = _sizes(algorithm, 30)
        tensor = torch.linspace(*algorithm.stable_region(_MU, _L), 12, dtype=torch.float64)
        phis["a step size for each point"] = tensor.clamp_min(1e-3 * float(tensor[-1]))
    each = torch.tensor([0, 1, 2, 3, 7, 30, 30, 4, 5, 0, 11, 16])
    for name in ("residual", "filter"):
        formula = f"_{name}"
        closed, recurrence = getattr(algorithm, name), getattr(Algorithm, formula)
        for description, phi in phis.items():
            for k in (0, 1, 2, 3, 7, 30, each):
                kind = "a tensor k" if isinstance(k, Tensor) else f"k={k}"
                close(
                    closed(t, k, phi, _MU, _L),
                    recurrence(algorithm, t, k, phi, _MU, _L),
                    _EXACT,
                    algorithm,
                    f"{formula}'s closed form is not what step gives, for {kind} and {description}",
                )
        if algorithm.has_step_size:
            size = _middle(algorithm)
            close(
                closed(t, 7, PerIteration((size,) * 7), _MU, _L),
                closed(t, 7, size, _MU, _L),
                _EXACT,
                algorithm,
                f"{formula} differs between one step size and the same in every iteration",
            )


def _check_polynomial_derivatives(algorithm: Algorithm) -> None:
    # Its end at t = mu is where closed forms with square roots are 0/0.
    t = torch.linspace(_MU, _L, 7, dtype=torch.float64)
    phi = _middle(algorithm)
    width = 1e-6
    for k in (1, 2, 5, 12):
        for value, derivative in (
            (algorithm.residual, algorithm.residual_derivative),
            (algorithm.filter, algorithm.filter_derivative),
        ):
            slopes = {"t": (value(t + width, k, phi, _MU, _L), value(t - width, k, phi, _MU, _L))}
            if algorithm.has_step_size:
                slopes["step_size"] = (
                    value(t, k, phi + width, _MU, _L),
                    value(t, k, phi - width, _MU, _L),
                )
            for wrt, (above, below) in slopes.items():
                close(
                    derivative(t, k, phi, _MU, _L, wrt=wrt) + 1.0,
                    (above - below) / (2.0 * width) + 1.0,
                    1e-6,
                    algorithm,
                    f"{derivative.__name__} by {wrt} is no finite difference, for k={k}",
                )


def _energies(
    eigenvalues: Tensor, rotation: Tensor, b: Tensor
) -> Iterator[tuple[str, QuadraticEnergy]]:
    spectral = SpectralQuadratic(eigenvalues, rotation, b)
    Q = spectral.matrix()
    yield "SpectralQuadratic", spectral
    yield "OperatorQuadratic", OperatorQuadratic(lambda y: (Q @ y.unsqueeze(-1)).squeeze(-1), b)


def _check_energies(algorithm: Algorithm) -> None:
    eigenvalues, rotation, b = _problem(4, 3)
    dense = DenseQuadratic(SpectralQuadratic(eigenvalues, rotation, b).matrix(), b)
    matrices = torch.diag_embed(eigenvalues)
    if algorithm.is_polynomial:
        remedy = "if q_k depends on b, set is_polynomial = False"
    else:
        remedy = "if it treats the outputs one by one, set commutes_with_rotations = False"
    for description, phi in _phis(algorithm).items():
        for k in (0, 1, 4, 12):
            where = f"for k={k}, {description}; {remedy}"
            expected = minimize(algorithm, dense, k, phi, _MU, _L)
            for kind, energy in _energies(eigenvalues, rotation, b):
                close(
                    minimize(algorithm, energy, k, phi, _MU, _L),
                    expected,
                    _EXACT,
                    algorithm,
                    f"{kind} gives another result than DenseQuadratic {where}",
                )
            close(
                minimize(algorithm, DiagonalQuadratic(eigenvalues, b), k, phi, _MU, _L),
                minimize(algorithm, DenseQuadratic(matrices, b), k, phi, _MU, _L),
                _EXACT,
                algorithm,
                f"DiagonalQuadratic gives another result than DenseQuadratic {where}",
            )


def _check_convergence(algorithm: Algorithm) -> None:
    if _is_learned(algorithm):
        return
    eigenvalues, rotation, b = _problem(4, 3)
    energy = DenseQuadratic(SpectralQuadratic(eigenvalues, rotation, b).matrix(), b)
    phi = _middle(algorithm)
    y = minimize(algorithm, energy, _MANY, phi, _MU, _L)
    close(
        y,
        energy.minimizer(),
        1e-2,
        algorithm,
        f"after {_MANY} steps it is not at the minimiser, where mu={_MU}, L={_L}, in the middle of "
        "its stable_region; is the first entry of the state the iterate?",
    )
    if not algorithm.is_exact:
        *_, y = iterates(algorithm, energy.minimizer(), energy.gradient, 5, phi, _MU, _L)
        close(y, energy.minimizer(), 1e-8, algorithm, "started at the minimiser it moves away")


def _check_dtypes(algorithm: Algorithm) -> None:
    eigenvalues, rotation, b = _problem(4, 3)
    for dtype in (torch.float64, torch.float32):
        for description, phi in _phis(algorithm).items():
            if isinstance(phi, dict):
                phi = {name: weight.to(dtype) for name, weight in phi.items()}
            elif phi is not None:
                phi = torch.tensor(phi, dtype=dtype)
            for k in (0, 3, 40):
                energy = SpectralQuadratic(eigenvalues.to(dtype), rotation.to(dtype), b.to(dtype))
                y = minimize(algorithm, energy, k, phi, _MU, _L)
                require(
                    y.shape == b.shape and y.dtype == dtype and bool(y.isfinite().all()),
                    algorithm,
                    f"for k={k}, {description} and {dtype} the layer gives {y.dtype} of shape "
                    f"{tuple(y.shape)}, or numbers that are not finite.",
                )


def _check_tensor_k(algorithm: Algorithm) -> None:
    eigenvalues, rotation, b = _problem(5, 3)
    k = torch.tensor([0, 1, 9, 2, 4]).unsqueeze(-1)
    phi = _middle(algorithm)
    Q = SpectralQuadratic(eigenvalues, rotation, b).matrix()
    for energy in (SpectralQuadratic(eigenvalues, rotation, b), DenseQuadratic(Q, b)):
        together = minimize(algorithm, energy, k, phi, _MU, _L)
        for row in range(5):
            alone = minimize(algorithm, energy, int(k[row]), phi, _MU, _L)
            close(
                together[row],
                alone[row],
                _EXACT,
                algorithm,
                f"with a tensor k the row of k={int(k[row])} is not that of the int",
            )


def _check_layer_derivatives(algorithm: Algorithm) -> None:
    eigenvalues, rotation, b = _problem(2, 2)
    Q = SpectralQuadratic(eigenvalues, rotation, b).matrix()
    phi = _middle(algorithm, d=2)
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
            return minimize(algorithm, kind(matrix, b), k, phi_, _MU, _L)

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
