"""The classifier among scikit-learn's tools: searches, calibration, pipelines, files, workers."""

import io
import threading

import joblib
import numpy as np
import pandas as pd
import pytest
import torch
from _covering import covering
from estimators.classifier._small_classifiers import (
    cells_of,
    classifier,
    features,
    flat,
    same_bits,
)
from sklearn import config_context
from sklearn.base import clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.metrics import brier_score_loss, get_scorer, hamming_loss, log_loss, roc_auc_score
from sklearn.model_selection import GridSearchCV, KFold, cross_val_predict, cross_val_score
from sklearn.multioutput import ClassifierChain, MultiOutputClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from skorch.callbacks import Callback
from torch import nn

from sklearn_reasoning import load_model, save_model
from sklearn_reasoning.model_selection import BatchedGridSearchCV, gap_table

X = features()
Y = cells_of(X)
ONE, LABELS = Y[:, 0], (Y > 0).astype(int)
KINDS = {
    "single": ONE,
    "names": np.array(["ant", "bee", "cow"])[ONE],
    "objects": np.array(["ant", "bee", "cow"])[ONE].astype(object),
    "bools": ONE > 0,
    "floats": ONE * 2.0,
    "cells": Y,
    "names of cells": np.array(["ant", "bee", "cow"])[Y],
    "ragged": np.stack([ONE, np.minimum(Y[:, 1], 1)], axis=1),
    "multilabel": LABELS,
    "one class": np.full(len(X), "a"),
}


def normalised(n_features, n_cells, n_classes):
    """A perception whose layers behave in another way in training."""
    return nn.Sequential(
        nn.Linear(n_features, 8),
        nn.BatchNorm1d(8),
        nn.Dropout(0.3),
        nn.Linear(8, n_cells * n_classes),
    )


# ------------------------------------------------------------------ reproducible


@pytest.mark.parametrize("parameters", [{}, {"batch_size": 7}, {"perception": normalised}])
def test_the_same_random_state_gives_the_same_bits(parameters):
    torch.manual_seed(1)
    model = classifier(**parameters).fit(X, Y)
    torch.manual_seed(2)
    again = classifier(**parameters).fit(X, Y)
    assert same_bits(model, again, X)
    assert not same_bits(model, classifier(**parameters | {"random_state": 1}).fit(X, Y), X)
    state = np.random.RandomState(3)
    drawn = [classifier(**parameters, random_state=None).set_params(random_state=state)] * 2
    first, second = (clone(each).set_params(random_state=state).fit(X, Y) for each in drawn)
    assert not same_bits(first, second, X)


@pytest.mark.parametrize("perception", ["joint", "per_cell", normalised])
def test_global_random_states_are_not_touched(perception):
    torch.manual_seed(3)
    np.random.seed(3)  # noqa: NPY002
    before = torch.get_rng_state(), np.random.get_state()[1].copy()  # noqa: NPY002
    for random_state in (0, None):
        model = classifier(perception=perception, random_state=random_state)
        model.fit(X, Y).predict(X, n_restarts=2)
    assert torch.equal(torch.get_rng_state(), before[0])
    assert np.array_equal(np.random.get_state()[1], before[1])  # noqa: NPY002


def test_modules_of_ones_own_are_in_use_when_they_predict():
    model = classifier(perception=normalised, early_stopping=True).fit(X, Y)
    together = flat(model.predict_proba(X))
    np.testing.assert_array_equal(together, flat(model.predict_proba(X)))
    alone = np.vstack([flat(model.predict_proba(X[[i]])) for i in range(len(X))])
    np.testing.assert_allclose(together, alone, atol=1e-9)


def test_a_module_that_a_callable_keeps_is_not_changed():
    kept = nn.Linear(4, 6)
    weight = kept.weight.detach().clone()
    model = classifier(perception=lambda: kept).fit(X, Y)
    assert torch.equal(kept.weight, weight)
    assert same_bits(model, classifier(perception=lambda: kept).fit(X, Y), X)


@pytest.mark.parametrize("backend", ["threading", pytest.param("loky", marks=pytest.mark.hard)])
def test_workers_train_to_the_same_bits(backend):
    expected = [classifier(random_state=i).fit(X, Y) for i in range(3)]
    with joblib.parallel_config(backend, n_jobs=2):
        found = joblib.Parallel()(
            joblib.delayed(classifier(random_state=i).fit)(X, Y) for i in range(3)
        )
    for model, wanted in zip(found, expected, strict=True):
        assert same_bits(model, wanted, X)


def test_threads_draw_the_weights_that_they_draw_alone():
    found = [None] * 8

    def fit(i):
        model = classifier(random_state=i, max_epochs=1).fit(X, Y)
        found[i] = flat(model.predict_proba(X))

    for i in range(8):
        fit(i)
    expected = list(found)
    threads = [threading.Thread(target=fit, args=(i,)) for i in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for ours, wanted in zip(found, expected, strict=True):
        np.testing.assert_array_equal(ours, wanted)


# ------------------------------------------------------------------ copies and files


def test_clone_and_parameters():
    model = classifier(class_weight={0: 1, 1: 2, 2: 3}, missing_label=-1, perception=normalised)
    parameters = model.get_params()
    assert clone(model).get_params() == parameters
    assert len(parameters) == 32
    model.fit(X, Y)
    assert model.get_params() == parameters
    assert not hasattr(clone(model), "classes_")


@pytest.mark.parametrize("kind", KINDS)
def test_pickles_and_model_files_hold_the_same_bits(kind, tmp_path):
    frame = pd.DataFrame(X, columns=list("abcd"))
    model = classifier(class_weight="balanced").fit(frame, KINDS[kind])
    joblib.dump(model, tmp_path / "model.joblib")
    save_model(model, tmp_path / "model.safetensors")
    files = joblib.load(tmp_path / "model.joblib"), load_model(tmp_path / "model.safetensors")
    for again in files:
        assert same_bits(model, again, frame)
        predicted = again.predict(frame)
        np.testing.assert_array_equal(predicted, model.predict(frame))
        assert predicted.dtype == model.predict(frame).dtype
        assert again.get_params() == model.get_params()
        assert again.feature_names_in_.tolist() == list("abcd")
        assert again.score(frame, KINDS[kind]) == model.score(frame, KINDS[kind])
        for ours, theirs in zip(again.classes_, model.classes_, strict=True):
            np.testing.assert_array_equal(ours, theirs)


@covering(
    "parameters, dtype",
    [
        {"perception": "per_cell"},
        {"perception": "per_cell_image"},
        {"perception_hidden": ()},
        {"perception_hidden": (4, 3)},
        {"coupling": "full", "algo": "nag", "concavity": 0},
        {"coupling": None},
        {"class_weight": {0: 1, 1: 2, 2: 3}},
        {"class_weight": [{0: 1, 1: 2, 2: 3}, "balanced"]},
        {"missing_label": -1},
        {"missing_label": np.nan},
        {"missing_label": "?"},
        {"predict_k": "converged", "n_restarts": 2},
        {"early_stopping": True, "verbose": 0, "keep": "last"},
    ],
    [np.float32, np.float64],
)
def test_model_files_of_every_kind_of_classifier(parameters, dtype, tmp_path):
    x = np.repeat(X, 2, axis=1).astype(dtype)
    model = classifier(**parameters).fit(x, Y)
    save_model(model, tmp_path / "model.safetensors")
    again = load_model(tmp_path / "model.safetensors")
    assert same_bits(model, again, x)
    assert str(again.get_params()) == str(model.get_params())
    np.testing.assert_array_equal(again.predict(x), model.predict(x))
    assert [*again.history_[:, "train_loss"]] == [*model.history_[:, "train_loss"]]
    if parameters.get("concavity") == 0:
        assert again.certify(x[:3]).holds == model.certify(x[:3]).holds
    assert again.set_params(warm_start=True).fit(x, Y).score(x, Y) >= 0.0


def test_a_module_of_ones_own_is_in_pickles_and_no_model_file(tmp_path):
    model = classifier(perception=normalised).fit(X, Y)
    joblib.dump(model, tmp_path / "model.joblib")
    assert same_bits(model, joblib.load(tmp_path / "model.joblib"), X)
    with pytest.raises(TypeError, match=r"perception: .* no code. joblib"):
        save_model(model, tmp_path / "model.safetensors")
    assert not (tmp_path / "model.safetensors").exists()


# ------------------------------------------------------------------ searches and scores

SEARCHES = [GridSearchCV, BatchedGridSearchCV]


@pytest.mark.parametrize("search", SEARCHES)
def test_searches(search):
    grid = {"k": [1, 6], "concavity": [0.0, 0.1], "predict_k": [None, 12]}
    cv = KFold(2)
    found = search(classifier(max_epochs=2), grid, cv=cv).fit(X, Y)
    train, test = next(iter(cv.split(X)))
    for i, parameters in enumerate(found.cv_results_["params"]):
        alone = classifier(max_epochs=2, **parameters).fit(X[train], Y[train])
        assert found.cv_results_["split0_test_score"][i] == alone.score(X[test], Y[test])
    np.testing.assert_array_equal(found.predict(X), found.best_estimator_.predict(X))


@pytest.mark.parametrize("search", SEARCHES)
@pytest.mark.parametrize("scoring", ["accuracy", "neg_log_loss", "roc_auc_ovr", "f1_macro"])
def test_searches_by_scorers(search, scoring):
    found = search(classifier(), {"k": [2]}, cv=KFold(2), scoring=scoring).fit(X, ONE)
    train, test = next(iter(KFold(2).split(X)))
    model = classifier(k=2).fit(X[train], ONE[train])
    expected = get_scorer(scoring)(model, X[test], ONE[test])
    assert found.cv_results_["split0_test_score"][0] == expected


def test_scores_of_probabilities():
    model = classifier().fit(X, ONE)
    assert np.isfinite(log_loss(ONE, model.predict_proba(X)))
    assert 0 <= brier_score_loss(ONE > 0, 1 - model.predict_proba(X)[:, 0]) <= 1
    labels = classifier().fit(X, LABELS)
    assert roc_auc_score(LABELS, labels.predict_proba(X)) >= 0.0
    assert hamming_loss(LABELS, labels.predict(X)) == pytest.approx(
        1 - labels.cell_accuracy(X, LABELS)
    )
    scores = cross_val_score(classifier(), X, LABELS, cv=2, scoring="f1_micro")
    assert np.isfinite(scores).all()
    proba = cross_val_predict(classifier(), X, ONE, cv=2, method="predict_proba")
    np.testing.assert_allclose(proba.sum(axis=1), 1.0)


@pytest.mark.parametrize("scoring", ["neg_log_loss", "neg_brier_score", "accuracy"])
def test_the_gap_of_its_scores(scoring):
    search = GridSearchCV(
        classifier(), {"k": [1, 8]}, cv=2, scoring=scoring, return_train_score=True
    )
    table = gap_table(search.fit(X, ONE > 0))
    results = search.cv_results_
    np.testing.assert_allclose(
        table["gap"], results["mean_train_score"] - results["mean_test_score"]
    )


def test_calibration():
    calibrated = CalibratedClassifierCV(classifier(predict_k=20), cv=2).fit(X, ONE)
    np.testing.assert_allclose(calibrated.predict_proba(X).sum(axis=1), 1.0)


def test_one_for_each_output():
    each = MultiOutputClassifier(classifier()).fit(X, Y)
    assert each.predict(X).shape == Y.shape
    np.testing.assert_array_equal(
        each.predict_proba(X)[1], classifier().fit(X, Y[:, 1]).predict_proba(X)
    )
    assert each.score(X, Y) == (each.predict(X) == Y).all(axis=1).mean()
    chain = ClassifierChain(classifier(), order=[1, 0]).fit(X, LABELS)
    assert chain.predict_proba(X).shape == LABELS.shape
    own = classifier().fit(X, LABELS)
    for scoring in ("accuracy", "f1_samples", "jaccard_samples"):
        assert all(np.isfinite(get_scorer(scoring)(m, X, LABELS)) for m in (chain, own))


def test_pipelines_and_names_of_columns():
    frame = pd.DataFrame(X, columns=["age", "dose", "mass", "size"])
    scaler = StandardScaler().set_output(transform="pandas")
    pipeline = make_pipeline(scaler, classifier()).fit(frame, Y)
    assert pipeline[-1].feature_names_in_.tolist() == ["age", "dose", "mass", "size"]
    alone = classifier().fit(StandardScaler().fit_transform(frame), Y)
    np.testing.assert_array_equal(
        flat(pipeline.predict_proba(frame)),
        flat(alone.predict_proba(StandardScaler().fit_transform(frame))),
    )
    with pytest.raises(ValueError, match="feature names"):
        pipeline[-1].predict(frame[["dose", "age", "mass", "size"]])
    assert pipeline.score(frame, Y) == pipeline[-1].score(pipeline[:-1].transform(frame), Y)


@pytest.mark.parametrize("search", SEARCHES)
def test_weights_are_routed(search):
    weight = np.random.default_rng(0).uniform(size=len(X))
    with config_context(enable_metadata_routing=True):
        model = (
            classifier()
            .set_fit_request(sample_weight=True)
            .set_score_request(sample_weight=True, k=False)
        )
        found = search(model, {"k": [2]}, cv=KFold(2)).fit(X, Y, sample_weight=weight)
    train, test = next(iter(KFold(2).split(X)))
    alone = classifier(k=2).fit(X[train], Y[train], sample_weight=weight[train])
    assert found.cv_results_["split0_test_score"][0] == alone.score(X[test], Y[test], weight[test])


# ------------------------------------------------------------------ training


def test_early_stopping():
    model = classifier(early_stopping=True, n_iter_no_change=2, tol=0.5, max_epochs=50).fit(X, Y)
    assert model.n_iter_ < 50
    assert len(model.history_) == model.n_iter_
    assert np.isfinite(model.history_[:, "valid_loss"]).all()
    assert same_bits(model, clone(model).fit(X, Y), X)


def test_warm_start_goes_on_from_the_last_weights():
    model = classifier(warm_start=True, max_epochs=40, lr=0.03).fit(X, Y)
    loss = min(model.history_[:, "train_loss"])
    again = model.set_params(max_epochs=1, lr=1e-9).fit(X, Y)
    assert again.history_[0, "train_loss"] == pytest.approx(loss, rel=0.05)
    assert clone(model).fit(X, Y).history_[0, "train_loss"] > 1.2 * loss


@pytest.mark.parametrize("loss", ["squared", "l2"])
def test_the_history_has_the_loss_that_is_said(loss):
    model = classifier(loss=loss, max_epochs=1, lr=1e-12, k=5).fit(X, Y)
    onehot = [np.eye(3)[Y[:, cell]] for cell in range(2)]
    # The trained weights are the initial ones, nearly.
    squares = [((p - t) ** 2).sum(1) for p, t in zip(model.predict_proba(X), onehot, strict=True)]
    rows = np.mean(squares, axis=0)
    expected = rows.mean() if loss == "squared" else np.sqrt(rows).mean()
    assert model.history_[0, "train_loss"] == pytest.approx(expected, rel=1e-5)


def test_callbacks_watch():
    seen = []

    class Watching(Callback):
        def on_epoch_end(self, net, **kwargs):
            seen.append(net.history[-1, "train_loss"])

    model = classifier(callbacks=[Watching()]).fit(X, Y)
    assert seen == list(model.history_[:, "train_loss"])
    assert same_bits(model, classifier().fit(X, Y), X)


def test_a_line_an_epoch(capsys):
    classifier(verbose=1, max_epochs=3).fit(X, Y)
    out = capsys.readouterr().out
    assert "train_loss" in out
    assert len(out.splitlines()) >= 5
    classifier(max_epochs=3).fit(X, Y)
    assert capsys.readouterr().out == ""


def test_ctrl_c_leaves_the_estimator_as_it_was():
    class Interrupting(Callback):
        def on_batch_end(self, net, **kwargs):
            raise ZeroDivisionError

    model = classifier().fit(X, Y)
    twin = classifier().fit(X, Y)
    with pytest.raises(ZeroDivisionError):
        model.set_params(callbacks=[Interrupting()], k=3).fit(X[:, :3], ONE)
    assert same_bits(model, twin, X)
    assert model.n_features_in_ == 4
    assert model.n_outputs_ == 2


def test_per_cell_images_are_read_by_one_network():
    x = np.random.default_rng(0).random((30, 2 * 36))
    y = np.stack([(x[:, :36].mean(1) > 0.5) + 1, (x[:, 36:].mean(1) > 0.5) + 1], axis=1)
    model = classifier(perception="per_cell_image", coupling=None).fit(x, y)
    swapped = np.hstack([x[:, 36:], x[:, :36]])
    first, second = model.predict_proba(x)
    np.testing.assert_allclose(model.predict_proba(swapped)[0], second, atol=1e-12)
    np.testing.assert_allclose(model.predict_proba(swapped)[1], first, atol=1e-12)


def test_it_is_written_out():
    text = repr(classifier())
    assert text.startswith("HybridReasoningClassifier(")
    assert "HybridReasoningClassifier" in classifier()._repr_html_()
    buffer = io.BytesIO()
    joblib.dump(classifier(), buffer)
    assert buffer.tell() > 0
