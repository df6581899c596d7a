"""The denoiser inside scikit-learn, joblib, skorch and model files."""

import pickle
import signal

import joblib
import numpy as np
import pytest
from safetensors import safe_open
from sklearn import config_context
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import GridSearchCV, cross_validate
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer
from sklearn.utils import get_tags
from skorch.callbacks import Callback, EarlyStopping

from sklearn_reasoning import HybridReasoningDenoiser, load_model, save_model
from sklearn_reasoning.algorithms import NesterovAcceleratedGradient
from sklearn_reasoning.properties import certify


def test_a_grid_search_over_k_and_channels(small, images):
    noisy, clean = images(6, 24, 24, seed=0)
    grid = {"k": [2, 20], "f_channels": [2, 4]}
    search = GridSearchCV(small(), grid, cv=2, return_train_score=True).fit(noisy, clean)
    assert search.cv_results_["mean_test_score"].shape == (4,)
    assert search.best_estimator_.k == search.best_params_["k"]
    assert search.best_score_ == search.cv_results_["mean_test_score"].max()
    test, train = np.arange(3), np.arange(3, 6)
    alone = small(**search.cv_results_["params"][0]).fit(noisy[train], clean[train])
    expected = alone.score(noisy[test], clean[test])
    assert search.cv_results_["split0_test_score"][0] == pytest.approx(expected, rel=1e-12)
    assert certify(search, noisy).rows.distance.shape == (6,)


# Processes take seconds to start.
@pytest.mark.parametrize("backend", ["threading", pytest.param("loky", marks=pytest.mark.hard)])
def test_a_search_over_a_list_of_unlike_images_by_two_workers(small, images, backend):
    noisy, clean = (
        [part[0][:20], part[1][:, :17], part[2], part[3][:9]] for part in images(4, 24, 24, seed=0)
    )
    with joblib.parallel_config(backend):
        searches = [
            GridSearchCV(small(max_steps=3), {"k": [2, 20]}, cv=2, n_jobs=n_jobs).fit(noisy, clean)
            for n_jobs in (1, 2)
        ]
    np.testing.assert_array_equal(*(s.cv_results_["mean_test_score"] for s in searches))


def test_last_step_of_a_pipeline(small, data):
    noisy, clean = data
    pipeline = make_pipeline(FunctionTransformer(np.sqrt, validate=False), small())
    positive = np.abs(noisy)
    pipeline.fit(positive, clean)
    alone = small().fit(np.sqrt(positive), clean)
    np.testing.assert_array_equal(pipeline.predict(positive), alone.predict(np.sqrt(positive)))
    assert pipeline.score(positive, clean) == alone.score(np.sqrt(positive), clean)
    np.testing.assert_array_equal(
        pipeline.predict(positive, k=3), alone.predict(np.sqrt(positive), k=3)
    )
    assert certify(pipeline, positive).holds


def test_metadata_routing_takes_images_for_data(small, data):
    with config_context(enable_metadata_routing=True):
        scores = cross_validate(small(), *data, cv=2)["test_score"]
    np.testing.assert_allclose(scores, cross_validate(small(), *data, cv=2)["test_score"])
    assert not hasattr(HybridReasoningDenoiser, "set_fit_request")


def test_clone_and_parameters(trained):
    again = clone(trained)
    assert again.get_params() == trained.get_params()
    assert not again.__sklearn_is_fitted__()
    assert not hasattr(again, "module_")
    assert again.set_params(k=3, algo=NesterovAcceleratedGradient()).k == 3
    assert "k=3" in repr(again)
    tags = get_tags(again)
    assert tags.input_tags.three_d_array
    assert not tags.input_tags.two_d_array
    assert tags.target_tags.required
    assert not hasattr(trained, "n_features_in_")


def test_not_fitted(small, data):
    model = small()
    for call in (
        lambda: model.predict(data[0]),
        lambda: model.predict_energy(data[0]),
        lambda: model.score(*data),
        lambda: model.certify(data[0]),
        lambda: save_model(model, "nowhere.safetensors"),
    ):
        with pytest.raises(NotFittedError):
            call()


def test_a_failed_fit_leaves_the_model_as_it_was(data, small):
    model = small().fit(*data)
    before = model.predict(data[0])
    with pytest.raises(ValueError, match="clean holds no image"):
        model.fit(data[0], [])
    np.testing.assert_array_equal(model.predict(data[0]), before)


def test_pickles_and_joblib(tmp_path, trained, data):
    expected = trained.predict(data[0])
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(trained)).predict(data[0]), expected)
    joblib.dump(trained, tmp_path / "model.joblib")
    again = joblib.load(tmp_path / "model.joblib")
    np.testing.assert_array_equal(again.predict(data[0]), expected)
    assert again.history_[:, "train_loss"] == trained.history_[:, "train_loss"]
    n_bytes = sum(4 * p.numel() for p in trained.module_.parameters())
    assert (tmp_path / "model.joblib").stat().st_size < n_bytes + 30_000


# ---------------------------------------------------------------------- model files


@pytest.mark.parametrize(
    "parameters",
    [
        {},
        {"algo": "nag", "loss": "l2", "shuffle": 1, "step_size_range": (0.1, 0.3)},
        {"algo": NesterovAcceleratedGradient(), "learn_step_size": False},
        {"algo": "opt", "f_layers": 0},
        {"algo": "cg", "g_layers": 0, "mixed_precision": False},
    ],
    ids=str,
)
def test_a_model_file_gives_the_same_bits(tmp_path, small, data, parameters):
    path = tmp_path / "model.safetensors"
    model = small(**parameters).fit(*data)
    save_model(model, path)
    again = load_model(path)
    assert type(again) is HybridReasoningDenoiser
    for k in (None, 3):
        np.testing.assert_array_equal(again.predict(data[0], k), model.predict(data[0], k))
    assert again.get_params() == model.get_params()
    assert again.step_size_ == model.step_size_
    assert again.n_steps_ == model.n_steps_ == 10
    assert again.history_[:, "train_loss"] == model.history_[:, "train_loss"]
    assert str(again.certify(data[0])) == str(model.certify(data[0]))
    # And it can be trained again, to the same bits.
    np.testing.assert_array_equal(again.fit(*data).predict(data[0]), model.predict(data[0]))


def test_what_is_in_a_model_file(tmp_path, trained):
    path = tmp_path / "model.safetensors"
    save_model(trained, path)
    with safe_open(path, framework="np") as file:
        names = set(file.keys())
        assert {name.rpartition(".")[0].split(".")[1] for name in names} == {"history", "module"}
        np.testing.assert_array_equal(
            file.get_tensor("0.module.g.weights.0"), trained.module_.g.weights[0].detach().numpy()
        )
        assert file.get_tensor("0.module.step_size").dtype == np.float64


def test_callbacks_are_left_out_of_a_model_file(tmp_path, small, data):
    model = small(callbacks=[EarlyStopping(monitor="train_loss")]).fit(*data)
    with pytest.warns(UserWarning, match="callbacks"):
        save_model(model, tmp_path / "model.safetensors")
    assert load_model(tmp_path / "model.safetensors").callbacks is None


# ---------------------------------------------------------------------- skorch's callbacks


def test_callbacks_see_the_events(small, data):
    class Count(Callback):
        def __init__(self):
            self.events = []

        def on_train_begin(self, net, **kwargs):
            self.events.append("train")

        def on_epoch_end(self, net, **kwargs):
            self.events.append(net.history[-1, "steps"])

        def on_train_end(self, net, **kwargs):
            self.events.append("end")

    count = Count()
    small(max_steps=110, callbacks=[count]).fit(*data)
    assert count.events == ["train", 100, 110, "end"]


def test_a_callback_can_end_training(small, data):
    # No improvement is large enough for it.
    stop = EarlyStopping(monitor="train_loss", patience=1, threshold=1e9, sink=lambda text: None)
    model = small(max_steps=1000, callbacks=[stop]).fit(*data)
    assert model.n_steps_ < 1000
    assert model.n_steps_ == 100 * len(model.history_)


def test_ctrl_c_is_not_swallowed(small, data):
    class Impatient(Callback):
        def on_epoch_end(self, net, **kwargs):
            signal.raise_signal(signal.SIGINT)

    model = small(callbacks=[Impatient()])
    # A shell that starts the tests in the background makes them ignore it.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        with pytest.raises(KeyboardInterrupt):
            model.fit(*data)
    finally:
        signal.signal(signal.SIGINT, before)
    assert not model.__sklearn_is_fitted__()


def test_verbose_prints_a_line_every_hundred_steps(small, data, capsys):
    small(max_steps=110, verbose=1).fit(*data)
    printed = capsys.readouterr().out
    assert "train_loss" in printed
    assert len(printed.strip().splitlines()) == 4  # two lines of heading
