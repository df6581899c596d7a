"""A stack of denoisers gives what its models give, trained one by one."""

import math
from dataclasses import replace

import numpy as np
import pytest
import torch

from sklearn_reasoning import HybridReasoningDenoiser
from sklearn_reasoning._threads import on_one_thread
from sklearn_reasoning.imaging._module import DenoisingModule, PatchLoss
from sklearn_reasoning.imaging._parameters import architecture_of
from sklearn_reasoning.imaging._settings import DenoiserSettings
from sklearn_reasoning.imaging._stack import DenoisingStack, patch_losses, train_stack
from sklearn_reasoning.training._optimizers import StackAdam

SETTINGS = DenoiserSettings(
    max_steps=15, lr=1e-2, lr_schedule="cosine", weight_decay=1e-3, mixed_precision=False
)
SEEDS = (3, 1, 3)


def architecture(**parameters):
    defaults = {"f_channels": 3, "f_layers": 2, "g_channels": 2, "g_layers": 1}
    return architecture_of(
        HybridReasoningDenoiser(**{**defaults, "patch_size": 8, "shuffle": 1, **parameters})
    )


def patches(images, n=4):
    """Return n patches for each of three models, of shape (n, 3, 8, 8), float32."""
    noisy, clean = images(3 * n, 8, 8, seed=0)
    return (torch.from_numpy(np.float32(v)).reshape(n, 3, 8, 8) for v in (noisy, clean))


@on_one_thread
def trained_alone(architecture, settings, noisy, clean, seed, loss):
    """Train a module by a plain loop."""
    module, criterion = DenoisingModule(architecture), PatchLoss(loss)
    module.draw_weights(seed)
    sizes = [p for p in module.layer.parameters() if p.requires_grad]
    weights = [p for p in module.parameters() if not any(p is size for size in sizes)]
    lr = torch.tensor(settings.lr)
    groups = [
        {"params": weights, "lr": lr, "weight_decay": torch.tensor(settings.weight_decay)},
        {"params": sizes, "lr": lr.double(), "weight_decay": None},
    ]
    optimizer = StackAdam(groups)
    for step in range(settings.max_steps):
        factor = 1.0
        if settings.lr_schedule == "cosine":
            factor = 0.5 * (1.0 + math.cos(math.pi * step / settings.max_steps))
        for group in optimizer.param_groups:
            group["lr"] = group["initial_lr"] * factor
        optimizer.zero_grad()
        criterion(module(noisy), clean).backward()
        optimizer.step()
        module.layer.clamp_step_size()
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
    a = architecture(**parameters)
    noisy, clean = patches(images)
    stack = train_stack(a, SETTINGS, noisy, clean, seeds=SEEDS, loss=loss)
    together = stack(noisy)
    start = DenoisingStack(a, 3)
    start.draw_weights(SEEDS)
    for i, seed in enumerate(SEEDS):
        one = (noisy[:, [i]], clean[:, [i]])
        alone = trained_alone(a, SETTINGS, *one, seed, loss)
        first = start.model(i)(one[0])
        # The tolerance is a thousandth of what training changes.
        tolerance = 1e-3 * float((alone(one[0]) - first).detach().abs().max())
        assert tolerance > 1e-6
        torch.testing.assert_close(together[:, [i]], alone(one[0]), rtol=0.0, atol=tolerance)
        torch.testing.assert_close(stack.model(i)(one[0]), together[:, [i]], rtol=0.0, atol=1e-6)
        for name, value in alone.state_dict().items():
            found = stack.model(i).state_dict()[name]
            torch.testing.assert_close(found, value, rtol=0.0, atol=1e-4)


def test_initial_weights_are_those_of_the_module_for_the_seed():
    stack = DenoisingStack(architecture(), 3)
    stack.draw_weights(SEEDS)
    for i, seed in enumerate(SEEDS):
        module = DenoisingModule(stack.architecture)
        module.draw_weights(seed)
        for name, value in module.state_dict().items():
            assert torch.equal(stack.model(i).state_dict()[name], value)


def test_the_losses_are_those_of_the_criterion(images):
    noisy, clean = patches(images)
    for loss in ("l2", "squared"):
        losses = patch_losses(noisy, clean, loss)
        for i in range(3):
            expected = PatchLoss(loss)(noisy[:, [i]], clean[:, [i]])
            torch.testing.assert_close(losses[i], expected)


def test_a_model_that_leaves_the_finite_numbers_leaves_the_others_alone(images):
    a = architecture()
    noisy, clean = patches(images)
    fine = train_stack(a, SETTINGS, noisy, clean, seeds=SEEDS, loss="l2")
    spoilt = noisy.clone()
    spoilt[0, 1] = math.nan
    stack = train_stack(a, SETTINGS, spoilt, clean, seeds=SEEDS, loss="l2")
    for i in (0, 2):
        for name, value in fine.model(i).state_dict().items():
            assert torch.equal(stack.model(i).state_dict()[name], value)
    assert not all(v.isfinite().all() for v in stack.model(1).state_dict().values())


def test_no_step_leaves_the_initial_weights(images):
    a = architecture(k=0, learn_step_size=False)
    noisy, clean = patches(images)
    plain = replace(SETTINGS, weight_decay=0.0)
    stack = train_stack(a, plain, noisy, clean, seeds=SEEDS, loss="l2")
    start = DenoisingStack(a, 3)
    start.draw_weights(SEEDS)
    for p, q in zip(stack.parameters(), start.parameters(), strict=True):
        assert torch.equal(p, q)
    assert bool((stack(noisy) == 0.0).all())


def test_the_step_size_stays_in_its_range(images):
    a = architecture(algo="gd", k=2, L=4.0)
    noisy, clean = patches(images)
    fast = replace(SETTINGS, lr=10.0, lr_schedule="constant", max_steps=2)
    stack = train_stack(a, fast, noisy, clean, seeds=SEEDS, loss="l2")
    low, high = a.step_size_range
    assert high == 0.4  # 2 / (1 + L)
    assert set(stack.step_size.tolist()) <= {low, high}
