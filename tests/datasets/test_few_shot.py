"""What a user of generated tasks relies on."""

import numpy as np
import pytest

from sklearn_reasoning.datasets import make_few_shot

TASKS = ["sinusoid", "linear", "step"]


def one_a_task(values, n_tasks):
    return values.reshape(n_tasks, -1)


@pytest.mark.parametrize("task", TASKS)
def test_rows_are_task_by_task(task):
    X, y, groups = make_few_shot(7, 11, task=task, random_state=0)

    assert X.shape == (77, 1)
    assert y.shape == (77,)
    assert X.dtype == y.dtype == np.float64
    assert groups.tolist() == [task for task in range(7) for _ in range(11)]
    assert np.abs(X).max() <= 5
    assert np.unique(X).size == 77


def test_sinusoids_are_those_of_the_paper_on_maml():
    X, y, _ = make_few_shot(2000, 30, random_state=0)
    x, y = one_a_task(X, 2000), one_a_task(y, 2000)

    # y = amplitude sin(x - phase) is a combination of sin x and cos x, found by least squares.
    basis = np.stack([np.sin(x), np.cos(x)], axis=2)
    a, b = np.stack([np.linalg.lstsq(B, t)[0] for B, t in zip(basis, y, strict=True)], axis=1)
    np.testing.assert_allclose((basis @ np.stack([a, b])[..., None].swapaxes(0, 1))[..., 0], y)
    amplitude, phase = np.hypot(a, b), np.arctan2(-b, a)
    for found, low, high in [(amplitude, 0.1, 5.0), (phase, 0.0, np.pi)]:
        assert low <= found.min() < low + 0.02 * (high - low)
        assert high >= found.max() > high - 0.02 * (high - low)
        assert found.mean() == pytest.approx((low + high) / 2, rel=0.05)
    assert abs(np.corrcoef(amplitude, phase)[0, 1]) < 0.07


def test_lines_are_lines():
    X, y, groups = make_few_shot(300, 5, task="linear", random_state=0)
    lines = [np.polyfit(X[groups == g, 0], y[groups == g], 1, full=True) for g in range(300)]

    assert max(residual[0] for _, residual, *_ in lines) < 1e-20
    slope, intercept = np.transpose([line[0] for line in lines])
    assert -1 <= slope.min() < -0.9 < 0.9 < slope.max() <= 1
    assert -5 <= intercept.min() < -4.5 < 4.5 < intercept.max() <= 5


def test_steps_have_two_levels_and_one_place():
    X, y, _ = make_few_shot(300, 50, task="step", random_state=0)
    order = np.argsort(one_a_task(X, 300), axis=1)
    levels = np.take_along_axis(one_a_task(y, 300), order, axis=1)

    assert (np.count_nonzero(np.diff(levels, axis=1), axis=1) <= 1).all()
    assert (levels[:, 0] != levels[:, -1]).mean() > 0.9
    assert np.abs(levels).max() <= 5


@pytest.mark.parametrize("task", TASKS)
def test_fewer_tasks_are_the_first_of_more(task):
    many = make_few_shot(20, 6, task=task, noise=0.5, random_state=3)
    few = make_few_shot(4, 6, task=task, noise=0.5, random_state=3)

    for all_rows, first in zip(many, few, strict=True):
        np.testing.assert_array_equal(all_rows[:24], first)


def test_a_task_is_the_same_function_whatever_the_number_of_rows():
    def lines(n_rows):
        X, y, _ = make_few_shot(9, n_rows, task="linear", random_state=1)
        pairs = zip(one_a_task(X, 9), one_a_task(y, 9), strict=True)
        return [np.polyfit(x, t, 1) for x, t in pairs]

    np.testing.assert_allclose(lines(3), lines(12))


def test_noise_changes_y_only_and_has_its_standard_deviation():
    X, y, groups = make_few_shot(500, 20, random_state=0)
    X_noisy, y_noisy, groups_noisy = make_few_shot(500, 20, noise=0.3, random_state=0)

    np.testing.assert_array_equal(X, X_noisy)
    np.testing.assert_array_equal(groups, groups_noisy)
    assert (y_noisy - y).std() == pytest.approx(0.3, rel=0.03)
    assert abs((y_noisy - y).mean()) < 0.01


def test_seeds_and_the_global_random_state():
    np.random.seed(0)  # noqa: NPY002
    before = np.random.get_state()[1].copy()  # noqa: NPY002
    first, again, other = (make_few_shot(3, 4, random_state=seed)[1] for seed in (0, 0, 1))
    make_few_shot(3, 4)

    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)
    np.testing.assert_array_equal(before, np.random.get_state()[1])  # noqa: NPY002


@pytest.mark.parametrize(
    ("name", "value"),
    [("n_tasks", 0), ("n_rows", 0), ("task", "sine"), ("noise", -0.1), ("random_state", "seed")],
)
def test_a_bad_value_is_named(name, value):
    with pytest.raises(ValueError, match=name):
        make_few_shot(**{name: value})
