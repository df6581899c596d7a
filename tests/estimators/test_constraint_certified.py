"""What is said of models that obey a set: distances to constrained minimisers, gaps, displays."""

import warnings

import numpy as np
import pytest
import scipy.optimize
from estimators._small_regressors import regressor

from sklearn_reasoning.inspection import CertificateDisplay
from sklearn_reasoning.model_selection import (
    BatchedGridSearchCV,
    GeneralizationGapDisplay,
    decompose_gap,
    gap_table,
)
from sklearn_reasoning.penalties import L1, Box, Columns
from sklearn_reasoning.properties import convergence

N, D = 30, 3


def make_data():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(N, 3))
    y = np.maximum(X @ rng.normal(size=(3, D)) - 0.3, 0.0)
    return X, y


X, Y = make_data()


def constrained(Q, b):
    """The minimiser over y >= 0: a least squares problem |U y + U^-T b|."""
    U = np.linalg.cholesky(Q).T
    return scipy.optimize.nnls(U, -np.linalg.solve(U.T, b))[0]


@pytest.mark.parametrize("algo", ["gd", "nag", "heavy_ball"])
@pytest.mark.parametrize("project", ["each_step", "last_step"])
def test_distances_are_to_the_constrained_minimiser(algo, project):
    model = regressor(algo=algo, k=6, constraint="nonnegative", project=project, mu=0.02).fit(X, Y)
    certificate = model.certify(X)
    Q, b = model.predict_energy(X)
    if project == "each_step":
        minimiser = limit = np.array([constrained(*parts) for parts in zip(Q, b, strict=True)])
        assert (minimiser == 0.0).any()
    else:
        limit = -np.linalg.solve(Q, b[..., None])[..., 0]
        minimiser = np.maximum(limit, 0.0)
    rows, start = certificate.rows, model.predict_start(X)
    distance = np.linalg.norm(model.predict(X) - minimiser, axis=1)
    np.testing.assert_allclose(rows.distance, distance, atol=1e-10)
    np.testing.assert_allclose(
        rows.first_distance, np.linalg.norm(start - limit, axis=1), atol=1e-10
    )
    gradient = np.einsum("nij,nj->ni", Q, start) + b
    np.testing.assert_allclose(rows.gradient_norm, np.linalg.norm(gradient, axis=1))
    np.testing.assert_allclose(rows.start_norm, np.linalg.norm(start, axis=1))
    if project == "last_step":  # the bounds are those of free steps
        phi, mu, L = model.step_size_, model.mu, model.L
        free = convergence(algo, 6, phi, mu, L).certified
        assert certificate.convergence.certified == free
        assert certificate.holds
    else:
        assert certificate.to_dict()["penalty"] == "Nonnegative()"
    if certificate.convergence.certified == np.inf:
        assert certificate.holds is None
        assert "no bound" in str(certificate)
    else:
        assert certificate.holds
    display = CertificateDisplay.from_estimator(model, X, k=[1, 5, 50])
    assert np.isfinite(display.relative_distance).all()
    assert display.relative_distance[-1].max() < 1e-1


@pytest.mark.parametrize(
    "options",
    [
        {"constraint": "nonnegative"},
        {"constraint": "nonnegative", "project": "last_step"},
        {"penalty": L1(0.05)},
        {"constraint": Box(0.0, Columns([2]))},
    ],
    ids=str,
)
def test_the_gap_is_taken_apart(options):
    rows = np.abs(X)
    model = regressor(k=3, **options)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        parts = decompose_gap(model, rows[:20], Y[:20], rows[20:], Y[20:])
        fitted = model.fit(rows[:20], Y[:20])
    losses = np.linalg.norm(fitted.predict(rows) - Y, axis=1)
    np.testing.assert_allclose(parts.total.empirical, losses[:20].mean())
    np.testing.assert_allclose(parts.total.held_out, losses[20:].mean())
    # Many steps are the minimiser, whose loss is the error of the representation.
    far = np.linalg.norm(fitted.predict(rows, k=2000) - Y, axis=1)[20:].mean()
    np.testing.assert_allclose(parts.representation_error.held_out, far, atol=1e-9)


def test_gap_tables_and_displays():
    grid = {"constraint": [None, "nonnegative"], "k": [1, 3], "project": ["each_step", "last_step"]}
    search = BatchedGridSearchCV(regressor(), grid, cv=2, return_train_score=True).fit(X, Y)
    table = gap_table(search)
    assert set(table["param_constraint"]) == {None, "nonnegative"}
    display = GeneralizationGapDisplay.from_search(
        search, x="k", line="constraint", panel="project"
    )
    assert len(display.axes_) == 2
