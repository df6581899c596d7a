"""Residual polynomials and filters against exact formulas and 60-digit arithmetic."""

import mpmath
import numpy as np
import pytest
import torch
from _covering import covering

from sklearn_reasoning.algorithms import PerIteration, get_algorithm, list_algorithms

MU, L = 0.1, 1.0
POLYNOMIAL = [name for name in list_algorithms() if get_algorithm(name).is_polynomial]
STEPPED = [name for name in POLYNOMIAL if not get_algorithm(name).is_exact]
SIZED = [name for name in STEPPED if get_algorithm(name).has_step_size]
DOUBLE_ROOT = ["nag", "heavy_ball"]  # their two roots meet at t = mu


def tensor(values):
    return torch.tensor(values, dtype=torch.float64)


def end(name, mu=MU, L=L):
    return get_algorithm(name).stable_region(mu, L)[1]


# ---------------------------------------------------------------------- exact formulas


@pytest.mark.parametrize("k", [0, 1, 2, 7, 40])
@pytest.mark.parametrize("phi", [0.2, 1.0, 2 / (MU + L)])
def test_gd_residual_is_a_power(k, phi):
    t = np.linspace(MU, L, 31)
    np.testing.assert_allclose(
        get_algorithm("gd").residual(t, k, phi, MU, L), (1 - phi * t) ** k, rtol=1e-12, atol=1e-300
    )


@pytest.mark.parametrize("k", [0, 1, 2, 7, 40])
@pytest.mark.parametrize("phi", [0.2, 1.0, 4 / (MU + 3 * L)])
def test_nag_residual_at_mu(k, phi):
    s = np.sqrt(MU * phi)
    attained = get_algorithm("nag").residual(MU, k, phi, MU, L)
    assert attained == pytest.approx((1 - s) ** k * (1 + k * s), rel=1e-12)


@pytest.mark.parametrize("k", [0, 1, 2, 7, 40])
@pytest.mark.parametrize("phi", [0.2, 1.0, 2.0])
def test_heavy_ball_residual_at_mu(k, phi):
    # A double root 1 - s, from r_0 = 1 and r_1 = 1 - s^2.
    s = np.sqrt(MU * phi)
    expected = (1 - s) ** k * (1 + k * s)
    attained = get_algorithm("heavy_ball").residual(MU, k, phi, MU, L)
    assert attained == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("k", [1, 3, 12, 40])
@pytest.mark.parametrize("name", ["gd", "nag"])
@pytest.mark.parametrize("where", [0.15, 0.8, 1.0])
def test_largest_residual_is_attained_at_mu(name, where, k):
    phi = where * end(name)
    grid = np.abs(get_algorithm(name).residual(np.linspace(MU, L, 4001), k, phi, MU, L))
    s = np.sqrt(MU * phi)
    cvg = (1 - phi * MU) ** k if name == "gd" else (1 - s) ** k * (1 + k * s)
    assert grid.max() == pytest.approx(cvg, rel=1e-10)
    assert grid[0] == pytest.approx(cvg, rel=1e-10)
    # The largest filter follows: (1 - Cvg) / mu.
    q = get_algorithm(name).filter(np.linspace(MU, L, 4001), k, phi, MU, L)
    assert q.max() == pytest.approx((1 - cvg) / MU, rel=1e-10)


@pytest.mark.parametrize("k", [0, 1, 2, 7, 40])
def test_chebyshev_residual_is_the_ratio_of_chebyshev_polynomials(k):
    t = np.linspace(MU, L, 31)
    T = np.polynomial.Chebyshev.basis(k)
    expected = T((L + MU - 2 * t) / (L - MU)) / np.cosh(k * np.arccosh((L + MU) / (L - MU)))
    np.testing.assert_allclose(
        get_algorithm("chebyshev").residual(t, k, None, MU, L),
        expected,
        rtol=1e-10,
        atol=1e-11 * np.abs(expected).max(),
    )


def test_chebyshev_on_a_single_eigenvalue_is_exact_after_one_step():
    residual = get_algorithm("chebyshev").residual(0.5, [0, 1, 2, 3], None, 0.5, 0.5)
    np.testing.assert_array_equal(residual, [1, 0, 0, 0])


def test_opt_inverts():
    t = np.array([0.1, 0.25, 1.0])
    for k in (0, 5):
        np.testing.assert_array_equal(get_algorithm("opt").filter(t, k), 1 / t)
        np.testing.assert_array_equal(get_algorithm("opt").residual(t, k), 0 * t)


@pytest.mark.parametrize("name", STEPPED)
def test_nothing_has_happened_after_no_step(name):
    t = [0.0, MU, L]
    np.testing.assert_array_equal(get_algorithm(name).residual(t, 0), [1, 1, 1])
    np.testing.assert_array_equal(get_algorithm(name).filter(t, 0), [0, 0, 0])


@pytest.mark.parametrize("k", [1, 2, 9, 100])
def test_gd_filter_at_zero_counts_the_steps(k):
    assert get_algorithm("gd").filter(0.0, k, 0.7) == pytest.approx(0.7 * k, rel=1e-14)


# ---------------------------------------------------------------------- many digits


def many_digits(name, t, k, phi, mu, L):
    """Return r_k, q_k and their derivatives by t, from recurrences in 60 digits."""
    with mpmath.workdps(60):
        t, phi, mu, L = map(mpmath.mpf, (t, phi, mu, L))
        s = mpmath.sqrt(mu * phi)
        zero, one = mpmath.mpf(0), mpmath.mpf(1)
        r, r_before, dr, dr_before = one, one, zero, zero
        q, q_before, dq, dq_before = zero, zero, zero, zero
        for i in range(k):
            if name == "admm":
                if i == 0:
                    r, dr, q = 1 - phi * t, -phi, phi
                r, q = r / (1 + phi * t), (q + phi) / (1 + phi * t)
                dr, dq = (dr - phi * r) / (1 + phi * t), (dq - phi * q) / (1 + phi * t)
                continue
            if name == "gd":
                r, dr = (1 - phi * t) * r, (1 - phi * t) * dr - phi * r
                q, dq = q + phi * (1 - t * q), dq - phi * (q + t * dq)
                continue
            if name == "nag":
                beta = (1 - s) / (1 + s)
                z, dz = r + beta * (r - r_before), dr + beta * (dr - dr_before)
                r_before, dr_before = r, dr
                r, dr = (1 - phi * t) * z, (1 - phi * t) * dz - phi * z
                z, dz = q + beta * (q - q_before), dq + beta * (dq - dq_before)
                q_before, dq_before = q, dq
                q, dq = z - phi * (t * z - 1), dz - phi * (z + t * dz)
                continue
            beta = (1 - s) ** 2
            r, r_before, dr, dr_before = (
                r - phi * t * r + beta * (r - r_before),
                r,
                dr - phi * (r + t * dr) + beta * (dr - dr_before),
                dr,
            )
            q, q_before, dq, dq_before = (
                q - phi * (t * q - 1) + beta * (q - q_before),
                q,
                dq - phi * (q + t * dq) + beta * (dq - dq_before),
                dq,
            )
        return [float(x) for x in (r, q, dr, dq)]


@covering("name, condition", [name for name in SIZED if name != "fista"], [1e4, 1e5, 1e6])
def test_a_thousand_steps_on_ill_conditioned_energies(name, condition):
    mu, L, k = 1 / condition, 1.0, 1000
    algorithm = get_algorithm(name)
    phi = 0.75 * end(name, mu, L)
    t = np.array([mu, np.nextafter(mu, 1), mu * (1 + 1e-9), mu * (1 + 1e-4), 3 * mu, 0.01, 0.5, L])
    r, q, dr, dq = np.transpose([many_digits(name, x, k, phi, mu, L) for x in t])
    # A residual that crosses zero has the digits of its envelope.
    s = np.sqrt(mu * phi)
    is_plain = name in ("gd", "admm")
    envelope = np.maximum(np.abs(r), 0 if is_plain else (1 - s) ** k * (1 + k * s))
    assert (np.abs(algorithm.residual(t, k, phi, mu, L) - r) <= 1e-10 * envelope).all()
    np.testing.assert_allclose(algorithm.filter(t, k, phi, mu, L), q, rtol=3e-13)
    steepest = np.maximum(np.abs(dr), 0 if is_plain else k * envelope / np.sqrt(t * mu))
    error = np.abs(algorithm.residual_derivative(t, k, phi, mu, L) - dr)
    assert (error <= 1e-9 * steepest).all()
    np.testing.assert_allclose(
        algorithm.filter_derivative(t, k, phi, mu, L), dq, rtol=1e-11, atol=0
    )


@pytest.mark.parametrize("k", [1, 2, 3, 10, 64, 1000])
@pytest.mark.parametrize("condition", [1e1, 1e4, 1e6])
def test_chebyshev_filter_keeps_its_digits_at_small_points(condition, k):
    mu, L, algorithm = 1 / condition, 1.0, get_algorithm("chebyshev")

    def exact(t):
        t = mpmath.mpf(t) + mpmath.mpf(10) ** -30  # at 0 its limit, as far as 60 digits go
        middle, half = (mpmath.mpf(L) + mu) / 2, (mpmath.mpf(L) - mu) / 2
        ratio = mpmath.chebyt(k, (middle - t) / half) / mpmath.chebyt(k, middle / half)
        return (1 - ratio) / t

    points = np.array([0.0, 1e-9 * mu, mu, mu * (1 + 1e-9), 3 * mu, 0.3, 0.5, L])
    with mpmath.workdps(60):
        q = [float(exact(t)) for t in points.tolist()]
        dq = [float(mpmath.diff(exact, t, h=mpmath.mpf(10) ** -22)) for t in points[2:].tolist()]
    np.testing.assert_allclose(algorithm.filter(points, k, None, mu, L), q, rtol=1e-12)
    found = algorithm.filter_derivative(points[2:], k, None, mu, L)
    # One step leaves a constant.
    np.testing.assert_allclose(found, dq, rtol=1e-10, atol=1e-12 * np.abs(dq).max() + 1e-100)


@pytest.mark.parametrize("k", [1, 2, 3, 10, 100])
@pytest.mark.parametrize("name", DOUBLE_ROOT)
def test_smooth_at_the_double_root(name, k):
    algorithm = get_algorithm(name)
    phi = 0.8
    near = MU * (1 + np.array([-1e-3, -1e-8, 0.0, 1e-15, 1e-8, 1e-3]))
    r, q, dr, dq = np.transpose([many_digits(name, x, k, phi, MU, L) for x in near])
    np.testing.assert_allclose(algorithm.residual(near, k, phi, MU, L), r, rtol=1e-12)
    np.testing.assert_allclose(algorithm.filter(near, k, phi, MU, L), q, rtol=1e-12)
    # At k = 1 the filter is constant: its derivative is 0 up to rounding.
    for actual, expected in (
        (algorithm.residual_derivative(near, k, phi, MU, L), dr),
        (algorithm.filter_derivative(near, k, phi, MU, L), dq),
    ):
        np.testing.assert_allclose(actual, expected, rtol=1e-10, atol=1e-14)


@covering("name, k", SIZED, [0, 1, 2, 5, torch.tensor([0, 1, 6])])
def test_first_and_second_derivatives_at_mu_and_zero(name, k):
    algorithm = get_algorithm(name)
    inputs = tensor([MU, 0.0, 1 / 0.9]).requires_grad_(), tensor(0.9).requires_grad_()
    for formula in (algorithm.residual, algorithm.filter):
        value = formula(inputs[0], k, inputs[1], MU, L)
        if value.requires_grad:  # not for k = 0
            assert torch.autograd.gradcheck(lambda t, s, f=formula: f(t, k, s, MU, L), inputs)
            assert torch.autograd.gradgradcheck(lambda t, s, f=formula: f(t, k, s, MU, L), inputs)


@covering("name, k", STEPPED, [1, 2, 5, torch.tensor([1, 6])])
def test_a_gradient_that_can_be_differentiated_is_the_same_gradient(name, k):
    algorithm = get_algorithm(name)
    factors, phi = tensor([0.2, 0.9]).requires_grad_(), tensor(0.9).requires_grad_()
    for formula in (algorithm.residual, algorithm.filter):
        # The points depend on the step size too.
        value = formula(factors * phi, k, phi, MU, L).square().sum()
        plain = torch.autograd.grad(value, (factors, phi), retain_graph=True)
        again = torch.autograd.grad(value, (factors, phi), create_graph=True)
        torch.testing.assert_close(again, plain, rtol=1e-12, atol=1e-12)


# ---------------------------------------------------------------------- ways to call


@pytest.mark.parametrize("name", STEPPED)
def test_a_tensor_k_is_its_ints(name):
    algorithm = get_algorithm(name)
    t, k = np.linspace(MU, L, 6), [0, 1, 2, 7, 30, 200]
    for formula in (algorithm.residual, algorithm.filter):
        together = formula(t, k)
        alone = [formula(x, n) for x, n in zip(t, k, strict=True)]
        np.testing.assert_allclose(together, alone, rtol=1e-13, atol=1e-300)
        # As an outer product of points and steps.
        table = formula(t, np.array(k)[:, None])
        assert table.shape == (6, 6)
        np.testing.assert_allclose(np.diag(table), alone, rtol=1e-13, atol=1e-300)
        np.testing.assert_array_equal(formula(0.5, [3]), [formula(0.5, 3)])


@pytest.mark.parametrize("name", SIZED)
def test_step_sizes_that_differ_by_point(name):
    algorithm = get_algorithm(name)
    t, phi = np.linspace(MU, L, 4), np.array([0.1, 0.4, 0.8, 1.2])
    for formula in (algorithm.residual, algorithm.filter, algorithm.residual_derivative):
        alone = [formula(x, 9, float(s)) for x, s in zip(t, phi, strict=True)]
        np.testing.assert_allclose(formula(t, 9, phi), alone, rtol=1e-13)
        np.testing.assert_allclose(formula(0.3, 9, phi)[2], formula(0.3, 9, 0.8), rtol=1e-13)


@pytest.mark.parametrize("name", SIZED)
def test_derivatives_by_step_size(name):
    algorithm = get_algorithm(name)
    t, phi, width = np.linspace(MU, L, 5), 0.8, 1e-6
    for formula, derivative in (
        (algorithm.residual, algorithm.residual_derivative),
        (algorithm.filter, algorithm.filter_derivative),
    ):
        central = (formula(t, 6, phi + width) - formula(t, 6, phi - width)) / (2 * width)
        np.testing.assert_allclose(
            derivative(t, 6, phi, wrt="step_size"), central, rtol=1e-6, atol=1e-8
        )
        # The derivatives by each iteration's own size sum to the one by their common size, for
        # methods whose momentum follows the size of the same iteration.
        each = derivative(t, 6, PerIteration((phi,) * 6), wrt="step_size")
        assert each.shape == (6, 5)
        np.testing.assert_allclose(each.sum(0), central, rtol=1e-6, atol=1e-8)


@pytest.mark.parametrize("name", STEPPED)
def test_derivatives_do_not_depend_on_the_grad_mode(name):
    derivative = get_algorithm(name).residual_derivative
    expected = derivative([0.2, 0.6], 5)
    with torch.no_grad():
        np.testing.assert_array_equal(derivative([0.2, 0.6], 5), expected)
    assert (expected != 0).all()
    assert not derivative(tensor([0.2]).requires_grad_(), 5).requires_grad


@pytest.mark.parametrize("name", STEPPED)
def test_derivatives_are_the_same_in_blocks_of_points(name, monkeypatch):
    algorithm = get_algorithm(name)
    t, k = np.linspace(MU, L, 10).reshape(2, 5), [[9], [2]]
    sizes = np.linspace(0.5, 1.0, 5)
    calls = [(t, 9, None), (t, k, None), (t[0], k, sizes), (t, 0, None), (t[:, :0], 9, None)]
    if algorithm.has_step_size:
        calls += [(t, k, PerIteration((0.9,) * 9)), (t, 0, PerIteration(()))]

    def derivatives():
        return [
            formula(*call, MU, L, wrt=wrt)
            for formula in (algorithm.residual_derivative, algorithm.filter_derivative)
            for call in calls
            for wrt in ("t", "step_size")[: 1 + algorithm.has_step_size]
        ]

    whole = derivatives()
    monkeypatch.setattr("sklearn_reasoning._polynomials._evaluate._NUMBERS_AT_ONCE", 20)
    for together, in_blocks in zip(whole, derivatives(), strict=True):
        assert in_blocks.shape == together.shape
        np.testing.assert_allclose(in_blocks, together, rtol=1e-14, atol=1e-300)


@pytest.mark.parametrize("name", STEPPED)
def test_derivatives_of_no_steps_are_zero(name):
    algorithm = get_algorithm(name)
    np.testing.assert_array_equal(algorithm.residual_derivative([0.2, 0.6], 0), [0, 0])
    np.testing.assert_array_equal(algorithm.filter_derivative([0.2, 0.6], [0, 0]), [0, 0])
    if algorithm.has_step_size:
        none = algorithm.filter_derivative([0.2, 0.6], 0, PerIteration(()), wrt="step_size")
        assert none.shape == (0, 2)


def test_per_iteration_sizes_of_gd_multiply():
    t = np.linspace(MU, L, 5)
    sizes = (1.0, 0.3, 1.7)
    expected = np.prod([1 - s * t for s in sizes], axis=0)
    residual = get_algorithm("gd").residual(t, 3, PerIteration(sizes))
    np.testing.assert_allclose(residual, expected, rtol=1e-13)
    # Fewer steps than sizes take the first ones; more are refused.
    first = get_algorithm("gd").residual(t, 1, PerIteration(sizes))
    np.testing.assert_allclose(first, 1 - t, atol=1e-16)
    with pytest.raises(ValueError, match=r"k=4 steps need 4 step sizes, got 3"):
        get_algorithm("gd").residual(t, 4, PerIteration(sizes))


@pytest.mark.parametrize("name", SIZED)
def test_step_sizes_after_the_last_step_have_no_influence(name):
    algorithm, t = get_algorithm(name), np.linspace(MU, L, 4)
    for derivative in (algorithm.residual_derivative, algorithm.filter_derivative):
        each = derivative(t, 2, PerIteration((0.9, 0.4, 1.1)), wrt="step_size")
        used = derivative(t, 2, PerIteration((0.9, 0.4)), wrt="step_size")
        np.testing.assert_array_equal(each[:2], used)
        np.testing.assert_array_equal(each[2], np.zeros(4))


@pytest.mark.parametrize("name", POLYNOMIAL)
def test_arrays_give_arrays_and_tensors_tensors_of_their_dtype(name):
    algorithm = get_algorithm(name)
    array = algorithm.filter([0.2, 0.6], 4)
    assert isinstance(array, np.ndarray)
    assert array.dtype == np.float64
    single = algorithm.filter(torch.tensor([0.2, 0.6]), 4)
    assert single.dtype == torch.float32
    np.testing.assert_allclose(single.numpy(), array, rtol=1e-5)
    assert algorithm.filter(np.zeros((0, 3)) + 1, 4).shape == (0, 3)


@pytest.mark.parametrize("formula", ["residual", "filter", "residual_derivative"])
@pytest.mark.parametrize("name", STEPPED)
def test_numbers_of_steps_that_are_none(name, formula):
    call = getattr(get_algorithm(name), formula)
    for k in (-1, [3, -1], torch.tensor([-1, 3])):
        with pytest.raises(ValueError, match=r"^k.* must not be negative"):
            call([0.2, 0.6], k)
    for k in (2.5, [0.5, 1.0], torch.tensor([1.0, 2.0]), None, "3", float("nan"), float("inf")):
        with pytest.raises(TypeError, match=r"^k"):
            call([0.2, 0.6], k)
    np.testing.assert_array_equal(call([0.2, 0.6], 3.0), call([0.2, 0.6], np.int64(3)))


@pytest.mark.parametrize("name", [n for n in list_algorithms() if n not in POLYNOMIAL])
def test_methods_without_polynomials_say_so(name):
    with pytest.raises(TypeError, match=f"'{name}' is not a polynomial method"):
        get_algorithm(name).residual(0.5, 3)


def test_derivatives_by_what_is_not_there():
    with pytest.raises(ValueError, match="wrt must be 't' or 'step_size', got 'k'"):
        get_algorithm("gd").residual_derivative(0.5, 3, wrt="k")
    with pytest.raises(ValueError, match="'chebyshev' has no step size"):
        get_algorithm("chebyshev").residual_derivative(0.5, 3, wrt="step_size")


@covering("name, dtype", STEPPED, [torch.float64, torch.float32])
def test_each_element_gets_the_bits_of_its_own_k(name, dtype):
    algorithm = get_algorithm(name)
    ks = torch.tensor([*range(36), 63, 64, 100])
    generator = torch.Generator().manual_seed(0)
    t = MU + (L - MU) * torch.rand(len(ks), 3, 16, generator=generator, dtype=dtype)
    step_size = (
        0.9 * min(end(name), 2.0) * torch.rand(len(ks), 1, 1, generator=generator, dtype=dtype)
    )

    def run(rows, k):
        inputs = [x[rows].clone().requires_grad_() for x in (t, step_size)]
        q = algorithm.filter(inputs[0], k, inputs[1], MU, L)
        inputs = inputs if algorithm.has_step_size else inputs[:1]
        if not q.requires_grad:  # a recurrence that took no step
            return q, *map(torch.zeros_like, inputs)
        # Unlike gradients of q, of either sign.
        return q, *torch.autograd.grad(torch.cos(40.0 * q.detach()).mul(q).sum(), inputs)

    together = run(slice(None), ks.reshape(-1, 1, 1))
    for i, k in enumerate(ks.tolist()):
        for whole, own in zip(together, run(slice(i, i + 1), k), strict=True):
            assert torch.equal(whole[i], own[0]), k
