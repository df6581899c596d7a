"""Right answers and movement against k: every point against a prediction of its own."""

import matplotlib
import numpy as np
import pandas as pd
import pytest
from sklearn.datasets import load_iris, make_multilabel_classification
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklearn_reasoning import HybridReasoningClassifier, HybridReasoningRegressor
from sklearn_reasoning.datasets import make_sudoku
from sklearn_reasoning.inspection import StepsDisplay

matplotlib.use("Agg")
plt = pytest.importorskip("matplotlib.pyplot")

X, Y = make_sudoku(220, 7, size=4, random_state=0)
IRIS = load_iris(return_X_y=True)


@pytest.fixture(autouse=True)
def _no_figure_stays_open():
    yield
    plt.close("all")


def fitted(X, y, **options):
    settings = {"k": 5, "perception": "per_cell", "max_epochs": 15, "random_state": 0, **options}
    return HybridReasoningClassifier(**settings).fit(X, y)


@pytest.fixture(scope="module")
def model():
    return fitted(X, Y)


def test_each_point_is_what_the_estimator_says(model):
    display = StepsDisplay.from_estimator(model, X, Y, k=12)

    assert display.k.tolist() == list(range(13))
    for k in display.k:
        assert display.rows_right[k] == model.score(X, Y, k=k)
        assert display.cells_right[k] == pytest.approx(model.cell_accuracy(X, Y, k=k), abs=1e-12)
    each = np.stack([np.stack(model.predict_proba(X, k=k), axis=1) for k in range(14)])
    moved = np.linalg.norm((each[1:] - each[:-1]).reshape(13, len(X), -1), axis=2)
    np.testing.assert_allclose(display.median_movement, np.median(moved, axis=1), rtol=1e-9)
    np.testing.assert_allclose(display.largest_movement, moved.max(axis=1), rtol=1e-9)
    rows, cells = display.lines_
    np.testing.assert_array_equal(rows.get_ydata(), display.rows_right)
    np.testing.assert_array_equal(cells.get_ydata(), display.cells_right)
    assert display.axes_[1].get_yscale() == "log"
    assert display.rows_right[0] < 0.5 < display.rows_right[12]


@pytest.mark.parametrize("scale", [None, "1", 0, -1, np.nan])
def test_a_scale_of_evidence_that_is_none_is_named(scale):
    model = fitted(X[:20], Y[:20], max_epochs=1).set_params(evidence_scale=scale)
    with pytest.raises(ValueError, match="evidence_scale="):
        StepsDisplay.from_estimator(model, X, Y, k=1)


def test_blocks_of_rows_change_nothing():
    """More rows than fit into one block: 2^17 numbers, of 16 cells and 4 classes."""
    many, answers = np.tile(X, (10, 1)), np.tile(Y, (10, 1))
    model = fitted(X, Y, max_epochs=1)

    all_at_once = StepsDisplay.from_estimator(model, many, answers, k=6)
    once = StepsDisplay.from_estimator(model, X, Y, k=6)

    np.testing.assert_allclose(all_at_once.cells_right, once.cells_right, rtol=1e-12)
    np.testing.assert_allclose(all_at_once.largest_movement, once.largest_movement, rtol=1e-9)


def test_without_k_it_goes_beyond_training_and_as_far_as_predictions(model):
    assert StepsDisplay.from_estimator(model, X[:9], Y[:9]).k[-1] == 30
    further = fitted(X, Y, max_epochs=1, predict_k=np.int64(50))
    assert StepsDisplay.from_estimator(further, X[:9], Y[:9]).k[-1] == 50


@pytest.mark.parametrize(
    ("predict_k", "expected"),
    [
        (None, {5: "trained with k = 5"}),
        (20, {5: "trained with k = 5", 20: "predicts with k = 20"}),
        (5, {5: "trained, and predicts, with k = 5"}),
        ("converged", {5: "trained with k = 5"}),
        (99, {5: "trained with k = 5"}),
    ],
)
def test_marks(predict_k, expected):
    model = fitted(X, Y, max_epochs=1, predict_k=predict_k)
    display = StepsDisplay.from_estimator(model, X[:9], Y[:9], k=30)
    marks = [(int(line.get_xdata()[0]), line.get_label()) for line in display.marks_]
    assert marks == [mark for mark in expected.items() for _ in display.axes_]
    assert display.predict_k == predict_k


@pytest.mark.parametrize(
    ("in_y", "missing_label"),
    [(-1, -1), (np.nan, np.nan), (None, np.nan), (pd.NA, np.float32("nan"))],
)
def test_missing_labels_are_not_asked_for(in_y, missing_label):
    y = np.where(np.random.default_rng(0).random(Y.shape) < 0.3, -1, Y).astype(object)
    y[y == -1] = in_y
    model = fitted(X, y, missing_label=missing_label, max_epochs=3)

    display = StepsDisplay.from_estimator(model, X, y, k=8)

    assert display.rows_right[8] == model.score(X, y, k=8)
    assert display.cells_right[8] == pytest.approx(model.cell_accuracy(X, y, k=8), abs=1e-12)


def test_one_cell_a_row_has_one_line():
    model = fitted(*IRIS, perception="joint")
    display = StepsDisplay.from_estimator(model, *IRIS, k=6)
    assert [line.get_label() for line in display.lines_] == ["rows"]
    assert display.rows_right[5] == model.score(*IRIS)


def test_a_multilabel_indicator():
    X, y = make_multilabel_classification(60, n_classes=4, random_state=0)
    model = fitted(X, y, perception="joint")
    display = StepsDisplay.from_estimator(model, X, y, k=6)
    assert display.rows_right[6] == model.score(X, y, k=6)


def test_pipelines_and_searches_are_taken_as_they_are():
    pipeline = make_pipeline(
        StandardScaler(), HybridReasoningClassifier(max_epochs=5, random_state=0)
    )
    search = GridSearchCV(pipeline, {"hybridreasoningclassifier__k": [3]}, cv=2).fit(*IRIS)
    display = StepsDisplay.from_estimator(search, *IRIS, k=4)
    assert display.trained_k == 3
    assert display.rows_right[3] == search.score(*IRIS)


def test_a_movement_of_zero_ends_the_line():
    """The exact minimiser does not move."""
    model = fitted(X, Y, algo="opt", concavity=0, max_epochs=1)
    display = StepsDisplay.from_estimator(model, X[:5], Y[:5], k=2)
    assert display.median_movement[2] == 0.0
    assert np.isnan(display.movement_lines_[0].get_ydata()[2])


def test_axes_and_lines_of_ones_own(model):
    _, axes = plt.subplots(2)
    display = StepsDisplay.from_estimator(model, X[:9], Y[:9], k=3, ax=axes, line_kw={"lw": 4})
    assert list(display.axes_) == list(axes)
    assert display.figure_ is axes[0].figure
    assert {line.get_linewidth() for line in [*display.lines_, *display.movement_lines_]} == {4}
    with pytest.raises(ValueError, match="ax must hold 2 Axes"):
        display.plot(axes[0])


@pytest.mark.parametrize(
    ("error", "part", "change"),
    [
        (TypeError, "k=1.5", {"k": 1.5}),
        (TypeError, "k=True", {"k": True}),
        (ValueError, "k=-1", {"k": -1}),
        (ValueError, "X=None", {"X": None}),
        (ValueError, "9 rows of 16 cells", {"y": Y[:8]}),
        (ValueError, "must be labels of shape", {"y": 3}),
        (ValueError, "features", {"X": X[:9, :60]}),
        (TypeError, "Logistic", {"estimator": LogisticRegression()}),
        (TypeError, "HybridReasoningRegressor must", {"estimator": HybridReasoningRegressor()}),
        (NotFittedError, "fitted", {"estimator": HybridReasoningClassifier()}),
    ],
)
def test_what_is_refused(model, error, part, change):
    arguments = {"estimator": model, "X": X[:9], "y": Y[:9], **change}
    with pytest.raises(error, match=part):
        StepsDisplay.from_estimator(**arguments)


def test_nothing_asked_for_is_refused():
    model = fitted(X, Y, max_epochs=1, missing_label=-1)
    with pytest.raises(ValueError, match="no label in row 0"):
        StepsDisplay.from_estimator(model, X[:2], np.full((2, 16), -1))


def test_numbers_that_do_not_go_together():
    with pytest.raises(ValueError, match="one entry for each number of steps"):
        StepsDisplay(
            rows_right=[0.0, 1.0],
            cells_right=[0.0],
            median_movement=[0.0],
            largest_movement=[0.0],
            trained_k=1,
        )
