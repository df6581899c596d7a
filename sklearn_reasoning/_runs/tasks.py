"""Stacks as joblib tasks: their results as they come, wherever the workers are."""

from __future__ import annotations

import threading
import warnings
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from joblib.parallel import TASK_ERROR
from sklearn.utils.parallel import Parallel


@contextmanager
def running(
    tasks: Iterable[Any], n_jobs: int | None, pre_dispatch: int | str
) -> Iterator[Iterable[Any]]:
    """Run tasks on the workers of joblib's backend; a context that ends what still runs.

    It yields the results in the order in which tasks, which ``delayed`` makes, end.
    """
    parallel = _parallel(n_jobs=n_jobs, pre_dispatch=pre_dispatch)
    with _raising_lost_tasks(parallel):
        results = parallel(tasks)
        try:
            yield results
        finally:
            with warnings.catch_warnings():
                # The reason for giving up is raised; joblib's advice about iterators is not it.
                warnings.filterwarnings("ignore", message=".* tasks which", category=UserWarning)
                if not isinstance(results, list):
                    results.close()


def _parallel(**options: Any) -> Any:
    try:
        return Parallel(**options, return_as="generator_unordered")
    except ValueError:
        return Parallel(**options)  # a backend that hands results back at the end only


@contextmanager
def _raising_lost_tasks(parallel: Any) -> Iterator[None]:
    """Make joblib raise the errors of tasks that dask gives up.

    dask gives a task up that has cost it several workers, or when its scheduler is gone. joblib
    1.6 does not hear of it: it waits for the task's result for ever.
    """
    if type(getattr(parallel, "_backend", None)).__name__ != "DaskDistributedBackend":
        yield
        return
    over = threading.Event()
    watch = threading.Thread(target=_watch, args=(parallel, over), daemon=True)
    watch.start()
    try:
        yield
    finally:
        over.set()
        watch.join()


def _watch(parallel: Any, over: threading.Event) -> None:
    while not over.wait(0.5):
        for job in list(getattr(parallel, "_jobs_set", ())):
            future = job.job
            if future is not None and future.done() and future.exception() is not None:
                job._register_outcome({"status": TASK_ERROR, "result": future.exception()})
