"""A search killed at a random moment resumes and ends with the bits of one left alone, 20 times.

360 fits of twelve architectures, in a process of its own that is killed together with its
workers (SIGKILL), at one random moment in each twentieth of its time: imports, training,
scoring, saving and refit. Another process goes on, with one worker in place of two or the other
way round. Every score and the predictions of the refitted model are compared bit for bit.

Run: python benchmarks/search_kill.py [--kills 20]
"""

import argparse
import contextlib
import os
import pickle
import random
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

GRID = {
    "algo": ["gd", "nag", "heavy_ball", "opt"],
    "q_hidden": [None, (8,), (16,)],
    "k": [1, 5, 20],
    "lr": [1e-3, 1e-2],
}
FOLDS = 5
N_FITS = 4 * 3 * 3 * 2 * FOLDS


def run(folder, found, n_jobs):
    """Search, and write what was found."""
    from sklearn_reasoning import HybridReasoningRegressor
    from sklearn_reasoning.datasets import make_quadratic_reasoning
    from sklearn_reasoning.model_selection import BatchedGridSearchCV

    X, y = make_quadratic_reasoning(100, random_state=0)
    model = HybridReasoningRegressor(
        linear_term="given", rotation="given", max_epochs=40, random_state=0
    )
    search = BatchedGridSearchCV(
        model, GRID, cv=FOLDS, n_jobs=n_jobs, return_train_score=True, checkpoint_dir=folder
    ).fit(X, y)
    scores = {name: v for name, v in search.cv_results_.items() if name.endswith("_score")}
    arrays = [*scores.values(), search.predict(X)]
    Path(found).write_bytes(pickle.dumps((list(scores), [array.tobytes() for array in arrays])))


def begin(folder, found, n_jobs):
    """Start a search in a process group of its own."""
    command = [sys.executable, __file__, "--search", str(folder), str(found), str(n_jobs)]
    return subprocess.Popen(command, start_new_session=True)


def kill(process):
    """Kill a process and all that it started; False if it had ended by itself."""
    alive = process.poll() is None
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    return alive


def to_the_end(folder, found, n_jobs):
    """Return what a search finds that is left alone, and its time in seconds."""
    began = time.monotonic()
    process = begin(folder, found, n_jobs)
    if process.wait() != 0:
        raise SystemExit(f"a search failed, with {n_jobs} workers")
    return pickle.loads(found.read_bytes()), time.monotonic() - began


def n_kept(folder):
    """Return how many fits a folder keeps, None if no search has begun there."""
    if not (folder / "search.json").exists():
        return None
    text = "".join(path.read_text() for path in folder.glob("results-*.json"))
    return text.count('"fit_error"')


def main(n_kills):
    moments = random.Random(0)
    n_same = n_killed = 0
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as name:
        root = Path(name)
        seconds = {}
        for n_jobs in (1, 2):
            found, seconds[n_jobs] = to_the_end(root / f"never-{n_jobs}", root / "found", n_jobs)
            if n_jobs == 1:
                expected = found
        n_same_undisturbed = found == expected
        print(
            f"Left alone: {seconds[1]:.1f} s with one worker, {seconds[2]:.1f} s with two;", end=""
        )
        print(" the same bits." if n_same_undisturbed else " NOT THE SAME BITS.", flush=True)
        for i in range(n_kills):
            n_jobs, then = (1, 2) if i % 2 else (2, 1)
            moment = seconds[n_jobs] * (i + moments.random()) / n_kills
            folder = root / f"search-{i}"
            process = begin(folder, root / "killed", n_jobs)
            time.sleep(moment)
            killed = kill(process)
            kept = n_kept(folder)
            found, took = to_the_end(folder, root / "found", then)
            same = found == expected
            n_killed += killed
            n_same += same
            where = {None: "starting", N_FITS: "refitting"}.get(kept, "training")
            print(
                f"{i + 1:2d}. {'killed' if killed else 'had ended'} after {moment:5.2f} s with "
                f"{n_jobs} worker(s), {where}, {kept or 0:3d} of {N_FITS} fits kept; ended with "
                f"{then} after {took:4.1f} s: {'the same bits' if same else 'OTHER BITS'}",
                flush=True,
            )
    print(
        f"{n_same} of {n_kills} searches ended with the same bits, {n_killed} of them killed "
        f"before their end; {time.monotonic() - began:.0f} s."
    )
    return 0 if n_same == n_kills and n_same_undisturbed else 1


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--search", nargs=3, metavar=("FOLDER", "FOUND", "N_JOBS"))
    arguments = parser.parse_args()
    if arguments.search:
        run(*arguments.search[:2], int(arguments.search[2]))
    else:
        sys.exit(main(arguments.kills))
