"""What is refused: the message names the parameter and the value."""

import math

import numpy as np
import pytest
import torch

from sklearn_reasoning.algorithms import PerIteration, RecurrentCell
from sklearn_reasoning.properties import (
    convergence,
    fit_orders,
    sensitivity,
    stability,
    steps_needed,
)

PROPERTIES = [convergence, stability, sensitivity]


def fails(error, message, function, *arguments, **options):
    with pytest.raises(error, match=message):
        function(*arguments, **options)


@pytest.mark.parametrize("function", PROPERTIES)
def test_algo(function):
    fails(ValueError, "Did you mean 'heavy_ball'", function, "heavyball", 3)
    fails(TypeError, "algo must be", function, 3, 3)
    fails(TypeError, "algo must be", function, RecurrentCell, 3)


@pytest.mark.parametrize("function", PROPERTIES)
def test_k(function):
    for k in (-1, [3, -1], np.array(-2), torch.tensor([1, -1])):
        fails(ValueError, "k.*must not be negative", function, "gd", k)
    for k in (1.5, "a", None, [1.5], [True], math.nan, math.inf, torch.tensor([1.0]), [None]):
        fails(TypeError, "k.*(whole number|integers)", function, "gd", k)


@pytest.mark.parametrize("function", PROPERTIES)
def test_step_size(function):
    for size in (0.0, -1.0, math.nan, math.inf, [0.5, -1.0], np.zeros(2), torch.tensor(-1.0)):
        fails(ValueError, "step_size=.*positive and finite", function, "gd", 3, size)
    for size in (object(), ["a"], [[1.0], [1.0, 2.0]], 1j):
        fails(TypeError, "step_size=.*must hold numbers", function, "gd", 3, size)
    fails(
        ValueError,
        r"k of shape \(3,\) and step_size of shape \(2,\) do not broadcast",
        function,
        "gd",
        [1, 2, 3],
        [0.1, 0.2],
    )


@pytest.mark.parametrize("function", PROPERTIES)
def test_step_sizes_per_iteration(function):
    fails(
        ValueError,
        "k=3 steps need as many step sizes, got 2",
        function,
        "gd",
        [1, 3],
        PerIteration((0.5, 0.5)),
    )
    for bad in (0.0, -0.5, math.nan, math.inf):
        fails(
            ValueError,
            "step_size=.*positive and finite",
            function,
            "gd",
            2,
            PerIteration((0.5, bad)),
        )
    for algo in ("cg", "chebyshev", "rnn", "opt"):
        fails(TypeError, "has no step size", function, algo, 1, PerIteration((0.5,)))


@pytest.mark.parametrize("function", PROPERTIES)
def test_weights(function):
    weights = RecurrentCell().initial_weights(3, 0.1, 1.0)
    for algo in ("gd", "cg"):
        fails(TypeError, f"'{algo}' has no weights", function, algo, 1, weights)
        fails(TypeError, f"'{algo}' has no weights", function, algo, 1, {})
    missing = {name: value for name, value in weights.items() if name != "V"}
    fails(ValueError, "weights of 'rnn'.*'V'", function, "rnn", 1, missing)
    fails(
        ValueError,
        "weights of 'rnn'.*'W2'",
        function,
        "rnn",
        1,
        RecurrentCell(2, 2).initial_weights(3, 0.1, 1.0),
    )
    fails(
        ValueError,
        r"'W1_state'\] must be of shape \(6, 3\).*got \(3, 6\)",
        function,
        "rnn",
        1,
        weights | {"W1_state": weights["V"]},
    )
    fails(ValueError, "must be of shape", function, "rnn", 1, weights | {"V": torch.tensor(1.0)})
    fails(
        ValueError,
        r"step_size\['V'\] must be finite",
        function,
        "rnn",
        1,
        weights | {"V": math.nan * weights["V"]},
    )
    fails(
        TypeError, r"step_size\['V'\].*must hold numbers", function, "rnn", 1, weights | {"V": "a"}
    )


@pytest.mark.parametrize("function", PROPERTIES)
@pytest.mark.parametrize(
    ("mu", "L"),
    [(0.0, 1.0), (-0.1, 1.0), (2.0, 1.0), (math.nan, 1.0), (0.1, math.inf), (0.1, math.nan)],
)
def test_bounds_of_the_spectrum(function, mu, L):
    for algo in ("gd", "cg", "opt", "rnn"):
        fails(ValueError, r"mu=.* and L=.* must satisfy 0 < mu <= L", function, algo, 3, mu=mu, L=L)
    fails(TypeError, r"mu='a' and L=.* must be numbers", function, "gd", 3, mu="a", L=1.0)


def test_ranges():
    for ends in ((1.0, 0.5), (0.0, 1.0), (-1.0, 1.0), (0.5, math.inf), (math.nan, 1.0)):
        fails(ValueError, "step_size=.*must satisfy 0 < low <= high", sensitivity, "gd", 3, ends)
    for ends in ((1.0,), (0.1, 0.2, 0.3), ("a", 1.0), (None, 1.0)):
        fails(ValueError, r"step_size=.*must be a range \(low, high\)", sensitivity, "gd", 3, ends)
    fails(ValueError, "step_size='stabel' must be 'stable'", sensitivity, "gd", 3, "stabel")
    fails(ValueError, "mu=.*must satisfy", sensitivity, "gd", 3, "stable", mu=0.0)


def test_b_norm():
    for b_norm in (-1.0, math.nan, math.inf, "a", None, [1.0]):
        fails(ValueError, "b_norm=.*not negative", stability("gd", 3).overall, b_norm)


def test_accuracy():
    for accuracy in (0.0, -1.0, math.nan, math.inf, "a", None, [0.1]):
        fails(ValueError, "accuracy=.*must be a positive number", steps_needed, "gd", accuracy)
    fails(ValueError, "step_size=.*must be a single one", steps_needed, "gd", 0.1, [0.5, 1.0])
    fails(ValueError, "step_size=.*positive and finite", steps_needed, "gd", 0.1, -1.0)
    fails(ValueError, "mu=.*must satisfy", steps_needed, "gd", 0.1, mu=2.0)


def test_orders():
    fails(ValueError, "k=.*at least three", fit_orders, "gd", [1, 2])
    fails(ValueError, "k=.*at least three", fit_orders, "gd", [0, 1, 2])
    fails(ValueError, "k=.*at least three", fit_orders, "gd", 5)
    fails(TypeError, "k=.*whole number", fit_orders, "gd", [1.5, 2.5, 3.5])
    fails(TypeError, "k=.*whole number", fit_orders, "gd", ["a", "b", "c"])
    fails(TypeError, "single number", fit_orders, "gd", None, PerIteration((0.5,) * 400))
    fails(ValueError, "step_size=-1.0 must be positive", fit_orders, "gd", None, -1.0)
    fails(ValueError, "Did you mean", fit_orders, "hevy_ball")
