"""HybridReasoningRegressor goes on, stops early, and is interrupted."""

import os
import pickle
import signal

import numpy as np
import pytest
from estimators._small_regressors import layer_output, regressor, same_bits, with_columns
from numpy.testing import assert_allclose
from skorch.callbacks import Callback, EarlyStopping

from sklearn_reasoning.exceptions import DivergenceError

# ---------------------------------------------------------------------- going on


def test_warm_start_goes_on(data):
    X, y = data
    model = regressor(warm_start=True, max_epochs=5, batch_size=1000).fit(X, y)
    first = model.empirical_loss_
    model.fit(X, y)
    assert model.empirical_loss_ < first
    # The first loss of a refit is that of the parameters it starts from.
    assert model.history_[0, "train_loss"] == pytest.approx(first, rel=1e-12)
    assert model.n_iter_ == len(model.history_) == 5
    cold = regressor(max_epochs=5, batch_size=1000)
    assert cold.fit(X, y).empirical_loss_ == cold.fit(X, y).empirical_loss_ == first


@pytest.mark.parametrize(
    "changed",
    [
        {"X": np.ones((40, 4))},
        {"y": np.ones((40, 2))},
        {"q_hidden": (5,)},
        {"b_hidden": ()},
        {"algo": "rnn"},
        {"rotation": "identity"},
        {"step_size_per_iteration": True},
    ],
)
def test_warm_start_refuses_other_shapes(data, changed):
    X, y = data
    model = regressor(warm_start=True).fit(X, y)
    predicted = model.predict(X)
    changed = dict(changed)
    new = changed.pop("X", X), changed.pop("y", y)
    model.set_params(**changed)
    with pytest.raises(ValueError, match="warm_start"):
        model.fit(*new)
    assert np.array_equal(model.predict(X), predicted)


def test_warm_start_may_change_k_and_rates(data):
    X, y = data
    model = regressor(warm_start=True, algo="gd").fit(X, y)
    model.set_params(k=2, lr=1e-3, loss="squared", step_size_range=(0.1, 0.5)).fit(X, y)
    assert 0.1 <= model.step_size_ <= 0.5
    assert_allclose(model.predict(X), layer_output(model, X, 2), rtol=1e-9, atol=1e-10)


def test_partial_fit(data):
    X, y = data
    model = regressor()
    assert model.partial_fit(X, y) is model
    first = model.empirical_loss_
    assert (model.n_iter_, len(model.history_)) == (1, 1)
    for _ in range(9):
        model.partial_fit(X, y)
    assert model.empirical_loss_ < 0.95 * first
    assert model.n_iter_ == len(model.history_) == 10
    with pytest.raises(ValueError, match=r"4 features.*3 features"):
        model.partial_fit(np.ones((40, 4)), y)
    with pytest.raises(ValueError, match="2 columns"):
        model.partial_fit(X, y[:, :2])
    model.partial_fit(X[:5], y[:5])
    assert model.n_iter_ == 11


@pytest.mark.parametrize("options", [{}, {"batch_size": 9}, {"optimizer": "sgd"}, {"algo": "rnn"}])
def test_calls_of_partial_fit_are_epochs_of_fit(data, options):
    X, y = data
    model = regressor(**options)
    for _ in range(4):
        model.partial_fit(X, y)
    whole = regressor(lr_schedule="constant", keep="last", max_epochs=4, **options).fit(X, y)
    assert same_bits(model, whole)


def test_partial_fit_goes_on_from_fit(data):
    X, y = data
    models = [regressor().fit(X, y).partial_fit(X, y) for _ in range(2)]
    assert same_bits(*models)
    assert models[0].n_iter_ == len(models[0].history_) == 5
    assert not np.array_equal(models[0].predict(X), regressor().fit(X, y).predict(X))


def test_early_stopping_acts_only_when_asked_for(data):
    X, y = data
    plain = regressor(max_epochs=5).fit(X, y)
    others = {"validation_fraction": 0.5, "tol": 10.0, "n_iter_no_change": 1}
    assert same_bits(regressor(max_epochs=5, **others).fit(X, y), plain)


class Witness(Callback):
    """Keep the numbers of rows that training sees."""

    def on_train_begin(self, net, X=None, y=None, **kwargs):
        self.rows = len(X), None if y is None else len(y)


@pytest.mark.parametrize(("fraction", "held_out"), [(0.1, 4), (0.25, 10), (0.001, 1)])
def test_early_stopping_holds_rows_out(data, fraction, held_out):
    X, y = data
    options = {"callbacks": [("witness", Witness())], "validation_fraction": fraction}
    model = regressor(early_stopping=True, **options).fit(X, y)
    assert dict(model.net_.callbacks_)["witness"].rows == (40 - held_out, held_out)
    assert np.isfinite(model.history_[:, "valid_loss"]).all()
    model = regressor(**options).fit(X, y)
    assert dict(model.net_.callbacks_)["witness"].rows == (40, None)


@pytest.mark.parametrize("n_counting", [2, 3, 20])
def test_early_stopping_holds_out_rows_that_count(data, n_counting):
    X, y = data
    weight = np.zeros(len(X))
    weight[-n_counting:] = 1.0
    for seed in range(4):
        model = regressor(early_stopping=True, validation_fraction=0.1, random_state=seed)
        model.fit(X, y, sample_weight=weight)
        assert np.isfinite(model.history_[:, ("train_loss", "valid_loss")]).all()


def test_early_stopping_stops_on_a_plateau(data):
    X, y = data
    options = {"max_epochs": 30, "early_stopping": True, "lr_schedule": "constant"}
    # An epoch counts if it halves the loss; none does, so the first one stays the reference.
    model = regressor(tol=0.5, n_iter_no_change=3, **options).fit(X, y)
    assert model.n_iter_ == len(model.history_) == 4
    assert regressor(tol=3.0, n_iter_no_change=3, **options).fit(X, y).n_iter_ <= 4
    patient = regressor(tol=0.0, n_iter_no_change=30, **options).fit(X, y)
    assert patient.n_iter_ == 30
    assert patient.history_[:4, "valid_loss"] == model.history_[:, "valid_loss"]


# ---------------------------------------------------------------------- interruptions


class Interrupt(Callback):
    """Ctrl-C, pressed at the end of the second epoch."""

    def on_epoch_end(self, net, **kwargs):
        if len(net.history) >= 2:
            os.kill(os.getpid(), signal.SIGINT)


@pytest.fixture
def ctrl_c():
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("ctrl_c")
def test_ctrl_c_raises_and_leaves_no_half_trained_model(data):
    X, y = data
    model = regressor(callbacks=[Interrupt()])
    before = dict(vars(model))
    with pytest.raises(KeyboardInterrupt):
        model.fit(X, y)
    assert vars(model) == before
    assert not model.__sklearn_is_fitted__()
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


@pytest.mark.usefixtures("ctrl_c")
@pytest.mark.parametrize("method", ["fit", "partial_fit"])
@pytest.mark.parametrize("warm_start", [False, True])
def test_ctrl_c_leaves_a_fitted_model_as_it_was(data, method, warm_start):
    X, y = data
    model = regressor(warm_start=warm_start).fit(X, y)
    net, predicted, history = model.net_, model.predict(X), list(model.history_)
    model.set_params(callbacks=[Interrupt()])
    if method == "partial_fit":  # callbacks are those of the net that goes on
        model = regressor(callbacks=[Interrupt()]).partial_fit(X, y)
        net, predicted, history = model.net_, model.predict(X), list(model.history_)
    with pytest.raises(KeyboardInterrupt):
        getattr(model, method)(X[:, ::-1], y)
    assert model.net_ is net
    assert list(model.history_) == history
    assert np.array_equal(model.predict(X), predicted)
    assert model.n_iter_ == len(history)


def test_a_callback_may_end_training_quietly(data):
    X, y = data
    stopping = EarlyStopping(monitor="train_loss", patience=2, threshold=0.9, sink=lambda _: None)
    model = regressor(callbacks=[stopping], max_epochs=20).fit(X, y)
    assert 1 < model.n_iter_ == len(model.history_) < 20
    assert np.isfinite(model.predict(X)).all()
    named = regressor(callbacks=[("stop", stopping)], max_epochs=20).fit(X, y)
    assert same_bits(named, model)
    pickle.loads(pickle.dumps(regressor(callbacks=[EarlyStopping("train_loss")]).fit(X, y)))


def test_callbacks_see_partial_fit(data):
    X, y = data
    stopping = EarlyStopping(monitor="train_loss", sink=lambda _: None)
    model = regressor(callbacks=[stopping]).partial_fit(X, y).partial_fit(X, y)
    assert model.n_iter_ == 2


@pytest.mark.parametrize("method", ["fit", "partial_fit"])
@pytest.mark.parametrize("rotation", ["identity", "given", "shared", "predicted"])
def test_divergence_is_an_error_that_names_the_rate(data, method, rotation):
    X, y = data
    X = with_columns(X, 3, "learned", rotation)
    options = {"optimizer": "sgd", "lr": 1e60, "loss": "squared", "batch_size": 4}
    model = regressor(rotation=rotation, **options)
    before = dict(vars(model))
    with pytest.raises(DivergenceError, match=r"\blr\b"):
        getattr(model, method)(X, y)
    assert vars(model) == before
    # A model that was fitted stays as it was.
    model = regressor(rotation=rotation).fit(X, y)
    predicted, params = model.predict(X), model.set_params(**options).get_params()
    if method == "partial_fit":
        y = 1e149 * y
    with pytest.raises(DivergenceError, match=r"\blr\b"):
        getattr(model, method)(X, y)
    assert np.array_equal(model.predict(X), predicted)
    assert model.get_params() == params
