"""Polynomials over the spectrum: against recurrences and closed forms of their own."""

import matplotlib
import numpy as np
import pytest

from sklearn_reasoning.inspection import ResidualPolynomialDisplay

matplotlib.use("Agg")
plt = pytest.importorskip("matplotlib.pyplot")


@pytest.fixture(autouse=True)
def _no_figure_stays_open():
    yield
    plt.close("all")


def residual(algo, t, k, phi, mu, L):
    if algo == "gd":
        return (1 - phi * t) ** k
    if algo == "chebyshev":
        cheb = np.polynomial.chebyshev.Chebyshev.basis(k)
        return cheb((L + mu - 2 * t) / (L - mu)) / cheb((L + mu) / (L - mu))
    s = np.sqrt(mu * phi)
    beta = (1 - s) / (1 + s)
    r, r_next = np.ones_like(t), 1 - phi * t
    for _ in range(k):
        r, r_next = r_next, (1 - phi * t) * ((1 + beta) * r_next - beta * r)
    return r


@pytest.mark.parametrize("algo", ["gd", "nag", "chebyshev"])
@pytest.mark.parametrize("quantity", ["residual", "filter"])
def test_the_lines_are_the_polynomials(algo, quantity):
    mu, L, phi = 0.05, 2.0, 0.4

    display = ResidualPolynomialDisplay.from_algorithms(
        algo, [3, 7], phi, mu, L, quantity=quantity, n_points=201
    )

    for k, curve, line in zip([3, 7], display.curves, display.lines_, strict=True):
        t = line.get_xdata()
        assert (t[0], t[-1], len(t)) == (mu, L, 201)
        assert (np.diff(t) > 0.0).all()
        expected = residual(algo, t, k, phi, mu, L)
        if quantity == "filter":
            expected = (1 - expected) / t
        np.testing.assert_allclose(line.get_ydata(), expected, atol=1e-9)
        np.testing.assert_allclose(curve.largest, np.abs(expected).max(), rtol=1e-2)
        assert curve.largest >= np.abs(expected).max() * (1 - 1e-9)
        assert line.get_label() == f"{algo}, k = {k} (max {curve.largest:.3g})"


def test_a_log_axis_shows_the_modulus_and_no_bottomless_dips():
    display = ResidualPolynomialDisplay.from_algorithms("chebyshev", 3, yscale="log")

    (line,) = display.lines_
    np.testing.assert_allclose(line.get_ydata(), np.abs(display.curves[0].values))
    assert display.ax_.get_yscale() == "log"
    assert display.ax_.get_ylabel() == "|r_k(t)|"
    assert display.ax_.get_ylim()[0] == pytest.approx(1e-4 * display.curves[0].largest, rel=1e-3)


def test_filters_stand_against_the_exact_minimiser():
    display = ResidualPolynomialDisplay.from_algorithms(["gd", "opt"], 4, quantity="filter")

    t = display.reference_.get_xdata()
    np.testing.assert_allclose(display.reference_.get_ydata(), 1 / t)
    np.testing.assert_allclose(display.lines_[1].get_ydata(), 1 / t)
    assert display.ax_.get_ylabel() == "q_k(t)"
    assert ResidualPolynomialDisplay.from_algorithms("gd", 4).reference_ is None


def test_an_algorithm_has_a_colour_and_each_k_a_line_style():
    display = ResidualPolynomialDisplay.from_algorithms(["gd", "nag"], [2, 5])

    looks = [(line.get_color(), line.get_linestyle()) for line in display.lines_]
    (gd, first), (gd_again, second), (nag, first_again), (nag_again, second_again) = looks
    assert (gd, nag, first, second) == (gd_again, nag_again, first_again, second_again)
    assert gd != nag
    assert first != second
    (legend,) = display.figure_.legends
    assert len(legend.get_texts()) == 4


def test_a_spectrum_of_one_point_is_drawn():
    display = ResidualPolynomialDisplay.from_algorithms("gd", 2, 0.5, 1.0, 1.0, yscale="log")
    display.figure_.canvas.draw()
    np.testing.assert_allclose(display.lines_[0].get_ydata(), 0.25)


def test_own_axes():
    figure, ax = plt.subplots()
    display = ResidualPolynomialDisplay.from_algorithms("gd", 2, ax=ax, line_kw={"ls": ":"})
    assert (display.ax_, display.figure_) == (ax, figure)
    assert display.lines_[0].get_linestyle() == ":"
    assert ax.get_xlabel() == "eigenvalue t of Q"


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"algos": ["gd", "cg"]}, TypeError, "'cg', which is no polynomial"),
        ({"algos": "rnn"}, TypeError, "'rnn', which is no polynomial"),
        ({"algos": "gd", "quantity": "q"}, ValueError, "quantity='q'"),
        ({"algos": "gd", "yscale": "up"}, ValueError, "yscale='up'"),
        ({"algos": "gd", "n_points": 1}, ValueError, "n_points=1"),
        ({"algos": "gd", "n_points": 9.5}, ValueError, "n_points=9.5"),
        ({"algos": "gd", "k": -1}, ValueError, "-1"),
        ({"algos": "gd", "L": 0.01}, ValueError, "L=0.01"),
        ({"algos": "gd", "step_size": 0.0}, ValueError, "step_size=0.0"),
    ],
)
def test_bad_input_is_named_before_anything_is_drawn(arguments, error, message):
    with pytest.raises(error, match=message):
        ResidualPolynomialDisplay.from_algorithms(**{"k": 3, **arguments})
    assert plt.get_fignums() == []


@pytest.mark.parametrize("arguments", [{"curves": []}, {"curves": [], "quantity": "q"}])
def test_nothing_to_draw(arguments):
    with pytest.raises(ValueError, match=r"curves|quantity"):
        ResidualPolynomialDisplay(mu=0.1, L=1.0, **arguments)
