"""What a user of the paper's synthetic problem relies on, against plain loops."""

import numpy as np
import pytest
import torch

from sklearn_reasoning._support.random_state import independent_random_state
from sklearn_reasoning.datasets import QuadraticReasoningProblem, make_quadratic_reasoning


def small(**options):
    options = {"population_size": 300, "random_state": 0} | options
    return make_quadratic_reasoning(40, 4, 5, return_problem=True, **options)


def energy_by_hand(row, problem, m, d):
    """Q and b of one row, eigenvector by eigenvector."""
    x, b, R = row[:m], row[m : m + d], row[m + d :].reshape(d, d)
    hidden = x
    for number, weight in enumerate(problem.weights):
        hidden = np.array(
            [
                sum(hidden[i] * weight[i, j] for i in range(len(hidden)))
                for j in range(weight.shape[1])
            ]
        )
        if number < len(problem.weights) - 1:
            hidden = np.array([max(value, 0.0) for value in hidden])
    shares = np.exp(hidden) / np.exp(hidden).sum()
    spectrum = [problem.L, *(problem.mu + (problem.L - problem.mu) * shares), problem.mu]
    Q = sum(value * np.outer(R[:, j], R[:, j]) for j, value in enumerate(spectrum))
    return Q, b


def test_defaults_are_the_papers():
    X, y, problem = make_quadratic_reasoning(return_problem=True, random_state=0)

    assert X.shape == (100, 10 + 5 + 25)
    assert y.shape == (100, 5)
    assert problem.X.shape == (10_000, 40)
    assert (problem.mu, problem.L) == (0.1, 1.0)
    assert [weight.shape for weight in problem.weights] == [(10, 3), (3, 3)]
    assert X.dtype == y.dtype == problem.X.dtype == np.float64


@pytest.mark.parametrize("hidden", [0, 3])
@pytest.mark.parametrize("d", [3, 5])
def test_labels_minimise_the_energy_of_a_plain_loop(d, hidden):
    X, y, problem = make_quadratic_reasoning(
        20, 4, d, hidden=hidden, population_size=50, return_problem=True, random_state=1
    )
    Q, b = problem.energy(X)

    for i in range(20):
        Q_i, b_i = energy_by_hand(X[i], problem, 4, d)
        np.testing.assert_allclose(Q[i], Q_i, rtol=0, atol=1e-13)
        np.testing.assert_array_equal(b[i], b_i)
        np.testing.assert_allclose(Q_i @ y[i] + b_i, 0.0, atol=1e-11)
    np.testing.assert_allclose(problem.solution(X), y, rtol=1e-12)


@pytest.mark.parametrize(("mu", "L"), [(0.1, 1.0), (0.003, 7.0), (2.0, 2.0)])
def test_spectrum_is_anchored_at_mu_and_L(mu, L):
    X, _, problem = small(mu=mu, L=L)

    declared = problem.eigenvalues(X[:, :4])
    assert (declared[:, 0] == L).all()
    assert (declared[:, -1] == mu).all()
    assert declared.min() == mu
    assert declared.max() == L
    # The softmax shares the range out among the eigenvalues between the anchors.
    np.testing.assert_allclose((declared[:, 1:-1] - mu).sum(axis=1), L - mu, atol=1e-12)

    Q, _ = problem.energy(X)
    np.testing.assert_allclose(np.linalg.eigvalsh(Q), np.sort(declared), rtol=1e-9)
    np.testing.assert_allclose(Q, Q.swapaxes(1, 2), atol=1e-13 * L)


def test_rows_are_distinct_rows_of_the_population():
    X, y, problem = small()

    assert len(set(problem.train_indices.tolist())) == 40
    np.testing.assert_array_equal(X, problem.X[problem.train_indices])
    np.testing.assert_array_equal(y, problem.y[problem.train_indices])


def test_whole_population_can_be_the_training_set():
    X, _, problem = make_quadratic_reasoning(
        30, population_size=30, return_problem=True, random_state=0
    )

    assert sorted(problem.train_indices.tolist()) == list(range(30))
    assert len(X) == 30


def test_population_is_uniform_and_rotations_are_haar():
    _, _, problem = make_quadratic_reasoning(10, 3, 3, return_problem=True, random_state=0)
    x_and_b = problem.X[:, :6]
    R = problem.X[:, 6:].reshape(-1, 3, 3)

    assert np.abs(x_and_b).max() <= 5
    # Uniform on [-5, 5]: mean 0, variance 100 / 12; 10,000 draws, so five standard errors.
    np.testing.assert_allclose(x_and_b.mean(axis=0), 0, atol=0.15)
    np.testing.assert_allclose(x_and_b.var(axis=0), 100 / 12, atol=0.4)
    np.testing.assert_allclose(
        R @ R.swapaxes(1, 2), np.broadcast_to(np.eye(3), R.shape), atol=1e-13
    )
    np.testing.assert_allclose(np.linalg.det(R), 1.0)
    # Haar: E R = 0 and E R_ij^2 = 1/d; the trace of a rotation has mean 0 and variance 1.
    np.testing.assert_allclose(R.mean(axis=0), 0, atol=0.03)
    np.testing.assert_allclose((R**2).mean(axis=0), 1 / 3, atol=0.02)
    traces = np.trace(R, axis1=1, axis2=2)
    np.testing.assert_allclose([traces.mean(), traces.var()], [0, 1], atol=0.05)


def test_weights_stay_within_glorots_limit():
    _, _, problem = make_quadratic_reasoning(
        5, 200, 52, hidden=100, population_size=5, return_problem=True, random_state=0
    )

    for weight in problem.weights:
        limit = np.sqrt(6 / sum(weight.shape))
        assert 0.99 * limit < np.abs(weight).max() <= limit


def test_same_seed_gives_the_same_bits():
    first, second, other = small(noise=0.3), small(noise=0.3), small(noise=0.3, random_state=1)

    np.testing.assert_array_equal(first[0], second[0])
    np.testing.assert_array_equal(first[1], second[1])
    np.testing.assert_array_equal(first[2].X, second[2].X)
    assert not np.array_equal(first[2].X, other[2].X)
    without_problem = make_quadratic_reasoning(
        40, 4, 5, noise=0.3, population_size=300, random_state=0
    )
    assert len(without_problem) == 2
    np.testing.assert_array_equal(without_problem[1], first[1])


def test_random_state_instance_goes_on():
    rng = np.random.RandomState(0)

    first, second = small(random_state=rng), small(random_state=rng)

    np.testing.assert_array_equal(first[0], small()[0])
    assert not np.array_equal(first[0], second[0])


def test_no_seed_is_fresh_entropy():
    assert not np.array_equal(small(random_state=None)[0], small(random_state=None)[0])


@pytest.mark.parametrize("seed", [None, 3])
def test_global_random_states_are_untouched(seed):
    np.random.seed(0)  # noqa: NPY002
    before = np.random.get_state()  # noqa: NPY002
    torch_before = torch.get_rng_state()

    small(random_state=seed, noise=1.0)

    after = np.random.get_state()  # noqa: NPY002
    np.testing.assert_array_equal(before[1], after[1])
    assert before[2:] == after[2:]
    assert torch.equal(torch_before, torch.get_rng_state())


def test_independent_random_state_reads_seeds_as_scikit_learn_does():
    rng = np.random.RandomState(5)

    assert independent_random_state(rng) is rng
    assert independent_random_state(5).randint(1 << 30) == np.random.RandomState(5).randint(1 << 30)
    with pytest.raises(ValueError, match="cannot be used to seed"):
        independent_random_state("five")


def test_noise_changes_the_training_labels_alone():
    X, y, problem = small()
    X_noisy, y_noisy, noisy = small(noise=0.5)
    _, y_noisier, _ = small(noise=1.0)

    np.testing.assert_array_equal(X, X_noisy)
    np.testing.assert_array_equal(problem.X, noisy.X)
    np.testing.assert_array_equal(problem.y, noisy.y)
    np.testing.assert_array_equal(problem.train_indices, noisy.train_indices)
    assert 0.4 < (y_noisy - y).std() < 0.6
    np.testing.assert_allclose(y_noisier - y, 2 * (y_noisy - y), atol=1e-12)


def test_fewer_samples_are_the_first_of_more():
    X, y, problem = small()
    options = {"population_size": 300, "return_problem": True, "random_state": 0}
    X_fewer, y_fewer, fewer = make_quadratic_reasoning(10, 4, 5, **options)

    np.testing.assert_array_equal(problem.X, fewer.X)
    np.testing.assert_array_equal(X[:10], X_fewer)
    np.testing.assert_array_equal(y[:10], y_fewer)


def test_condition_sets_mu():
    by_condition, by_mu = small(L=2.0, condition=50), small(L=2.0, mu=0.04)

    assert by_condition[2].mu == 0.04
    np.testing.assert_array_equal(by_condition[1], by_mu[1])
    Q, _ = by_condition[2].energy(by_condition[0])
    np.testing.assert_allclose(np.linalg.cond(Q), 50)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"n_samples": 0}, "'n_samples'"),
        ({"n_samples": 2.5}, "'n_samples'"),
        ({"n_samples": 11, "population_size": 10}, "n_samples=11 .* population_size=10"),
        ({"n_features": 0}, "'n_features'"),
        ({"n_outputs": 2}, "'n_outputs'"),
        ({"mu": 0.0}, "'mu'"),
        ({"mu": np.nan}, "'mu'"),
        ({"mu": 2.0}, "mu=2.0 is larger than L=1.0"),
        ({"L": np.inf}, "'L'"),
        ({"L": 0.05}, "mu=0.1 is larger than L=0.05"),
        ({"condition": 0.5}, "'condition'"),
        ({"condition": 10.0, "mu": 0.2}, "mu=0.2 and condition=10.0"),
        ({"hidden": -1}, "'hidden'"),
        ({"hidden": None}, "'hidden'"),
        ({"noise": -0.1}, "'noise'"),
        ({"noise": "much"}, "'noise'"),
        ({"population_size": 0}, "'population_size'"),
        ({"return_problem": "yes"}, "'return_problem'"),
        ({"random_state": -1}, "'random_state'"),
        ({"random_state": np.random.default_rng(0)}, "'random_state'"),
    ],
)
def test_wrong_parameters_are_named(options, message):
    with pytest.raises(ValueError, match=message):
        make_quadratic_reasoning(**options)


@pytest.mark.parametrize("method", ["energy", "solution"])
def test_rows_of_another_layout_are_refused(method):
    X, _, problem = small()

    with pytest.raises(ValueError, match=r"X has 33 columns.* m=4 .* d=5 .* needs 34"):
        getattr(problem, method)(X[:, 1:])
    with pytest.raises(ValueError, match="X contains NaN"):
        getattr(problem, method)(np.full_like(X, np.nan))
    with pytest.raises(ValueError, match="x has 34 columns"):
        problem.eigenvalues(X)


def test_problem_is_immutable_and_prints_briefly():
    _, _, problem = small()

    assert isinstance(problem, QuadraticReasoningProblem)
    assert (problem.n_features, problem.n_outputs) == (4, 5)
    assert repr(problem) == "QuadraticReasoningProblem(mu=0.1, L=1.0)"
    with pytest.raises(AttributeError):
        problem.mu = 0.5
