"""What a new kind of model gets from the net: beside a loop as one writes it in torch."""

import math
import pickle
from dataclasses import dataclass, replace
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose
from torch import nn

from sklearn_reasoning.algorithms import PerIteration, Problem, get_algorithm
from sklearn_reasoning.energies import DiagonalQuadratic
from sklearn_reasoning.training import (
    Model,
    ModelSettings,
    as_if_stopped,
    build_net,
    train,
    trained_models,
)

N, M, CURVATURE = 20, 3, 0.6

SETTINGS = ModelSettings(
    k=3,
    step_size=(0.9,),
    step_size_range=(0.2, 1.1),
    learn_step_size=True,
    loss="squared",
    optimizer="adam",
    lr=0.05,
    weight_decay=1e-2,
    lr_schedule="cosine",
    max_epochs=12,
    batch_size=N,
    keep="last",
    patience=None,
    tol=1e-4,
    seed=3,
)


# ---------------------------------------------------------------------- a kind of our own


class MeanSquare(nn.Module):
    """The loss of each model; its unit in the history is that of y, squared."""

    def __init__(self, losses):
        super().__init__()
        self.is_squared = [loss == "squared" for loss in losses]

    def forward(self, prediction, batch):
        return (prediction - batch.y).square().mean(dim=-1)


@dataclass(frozen=True)
class Setup:
    n_features: int
    algorithm: object


class Linear(Model):
    """The energy c/2 y^2 - w'x y of a number y, which a few steps pull down from 0."""

    criterion = MeanSquare

    def __init__(self, architecture, k, n_sizes=1, dtype=torch.float64):
        super().__init__(architecture.algorithm, 0.1, 1.0, k, n_sizes)
        self.architecture = architecture
        self.w = nn.Parameter(torch.zeros(self.n_models, architecture.n_features, dtype=dtype))

    @torch.no_grad()
    def draw_weights(self, model, seed):
        generator = torch.Generator().manual_seed(seed)
        self.w[model] = torch.randn(self.w.shape[1], generator=generator, dtype=torch.float64)

    def problem(self, batch):
        b = -(batch.x @ self.w.unsqueeze(-1))  # (n_models, n, 1)
        energy = DiagonalQuadratic(torch.full_like(b, CURVATURE), b)
        return Problem(energy, self.mu, self.L), self.phi(b.dtype)

    def readout(self, y):
        return y.squeeze(-1)

    def loss_units(self):
        return np.full(self.n_models, 2.0)


class Batches:
    """The same rows for every model, in batches of one order."""

    def __init__(self, n_models, size=N, seed=0):
        rng = np.random.default_rng(seed)
        x = rng.normal(size=(N, M))
        y = np.tanh(x[:, 0] - x[:, 1])
        self.n_models, self.size, self.n_batches = n_models, size, -(-N // size)
        self.x, self.y = (torch.tensor(each).expand(n_models, *each.shape) for each in (x, y))

    def __len__(self):
        return N

    def counts(self, number):
        return np.full(self.n_models, N)

    def epoch(self, number):
        for first in range(0, N, self.size):
            x, y = (each[:, first : first + self.size] for each in (self.x, self.y))
            count = torch.full((self.n_models,), float(x.shape[1]), dtype=torch.float64)
            yield SimpleNamespace(x=x, y=y, count=count)


def trained(settings, size=N, algo="gd", epochs=None, **options):
    net = build_net(Linear, Setup(M, get_algorithm(algo)), settings, torch.float64)
    for i, model in enumerate(settings):
        net.module_.draw_weights(i, model.seed)
    train(net, Batches(len(settings), size), epochs=epochs, **options)
    return net


def plain_loop(settings, size=N):
    """Train one model as one writes it in torch; return the losses, weights and step size."""
    generator = torch.Generator().manual_seed(settings.seed)
    w = nn.Parameter(torch.randn(M, generator=generator, dtype=torch.float64))
    phi = nn.Parameter(torch.tensor(settings.step_size[0], dtype=torch.float64))
    step_rate = settings.lr * settings.learn_step_size
    optimizer = torch.optim.Adam(
        [
            {"params": [w], "lr": settings.lr, "weight_decay": settings.weight_decay},
            {"params": [phi], "lr": step_rate},
        ]
    )
    losses = []
    for epoch in range(settings.max_epochs):
        if settings.lr_schedule == "cosine":
            share = 0.5 * (1 + math.cos(math.pi * epoch / settings.max_epochs))
            optimizer.param_groups[0]["lr"] = settings.lr * share
            optimizer.param_groups[1]["lr"] = step_rate * share
        total = 0.0
        for batch in Batches(1, size).epoch(epoch):
            x, target = batch.x[0], batch.y[0]
            y = torch.zeros_like(target)
            for _ in range(settings.k):
                y = y - phi * (CURVATURE * y - x @ w)
            loss = (y - target).square().mean()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            phi.data.clamp_(*settings.step_size_range)
            total += loss.item() * len(x)
        losses.append(total / N)
    return losses, w.detach(), phi.item()


@pytest.mark.parametrize("size", [N, 7])
def test_a_kind_of_model_is_trained_as_by_a_plain_loop(size):
    net = trained([SETTINGS], size)
    losses, w, phi = plain_loop(SETTINGS, size)
    # In the units of the kind: squared, because the loss is.
    assert_allclose(net.history[:, "train_loss"], 4.0 * np.array(losses), rtol=1e-9)
    assert_allclose(net.module_.w.detach()[0], w, rtol=1e-9)
    assert net.module_.step_size.item() == pytest.approx(phi, rel=1e-9)
    cosine = 0.025 * (1 + np.cos(np.pi * np.arange(12) / 12))
    assert_allclose(net.history[:, "lr"], cosine, rtol=1e-12)
    assert net.history[:, "epoch"] == list(range(1, 13))
    assert net.history[-1, "step_size"] == net.module_.step_size.item()
    assert "valid_loss" not in net.history[-1]


UNLIKE = [
    SETTINGS,
    replace(SETTINGS, k=1, seed=5, lr=0.02, weight_decay=0.0, max_epochs=8),
    replace(SETTINGS, k=9, seed=8, lr_schedule="constant", step_size_range=(0.85, 0.91)),
    replace(SETTINGS, k=2, seed=11, learn_step_size=False, step_size=(0.4,), lr=0.3),
]


@pytest.mark.parametrize("size", [N, 7])
def test_models_side_by_side_are_each_its_own_loop(size):
    net = trained(UNLIKE, size)
    singles = list(trained_models(net))
    assert len(singles) == len(UNLIKE)
    for settings, single in zip(UNLIKE, singles, strict=True):
        losses, w, phi = plain_loop(settings, size)
        assert_allclose(single.net.history[:, "train_loss"], 4.0 * np.array(losses), rtol=1e-8)
        assert_allclose(single.net.module_.w.detach()[0], w, rtol=1e-8, atol=1e-10)
        assert single.net.module_.step_size.item() == pytest.approx(phi, rel=1e-8)
        assert (single.n_iter, single.diverged) == (settings.max_epochs, False)
        assert len(single.net.history) == settings.max_epochs
        assert isinstance(single.net.module_, Linear)
        assert single.net.module_.k == (settings.k,)
    # The prediction of a model apart is that of its row.
    batch = next(Batches(4).epoch(0))
    alone = next(Batches(1).epoch(0))
    for i, single in enumerate(singles):
        with torch.no_grad():
            expected = net.module_(batch)[i]
            assert_allclose(single.net.module_(alone)[0], expected, rtol=1e-12)
            assert_allclose(single.net.module_(alone, k=0)[0], np.zeros(N))


def test_step_sizes_stay_in_the_range_of_their_model():
    ranges = [(0.2, 0.95), (0.88, 1.1), (0.9, 0.9)]
    settings = [replace(SETTINGS, lr=0.5, step_size_range=bounds) for bounds in ranges]
    sizes = np.array(trained(settings).history[:, "step_size"])
    low, high = np.array(ranges).T
    assert ((low <= sizes) & (sizes <= high)).all()
    assert (sizes[:, :2] == np.where(sizes[:, :2] < 0.9, low[:2], high[:2])).any()
    per_iteration = [replace(each, step_size=(0.9, 0.91, 0.92)) for each in settings]
    net = trained(per_iteration)
    sizes = np.array(net.history[:, "step_size"])
    assert sizes.shape == (12, 3, 3)
    assert ((low[:, None] <= sizes) & (sizes <= high[:, None])).all()
    phi = next(trained_models(net)).net.module_.learned()
    assert isinstance(phi, PerIteration)
    assert len(phi) == 3


class Watch:
    """Ask at the end of every epoch what would be kept."""

    def __init__(self, stop_after=None):
        self.stopped, self.stop_after = [], stop_after

    def begin_epoch(self):
        pass

    def end_epoch(self, net):
        self.stopped.append(as_if_stopped(net))
        return len(self.stopped) == self.stop_after


@pytest.mark.parametrize("keep", ["last", "best"])
def test_as_if_stopped_is_training_that_stops_there(keep):
    settings = [
        replace(each, keep=keep, lr_schedule="constant", lr=0.5, max_epochs=12) for each in UNLIKE
    ]
    watch = Watch()
    net = trained(settings, size=7, watch=watch)
    for epoch, stopped in enumerate(watch.stopped, start=1):
        shorter = trained(settings, size=7, watch=Watch(stop_after=epoch))
        for name, value in shorter.module_.state_dict().items():
            assert torch.equal(stopped.module_.state_dict()[name], value)
        assert len(stopped.history) == epoch
        assert stopped.n_steps_ == 3 * epoch
        assert type(stopped.criterion_) is MeanSquare
    assert torch.equal(watch.stopped[-1].module_.w, net.module_.w)
    if keep == "best":
        losses = np.array(net.history[:, "train_loss"])
        assert (losses.argmin(axis=0) < 11).any()  # the last is not the best of all


def test_a_net_of_a_new_kind_pickles():
    net = trained(UNLIKE)
    loaded = pickle.loads(pickle.dumps(net))
    batch = next(Batches(4).epoch(0))
    with torch.no_grad():
        assert torch.equal(loaded.module_(batch), net.module_(batch))
    for one, other in zip(loaded.history, net.history, strict=True):
        assert one.keys() == other.keys()
        assert np.array_equal(one["train_loss"], other["train_loss"])
    # Training goes on from it as from the net itself.
    goes_on = [
        build_net(Linear, Setup(M, get_algorithm("gd")), UNLIKE, torch.float64) for _ in "12"
    ]
    for new, before in zip(goes_on, (net, loaded), strict=True):
        new.go_on_from(before)
        train(new, Batches(4), epochs=2)
        assert len(new.history) == 14
    assert torch.equal(goes_on[0].module_.w, goes_on[1].module_.w)


@pytest.mark.parametrize("algo", ["chebyshev", "cg", "opt"])
def test_a_kind_trains_without_a_step_size(algo):
    settings = [replace(SETTINGS, step_size=(), seed=seed) for seed in (1, 2)]
    net = trained(settings, algo=algo)
    assert net.module_.step_size is None
    assert net.module_.learned() is None
    assert "step_size" not in net.history[-1]
    losses = np.array(net.history[:, "train_loss"])
    assert (losses[-1] < losses[0]).all()
