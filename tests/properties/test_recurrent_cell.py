"""Products of norms of the recurrent cell (Table 2), against plain loops and gradient descent."""

import numpy as np
import pytest
import torch
from _covering import covering

from sklearn_reasoning.algorithms import RecurrentCell
from sklearn_reasoning.properties import convergence, sensitivity, stability, steps_needed

CELLS = [(2, 1), (3, 1), (2, 2), (4, 3)]
MU, L = 0.2, 1.0


def weights_of(cell, d, mu=MU, scale=1.0, noise=0.0, seed=0):
    rng = np.random.default_rng(seed)
    return {
        name: scale * value.numpy() + noise * rng.normal(size=tuple(value.shape))
        for name, value in cell.initial_weights(d, mu, L).items()
    }


@pytest.mark.parametrize("k", [0, 1, 2, 9, 60])
@pytest.mark.parametrize(("width", "n_layers"), CELLS)
def test_before_training_it_is_gradient_descent(width, n_layers, k):
    algorithm = RecurrentCell(width, n_layers)
    for phi in (None, weights_of(algorithm, 3)):
        arguments = (k, None, MU, L)
        found, gd = convergence(algorithm, k, phi, MU, L), convergence("gd", *arguments)
        assert found.certified == pytest.approx(gd.certified, rel=1e-8)
        assert found.attained <= found.certified
        stab, expected = stability(algorithm, k, phi, MU, L), stability("gd", *arguments)
        assert stab.in_b.certified == pytest.approx(expected.in_b.certified, rel=1e-8)
        assert stab.in_Q.certified == pytest.approx(expected.in_Q.certified, rel=1e-8)
        assert stab.in_b.attained >= 0.9 * expected.in_b.attained
        assert stab.in_Q.attained >= 0.5 * expected.in_Q.attained
        if k <= 9:
            assert found.attained >= 0.99 * gd.attained


def problems(random_matrix, rng, d):
    _, Q = random_matrix(rng, d, MU, L)
    _, other = random_matrix(rng, d, MU, L)
    Q_moved = Q + rng.choice([1.0, 1e-2]) * (other - Q)
    b, b_moved = rng.normal(size=(2, d))
    return Q, Q_moved, b, b + rng.choice([1.0, 1e-2]) * b_moved


def check_from_a_start(cell, rng, weights, k, stab, left, Q, Q_moved, b, b_moved):
    start = rng.choice([0.1, 10.0]) * rng.normal(size=len(b))
    start_moved = start + rng.choice([0.0, 1.0]) * rng.normal(size=len(b))
    opt = -np.linalg.solve(Q, b)
    norms = [np.linalg.norm(Q @ start + b), np.linalg.norm(Q_moved @ start + b_moved)]
    first, c = np.linalg.norm(start - opt), np.linalg.norm(start)
    distances = np.linalg.norm(Q - Q_moved, 2), np.linalg.norm(b - b_moved)
    both = stab.change(*distances, gradient_norm=min(norms), start_norm=c)
    apart = np.linalg.norm(start - start_moved)
    all_three = stab.change(*distances, apart, gradient_norm=norms[0], start_norm=c)
    for i, n in enumerate(k):
        y = cell(Q, b, weights, n, start)
        slack = 1e-11 * (np.linalg.norm(y) + np.linalg.norm(opt) + c)
        assert np.linalg.norm(y - opt) <= left.certified[i] * first + slack
        moved = cell(Q_moved, b_moved, weights, n, start)
        assert np.linalg.norm(y - moved) <= both[i] + slack
        moved = cell(Q_moved, b_moved, weights, n, start_moved)
        assert np.linalg.norm(y - moved) <= all_three[i] + slack


@covering(
    "size, kind", CELLS, [(1.0, 0.0), (0.4, 0.0), (0.5, 0.05), (1.0, 0.05), (1.0, 0.5)]
)  # of cells: width and layers; of weights: scale and noise
def test_loops_never_exceed_the_products(cell, random_matrix, size, kind):
    algorithm, (scale, noise) = RecurrentCell(*size), kind
    rng = np.random.default_rng(7)
    for d in (1, 2, 4):
        weights = weights_of(algorithm, d, scale=scale, noise=noise, seed=d)
        k = np.array([1, 2, 5, 12])
        left = convergence(algorithm, k, weights, MU, L)
        stab = stability(algorithm, k, weights, MU, L)
        sens = sensitivity(algorithm, k, weights, MU, L)
        for found in (left, stab.in_Q, stab.in_b, sens):
            assert (found.attained <= found.certified).all()
            assert np.isfinite(found.certified).all()
        far = convergence(algorithm, k, weights, MU, L, any_start=True)
        assert np.isfinite(far.certified).all() == (noise == 0.0 and scale == 1.0)
        for _ in range(8):
            Q, Q_moved, b, b_moved = problems(random_matrix, rng, d)
            check_from_a_start(cell, rng, weights, k, stab, far, Q, Q_moved, b, b_moved)
            opt = -np.linalg.solve(Q, b)
            for i, n in enumerate(k):
                y = cell(Q, b, weights, n)
                slack = 1e-11 * (np.linalg.norm(y) + np.linalg.norm(opt))
                bound = left.certified[i] * np.linalg.norm(opt)
                assert np.linalg.norm(y - opt) <= bound + slack
                moved = np.linalg.norm(y - cell(Q, b_moved, weights, n))
                assert moved <= stab.in_b.certified[i] * np.linalg.norm(b - b_moved) + slack
                moved = np.linalg.norm(y - cell(Q_moved, b, weights, n))
                change = np.linalg.norm(Q - Q_moved, 2) * np.linalg.norm(b)
                assert moved <= stab.in_Q.certified[i] * change + slack


@pytest.mark.parametrize(("width", "n_layers"), CELLS)
def test_sensitivity_to_the_weights(cell, random_matrix, width, n_layers):
    algorithm, d, h = RecurrentCell(width, n_layers), 3, 1e-7
    rng = np.random.default_rng(3)
    weights = weights_of(algorithm, d, noise=0.1)
    for k in (1, 3, 8):
        bound = sensitivity(algorithm, k, weights, MU, L).certified
        for _ in range(20):
            _, Q = random_matrix(rng, d, MU, L)
            b = rng.normal(size=d)
            direction = {name: rng.normal(size=value.shape) for name, value in weights.items()}
            size = np.sqrt(sum((value**2).sum() for value in direction.values()))
            moved = {name: weights[name] + h / size * direction[name] for name in weights}
            change = np.linalg.norm(cell(Q, b, moved, k) - cell(Q, b, weights, k)) / h
            assert change <= bound * np.linalg.norm(b) * (1 + 1e-5) + 1e-6


def test_a_cell_that_contracts_has_the_limits_of_table_2():
    d, c = 3, 0.5
    weights = weights_of(RecurrentCell(), d)
    weights["V"] = c * weights["V"]  # y <- c (y - g / L)
    rate = c * (1 - MU / L)
    k = np.arange(1, 40)
    stab = stability("rnn", k, weights, MU, L)
    expected = c / L * (1 - rate**k) / (1 - rate)
    np.testing.assert_allclose(stab.in_b.certified, expected, rtol=1e-7)
    in_Q = stab.in_Q.certified
    assert (np.diff(in_Q) >= 0.0).all()
    assert in_Q[-1] == pytest.approx((c / L) ** 2 / (1 - rate) ** 2, rel=1e-6)
    # Its fixed point is not the minimiser, which the bound must tell.
    left = convergence("rnn", k, weights, MU, L)
    assert left.certified[-1] >= left.attained[-1] > 0.3
    assert left.certified[-1] == pytest.approx(0.5 / (1 - rate), rel=1e-6)


def test_from_the_minimiser_a_cell_goes_where_it_wants():
    weights = weights_of(RecurrentCell(), 3)
    k = [0, 1, 5]
    # As gradient descent it stays there ...
    expected = convergence("gd", k, None, MU, L).certified
    found = convergence("rnn", k, weights, MU, L, any_start=True)
    np.testing.assert_allclose(found.certified, expected, rtol=1e-8)
    assert steps_needed("rnn", 0.1, weights, MU, L, any_start=True) is not None
    stab, gd = stability("rnn", k, weights, MU, L), stability("gd", k, None, MU, L)
    np.testing.assert_allclose(
        stab.in_Q_per_start.certified, gd.in_Q_per_start.certified, rtol=1e-8
    )
    np.testing.assert_allclose(stab.in_start.certified, gd.in_start.certified, rtol=1e-8)
    # ... and with the slightest change it does not: no fraction of a distance of 0 is enough.
    weights["V"] = 0.99 * weights["V"]
    found = convergence("rnn", k, weights, MU, L, any_start=True)
    assert found.certified.tolist() == [pytest.approx(1.0), np.inf, np.inf]
    assert np.isfinite(convergence("rnn", k, weights, MU, L).certified).all()
    assert steps_needed("rnn", 0.1, weights, MU, L, any_start=True) is None
    found = sensitivity("rnn", k, weights, MU, L, any_start=True)
    assert found.certified.tolist() == [0.0, np.inf, np.inf]


@pytest.mark.parametrize("k", [1, 2, 5])
def test_what_a_start_adds_is_reached_by_a_cell_that_leaves_the_minimiser(cell, k):
    weights = weights_of(RecurrentCell(), 1)
    weights["V"] = 1.5 * weights["V"]  # y <- 1.5 (y - g / L)
    Q, start, h = np.array([[MU]]), np.array([2.0]), 1e-6
    b = -Q @ start  # the gradient at the start is 0
    moved = cell(Q + h, b, weights, k, start) - cell(Q, b, weights, k, start)
    bound = stability("rnn", k, weights, MU, L).in_Q_per_start.certified
    assert abs(moved[0]) / h == pytest.approx(bound * 2.0, rel=1e-4)


def test_a_cell_that_stretches_grows_and_is_never_nan():
    weights = weights_of(RecurrentCell(3), 2, scale=2.0, noise=1.0)
    k = np.array([0, 1, 10, 60, 400])
    stab = stability(RecurrentCell(3), k, weights, MU, L)
    found = [convergence(RecurrentCell(3), k, weights, MU, L), stab.in_Q, stab.in_b]
    found.append(sensitivity(RecurrentCell(3), k, weights, MU, L))
    for certificate in found:
        assert not np.isnan(certificate.attained).any()
        assert not np.isnan(certificate.certified).any()
        assert (certificate.attained <= certificate.certified).all()
        assert np.isfinite(certificate.certified[:3]).all()
        assert certificate.certified[4] == np.inf
        assert (np.diff(certificate.certified[:4]) >= 0.0).all()


def test_rounding_is_not_called_attained():
    # 0.5^400 is left; a loop shows 1e-16.
    found = convergence("rnn", [100, 400], None, 0.5, 1.0)
    assert (found.attained <= found.certified).all()
    assert found.certified[1] == pytest.approx(0.5**400, rel=1e-6)
    assert convergence("rnn", 2, None, 1.0, 1.0).attained == 0.0


def test_kinds_of_weights():
    weights = RecurrentCell().initial_weights(2, MU, L)
    expected = convergence("rnn", 4, weights, MU, L).certified
    arrays = {name: value.numpy() for name, value in weights.items()}
    lists = {name: value.tolist() for name, value in weights.items()}
    learned = {name: value.float().requires_grad_() for name, value in weights.items()}
    for kind in (arrays, lists, learned):
        assert convergence("rnn", 4, kind, MU, L).certified == pytest.approx(expected, rel=1e-6)
    assert all(
        torch.equal(weights[name], value)
        for name, value in RecurrentCell().initial_weights(2, MU, L).items()
    )
