"""Nothing that plain loops do ever exceeds a certificate: property-based, over everything."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings, strategies as st

from sklearn_reasoning.algorithms import Algorithm, PerIteration, get_algorithm, list_algorithms
from sklearn_reasoning.properties import convergence, sensitivity, stability, stable_region

QUICK = {"derandomize": True, "deadline": None, "database": None}


class Extragradient(Algorithm):
    """Two gradients a step: r_k is of degree 2k."""

    name = "extragradient"
    needs = frozenset({"gradient"})

    def step(self, state, problem, phi):
        (y,) = state
        return (y - phi * problem.gradient(y - 0.5 * phi * problem.gradient(y)),)


class SteepestDescent(Algorithm):
    """Exact line search: not linear in b, and nothing is proven."""

    name = "steepest_descent"
    needs = frozenset({"gradient", "product"})
    has_step_size = False
    is_polynomial = False

    def step(self, state, problem, phi):
        (y,) = state
        g = problem.gradient(y)
        square = (g * g).sum(-1, keepdim=True)
        curvature = (g * problem.product(g)).sum(-1, keepdim=True)
        moving = curvature > 1e-300
        return (y - torch.where(moving, square / torch.where(moving, curvature, 1.0), 0.0) * g,)


ALGORITHMS = {name: name for name in list_algorithms() if name != "rnn"}
ALGORITHMS |= {"extragradient": Extragradient(), "steepest_descent": SteepestDescent()}
POLYNOMIAL = ("gd", "nag", "heavy_ball", "fista", "admm", "extragradient", "chebyshev")
WITH_STEP_SIZE = ("gd", "nag", "heavy_ball", "fista", "admm", "extragradient")


def end_of_region(name, mu, L):
    return 2.0 / L if name == "extragradient" else stable_region(name, mu, L)[1]


@st.composite
def cases(draw, names=tuple(ALGORITHMS)):
    name = draw(st.sampled_from(names))
    L = draw(st.sampled_from([1.0, 0.2, 30.0]))
    mu = L * 10.0 ** -draw(st.floats(0.0, 6.0))
    k = draw(st.integers(0, 60))
    share = draw(st.floats(0.01, 1.4))
    phi = None
    if name in WITH_STEP_SIZE:
        phi = share * end_of_region(name, mu, L)
        if draw(st.booleans()):
            factors = np.random.default_rng(k).uniform(0.2, 1.0, size=k)
            phi = PerIteration(tuple(float(phi * factor) for factor in factors))
    return name, k, phi, mu, L


def sizes_of(phi, k):
    return list(phi.sizes) if isinstance(phi, PerIteration) else [phi] * k


def problem(rng, random_matrix, d, mu, L):
    _, Q = random_matrix(rng, d, mu, L)
    _, other = random_matrix(rng, d, mu, L)
    Q_moved = Q + rng.choice([1.0, 0.3, 0.01]) * (other - Q)
    b = rng.normal(size=d) if rng.random() < 0.5 else np.linalg.eigh(Q)[1][:, 0]
    return Q, Q_moved, b, b + rng.choice([1.0, 0.1]) * rng.normal(size=d)


@settings(max_examples=40, **QUICK)
@given(case=cases())
def test_attained_is_at_most_certified(case):
    name, k, phi, mu, L = case
    arguments = (ALGORITHMS[name], k, phi, mu, L)
    stab = stability(*arguments)
    found_ = [convergence(*arguments), stab.in_Q, stab.in_b, stab.in_Q_per_start, stab.in_start]
    for found in (*found_, sensitivity(*arguments), stab.in_Q_at(3.0, 2.0)):
        assert 0.0 <= found.attained <= found.certified
        if found.eigenvalue is None:
            continue
        if name in POLYNOMIAL:
            assert found.attained <= np.finfo(float).max
            assert mu <= found.eigenvalue <= L


@settings(max_examples=40, **QUICK)
@given(case=cases(), d=st.integers(1, 6), seed=st.integers(0, 2**32 - 1))
def test_loops_never_exceed_a_certificate(loops, random_matrix, case, d, seed):
    name, k, phi, mu, L = case
    rng = np.random.default_rng(seed)
    Q, Q_moved, b, b_moved = problem(rng, random_matrix, d, mu, L)
    alg, sizes = loops[name], sizes_of(phi, k)
    y, opt = alg(Q, b, sizes, mu, L), -np.linalg.solve(Q, b)
    arguments = (ALGORITHMS[name], k, phi, mu, L)
    # Sums are rounded at the length of the longest iterate, the minimiser by the condition.
    longest = max(np.linalg.norm(alg(Q, b, sizes[:j], mu, L)) for j in (k // 2, k))
    rounding = 1e-12 * (longest + L / mu * np.linalg.norm(opt))

    bound = convergence(*arguments).certified * np.linalg.norm(opt)
    assert np.linalg.norm(y - opt) <= bound * (1 + 1e-9) + rounding

    stab = stability(*arguments)
    if name != "cg" or k < 2:
        moved = alg(Q_moved, b, sizes, mu, L)
        change = np.linalg.norm(Q - Q_moved, 2) * np.linalg.norm(b)
        bound = stab.in_Q.certified * change if change else 0.0
        assert np.linalg.norm(y - moved) <= bound * (1 + 1e-9) + rounding

        both = alg(Q_moved, b_moved, sizes, mu, L)
        bound += stab.in_b.certified * np.linalg.norm(b - b_moved)
        assert np.linalg.norm(y - both) <= bound * (1 + 1e-9) + 3 * rounding


@settings(max_examples=50, **QUICK)
@given(
    case=cases(),
    d=st.integers(1, 6),
    far=st.sampled_from([1e-2, 1.0, 1e3]),
    seed=st.integers(0, 2**32 - 1),
)
def test_loops_from_any_start_never_exceed_a_certificate(loops, random_matrix, case, d, far, seed):
    name, k, phi, mu, L = case
    rng = np.random.default_rng(seed)
    Q, Q_moved, b, b_moved = problem(rng, random_matrix, d, mu, L)
    c = far * rng.normal(size=d)
    b, b_moved = b - rng.choice([0.0, 1.0]) * Q @ c, b_moved - rng.choice([0.0, 1.0]) * Q @ c
    c_moved = c + rng.choice([0.0, 0.1, 1.0]) * rng.normal(size=d)
    alg, sizes = loops[name], sizes_of(phi, k)
    y, opt = alg(Q, b, sizes, mu, L, c), -np.linalg.solve(Q, b)
    arguments = (ALGORITHMS[name], k, phi, mu, L)
    longest = max(np.linalg.norm(alg(Q, b, sizes[:j], mu, L, c)) for j in (k // 2, k))
    lengths = longest + L / mu * (np.linalg.norm(opt) + np.linalg.norm(c) + np.linalg.norm(c_moved))
    rounding = 1e-12 * lengths

    left = convergence(*arguments, any_start=True).certified
    first = np.linalg.norm(c - opt)
    assert np.linalg.norm(y - opt) <= left * first * (1 + 1e-9) + rounding

    stab = stability(*arguments)
    if name == "cg" and k > 1:
        return
    gradients = [np.linalg.norm(Q @ c + b), np.linalg.norm(Q_moved @ c + b_moved)]
    distances = np.linalg.norm(Q - Q_moved, 2), np.linalg.norm(b - b_moved)
    here = {"gradient_norm": min(gradients), "start_norm": np.linalg.norm(c)}
    bound = stab.change(*distances, **here)
    moved = alg(Q_moved, b_moved, sizes, mu, L, c)
    assert np.linalg.norm(y - moved) <= bound * (1 + 1e-9) + 3 * rounding
    everything = alg(Q_moved, b_moved, sizes, mu, L, c_moved)
    bound = stab.change(
        *distances,
        np.linalg.norm(c - c_moved),
        gradient_norm=gradients[0],
        start_norm=np.linalg.norm(c),
    )
    assert np.linalg.norm(y - everything) <= bound * (1 + 1e-9) + 3 * rounding


@settings(max_examples=40, **QUICK)
@given(case=cases(WITH_STEP_SIZE), d=st.integers(1, 6), seed=st.integers(0, 2**32 - 1))
def test_no_direction_of_the_step_sizes_moves_the_output_more(loops, random_matrix, case, d, seed):
    name, k, phi, mu, L = case
    rng = np.random.default_rng(seed)
    _, Q = random_matrix(rng, d, mu, L)
    b, c = rng.normal(size=d), rng.choice([0.0, 1.0, 100.0]) * rng.normal(size=d)
    first = np.linalg.norm(Q @ c + b)
    sizes = np.array(sizes_of(phi, k), dtype=complex)
    direction = rng.normal(size=k) if isinstance(phi, PerIteration) else np.ones(k)
    length = np.linalg.norm(direction) if isinstance(phi, PerIteration) else 1.0
    # A complex step: the exact derivative, without differences.
    y = loops[name](Q, b + 0j, list(sizes + 1e-30j * direction), mu, L, c)
    moved = np.linalg.norm(y.imag) / 1e-30
    bound = sensitivity(ALGORITHMS[name], k, phi, mu, L, any_start=True).certified
    rounding = 1e-10 * np.linalg.norm(y.real) / np.abs(sizes).min() if k else 0.0
    assert moved <= bound * length * first * (1 + 1e-9) + rounding


# ---------------------------------------------------------------------- shapes and kinds


@pytest.mark.parametrize("name", sorted(ALGORITHMS))
def test_broadcasting_is_a_loop_over_scalars(name):
    algorithm, mu = ALGORITHMS[name], 0.02
    with_size = get_algorithm(algorithm).has_step_size
    k = np.array([[0], [1], [7], [25]])
    phi = np.array([0.3, 1.0, 1.25]) if with_size else None
    stab = stability(algorithm, k, phi, mu)
    found = [
        convergence(algorithm, k, phi, mu),
        stab.in_Q,
        stab.in_b,
        sensitivity(algorithm, k, phi, mu),
    ]
    shape = (4, 3) if with_size else (4, 1)
    for i, j in np.ndindex(*shape):
        size = phi[j] if with_size else None
        single = stability(algorithm, int(k[i, 0]), size, mu)
        alone = [
            convergence(algorithm, int(k[i, 0]), size, mu),
            single.in_Q,
            single.in_b,
            sensitivity(algorithm, int(k[i, 0]), size, mu),
        ]
        for many, one in zip(found, alone, strict=True):
            assert many.attained.shape == many.certified.shape == shape
            assert np.shape(one.certified) == ()
            # The grid of a part is that of its largest k.
            np.testing.assert_allclose(many.attained[i, j], one.attained, rtol=1e-3)
            np.testing.assert_allclose(many.certified[i, j], one.certified, rtol=1e-3)


def test_kinds_of_numbers():
    expected = float(convergence("gd", 3, 0.5, 0.1, 1.0).certified)
    sizes = (np.float64(0.5), np.float32(0.5), torch.tensor(0.5), np.array(0.5), 0.5)
    for size in sizes:
        for k in (3, np.int64(3), np.uint8(3), torch.tensor(3), np.array(3), 3.0):
            found = convergence("gd", k, size, np.float64(0.1), np.int64(1))
            assert float(found.certified) == expected
            assert isinstance(found.certified, float)
    for many in ([3, 3], (3, 3), torch.tensor([3, 3]), np.array([3, 3], dtype=np.int8)):
        assert convergence("gd", many, 0.5).certified.tolist() == [expected] * 2
    learned = torch.tensor([0.5], requires_grad=True)
    assert convergence("gd", 3, learned).certified.tolist() == [expected]
    assert convergence("gd", np.zeros((0, 2), dtype=int)).certified.shape == (0, 2)


def test_default_step_size_is_one_over_L():
    for L in (1.0, 5.0):
        default, given_ = convergence("nag", 4, None, 0.1, L), convergence("nag", 4, 1 / L, 0.1, L)
        assert default.certified == given_.certified


@pytest.mark.parametrize("name", POLYNOMIAL)
def test_a_caller_without_gradients_gets_the_same(name):
    arguments = (ALGORITHMS[name], 6, None, 0.1, 1.0)
    expected = stability(*arguments).in_Q, sensitivity(*arguments)
    for context in (torch.no_grad, torch.inference_mode):
        with context():
            found = stability(*arguments).in_Q, sensitivity(*arguments)
        for one, other in zip(expected, found, strict=True):
            assert one.attained == other.attained
            assert one.certified == other.certified


def test_random_states_and_defaults_are_left_alone():
    np.random.seed(3)  # noqa: NPY002
    torch.manual_seed(3)
    before = np.random.get_state()[1].copy(), torch.get_rng_state()  # noqa: NPY002
    for name in (*list_algorithms(), SteepestDescent()):
        stability(name, 3)
        sensitivity(name, 3)
        first, second = convergence(name, 3), convergence(name, 3)
        assert (first.attained, first.certified) == (second.attained, second.certified)
    assert (np.random.get_state()[1] == before[0]).all()  # noqa: NPY002
    assert torch.equal(torch.get_rng_state(), before[1])


def test_overall_is_the_one_constant_of_equation_7():
    stab = stability("nag", [0, 1, 5], mu=0.1)
    for b_norm in (0, 0.5, np.float32(3.0)):
        overall = stab.overall(b_norm)
        for i in range(3):
            expected = max(stab.in_Q.certified[i] * b_norm, stab.in_b.certified[i])
            assert overall.certified[i] == pytest.approx(expected, rel=1e-12)
            expected = max(
                stab.in_Q.certified[i] * b_norm + stab.in_b.certified[i] * 2.0,
                stab.in_b.certified[i],
            )
            found = stab.overall(b_norm, start_norm=2.0)
            assert found.certified[i] == pytest.approx(expected, rel=1e-12)
            assert found.attained[i] == pytest.approx(expected, rel=1e-9)  # both are at mu
    # For b = 0 the output is 0, though nothing is proven for other b.
    assert stability("cg", 3).overall(0.0).attained == pytest.approx(10.0)
    assert stability("cg", 3).overall(0.0).certified == np.inf


@pytest.mark.parametrize("name", [*POLYNOMIAL, "opt"])
def test_what_a_start_adds_follows_from_the_rest(name):
    arguments = (ALGORITHMS[name], [0, 1, 6], None, 0.1, 1.0)
    stab, left = stability(*arguments), convergence(*arguments)
    np.testing.assert_array_equal(stab.in_Q_per_start.certified, stab.in_b.certified)
    np.testing.assert_array_equal(stab.in_start.certified, left.certified)
    far = convergence(*arguments, any_start=True)
    np.testing.assert_array_equal(far.certified, left.certified)
    expected = stab.in_Q.certified * 3.0 + stab.in_b.certified * 2.0
    np.testing.assert_allclose(stab.in_Q_at(3.0, 2.0).certified, expected, rtol=1e-14)


def test_change_broadcasts_over_rows_and_k():
    stab = stability("gd", [[1], [5]], 1.0, 0.1)
    gradients, starts = np.array([1.0, 0.0, 2.0]), np.array([0.0, 3.0, 1.0])
    found = stab.change(0.1, 0.2, 0.3, gradient_norm=gradients, start_norm=starts)
    assert found.shape == (2, 3)
    for i, j in np.ndindex(2, 3):
        one = stability("gd", [1, 5][i], 1.0, 0.1)
        expected = 0.1 * (one.in_Q.certified * gradients[j] + one.in_b.certified * starts[j])
        expected += 0.2 * one.in_b.certified + 0.3 * one.in_start.certified
        assert found[i, j] == pytest.approx(expected, rel=1e-12)
    assert isinstance(stability("gd", 2).change(0.1, gradient_norm=1.0), float)
    # Where nothing is proven, what does not move still does not.
    unproven = stability("cg", 3)
    assert unproven.change(0.1, gradient_norm=1.0) == np.inf
    assert unproven.change(0.1, gradient_norm=0.0) == 0.0
    assert unproven.change(0.0, gradient_norm=1.0, start_norm=1.0) == 0.0
    assert unproven.change(0.1, gradient_norm=0.0, start_norm=1.0) == np.inf


@pytest.mark.parametrize("bad", [-1.0, np.nan, np.inf, "a", None])
def test_norms_are_checked(bad):
    stab = stability("gd", 2)
    for name in ("gradient_norm", "start_norm"):
        norms = {"gradient_norm": 1.0, "start_norm": 1.0, name: bad}
        for method in (stab.in_Q_at, stab.change):
            with pytest.raises(ValueError, match=f"{name}="):
                method(**norms)
    for name in ("Q_distance", "b_distance", "start_distance"):
        with pytest.raises(ValueError, match=f"{name}="):
            stab.change(gradient_norm=1.0, **{name: bad})
    with pytest.raises(ValueError, match="start_norm="):
        stab.overall(1.0, start_norm=bad)


def test_a_method_of_ones_own_counts_its_gradients():
    # (1 - phi t + (phi t)^2 / 2)^k is of degree 2k; its largest values are at the ends.
    phi, mu, L = 1.9, 0.1, 1.0
    for k in (1, 4, 30):
        ends = [(1 - phi * t + 0.5 * (phi * t) ** 2) ** k for t in (mu, L)]
        found = convergence(Extragradient(), k, phi, mu, L)
        assert found.attained == pytest.approx(max(ends), rel=1e-11)
        assert max(ends) <= found.certified <= 1.001 * max(ends)
