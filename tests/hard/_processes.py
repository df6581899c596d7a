"""Run by test_processes.py: work in children, after work in the parent, compared bit by bit.

Usage: _processes.py fork | forkserver | spawn | loky | joblib-multiprocessing
"""

import multiprocessing
import sys
from pathlib import Path

import joblib
import numpy as np
import torch

sys.path.insert(0, str(Path(__file__).parents[1]))
from hard._work import denoiser, images, regression, regressor, run, tasks


def predict(model, X):
    return model.predict(X)


def results(how, work):
    """Return what two children make of pieces of work, each a function and its arguments."""
    if how == "loky" or how.startswith("joblib-"):
        with joblib.parallel_config(how.removeprefix("joblib-"), n_jobs=2):
            return joblib.Parallel()(joblib.delayed(f)(*arguments) for f, arguments in work)
    with multiprocessing.get_context(how).Pool(2) as pool:
        pending = [pool.apply_async(f, arguments) for f, arguments in work]
        return [result.get(120) for result in pending]


def main(how):
    torch.set_num_threads(2)
    # A product large enough for a second thread, which no fork has.
    x = torch.ones(64, 100, 100, dtype=torch.float64)
    torch.bmm(x, x)
    X, y = regression("float32")
    noisy, clean = images()
    work = [
        *[(run, (task,)) for task in tasks(10)],
        (predict, (regressor().fit(X, y), X)),
        (predict, (denoiser().fit(noisy, clean), noisy)),
    ]
    expected = [f(*arguments) for f, arguments in work]
    for ours, theirs in zip(results(how, work), expected, strict=True):
        np.testing.assert_array_equal(ours, theirs)
    # The parent works on as before.
    np.testing.assert_array_equal(run(tasks(1)[0]), expected[0])
    print("the same bits")


if __name__ == "__main__":
    main(sys.argv[1])
