"""Searches in processes that are killed; run by test_checkpoint.py, with its imports paid once.

Every search is a fork of this process, in a process group of its own: its workers die with it.
"""

import contextlib
import os
import pickle
import random
import signal
import sys
import time
import traceback
from pathlib import Path

import torch._dynamo  # noqa: F401  - the first optimiser step imports it; the forks need not

from sklearn_reasoning import HybridReasoningRegressor
from sklearn_reasoning.datasets import make_quadratic_reasoning
from sklearn_reasoning.model_selection import BatchedGridSearchCV

# Of twelve architectures, so that even one worker has twelve stacks to be killed between.
STACKS = {"algo": ["gd", "nag", "heavy_ball"], "q_hidden": [None, (2,), (4,), (6,)]}
GRID = STACKS | {"k": [1, 5]}
N_STACKS = len(STACKS["algo"]) * len(STACKS["q_hidden"])


def search(folder=None, **options):
    model = HybridReasoningRegressor(
        linear_term="given", rotation="given", max_epochs=10, random_state=0
    )
    return BatchedGridSearchCV(
        model,
        GRID,
        cv=2,
        n_repeats=2,
        return_train_score=True,
        checkpoint_dir=folder,
        **options,
    )


def outcome(fitted, X):
    """All that a search found out, times left out."""
    results = {name: fitted.cv_results_[name] for name in fitted.cv_results_ if "time" not in name}
    return results, fitted.best_index_, fitted.best_estimator_.predict(X)


def begin(folder, result, n_jobs):
    """Start a search in a process of its own; it writes what it found to a file."""
    child = os.fork()
    # Both set the group: whichever is first, it is there before either goes on.
    os.setpgid(child, child)
    if child:
        return child
    status = 1
    try:
        X, y = make_quadratic_reasoning(60, random_state=0)
        fitted = search(folder, n_jobs=n_jobs).fit(X, y)
        result.write_bytes(pickle.dumps(outcome(fitted, X)))
        status = 0
    except BaseException:
        traceback.print_exc()
    finally:
        os._exit(status)


def killed(child, seconds):
    """Kill a search and its workers after some time; False if it had ended."""
    time.sleep(seconds)
    pid, status = os.waitpid(child, os.WNOHANG)
    if pid:
        end_group(child)
        assert status == 0, status
        return False
    os.killpg(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return True


def progressed(folder, result, n_jobs):
    """Start a search and wait for its first new result; how many new ones there are by then."""
    before = results_in(folder)
    child = begin(folder, result, n_jobs)
    while results_in(folder) == before and not result.exists():
        time.sleep(0.001)
    return child, results_in(folder) - before


def end_group(child):
    """End the idle workers of a search that has ended."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(child, signal.SIGKILL)


def ended(child):
    _, status = os.waitpid(child, 0)
    end_group(child)
    assert status == 0, status


def results_in(folder):
    return len(list(folder.glob("results-*.json")))


def main(folder):
    moment = random.Random(0).uniform
    kills = 0

    began = time.monotonic()
    ended(begin(folder / "never", folder / "never.pickle", 1))
    seconds = time.monotonic() - began

    # One worker: killed before it has done anything, and then after each of its next results,
    # at a moment of the work on the stack that follows.
    one = folder / "one", folder / "one.pickle"
    kills += killed(begin(*one, 1), 0.0)
    for _ in range(4):
        child, _ = progressed(*one, 1)
        kills += killed(child, moment(0, seconds / N_STACKS))
    kept = results_in(one[0])
    ended(begin(*one, 1))

    # What one worker began two go on with: killed with their parent, and let go on.
    two = folder / "two", folder / "two.pickle"
    child, before = progressed(*two, 1)
    kills += killed(child, 0.0)
    child, kept_by_two = progressed(*two, 2)
    kills += killed(child, moment(0, seconds / N_STACKS))
    ended(begin(*two, 2))

    # Two processes at once on one folder, and one later.
    both = [begin(folder / "both", folder / f"both-{i}.pickle", 1) for i in range(2)]
    for child in both:
        ended(child)
    ended(begin(folder / "both", folder / "both-2.pickle", 1))

    report = {
        "kills": kills,
        "kept from one worker": min(kept, before),
        "kept from two workers": kept_by_two,
    }
    (folder / "report.pickle").write_bytes(pickle.dumps(report))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
