"""Predictions: against a plain loop of projected steps on the energies that are handed out."""

import numpy as np
import pytest
from estimators.classifier._small_classifiers import (
    CONVEX,
    accelerated,
    cells_of,
    classifier,
    features,
    flat,
    onto_simplices,
    sizes_of,
    step_size,
)

X = features()
FEW = X[:5]
Y = cells_of(X, 3)
RAGGED = np.stack([Y[:, 0], np.minimum(Y[:, 1], 1), np.full(len(X), 2)], axis=1)
LABELS = (Y[:, :2] > 0).astype(int)
KINDS = {
    "single": Y[:, 0],
    "cells": Y,
    "ragged": RAGGED,
    "multilabel": LABELS,
}
COUPLINGS = ["classwise", "full", None]


@pytest.fixture(scope="module", params=[(kind, c) for kind in KINDS for c in COUPLINGS], ids=str)
def fitted(request):
    kind, coupling = request.param
    model = classifier(coupling=coupling, k=5, concavity=0.05, lr=0.05)
    return model.fit(X, KINDS[kind]), kind


def looped(model, kind, k):
    """Return the iterates of the first rows, (k + 1, n, d)."""
    Q, b = model.predict_energy(FEW)
    sizes = None if kind == "multilabel" else sizes_of(model)
    phi = step_size(model)
    rows = [list(accelerated(Q[i], b[i], sizes, phi, k)) for i in range(len(FEW))]
    return np.array(rows).swapaxes(0, 1)


def test_every_number_of_steps_is_that_of_a_loop(fitted):
    model, kind = fitted
    iterates = looped(model, kind, 60)
    for k in (0, 1, 2, 7, 60):
        np.testing.assert_allclose(flat(model.predict_proba(FEW, k=k)), iterates[k], atol=1e-9)
    np.testing.assert_array_equal(flat(model.predict_proba(X)), flat(model.predict_proba(X, k=5)))


@pytest.mark.parametrize("k", [0, 1, 2, 7, 1000])
def test_distributions_at_every_number_of_steps(fitted, k):
    model, kind = fitted
    found = model.predict_proba(X, k=k)
    assert float(flat(found).min()) >= 0.0
    if kind == "multilabel":
        assert float(found.max()) <= 1.0
        return
    for each in found if isinstance(found, list) else [found]:
        np.testing.assert_allclose(each.sum(axis=1), 1.0, rtol=0, atol=1e-12)


def test_rows_stop_where_a_loop_stops(fitted):
    model, kind = fitted
    iterates = looped(model, kind, 300)
    moved = np.linalg.norm(np.diff(iterates, axis=0), axis=2)
    until = 1e-4
    expected = np.array([np.flatnonzero(row <= until)[0] + 1 for row in moved.T])
    labels, steps = model.predict(FEW, until=until, return_steps=True)
    np.testing.assert_array_equal(steps, expected)
    ends = iterates[expected, np.arange(len(FEW))]
    np.testing.assert_allclose(flat(model.predict_proba(FEW, until=until)), ends, atol=1e-8)
    # Not later than that many steps, where they are given.
    _, steps = model.predict(FEW, k=3, until=until, return_steps=True)
    np.testing.assert_array_equal(steps, np.minimum(expected, 3))
    assert labels.shape == (len(FEW), *KINDS[kind].shape[1:])


def test_labels_are_the_most_probable(fitted):
    model, kind = fitted
    found, predicted = model.predict_proba(X, k=30), model.predict(X, k=30)
    if kind == "multilabel":
        expected = (found >= 0.5).astype(int)
    elif kind == "single":
        expected = model.classes_[found.argmax(axis=1)]
    else:
        each = zip(model.classes_, found, strict=True)
        expected = np.stack([own[p.argmax(axis=1)] for own, p in each], axis=1)
    np.testing.assert_array_equal(predicted, expected)


def test_rows_know_nothing_of_one_another(fitted):
    model, _ = fitted
    together = flat(model.predict_proba(X, k=50))
    alone = np.vstack([flat(model.predict_proba(X[i : i + 1], k=50)) for i in range(5)])
    np.testing.assert_allclose(together[:5], alone, rtol=0, atol=1e-9)
    order = np.random.default_rng(0).permutation(len(X))
    np.testing.assert_allclose(
        flat(model.predict_proba(X[order], k=50)), together[order], rtol=0, atol=1e-9
    )


def test_the_matrix_of_an_energy_is_what_it_says():
    for coupling in ("classwise", "full"):
        model = classifier(coupling=coupling, concavity=0.05).fit(X, Y)
        Q, b = model.predict_energy(X)
        G = model.coupling_
        L = np.linalg.eigvalsh(G)[-1]
        shifted = G - model.concavity_ * L * np.eye(len(G))
        expected = shifted if coupling == "full" else np.kron(shifted, np.eye(3))
        np.testing.assert_allclose(Q, np.broadcast_to(expected, Q.shape), atol=1e-12)
        assert b.shape == (len(X), 9)
        with pytest.raises(ValueError, match="read-only"):
            Q[0, 0, 0] = 1.0


# ------------------------------------------------------------------ how many steps


def test_predict_k_is_what_scores_and_predictions_take():
    model = classifier(k=3).fit(X, Y)
    for k in (0, 1, 40):
        other = classifier(k=3, predict_k=k).fit(X, Y)
        np.testing.assert_array_equal(flat(other.predict_proba(X)), flat(model.predict_proba(X, k)))
        assert other.score(X, Y) == model.score(X, Y, k=k)
        assert other.cell_accuracy(X, Y) == model.cell_accuracy(X, Y, k=k)
        _, steps = other.predict(X, return_steps=True)
        assert set(steps) == {k}
        # What is asked for in a call comes first.
        np.testing.assert_array_equal(
            flat(other.predict_proba(X, k=2)), flat(model.predict_proba(X, k=2))
        )
    converged = classifier(k=3, predict_k="converged").fit(X, Y)
    np.testing.assert_array_equal(
        flat(converged.predict_proba(X)), flat(model.predict_proba(X, until=1e-6))
    )
    assert (
        converged.set_params(predict_k=None).predict(X, return_steps=True)[1].tolist() == [3] * 40
    )


@pytest.mark.parametrize("algo", CONVEX)
def test_every_method_reaches_the_minimiser_of_a_convex_energy(algo):
    model = classifier(algo=algo, concavity=0, k=6, lr=0.05).fit(X, Y)
    Q, b = model.predict_energy(X)
    *_, expected = accelerated(Q[0], b[0], [3] * 3, step_size(model), 1000)
    (found,) = flat(model.predict_proba(X[:1], k=2000))
    np.testing.assert_allclose(found, expected, atol=1e-5)
    _, steps = model.predict(X[:6], until=1e-6, return_steps=True)
    assert steps.max() < 2000


def test_gradient_steps_are_plain_ones():
    model = classifier(algo="gd", concavity=0.1, k=4).fit(X, Y)
    Q, b = model.predict_energy(X)
    assert model.concavity_ <= 0.1
    y = np.full(9, 1 / 3)
    for _ in range(25):
        y = onto_simplices(y - step_size(model) * (Q[0] @ y + b[0]), [3] * 3)
    np.testing.assert_allclose(flat(model.predict_proba(X[:1], k=25))[0], y, atol=1e-10)


# ------------------------------------------------------------------ numbers


@pytest.mark.parametrize("scale", [1e-6, 1e4, 1e9])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_features_of_any_size_give_distributions(scale, dtype):
    model = classifier(max_epochs=2).fit((scale * X).astype(dtype), Y)
    for each in model.predict_proba(scale * X, k=50):
        np.testing.assert_allclose(each.sum(axis=1), 1.0, rtol=0, atol=1e-12)
        assert float(each.min()) >= 0.0


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_training_is_in_the_dtype_of_the_features_and_predictions_in_float64(dtype):
    model = classifier().fit(X.astype(dtype), Y)
    assert {str(p.dtype) for p in model.module_.parameters()} == {f"torch.{np.dtype(dtype)}"}
    assert {p.dtype for p in model.predict_proba(X.astype(dtype))} == {np.dtype(np.float64)}
    np.testing.assert_array_equal(
        flat(model.predict_proba(X.astype(np.float32))),
        flat(model.predict_proba(X.astype(np.float32).astype(float))),
    )


def test_evidence_is_scaled_in_predictions():
    model = classifier(k=5, lr=0.05).fit(X, Y)
    Q, b = model.predict_energy(FEW)
    plain = flat(model.predict_proba(FEW, k=9))
    model.set_params(evidence_scale=0.25)
    scaled_Q, scaled_b = model.predict_energy(FEW)
    np.testing.assert_array_equal(scaled_Q, Q)
    np.testing.assert_array_equal(scaled_b, 0.25 * b)
    found = flat(model.predict_proba(FEW, k=9))
    for row, expected in enumerate(found):
        *_, last = accelerated(Q[row], 0.25 * b[row], sizes_of(model), step_size(model), 9)
        np.testing.assert_allclose(expected, last, atol=1e-10)
    assert not np.allclose(found, plain)


@pytest.mark.parametrize("value", [0, -1.0, np.nan, np.inf, "auto", None, True])
def test_scales_of_evidence_that_are_none_are_refused(value):
    model = classifier().fit(X, Y).set_params(evidence_scale=value)
    with pytest.raises(ValueError, match="evidence_scale"):
        model.predict(FEW)
    with pytest.raises(ValueError, match="evidence_scale"):
        model.fit(X, Y)
