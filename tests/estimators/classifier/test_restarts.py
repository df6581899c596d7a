"""Restarts by guessing, on Sudoku boards of 4 x 4."""

import numpy as np
import pytest
import torch
from estimators.classifier._small_classifiers import classifier
from sklearn.metrics import accuracy_score

from sklearn_reasoning.datasets import make_sudoku


@pytest.fixture(scope="module")
def boards():
    X, y = make_sudoku(80, n_givens=(4, 5), size=4, random_state=0)
    return X.reshape(len(X), -1), y.reshape(len(y), -1)


@pytest.fixture(scope="module")
def solver(boards):
    return told_the_rules(
        classifier(perception="per_cell", perception_hidden=0, rank=12, k=8), *boards
    )


def told_the_rules(model, X, y):
    """Fit, and put the rules of Sudoku in the place of what was learned."""
    module = model.set_params(max_epochs=1).fit(X[:8], y[:8]).module_
    row, column = np.divmod(np.arange(16), 4)
    box = row // 2 * 2 + column // 2
    rules = np.vstack([unit == np.arange(4)[:, None] for unit in (row, column, box)])
    with torch.no_grad():
        module.coupling.copy_(torch.from_numpy(rules.astype(np.float32)))
        module.curvature.fill_(-0.05)
        module.perception.network[0].weight.copy_(20.0 * torch.eye(4))
        module.perception.network[0].bias.zero_()
    return model


@pytest.fixture(scope="module")
def unseen(boards):
    return boards


def energies_of(model, X, labels):
    """Return 1/2 y'Qy + b'y of whole answers."""
    Q, b = model.predict_energy(X)
    answers = np.hstack(
        [np.asarray(labels[:, [cell]] == own) for cell, own in enumerate(model.classes_)]
    ).astype(float)
    return 0.5 * np.einsum("ni,nij,nj->n", answers, Q, answers) + (b * answers).sum(axis=1)


def is_decided(model, X, k=None):
    return (np.stack([p.max(axis=1) for p in model.predict_proba(X, k)], axis=1) >= 0.99).all(1)


def test_energies_never_rise_and_mostly_fall(solver, unseen):
    X, y = unseen
    plain, before, whole = solver.predict(X, return_energy=True)
    undecided = ~is_decided(solver, X)
    assert 10 < undecided.sum() < 100
    np.testing.assert_array_equal(whole, ~undecided)
    found, after, now_whole = solver.predict(X, n_restarts=8, return_energy=True, random_state=0)
    assert (after <= before).all()
    assert (after < before - 1e-6).sum() > 0.2 * undecided.sum()
    assert now_whole.all()
    np.testing.assert_array_equal(found[~undecided], plain[~undecided])
    np.testing.assert_array_equal(after[~undecided], before[~undecided])
    assert accuracy_score((found == y).all(1), np.ones(len(y))) >= (plain == y).all(1).mean()


def test_energies_are_those_of_the_answers(solver, unseen):
    X, _ = unseen
    for n_restarts in (0, 3):
        labels, energy, _ = solver.predict(
            X, n_restarts=n_restarts, return_energy=True, random_state=0
        )
        np.testing.assert_allclose(energy, energies_of(solver, X, labels), rtol=1e-9, atol=1e-9)


def test_more_restarts_find_no_higher_energies(solver, unseen):
    X, _ = unseen
    few, many = (
        np.mean(solver.predict(X, n_restarts=n, return_energy=True, random_state=1)[1])
        for n in (1, 10)
    )
    assert many <= few


def test_decided_rows_are_not_touched(solver, unseen):
    X, _ = unseen
    decided = X[is_decided(solver, X, k=300)]
    assert len(decided) > 5
    state = np.random.RandomState(0)
    first = state.get_state()[1].copy()
    labels = solver.predict(decided, k=300, n_restarts=5, random_state=state)
    np.testing.assert_array_equal(labels, solver.predict(decided, k=300))
    np.testing.assert_array_equal(state.get_state()[1], first)


def test_guesses_are_those_of_the_random_state(solver, unseen):
    X, _ = unseen
    options = {"n_restarts": 1, "return_energy": True}
    first, again, other = (solver.predict(X, **options, random_state=i)[1] for i in (0, 0, 7))
    np.testing.assert_array_equal(first, again)
    assert (first != other).any()
    # None: the estimator's own, which is 0 here.
    np.testing.assert_array_equal(solver.predict(X, **options)[1], first)
    state = np.random.RandomState(0)
    np.testing.assert_array_equal(solver.predict(X, **options, random_state=state)[1], first)
    assert (solver.predict(X, **options, random_state=state)[1] != first).any()


def test_restarts_of_the_estimator_are_used_by_scores(boards):
    X, y = boards
    model = classifier(perception="per_cell", perception_hidden=0, rank=12, k=3, n_restarts=4)
    told_the_rules(model, X, y)
    np.testing.assert_array_equal(model.predict(X), model.predict(X, n_restarts=4))
    assert model.score(X, y) == (model.predict(X) == y).all(axis=1).mean()
    without = (model.predict(X, n_restarts=0) == y).all(axis=1).mean()
    assert model.score(X, y) > without + 0.05


def test_what_is_returned_comes_in_order(solver, unseen):
    X, _ = unseen
    labels, steps, energy, whole = solver.predict(
        X[:5], until=1e-3, return_steps=True, n_restarts=2, return_energy=True, random_state=0
    )
    assert labels.shape == (5, 16)
    assert (steps.dtype.kind, steps.shape) == ("i", (5,))
    assert (energy.dtype, energy.shape) == (np.float64, (5,))
    assert (whole.dtype, whole.shape) == (bool, (5,))


@pytest.mark.parametrize("kind", ["multilabel", "ragged", "single"])
def test_restarts_of_other_labels(kind):
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(40, 4)), rng.integers(3, size=(40, 3))
    if kind == "multilabel":
        y = (y > 0).astype(int)
    elif kind == "ragged":
        y[:, 0] = np.minimum(y[:, 0], 1)
    else:
        y = y[:, 0]
    model = classifier(max_epochs=2, k=3).fit(X, y)
    plain, before, _ = model.predict(X, return_energy=True)
    labels, after, whole = model.predict(X, n_restarts=4, return_energy=True, random_state=0)
    assert labels.shape == y.shape
    assert (after <= before + 1e-12).all()
    assert whole.all()
    assert (plain != labels).any() == (after < before - 1e-12).any()
    for cell, own in enumerate(model.classes_ if y.ndim == 2 else [model.classes_]):
        assert set(labels.reshape(40, -1)[:, cell]) <= set(own)
    Q, b = model.predict_energy(X)
    if kind == "multilabel":
        expected = 0.5 * np.einsum("ni,nij,nj->n", labels, Q, labels) + (b * labels).sum(axis=1)
        np.testing.assert_allclose(after, expected, atol=1e-9)
    elif kind == "ragged":
        np.testing.assert_allclose(after, energies_of(model, X, labels), atol=1e-9)
