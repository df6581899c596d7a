"""Small tensors are computed on one thread."""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache, wraps
from pathlib import Path
from typing import ParamSpec, TypeVar

import torch
from threadpoolctl import ThreadpoolController

_P = ParamSpec("_P")
_R = TypeVar("_R")


@contextmanager
def one_thread() -> Iterator[None]:
    """Limit torch to one thread, for the calling thread.

    Sums cut among threads round differently from sums that are not, and joblib's workers have
    one thread where their parent has more; small models gain nothing from a second one. And a
    forked process that wants threads waits for those of its parent for ever.

    OpenMP, on which torch runs, keeps its number for each thread. numpy's BLAS has one number
    for the process, which fits side by side would restore to one another's; so it is left
    alone, and training and prediction do without it.
    """
    # A new thread takes over the number of torch.set_num_threads when it first asks torch for
    # something, which would end the limit.
    torch.get_num_threads()
    with _openmp().limit(limits=1):
        # torch.set_num_threads gives the MKL inside torch a number of its own, which OpenMP's
        # does not touch.
        previous = _limit_mkl(1)
        try:
            yield
        finally:
            _limit_mkl(previous)


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


def _limit_mkl(number: int) -> int:
    """Set the calling thread's number of threads in torch's MKL; return the one before.

    0 is as many as OpenMP has.
    """
    set_number = _mkl_setter()
    return 0 if set_number is None else set_number(number)


@cache
def _mkl_setter() -> Callable[[int], int] | None:
    """Return MKL's function for it, None where torch was built without MKL."""
    folder = Path(torch.__file__).parent / "lib"
    for name in ("libtorch_cpu.so", "libtorch_cpu.dylib", "torch_cpu.dll"):
        if (folder / name).exists():
            setter = getattr(ctypes.CDLL(str(folder / name)), "MKL_Set_Num_Threads_Local", None)
            return setter
    return None
