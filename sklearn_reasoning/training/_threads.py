"""Training and prediction run on one thread."""

from __future__ import annotations

from contextlib import AbstractContextManager
from functools import cache
from typing import Any

from threadpoolctl import ThreadpoolController


@cache
def _controller() -> ThreadpoolController:
    # Looking for the loaded libraries takes milliseconds; once is enough.
    return ThreadpoolController()


def one_thread() -> AbstractContextManager[Any]:
    """Limit the native thread pools to one thread.

    Sums cut among threads round differently from sums that are not, and joblib's workers have
    one thread where their parent has more; small models gain nothing from a second one.
    """
    limit: AbstractContextManager[Any] = _controller().limit(limits=1)
    return limit
