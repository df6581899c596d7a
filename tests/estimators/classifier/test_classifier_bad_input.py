"""Bad input is named before any training, and leaves an estimator as it was."""

import re

import numpy as np
import pytest
import scipy.sparse
from estimators.classifier._small_classifiers import cells_of, classifier, features, same_bits
from sklearn.exceptions import NotFittedError
from skorch.callbacks import Callback
from torch import nn

from sklearn_reasoning.exceptions import DivergenceError

X = features(n=20)
Y = cells_of(X)


class NoTraining(Callback):
    """Fails a test in which training begins."""

    def on_epoch_begin(self, net, **kwargs):
        raise AssertionError("training has begun")


PARAMETERS = [
    ({"perception": "per_cell"}, X[:, :3], Y, "each of the 2 cells of y, and they do not divide"),
    ({"perception": "per_cell_image"}, X, Y, "the 2 columns of X for a cell are no square"),
    ({"perception": lambda m, c, n: nn.Linear(m, 5)}, X, Y, r"gives \(2, 5\) for 2 rows"),
    ({"perception": lambda m, c, n: nn.Linear(m + 1, c * n)}, X, Y, "module that cannot read X"),
    ({"algo": "cg", "concavity": 0}, X, Y, "algo='cg' .* Use one of"),
    ({"algo": "chebyshev", "concavity": 0}, X, Y, "algo='chebyshev' .* Use one of"),
    ({"algo": "rnn", "concavity": 0}, X, Y, "algo='rnn' .* Use one of"),
    ({"algo": "nag"}, X, Y, "algo='nag' needs a convex energy.*Set concavity=0"),
    ({"algo": "heavy_ball"}, X, Y, "algo='heavy_ball' needs a convex energy.*Set concavity=0"),
    ({"algo": "admm"}, X, Y, "algo='admm' needs a convex energy.*Set concavity=0"),
    ({"algo": "opt"}, X, Y, "algo='opt' needs a convex energy.*Set concavity=0"),
    ({"algo": "fista2"}, X, Y, "fista2"),
    ({"class_weight": ["balanced"]}, X, Y, "class_weight lists 1 entries, and y has 2 columns"),
    ({"class_weight": {0: -1.0}}, X, Y, "class_weight=.*not negative"),
    ({"class_weight": {0: 0, 1: 0, 2: 0}}, X, Y, "class_weight=.* leaves no label a weight"),
    ({"class_weight": {0: "a"}}, X, Y, "class_weight="),
    ({"class_weight": "equal"}, X, Y, "'class_weight'"),
    ({"k": -1}, X, Y, "'k'"),
    ({"predict_k": -1}, X, Y, "'predict_k'"),
    ({"predict_k": "all"}, X, Y, "'predict_k'"),
    ({"n_restarts": -1}, X, Y, "'n_restarts'"),
    ({"rank": 0}, X, Y, "'rank'"),
    ({"concavity": 1.0}, X, Y, "'concavity'"),
    ({"concavity": -0.1}, X, Y, "'concavity'"),
    ({"coupling": "all"}, X, Y, "'coupling'"),
    ({"perception": "image"}, X, Y, "'perception'"),
    ({"perception_hidden": (0,)}, X, Y, "perception_hidden"),
    ({"coupling_start": "zero"}, X, Y, "'coupling_start'"),
    ({"device": "abacus"}, X, Y, "device='abacus'"),
    ({"early_stopping": True, "validation_fraction": 0.99}, X[:2], Y[:2], "early_stopping=True"),
    (
        {"early_stopping": True, "class_weight": {0: 1, 1: 0}},
        X,
        (np.arange(20) > 0).astype(int),
        "early_stopping=True.*class_weight leaves no label a weight",
    ),
    ({"missing_label": 0}, X, np.where(np.arange(20)[:, None] == 7, 0, 1 + Y), "row 7"),
    ({"missing_label": -1}, X, Y * [1, 0] + [0, -1], "no label in column 1"),
    ({}, X, np.where(Y == 2, np.nan, Y), "missing_label=np.nan"),
    ({}, X, Y + 0.5, "continuous"),
    ({}, X, Y[:, :, None], r"y of shape \(20, 2, 1\)"),
    ({}, X, scipy.sparse.csr_matrix(Y > 0), "y.toarray"),
    ({}, X, Y[:5], "inconsistent"),
    ({}, X, None, "requires y"),
    ({}, np.where(X > 2, np.nan, X), Y, "NaN"),
]


@pytest.mark.parametrize(
    ("parameters", "X", "y", "message"), PARAMETERS, ids=[row[3][:40] for row in PARAMETERS]
)
def test_what_fit_refuses(parameters, X, y, message):
    model = classifier(**parameters, callbacks=[NoTraining()])
    with pytest.raises(ValueError, match=message):
        model.fit(X, y)
    assert not hasattr(model, "classes_")
    with pytest.raises(NotFittedError):
        model.predict(X)


@pytest.mark.parametrize(
    ("perception", "message"),
    [
        (lambda m: 3, "made int, and must make a torch module"),
        (nn.Linear(4, 6), "is a module, and must be what makes one"),
        (lambda a, b, c, d: nn.Linear(a, 6), "takes 4 arguments, and is given"),
    ],
)
def test_perception_that_makes_no_module(perception, message):
    with pytest.raises(TypeError, match=message):
        classifier(perception=perception).fit(X, Y)


@pytest.mark.parametrize(
    ("weight", "message"),
    [
        (np.zeros(20), "sample_weight|non-zero"),
        (-np.ones(20), "sample_weight"),
        (np.ones(3), "sample_weight"),
        (np.full(20, np.nan), "sample_weight|NaN"),
    ],
)
@pytest.mark.parametrize("method", ["fit", "score", "cell_accuracy"])
def test_weights_that_are_none(weight, message, method):
    model = classifier(max_epochs=1).fit(X, Y)
    with pytest.raises(ValueError, match=message):
        getattr(model, method)(X, Y, sample_weight=weight)


# ------------------------------------------------------------------ going on


@pytest.mark.parametrize(
    ("change", "X", "y", "message"),
    [
        ({}, X, Y + 1, re.escape("class 3 in row") + ".*unseen in training.*[0, 1, 2]"),
        ({}, X, Y.astype(str), "unseen in training"),
        ({}, X, Y[:, 0], "of another kind"),
        ({}, X, np.hstack([Y, Y]), "other columns"),
        ({}, X[:, :3], Y, "needs its shapes"),
        ({"rank": 1}, X, Y, "needs its shapes"),
        ({"coupling": "full"}, X, Y, "needs its shapes"),
    ],
)
def test_what_warm_start_cannot_go_on_with(change, X, y, message):
    model = classifier(warm_start=True, max_epochs=1).fit(features(n=20), Y)
    twin = classifier(warm_start=True, max_epochs=1).fit(features(n=20), Y)
    with pytest.raises(ValueError, match=message):
        model.set_params(**change).fit(X, y)
    assert same_bits(model, twin, features(n=20))
    assert model.n_features_in_ == 4


def test_warm_start_goes_on_with_some_of_the_classes():
    model = classifier(warm_start=True, max_epochs=1).fit(X, Y)
    model.fit(X[:2], np.array([[0, 1], [1, 0]]))
    assert [own.tolist() for own in model.classes_] == [[0, 1, 2]] * 2


@pytest.mark.filterwarnings("ignore:overflow:RuntimeWarning")
@pytest.mark.parametrize("coupling", ["classwise", "full"])
def test_divergence_leaves_what_was_there(coupling):
    model, twin = (classifier(max_epochs=3, coupling=coupling).fit(X, Y) for _ in range(2))
    model.set_params(lr=1e308, optimizer="sgd")
    with pytest.raises(DivergenceError, match="lr"):
        model.fit(X, Y)
    assert same_bits(model, twin, X)


# ------------------------------------------------------------------ predictions


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"k": -1}, ValueError, "k=-1"),
        ({"k": 1.5}, TypeError, "k=1.5"),
        ({"k": True}, TypeError, "k=True"),
        ({"until": -0.1}, ValueError, "until=-0.1"),
        ({"until": "soon"}, ValueError, "until='soon'"),
        ({"until": np.nan}, ValueError, "until=nan"),
        ({"until": np.inf}, ValueError, "until=inf"),
        ({"until": True}, ValueError, "until=True"),
        ({"n_restarts": -1}, ValueError, "n_restarts=-1"),
        ({"n_restarts": 0.5}, TypeError, "n_restarts=0.5"),
        ({"n_restarts": True}, TypeError, "n_restarts=True"),
        ({"n_restarts": 1, "random_state": "a"}, ValueError, "'a'"),
    ],
)
def test_what_predict_refuses(options, error, message):
    model = classifier(max_epochs=1).fit(X, Y)
    with pytest.raises(error, match=message):
        model.predict(X, **options)


@pytest.mark.parametrize("scale", [None, "1", 0, -1.0, np.nan, np.inf, True, np.array([0.5])])
@pytest.mark.parametrize("method", ["predict", "predict_proba", "predict_energy"])
def test_scales_of_evidence_that_are_none(scale, method):
    model = classifier(max_epochs=1).fit(X, Y).set_params(evidence_scale=scale)
    with pytest.raises(ValueError, match=r"evidence_scale=.* must be a finite number above 0"):
        getattr(model, method)(X)
    with pytest.raises(ValueError, match="evidence_scale"):
        model.fit(X, Y)


@pytest.mark.parametrize(("scale", "x"), [(1e308, X), (1.0, np.where(X > 0, 1.7e308, -1.7e308))])
def test_predictions_are_never_nan(scale, x):
    model = classifier(max_epochs=1).fit(X, Y).set_params(evidence_scale=scale)
    for method in (model.predict, model.predict_proba):
        # scikit-learn's sum of such an X overflows.
        with (
            np.errstate(all="ignore"),
            pytest.raises(ValueError, match=re.escape(f"X, or evidence_scale={scale}")),
        ):
            method(x)


@pytest.mark.parametrize("method", ["predict", "predict_proba", "predict_energy"])
def test_other_columns_are_refused(method):
    model = classifier(max_epochs=1).fit(X, Y)
    with pytest.raises(ValueError, match="expecting 4 features"):
        getattr(model, method)(X[:, :3])
    with pytest.raises(ValueError, match="text"):
        getattr(model, method)(X.astype(str))


@pytest.mark.parametrize("method", ["score", "cell_accuracy"])
@pytest.mark.parametrize(
    ("y", "message"),
    [
        (Y[:, 0], "does not go with 20 rows of 2 cells"),
        (Y[:5], "does not go with 20 rows of 2 cells"),
        (np.hstack([Y, Y]), "does not go with 20 rows of 2 cells"),
        (Y.astype(str), "no labels like"),
        (Y + 0.5, "no labels like"),
        (np.where(Y == 2, np.nan, Y), "NaN"),
        (scipy.sparse.csr_matrix(Y), "y.toarray"),
        (3, "shape"),
    ],
)
def test_labels_that_cannot_be_scored(method, y, message):
    model = classifier(max_epochs=1).fit(X, Y)
    with pytest.raises(ValueError, match=message):
        getattr(model, method)(X, y)


def test_a_row_without_a_label_cannot_be_scored():
    model = classifier(max_epochs=1, missing_label=-1).fit(X, Y)
    y = Y.copy()
    y[4] = -1
    with pytest.raises(ValueError, match="row 4"):
        model.score(X, y)


def test_before_fit():
    model = classifier()
    for method in (model.predict, model.predict_proba, model.predict_energy, model.certify):
        with pytest.raises(NotFittedError):
            method(X)
    with pytest.raises(NotFittedError):
        model.score(X, Y)
    for name in ("module_", "coupling_", "concavity_", "history_"):
        assert not hasattr(model, name)
