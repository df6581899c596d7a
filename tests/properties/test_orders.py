"""Fitted orders in k, near those that the closed forms have, beside Table 1's."""

import numpy as np
import pytest

from sklearn_reasoning.properties import Order, fit_orders


def test_gradient_descent_has_the_orders_of_table_1():
    for mu, phi in ((0.01, 1.0), (0.05, 0.5)):
        orders = fit_orders("gd", step_size=phi, mu=mu)
        for name, exponent in (("convergence", 0.0), ("sensitivity", 1.0)):
            assert orders[name].table == Order(exponent, 1 - phi * mu)
            assert orders[name].fitted.exponent == pytest.approx(exponent, abs=1e-6)
            assert orders[name].fitted.rate == pytest.approx(1 - phi * mu, rel=1e-9)
        assert orders["stability_in_b"].fitted.rate == pytest.approx(1 - phi * mu, rel=1e-3)
        # 1/mu^2 - q_k'(mu) = (1 - phi mu)^k (1/mu^2 + k phi / (mu (1 - phi mu)))
        assert 0.0 < orders["stability_in_Q"].fitted.exponent < 1.0


def test_nesterov_has_one_power_less_than_table_1_allows():
    s = 0.1
    orders = fit_orders("nag", k=np.arange(800, 1600, 40), step_size=1.0, mu=s**2)
    assert orders["convergence"].table == Order(1.0, 0.9)
    assert orders["sensitivity"].table == Order(3.0, 0.9)
    assert orders["convergence"].fitted.exponent == pytest.approx(1.0, abs=0.02)
    assert orders["sensitivity"].fitted.exponent == pytest.approx(2.0, abs=0.01)
    for name in ("convergence", "sensitivity"):
        assert orders[name].fitted.rate == pytest.approx(0.9, rel=1e-4)


def test_least_squares_of_the_closed_forms():
    k = np.array([50, 100, 200, 300, 400])
    s = 0.1
    for name, values in (
        ("convergence", (1 - s) ** k * (1 + k * s)),
        ("sensitivity", 0.5 * k * (k + 1) * (1 - s) ** (k - 1)),
    ):
        design = np.stack([np.ones(5), np.log(k), k], axis=1)
        expected = np.linalg.lstsq(design, np.log(values), rcond=None)[0]
        found = fit_orders("nag", k=k, step_size=1.0, mu=0.01)[name].fitted
        assert found.exponent == pytest.approx(expected[1], abs=1e-3)
        assert found.rate == pytest.approx(np.exp(expected[2]), rel=1e-4)


def test_chebyshev_and_cg_fall_as_one_over_the_chebyshev_polynomial():
    rate = (1 - np.sqrt(0.01)) / (1 + np.sqrt(0.01))
    for algo in ("chebyshev", "cg"):
        orders = fit_orders(algo)
        assert orders["convergence"].fitted.exponent == pytest.approx(0.0, abs=1e-3)
        assert orders["convergence"].fitted.rate == pytest.approx(rate, rel=1e-4)
        assert orders["convergence"].table is None
        assert orders["sensitivity"].fitted is None
    assert fit_orders("cg")["stability_in_b"].fitted is None  # nothing is proven


def test_steps_in_any_order_and_methods_without_an_order():
    shuffled = fit_orders("gd", k=[300, 50, 100, 100, 200])
    assert shuffled == fit_orders("gd", k=[50, 100, 200, 300])
    assert fit_orders("opt")["convergence"].fitted is None


def test_defaults_are_those_of_the_docstring():
    k = np.unique(np.geomspace(50, 400, 20).astype(int))
    assert fit_orders("gd") == fit_orders("gd", k, 1.0, 0.01, 1.0)
    # 1/L is the step size, and the c_0 of Table 1.
    orders = fit_orders("nag", mu=0.04, L=4.0)
    assert orders == fit_orders("nag", k, 0.25, 0.04, 4.0)
    assert orders["convergence"].table == Order(1.0, 0.9)


def test_three_numbers_of_steps_are_enough_and_no_fewer():
    fitted = fit_orders("gd", k=[1, 2, 3], mu=0.1)["sensitivity"].fitted
    assert fitted.exponent == pytest.approx(1.0, abs=1e-9)  # k 0.9^(k-1), exactly
    assert fitted.rate == pytest.approx(0.9, rel=1e-9)
    for k in ([1, 2], [1, 2, 2], [0, 1, 2]):
        with pytest.raises(ValueError, match="at least three numbers of steps from 1 on"):
            fit_orders("gd", k=k)


def test_what_is_left_to_the_limit_is_fitted_only_where_it_is_more_than_rounding():
    # In b it is 0.5^k / mu: at k = 24 more than 1e-7 of the limit 1 / mu is left no more.
    assert fit_orders("gd", k=[21, 22, 23, 24], mu=0.5)["stability_in_b"].fitted is not None
    assert fit_orders("gd", k=[22, 23, 24, 25], mu=0.5)["stability_in_b"].fitted is None
