"""What few-shot regression refuses, by the name of what is wrong, and loses nothing."""

import copy
from decimal import Decimal

import numpy as np
import pytest
from estimators.few_shot._small_groups import SMALL, fitted, make_lines

from sklearn_reasoning import FewShotReasoningRegressor
from sklearn_reasoning.exceptions import DivergenceError

X, Y, GROUPS = make_lines(6, 4)
ALONE = np.arange(24)


def missing(value):
    names = GROUPS.astype(object)
    names[5] = value
    return names


def pairs(value):
    return [("a", value if i == 5 else group) for i, group in enumerate(GROUPS.tolist())]


REFUSED = {
    "groups of another length": ({}, (X, Y, GROUPS[:-1]), ValueError, "23 entries.* 24 rows"),
    "groups in a table": ({}, (X, Y, GROUPS.reshape(12, 2)), ValueError, r"groups of shape"),
    "NaN": ({}, (X, Y, missing(np.nan)), ValueError, r"groups is missing .* row 5"),
    "None": ({}, (X, Y, missing(None)), ValueError, r"groups is missing .* row 5"),
    "NaN in floats": ({}, (X, Y, missing(np.nan).astype(float)), ValueError, "groups is missing"),
    "a time that is none": (
        {},
        (X, Y, np.array(["NaT"] + ["2020-01-01"] * 23, "M8[D]")),
        ValueError,
        "groups is missing .* row 0",
    ),
    **{
        f"{value!r} among objects": ({}, (X, Y, missing(value)), ValueError, "missing .* row 5")
        for value in (np.float32("nan"), np.datetime64("NaT"), complex("nan"), Decimal("nan"))
    },
    "half of a pair": ({}, (X, Y, pairs(np.nan)), ValueError, "groups is missing .* row 5"),
    "masked": ({}, (X, Y, np.ma.masked_equal(GROUPS, 2)), ValueError, "groups is missing .* row 8"),
    "huge X": ({}, (X * 1e200, Y, GROUPS), ValueError, "Column 0 of X .* so large"),
    "huge y": ({}, (X, Y * 1e200, GROUPS), ValueError, "Column 0 of y .* so large"),
    "no hash": ({}, (X, Y, [[1]] * 23 + [{}]), TypeError, "groups must hold"),
    "single rows": ({}, (X, Y, ALONE), ValueError, "shots='auto'.* every group has a single row"),
    "many shots": ({"shots": 4}, (X, Y, GROUPS), ValueError, "shots=4.* the largest, 0, has 4"),
    "no rows": ({}, (X[:0], Y[:0], GROUPS[:0]), ValueError, "0 sample"),
    "unknown algo": ({"algo": "adam"}, (X, Y, GROUPS), ValueError, "algo='adam'"),
    "a cell": ({"algo": "rnn"}, (X, Y, GROUPS), ValueError, r"algo='rnn' .*'nag'"),
    "negative k": ({"k": -1}, (X, Y, GROUPS), ValueError, "'k'"),
    "no basis": ({"n_basis": 0}, (X, Y, GROUPS), ValueError, "'n_basis'"),
    "no shots": ({"shots": 0}, (X, Y, GROUPS), ValueError, "'shots'"),
    "hidden sizes": ({"basis_hidden": (3, 0)}, (X, Y, GROUPS), ValueError, "basis_hidden"),
    "what adapts": ({"adapt": "body"}, (X, Y, GROUPS), ValueError, "'adapt'"),
    "text": ({}, (X, Y.astype(str), GROUPS), ValueError, "y holds text"),
    "one group to hold out": (
        {"early_stopping": True},
        (X, Y, None),
        ValueError,
        "early_stopping=True holds out whole groups",
    ),
    "single rows to train on": (
        {"early_stopping": True, "validation_fraction": 0.5},
        (X, Y, np.where(GROUPS == 1, GROUPS, ALONE + 10)),
        ValueError,
        r"every group that early_stopping=True (leaves to train on|holds out) has a single row .*"
        "early_stopping=False",
    ),
    "large groups held out": (
        {"early_stopping": True, "validation_fraction": 0.5, "shots": 3},
        (X, Y, np.where((GROUPS == 1) | (ALONE % 2 == 0), GROUPS, GROUPS + 10)),
        ValueError,
        r"shots=3: no group that early_stopping=True (leaves to train on|holds out) has more",
    ),
    "divergence": ({"lr": 1e12, "optimizer": "sgd"}, (X, Y, GROUPS), DivergenceError, "lr"),
}


@pytest.mark.filterwarnings("ignore:overflow:RuntimeWarning")
@pytest.mark.filterwarnings("ignore:.* groups have a single row:UserWarning")
@pytest.mark.parametrize("name", REFUSED)
def test_fit_refuses_and_keeps_what_was_fitted(name):
    params, arguments, error, message = REFUSED[name]
    model = copy.deepcopy(fitted())
    before = model.predict(X, GROUPS), set(vars(model))
    with pytest.raises(error, match=message):
        model.set_params(**params).fit(*arguments)
    assert (model.predict(X, GROUPS) == before[0]).all()
    assert set(vars(model)) == before[1]
    with pytest.raises(error, match=message):
        FewShotReasoningRegressor(**SMALL | params).fit(*arguments)


def test_groups_with_a_single_row_are_named_and_train_the_start():
    groups = GROUPS.copy()
    groups[[0, 23]] = [70, 80]
    with pytest.warns(UserWarning, match=r"2 of 8 groups have a single row \(70, 80\)"):
        model = FewShotReasoningRegressor(**SMALL).fit(X, Y, groups)
    assert {70, 80} <= set(model.groups_.tolist())


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((X, np.stack([Y, Y], axis=1), GROUPS), "y has 2 columns; the model has 1"),
        ((np.hstack([X, X]), Y, GROUPS), "features"),
        ((X, Y, GROUPS[:3]), "3 entries"),
        ((X[:0], Y[:0], GROUPS[:0]), "0 sample"),
        ((X, Y, missing(np.nan)), "groups is missing"),
        ((X * 1e300, Y, GROUPS), "X or y of group 0 .* so much larger"),
    ],
)
def test_adapt_refuses(arguments, message):
    with pytest.raises(ValueError, match=message):
        fitted().adapt(*arguments)


def test_predict_and_score_refuse():
    model = fitted()
    with pytest.raises(ValueError, match="k=-1"):
        model.predict(X, k=-1)
    with pytest.raises(TypeError, match=r"k=1\.5"):
        model.predict(X, k=1.5)
    with pytest.raises(ValueError, match="2 entries"):
        model.predict(X, [1, 2])
    with pytest.raises(ValueError, match=r"shots=4 leaves no row to score: .* has 4 rows"):
        model.score(X, Y, GROUPS, shots=4)
    with pytest.raises(ValueError, match="shots=-1"):
        model.score(X, Y, GROUPS, shots=-1)
    with pytest.raises(TypeError, match="shots='auto'"):
        model.score(X, Y, GROUPS, shots="auto")
    with pytest.raises(ValueError, match="y holds text"):
        model.score(X, Y.astype(str), GROUPS)
    with pytest.raises(ValueError, match="y has 2 columns"):
        model.score(X, np.stack([Y, Y], axis=1), GROUPS, shots=2)


def test_steps_on_all_weights_that_diverge_name_their_group():
    model = fitted(adapt="all", k=5).adapt(1000.0 * X[:4], 1000.0 * Y[:4], ["far"] * 4)
    assert np.isfinite(model.predict(X, GROUPS)).all()
    with pytest.raises(ValueError, match="group 'far' leave the finite numbers"):
        model.predict(1000.0 * X[:4], ["far"] * 4)


@pytest.mark.parametrize("weight", [np.ones(3), -np.ones(8)])
def test_weights_of_a_score_are_checked_before_they_are_cut(weight):
    X = np.random.default_rng(0).normal(size=(8, 2))
    groups = [0, 0, 0, 0, 1, 1, 1, 1]
    model = FewShotReasoningRegressor(max_epochs=1, random_state=0).fit(X, X[:, 0], groups)
    with pytest.raises(ValueError, match="sample_weight"):
        model.score(X, X[:, 0], groups, shots=2, sample_weight=weight)
