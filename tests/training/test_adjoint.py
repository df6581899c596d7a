"""Gradients without autograd: against differences of losses, and against autograd."""

import numpy as np
import pytest
import torch
from _covering import covering

from sklearn_reasoning._networks import evaluate
from sklearn_reasoning.algorithms import get_algorithm, list_algorithms
from sklearn_reasoning.penalties import (
    L1,
    Affine,
    Ball,
    Box,
    Budget,
    Columns,
    GroupL1,
    Monotone,
    Nonnegative,
    Penalty,
    Simplex,
)
from sklearn_reasoning.training import Architecture, RegressionModel, Rows, _adjoint
from sklearn_reasoning.training._batches import StackRows
from sklearn_reasoning.training._loss import StackLoss
from sklearn_reasoning.training._revival import handed_to_b

M, D, N = 7, 4, 21

CASES = {
    "shared": {},
    "identity": {"rotation": "identity", "spectrum": "anchored"},
    "given rotation": {"rotation": "given", "q_hidden": (9, 6)},
    "given b": {"rotation": "identity", "b_hidden": None, "start": "zero", "spectrum": "anchored"},
    "learned start": {"start": "learned", "spectrum": "anchored", "q_hidden": None},
    "predicted start": {"start": "predicted", "start_hidden": (6,)},
    "zero start": {"start": "zero", "rotation": "given", "spectrum": "anchored"},
    "corrected b": {"corrects": True, "start": "zero"},
    "corrected b, given rotation": {"corrects": True, "rotation": "given", "start": "learned"},
    "projected": {"penalty": Simplex(), "project": "last_step"},
    "projected start": {"penalty": Ball(1.5), "project": "last_step", "start": "learned"},
    "predicted start in a box": {
        "penalty": Box(-0.6, Columns([0])),
        "project": "last_step",
        "start": "predicted",
        "start_hidden": (6,),
        "rotation": "given",
    },
}


class Halved(Penalty):
    """A user's own term, which knows a proximal step only."""

    def value(self, y):
        return 0.5 * y.square().sum(dim=-1)

    def prox(self, v, step):
        return v / (1.0 + step)


STEPS = {
    "simplex": {"penalty": Simplex()},
    "simplices, learned start": {"penalty": Simplex(2.0, groups=(1, 3)), "start": "learned"},
    "nonnegative": {"penalty": Nonnegative(), "rotation": "identity", "spectrum": "anchored"},
    "nonnegative, given rotation": {"penalty": Nonnegative(), "rotation": "given"},
    "box at each step": CASES["predicted start in a box"] | {"project": "each_step"},
    "shares of columns": {"penalty": Simplex(Columns([0])), "corrects": True, "start": "zero"},
    "budget": {"penalty": Budget(1.0, high=0.6), "spectrum": "anchored", "start": "learned"},
    "ball, given b": {"penalty": Ball(0.5), "b_hidden": None, "start": "zero"},
    "equations": {"penalty": Affine([[1.0, 1.0, 0.0, 0.0]], [0.3])},
    "in order": {"penalty": Monotone(), "q_hidden": None},
    "l1, learned start": {"penalty": L1(0.3), "start": "learned"},
    "groups": {"penalty": GroupL1(0.3, groups=(3, 1)), "rotation": "identity"},
    "own term": {"penalty": Halved(), "start": "predicted", "start_hidden": (6,)},
}


def make(algo, case, k=(1, 6), losses=("l2", "squared"), dtype=torch.float64, **options):
    """A stack with weights of the size of trained ones, its batch and its criterion."""
    parameters = {"n_features": M, "n_outputs": D, "mu": 0.1, "L": 1.0, "start": "mean"}
    parameters |= {"q_hidden": (9,), "b_hidden": (5,), "spectrum": "free", "rotation": "shared"}
    parameters |= (CASES | STEPS).get(case, {}) | options
    a = Architecture(**parameters, algorithm=get_algorithm(algo))
    rng = np.random.default_rng(0)
    model = RegressionModel(a, k, dtype=dtype)
    with torch.no_grad():
        for i in range(len(k)):
            for weight in model.named_weights(i).values():
                weight += torch.from_numpy(rng.normal(scale=0.4, size=weight.shape))
        for buffer in (model.scale, model.start, model.spread, model.slopes, model.level):
            buffer += torch.from_numpy(rng.uniform(0.5, 1.5, size=buffer.shape))
        if a.penalty is not None:
            model.unit += torch.tensor([2.0, 0.5][: len(k)], dtype=torch.float64)
            model.offset += torch.from_numpy(rng.uniform(-1.0, 1.0, size=model.offset.shape))
        model.axes += torch.linalg.qr(torch.from_numpy(rng.normal(size=model.axes.shape)))[0]
        if model.step_size is not None:
            model.step_size *= torch.linspace(0.8, 0.9, len(k), dtype=torch.float64)
    given = {"b": rng.normal(size=(N, D))} if a.b_given else {}
    if a.rotation == "given":
        given["rotation"] = np.linalg.qr(rng.normal(size=(N, D, D)))[0]
    if a.n_limits:
        given["limits"] = rng.uniform(0.1, 1.0, size=(N, 1))
    rows = [
        Rows(rng.normal(size=(N, M)), rng.normal(size=(N, D)), rng.uniform(1, 2, size=N), **given)
        for _ in k
    ]
    offsets = [np.zeros(D)] * len(k)
    data = StackRows(a, rows, [1.0] * len(k), offsets, [N] * len(k), [0, 1], dtype, "cpu")
    (batch,) = data.epoch(0)
    return model, StackLoss(losses), batch


def by_autograd(model, criterion, batch):
    prediction = model(batch)
    losses = criterion(prediction, batch)
    grads = torch.autograd.grad(losses.sum(), list(model.parameters()), materialize_grads=True)
    return losses.detach(), prediction.detach(), grads


TAKEN = [a for a in list_algorithms() if get_algorithm(a).is_polynomial]
STEPPED = [a for a in list_algorithms() if get_algorithm(a)._momentum(0.5, 0.1) is not None]


@pytest.fixture
def nothing_handed(monkeypatch):
    """Leave out what is handed to b of outputs that are cut off: no gradient of the loss."""
    monkeypatch.setattr(_adjoint, "handed_to_b", lambda *_: None)


@pytest.mark.usefixtures("nothing_handed")
@covering("algo, case", TAKEN, CASES)
def test_gradients_are_those_of_autograd_and_of_differences(algo, case):
    check_gradients(*make(algo, case))


@pytest.mark.usefixtures("nothing_handed")
@covering("algo, case, k", STEPPED, STEPS, [(1, 6), (5, 5), (7, 0)])
def test_gradients_of_proximal_steps(algo, case, k):
    check_gradients(*make(algo, case, k))


@pytest.mark.usefixtures("nothing_handed")
@covering("algo, case", STEPPED, STEPS)
def test_gradients_of_proximal_steps_in_single_precision(algo, case):
    model, criterion, batch = make(algo, case, dtype=torch.float32)
    losses, predictions = model.adjoint(criterion).step(batch)
    expected, expected_predictions, grads = by_autograd(model, criterion, batch)
    assert losses.dtype == predictions().dtype == torch.float32
    torch.testing.assert_close(losses, expected, rtol=1e-5, atol=0.0)
    torch.testing.assert_close(predictions(), expected_predictions, rtol=1e-4, atol=1e-5)
    for parameter, grad in zip(model.parameters(), grads, strict=True):
        size = grad.abs().max().item()
        torch.testing.assert_close(parameter.grad, grad, rtol=1e-3, atol=1e-4 * size)


def check_gradients(model, criterion, batch):
    losses, predictions = model.adjoint(criterion).step(batch)
    expected, expected_predictions, grads = by_autograd(model, criterion, batch)
    torch.testing.assert_close(losses, expected, rtol=1e-12, atol=0.0)
    torch.testing.assert_close(predictions(), expected_predictions, rtol=1e-11, atol=1e-12)
    for parameter, grad in zip(model.parameters(), grads, strict=True):
        torch.testing.assert_close(parameter.grad, grad, rtol=1e-9, atol=1e-12)
    # Autograd goes through some of the same functions; these do not.
    generator = torch.Generator().manual_seed(0)
    taken_apart = [
        (parameter.data[i], parameter.grad[i])
        for parameter in model.parameters()
        if parameter is model.step_size
        for i in range(2)
    ]
    place = torch.arange(model.weights.shape[1])
    for i in range(2):
        for values in model.named_weights(i).values():
            first = values.storage_offset() - i * model.weights.shape[1]
            here = place[first:].as_strided(values.shape, values.stride())
            taken_apart.append((values, model.weights.grad[i][here]))
    for values, grad in taken_apart:
        along = torch.randn(values.shape, generator=generator, dtype=torch.float64)
        ends = []
        for sign in (1.0, -1.0):
            values += sign * 1e-5 * along
            with torch.no_grad():
                ends.append(criterion(model(batch), batch).sum())
            values -= sign * 1e-5 * along
        slope = (ends[0] - ends[1]) / 2e-5
        torch.testing.assert_close((grad * along).sum(), slope, rtol=1e-6, atol=1e-8)


@covering("algo, k", TAKEN, [0, 1, 2, 3, 10, 31])
def test_filters_have_the_gradients_of_their_recurrences(algo, k):
    algorithm = get_algorithm(algo)
    generator = torch.Generator().manual_seed(0)
    t, q_ = (0.1 + 0.9 * torch.rand(2, 3, 8, generator=generator).double() for _ in range(2))
    t[0, 0], t[0, 1] = 0.1, 1.0  # double roots, and the ends
    phi = torch.tensor([0.7, 0.95], dtype=torch.float64).reshape(2, 1, 1)
    phi = phi if algorithm.has_step_size else None
    q, pull = algorithm._filter_with_pullback(t, k, phi, 0.1, 1.0)
    t_, phi_ = pull(q_)
    if algorithm.is_exact:
        torch.testing.assert_close((q, t_), (1.0 / t, -q_ / t**2), rtol=1e-12, atol=0.0)
        return
    leaf, size = t.clone().requires_grad_(), phi
    if phi is not None:
        size = phi.clone().requires_grad_()
    by_steps = super(type(algorithm), algorithm)._filter(leaf, k, size, 0.1, 1.0)
    torch.testing.assert_close(q, by_steps.detach(), rtol=1e-12, atol=1e-13)
    if k:
        by_steps.backward(q_)
        torch.testing.assert_close(t_, leaf.grad, rtol=1e-9, atol=1e-10)
        if phi is not None:
            torch.testing.assert_close(phi_, size.grad, rtol=1e-9, atol=1e-10)


def test_a_filter_of_its_own_has_the_gradients_of_its_own():
    class Halved(type(get_algorithm("gd"))):
        name = "halved"

        def _filter(self, t, k, phi, mu, L):
            return 0.5 * phi * t

    t, phi = torch.ones(1, 2, 3), torch.full((1, 1, 1), 0.5)
    q, pull = Halved()._filter_with_pullback(t, 3, phi, 0.1, 1.0)
    t_, phi_ = pull(torch.ones_like(t))
    assert torch.equal(q, 0.25 * t)
    assert torch.equal(t_, q)
    assert phi_.item() == 3.0


def test_who_takes_gradients_by_autograd():
    class Other(RegressionModel):
        def problem(self, batch):
            return super().problem(batch)

    def taken(algo="gd", kind=RegressionModel, criterion=None, **options):
        model, loss, _ = make(algo, "shared", **options)
        model.__class__ = kind
        return model.adjoint(criterion or loss) is not None

    assert taken()
    assert not taken("rnn")
    assert not taken("cg")
    assert not taken(rotation="predicted")
    assert not taken(kind=Other)
    assert not taken(criterion=torch.nn.Identity())
    for algo in STEPPED:
        assert taken(algo, penalty=Simplex())
    assert not taken("admm", penalty=Simplex())
    assert taken("admm", penalty=Simplex(), project="last_step")
    assert not taken(penalty=Simplex(), rotation="predicted")


def test_replaced_weights_are_seen():
    model, criterion, batch = make("nag", "shared")
    adjoint = model.adjoint(criterion)
    adjoint.step(batch)
    model.weights.data = 0.5 * model.weights.data
    losses, _ = adjoint.step(batch)
    expected, _, grads = by_autograd(model, criterion, batch)
    torch.testing.assert_close(losses, expected, rtol=1e-12, atol=0.0)
    for parameter, grad in zip(model.parameters(), grads, strict=True):
        torch.testing.assert_close(parameter.grad, grad, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("n_rows", [1, 6])
def test_what_is_handed_to_b_by_a_plain_loop(n_rows):
    rng = np.random.default_rng(n_rows)
    shape = (2, 40, n_rows)
    labels = np.abs(rng.normal(size=shape)) * (rng.random(shape) < 0.4)
    labels[:, :5] -= 1.0  # outside the set
    y = np.abs(rng.normal(size=shape)) * (rng.random(shape) < 0.3)
    y[rng.random(shape) < 0.1] = labels[rng.random(shape) < 0.1].mean()
    error, weight = labels - y, rng.random(shape) < 0.9
    y_ = -error * weight
    v_ = y_ * (y > 0.0)
    expected = np.zeros(shape)
    for model, output in np.ndindex(shape[:2]):
        of = model, output
        for sign in (1, -1):
            side = np.sign(error[of]) == sign
            cut_off = side & (v_[of] == 0.0) & (y_[of] != 0.0)
            if (side & (v_[of] != 0.0)).any():
                continue
            away = np.maximum(labels[of], 0.0) != y[of]
            rows = cut_off & away
            expected[of][rows] = y_[of][rows] / -2.0
    tensors = (torch.from_numpy(v) for v in (labels, error, y_, v_))
    offset = torch.zeros(shape[:2], dtype=torch.float64)
    found = handed_to_b(Nonnegative(), offset, *tensors, 2.0)
    assert expected.any()
    np.testing.assert_array_equal(found.numpy(), expected)


def test_what_is_handed_reaches_the_network_of_b(monkeypatch):
    model, criterion, batch = make("nag", "nonnegative", (3, 6), rotation="identity")
    with torch.no_grad():
        # The minimisers of the last output of one model are far below all bounds.
        model.level[0, D - 1] += 50.0
    model.adjoint(criterion).step(batch)
    with_handed, size_ = model.weights.grad.clone(), model.step_size.grad.clone()
    handed = []

    def kept(*arguments):
        handed.append(handed_to_b(*arguments))

    monkeypatch.setattr(_adjoint, "handed_to_b", kept)
    model.adjoint(criterion).step(batch)
    assert torch.equal(size_, model.step_size.grad)
    (handed,) = handed
    assert handed[0, D - 1].any()
    outputs, _ = evaluate(model.weights, batch.x, model._layout)
    stand_in = (handed * model.linear_term(outputs, batch)).sum()
    (expected,) = torch.autograd.grad(stand_in, model.weights)
    difference = with_handed - model.weights.grad
    torch.testing.assert_close(difference, expected, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("labels", ["there", "below"])
def test_what_is_cut_off_rightly_stays_there(labels):
    model, criterion, batch = make("nag", "nonnegative", (3, 6))
    with torch.no_grad():
        model.level += 50.0
    there = -model.offset.unsqueeze(-1)
    batch.y.copy_(there if labels == "there" else there - batch.y.abs())
    model.adjoint(criterion).step(batch)
    assert not model.weights.grad.any()
