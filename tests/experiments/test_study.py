"""The study is what it says: paired rows, the paper's selection, the true distances to Q*."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from sklearn_reasoning import HybridReasoningRegressor
from sklearn_reasoning.experiments import Protocol
from sklearn_reasoning.experiments.synthetic._population import draw_population
from sklearn_reasoning.experiments.synthetic._study import run_study
from sklearn_reasoning.experiments.synthetic._theory import depth_laws, explain_gap
from sklearn_reasoning.training import (
    RegressionModel,
    Rows,
    TargetStatistics,
    build_net,
    set_initial_state,
    stack_rows,
)

SMALL = Protocol.quick().but(
    {
        "k": (1, 4),
        "q_hidden": (0, 3),
        "lrs": (1e-2, 1e-3),
        "epochs": 5,
        "repetitions": 3,
        "n_samples": 20,
        "population_size": 100,
    }
)


@pytest.fixture(scope="module")
def table():
    return run_study(SMALL)


def rows_of(table, **wanted):
    chosen = [
        i
        for i in range(len(table["k"]))
        if all(table[name][i] == value for name, value in wanted.items())
    ]
    return [{name: column[i] for name, column in table.items()} for i in chosen]


def test_a_row_for_each_model_and_repetition(table):
    assert {len(column) for column in table.values()} == {2 * 2 * 2 * 3}
    for algo in ("gd", "nag"):
        for k in SMALL.k:
            for q_hidden in SMALL.q_hidden:
                found = rows_of(table, algo=algo, k=k, q_hidden=q_hidden)
                assert [row["repetition"] for row in found] == [0, 1, 2]


def test_a_row_is_what_single_fits_give(table):
    """Plain fits in the eigenbasis, the better rate by training loss, measured by hand."""
    population = draw_population(SMALL)
    train, held_out = population.folds[1]
    X, y = population.X.astype(np.float32), population.y.astype(np.float32)
    fits = [
        HybridReasoningRegressor(
            "nag",
            k=4,
            q_hidden=3,
            spectrum="anchored",
            rotation="identity",
            linear_term="given",
            initial_weights="glorot",
            learn_step_size=False,
            lr=lr,
            weight_decay=SMALL.weight_decay / 16.0,  # labels are about 16 long an output
            max_epochs=SMALL.epochs,
            batch_size=10,
            lr_schedule="constant",
            random_state=SMALL.seed,
        ).fit(X[train], y[train])
        for lr in SMALL.lrs
    ]
    losses = [fit.loss(X[train], y[train]) for fit in fits]
    best = fits[int(np.argmin(losses))]
    (row,) = rows_of(table, algo="nag", k=4, q_hidden=3, repetition=1)
    assert row["train_loss"] == pytest.approx(min(losses), rel=1e-12)
    assert row["lr"] == best.lr
    assert row["population_loss"] == pytest.approx(best.loss(X[held_out], y[held_out]), rel=1e-12)
    assert row["gap"] == pytest.approx(row["population_loss"] - row["train_loss"])
    Q, _ = best.predict_energy(X[held_out])
    true = population.spectrum(X[held_out][:, :10].astype(np.float64))
    difference = Q - np.eye(5) * true[:, None, :]
    spectral = np.linalg.norm(difference, 2, axis=(1, 2)).mean()
    assert row["q_spectral"] == pytest.approx(spectral, rel=1e-6)
    frobenius = np.linalg.norm(difference, axis=(1, 2)).mean()
    assert row["q_frobenius"] == pytest.approx(frobenius, rel=1e-6)


def test_labels_minimise_the_true_energy():
    population = draw_population(SMALL)
    x, b = population.X[:, :10], population.X[:, 10:]
    np.testing.assert_allclose(population.y * population.spectrum(x) + b, 0.0, atol=1e-12)
    assert population.spectrum(x).min() == pytest.approx(0.1)
    assert population.spectrum(x).max() == pytest.approx(1.0)


def test_held_out_rows_may_be_disjoint_from_the_training_rows():
    for train, held_out in draw_population(SMALL.but({"held_out": "disjoint"})).folds:
        assert not set(train) & set(held_out)
        assert len(train) + len(held_out) == SMALL.population_size
    for _, held_out in draw_population(SMALL).folds:
        assert len(held_out) == SMALL.population_size


@pytest.mark.parametrize(("optimizer", "lr"), [("adam", 1e-2), ("sgd", 1e-3)])
def test_decay_and_rates_are_for_the_loss_in_units_of_y(optimizer, lr):
    """The estimator trains in a unit of its own; here the same model is trained in unit 1."""
    protocol = SMALL.but(
        {
            "algos": ("gd",),
            "k": (4,),
            "q_hidden": (3,),
            "optimizers": (optimizer,),
            "lrs": (lr,),
            "weight_decay": 0.3,
        }
    )
    (row,) = rows_of(run_study(protocol), repetition=0)
    assert row["lr"] == lr
    population = draw_population(protocol)
    train, _ = population.folds[0]
    X, y = population.X[train], population.y[train]
    single = HybridReasoningRegressor(
        "gd", k=4, q_hidden=3, spectrum="anchored", rotation="identity", linear_term="given",
        initial_weights="glorot", learn_step_size=False, max_epochs=1, random_state=protocol.seed,
    ).fit(X, y)  # fmt: skip
    settings = replace(
        single.net_.models[0],
        optimizer=optimizer,
        lr=lr,
        weight_decay=0.3,
        max_epochs=protocol.epochs,
        batch_size=10,
        lr_schedule="constant",
    )
    net = build_net(RegressionModel, single.module_.architecture, [settings], torch.float32)
    unscaled = TargetStatistics.unscaled(single.module_.architecture)
    set_initial_state(net, [settings], [unscaled])
    net.fit_loop(stack_rows(net, [Rows(X[:, :10], y, np.ones(20), X[:, 10:])], [10]))
    (batch,) = stack_rows(net, [Rows(X[:, :10], y, np.ones(20), X[:, 10:])]).epoch(0)
    with torch.no_grad():
        predicted = net.module_(batch)[0, :20].numpy()
    loss = np.linalg.norm(predicted - y, axis=1).mean()
    assert row["train_loss"] == pytest.approx(loss, rel=1e-5)


def test_noise_is_on_training_labels_alone():
    noisy = SMALL.but({"noise": 1.0, "k": (4,), "q_hidden": (0,), "epochs": 1})
    population = draw_population(noisy)
    assert (population.noisy - population.y).std() == pytest.approx(1.0, rel=0.2)
    clean = run_study(noisy.but({"noise": 0.0}))
    assert run_study(noisy)["train_loss"] != clean["train_loss"]


def test_selection_by_cross_validation_and_fresh_weights(table):
    other = run_study(SMALL.but({"selection": "cross-validation", "k": (4,), "q_hidden": (3,)}))
    assert set(other["lr"]) <= set(SMALL.lrs)
    fresh = run_study(SMALL.but({"same_initial_weights": False, "k": (4,), "q_hidden": (3,)}))
    same = [row["train_loss"] for row in rows_of(table, algo="gd", k=4, q_hidden=3)]
    assert [row["repetition"] for row in rows_of(fresh, algo="gd")] == [0, 1, 2]
    assert [row["train_loss"] for row in rows_of(fresh, algo="gd")] != same


def test_a_study_resumes_to_the_same_numbers(table, tmp_path):
    assert run_study(SMALL, tmp_path) == table
    assert run_study(SMALL, tmp_path) == table


def test_released_weights_of_another_q_star(tmp_path):
    rng = np.random.default_rng(0)
    weights = {
        "layers_w.0.weight": rng.standard_normal((3, 10)),
        "layers_w.0.bias": rng.standard_normal(3),
        "layers_w.1.weight": rng.standard_normal((3, 3)),
        "layers_w.1.bias": rng.standard_normal(3),
    }
    np.savez(tmp_path / "energy.npz", **weights)
    population = draw_population(SMALL.but({"true_energy": tmp_path / "energy.npz"}))
    x = population.X[:4, :10]
    hidden = np.maximum(x @ weights["layers_w.0.weight"].T + weights["layers_w.0.bias"], 0.0)
    logits = hidden @ weights["layers_w.1.weight"].T + weights["layers_w.1.bias"]
    shares = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    np.testing.assert_allclose(population.spectrum(x)[:, 1:-1], 0.1 + 0.9 * shares)
    np.savez(tmp_path / "wrong.npz", **{**weights, "layers_w.0.weight": np.ones((3, 7))})
    with pytest.raises(ValueError, match="n_features=10"):
        draw_population(SMALL.but({"true_energy": tmp_path / "wrong.npz"}))


def test_theory_explains_a_gap_that_is_made_of_it():
    from sklearn_reasoning.properties import stability

    ks = (1, 2, 4, 8)
    made = {name: [] for name in ("algo", "q_hidden", "k", "repetition", "gap", "train_loss")}
    for algo in ("gd", "nag"):
        for k in ks:
            for repetition in range(3):
                gap = float(stability(algo, k).in_Q.certified)
                for name, value in zip(made, (algo, 0, k, repetition, gap, 1.0), strict=True):
                    made[name].append(value)
    found = explain_gap(made, SMALL.but({"k": ks}))
    correlations = dict(zip(found["term"], found["rank_correlation"], strict=True))
    assert correlations["Stab"] == pytest.approx(1.0)
    assert correlations["Cvg"] < 0.0
    made["gap"] = [2.0 * np.sqrt(k) for k in made["k"]]
    laws = depth_laws(made)
    best = {law for law, is_best in zip(laws["law"], laws["best"], strict=True) if is_best}
    assert best == {"sqrt(k)"}


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"k": ()}, "k="),
        ({"k": (1, 1)}, "twice"),
        ({"q_hidden": (-1,)}, "q_hidden"),
        ({"optimizers": ("lbfgs",)}, "optimizers"),
        ({"lrs": (0.0,)}, "lrs"),
        ({"algos": ("gdd",)}, "gdd"),
        ({"repetitions": 1}, "repetitions"),
        ({"mu": 2.0}, "mu=2.0"),
        ({"n_samples": 100}, "population_size"),
        ({"held_out": "none"}, "held_out"),
        ({"selection": "luck"}, "selection"),
    ],
)
def test_settings_out_of_their_domain(settings, message):
    with pytest.raises(ValueError, match=message):
        SMALL.but(settings)


@pytest.mark.parametrize("name", ["algos", "k", "q_hidden", "optimizers", "lrs"])
def test_only_figure_6_may_have_no_k_of_its_own(name):
    with pytest.raises(TypeError, match=f"{name}=None must be a tuple"):
        SMALL.but({name: None})
    assert SMALL.but({"fig6_k": None}).of_figure_6().k == SMALL.k
