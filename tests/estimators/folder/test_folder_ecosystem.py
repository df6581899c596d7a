"""The folder among scikit-learn's tools, whose own checks leave out what takes no 2-D arrays."""

import copy
import pickle

import joblib
import numpy as np
import pandas as pd
import pytest
import torch
from estimators.folder._small_folders import (
    FEW,
    FEW_STRUCTURES,
    MORE,
    SEQUENCES,
    STRUCTURES,
    THEIRS,
    folder,
)
from sklearn.base import clone
from sklearn.exceptions import SkipTestWarning
from sklearn.model_selection import GridSearchCV, cross_val_predict, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer
from sklearn.utils import get_tags
from sklearn.utils.estimator_checks import estimator_checks_generator
from skorch.callbacks import Callback

from sklearn_reasoning import HybridReasoningFolder, load_model, save_model
from sklearn_reasoning.rna import parse_dot_bracket


def same(first, second):
    weights = [model.module_.state_dict() for model in (first, second)]
    return all(torch.equal(weights[0][name], weights[1][name]) for name in weights[0]) and all(
        np.array_equal(*both)
        for both in zip(first.predict_proba(MORE), second.predict_proba(MORE), strict=True)
    )


@pytest.fixture(scope="module")
def fitted():
    return folder().fit(FEW, FEW_STRUCTURES)


def test_the_tag_says_strings():
    tags = get_tags(HybridReasoningFolder())
    assert not tags.input_tags.two_d_array
    assert tags.input_tags.string
    assert tags.target_tags.required


def test_the_checks_that_scikit_learn_has_left():
    with pytest.warns(SkipTestWarning, match="Can't test estimator"):
        checks = list(estimator_checks_generator(HybridReasoningFolder()))
    assert checks
    for estimator, check in checks:
        check(estimator)


def test_parameters_are_kept_as_they_are():
    parameters = HybridReasoningFolder().get_params()
    model = HybridReasoningFolder(**parameters)
    assert all(model.get_params()[name] is value for name, value in parameters.items())
    model.set_params(k=3, pseudoknots=False)
    assert (model.k, model.pseudoknots) == (3, False)
    with pytest.raises(ValueError, match="Invalid parameter 'depth'"):
        model.set_params(depth=3)
    assert clone(model).get_params() == model.get_params()


def test_fit_changes_neither_parameters_nor_data():
    sequences, structures = np.array(FEW, dtype=object), list(FEW_STRUCTURES)
    pairs = [parse_dot_bracket(structure) for structure in structures]
    before = copy.deepcopy((list(sequences), pairs))
    model = folder()
    parameters = copy.deepcopy(model.get_params())
    assert model.fit(sequences, pairs) is model
    assert model.get_params() == parameters
    assert list(sequences) == before[0]
    assert all(np.array_equal(*both) for both in zip(pairs, before[1], strict=True))


def test_fit_twice_is_fit_once(fitted):
    again = folder().fit(MORE, THEIRS).fit(FEW, FEW_STRUCTURES)
    assert same(again, fitted)
    assert again.n_iter_ == len(again.history_) == 2


@pytest.mark.parametrize(
    "container",
    [
        tuple,
        np.array,
        lambda strings: np.array(strings, dtype=object),
        lambda strings: pd.Series(strings, index=range(5, 5 + len(strings))),
        lambda strings: pd.Series(strings, dtype="string"),
    ],
)
def test_containers(fitted, container):
    model = folder().fit(container(FEW), container(FEW_STRUCTURES))
    assert same(model, fitted)
    assert model.predict(container(MORE)) == fitted.predict(MORE)


def test_structures_as_pairs(fitted):
    assert same(folder().fit(FEW, [parse_dot_bracket(s) for s in FEW_STRUCTURES]), fitted)
    lists = [parse_dot_bracket(s).tolist() for s in FEW_STRUCTURES]
    assert same(folder().fit(FEW, lists), fitted)
    floats = [parse_dot_bracket(s).astype(float) for s in FEW_STRUCTURES]
    assert same(folder().fit(FEW, floats), fitted)


def test_seeds(fitted):
    torch.manual_seed(1)
    np.random.seed(1)  # noqa: NPY002
    before = torch.get_rng_state(), np.random.get_state()[1].copy()  # noqa: NPY002
    assert same(folder().fit(FEW, FEW_STRUCTURES), fitted)
    assert torch.equal(torch.get_rng_state(), before[0])
    assert (np.random.get_state()[1] == before[1]).all()  # noqa: NPY002
    assert not same(folder(random_state=1).fit(FEW, FEW_STRUCTURES), fitted)


def test_copies_and_files(fitted, tmp_path):
    assert same(pickle.loads(pickle.dumps(fitted)), fitted)
    joblib.dump(fitted, tmp_path / "model.joblib")
    assert same(joblib.load(tmp_path / "model.joblib"), fitted)
    save_model(fitted, tmp_path / "model.safetensors")
    loaded = load_model(tmp_path / "model.safetensors")
    assert same(loaded, fitted)
    assert loaded.get_params() == fitted.get_params()
    assert loaded.n_iter_ == fitted.n_iter_
    assert loaded.history_[:, "train_loss"] == fitted.history_[:, "train_loss"]


def test_a_callable_prior_is_not_written_to_a_file_without_code(tmp_path):
    model = folder(prior=lambda sequence: np.zeros((len(sequence),) * 2)).fit(MORE, THEIRS)
    with pytest.raises(TypeError, match="prior"):
        save_model(model, tmp_path / "model.safetensors")


def test_a_calibration_in_a_file(tmp_path):
    model = folder(prior=lambda sequence: np.zeros((len(sequence),) * 2)).fit(MORE, THEIRS)
    model.set_params(prior="vienna")  # a name needs no code; nothing is folded here
    save_model(model, tmp_path / "model.safetensors")
    loaded = load_model(tmp_path / "model.safetensors").module_.state_dict()
    assert loaded.keys() == {"network.factor", "network.constant"}
    assert all(torch.equal(own, loaded[name]) for name, own in model.module_.state_dict().items())


def test_a_grid_search():
    search = GridSearchCV(folder(), {"k": [1, 20], "pair_channels": [4]}, cv=2)
    search.fit(FEW, FEW_STRUCTURES)
    assert search.best_score_ == search.cv_results_["mean_test_score"].max()
    alone = folder(k=1, pair_channels=4).fit(FEW[5:], FEW_STRUCTURES[5:])
    expected = alone.score(FEW[:5], FEW_STRUCTURES[:5])
    assert search.cv_results_["split0_test_score"][0] == pytest.approx(expected)
    assert len(search.predict(MORE)) == len(MORE)


def test_predictions_of_folds():
    found = cross_val_predict(folder(), FEW, FEW_STRUCTURES, cv=2)
    assert found.tolist() == [
        *folder().fit(FEW[5:], FEW_STRUCTURES[5:]).predict(FEW[:5]),
        *folder().fit(FEW[:5], FEW_STRUCTURES[:5]).predict(FEW[5:]),
    ]
    # Weights have a size for each sequence, and structures are no classes.
    with pytest.raises(TypeError, match=r"for method='predict_proba', as if structures were class"):
        cross_val_predict(folder(), FEW, FEW_STRUCTURES, cv=2, method="predict_proba")


def test_the_last_step_of_a_pipeline(fitted):
    upper = FunctionTransformer(lambda strings: [string.upper() for string in strings])
    pipeline = make_pipeline(upper, folder()).fit([s.lower() for s in FEW], FEW_STRUCTURES)
    assert pipeline.predict(MORE) == fitted.predict(MORE)
    scores = cross_val_score(pipeline, FEW, FEW_STRUCTURES, cv=2)
    assert scores.shape == (2,)


class Seen(Callback):
    def __init__(self, epochs):
        self.epochs = epochs

    def on_epoch_end(self, net, **kwargs):
        self.epochs.append(net.history[-1, "train_loss"])


def test_callbacks_and_lines(capsys):
    epochs = []
    model = folder(callbacks=[Seen(epochs)], verbose=1).fit(FEW, FEW_STRUCTURES)
    assert epochs == model.history_[:, "train_loss"]
    assert "train_loss" in capsys.readouterr().out


def test_early_stopping_keeps_the_best_epoch():
    model = folder(early_stopping=True, n_iter_no_change=2, max_epochs=40, tol=0.2)
    model.fit(SEQUENCES, STRUCTURES)
    losses = model.history_[:, "valid_loss"]
    assert model.n_iter_ == len(losses) < 40
    assert min(losses[-2:]) > 0.8 * min(losses[:-2])
