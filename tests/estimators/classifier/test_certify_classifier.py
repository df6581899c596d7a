"""Certificates of convex classifiers hold; concave ones have none, and say why."""

import numpy as np
import pytest
from estimators.classifier._small_classifiers import (
    accelerated,
    cells_of,
    classifier,
    features,
    flat,
    step_size,
)

X = features()
Y = cells_of(X)
KINDS = {"single": Y[:, 0], "cells": Y, "multilabel": (Y > 0).astype(int)}
RAGGED = np.stack([Y[:, 0], np.minimum(Y[:, 1], 1)], axis=1)


@pytest.mark.parametrize(
    ("algo", "kind", "coupling"),
    [
        *((algo, "cells", "classwise") for algo in ("gd", "fista", "nag", "admm", "opt")),
        ("gd", "multilabel", "full"),
        ("nag", "single", "classwise"),
        ("nag", "cells", "full"),
    ],
)
def test_certificates_hold(algo, kind, coupling):
    model = classifier(algo=algo, concavity=0, k=6, coupling=coupling).fit(X, KINDS[kind])
    certificate = model.certify(X[:10])
    assert certificate.holds is not False
    if algo in ("gd", "nag", "admm", "opt"):
        assert certificate.holds
    assert str(certificate)


@pytest.mark.parametrize("y", [Y, RAGGED, KINDS["multilabel"]], ids=["cells", "ragged", "01"])
def test_the_distance_to_the_minimiser_is_below_the_bound(y):
    sizes = None if y.max() == 1 else [3, len(np.unique(y[:, 1]))]
    for k in (1, 12):
        model = classifier(algo="gd", concavity=0, k=k).fit(X, y)
        bound = model.certify().convergence.certified
        Q, b = model.predict_energy(X[:2])
        found = flat(model.predict_proba(X[:2]))
        for i in range(2):
            start, *_, end = accelerated(Q[i], b[i], sizes, step_size(model), 800)
            allowed = bound * np.linalg.norm(start - end)
            assert np.linalg.norm(found[i] - end) <= allowed + 1e-9


@pytest.mark.parametrize("concavity", [0.1, 0.3])
def test_concave_energies_are_not_certified(concavity):
    model = classifier(concavity=concavity).fit(X, Y)
    assert model.concavity_ >= 0.0
    with pytest.raises(ValueError, match=r"concave by .* concavity=0"):
        model.certify(X)


def test_the_coupling_and_the_concavity():
    model = classifier(concavity=0.2).fit(X, Y)
    assert model.coupling_.shape == (2, 2)
    np.testing.assert_array_equal(model.coupling_, model.coupling_.T)
    assert np.linalg.eigvalsh(model.coupling_).min() > -1e-12
    assert model.concavity_ <= 0.2 + 1e-6
    Q, _ = model.predict_energy(X)
    L = np.linalg.eigvalsh(model.coupling_).max()
    assert np.linalg.eigvalsh(Q[0]).min() >= -model.concavity_ * L - 1e-9
    assert classifier(coupling="full").fit(X, Y).coupling_.shape == (6, 6)
    for parameters, y in [({"coupling": None}, Y), ({}, Y[:, 0])]:
        alone = classifier(**parameters).fit(X, y)
        assert alone.coupling_ is None
        assert alone.concavity_ is None
        assert alone.certify(X[:5]).holds is not False


@pytest.mark.parametrize("lr", [1e-3, 0.3])
def test_without_concavity_the_energy_stays_convex(lr):
    model = classifier(concavity=0, lr=lr, max_epochs=20).fit(X, Y)
    assert model.concavity_ < 0.0
    Q, _ = model.predict_energy(X)
    assert np.linalg.eigvalsh(Q[0]).min() > 0.0


def test_the_start_of_the_coupling():
    X_, y = np.tile(X, (1, 2)), np.hstack([Y, Y])
    repulsive, mixed = (
        classifier(coupling_start=start, lr=1e-9, rank=3).fit(X_, y)
        for start in ("repulsive", "mixed")
    )
    assert (repulsive.coupling_ > 0).all()
    assert (mixed.coupling_ < 0).any()
    assert np.linalg.matrix_rank(repulsive.coupling_, tol=1e-9) == 3
