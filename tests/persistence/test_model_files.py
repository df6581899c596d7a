"""Model files: the same bits back, and nothing but numbers in them."""

import os
import time
from collections import UserList

import numpy as np
import pandas as pd
import polars as pl
import pytest
from _covering import covering
from sklearn.model_selection import GridSearchCV
from skorch.callbacks import Callback, EpochTimer

from sklearn_reasoning import HybridReasoningRegressor, load_model, save_model
from sklearn_reasoning.algorithms import GradientDescent, RecurrentCell, list_algorithms
from sklearn_reasoning.datasets import make_quadratic_reasoning


@covering("algo, dtype", list_algorithms(), [np.float32, np.float64])
def test_the_same_bits_come_back(fitted, path, algo, dtype):
    X, y = make_quadratic_reasoning(40, random_state=0)
    X = X.astype(dtype)
    model = fitted(X, y, algo=algo, linear_term="given", rotation="given")
    save_model(model, path)
    again = load_model(path)
    np.testing.assert_array_equal(again.predict(X), model.predict(X))
    np.testing.assert_array_equal(again.predict(X, k=3), model.predict(X, k=3))
    assert again.predict(X).dtype == dtype
    assert again.get_params() == model.get_params()
    assert again.step_size_ == model.step_size_
    assert again.empirical_loss_ == model.empirical_loss_
    assert list(again.history_[:, "train_loss"]) == list(model.history_[:, "train_loss"])


@pytest.mark.parametrize(
    "parameters",
    [
        {"rotation": "predicted", "q_hidden": (4, 4)},
        {"rotation": "identity", "q_hidden": None, "loss": "squared"},
        {"step_size_per_iteration": True, "k": 3},
        {"algo": RecurrentCell(width=3, n_layers=2), "k": 2},
        {"linear_term": [0, 1, 2]},
    ],
    ids=str,
)
def test_every_kind_of_model_comes_back(fitted, path, parameters):
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(30, 5)), rng.normal(size=(30, 3))
    model = fitted(X, y, **parameters)
    save_model(model, path)
    again = load_model(path)
    np.testing.assert_array_equal(again.predict(X), model.predict(X))
    np.testing.assert_array_equal(again.step_size_, model.step_size_)
    assert again.get_params() == model.get_params()


@pytest.mark.parametrize(
    "listed",
    [
        lambda columns: range(min(columns), max(columns) + 1),
        np.array,
        pd.Index,
        lambda columns: pd.RangeIndex(min(columns), max(columns) + 1),
        pd.Series,
        pl.Series,
        tuple,
        lambda columns: dict.fromkeys(columns).keys(),
        UserList,
    ],
    ids=["range", "array", "index", "range index", "series", "polars", "tuple", "keys", "own"],
)
def test_lists_of_columns_of_any_kind_come_back(fitted, path, listed):
    X, y = make_quadratic_reasoning(40, random_state=0)
    columns = list(range(10, 15)), list(range(15, 40))
    lists = {"linear_term": listed(columns[0]), "rotation": listed(columns[1])}
    model = fitted(X, y, **lists)
    save_model(model, path)
    again = load_model(path)
    assert [list(again.linear_term), list(again.rotation)] == [*columns]
    np.testing.assert_array_equal(again.predict(X), model.predict(X))
    assert again.partial_fit(X, y).predict(X).shape == y.shape


def test_names_of_a_frame_come_back(fitted, path):
    X, y = make_quadratic_reasoning(40, random_state=0)
    frame = pd.DataFrame(X).add_prefix("x")
    model = fitted(frame, y, linear_term=frame.columns[10:15], rotation=frame.columns[15:])
    save_model(model, path)
    again = load_model(path)
    assert again.linear_term == [f"x{i}" for i in range(10, 15)]
    np.testing.assert_array_equal(again.predict(frame), model.predict(frame))


def test_a_link_and_the_mode_of_a_file_stay(fitted, path, tmp_path):
    model = fitted([[0.0], [1.0]], [0.0, 1.0])
    (tmp_path / "link").symlink_to(path)
    save_model(model, tmp_path / "link")
    path.chmod(0o640)
    save_model(model, tmp_path / "link")
    assert (tmp_path / "link").is_symlink()
    assert path.stat().st_mode & 0o777 == 0o640
    assert load_model(path).k == model.k


def test_loading_is_linear_in_the_rows_of_a_history(fitted, path):
    model = fitted([[0.0], [1.0]], [0.0, 1.0])
    row = dict(model.history_[-1])
    for _ in range(30_000):
        model.history_.append(dict(row))
    save_model(model, path)
    began = time.process_time()
    again = load_model(path)
    assert time.process_time() - began < 1.0  # three seconds where it grows with the square
    history = again.history_
    assert time.process_time() - began < 3.0
    assert len(history) == 30_004
    assert history[0] == {"batches": [], **model.history_[0]}
    assert history[-1] == {"batches": [], **row}


def test_column_names_and_vectors_come_back(fitted, path):
    pandas = pytest.importorskip("pandas")
    X = pandas.DataFrame({"a": [0.0, 1.0, 2.0], "c": [1.0, 0.0, 1.0]})
    model = fitted(X, [1.0, 2.0, 3.0])
    save_model(model, path)
    again = load_model(path)
    assert list(again.feature_names_in_) == ["a", "c"]
    assert again.predict(X).shape == (3,)
    with pytest.raises(ValueError, match="feature names"):
        again.predict(X.rename(columns={"a": "b"}))


def test_training_goes_on_from_a_loaded_model(fitted, path):
    X, y = make_quadratic_reasoning(40, random_state=0)
    model = fitted(X, y, linear_term="given", rotation="given")
    save_model(model, path)
    again = load_model(path).partial_fit(X, y)
    assert len(again.history_) == 5
    np.testing.assert_array_equal(again.predict(X), model.partial_fit(X, y).predict(X))


def test_parameters_with_code_are_left_out_with_a_warning(fitted, path):
    model = fitted([[0.0], [1.0]], [0.0, 1.0], callbacks=[EpochTimer()])
    with pytest.warns(UserWarning, match="callbacks"):
        save_model(model, path)
    assert load_model(path).callbacks is None


def test_a_history_keeps_numbers_only(fitted, path):
    class Notes(Callback):
        def on_epoch_end(self, net, **kwargs):
            net.history.record("note", "a text")
            best = True
            net.history.record("is_best", best)

    model = fitted([[0.0], [1.0]], [0.0, 1.0], callbacks=[Notes()])
    with pytest.warns(UserWarning, match="callbacks"):
        save_model(model, path)
    history = load_model(path).history_
    assert list(history[:, "is_best"]) == [True] * 4
    assert "note" not in history[0]
    assert history[:, "train_loss"] == model.history_[:, "train_loss"]


def test_a_file_does_not_ask_for_more_steps_than_a_reader_takes(fitted, path):
    model = fitted([[0.0], [1.0]], [0.0, 1.0], algo="gd", k=1_000_000)
    save_model(model, path)
    assert load_model(path).k == 1_000_000
    with pytest.raises(ValueError, match="k=1000001 is above 1000000"):
        save_model(fitted([[0.0], [1.0]], [0.0, 1.0], algo="gd", k=1_000_001), path)
    assert load_model(path).k == 1_000_000


def test_a_search_is_refused_with_what_to_do_instead(path):
    X, y = [[0.0], [1.0], [2.0], [3.0]], [0.0, 1.0, 2.0, 3.0]
    search = GridSearchCV(HybridReasoningRegressor(max_epochs=1, random_state=0), {"k": [1]}, cv=2)
    search.fit(X, y)
    with pytest.raises(TypeError, match="best_estimator_"):
        save_model(search, path)


def test_an_old_file_survives_a_failed_save(fitted, path, monkeypatch):
    model = fitted([[0.0], [1.0]], [0.0, 1.0])
    save_model(model, path)
    before = path.read_bytes()

    def full(handle):
        raise OSError("No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(OSError, match="No space"):
        save_model(model, path)
    assert path.read_bytes() == before
    assert [entry.name for entry in path.parent.iterdir()] == [path.name]


def test_what_cannot_be_saved_is_refused(path):
    with pytest.raises(ValueError, match="not fitted"):
        save_model(HybridReasoningRegressor(), path)
    with pytest.raises(TypeError, match="HybridReasoningRegressor"):
        save_model(object(), path)
    assert not path.exists()


def test_an_algorithm_without_a_registered_name_is_refused(fitted, path):
    class Unregistered(GradientDescent):
        name = "unregistered"

    model = fitted([[0.0], [1.0]], [0.0, 1.0], algo=Unregistered())
    with pytest.raises(TypeError, match="register_algorithm"):
        save_model(model, path)
    assert not path.exists()


def test_what_is_no_model_is_refused(path):
    with pytest.raises(FileNotFoundError):
        load_model(path)
    path.write_bytes(b"not a model")
    with pytest.raises(ValueError, match="cannot be read as a model"):
        load_model(path)


def test_a_folder_is_named_as_one(tmp_path):
    for path in (tmp_path, str(tmp_path), os.fsencode(tmp_path)):
        with pytest.raises(IsADirectoryError, match="is a folder; name the file"):
            load_model(path)


def test_paths_of_bytes(fitted, rows, path):
    model = fitted(*rows)
    save_model(model, os.fsencode(path))
    assert (load_model(os.fsencode(path)).predict(rows[0]) == model.predict(rows[0])).all()


def test_no_steps_with_a_step_size_each(fitted, rows, path):
    model = fitted(*rows, k=0, step_size_per_iteration=True)
    save_model(model, path)
    again = load_model(path)
    assert (again.predict(rows[0]) == model.predict(rows[0])).all()
    assert again.history_[:, "train_loss"] == model.history_[:, "train_loss"]
    assert [row["step_size"].shape for row in again.history_] == [(0,)] * 4
