"""Fig. 6's training: what it finds, the bits of stacks, and going on after a stop."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from joblib import parallel_config

from sklearn_reasoning.algorithms import get_algorithm
from sklearn_reasoning.datasets import make_quadratic_reasoning
from sklearn_reasoning.experiments._protocol import Protocol
from sklearn_reasoning.experiments.given_energies._given_energies import (
    Stack,
    given_energies,
    measure,
    train_stack,
)
from sklearn_reasoning.experiments.given_energies._learning_to_optimise import (
    run_learning_to_optimise,
)
from sklearn_reasoning.experiments.synthetic._population import draw_population

SMALL = Protocol(
    k=(1, 3),
    optimizers=("adam",),
    lrs=(1e-2, 1e-3),
    epochs=20,
    repetitions=2,
    n_samples=20,
    population_size=200,
)
# So small a rate leaves every parameter as it was.
AT_START = replace(SMALL, optimizers=("sgd",), lrs=(1e-12,), epochs=1)


@pytest.fixture(scope="module")
def small_table():
    return run_learning_to_optimise(SMALL)


def rotated_problem(protocol):
    """Q, b and y as make_quadratic_reasoning has them."""
    _, _, problem = make_quadratic_reasoning(
        n_samples=protocol.n_samples,
        population_size=protocol.population_size,
        return_problem=True,
        random_state=protocol.seed,
    )
    Q, b = problem.energy(problem.X)
    return Q, b, problem.y


def descend(Q, b, k, step_size):
    y = np.zeros_like(b)
    for _ in range(k):
        y = y - step_size * (np.einsum("nij,nj->ni", Q, y) + b)
    return y


def mean_distance(y, other):
    return np.linalg.norm(y - other, axis=1).mean()


def row_of(table, algo, k, repetition):
    rows = zip(table["algo"], table["k"], table["repetition"], strict=True)
    (index,) = [i for i, row in enumerate(rows) if row == (algo, k, repetition)]
    return {name: column[index] for name, column in table.items()}


# ---------------------------------------------------------------------- what is learned


def test_columns_and_rows(small_table):
    assert list(small_table) == [
        *("algo", "k", "repetition", "optimizer", "lr"),
        *("train_loss", "population_loss", "gap"),
    ]
    rows = list(zip(*(small_table[name] for name in ("algo", "k", "repetition")), strict=True))
    assert rows == [(a, k, r) for a in ("gd", "nag", "rnn") for k in (1, 3) for r in (0, 1)]
    gap = np.subtract(small_table["population_loss"], small_table["train_loss"])
    np.testing.assert_array_equal(small_table["gap"], gap)


@pytest.mark.parametrize("k", [pytest.param(1, marks=pytest.mark.hard), 3])
def test_the_step_size_is_that_of_a_grid(k):
    protocol = replace(SMALL, k=(k,), lrs=(4e-3,), epochs=300, n_samples=40, mu=0.3)
    population = draw_population(protocol)
    given = given_energies(protocol, population, decoupled=True)
    stack = Stack(get_algorithm("gd"), k, "adam")
    net = train_stack(protocol, given, stack, given.folds)
    losses = measure(protocol, given, stack, net, given.folds)
    sizes = np.linspace(0.5, 2.0 / 1.3, 2000)
    for model, (train, _) in enumerate(given.folds):
        lam, y = given.x[train], given.y[train]
        on_grid = [np.linalg.norm((1.0 - s * lam) ** k * y, axis=1).mean() for s in sizes]
        assert losses[model]["train_loss"] == pytest.approx(min(on_grid), rel=1e-4)
        found = net.module_.step_size[model].item()
        assert found == pytest.approx(sizes[np.argmin(on_grid)], abs=0.01)
        assert abs(found - 1.0) > 0.05


def test_the_cell_begins_as_gradient_descent_in_the_original_basis():
    table = run_learning_to_optimise(AT_START, algos=("rnn",))
    Q, b, y = rotated_problem(AT_START)
    folds = draw_population(AT_START).folds
    for k in AT_START.k:
        error = descend(Q, b, k, 1.0 / AT_START.L) - y
        for repetition, (train, _) in enumerate(folds):
            row = row_of(table, "rnn", k, repetition)
            assert row["train_loss"] == pytest.approx(mean_distance(error[train], 0.0), rel=1e-10)
            assert row["population_loss"] == pytest.approx(mean_distance(error, 0.0), rel=1e-10)


def test_losses_of_the_eigenbasis_are_those_of_the_original_one():
    table = run_learning_to_optimise(AT_START, algos=("gd",))
    Q, b, y = rotated_problem(AT_START)
    for k in AT_START.k:
        expected = mean_distance(descend(Q, b, k, 1.0), y)
        assert row_of(table, "gd", k, 0)["population_loss"] == pytest.approx(expected, rel=1e-10)


def test_disjoint_rows_and_noise_on_training_labels_only():
    noisy = replace(AT_START, noise=0.5, held_out="disjoint", k=(3,))
    table = run_learning_to_optimise(noisy, algos=("gd", "rnn"))
    Q, b, y = rotated_problem(noisy)
    error = np.linalg.norm(descend(Q, b, 3, 1.0) - y, axis=1)
    for repetition, (train, held_out) in enumerate(draw_population(noisy).folds):
        assert not set(train) & set(held_out)
        gd, rnn = (row_of(table, algo, 3, repetition) for algo in ("gd", "rnn"))
        assert gd["population_loss"] == pytest.approx(error[held_out].mean(), rel=1e-10)
        assert gd["train_loss"] != pytest.approx(error[train].mean(), rel=1e-3)
        # Noise is the same in both bases, and so are the algorithms.
        assert gd["train_loss"] == pytest.approx(rnn["train_loss"], rel=1e-10)


def test_training_lowers_the_loss(small_table):
    start = run_learning_to_optimise(AT_START)
    for algo in ("gd", "rnn"):
        rows = [i for i, name in enumerate(start["algo"]) if name == algo]
        for i in rows:
            assert small_table["train_loss"][i] < 0.99 * start["train_loss"][i]
    # More weights fit more.
    for k in SMALL.k:
        losses = [row_of(small_table, algo, k, 0)["train_loss"] for algo in ("gd", "rnn")]
        assert losses[1] < losses[0]


def test_weights_decay_and_step_sizes_do_not():
    plain, decayed = (replace(SMALL, weight_decay=decay) for decay in (0.0, 1.0))
    options = {"algos": ("gd", "rnn")}
    first, second = (run_learning_to_optimise(p, **options) for p in (plain, decayed))
    for i, algo in enumerate(first["algo"]):
        assert (first["train_loss"][i] == second["train_loss"][i]) == (algo == "gd")


def test_the_smallest_training_loss_is_kept():
    protocol = replace(SMALL, k=(3,), optimizers=("adam", "sgd"), lrs=(1e-2, 1e-4))
    table = run_learning_to_optimise(protocol, algos=("gd",))
    one_by_one = [
        run_learning_to_optimise(replace(protocol, optimizers=(o,), lrs=(lr,)), algos=("gd",))
        for o in protocol.optimizers
        for lr in protocol.lrs
    ]
    for repetition in range(protocol.repetitions):
        rows = [row_of(single, "gd", 3, repetition) for single in one_by_one]
        best = min(rows, key=lambda row: row["train_loss"])
        assert row_of(table, "gd", 3, repetition) == best


def test_what_has_nothing_to_learn_is_measured():
    table = run_learning_to_optimise(replace(SMALL, k=(0, 3)), algos=("opt", "cg", "rnn"))
    Q, b, y = rotated_problem(SMALL)
    assert max(row_of(table, "opt", 3, i)["population_loss"] for i in (0, 1)) < 1e-12
    length = mean_distance(y, 0.0)
    for algo in ("cg", "rnn"):
        loss = row_of(table, algo, 0, 0)["population_loss"]
        assert loss == pytest.approx(length, rel=1e-10)
    loss = row_of(table, "cg", 3, 0)["population_loss"]
    assert loss < mean_distance(descend(Q, b, 3, 1.0), y)


def test_a_rate_that_diverges_is_not_selected():
    protocol = replace(SMALL, k=(3,), optimizers=("sgd",), lrs=(1e-5, 1e12))
    table = run_learning_to_optimise(protocol, algos=("rnn",))
    assert table["lr"] == [1e-5, 1e-5]
    with pytest.raises(RuntimeError, match=r"algo='rnn', k=3 .* smaller lrs=\(1000000000000.0,\)"):
        run_learning_to_optimise(replace(protocol, lrs=(1e12,)), algos=("rnn",))


# ---------------------------------------------------------------------- the same bits


def test_the_same_seed_gives_the_same_bits_and_another_other_ones(small_table):
    state = torch.get_rng_state()
    with parallel_config(backend="threading"):  # processes take seconds to start
        assert run_learning_to_optimise(SMALL, n_jobs=2) == small_table
    assert run_learning_to_optimise(SMALL, algos=("gd",))["gap"] == small_table["gap"][:4]
    assert torch.equal(torch.get_rng_state(), state)
    other = run_learning_to_optimise(replace(SMALL, seed=1), algos=("gd",))
    assert not set(other["train_loss"]) & set(small_table["train_loss"])


@pytest.mark.parametrize("algo", ["gd", "nag", "rnn"])
def test_a_stack_has_the_bits_of_its_models_trained_one_by_one(algo):
    algorithm = get_algorithm(algo)
    protocol = replace(SMALL, repetitions=3, epochs=12)
    population = draw_population(protocol)
    given = given_energies(protocol, population, decoupled=algorithm.commutes_with_rotations)
    stack = Stack(algorithm, 5, "adam")
    together = train_stack(protocol, given, stack, given.folds).module_.state_dict()
    for i, fold in enumerate(given.folds):
        for j, lr in enumerate(protocol.lrs):
            alone = train_stack(replace(protocol, lrs=(lr,)), given, stack, [fold])
            for name, value in alone.module_.state_dict().items():
                assert torch.equal(value[0], together[name][2 * i + j])


# ---------------------------------------------------------------------- stopped, and gone on


def test_a_run_that_was_stopped_goes_on_to_the_same_table(stopped_by_file, tmp_path, capsys):
    stop = tmp_path / "stop"
    algos = ("gd", stopped_by_file(stop))
    uninterrupted = run_learning_to_optimise(SMALL, algos=algos)
    stop.touch()
    folder = tmp_path / "kept"
    with pytest.raises(RuntimeError, match="stopped"):
        run_learning_to_optimise(SMALL, folder, algos=algos)
    stop.unlink()
    capsys.readouterr()
    assert run_learning_to_optimise(SMALL, folder, algos=algos, verbose=1) == uninterrupted
    # Of four stacks the two of gd were there.
    first, second = capsys.readouterr().err.splitlines()
    assert first.startswith("stopped, k = 1, adam: 1 of 2, ")
    assert second == "stopped, k = 3, adam: 2 of 2, 0 s left"
    files = sorted(folder.rglob("*"))
    assert run_learning_to_optimise(SMALL, folder, algos=algos, verbose=1) == uninterrupted
    assert capsys.readouterr().err == ""
    assert sorted(folder.rglob("*")) == files


def test_a_folder_of_other_settings_is_refused(tmp_path):
    folder = tmp_path / "kept"
    table = run_learning_to_optimise(AT_START, folder, algos=("gd",))
    with pytest.raises(ValueError, match=r"holds another search.*epochs \(1 there, 2 here\)"):
        run_learning_to_optimise(replace(AT_START, epochs=2), folder, algos=("gd",))
    with pytest.raises(ValueError, match="holds another search, which differs in algos"):
        run_learning_to_optimise(AT_START, folder, algos=("nag",))
    with pytest.raises(ValueError, match=r"holds another search.*seed \(0 there, 3 here\)"):
        run_learning_to_optimise(replace(AT_START, seed=3), folder, algos=("gd",))
    # What is about Q_theta changes nothing here.
    same = replace(AT_START, q_hidden=(7,), algos=("nag",))
    assert run_learning_to_optimise(same, folder, algos=("gd",)) == table


def test_the_folder_may_hold_other_things_but_be_no_file(tmp_path):
    notes = tmp_path / "notes.txt"
    notes.touch()
    run_learning_to_optimise(AT_START, tmp_path, algos=("gd",))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["learning-to-optimise", notes.name]
    with pytest.raises(NotADirectoryError, match=r"notes.txt.* cannot be made"):
        run_learning_to_optimise(AT_START, notes)


@pytest.mark.parametrize(
    ("algos", "error", "message"),
    [
        ("gd", TypeError, r"algos='gd' must be a sequence"),
        ((), ValueError, r"algos=\(\) must hold at least one"),
        (("gd", "gd"), ValueError, "no name twice"),
        (("gdd",), ValueError, "algo='gdd' is not one of"),
        ((3,), TypeError, "must be a name or an Algorithm"),
    ],
)
def test_algos_that_are_refused(algos, error, message):
    with pytest.raises(error, match=message):
        run_learning_to_optimise(SMALL, algos=algos)
