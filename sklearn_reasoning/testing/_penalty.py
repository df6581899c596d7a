"""The contract of penalties."""

from collections.abc import Iterator

import torch
from torch import Tensor

from sklearn_reasoning.algorithms import Problem, get_algorithm, list_algorithms
from sklearn_reasoning.energies import DenseQuadratic, SpectralQuadratic
from sklearn_reasoning.penalties import Penalty

from ._compare import check_copies, close, normal, require
from ._needs import iterates_of
from ._problem import MANY, MU, L, has_step_size, spectral_problem

_EXACT = 1e-12
_STEPS = (0.3, 2.0)
_UNITS = (0.25, 3.0)


def check_penalty(penalty: Penalty, d: int = 4) -> None:
    r"""Check that a set or a term is what algorithms and the layer take it for.

    Parameters
    ----------
    penalty : Penalty
        An instance.
    d : int, default=4
        The number of outputs that it is for, where its options settle that.

    Raises
    ------
    AssertionError
        If something does not hold, with what it is. What the penalty's own methods raise passes
        through.
    TypeError
        If ``penalty`` is no Penalty.

    Notes
    -----
    Checked, at drawn points near and far from 0:

    - it is a value: ``==``, ``hash``, ``copy`` and ``pickle`` work, and running it changes nothing;
    - ``prox`` keeps shapes and dtypes, is firmly nonexpansive, and is where
      :math:`g(y) + \|y - v\|^2 / (2 \phi)` is smallest; its derivatives are finite differences;
    - a set has values 0 and inf, its ``prox`` ends inside, moves no point twice, and is the same
      for every step size; ``project`` does the same, and no point is longer than
      ``largest_norm``;
    - ``in_units`` is :math:`u \mapsto g(unit\, u) / unit^2`, with the proximal step that goes with
      it;
    - three models side by side get the bits of each alone;
    - all registered algorithms that take it end at one point, inside the set at every step.

    Examples
    --------
    >>> import torch
    >>> from sklearn_reasoning.penalties import Nonnegative, Penalty
    >>> check_penalty(Nonnegative())
    >>> class Rectified(Penalty):
    ...     def value(self, y):
    ...         return y.abs().sum(dim=-1)
    ...
    ...     def prox(self, v, step):
    ...         return v.clamp_min(0.0)
    ...
    ...     def in_units(self, unit):
    ...         return self
    >>> check_penalty(Rectified())
    Traceback (most recent call last):
    ...
    AssertionError: Rectified: prox is not where g(y) + |y - v|^2 / (2 step) is smallest: ...
    """
    if not isinstance(penalty, Penalty):
        raise TypeError(f"penalty={penalty!r} must be a Penalty.")
    check_copies(penalty)
    before = hash(penalty)
    for check in (
        _check_shapes,
        _check_nonexpansive,
        _check_optimal,
        _check_set,
        _check_units,
        _check_derivatives,
        _check_stacked,
        _check_algorithms,
    ):
        check(penalty, d)
    require(hash(penalty) == before, penalty, "running it has changed its attributes.")


def _points(d: int, seed: int = 0) -> Tensor:
    """Return points near 0 and far from it, of shape (12, d)."""
    scales = torch.tensor([0.1, 1.0, 10.0], dtype=torch.float64).repeat(4).unsqueeze(-1)
    return scales * normal(seed, 12, d)


def _check_shapes(penalty: Penalty, d: int) -> None:
    for dtype in (torch.float64, torch.float32):
        v = _points(d).to(dtype)
        kept = v.clone()
        p, values = penalty.prox(v, 0.5), penalty.value(v)
        require(
            p.shape == v.shape and p.dtype == dtype and bool(p.isfinite().all()),
            penalty,
            f"prox makes {tuple(p.shape)}, {p.dtype} of {tuple(v.shape)}, {dtype}, or numbers "
            "that are not finite.",
        )
        require(
            values.shape == v.shape[:-1] and values.dtype == dtype and bool((values >= 0.0).all()),
            penalty,
            f"value makes {tuple(values.shape)}, {values.dtype} of {tuple(v.shape)}, {dtype}, or "
            "a negative number; it is a number from 0 on for each row.",
        )
        require(torch.equal(v, kept), penalty, "prox changes v in place; make a new tensor.")


def _check_nonexpansive(penalty: Penalty, d: int) -> None:
    u, v = _points(d, 0), _points(d, 1)
    for step in _STEPS:
        moved = penalty.prox(u, step) - penalty.prox(v, step)
        slack = (moved * (u - v)).sum(-1) - moved.square().sum(-1)
        require(
            bool((slack >= -_EXACT * (u - v).square().sum(-1)).all()),
            penalty,
            f"prox is not firmly nonexpansive at step {step}: it is the proximal step of no "
            "convex function.",
        )


def _check_optimal(penalty: Penalty, d: int) -> None:
    v = _points(d)
    for step in _STEPS:
        p = penalty.prox(v, step)

        def cost(y: Tensor, step: float = step) -> Tensor:
            return penalty.value(y) + (y - v).square().sum(-1) / (2.0 * step)

        least = cost(p)
        for other in _others(penalty, p, v):
            require(
                bool((least <= cost(other) * (1.0 + _EXACT) + _EXACT).all()),
                penalty,
                f"prox is not where g(y) + |y - v|^2 / (2 step) is smallest: at step {step} "
                "another point has less.",
            )


def _others(penalty: Penalty, p: Tensor, v: Tensor) -> Iterator[Tensor]:
    """Yield points to compare with: near the prox, between it and v, and other outputs of prox."""
    for seed, size in enumerate((1e-3, 0.1, 1.0), start=2):
        near = p + size * normal(seed, *p.shape)
        yield near
        yield penalty.prox(near, 1.0)
        yield p + 0.5 * size * (penalty.prox(v.roll(1, 0), 1.0) - p)
    yield p + 0.1 * (v - p)
    yield v


def _check_set(penalty: Penalty, d: int) -> None:
    if not penalty.is_set:
        return
    v = _points(d)
    values = penalty.value(v)
    require(
        bool(((values == 0.0) | (values == torch.inf)).all()),
        penalty,
        "is_set is True, and value is neither 0 nor inf.",
    )
    p = penalty.prox(v, 1.0)
    close(penalty.prox(p, 1.0), p, _EXACT, penalty, "the projection moves a point of the set")
    close(penalty.prox(v, 7.0), p, _EXACT, penalty, "the projection depends on the step size")
    require(
        bool((penalty.value(p) == 0.0).any()),
        penalty,
        "value is inf at every output of prox; let it allow for rounding errors there.",
    )
    require(
        bool((p.norm(dim=-1) <= penalty.largest_norm(d) * (1.0 + _EXACT)).all()),
        penalty,
        f"a point of the set is longer than largest_norm({d}).",
    )
    close(penalty.project(v), p, _EXACT, penalty, "project is not the projection")


def _check_units(penalty: Penalty, d: int) -> None:
    v = _points(d)
    for unit in _UNITS:
        scaled = penalty.in_units(unit)
        require(
            type(scaled).prox is not Penalty.prox and scaled.is_set == penalty.is_set,
            penalty,
            "in_units must return a penalty of the same kind.",
        )
        for step in _STEPS:
            close(
                unit * scaled.prox(v / unit, step),
                penalty.prox(v, step),
                _EXACT,
                penalty,
                f"in_units({unit}).prox is not the proximal step in that unit",
            )
        p = penalty.prox(v, 1.0)
        if not penalty.is_set:  # on the edge of a set rounding decides
            close(
                unit**2 * scaled.value(p / unit),
                penalty.value(p),
                _EXACT,
                penalty,
                f"in_units({unit}).value is not g(unit u) / unit^2",
            )


def _check_derivatives(penalty: Penalty, d: int) -> None:
    v = _points(d, 5).requires_grad_()
    step = torch.tensor(0.7, dtype=torch.float64, requires_grad=True)
    try:
        torch.autograd.gradcheck(penalty.prox, (v, step), fast_mode=True)
        torch.autograd.gradgradcheck(penalty.prox, (v, step), fast_mode=True)
    except RuntimeError as error:
        raise AssertionError(
            f"{type(penalty).__name__}: the derivatives of prox are wrong. {error}"
        ) from error


def _check_stacked(penalty: Penalty, d: int) -> None:
    for dtype in (torch.float64, torch.float32):
        models = torch.stack([_points(d, seed) for seed in (6, 7, 8)]).to(dtype)
        together = penalty.prox(models, 0.5)
        for i, alone in enumerate(models):
            require(
                torch.equal(together[i], penalty.prox(alone, 0.5)),
                penalty,
                "models side by side get other bits than each alone; let no sum run over rows.",
            )


def _check_algorithms(penalty: Penalty, d: int) -> None:
    eigenvalues, rotation, b = spectral_problem(6, d)
    energy = DenseQuadratic(SpectralQuadratic(eigenvalues, rotation, b).matrix(), 3.0 * b)
    problem = Problem(energy, MU, L, penalty, start=normal(9, 6, d))
    ends = {}
    for name in list_algorithms():
        algorithm = get_algorithm(name)
        if not algorithm.needs <= problem.provides:
            continue
        phi = algorithm.initial_step_size(MU, L) if has_step_size(algorithm) else None
        ys = torch.stack(list(iterates_of(algorithm, problem, MANY, phi)))
        if penalty.is_set:
            inside = (_distance(penalty, ys) <= _EXACT).all(dim=-1)
            require(
                bool(inside.all()),
                penalty,
                f"iterate {int(inside.int().argmin())} of {name!r} is outside the set.",
            )
        ends[name] = ys[-1]
    first, *others = ends
    for other in others:
        close(
            ends[other], ends[first], 1e-6, penalty, f"{other!r} and {first!r} end at unlike points"
        )


def _distance(penalty: Penalty, y: Tensor) -> Tensor:
    return (penalty.prox(y, 1.0) - y).norm(dim=-1) / (1.0 + y.norm(dim=-1))
