"""The demo itself, run small."""

import numpy as np
import pytest

from sklearn_reasoning.cli._run_demo import explain, run_demo


@pytest.fixture(scope="module")
def small_demo(tmp_path_factory):
    grid = {"algo": ["gd", "nag"], "k": [1, 5], "q_hidden": [None, (4,)]}
    folder = tmp_path_factory.mktemp("demo") / "made" / "here"
    return folder, run_demo(folder, n_train=60, grid=grid, cv=2, max_epochs=15, n_jobs=1)


def test_every_candidate_is_in_the_table(small_demo):
    _, result = small_demo
    table = result["table"]
    assert len(table["gap"]) == 8
    difference = table["held_out_loss"] - table["empirical_loss"]
    np.testing.assert_allclose(table["gap"], difference, rtol=0, atol=1e-12)


def test_the_winner_has_the_lowest_held_out_loss(small_demo):
    _, result = small_demo
    table, best = result["table"], result["best_params"]
    row = int(np.argmin(table["held_out_loss"]))
    assert {name: table[f"param_{name}"][row] for name in best} == best


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
    assert sorted(path.name for path in folder.iterdir()) == ["demo.png", "model.joblib"]
    assert result["files"][1].read_bytes().startswith(b"\x89PNG")


def test_rivals_are_compared(small_demo):
    _, result = small_demo
    assert set(result["mse"]) == {"hybrid", "RidgeCV", "MLPRegressor"}
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


def test_the_sentence_names_the_price_of_a_closer_fit():
    sentence = explain(table_of([1.2, 0.9], [1.3, 1.6]))
    assert sentence.startswith("Take gd with k = 5 and a constant Q")
    assert "nag with k = 20" in sentence
    assert "gap of 0.700 instead of 0.100" in sentence


def test_the_sentence_where_the_closest_fit_wins():
    sentence = explain(table_of([1.2, 0.9], [1.3, 1.0]))
    assert sentence.startswith("Take nag with k = 20 and a Q(x) of hidden sizes (16,)")
    assert "so is its empirical loss" in sentence
