"""Names of users' own algorithms, on their way to other processes.

A worker knows the package's algorithms, not those that were registered where it was started from.
So what is sent there by name takes along where the classes are, and those that no import would
find take along themselves. They are looked up when a name is asked for: a model that does not use
them can be read where they do not exist.
"""

from __future__ import annotations

import importlib
import operator
import pickle
import sys
from collections.abc import Iterable
from functools import lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from ._base import Algorithm


class Ticket(NamedTuple):
    """Where the class of a name is; ``content`` is the class where no import finds it."""

    name: str
    module: str
    qualname: str
    content: bytes | None

    def __str__(self) -> str:
        return f"{self.module}:{self.qualname}"


class OwnAlgorithms:
    """Users' algorithms that are registered here; known by name wherever it is unpickled."""

    def __init__(self, classes: Iterable[type[Algorithm]] = (), tickets: Iterable[Ticket] = ()):
        self.classes = tuple(classes)
        self.tickets = tuple(tickets)

    def __bool__(self) -> bool:
        return bool(self.classes or self.tickets)

    def __deepcopy__(self, memo: Any) -> OwnAlgorithms:
        return self

    def __reduce__(self) -> tuple[Any, ...]:
        return arrive, ((*map(_ticket, self.classes), *self.tickets),)

    def __identity__(self) -> Any:
        """Return what the algorithms compute: bytes of a class differ from process to process."""
        return self.classes, self.tickets


_ARRIVED: dict[str, Ticket] = {}


def arrive(tickets: tuple[Ticket, ...]) -> OwnAlgorithms:
    """Note the algorithms of another process; the last one of a name counts."""
    _ARRIVED.update((ticket.name, ticket) for ticket in tickets)
    return OwnAlgorithms(tickets=tickets)


def arrived() -> dict[str, Ticket]:
    """Return what is known of the algorithms of other processes, by name."""
    return _ARRIVED


@lru_cache(maxsize=64)
def class_of(ticket: Ticket) -> type[Algorithm]:
    """Return the class of a ticket; a ValueError where it cannot be had."""
    try:
        if ticket.content is not None:
            (found,) = pickle.loads(ticket.content)
        else:
            module = importlib.import_module(ticket.module)
            found = operator.attrgetter(ticket.qualname)(module)
    except Exception as error:
        raise ValueError(
            f"algo={ticket.name!r} was registered as {ticket}, which cannot be had in this "
            f"process: {error}"
        ) from error
    return found


def _ticket(cls: type[Algorithm]) -> Ticket:
    content = None if _is_importable(cls) else _by_value(cls)
    return Ticket(cls.name, cls.__module__, cls.__qualname__, content)


def _is_importable(cls: type) -> bool:
    """Return whether another process finds a class under its name."""
    module = sys.modules.get(cls.__module__)
    if cls.__module__ == "__main__" or getattr(module, "__spec__", None) is None:
        return False  # of a script, a notebook or a prompt
    try:
        return operator.attrgetter(cls.__qualname__)(module) is cls
    except AttributeError:
        return False  # made inside a function


def _by_value(cls: type) -> bytes | None:
    import joblib

    try:
        return pickle.dumps(joblib.wrap_non_picklable_objects((cls,), keep_wrapper=False))
    except Exception:  # what cannot be sent is missed by name, where it is asked for
        return None
