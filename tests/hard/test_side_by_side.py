"""Threads of one process: each fit gives the bits of a fit alone, and nothing global moves."""

import threading
from concurrent.futures import ThreadPoolExecutor

import joblib
import numpy as np
import pytest
import torch
from hard._work import denoiser, images, regression, regressor, run, save_and_load, tasks
from threadpoolctl import threadpool_info

from sklearn_reasoning.training import one_thread

COUNTS = [pytest.param(8, id="few"), pytest.param(200, id="many", marks=pytest.mark.hard)]


def global_states():
    """Return what belongs to the whole program, in a form that compares.

    Not the warnings' filters: scikit-learn's validation sets them for a moment, and until Python
    3.14 they are those of all threads.
    """
    return {
        "torch's generator": torch.get_rng_state().tolist(),
        "numpy's generator": repr(np.random.get_state()),  # noqa: NPY002
        "dtype": torch.get_default_dtype(),
        "threads of torch": torch.get_num_threads(),
        "thread pools": sorted((p["filepath"], p["num_threads"]) for p in threadpool_info()),
        "gradients": torch.is_grad_enabled(),
        "inference": torch.is_inference_mode_enabled(),
        "floating point errors": np.geterr(),
    }


@pytest.fixture
def unmoved():
    before = global_states()
    yield
    assert global_states() == before


@pytest.mark.usefixtures("unmoved")
@pytest.mark.parametrize("n", COUNTS)
def test_side_by_side_gives_the_bits_of_alone(n):
    alone = [run(task) for task in tasks(n)]
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(run, tasks(n)))
    for task, ours, theirs in zip(tasks(n), together, alone, strict=True):
        np.testing.assert_array_equal(ours, theirs, err_msg=str(task))


@pytest.mark.usefixtures("unmoved")
@pytest.mark.parametrize("n", COUNTS)
def test_joblibs_threads_give_the_bits_of_alone(n):
    with joblib.parallel_config("threading", n_jobs=4):
        together = joblib.Parallel()(joblib.delayed(run)(task) for task in tasks(n))
    for task, ours in zip(tasks(n), together, strict=True):
        np.testing.assert_array_equal(ours, run(task), err_msg=str(task))


@pytest.mark.usefixtures("unmoved")
@pytest.mark.parametrize("n", COUNTS)
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_many_threads_use_one_fitted_model(n, dtype):
    X, y = regression(dtype)
    noisy, clean = images()
    model, restorer = regressor().fit(X, y), denoiser().fit(noisy, clean)
    uses = [
        lambda: model.predict(X),
        lambda: model.predict(X, k=3),
        lambda: model.predict_energy(X)[0],
        lambda: np.array(model.loss(X, y)),
        lambda: restorer.predict(noisy),
        lambda: restorer.predict_energy(noisy)[1],
        lambda: np.array(model.certify(X).convergence.certified),
        lambda: save_and_load(model, X),
    ]
    alone = [use() for use in uses]
    with ThreadPoolExecutor(4) as pool:
        for i, result in enumerate(pool.map(lambda use: use(), uses * (n // 8))):
            np.testing.assert_array_equal(result, alone[i % len(uses)])


@pytest.mark.parametrize("n", COUNTS)
def test_another_thread_sees_nothing_of_the_fits(n):
    """What the fits set for themselves is theirs: a thread that looks on finds its own."""
    seen, done = [], threading.Event()

    def look_on():
        torch.get_num_threads()
        while not done.is_set():
            seen.append(global_states())

    watcher = threading.Thread(target=look_on)
    watcher.start()
    try:
        with ThreadPoolExecutor(2) as pool:
            list(pool.map(run, tasks(n)))
    finally:
        done.set()
        watcher.join()
    assert len(seen) > n
    moved = {name for state in seen for name in state if state[name] != seen[0][name]}
    assert not moved


@pytest.mark.parametrize("n", COUNTS)
def test_limits_that_overlap_in_any_order_end(n):
    """Threads that enter and leave at random leave every thread the number that it had."""
    rng = np.random.default_rng(0)
    gates = [threading.Event() for _ in range(n)]
    found = []

    def enter_and_leave(i):
        before = torch.get_num_threads()
        with one_thread():
            gates[i].wait(60)
            inside = torch.get_num_threads()
        found.append((before, inside, torch.get_num_threads()))

    before = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        with ThreadPoolExecutor(n) as pool:
            futures = [pool.submit(enter_and_leave, i) for i in range(n)]
            for i in rng.permutation(n):
                gates[i].set()
                futures[i].result(60)
        assert found == [(2, 1, 2)] * n
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(before)
