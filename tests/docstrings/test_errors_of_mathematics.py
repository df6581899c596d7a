"""Every error that the mathematics is said to raise, asked for.

A row is a public name, an error of its Raises section, a part of the message, and a call. Of an
ImportError the part is the module that is missing, and the call returns the call to make then.
"""

from functools import cache, partial

import numpy as np
import pytest
import torch
from sklearn.linear_model import Ridge

from sklearn_reasoning import (
    HybridReasoningRegressor,
    ReasoningLayer,
    algorithms,
    bounds,
    energies,
    layer,
    penalties,
    properties,
    testing,
)

X, Y = np.array([[0.0], [1.0], [2.0], [3.0]]), np.array([0.0, 1.0, 2.0, 3.0])
gd, cg = algorithms.GradientDescent(), algorithms.ConjugateGradient()
ones, one_row, one_three = torch.ones(1, 2), torch.ones(2), torch.ones(3)
nonnegative = penalties.Nonnegative()
too_few = algorithms.PerIteration((1.0,))


class Cubic(energies.Energy):
    """No quadratic energy: it provides its gradient alone."""

    def value(self, y):
        return (y.square() + y.abs() ** 3).sum(dim=-1)

    def zeros(self):
        return torch.zeros(1, 2)


class Away(penalties.Nonnegative):
    """The opposite of a projection."""

    def prox(self, v, step):
        return -v


def Regressor(algo="nag", max_epochs=1, **parameters):
    return HybridReasoningRegressor(algo, max_epochs=max_epochs, random_state=0, **parameters)


@cache
def fitted(**parameters):
    return Regressor(**parameters).fit(X, Y)


def norms(**changed):
    values = {"sizes": (3, 2), "spectral": (1.0,), "frobenius": (1.4,), "bias": (0.1,)}
    values |= {"input_norm": 2.0, "lipschitz": 0.5, "radius": 1.0}
    return bounds.NetworkNorms(**(values | changed))


def lemma_1(**changed):
    values = {"representation_error": 1.0, "convergence": 1.0, "sigma_b": 1.0, "mu": 1.0, "M": 1.0}
    return bounds.approximation_bound(**(values | changed))


def lemma_2(**changed):
    values = {"mean_squared_loss": 1.0, "convergence": 1.0, "sigma_b": 1.0, "L": 1.0, "M": 1.0}
    return bounds.representation_bound(**(values | changed))


def level(**changed):
    values = {"level": 1.0, "convergence": 1.0, "sigma_b": 1.0, "L": 1.0, "M": 1.0}
    return bounds.representation_level(**(values | changed))


def theorem(**changed):
    values = {"log_covering_number": 1.0, "n_samples": 9, "d": 2, "convergence": 1.0}
    values |= {"stability": 1.0, "level": 1.0, "M": 1.0}
    return bounds.local_rademacher_bound(**(values | changed))


def cover(**changed):
    values = {"eps": 1.0, "stability": 1.0, "log_covering_Q": np.zeros_like}
    return bounds.covering_number_bound(**(values | changed))


def polynomial_rows():
    for name in ("residual", "filter", "residual_derivative", "filter_derivative"):
        of_gd, of_cg = getattr(gd, name), getattr(cg, name)
        yield f"Algorithm.{name}", "TypeError", "'cg' is not", partial(of_cg, 0.5, 2)
        yield f"Algorithm.{name}", "TypeError", "k=1.5", partial(of_gd, 0.5, 1.5)
        yield f"Algorithm.{name}", "ValueError", "k=-1", partial(of_gd, 0.5, -1)
        yield f"Algorithm.{name}", "ValueError", "k=2", partial(of_gd, 0.5, 2, too_few)
    for name in ("residual_derivative", "filter_derivative"):
        call = partial(getattr(gd, name), 0.5, 2, wrt="k")
        yield f"Algorithm.{name}", "ValueError", "wrt", call
        chebyshev = algorithms.ChebyshevIteration()
        call = partial(getattr(chebyshev, name), 0.5, 2, wrt="step_size")
        yield f"Algorithm.{name}", "ValueError", "no step size", call


def property_rows():
    for function in (properties.convergence, properties.stability, properties.sensitivity):
        name = function.__name__
        yield name, "TypeError", "algo", partial(function, 3, 2)
        yield name, "TypeError", "step_size", partial(function, "gd", 2, object())
        yield name, "ValueError", "mu=2.0", partial(function, "gd", 2, mu=2.0)
        yield name, "ValueError", "broadcast", partial(function, "gd", [1, 2], [0.1, 0.2, 0.3])
    yield "sensitivity", "ValueError", "step_size", partial(properties.sensitivity, "gd", 2, (1, 0))
    yield "stable_region", "TypeError", "mu='a'", partial(properties.stable_region, "gd", "a", 1.0)
    yield (
        "stable_region",
        "ValueError",
        "Did you mean",
        partial(properties.stable_region, "nga", 0.1, 1.0),
    )
    yield "steps_needed", "TypeError", "algo", partial(properties.steps_needed, 3, 0.1)
    yield "steps_needed", "ValueError", "accuracy", partial(properties.steps_needed, "gd", 0.0)
    yield (
        "fit_orders",
        "TypeError",
        "step_size",
        partial(properties.fit_orders, "gd", step_size=too_few),
    )
    yield "fit_orders", "ValueError", "k=", partial(properties.fit_orders, "gd", k=[1])
    yield "certify", "TypeError", "estimator=Ridge", partial(properties.certify, Ridge())
    yield "certify", "ValueError", "accuracy", lambda: properties.certify(fitted(), accuracy=0.0)
    yield "certify", "NotFittedError", "fitted", partial(properties.certify, Regressor())


def bound_rows():
    transfer = partial(bounds.rademacher_transfer_bound, d=2, stability=1.0)
    of_steps = bounds.step_size_log_covering_number
    yield "approximation_bound", "TypeError", "mu", partial(lemma_1, mu="a")
    yield "approximation_bound", "ValueError", "M", partial(lemma_1, M=-1.0)
    yield "representation_bound", "TypeError", "L", partial(lemma_2, L="a")
    yield "representation_bound", "ValueError", "sigma_b", partial(lemma_2, sigma_b=0.0)
    yield "representation_level", "TypeError", "level", partial(level, level="a")
    yield "representation_level", "ValueError", "level", partial(level, level=-1.0)
    yield "local_rademacher_bound", "TypeError", "level", partial(theorem, level="a")
    yield "local_rademacher_bound", "ValueError", "n_samples", partial(theorem, n_samples=0)
    yield "covering_number_bound", "TypeError", "eps", partial(cover, eps="a")
    yield "covering_number_bound", "TypeError", "log_covering_Q", partial(cover, log_covering_Q=3)
    yield "covering_number_bound", "ValueError", "eps", partial(cover, eps=0.0)
    yield (
        "covering_number_bound",
        "ValueError",
        "log_covering_Q",
        partial(cover, log_covering_Q=lambda eps: -eps),
    )
    yield "rademacher_transfer_bound", "TypeError", "complexity", partial(transfer, "a")
    yield "rademacher_transfer_bound", "ValueError", "complexity", partial(transfer, -1.0)
    yield "step_size_log_covering_number", "TypeError", "eps", partial(of_steps, "a", 1.0)
    yield "step_size_log_covering_number", "ValueError", "finite", partial(of_steps, 1.0, np.inf)
    of_losses = partial(bounds.loss_difference_bound, stability=1.0)
    yield "loss_difference_bound", "TypeError", "Q_distance", partial(of_losses, "a")
    yield "loss_difference_bound", "ValueError", "Q_distance", partial(of_losses, np.nan)
    of_networks = bounds.mlp_log_covering_number
    yield "mlp_log_covering_number", "TypeError", "norms", partial(of_networks, 1.0, 3)
    yield "mlp_log_covering_number", "ValueError", "eps", lambda: of_networks(-1.0, norms())
    yield "NetworkNorms", "TypeError", "radius", partial(norms, radius="a")
    yield "NetworkNorms", "ValueError", "bias", partial(norms, bias=(0.1, 0.1))
    yield "CoveringTerms", "TypeError", "constant_1", partial(bounds.CoveringTerms, "a")
    yield "CoveringTerms", "ValueError", "constant_2", partial(bounds.CoveringTerms, 1.0, 0.0)
    for name in ("network_norms", "empirical_rademacher"):
        call = partial(getattr(bounds, name), X=X, **({} if name == "network_norms" else {"y": Y}))
        yield name, "TypeError", "estimator", partial(call, Ridge())
        yield name, "NotFittedError", "fitted", partial(call, Regressor())
    yield (
        "network_norms",
        "TypeError",
        "scale",
        lambda: bounds.network_norms(fitted(), X, scale="a"),
    )
    yield (
        "network_norms",
        "ValueError",
        "metric",
        lambda: bounds.network_norms(fitted(), X, metric="l1"),
    )
    yield (
        "empirical_rademacher",
        "ValueError",
        "level",
        lambda: bounds.empirical_rademacher(fitted(), X, Y),
    )


def energy_and_layer_rows():
    square = torch.ones(1, 2, 2)
    yield (
        "DenseQuadratic",
        "TypeError",
        "dtype",
        partial(energies.DenseQuadratic, square.int(), ones),
    )
    yield (
        "DenseQuadratic",
        "ValueError",
        "(1, 2, 2)",
        partial(energies.DenseQuadratic, square, torch.ones(1, 3)),
    )
    yield (
        "DiagonalQuadratic",
        "TypeError",
        "b",
        partial(energies.DiagonalQuadratic, ones, ones.double()),
    )
    yield (
        "DiagonalQuadratic",
        "ValueError",
        "diagonal",
        partial(energies.DiagonalQuadratic, ones, torch.ones(1, 3)),
    )
    yield (
        "SpectralQuadratic",
        "TypeError",
        "rotation",
        partial(energies.SpectralQuadratic, ones, square.double(), ones),
    )
    yield (
        "SpectralQuadratic",
        "ValueError",
        "rotation",
        partial(energies.SpectralQuadratic, ones, torch.ones(1, 3, 3), ones),
    )
    yield (
        "suggest_spectrum",
        "ValueError",
        "shape",
        partial(energies.suggest_spectrum, [1.0], [1.0]),
    )
    yield (
        "suggest_spectrum",
        "ValueError",
        "wrong way",
        partial(energies.suggest_spectrum, [[1.0]], [[1.0]]),
    )
    yield "OperatorQuadratic", "TypeError", "matvec", partial(energies.OperatorQuadratic, 3, ones)
    yield (
        "OperatorQuadratic",
        "TypeError",
        "b",
        partial(energies.OperatorQuadratic, abs, ones.int()),
    )
    yield "OperatorQuadratic", "ValueError", "b", partial(energies.OperatorQuadratic, abs, one_row)
    yield "ReasoningLayer", "TypeError", "algo", partial(ReasoningLayer, 3)
    yield "ReasoningLayer", "TypeError", "k=1.5", partial(ReasoningLayer, "gd", 1.5)
    yield "ReasoningLayer", "TypeError", "mu", partial(ReasoningLayer, "gd", mu="a")
    yield "ReasoningLayer", "TypeError", "step_size", partial(ReasoningLayer, "gd", step_size="a")
    yield "ReasoningLayer", "ValueError", "Did you mean", partial(ReasoningLayer, "nga")
    yield "ReasoningLayer", "ValueError", "k=-1", partial(ReasoningLayer, "gd", -1)
    yield "ReasoningLayer", "ValueError", "mu=2", partial(ReasoningLayer, "gd", mu=2.0)
    yield "ReasoningLayer", "ValueError", "step_size=9", partial(ReasoningLayer, step_size=9.0)
    yield (
        "ReasoningLayer",
        "ValueError",
        "step_size_per_iteration",
        partial(ReasoningLayer, "gd", torch.tensor([1, 2]), step_size_per_iteration=True),
    )
    energy = energies.DiagonalQuadratic(ones, ones)
    two_rows = energies.DiagonalQuadratic(torch.ones(2, 2), torch.ones(2, 2))
    reasoning, sizes = ReasoningLayer("gd", 1), {"step_size_per_iteration": True}
    yield "ReasoningLayer.forward", "TypeError", "k=1.5", partial(reasoning, energy, 1.5)
    yield "ReasoningLayer.forward", "ValueError", "k=-1", partial(reasoning, energy, -1)
    yield (
        "ReasoningLayer.forward",
        "ValueError",
        "k of shape",
        partial(reasoning, two_rows, torch.tensor([1, 2, 3])),
    )
    yield (
        "ReasoningLayer.forward",
        "ValueError",
        "k=2",
        partial(ReasoningLayer("gd", 1, **sizes), energy, 2),
    )
    at = partial(reasoning, energy, start=None)
    yield "ReasoningLayer.forward", "TypeError", "start", partial(at, start=[0.0, 0.0])
    yield "ReasoningLayer.forward", "TypeError", "start", partial(at, start=ones.int())
    yield (
        "ReasoningLayer.forward",
        "ValueError",
        "start of shape (3,)",
        partial(at, start=one_three),
    )
    yield (
        "ReasoningLayer.forward",
        "ValueError",
        "algo='cg' needs 'minimizer' and 'product'",
        partial(ReasoningLayer("cg"), Cubic()),
    )
    yield "ReasoningLayer", "TypeError", "penalty=3", partial(ReasoningLayer, penalty=3)
    yield (
        "ReasoningLayer",
        "ValueError",
        "algo='cg' needs 'gradient' and 'product', which a problem with penalty=",
        partial(ReasoningLayer, "cg", penalty=nonnegative),
    )
    problem = partial(algorithms.Problem, mu=0.1, L=1.0)
    yield (
        "minimize",
        "ValueError",
        "'opt' needs 'minimizer'",
        partial(layer.minimize, algorithms.ExactMinimizer(), problem(Cubic()), 2, None),
    )
    yield (
        "check_needs",
        "TypeError",
        "penalty='positive' must be a Penalty or None",
        partial(layer.check_needs, gd, problem(energy, penalty="positive")),
    )
    yield (
        "check_needs",
        "ValueError",
        "energies of Cubic do not provide. Use one of ['gd', 'nag', 'heavy_ball', 'chebyshev', ",
        partial(layer.check_needs, cg, problem(Cubic())),
    )
    takes = layer.check_takes_penalty
    yield "check_takes_penalty", "TypeError", "penalty", partial(takes, gd, penalties.Nonnegative)
    yield (
        "check_takes_penalty",
        "ValueError",
        "penalty=Nonnegative() does not provide. Use one of ['gd', 'nag', 'heavy_ball', 'opt', ",
        partial(takes, cg, nonnegative),
    )
    resolve = partial(layer.resolve_step_size, gd, mu=0.1, L=1.0)
    yield "resolve_step_size", "TypeError", "step_size", partial(resolve, "a", "stable")
    yield "resolve_step_size", "ValueError", "step_size", partial(resolve, 9.0, "stable")
    yield "resolve_step_size", "ValueError", "step_size_range", partial(resolve, None, (1.0, 0.5))


def algorithm_rows():
    class Another(algorithms.GradientDescent):
        name = "gd"

        def step(self, state, problem, phi):
            return (problem.descend(state[0], -phi),)

    problem = algorithms.Problem(energies.DiagonalQuadratic(ones, ones), 0.1, 1.0)
    yield "get_algorithm", "TypeError", "algo", partial(algorithms.get_algorithm, 3)
    yield "get_algorithm", "ValueError", "nag", partial(algorithms.get_algorithm, "nga")
    yield "register_algorithm", "TypeError", "class", partial(algorithms.register_algorithm, int)
    yield "register_algorithm", "ValueError", "gd", partial(algorithms.register_algorithm, Another)
    yield "RecurrentCell", "ValueError", "width", partial(algorithms.RecurrentCell, 1)
    yield "RecurrentCell", "ValueError", "n_layers", partial(algorithms.RecurrentCell, 2, 0)
    yield (
        "ExactMinimizer.step",
        "NotImplementedError",
        "minimizer()",
        partial(algorithms.ExactMinimizer().step, (ones,), problem, None),
    )
    yield (
        "iterates",
        "ValueError",
        "k=2 steps need 2 step sizes, got 1",
        lambda: list(algorithms.iterates(gd, problem, 2, too_few)),
    )
    yield (
        "last_iterate",
        "ValueError",
        "k=2 steps need 2 step sizes, got 1",
        partial(algorithms.last_iterate, gd, problem, 2, too_few),
    )
    yield (
        "StabilityCertificate.overall",
        "ValueError",
        "b_norm",
        partial(properties.stability("gd", 2).overall, -1.0),
    )
    stab = properties.stability("gd", 2)
    negative = {"gradient_norm": 1.0, "start_norm": -1.0}
    for name, method in (("in_Q_at", stab.in_Q_at), ("change", stab.change)):
        yield (
            f"StabilityCertificate.{name}",
            "ValueError",
            "start_norm",
            partial(method, **negative),
        )
    yield "check_algorithm", "AssertionError", "gd", partial(testing.check_algorithm, Another())
    yield "check_algorithm", "ValueError", "Did you mean", partial(testing.check_algorithm, "nga")
    yield "check_algorithm", "TypeError", "algo", partial(testing.check_algorithm, 3)
    yield (
        "check_energy",
        "AssertionError",
        "not symmetric",
        partial(testing.check_energy, energies.OperatorQuadratic(lambda y: y.cumsum(-1), ones)),
    )
    yield "check_penalty", "AssertionError", "nonexpansive", partial(testing.check_penalty, Away())
    yield "check_penalty", "TypeError", "must be a Penalty", partial(testing.check_penalty, "l1")


def penalty_rows():
    box, budget, simplex = penalties.Box, penalties.Budget, penalties.Simplex
    l1, group_l1, columns = penalties.L1, penalties.GroupL1, penalties.Columns
    affine, ball = penalties.Affine, penalties.Ball
    yield "Affine", "TypeError", "must be a matrix of numbers", partial(affine, "A", 0.0)
    yield "Affine", "ValueError", "A y = c has no solution", partial(affine, [[0.0]], 1.0)
    yield "Ball", "TypeError", "radius='wide' must be a number", partial(ball, "wide")
    yield "Ball", "ValueError", "radius=-1 must not be negative", partial(ball, -1.0)
    yield "Box", "TypeError", "low='low' must be a number", partial(box, "low", 1.0)
    yield "Box", "ValueError", "low=1 must not be above high=0", partial(box, 1.0, 0.0)
    yield "Budget", "TypeError", "total='all' must be a number", partial(budget, "all")
    yield "Budget", "ValueError", "the set is empty", partial(budget, 3.0, high=[1.0, 1.0])
    yield "Columns", "TypeError", "write Columns(['load'])", partial(columns, "load")
    yield "Columns", "ValueError", "lists no column", partial(columns, [])
    yield "GroupL1", "TypeError", "groups=3 must list sizes", partial(group_l1, 1.0, 3)
    yield "GroupL1", "ValueError", "weight=-1 must not", partial(group_l1, -1.0, (1, 2))
    yield "L1", "TypeError", "weight='much' must be a number", partial(l1, "much")
    yield "L1", "ValueError", "weight=-1 must not be negative", partial(l1, -1.0)
    yield "Monotone", "TypeError", "increasing='yes'", partial(penalties.Monotone, "yes")
    yield "Simplex", "TypeError", "total='all' must be a number", partial(simplex, "all")
    yield "Simplex", "ValueError", "total=-1 is negative", partial(simplex, -1.0)
    yield "Penalty.check", "ValueError", "high holds 2 numbers", partial(box(0, [1, 2]).check, 3)
    yield "Penalty.project", "TypeError", "ndarray", partial(simplex().project, np.ones((1, 2)))
    yield "Penalty.project", "ValueError", "outputs", partial(simplex().project, ones[:, :0])
    yield (
        "Penalty.with_columns",
        "ValueError",
        "do not go with the 1 columns ['cap']",
        partial(box(0, columns(["cap"])).with_columns, ones),
    )


ROWS = [
    row
    for rows in (
        polynomial_rows,
        property_rows,
        bound_rows,
        energy_and_layer_rows,
        algorithm_rows,
        penalty_rows,
    )
    for row in rows()
]


@pytest.mark.parametrize(("name", "error", "part", "call"), ROWS, ids=[row[0] for row in ROWS])
def test_error(name, error, part, call, provoke):
    provoke(error, part, call)


def test_every_documented_error_is_asked_for(documented_errors):
    asked = {(name, error) for name, error, *_ in ROWS}
    assert asked == documented_errors(
        "algorithms", "bounds", "energies", "layer", "penalties", "properties", "testing"
    )
