"""A stack of denoisers gives what its models give, trained one by one."""

import math

import numpy as np
import pytest
import torch

from sklearn_reasoning import HybridReasoningDenoiser
from sklearn_reasoning._support.threads import on_one_thread
from sklearn_reasoning.estimators.denoiser._denoising_model import DenoisingModel, PatchLoss
from sklearn_reasoning.estimators.denoiser._parameters import architecture_of, settings_of
from sklearn_reasoning.estimators.denoiser._patches import PatchBatch
from sklearn_reasoning.estimators.denoiser._train import train_denoisers
from sklearn_reasoning.training import trained_models
from sklearn_reasoning.training._optimizers import StackAdam

SEEDS = (3, 1, 3)


def architecture(**parameters):
    defaults = {"f_channels": 3, "f_layers": 2, "g_channels": 2, "g_layers": 1}
    return architecture_of(
        HybridReasoningDenoiser(**{**defaults, "patch_size": 8, "shuffle": 1, **parameters})
    )


def settings(architecture, seed, **parameters):
    defaults = {"k": 4, "max_steps": 15, "lr": 1e-2, "weight_decay": 1e-3, "loss": "l2"}
    return settings_of(
        HybridReasoningDenoiser(
            architecture.algorithm, L=architecture.L, **{**defaults, **parameters}
        ),
        seed,
    )


def train_stack(architecture, noisy, clean, **parameters):
    """Return the net and its models, each a module of its own."""
    models = [settings(architecture, seed, **parameters) for seed in SEEDS]
    net = train_denoisers(architecture, models, lambda: (noisy, clean))
    return net, [trained.net.module_ for trained in trained_models(net)]


def patches(images, n=4):
    """Return n patches for each of three models, of shape (n, 3, 8, 8), float32."""
    noisy, clean = images(3 * n, 8, 8, seed=0)
    return (torch.from_numpy(np.float32(v)).reshape(n, 3, 8, 8) for v in (noisy, clean))


def drawn(architecture, settings):
    """Return a single model with its initial weights."""
    module = DenoisingModel(architecture, (settings.k,))
    module.draw_weights(0, settings.seed)
    module.set_step_sizes([settings])
    return module


@on_one_thread
def trained_alone(architecture, settings, batch):
    """Train a single model by a plain loop."""
    module, criterion = drawn(architecture, settings), PatchLoss([settings.loss])
    sizes = [p for p in module.parameters() if p is module.step_size]
    weights = [p for p in module.parameters() if p is not module.step_size]
    lr = torch.tensor(settings.lr)
    groups = [{"params": weights, "lr": lr, "weight_decay": torch.tensor(settings.weight_decay)}]
    if sizes and settings.learn_step_size:
        groups.append({"params": sizes, "lr": lr.double(), "weight_decay": None})
    optimizer = StackAdam(groups)
    for step in range(settings.max_steps):
        factor = 0.5 * (1.0 + math.cos(math.pi * step / settings.max_steps))
        for group in optimizer.param_groups:
            group["lr"] = group["initial_lr"] * factor
        optimizer.zero_grad()
        criterion(module(batch), batch).sum().backward()
        optimizer.step()
        module.clamp_step_sizes()
    return module


@pytest.mark.parametrize(
    ("parameters", "loss"),
    [
        ({"algo": "gd", "k": 5, "learn_step_size": False}, "l2"),
        ({"algo": "nag", "k": 7}, "l2"),
        ({"algo": "nag", "k": 3, "g_layers": 0}, "squared"),
        ({"algo": "gd", "k": 4, "f_layers": 0, "shuffle": 2}, "l2"),
        ({"algo": "cg", "k": 2}, "l2"),
    ],
)
def test_models_are_those_that_are_trained_one_by_one(images, parameters, loss):
    own = {name: parameters.pop(name) for name in ("k", "learn_step_size") if name in parameters}
    a = architecture(**parameters)
    noisy, clean = patches(images)
    net, models = train_stack(a, noisy, clean, loss=loss, **own)
    together = net.module_.restore(noisy)
    for i, seed in enumerate(SEEDS):
        one = PatchBatch(noisy[:, [i]], clean[:, [i]])
        asked = settings(a, seed, loss=loss, **own)
        alone, first = trained_alone(a, asked, one), drawn(a, asked)(one)
        # The tolerance is a thousandth of what training changes.
        tolerance = 1e-3 * float((alone(one) - first).detach().abs().max())
        assert tolerance > 1e-6
        torch.testing.assert_close(together[:, [i]], alone(one), rtol=0.0, atol=tolerance)
        torch.testing.assert_close(models[i](one), together[:, [i]], rtol=0.0, atol=1e-6)
        for name, value in alone.state_dict().items():
            found = models[i].state_dict()[name]
            torch.testing.assert_close(found, value, rtol=0.0, atol=1e-4)


def test_initial_weights_depend_on_the_seed_alone():
    a = architecture()
    stack = DenoisingModel(a, (4, 4, 4))
    for i, seed in enumerate(SEEDS):
        stack.draw_weights(i, seed)
    for i, seed in enumerate(SEEDS):
        alone = drawn(a, settings(a, seed)).state_dict()
        for name, value in stack.state_dict().items():
            assert torch.equal(value.unflatten(0, (3, -1))[i], alone[name]) or name == "step_size"


def test_the_losses_are_those_of_each_model(images):
    noisy, clean = patches(images)
    for loss in ("l2", "squared"):
        losses = PatchLoss([loss] * 3)(noisy, PatchBatch(noisy, clean))
        for i in range(3):
            error = ((noisy - clean)[:, i] ** 2).mean(dim=(1, 2))
            expected = (error if loss == "squared" else error.sqrt()).mean()
            torch.testing.assert_close(losses[i], expected)


def test_a_model_that_leaves_the_finite_numbers_leaves_the_others_alone(images):
    a = architecture()
    noisy, clean = patches(images)
    _, fine = train_stack(a, noisy, clean)
    spoilt = noisy.clone()
    spoilt[0, 1] = math.nan
    net, models = train_stack(a, spoilt, clean)
    assert net.progress_.diverged.tolist() == [False, True, False]
    for i in (0, 2):
        for name, value in fine[i].state_dict().items():
            assert torch.equal(models[i].state_dict()[name], value)


def test_no_step_leaves_the_initial_weights(images):
    a = architecture()
    noisy, clean = patches(images)
    own = {"k": 0, "learn_step_size": False, "weight_decay": 0.0}
    net, models = train_stack(a, noisy, clean, **own)
    for model, seed in zip(models, SEEDS, strict=True):
        first = drawn(a, settings(a, seed, **own))
        for p, q in zip(model.parameters(), first.parameters(), strict=True):
            assert torch.equal(p, q)
    assert bool((net.module_.restore(noisy) == 0.0).all())


def test_the_step_size_stays_in_its_range(images):
    a = architecture(algo="gd", L=4.0)
    noisy, clean = patches(images)
    fast = {"k": 2, "lr": 10.0, "lr_schedule": "constant", "max_steps": 2}
    net, _ = train_stack(a, noisy, clean, **fast)
    low, high = net.models[0].step_size_range
    assert high == 0.4  # 2 / (1 + L)
    assert set(net.module_.step_size.tolist()) <= {low, high}
