"""Labels of every kind go in and come out as they were; missing ones and weights count as said."""

import warnings
from functools import cache

import numpy as np
import pandas as pd
import pytest
from estimators.classifier._small_classifiers import cells_of, classifier, features, flat, same_bits
from sklearn.exceptions import DataConversionWarning
from sklearn.metrics import accuracy_score
from sklearn.utils import compute_class_weight

X = features()
CODES = cells_of(X)
NAMES = np.array(["ant", "bee", "cow"])


def trained(y, **parameters):
    return classifier(max_epochs=25, lr=0.1, **parameters).fit(X, y)


@cache
def probabilities_of_codes(codes):
    """What is predicted after training with numbers from 0 on for labels."""
    return flat(trained(np.array(codes)).predict_proba(X))


# ------------------------------------------------------------------ kinds of labels

SINGLE = {
    "int": CODES[:, 0],
    "negative": CODES[:, 0] - 7,
    "int8": CODES[:, 0].astype(np.int8),
    "uint8": CODES[:, 0].astype(np.uint8),
    "float": CODES[:, 0] * 2.0,
    "float32": CODES[:, 0].astype(np.float32),
    "bool": CODES[:, 0] > 0,
    "str": NAMES[CODES[:, 0]],
    "object": NAMES[CODES[:, 0]].astype(object),
}


@pytest.mark.parametrize("kind", SINGLE)
def test_labels_of_one_dimension(kind):
    y = SINGLE[kind]
    model = trained(y)
    assert model.classes_.dtype == y.dtype
    assert model.classes_.tolist() == sorted(set(y.tolist()))
    assert model.n_outputs_ == 1
    predicted = model.predict(X)
    assert predicted.dtype == y.dtype
    assert predicted.shape == (40,)
    assert model.score(X, y) == accuracy_score(y, predicted) > 0.9
    assert model.score(X, y) == model.cell_accuracy(X, y)
    assert model.predict_proba(X).shape == (40, len(model.classes_))
    # Names are names: the numbers are the same.
    _, codes = np.unique(y, return_inverse=True)
    np.testing.assert_array_equal(model.predict_proba(X), probabilities_of_codes(tuple(codes)))


CELLS = {
    "int": CODES + 1,
    "float": CODES * 2.0,
    "str": NAMES[CODES],
    "object": NAMES[CODES].astype(object),
}


@pytest.mark.parametrize("kind", CELLS)
def test_labels_of_cells(kind):
    y = CELLS[kind]
    model = trained(y)
    assert [own.tolist() for own in model.classes_] == [sorted(set(y[:, 0].tolist()))] * 2
    predicted = model.predict(X)
    assert (predicted.dtype, predicted.shape) == (y.dtype, y.shape)
    right = predicted == y
    assert model.score(X, y) == right.all(axis=1).mean() > 0.4
    assert model.cell_accuracy(X, y) == right.mean()
    found = model.predict_proba(X)
    assert [each.shape for each in found] == [(40, 3)] * 2
    np.testing.assert_array_equal(flat(found), probabilities_of_codes(tuple(map(tuple, CODES))))


def test_cells_that_have_not_the_same_classes():
    y = np.stack([CODES[:, 0], 10 + (CODES[:, 1] > 0), np.full(40, 5), CODES[:, 1] * 10], axis=1)
    model = trained(y)
    assert [own.tolist() for own in model.classes_] == [[0, 1, 2], [10, 11], [5], [0, 10, 20]]
    found = model.predict_proba(X)
    assert [each.shape[1] for each in found] == [3, 2, 1, 3]
    np.testing.assert_array_equal(found[2], 1.0)
    for k in (0, 1, 50):
        for cell, own in enumerate(model.classes_):
            assert set(model.predict(X, k=k)[:, cell]) <= set(own)
    assert model.score(X, y) > 0.3


@pytest.mark.parametrize("dtype", [int, bool, float, np.uint8])
def test_an_indicator_of_labels(dtype):
    y = (CODES > 0).astype(dtype)
    model = trained(y)
    assert [own.tolist() for own in model.classes_] == [[0, 1]] * 2
    found = model.predict_proba(X)
    assert found.shape == (40, 2)
    assert ((found > 0) & (found < 1)).all()
    predicted = model.predict(X)
    assert predicted.dtype == y.dtype
    np.testing.assert_array_equal(predicted, found >= 0.5)
    assert model.score(X, y) == accuracy_score(y, predicted) > 0.8


def test_a_label_that_no_row_has_is_possible():
    y = (CODES > 0).astype(int)
    y[:, 1] = 0
    found = trained(y).predict_proba(X)
    assert found.shape == (40, 2)
    assert found[:, 1].max() < 0.5


def test_a_column_is_labels_of_one_dimension():
    with pytest.warns(DataConversionWarning, match="column-vector"):
        model = trained(CODES[:, :1])
    assert model.predict(X).shape == (40,)
    assert same_bits(model, trained(CODES[:, 0]), X)
    assert model.score(X, CODES[:, :1]) == model.score(X, CODES[:, 0])


@pytest.mark.parametrize("y", [np.full(40, "a"), np.full((40, 2), 7)], ids=["one", "cells"])
def test_a_single_class_is_certain(y):
    model = trained(y)
    np.testing.assert_array_equal(model.predict(X), y)
    np.testing.assert_array_equal(flat(model.predict_proba(X)), 1.0)
    assert model.score(X, y) == 1.0


@pytest.mark.parametrize("names", [NAMES, np.array([1, 2, 3])], ids=["names", "numbers"])
def test_frames_and_lists_of_labels(names):
    y = names[CODES]
    expected = classifier().fit(X, y).predict(X)
    frame = pd.DataFrame(y, columns=["left", "right"])
    for given in (frame, y.tolist()):
        model = classifier().fit(X, given)
        np.testing.assert_array_equal(model.predict(X), expected)
        assert model.score(X, given) == (expected == y).all(axis=1).mean()
    series = pd.Series(y[:, 0])
    np.testing.assert_array_equal(
        classifier().fit(X, series).predict(X), classifier().fit(X, y[:, 0]).predict(X)
    )
    categories = classifier().fit(X, series.astype("category"))
    np.testing.assert_array_equal(categories.predict(X), classifier().fit(X, y[:, 0]).predict(X))


# ------------------------------------------------------------------ missing labels

HIDDEN = np.random.default_rng(5).integers(3, size=(40, 1)) == np.arange(2)


@pytest.mark.parametrize(
    ("y", "missing"),
    [
        (CODES, -1),
        (CODES.astype(float), np.nan),
        (CODES.astype(np.float32), np.float32("nan")),
        (NAMES[CODES].astype("U9"), "?"),
        (NAMES[CODES].astype(object), "?"),
        (NAMES[CODES].astype(object), np.nan),
        ((CODES > 0).astype(int), -1),
        ((CODES > 0).astype(float), np.nan),
    ],
    ids=["int", "nan", "nan of float32", "str", "object", "nan of object", "01", "01 and nan"],
)
def test_missing_labels_are_as_if_they_were_anything(y, missing):
    hidden = y.copy()
    hidden[HIDDEN] = missing
    model = trained(hidden, missing_label=missing)
    for cell, own in enumerate(model.classes_):
        assert own.tolist() == sorted(set(y[~HIDDEN[:, cell], cell].tolist()))
    assert model.predict(X).dtype == y.dtype
    # They are not asked for.
    right = model.predict(X) == y
    assert model.cell_accuracy(X, hidden) == right[~HIDDEN].mean()
    assert model.score(X, hidden) == (right | HIDDEN).all(axis=1).mean()
    assert model.cell_accuracy(X, hidden) > 0.6
    # A column of which none is known can be scored, and not be learned from.
    known_first = hidden.copy()
    known_first[:, 0], known_first[:, 1] = y[:, 0], missing
    assert model.score(X, known_first) == right[:, 0].mean()


@pytest.mark.parametrize("y", [CODES, CODES > 0, (CODES > 0).astype(int)], ids=["int", "?", "01"])
@pytest.mark.parametrize("nothing", [None, pd.NA, np.nan])
def test_numbers_beside_nothing_are_numbers(y, nothing):
    objects = y.astype(object)
    objects[HIDDEN] = nothing
    frame = pd.DataFrame(objects)
    if nothing is pd.NA:
        frame = frame.convert_dtypes()
    expected = classifier(missing_label=-1).fit(X, np.where(HIDDEN, -1, y.astype(int)))
    for given in (objects, frame):
        model = classifier(missing_label=np.nan).fit(X, given)
        assert model.predict(X).dtype == y.dtype
        np.testing.assert_array_equal(model.predict(X), expected.predict(X))
        assert model.score(X, given) == expected.score(X, np.where(HIDDEN, -1, y))


def test_the_loss_is_the_mean_over_labels_that_are_there():
    hidden = np.where(HIDDEN, -1, CODES)
    model = classifier(missing_label=-1, max_epochs=1, lr=1e-12).fit(X, hidden)
    probabilities = np.stack(model.predict_proba(X), axis=1)
    squares = ((probabilities - np.eye(3)[CODES]) ** 2).sum(axis=2)
    expected = squares[~HIDDEN].mean()
    assert model.history_[0, "train_loss"] == pytest.approx(expected, rel=1e-6)


# ------------------------------------------------------------------ weights


@pytest.mark.parametrize("y", [CODES[:, 0], CODES, (CODES > 0).astype(int)], ids=["1", "2", "01"])
@pytest.mark.parametrize("class_weight", [None, "balanced"])
def test_weights_are_repetitions_and_zero_is_absence(y, class_weight):
    # One batch, of either: sums round differently.
    weight = np.random.default_rng(0).integers(3, size=40)
    few = classifier(batch_size=200, max_epochs=6, class_weight=class_weight)
    weighted = few.fit(X, y, sample_weight=weight)
    found = flat(weighted.predict_proba(X))
    repeated = few.fit(np.repeat(X, weight, axis=0), np.repeat(y, weight, axis=0))
    np.testing.assert_allclose(found, flat(repeated.predict_proba(X)), atol=1e-6)
    kept = weight > 0
    absent = few.fit(X[kept], y[kept], sample_weight=weight[kept])
    np.testing.assert_array_equal(found, flat(absent.predict_proba(X)))
    scaled = few.fit(X, y, sample_weight=8.0 * weight)
    np.testing.assert_array_equal(found, flat(scaled.predict_proba(X)))


def test_rows_of_weight_zero_may_hold_what_no_other_row_has():
    y, weight = CODES.copy(), np.ones(40)
    y[3], weight[3] = 9, 0.0
    model = classifier().fit(X, y, sample_weight=weight)
    assert [own.tolist() for own in model.classes_] == [[0, 1, 2]] * 2


def test_class_weights():
    y = CODES[:, 0]
    balanced = classifier(class_weight="balanced").fit(X, y)
    each = compute_class_weight("balanced", classes=np.unique(y), y=y)
    by_name = classifier(class_weight=dict(enumerate(each))).fit(X, y)
    by_row = classifier().fit(X, y, sample_weight=each[y])
    np.testing.assert_array_equal(balanced.predict_proba(X), by_name.predict_proba(X))
    np.testing.assert_allclose(balanced.predict_proba(X), by_row.predict_proba(X), atol=1e-9)
    assert np.abs(balanced.predict_proba(X) - classifier().fit(X, y).predict_proba(X)).max() > 1e-6


def test_class_weights_of_cells():
    of_all = classifier(class_weight={0: 1, 1: 2, 2: 3}).fit(X, CODES)
    listed = classifier(class_weight=[{0: 1, 1: 2, 2: 3}] * 2).fit(X, CODES)
    assert same_bits(of_all, listed, X)
    other = classifier(class_weight=[{0: 1, 1: 2, 2: 3}, "balanced"]).fit(X, CODES)
    assert not same_bits(of_all, other, X)


def test_heavy_classes_are_predicted_more_often():
    rng = np.random.default_rng(0)
    y = rng.integers(2, size=40)  # noise
    counts = [
        (trained(y, class_weight={0: 1, 1: weight}).predict(X) == 1).sum() for weight in (0.05, 20)
    ]
    assert counts[0] < 20 < 30 < counts[1]


def test_scores_are_weighted():
    model = classifier().fit(X, CODES)
    weight = np.random.default_rng(1).uniform(size=40)
    right = model.predict(X) == CODES
    assert model.score(X, CODES, weight) == pytest.approx(
        np.average(right.all(axis=1), weights=weight)
    )
    assert model.cell_accuracy(X, CODES, weight) == pytest.approx(
        np.average(right.mean(axis=1), weights=weight)
    )


def test_nothing_is_warned_of():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for y in (*SINGLE.values(), *CELLS.values()):
            classifier(max_epochs=1).fit(X, y).score(X, y)
