"""The demo itself, run small."""

import numpy as np
import pytest

from sklearn_reasoning import HybridReasoningRegressor
from sklearn_reasoning.cli import _demo_files
from sklearn_reasoning.cli._demo_choice import cheapest_of_the_best, explain
from sklearn_reasoning.cli._demo_task import LEAST_NOISE, MOST_NOISE, load_task
from sklearn_reasoning.cli._run_demo import run_demo


@pytest.fixture(scope="module")
def small_demo(tmp_path_factory, run_in_new_process):
    grid = {"algo": ["gd", "nag"], "k": [1, 5], "q_hidden": [None, (4,)]}
    folder = tmp_path_factory.mktemp("demo") / "made" / "here"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_demo_files.subprocess, "run", run_in_new_process)
        return folder, run_demo(folder, n_train=60, grid=grid, cv=2, max_epochs=15, n_jobs=1)


def test_every_candidate_is_in_the_table(small_demo):
    _, result = small_demo
    table = result["table"]
    assert len(table["gap"]) == 8
    difference = table["held_out_loss"] - table["empirical_loss"]
    np.testing.assert_allclose(table["gap"], difference, rtol=0, atol=1e-12)


def test_the_candidate_that_was_taken_is_cheap_and_ties_with_the_best(small_demo):
    _, result = small_demo
    table, row = result["table"], result["best_index"]
    best = result["best_params"]
    assert {name: table[f"param_{name}"][row] for name in best} == best
    held_out, deviation = table["held_out_loss"], table["held_out_loss_std"]
    lowest = int(np.argmin(held_out))
    # Of two splits, deviations are half of the difference, and so is the standard error.
    assert held_out[row] <= held_out[lowest] + deviation[lowest] + 1e-12
    assert table["param_k"][row] <= table["param_k"][lowest]


def test_a_q_that_knows_the_noise_restores_better_than_a_constant_one():
    data = load_task(200, 0)
    options = {"linear_term": "given", "mu": 1.0, "L": 20.0, "max_epochs": 30, "random_state": 0}
    loss = {
        hidden: HybridReasoningRegressor(q_hidden=hidden, **options)
        .fit(data.X_train, data.y_train)
        .loss(data.X_test, data.y_test)
        for hidden in (None, 16)
    }
    assert loss[16] < 0.9 * loss[None]


def test_five_steps_restore_better_than_one(small_demo):
    _, result = small_demo
    table = result["table"]
    losses = {k: min(table["held_out_loss"][table["param_k"] == k]) for k in (1, 5)}
    assert losses[5] < losses[1]


def test_the_saved_model_gives_the_same_bits_in_a_new_process(small_demo):
    _, result = small_demo
    assert result["same_bits"] is True


def test_the_folder_holds_a_model_and_a_figure_and_nothing_else(small_demo):
    folder, result = small_demo
    assert sorted(path.name for path in folder.iterdir()) == ["demo.png", "model.safetensors"]
    assert result["files"][1].read_bytes().startswith(b"\x89PNG")


def test_rivals_are_compared(small_demo):
    _, result = small_demo
    assert set(result["mse"]) == {"hybrid", "RidgeCV", "RidgeCV, products", "MLPRegressor"}
    assert all(0.0 < value < 0.2 for value in result["mse"].values())


def table_of(empirical, held_out):
    return {
        "param_algo": np.array(["gd", "nag"], dtype=object),
        "param_k": np.array([5, 20], dtype=object),
        "param_q_hidden": np.array([None, (16,)], dtype=object),
        "empirical_loss": np.array(empirical),
        "held_out_loss": np.array(held_out),
        "gap": np.array(held_out) - np.array(empirical),
    }


def test_times_are_of_both_searches(small_demo):
    _, result = small_demo
    assert set(result["seconds"]) == {"BatchedGridSearchCV", "GridSearchCV"}
    assert all(value > 0.0 for value in result["seconds"].values())


def test_the_noise_of_an_image_is_of_the_level_in_its_row():
    data = load_task(200, 0)
    for X, y in ((data.X_train, data.y_train), (data.X_test, data.y_test)):
        level, noise = X[:, 0], -X[:, 1:] - y
        assert level.min() >= LEAST_NOISE
        assert level.max() <= MOST_NOISE
        # The mean of 64 squares has a relative deviation of sqrt(2 / 64).
        ratio = np.square(noise).mean(axis=1) / level**2
        assert abs(ratio.mean() - 1.0) < 0.05
        assert 0.12 < ratio.std() < 0.24


def results_of(scores, k, q_hidden):
    scores = np.array(scores, dtype=float)
    return {
        "mean_test_score": scores.mean(axis=1),
        **{f"split{i}_test_score": column for i, column in enumerate(scores.T)},
        "param_k": k,
        "param_q_hidden": q_hidden,
    }


# The last has the best mean, -1.0, and a standard error of 0.1 over three splits.
BEST = np.array([-1.0, -1.0, -1.0]) + np.array([1, 0, -1]) * 0.1 * 3**0.5


@pytest.mark.parametrize(
    ("means", "k", "q_hidden", "taken"),
    [
        ([-1.05, -1.0], [5, 20], [(16,), None], 0),  # fewer steps come before a smaller network
        ([-1.15, -1.0], [5, 20], [None, None], 1),  # beyond one standard error
        ([-1.05, -1.0], [10, 10], [None, (16,)], 0),
        ([-1.05, -1.0], [10, 10], [(), (4,)], 0),
        ([-1.05, -1.0], [10, 10], [(8, 8), 4], 1),
        ([-1.05, -1.0], [10, 10], [(4,), 4], 1),  # equally cheap
        ([np.nan, -1.0], [1, 10], [None, None], 1),
    ],
)
def test_of_those_within_one_standard_error_the_cheapest_is_taken(means, k, q_hidden, taken):
    scores = [[means[0]] * 3, BEST]
    assert cheapest_of_the_best(results_of(scores, k, q_hidden)) == taken


def test_the_sentence_names_the_price_of_a_closer_fit():
    sentence = explain(table_of([1.2, 0.9], [1.3, 1.6]), 0, 0.05)
    assert sentence.startswith("Take gd with k = 5 and a constant Q")
    assert "nag with k = 20" in sentence
    assert "gap of 0.700 instead of 0.100" in sentence


def test_the_sentence_where_the_closest_fit_wins():
    sentence = explain(table_of([1.2, 0.9], [1.3, 1.0]), 1, 0.05)
    assert sentence.startswith("Take nag with k = 20 and a Q(x) of hidden sizes (16,)")
    assert "No candidate fits the training rows better (0.900)" in sentence
    assert "The best constant Q has 1.300, the best Q(x) 1.000." in sentence


def test_the_sentence_where_a_cheaper_one_ties():
    sentence = explain(table_of([1.2, 0.9], [1.03, 1.0]), 0, 0.05)
    assert sentence.startswith("Take gd with k = 5 and a constant Q: its held-out loss, 1.030, is")
    assert "within one standard error (0.050) of the lowest of 2, 1.000 of nag" in sentence
