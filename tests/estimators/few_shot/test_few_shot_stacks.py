"""Few-shot models trained side by side: the bits of single fits."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from estimators.few_shot._small_groups import make_lines

from sklearn_reasoning import FewShotReasoningRegressor
from sklearn_reasoning.estimators import deferred_fits
from sklearn_reasoning.training import trained_models

N_MODELS = 5


def task_of(dtype=np.float64, n_outputs=1, n_features=1, n_rows=7, n_groups=14, **params):
    X, y, groups = make_lines(n_groups, n_rows, n_outputs=n_outputs)
    X = np.hstack([X**power for power in range(1, n_features + 1)])
    model = FewShotReasoningRegressor(
        **{"basis_hidden": (12,), "n_basis": 6, "max_epochs": 3, "batch_size": 5} | params
    )
    with deferred_fits() as deferred:
        model.fit(X.astype(dtype), y, groups)
    return deferred[0].task


def bits_of(net):
    return {name: value.numpy().tobytes() for name, value in net.module_.state_dict().items()}


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize(
    "params",
    [
        {"algo": "gd"},
        {"algo": "nag"},
        {"algo": "nag", "shots": 6, "n_basis": 2, "n_outputs": 2},
        {"algo": "heavy_ball"},
        {"algo": "fista"},
        {"algo": "admm"},
        {"algo": "opt"},
        {"n_basis": 5, "shots": 3, "n_features": 3, "n_rows": 41},
        {"n_basis": 32, "n_features": 2, "n_rows": 11, "batch_size": 20},
        {"n_features": 2, "n_rows": 30, "n_groups": 2, "batch_size": 20},
        {"early_stopping": True, "validation_fraction": 0.3},
    ],
    ids=str,
)
def test_a_stack_has_the_bits_of_single_fits(params, dtype):
    tasks = [
        task_of(dtype, **{"k": 1 + i % 4, "lr": 1e-2 / (1 + i), "random_state": i // 2} | params)
        for i in range(N_MODELS)
    ]
    assert len({task.stack_key for task in tasks}) == 1
    alone = [bits_of(task.train_beside([task])) for task in tasks]
    for size in (2, N_MODELS):
        together = trained_models(tasks[0].train_beside(tasks[:size]))
        for model, (one, trained) in enumerate(zip(alone, together, strict=False)):
            assert bits_of(trained.net) == one, f"model {model} of {size}"


def test_k_shots_and_folds_of_other_groups_share_a_stack():
    tasks = [
        task_of(k=k, shots=shots, n_groups=n_groups, batch_size=20, random_state=0)
        for k in (1, 4)
        for shots in (2, 3, 4)
        for n_groups in (14, 15)
    ]
    assert len({task.stack_key for task in tasks}) == 1
    alone = [bits_of(task.train_beside([task])) for task in tasks]
    together = trained_models(tasks[0].train_beside(tasks))
    assert [bits_of(trained.net) for trained in together] == alone


def test_supports_of_other_sizes_are_stacked_apart():
    four, five = (task_of(shots=shots, n_rows=12, random_state=0) for shots in (4, 5))
    assert four.stack_key != five.stack_key


def test_cuts_that_models_share_are_drawn_once():
    same = [task_of(k=k, random_state=0).episodes for k in (1, 2)]
    others = [task_of(random_state=1).episodes, task_of(shots=2, random_state=0).episodes]
    assert same[0].same_as(same[1])
    assert not any(same[0].same_as(other) for other in others)


def test_methods_that_take_their_steps_one_by_one_are_trained_alone():
    for params in ({"algo": "cg"}, {"adapt": "all"}):
        one, other = (task_of(**params, random_state=seed) for seed in (0, 1))
        assert one.stack_key != other.stack_key


def test_a_model_that_diverges_leaves_the_others_as_they_were():
    good, bad = task_of(random_state=0), task_of(random_state=1)
    bad = replace(bad, settings=replace(bad.settings, lr=1e30))
    first, second = trained_models(good.train_beside([good, bad]))
    assert second.diverged
    assert not first.diverged
    assert bits_of(first.net) == bits_of(good.train_beside([good]))
    assert torch.isfinite(first.net.module_.weights).all()
