"""Predictions of many rows and many steps: the same numbers, in little memory."""

import os
from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_allclose

from sklearn_reasoning import HybridReasoningRegressor
from sklearn_reasoning.algorithms import list_algorithms

STATUS = Path("/proc/self/status")
N, D = 60, 2


def regressor(algo="gd", **parameters):
    options = {"k": 4, "max_epochs": 1, "q_hidden": (4,), "b_hidden": (8,), "random_state": 0}
    return HybridReasoningRegressor(algo, **options | parameters)


def make_data(n=N, linear_term="learned", rotation="shared"):
    rng = np.random.default_rng(0)
    x = rng.normal(size=(n, 3))
    parts = [x]
    if linear_term == "given":
        parts.append(rng.normal(size=(n, D)))
    if rotation == "given":
        parts.append(np.linalg.qr(rng.normal(size=(n, D, D)))[0].reshape(n, -1))
    return np.hstack(parts), 5.0 + np.tanh(x[:, :D])


# ---------------------------------------------------------------------- in blocks


# A layer so wide that blocks have few rows: 16 of 20,000 units.
WAYS = {
    "learned": {"b_hidden": (20_000,)},
    "b given": {"linear_term": "given", "q_hidden": (20_000,)},
    "b and R given": {"linear_term": "given", "rotation": "given", "q_hidden": (20_000,)},
    "R predicted": {"rotation": "predicted", "q_hidden": (20_000,)},
    "start predicted": {"start": "predicted", "b_hidden": (20_000,)},
    "start predicted, b given": {
        "start": "predicted",
        "linear_term": "given",
        "b_hidden": (20_000,),
    },
}


@pytest.mark.parametrize("way", WAYS)
def test_rows_are_predicted_in_blocks_as_they_are_alone(way):
    """60 rows are three blocks of 16 and one of 12."""
    options = WAYS[way]
    X, y = make_data(N, options.get("linear_term"), options.get("rotation"))
    model = regressor("nag", **options).fit(X, y)
    whole, start, (Q, b) = model.predict(X), model.predict_start(X), model.predict_energy(X)
    measured = model.certify(X).rows
    for rows in ([0], [15, 16], range(59, 60), range(40), range(59, -1, -7), [3] * 33):
        rows = list(rows)
        same = {"rtol": 1e-11, "atol": 1e-12}
        assert_allclose(model.predict(X[rows]), whole[rows], **same)
        assert_allclose(model.predict_start(X[rows]), start[rows], **same)
        assert_allclose(model.predict_energy(X[rows])[0], Q[rows], **same)
        assert_allclose(model.predict_energy(X[rows])[1], b[rows], **same)
        some = model.certify(X[rows]).rows
        assert_allclose(some.distance, measured.distance[rows], **same)
        assert_allclose(some.eigenvalues, measured.eigenvalues[rows], **same)
    # Blocks are cut alike from the front: whole ones do not know what follows them.
    assert np.array_equal(model.predict(X[:32]), whole[:32])


@pytest.mark.parametrize("n", [1, 16, 17, 33, 48])
def test_any_number_of_rows_comes_back_whole(n):
    X, y = make_data()
    model = regressor(b_hidden=(20_000,)).fit(X, y)
    assert model.predict(X[:n]).shape == (n, D)
    assert_allclose(model.predict(X[:n]), model.predict(X)[:n], rtol=1e-11)
    flat = regressor(b_hidden=(20_000,)).fit(X, y[:, 0])
    assert flat.predict(X[:n]).shape == (n,)


@pytest.mark.parametrize("algo", list_algorithms())
def test_more_rows_than_a_block_for_every_algorithm(algo):
    """5,003 rows are a block of 4,096, which default sizes make, and a part of one."""
    X, y = make_data(5003, "given", "given")
    options = {"linear_term": "given", "rotation": "given", "q_hidden": (64,)}
    model = regressor(algo, **options, start="mean").fit(X[:50], y[:50])
    whole = model.predict(X)
    assert whole.shape == (5003, D)
    for rows in (slice(4090, 4100), slice(4999, None), slice(0, 3)):
        assert_allclose(model.predict(X[rows]), whole[rows], rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("linear_term", ["learned", "given"])
def test_no_rows_are_refused_by_every_method(linear_term):
    X, y = make_data(N, linear_term)
    model = regressor(linear_term=linear_term).fit(X, y)
    for method in (model.predict, model.predict_start, model.predict_energy, model.certify):
        with pytest.raises(ValueError, match="0 sample"):
            method(X[:0])


# ---------------------------------------------------------------------- memory


# The peak is that of the process itself, whereas getrusage begins with that of its parent.
CODE = """
import re, sys
from pathlib import Path
import numpy as np
from sklearn_reasoning import HybridReasoningRegressor

def peak():
    return int(re.search(r"VmHWM:\\s*(\\d+) kB", Path(sys.argv[1]).read_text())[1]) / 1024

rng = np.random.default_rng(0)
X = rng.normal(size=(10_000, 4))
y = X @ rng.normal(size=(4, 20))
for algo in sys.argv[2:]:
    model = HybridReasoningRegressor(algo, k=2, max_epochs=1, random_state=0).fit(X[:50], y[:50])
    # What came before must not hide what this one takes.
    Path("/proc/self/clear_refs").write_text("5")
    model.predict(X, k=1)
    before = peak()
    # The steps that are taken one by one are slow, and 100 of them show as well.
    model.predict(X, k=100 if algo in ("cg", "rnn") else 400)
    print(algo, peak() - before)
"""


@pytest.mark.skipif(
    not (STATUS.exists() and os.access("/proc/self/clear_refs", os.W_OK)),
    reason="the peak is read from Linux's /proc, and reset there",
)
def test_many_steps_take_no_more_memory_than_one(new_process):
    """All iterates of 10,000 rows would take 150 MB and more."""
    done = new_process(CODE, str(STATUS), *list_algorithms())
    assert done.returncode == 0, done.stderr
    grown = dict(line.split() for line in done.stdout.splitlines())
    assert list(grown) == list_algorithms()
    assert max(map(float, grown.values())) < 15.0, grown
