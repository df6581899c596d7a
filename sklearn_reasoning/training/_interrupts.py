"""Ctrl-C, told from callbacks that end training."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


@contextmanager
def interrupts(watch: bool) -> Iterator[Any]:
    """Tell a user's Ctrl-C from the KeyboardInterrupt that skorch's callbacks raise to stop.

    ``watch`` is whether there are callbacks that could raise one. What is yielded returns whether
    the user pressed Ctrl-C.
    """
    seen: list[int] = []
    before = signal.getsignal(signal.SIGINT)
    on_main = threading.current_thread() is threading.main_thread()
    if not (watch and on_main and callable(before)):
        yield lambda: False
        return

    def handler(number: int, frame: Any) -> None:
        seen.append(number)
        before(number, frame)

    signal.signal(signal.SIGINT, handler)
    try:
        yield lambda: bool(seen)
    finally:
        signal.signal(signal.SIGINT, before)
