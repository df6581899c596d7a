"""Sets and terms in model files and in pickles: the same bits back, and own classes by name."""

import pickle
import warnings

import joblib
import numpy as np
import pytest
import torch
from sklearn.base import clone

from sklearn_reasoning import load_model, save_model
from sklearn_reasoning.exceptions import ModelFileError
from sklearn_reasoning.penalties import (
    L1,
    Affine,
    Ball,
    Box,
    Budget,
    Columns,
    GroupL1,
    Monotone,
    Nonnegative,
    Penalty,
    Simplex,
)

PARAMETERS = [
    {"constraint": "simplex"},
    {"constraint": "nonnegative", "project": "last_step"},
    {"constraint": (-0.5, 0.5)},
    {"constraint": [-1, np.float32(1.0)]},
    {"constraint": Simplex(2.0, groups=(1, 2))},
    {"constraint": Box([0.0, -np.inf, -1.0], np.inf)},
    {"constraint": Budget(Columns([4]), high=Columns([0, 1, 2]))},
    {"constraint": Budget(1.0, high=0.7), "project": "last_step", "algo": "cg"},
    {"constraint": Ball(torch.tensor(0.75))},
    {"constraint": Affine([[1.0, 2.0, 0.0]], [0.5])},
    {"constraint": Monotone(increasing=False)},
    {"constraint": Nonnegative(), "penalty": L1([0.1, 0.2, 0.0])},
    {"penalty": GroupL1([0.1, 0.2], (2, 1))},
]


class Own(Penalty):
    is_set = True

    def value(self, y):
        return torch.where((y < 1.0).all(dim=-1), 0.0, torch.inf)

    def prox(self, v, step):
        return v.clamp_max(1.0)


@pytest.fixture
def make(fitted):
    """A regressor with parameters, and its rows: five columns, all above 0.5."""

    def model(parameters):
        rng = np.random.default_rng(0)
        X, y = rng.uniform(0.5, 1.0, size=(30, 5)), rng.dirichlet(np.ones(3), size=30)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # rows outside
            return fitted(X, y, **parameters), X

    return model


@pytest.mark.parametrize("parameters", PARAMETERS, ids=str)
def test_the_same_bits_come_back(make, path, parameters):
    model, X = make(parameters)
    save_model(model, path)
    copies = [load_model(path), pickle.loads(pickle.dumps(model))]
    joblib.dump(model, path)
    copies.append(joblib.load(path))
    for again in copies:
        for k in (None, 0, 3):
            np.testing.assert_array_equal(again.predict(X, k=k), model.predict(X, k=k))
        np.testing.assert_array_equal(again.start_, model.start_)
        assert again.project == model.project
    # Tensors come back as numbers.
    if not isinstance(parameters.get("constraint"), Ball):
        loaded = copies[0]
        assert loaded.module_.architecture == model.module_.architecture
        assert clone(loaded).get_params() == model.get_params()


def test_own_sets_are_pickled(make):
    model, X = make({"constraint": Own()})
    again = pickle.loads(pickle.dumps(model))
    np.testing.assert_array_equal(again.predict(X), model.predict(X))
    assert clone(model).constraint == Own()


def test_own_sets_are_refused_by_name(make, path):
    model, _ = make({"constraint": Own()})
    with pytest.raises(TypeError, match=r"constraint: Own\(\) cannot be written.*joblib"):
        save_model(model, path)
    assert not path.exists()
    model.set_params(constraint=None)
    with pytest.raises(TypeError, match=r"architecture: Own\(\) cannot be written"):
        save_model(model, path)


def test_without_a_penalty_a_file_is_what_it_was(make, path, documented):
    model, _ = make({})
    save_model(model, path)
    document, tensors = documented.take_apart(path.read_bytes())
    assert not {"penalty", "project"} & document["model"]["fitted"]["architecture"]["dict"].keys()
    assert "columns.limits" not in {name.partition(".")[2] for name in tensors}


@pytest.mark.parametrize(
    ("penalty", "message"),
    [
        ({"penalty": "Own", "options": {"dict": {}}}, "Own"),
        ({"penalty": "Penalty", "options": {"dict": {}}}, "Penalty"),
        ({"penalty": "Simplex", "options": {"dict": {"total": -1.0}}}, "negative"),
        ({"penalty": "Simplex", "options": {"dict": {"sum": 1.0}}}, "sum"),
        ({"penalty": "Simplex", "options": {"dict": {"groups": {"tuple": [10**9, 3]}}}}, "large"),
        ({"penalty": "Box", "options": {"dict": {"low": 0.0, "high": 10**400}}}, "Box"),
        ({"penalty": "Box", "options": {"dict": {"low": {"tuple": [0, 0]}, "high": 1.0}}}, "low"),
        ({"penalty": "L1", "options": {"dict": {"weight": {"columns": "x"}}}}, "listed"),
        ({"penalty": "L1", "options": {"dict": {"weight": {"columns": [0]}}}}, "limits"),
        ({"together": [1, 2]}, "penalties"),
        ({"infinity": "?"}, r"\?"),
        ("simplex", "penalty"),
    ],
    ids=lambda value: str(value)[:60],
)
def test_files_that_hold_no_penalty(make, path, documented, penalty, message):
    model, _ = make({"constraint": "simplex"})
    save_model(model, path)
    document, tensors = documented.take_apart(path.read_bytes())
    document["model"]["fitted"]["architecture"]["dict"]["penalty"] = penalty
    path.write_bytes(documented.put_together(document, tensors))
    with pytest.raises(ModelFileError, match=message):
        load_model(path)
