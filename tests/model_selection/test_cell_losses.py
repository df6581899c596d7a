"""Losses of probabilities against scikit-learn's and plain loops, and their scorers in searches."""

import math
import pickle

import numpy as np
import pytest
from sklearn.datasets import load_iris, make_multilabel_classification
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import brier_score_loss, log_loss
from sklearn.model_selection import GridSearchCV, cross_validate
from sklearn.multioutput import ClassifierChain, MultiOutputClassifier
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import LinearSVC

from sklearn_reasoning import HybridReasoningClassifier
from sklearn_reasoning.model_selection import (
    cell_brier_loss,
    cell_brier_loss_scorer,
    cell_l2_loss,
    cell_l2_loss_scorer,
    cell_log_loss,
    cell_log_loss_scorer,
    gap_table,
)

LOSSES = [cell_log_loss, cell_brier_loss, cell_l2_loss]
SCORERS = [cell_log_loss_scorer, cell_brier_loss_scorer, cell_l2_loss_scorer]


def distributions(rng, n, n_classes):
    p = rng.random_sample((n, n_classes))
    return p / p.sum(axis=1, keepdims=True)


@pytest.fixture
def cells():
    """Return y of cells with 3, 2 and 4 classes, their probabilities and weights of 12 rows."""
    rng = np.random.RandomState(0)
    sizes = (3, 2, 4)
    y = np.stack([rng.permutation(np.arange(12) % size) for size in sizes], axis=1)
    return y, [distributions(rng, 12, size) for size in sizes], rng.random_sample(12)


@pytest.fixture
def labels():
    rng = np.random.RandomState(1)
    return (rng.random_sample((12, 4)) < 0.5).astype(int), rng.random_sample((12, 4))


def loops(y, proba, weights, missing=None):
    """Return log loss, Brier score and l2 by the definitions."""
    sums, total = [0.0, 0.0, 0.0], 0.0
    for i, row in enumerate(y):
        logs, briers, square = [], [], 0.0
        for cell, right in enumerate(row):
            if right == missing:
                continue
            p = proba[cell][i]
            error = sum((p[j] - (j == right)) ** 2 for j in range(len(p)))
            logs.append(-math.log(p[right]))
            briers.append(error / 2 if len(p) == 2 else error)
            square += error
        if logs:
            values = (np.mean(logs), np.mean(briers), math.sqrt(square))
            sums = [s + weights[i] * v for s, v in zip(sums, values, strict=True)]
            total += weights[i]
    return [s / total for s in sums]


@pytest.mark.parametrize("n_classes", [2, 3, 5])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_one_cell_is_scikit_learns_log_loss_and_brier_score(n_classes, dtype):
    rng = np.random.RandomState(n_classes)
    y = rng.permutation(np.arange(20) % n_classes)
    p, weights = distributions(rng, 20, n_classes).astype(dtype), rng.random_sample(20)
    p[0] = np.eye(n_classes, dtype=dtype)[(y[0] + 1) % n_classes]  # certain and wrong

    for sample_weight in (None, weights):
        theirs = log_loss(y, p, sample_weight=sample_weight)
        assert cell_log_loss(y, p, sample_weight=sample_weight) == pytest.approx(theirs, rel=1e-6)
        # scikit-learn reads the probability of one of two classes.
        column = p[:, 1] if n_classes == 2 else p
        theirs = brier_score_loss(y, column, sample_weight=sample_weight)
        assert cell_brier_loss(y, p, sample_weight=sample_weight) == pytest.approx(theirs, rel=1e-6)


def test_one_column_is_the_probability_of_the_last_of_two_classes():
    y, p = np.array(["no", "yes", "yes"]), np.array([0.2, 0.7, 0.4])

    assert cell_log_loss(y, p) == pytest.approx(log_loss(y, p))
    assert cell_brier_loss(y, p) == pytest.approx(brier_score_loss(y, p, pos_label="yes"))
    assert cell_l2_loss(y, p) == pytest.approx(math.sqrt(2) * np.mean([0.2, 0.3, 0.6]))


def test_several_cells_are_plain_loops(cells):
    y, proba, weights = cells

    for loss, plain, weighted in zip(
        LOSSES, loops(y, proba, np.ones(12)), loops(y, proba, weights), strict=True
    ):
        assert type(loss(y, proba)) is float
        assert loss(y, proba) == pytest.approx(plain, rel=1e-13)
        assert loss(y, proba, sample_weight=weights) == pytest.approx(weighted, rel=1e-13)


def test_missing_labels_are_left_out(cells):
    y, proba, weights = cells
    y = y.copy()
    y[0, 0] = y[3, 1:] = y[7] = -1

    for loss, wanted in zip(LOSSES, loops(y, proba, weights, missing=-1), strict=True):
        found = loss(y, proba, classes=[range(3), range(2), range(4)], missing_label=-1)
        weighted = loss(y, proba, sample_weight=weights, missing_label=-1)
        assert found != weighted == pytest.approx(wanted, rel=1e-13)
        holes = np.where(y == -1, np.nan, y)
        assert loss(holes, proba, missing_label=np.nan) == found


def test_labels_are_read_alike_from_one_table_and_from_a_list(labels):
    y, p = labels
    listed = [np.stack([1 - column, column], axis=1) for column in p.T]

    for loss in LOSSES:
        assert loss(y, p) == pytest.approx(loss(y, listed), rel=1e-13)
    assert cell_log_loss(y, p) == pytest.approx(
        np.mean([log_loss(y[:, i], p[:, i]) for i in range(4)])
    )
    assert cell_brier_loss(y, p) == pytest.approx(np.square(p - y).mean())
    assert cell_l2_loss(y, p) == pytest.approx(np.linalg.norm(p - y, axis=1).mean())


def test_a_class_unseen_in_training_has_no_probability():
    p = np.array([[0.6, 0.4], [1.0, 0.0]])

    assert cell_log_loss([0, 2], p, classes=[0, 1]) == pytest.approx(
        (-math.log(0.6) - math.log(np.finfo(float).eps)) / 2
    )
    assert cell_brier_loss([0, 2], p, classes=[0, 1]) == pytest.approx((0.32 + 2.0) / 2)
    assert cell_l2_loss([0, 2], p, classes=[0, 1]) == pytest.approx(
        (math.sqrt(0.32) + math.sqrt(2)) / 2
    )


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize(
    ("y", "p", "arguments", "message"),
    [
        ([0, 1], [[0.5, 0.5]], {}, "inconsistent numbers of samples"),
        ([0, 1], [[0.5, 0.5, 0.0]] * 2, {}, "y_proba of shape .* classes .*Pass .* classes_"),
        ([0, 1], [[0.5, 0.6]] * 2, {}, "y_proba must sum to 1 in each row; row 0"),
        ([0, 1], [[1.5, -0.5]] * 2, {}, r"y_proba must be probabilities, and lies in \[-0.5, 1.5"),
        ([0, 1], [[np.nan, 0.5]] * 2, {}, "y_proba contains NaN"),
        ([np.nan, 1], [[0.5, 0.5]] * 2, {}, "y_true contains NaN"),
        ([0, 1], [[0.5, 0.5]] * 2, {"sample_weight": [1, -1]}, "must not be negative"),
        ([0, 1], [[0.5, 0.5]] * 2, {"sample_weight": [1]}, "inconsistent numbers of samples"),
        ([7, 7], [[0.5, 0.5]] * 2, {"missing_label": 7}, "All of y_true is missing_label=7"),
        ([[0, 2], [1, 0]], [[0.5, 0.5]] * 2, {}, "other values than 0 and 1"),
        ([[0, 1], [1, 0]], [[0.5] * 3] * 2, {}, "one column for each of the 2 labels"),
        ([[0, 2], [1, 0]], [[[0.5, 0.5]] * 2], {}, "lists 1 cells, and y_true has 2"),
        ([[0, 2], [1, 0]], [[[0.5, 0.5]] * 2] * 2, {"classes": [[0, 1]]}, "classes lists 1"),
        ([[[0]]], [[1.0]], {}, r"y_true of shape \(1, 1, 1\)"),
        ([], [], {}, "y_true of shape"),
    ],
)
def test_bad_input_is_named(loss, y, p, arguments, message):
    with pytest.raises(ValueError, match=message):
        loss(y, p, **arguments)


def multilabel():
    return make_multilabel_classification(n_samples=60, n_classes=3, random_state=0)


CLASSIFIERS = {
    "forest": RandomForestClassifier(10, random_state=0),
    "one a label": MultiOutputClassifier(LogisticRegression(max_iter=1000)),
    "chain": ClassifierChain(LogisticRegression(max_iter=1000)),
    "perceptron": MLPClassifier((8,), solver="lbfgs", max_iter=5000, random_state=0),
    "ours": HybridReasoningClassifier(max_epochs=3, random_state=0),
}


@pytest.mark.parametrize("name", CLASSIFIERS)
def test_scorers_read_labels_of_every_classifier(name):
    X, y = multilabel()
    model = make_pipeline(StandardScaler(), CLASSIFIERS[name]).fit(X, y)
    found = model.predict_proba(X)
    p = np.stack([each[:, 1] for each in found], axis=1) if isinstance(found, list) else found

    for scorer, loss in zip(SCORERS, LOSSES, strict=True):
        assert scorer(model, X, y) == pytest.approx(-loss(y, p), rel=1e-12)


def test_scorers_read_cells_of_unlike_classes_and_those_a_fold_lacks():
    X, y = load_iris(return_X_y=True)
    words = np.array(["a", "b", "c"])
    y = np.stack([words[y], np.where(y == 2, "b", "a")], axis=1)  # classes in order of the rows

    for model in (
        RandomForestClassifier(10, random_state=0),
        MultiOutputClassifier(LogisticRegression(max_iter=1000)),
        HybridReasoningClassifier(max_epochs=2, random_state=0),
    ):
        model.fit(X[:140], y[:140])
        p = model.predict_proba(X)
        for scorer, loss in zip(SCORERS, LOSSES, strict=True):
            assert scorer(model, X, y) == -loss(y, p, classes=model.classes_)
            assert scorer(model, X[140:], y[140:]) < 0.0  # one class, of three and of two


def test_scorers_know_missing_labels_of_the_classifier():
    X, y = multilabel()
    y = y.copy()
    y[::7, 0] = -1
    model = make_pipeline(
        StandardScaler(), HybridReasoningClassifier(max_epochs=2, missing_label=-1, random_state=0)
    ).fit(X, y)

    for scorer, loss in zip(SCORERS, LOSSES, strict=True):
        assert scorer(model, X, y) == -loss(y, model.predict_proba(X), missing_label=-1)


def test_gap_table_has_all_three_losses():
    X, y = multilabel()
    scoring = {"log": SCORERS[0], "brier": SCORERS[1], "l2": SCORERS[2]}
    search = GridSearchCV(
        HybridReasoningClassifier(max_epochs=3, random_state=0),
        {"k": [1, 4]},
        scoring=scoring,
        refit="l2",
        cv=2,
        return_train_score=True,
        error_score="raise",
    ).fit(X, y)

    for metric in scoring:
        table = gap_table(search, metric)
        assert (table["held_out_loss"] > 0.0).all()
        np.testing.assert_allclose(table["gap"], table["held_out_loss"] - table["empirical_loss"])
    assert search.best_index_ == gap_table(search, "l2")["held_out_loss"].argmin()


def test_training_minimises_what_the_l2_scorer_measures():
    rng = np.random.RandomState(0)
    X, y = rng.normal(size=(40, 5)), rng.randint(0, 3, size=(40, 2))
    model = HybridReasoningClassifier(
        loss="l2", batch_size=40, max_epochs=2, lr=1e-12, keep="last", random_state=0
    ).fit(X, y)

    wanted = math.sqrt(2) * model.history_[-1, "train_loss"]  # whose squares are means over cells
    assert -cell_l2_loss_scorer(model, X, y) == pytest.approx(wanted, rel=1e-6)


def test_scorers_take_weights_and_survive_pickling():
    X, y = multilabel()
    model, weights = CLASSIFIERS["ours"].fit(X, y), np.arange(60)

    for scorer, loss in zip(SCORERS, LOSSES, strict=True):
        again = pickle.loads(pickle.dumps(scorer))
        found = again(model, X, y, sample_weight=weights)
        assert found == -loss(y, model.predict_proba(X), sample_weight=weights)


def test_scorers_score_in_cross_validation_and_name_what_lacks_probabilities():
    X, y = load_iris(return_X_y=True)
    model = LogisticRegression(max_iter=1000)

    found = cross_validate(model, X, y, scoring={"log": SCORERS[0], "theirs": "neg_log_loss"})

    np.testing.assert_allclose(found["test_log"], found["test_theirs"])
    with pytest.raises(AttributeError, match="LinearSVC has no predict_proba"):
        SCORERS[0](LinearSVC().fit(X, y), X, y)
