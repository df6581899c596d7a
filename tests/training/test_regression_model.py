"""The weights of regression models: their names, shapes, places and first values."""

import math

import pytest
import torch
from numpy.testing import assert_allclose

from sklearn_reasoning import HybridReasoningRegressor
from sklearn_reasoning.algorithms import PerIteration, RecurrentCell, get_algorithm
from sklearn_reasoning.training import Architecture, RegressionModel

N_FEATURES, D = 7, 3


def make_model(n_models=2, algo="gd", dtype=torch.float64, **options):
    parameters = {"n_features": N_FEATURES, "n_outputs": D, "mu": 0.1, "L": 1.0}
    parameters |= {"q_hidden": (40, 30), "b_hidden": (50,), "spectrum": "free"}
    parameters |= {"rotation": "shared", "start": "mean", "algorithm": get_algorithm(algo)}
    return RegressionModel(Architecture(**parameters | options), k=(4,) * n_models, dtype=dtype)


Q_AND_B = {
    "Q.0.matrix": (40, 7),
    "Q.0.bias": (40,),
    "Q.1.matrix": (30, 40),
    "Q.1.bias": (30,),
    "Q.2.matrix": (3, 30),
    "Q.2.bias": (3,),
    "b.0.matrix": (50, 7),
    "b.0.bias": (50,),
    "b.1.matrix": (3, 50),
    "b.1.bias": (3,),
}
CASES = [
    ({}, Q_AND_B | {"skew": (3,)}),
    ({"start": "learned"}, Q_AND_B | {"skew": (3,), "start": (3,)}),
    (
        {"start": "predicted", "start_hidden": (5,), "rotation": "identity"},
        Q_AND_B
        | {
            "start.0.matrix": (5, 7),
            "start.0.bias": (5,),
            "start.1.matrix": (3, 5),
            "start.1.bias": (3,),
        },
    ),
    (
        {"b_hidden": None, "rotation": "given", "spectrum": "anchored", "q_hidden": ()},
        {"Q.0.matrix": (1, 7), "Q.0.bias": (1,)},
    ),
    (
        {"q_hidden": None, "b_hidden": (), "rotation": "predicted"},
        {"Q.0.bias": (6,), "b.0.matrix": (3, 7), "b.0.bias": (3,)},
    ),
    (
        {"algo": "rnn", "q_hidden": None, "b_hidden": None, "rotation": "identity"},
        {"Q.0.bias": (3,), "W1_state": (6, 3), "W1_gradient": (6, 3), "V": (3, 6)},
    ),
]


@pytest.mark.parametrize(("options", "shapes"), CASES)
def test_weights_have_names_and_shapes(options, shapes):
    named = make_model(**options).named_weights(1)
    assert {name: tuple(value.shape) for name, value in named.items()} == shapes


@pytest.mark.parametrize(("options", "shapes"), CASES)
def test_named_weights_are_views_of_the_row_of_their_model(options, shapes):
    model = make_model(**options)
    written = 0
    for number, (name, value) in enumerate(model.named_weights(1).items(), start=1):
        value.fill_(float(number))
        assert (model.named_weights(1)[name] == float(number)).all()
        written += value.numel()
    row = model.weights.detach()[1]
    assert int((row != 0.0).sum()) == written == sum(map(math.prod, shapes.values()))
    assert not model.weights.detach()[0].any()
    # One place for each weight: no two names share any.
    counts = torch.bincount(row.long())[1:].tolist()
    assert counts == [math.prod(shape) for shape in shapes.values()]


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("initial_weights", ["glorot", "small"])
def test_initial_weights_fill_their_bounds(initial_weights, dtype):
    model = make_model(
        start="predicted", start_hidden=(40,), initial_weights=initial_weights, dtype=dtype
    )
    model.draw_weights(0, seed=5)
    # The network adds nothing to b at first, and starts are at the mean.
    zero = {"b.1.matrix", "start.1.matrix"}
    if initial_weights == "small":  # Q is the same for all rows
        zero.add("Q.2.matrix")
    for name, value in model.named_weights(0).items():
        if not name.endswith("matrix") or name in zero:
            assert not value.any(), name
            continue
        n_out, n_in = value.shape
        bound = math.sqrt(6 / (n_out + n_in)) if initial_weights == "glorot" else n_in**-0.5
        largest = float(value.abs().max())
        assert largest <= bound * (1 + 1e-6), name
        assert largest > 0.9 * bound, name
        # Uniform between the two: of this variance.
        assert float(value.double().var()) == pytest.approx(bound**2 / 3, rel=0.35), name
    assert not model.weights.detach()[1].any()


def test_weights_are_drawn_by_the_seed_and_no_other():
    torch.manual_seed(0)
    state = torch.get_rng_state()
    first, second = make_model(3), make_model(2)
    for i, seed in enumerate((4, 9, 4)):
        first.draw_weights(i, seed)
    second.draw_weights(1, 4)
    assert torch.equal(first.weights[0], first.weights[2])
    assert torch.equal(first.weights[0], second.weights[1])
    assert not torch.equal(first.weights[0], first.weights[1])
    assert torch.equal(torch.get_rng_state(), state)
    # In float32 they are the rounded ones.
    single = make_model(1, dtype=torch.float32)
    single.draw_weights(0, 4)
    assert torch.equal(single.weights[0], first.weights[0].float())


def test_a_cell_begins_as_it_says():
    model = make_model(algo="rnn", L=2.0)
    model.draw_weights(0, seed=1)
    named = model.named_weights(0)
    for name, value in RecurrentCell().initial_weights(D, 0.1, 2.0).items():
        assert torch.equal(named[name], value)
    assert set(model.learned()) == {"W1_state", "W1_gradient", "V"}
    assert_allclose(named["W1_gradient"], -named["W1_state"] / 2.0)


def test_no_step_of_its_own_size_has_no_step_sizes():
    """Of no steps, each with a size of its own, the certificate has an empty list of sizes."""
    model = HybridReasoningRegressor("gd", k=0, step_size_per_iteration=True, max_epochs=1)
    certificate = model.fit([[0.0], [1.0]], [0.0, 1.0]).certify()
    assert certificate.layer.phi == PerIteration(())
    assert certificate.step_size == []
