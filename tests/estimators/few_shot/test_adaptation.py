"""The steps on the weights of heads, against the plain recurrence and autograd through it."""

import pytest
import torch

from sklearn_reasoning.algorithms import Problem, get_algorithm, iterates
from sklearn_reasoning.energies import DenseQuadratic
from sklearn_reasoning.estimators.few_shot._adaptation import Support, moved
from sklearn_reasoning.estimators.few_shot._matrix_filter import filtered
from sklearn_reasoning.estimators.few_shot._step_share import first_share, step_size_at

STEPPED = ["gd", "nag", "heavy_ball", "chebyshev", "cg", "fista", "admm"]
FILTERED = ["gd", "nag", "heavy_ball", "fista", "admm", "opt"]


def make_support(n, m, d=2, n_groups=3, seed=0):
    """Return groups of n rows and fewer, of m features."""
    generator = torch.Generator().manual_seed(seed)
    P, r = (
        torch.randn(n_groups, n, size, generator=generator, dtype=torch.float64) for size in (m, d)
    )
    n_rows = torch.arange(n, n - n_groups, -1).clamp_min(1)
    here = (torch.arange(n) < n_rows[:, None]).unsqueeze(-1)
    return Support(P, r * here, n_rows[:, None, None].double(), here)


def plain_steps(algorithm, support, ridge, share, k):
    """Return w_k - w_0 of each group, by the algorithm's own loop on w, from any start w_0."""
    P, r, n, here = support
    P = P * here
    m, d = P.shape[-1], r.shape[-1]
    start = torch.linspace(-1.0, 1.0, m, dtype=torch.float64)
    found = []
    for P_g, r_g, n_g in zip(P, r, n.flatten(), strict=True):
        Q = P_g.mT @ P_g / n_g + ridge * torch.eye(m, dtype=torch.float64)
        L = torch.linalg.eigvalsh(Q)[-1]
        # Step sizes of the spectrum in [1, L / ridge] are over the ridge.
        phi = None if share is None else step_size_at(algorithm, share, L / ridge) / ridge
        t = r_g + (P_g @ start).unsqueeze(-1)
        b = -(P_g.mT @ t / n_g).mT - ridge * start
        energy = DenseQuadratic(Q.expand(d, m, m), b)
        if algorithm.name == "opt":
            found.append((energy.minimizer() - start).mT)
            continue
        problem = Problem(energy, float(ridge), float(L), start=start)
        *_, last = iterates(algorithm, problem, k, phi)
        found.append((last - start).mT)
    return torch.stack(found)


def share_of(algorithm):
    first = first_share(algorithm, 30.0)
    return None if first is None else torch.tensor(0.9 * first, dtype=torch.float64)


@pytest.mark.parametrize("size", [(4, 7), (9, 5)], ids=["fewer rows", "fewer features"])
@pytest.mark.parametrize("name", [*STEPPED, "opt"])
def test_steps_are_those_on_the_weights(name, size):
    algorithm, support = get_algorithm(name), make_support(*size)
    ridge, share = torch.tensor(0.3, dtype=torch.float64), share_of(get_algorithm(name))
    found = moved(algorithm, support, ridge.reshape(1, 1, 1), share, 6)
    expected = plain_steps(algorithm, support, ridge, share, 6)
    torch.testing.assert_close(found, expected, rtol=1e-9, atol=1e-10)


@pytest.mark.parametrize("name", FILTERED)
def test_no_step_stays_at_the_start_and_many_end_at_the_minimiser(name):
    algorithm, support = get_algorithm(name), make_support(4, 7)
    ridge, share = torch.full((1, 1, 1), 0.5, dtype=torch.float64), share_of(get_algorithm(name))
    if name != "opt":
        assert not moved(algorithm, support, ridge, share, 0).any()
    P, r, n, here = support
    P = P * here
    Q = P.mT @ P / n + ridge * torch.eye(7, dtype=torch.float64)
    expected = torch.linalg.solve(Q, P.mT @ r / n)
    torch.testing.assert_close(moved(algorithm, support, ridge, share, 3000), expected)


@pytest.mark.parametrize("size", [(4, 7), (9, 5)], ids=["fewer rows", "fewer features"])
@pytest.mark.parametrize("name", FILTERED)
def test_gradients_are_those_of_the_unrolled_loop(name, size):
    algorithm, support = get_algorithm(name), make_support(*size)
    weight = torch.randn(
        3, size[1], 2, generator=torch.Generator().manual_seed(1), dtype=torch.float64
    )

    def gradients(run):
        P, r = (v.clone().requires_grad_() for v in support[:2])
        ridge = torch.full((1, 1, 1), 0.3, dtype=torch.float64, requires_grad=True)
        share = share_of(algorithm)
        leaves = [P, r, ridge]
        if share is not None:
            leaves.append(share.requires_grad_())
        fall = run(algorithm, support._replace(features=P, residual=r * support.here), ridge, share)
        return torch.autograd.grad((fall * weight).sum(), leaves)

    def unrolled(algorithm, support, ridge, share):
        # In units of the ridge, where mu is 1 and a number.
        P, r, n, here = support
        P = P * here
        falls = []
        for P_g, r_g, n_g in zip(P, r, n.flatten(), strict=True):
            Q = P_g.mT @ P_g / (n_g * ridge[0, 0, 0]) + torch.eye(size[1], dtype=torch.float64)
            L = torch.linalg.eigvalsh(Q)[-1]
            b = -(P_g.mT @ r_g / (n_g * ridge[0, 0, 0])).mT
            phi = None if share is None else step_size_at(algorithm, share, L)
            if algorithm.name == "opt":
                falls.append(torch.linalg.solve(Q, -b.mT))
                continue
            problem = Problem(DenseQuadratic(Q.expand(2, -1, -1), b), 1.0, float(L.detach()))
            *_, last = iterates(algorithm, problem, 5, phi)
            falls.append(last.mT)
        return torch.stack(falls)

    found = gradients(lambda *problem: moved(*problem, 5))
    for ours, theirs in zip(found, gradients(unrolled), strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-8, atol=1e-9)


@pytest.mark.parametrize("name", FILTERED)
def test_derivatives_at_equal_eigenvalues(name):
    algorithm = get_algorithm(name)
    # Three equal eigenvalues, two that differ by less than a divided difference can resolve.
    t = torch.tensor([0.5, 0.5, 0.5, 2.0, 2.0 + 1e-9, 5.0], dtype=torch.float64)
    U = torch.linalg.qr(
        torch.randn(6, 6, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    )[0]
    T, rhs = U @ torch.diag(t) @ U.mT, torch.ones(6, 1, dtype=torch.float64)
    share = share_of(algorithm)
    T.requires_grad_()
    value = filtered(algorithm, T, rhs, share, 4).square().sum()
    (gradient,) = torch.autograd.grad(value, T)
    direction = U @ torch.diag(torch.arange(1.0, 7.0, dtype=torch.float64)) @ U.mT
    direction = direction + 0.1 * torch.ones(6, 6, dtype=torch.float64)
    eps = 1e-5
    with torch.no_grad():
        ends = [
            filtered(algorithm, T + sign * eps * direction, rhs, share, 4).square().sum()
            for sign in (1.0, -1.0)
        ]
    expected = (ends[0] - ends[1]) / (2.0 * eps)
    torch.testing.assert_close((gradient * direction).sum(), expected, rtol=1e-6, atol=1e-8)


@pytest.mark.parametrize("name", ["gd", "nag"])
def test_what_autograd_keeps_does_not_grow_with_k(name):
    algorithm, support = get_algorithm(name), make_support(6, 9)
    ridge, share = torch.full((1, 1, 1), 0.3, dtype=torch.float64), share_of(get_algorithm(name))

    def kept(k):
        n_bytes = 0

        def pack(value):
            nonlocal n_bytes
            n_bytes += value.element_size() * value.nelement()
            return value

        P = support.features.clone().requires_grad_()
        with torch.autograd.graph.saved_tensors_hooks(pack, lambda value: value):
            moved(algorithm, support._replace(features=P), ridge, share, k)
        return n_bytes

    assert kept(2) == kept(1000)


@pytest.mark.parametrize("name", ["gd", "nag", "heavy_ball", "fista", "admm"])
def test_step_sizes_stay_in_the_stable_region_of_each_group(name):
    algorithm = get_algorithm(name)
    for L in (1.5, 30.0, 1e4):
        low, high = algorithm.stable_region(1.0, L)
        for share in (0.0, 0.3, 1.0):
            at, bound = (torch.tensor(v, dtype=torch.float64) for v in (share, L))
            size = float(step_size_at(algorithm, at, bound))
            assert low * (1 - 1e-12) <= size <= high * (1 + 1e-12)
    first = first_share(algorithm, 30.0)
    size = step_size_at(algorithm, torch.tensor(first), torch.tensor(30.0))
    assert float(size) == pytest.approx(algorithm.initial_step_size(1.0, 30.0), rel=1e-5)
