"""What an object is: the same in every process and on every day, another for other content."""

import copy
import functools
import importlib
import json
import pickle
import sys
import threading
from pathlib import Path

import joblib
import numpy as np
import pandas as pd
import polars
import pytest
import torch
from scipy import sparse
from sklearn.base import BaseEstimator, TransformerMixin, clone
from sklearn.metrics import make_scorer, mean_absolute_error, mean_squared_error
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, MinMaxScaler, StandardScaler

from sklearn_reasoning import HybridReasoningRegressor
from sklearn_reasoning._runs.identity import identity
from sklearn_reasoning.algorithms import GradientDescent, NesterovAcceleratedGradient
from sklearn_reasoning.model_selection import l2_loss_scorer

ARRAY = np.arange(6.0).reshape(2, 3)
SCALE = 2.0


def halved(x):
    return x / SCALE


def scorer(estimator, X, y):
    return -np.mean(halved(y - estimator.predict(X)) ** 2)


class Halver(TransformerMixin, BaseEstimator):
    lock = threading.Lock()

    def __init__(self, power=1):
        self.power = power

    def fit(self, X, y=None):
        return self

    def transform(self, X):
        return halved(X) ** self.power

    @property
    def doubled(self):
        return 2 * self.power

    @functools.lru_cache  # noqa: B019  - one more kind of method
    def cached(self):
        return self.power


def recursive(n):
    return recursive(n - 1) if n else 0


def power(exponent):
    return lambda estimator, X, y: -np.mean(np.abs(y - estimator.predict(X)) ** exponent)


def compiled(source, **known):
    """Return the function f of some source, as a script that was edited would have it."""
    scope = {"__name__": "__main__", "np": np, **known}
    exec(source, scope)
    return scope["f"]


def frame(**changes):
    days = pd.to_datetime(["2020-01-01", None])
    columns = {
        "number": [1.0, np.nan],
        "text": ["a", None],
        "kind": pd.Categorical(["u", "v"]),
        "day": days,
        "hour": days.tz_localize("Europe/Paris"),
        "whole": pd.array([1, None], dtype="Int64"),
        "period": pd.period_range("2020", periods=2, freq="D"),
        "interval": pd.interval_range(0, 2),
        "object": [{1}, None],
        "sparse": pd.arrays.SparseArray([0, 1]),
    }
    return pd.DataFrame(columns | changes)


def polars_frame(**changes):
    columns = {
        "number": [1.0, None],
        "text": ["a", None],
        "flag": [True, None],
        "lists": [[1], [2, 3]],
        "kind": polars.Series(["u", "v"], dtype=polars.Categorical),
        "day": polars.Series(["2020-01-01", None]).str.to_date(),
        "money": polars.Series(["1.10", None]).cast(polars.Decimal(10, 2)),
    }
    return polars.DataFrame(columns | changes)


WRAPPED = """
from functools import wraps
from sklearn.metrics import mean_squared_error
@wraps(mean_squared_error)
"""

# Of each kind, functions that make it anew: all of one kind are different things.
THINGS = {
    "numbers": [
        *[lambda value=value: value for value in (0, 1, 1.0, -0.0, 0.0, np.nan, True, None, 1j)],
        *[lambda kind=kind: kind(1) for kind in (np.int64, np.int32, np.float32, np.longdouble)],
    ],
    "texts": [lambda: "1", lambda: b"1", lambda: "a" * 60, lambda: "a" * 61, lambda: "\udcff" * 60],
    "containers": [
        lambda: [1, 2],
        lambda: (1, 2),
        lambda: [2, 1],
        lambda: [[1], [2]],
        lambda: [[1, 2]],
        lambda: ["1", 2],
        lambda: {"a", "b", "c"},
        lambda: {"a": 1, "b": 2},
        lambda: {"a": 2, "b": 1},
        lambda: ["a", "bc"],
        lambda: ["ab", "c"],
    ],
    "arrays": [
        lambda: ARRAY.copy(),
        lambda: ARRAY[::-1].copy(),
        lambda: ARRAY.T.copy(),
        lambda: ARRAY.reshape(-1),
        lambda: ARRAY.astype(np.float32),
        lambda: ARRAY.astype(">f8"),
        lambda: ARRAY.astype(np.longdouble),
        lambda: ARRAY.astype(object),
        lambda: np.asfortranarray(ARRAY),
        lambda: np.array(["a", None, 1.5], dtype=object),
        lambda: np.array(["a", "b"]),
        lambda: np.array(["2020", "NaT"], "M8[s]"),
        lambda: np.array(["2020", "NaT"], "M8[ms]"),
        lambda: np.zeros(2, dtype=[("a", "i4"), ("b", "O")]),
        lambda: np.ma.array([1, 2], mask=[0, 1]),
        lambda: np.ma.array([1, 2], mask=[1, 0]),
        lambda: np.zeros(0),
    ],
    "frames": [
        frame,
        lambda: frame(number=[1.0, 2.0]),
        lambda: frame(text=["a", "b"]),
        lambda: frame(kind=pd.Categorical(["u", "v"], categories=["v", "u"])),
        lambda: frame(kind=pd.Categorical(["u", "v"], ordered=True)),
        lambda: frame(kind=["u", "v"]),
        lambda: frame(day=pd.to_datetime(["2020-01-02", None])),
        lambda: frame(day=pd.to_datetime(["2020-01-01", None]).as_unit("ms")),
        lambda: frame(hour=pd.to_datetime(["2020-01-01", None]).tz_localize("UTC")),
        lambda: frame(whole=pd.array([1, 0], dtype="Int64")),
        lambda: frame(object=[{2}, None]),
        lambda: frame().rename(columns={"text": "word"}),
        lambda: frame().set_axis(["a"] * 10, axis=1),
        lambda: frame(text=["a", "b"]).set_axis(["a"] * 10, axis=1),
        lambda: frame()[["text", "number"]],
        lambda: frame().iloc[::-1],
        lambda: frame().set_axis([5, 6]),
        lambda: frame().set_index(["number", "whole"]),
        lambda: frame()["text"],
        lambda: frame()["text"].rename("word"),
        lambda: frame()["kind"].array,
        lambda: frame().index,
    ],
    "polars": [
        polars_frame,
        lambda: polars_frame(number=[1.0, 0.0]),
        lambda: polars_frame(number=[1.0, np.nan]),
        lambda: polars_frame(text=["a", "b"]),
        lambda: polars_frame(flag=[True, False]),
        lambda: polars_frame(kind=polars.Series(["v", "u"], dtype=polars.Categorical)),
        lambda: polars_frame(kind=polars.Series(["u", "v"], dtype=polars.Enum(["u", "v"]))),
        lambda: polars_frame(kind=polars.Series(["u", "v"], dtype=polars.Enum(["v", "u"]))),
        lambda: polars_frame(day=polars.Series(["2020-01-02", None]).str.to_date()),
        lambda: polars_frame(money=polars.Series(["1.20", None]).cast(polars.Decimal(10, 2))),
        lambda: polars_frame().reverse(),
        lambda: polars_frame()["text"],
    ],
    "sparse and tensors": [
        lambda: sparse.csr_matrix(ARRAY),
        lambda: sparse.csr_array(ARRAY),
        lambda: sparse.csc_array(ARRAY),
        lambda: sparse.coo_array(ARRAY + 1),
        lambda: torch.tensor(ARRAY),
        lambda: torch.tensor(ARRAY).float(),
        lambda: torch.zeros(2, dtype=torch.bfloat16),
        lambda: torch.zeros(3, dtype=torch.bfloat16),
        lambda: torch.zeros(1, dtype=torch.bool),
    ],
    "generators": [
        lambda: np.random.RandomState(0),
        lambda: np.random.RandomState(1),
        lambda: np.random.default_rng(0),
        lambda: np.random.default_rng(1),
    ],
    "estimators": [
        HybridReasoningRegressor,
        lambda: HybridReasoningRegressor(k=3),
        lambda: HybridReasoningRegressor(algo=GradientDescent()),
        lambda: HybridReasoningRegressor(algo=NesterovAcceleratedGradient()),
        lambda: make_pipeline(StandardScaler(), HybridReasoningRegressor()),
        lambda: make_pipeline(MinMaxScaler(), HybridReasoningRegressor()),
        lambda: make_pipeline(StandardScaler(), memory=joblib.Memory("here", verbose=0)),
        lambda: make_pipeline(StandardScaler(), memory=joblib.Memory("there", verbose=0)),
        lambda: FunctionTransformer(np.log1p),
        lambda: FunctionTransformer(np.exp),
        lambda: FunctionTransformer(halved),
        lambda: FunctionTransformer(halved, kw_args={"a": 1}),
        lambda: Halver(),
        lambda: Halver(2),
        lambda: Halver,
        lambda: StandardScaler().set_output(transform="pandas"),
        lambda: StandardScaler().set_output(transform="default"),
    ],
    "functions": [
        lambda: scorer,
        lambda: recursive,
        lambda: l2_loss_scorer,
        lambda: make_scorer(mean_squared_error),
        lambda: make_scorer(mean_squared_error, greater_is_better=False),
        lambda: make_scorer(mean_absolute_error),
        lambda: make_scorer(mean_absolute_error, multioutput="raw_values"),
        lambda: functools.partial(halved, x=1),
        lambda: functools.partial(halved, x=2),
        lambda: power(1),
        lambda: power(2),
        lambda: power(ARRAY[0].copy()),
        lambda: power([1, 2]),
        lambda: HybridReasoningRegressor().score,
        lambda: HybridReasoningRegressor(k=3).score,
        lambda: compiled("def f(est, X, y): return est.score(X, y)"),
        lambda: compiled("def f(est, X, y): return -est.score(X, y)"),
        lambda: compiled("def f(est, X, y, a=1): return est.score(X, y)"),
        lambda: compiled("def f(est, X, y, a=2): return est.score(X, y)"),
        lambda: compiled("def f(est, X, y, *, a=2): return est.score(X, y)"),
        lambda: compiled("a = 1\ndef f(est, X, y): return a"),
        lambda: compiled("a = 2\ndef f(est, X, y): return a"),
        lambda: compiled("def g(): return 1\ndef f(est, X, y): return g()"),
        lambda: compiled("def g(): return 2\ndef f(est, X, y): return g()"),
        lambda: compiled("def f(est, X, y): return [np.max(v) for v in y]"),
        lambda: compiled("def f(est, X, y): return [np.min(v) for v in y]"),
        lambda: compiled(WRAPPED + "def f(*values): return mean_squared_error(*values)"),
        lambda: compiled(WRAPPED + "def f(*values): return -mean_squared_error(*values)"),
        lambda: compiled("class f:\n def fit(self): return 1"),
        lambda: compiled("class f:\n def fit(self): return 2"),
        lambda: compiled("class f:\n a = 1"),
        lambda: compiled("class f(dict):\n a = 1"),
    ],
}

if hasattr(np.dtypes, "StringDType"):  # NumPy 2's
    THINGS["arrays"] += [
        lambda: np.array(["a", "bb"], dtype=np.dtypes.StringDType()),
        lambda: np.array(["a", "bc"], dtype=np.dtypes.StringDType()),
    ]


def identities(kind):
    return [identity(make()) for make in THINGS[kind]]


@pytest.fixture(scope="module")
def elsewhere(new_process):
    """The identities in another process, whose sets are in another order."""
    name = Path(__file__).stem
    folder = str(Path(__file__).parent)
    code = f"import sys; sys.path.insert(0, {folder!r}); import {name}; {name}.print_identities()"
    done = new_process(code)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.mark.parametrize("kind", THINGS)
def test_what_is_made_anew_is_the_same_and_other_things_are_others(kind):
    found = identities(kind)
    assert found == identities(kind)
    assert len({*found}) == len(found)


@pytest.mark.parametrize("kind", THINGS)
def test_it_is_the_same_in_another_process(kind, elsewhere):
    assert elsewhere[kind] == identities(kind)


@pytest.mark.parametrize("kind", ["containers", "arrays", "frames", "polars", "estimators"])
def test_copies_are_the_same(kind):
    for make in THINGS[kind]:
        thing = make()
        assert identity(copy.deepcopy(thing)) == identity(thing)
    for make in THINGS["frames"]:
        assert identity(pickle.loads(pickle.dumps(make()))) == identity(make())


def test_it_does_not_matter_which_parts_are_one_object():
    one, other = [1.5, {"a"}], [1.5, {"a"}]
    assert identity([one, one]) == identity([one, other])
    assert identity([StandardScaler()] * 2) == identity([StandardScaler(), StandardScaler()])
    assert identity(clone(MODEL)) == identity(MODEL)


MODEL = make_pipeline(Halver(), HybridReasoningRegressor(algo=GradientDescent()))


def test_what_is_cached_does_not_matter():
    matrix, table = sparse.csr_array(ARRAY), frame()
    before = identity(matrix), identity(table)
    assert matrix.has_sorted_indices
    assert table.memory_usage().sum() > 0
    assert list(table.iterrows())
    assert (identity(matrix), identity(table)) == before


def test_where_code_stands_does_not_matter():
    source = "def f(est, X, y):\n    return est.score(X, y)\n"
    assert identity(compiled(source)) == identity(compiled("# moved\n\n" + source))


MODULE = """
from its_constants import SCALE
def loss(errors): return SCALE * abs(errors).mean()
class Halver: pass
"""


@pytest.mark.parametrize("kind", ["function", "lambda", "class", "instance", "method"])
def test_edits_anywhere_in_the_modules_of_users_are_noticed(tmp_path, monkeypatch, kind):
    def what_it_is(constant, module=MODULE):
        (tmp_path / "its_constants.py").write_text(f"SCALE = {constant}\n")
        (tmp_path / "its_helpers.py").write_text(module)
        importlib.invalidate_caches()
        for name in ("its_constants", "its_helpers"):
            monkeypatch.delitem(sys.modules, name, raising=False)
        helpers = importlib.import_module("its_helpers")
        return identity(
            {
                "function": helpers.loss,
                "lambda": compiled(
                    "f = lambda est, X, y: its_helpers.loss(y)", its_helpers=helpers
                ),
                "class": helpers.Halver,
                "instance": helpers.Halver(),
                "method": helpers.Halver().__init__,
            }[kind]
        )

    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    one = what_it_is(1.0)
    assert what_it_is(1.0) == one
    assert what_it_is(1000.0) != one
    assert what_it_is(1.0, f"{MODULE}POWER = 2\n") != one


def test_objects_that_hold_themselves_and_such_that_no_pickle_can_hold():
    inside = [1]
    inside.append(inside)
    assert identity(inside) == identity(copy.deepcopy(inside))
    assert identity(threading.Lock()) == identity(threading.Lock())
    assert identity(x for x in ()) == identity(x for x in ())


def print_identities():
    print(json.dumps({kind: identities(kind) for kind in THINGS}))
