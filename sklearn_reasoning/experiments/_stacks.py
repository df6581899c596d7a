"""Stacks of models on several processes: losses that are kept, and a line for each stack."""

import sys
import time
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import Any, Protocol, TypeAlias, TypeVar

from sklearn.utils.parallel import delayed

from sklearn_reasoning._runs.checkpoint import Checkpoint
from sklearn_reasoning._runs.tasks import running
from sklearn_reasoning.algorithms import Algorithm

Losses: TypeAlias = dict[str, float]


class AnyStack(Protocol):
    """What models share that are trained together; printed by its ``str``."""

    @property
    def work(self) -> int:
        """How long it takes, in a unit of one's own."""


_S = TypeVar("_S", bound=AnyStack)


def kept_in(
    folder: str | Path | None,
    name: str,
    protocol: object,
    settings: Sequence[str],
    algorithms: Sequence[Algorithm],
    **data: Any,
) -> Checkpoint | None:
    """Return the checkpoint of stacks in a folder of that name, in a given one if there is one.

    The settings are attributes of the protocol that the losses depend on, besides the data.
    """
    if folder is None:
        return None
    values = {setting: getattr(protocol, setting) for setting in settings}
    # As texts, short tuples are shown where folders differ.
    shown = {n: str(v) if isinstance(v, tuple) else v for n, v in values.items()}
    named = {f"the {each}": value for each, value in data.items()}
    return Checkpoint(Path(folder) / name, {"algos": list(algorithms), **shown, **named})


def losses_of_stacks(
    stacks: Sequence[_S],
    n_models: int,
    call: Callable[[_S], tuple[Callable[..., Sequence[Losses]], tuple[Any, ...]]],
    kept: Checkpoint | None,
    *,
    n_jobs: int | None,
    verbose: int,
) -> list[Losses]:
    """Return the losses of all models, those of the first stack first.

    ``call`` goes from a stack to the function and the arguments that return the losses of its
    models; they are sent to other processes. What is kept is not computed again. With ``verbose`` a
    line a stack is printed on stderr, with the time left.
    """
    found: dict[int, Losses] = {} if kept is None else kept.load()
    waiting = [
        (number * n_models, stack)
        for number, stack in enumerate(stacks)
        if any(number * n_models + model not in found for model in range(n_models))
    ]
    tasks = (delayed(_numbered)(stack, first, *call(stack)) for first, stack in waiting)
    total, done, began = sum(stack.work for _, stack in waiting), 0, time.perf_counter()
    with nullcontext() if kept is None else kept, running(tasks, n_jobs, "2*n_jobs") as finished:
        for i, (stack, losses) in enumerate(finished, start=1):
            if kept is not None:
                kept.save(losses)
            found.update(losses)
            done += stack.work
            if verbose:
                left = (time.perf_counter() - began) * (total - done) / done
                print(f"{stack}: {i} of {len(waiting)}, {left:.0f} s left", file=sys.stderr)
    return [found[i] for i in range(len(stacks) * n_models)]


def _numbered(
    stack: _S, first: int, function: Callable[..., Sequence[Losses]], arguments: tuple[Any, ...]
) -> tuple[_S, list[tuple[int, Losses]]]:
    return stack, list(enumerate(function(*arguments), start=first))
