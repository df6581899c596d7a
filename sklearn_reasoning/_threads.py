"""Small tensors are computed on one thread."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from functools import cache, wraps
from typing import Any, ParamSpec, TypeVar

from threadpoolctl import ThreadpoolController

_P = ParamSpec("_P")
_R = TypeVar("_R")


def one_thread() -> AbstractContextManager[Any]:
    """Limit torch to one thread, for the calling thread.

    Sums cut among threads round differently from sums that are not, and joblib's workers have
    one thread where their parent has more; small models gain nothing from a second one.

    OpenMP, on which torch runs, keeps its number for each thread. numpy's BLAS has one number
    for the process, which fits side by side would restore to one another's; so it is left
    alone, and training and prediction do without it.
    """
    limit: AbstractContextManager[Any] = _openmp().limit(limits=1)
    return limit


def on_one_thread(function: Callable[_P, _R]) -> Callable[_P, _R]:
    """Return the function limited by :func:`one_thread`.

    Small matrices wait for a second thread longer than they take.
    """

    @wraps(function)
    def limited(*args: _P.args, **kwargs: _P.kwargs) -> _R:
        with one_thread():
            return function(*args, **kwargs)

    return limited


@cache
def _openmp() -> ThreadpoolController:
    # Looking for the loaded libraries takes milliseconds; once is enough.
    return ThreadpoolController().select(user_api="openmp")
