"""Bounds of each row that stand in columns of X: read by name or number, and no part of x."""

import numpy as np
import pandas as pd
import pytest
from estimators._small_regressors import regressor
from sklearn.base import clone
from sklearn.pipeline import make_pipeline

from sklearn_reasoning.penalties import L1, Box, Budget, Columns, Simplex

N, D = 40, 3
CAPS, LOAD = [3, 4, 5], [6]


def dispatch_data(seed=0):
    """x, caps and a load; y is a split of the load within the caps."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(N, 3))
    caps = rng.uniform(1.0, 2.0, size=(N, D))
    load = rng.uniform(0.3, 0.9, size=(N, 1)) * caps.sum(axis=1, keepdims=True)
    return np.hstack([x, caps, load]), load * caps / caps.sum(axis=1, keepdims=True)


DISPATCH = Budget(Columns(LOAD), high=Columns(CAPS))


def obeys(y, X):
    assert (y >= 0.0).all()
    assert (y <= X[:, CAPS]).all()
    assert np.abs(y.sum(axis=1) - X[:, 6]).max() <= 1e-12


@pytest.mark.parametrize("project", ["each_step", "last_step"])
def test_each_row_obeys_its_own_bounds(project):
    X, y = dispatch_data()
    model = regressor(constraint=DISPATCH, project=project, max_epochs=20).fit(X, y)
    for k in (0, 1, 2, 7, 200):
        obeys(model.predict(X, k=k), X)
    # Of rows by themselves the same, and of others too.
    np.testing.assert_allclose(model.predict(X[3:4])[0], model.predict(X)[3], atol=1e-12)
    other, _ = dispatch_data(1)
    obeys(model.predict(other), other)
    assert model.start_ is None
    obeys(model.predict_start(X), X)


def test_columns_leave_x():
    X, y = dispatch_data()
    model = regressor(constraint=DISPATCH).fit(X, y)
    moved = X.copy()
    moved[:, CAPS] += 1.0
    for one, other in zip(model.predict_energy(X), model.predict_energy(moved), strict=True):
        np.testing.assert_array_equal(one, other)
    assert not np.array_equal(model.predict(X), model.predict(moved))
    assert model.n_features_in_ == 7


def test_by_name_in_any_order_and_beside_a_given_b():
    X, y = dispatch_data()
    b = -y + 0.1
    names = ["x0", "x1", "x2", "cap0", "cap1", "cap2", "load", "b0", "b1", "b2"]
    frame = pd.DataFrame(np.hstack([X, b]), columns=names)
    by_number = regressor(constraint=DISPATCH, linear_term="given").fit(frame.to_numpy(), y)
    named = Budget(Columns(["load"]), high=Columns(["cap0", "cap1", "cap2"]))
    by_name = regressor(constraint=named, linear_term=names[7:])
    shuffled = frame[[*names[3:], *names[:3]]]
    by_name.fit(shuffled, y)
    np.testing.assert_array_equal(by_name.predict(shuffled), by_number.predict(frame.to_numpy()))
    assert clone(by_name).get_params()["constraint"] == named
    with pytest.raises(ValueError, match="Columns lists names, and X has no column names"):
        regressor(constraint=named).fit(X, y)
    with pytest.raises(ValueError, match="'kap', which is no column"):
        regressor(constraint=Box(0.0, Columns(["kap"]))).fit(frame, y)
    with pytest.raises(ValueError, match="Columns list a column of X twice"):
        regressor(constraint=Box(0.0, Columns(["b0"])), linear_term=names[7:]).fit(frame, y)


def test_an_empty_set_is_named_with_its_row():
    X, y = dispatch_data()
    model = regressor(constraint=DISPATCH, max_epochs=10**9)
    X[5, 6] = 100.0
    with pytest.raises(ValueError, match=r"total=100 is above the sum of high.*in row 5"):
        model.fit(X, y)
    fitted = model.set_params(max_epochs=2).fit(np.delete(X, 5, axis=0), np.delete(y, 5, axis=0))
    with pytest.raises(ValueError, match=r"the set is empty, in row 5"):
        fitted.predict(X)


def test_rows_outside_their_own_bounds_are_counted():
    X, y = dispatch_data()
    y[:2] += 1.0
    with pytest.warns(UserWarning, match=r"2 of 40 .* Budget\(high=Columns"):
        regressor(constraint=DISPATCH).fit(X, y)


def test_totals_and_weights_of_each_row():
    X, y = dispatch_data()
    model = regressor(constraint=Simplex(Columns(LOAD))).fit(X, y)
    np.testing.assert_allclose(model.predict(X).sum(axis=1), X[:, 6], rtol=0, atol=1e-12)
    heavy = X.copy()
    heavy[:, 0] = 1e3
    lasso = regressor(penalty=L1(Columns([0]))).fit(np.abs(X), y)
    assert (lasso.predict(np.abs(heavy)) == 0.0).all()


def test_float32_and_one_row():
    X, y = dispatch_data()
    model = regressor(constraint=DISPATCH).fit(X.astype(np.float32), y)
    predicted = model.predict(X.astype(np.float32))
    assert predicted.dtype == np.float32
    assert np.abs(predicted.sum(axis=1) - X[:, 6]).max() < 1e-5
    obeys(regressor(constraint=DISPATCH).fit(X[:1], y[:1]).predict(X[:1]), X[:1])


def test_in_a_pipeline_with_names():
    X, y = dispatch_data()
    frame = pd.DataFrame(X, columns=[f"c{i}" for i in range(7)])
    constraint = Budget(Columns(["c6"]), high=Columns(["c3", "c4", "c5"]))
    model = make_pipeline("passthrough", regressor(constraint=constraint)).fit(frame, y)
    obeys(model.predict(frame), X)
    assert "Budget" in model._repr_html_()


def test_rows_in_blocks_are_predicted_as_they_are_alone():
    X, y = dispatch_data()
    # A layer so wide that a block has 16 rows.
    model = regressor(constraint=DISPATCH, q_hidden=(20_000,), max_epochs=1).fit(X, y)
    whole = model.predict(X)
    for rows in ([0], [15, 16], list(range(39, -1, -7))):
        np.testing.assert_allclose(model.predict(X[rows]), whole[rows], rtol=0, atol=1e-12)
