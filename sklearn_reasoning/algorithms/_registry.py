"""Algorithms by name."""

import difflib
from typing import Any

from ._base import Algorithm
from ._travel import OwnAlgorithms, arrived, class_of

_ALGORITHMS: dict[str, type[Algorithm]] = {}
_OPTIMIZERS = ("adam", "adamw", "sgd")


def register_algorithm(cls: type[Algorithm]) -> type[Algorithm]:
    """Make an algorithm known by its name; usable as a decorator.

    Workers know it too: estimators take what is registered along.

    Parameters
    ----------
    cls : type
        A subclass of :class:`Algorithm` that can be made without arguments.

    Returns
    -------
    type
        The same class.

    Raises
    ------
    TypeError
        If it is no subclass of :class:`Algorithm`, or cannot be made without arguments.
    ValueError
        If it has no name, or another class has that name.

    Examples
    --------
    >>> from sklearn_reasoning.algorithms import GradientDescent
    >>> register_algorithm(GradientDescent) is GradientDescent
    True
    """
    _check_class(cls)
    known = _ALGORITHMS.setdefault(cls.name, cls)
    if (known.__module__, known.__qualname__) != (cls.__module__, cls.__qualname__):
        raise ValueError(f"{cls.name!r} is already the name of {known.__qualname__}.")
    _ALGORITHMS[cls.name] = cls
    return cls


def list_algorithms() -> list[str]:
    """Return the names of the registered algorithms.

    Returns
    -------
    list of str
        In the order in which they were registered.

    Examples
    --------
    >>> list_algorithms()[:2]
    ['gd', 'nag']
    """
    return list(_ALGORITHMS)


def get_algorithm(algo: str | Algorithm) -> Algorithm:
    """Return the algorithm of a name; an :class:`Algorithm` is returned as it is.

    Parameters
    ----------
    algo : str or Algorithm
        One of :func:`list_algorithms`, or an instance.

    Returns
    -------
    Algorithm
        The algorithm with its default options.

    Raises
    ------
    ValueError
        If the name is unknown.
    TypeError
        If ``algo`` is neither a string nor an Algorithm.

    Examples
    --------
    >>> get_algorithm("nag")
    NesterovAcceleratedGradient()
    """
    if isinstance(algo, Algorithm):
        return algo
    if not isinstance(algo, str):
        what = f"the class {algo.__name__}: pass {algo.__name__}()" if _is_class(algo) else algo
        raise TypeError(f"algo must be a name or an Algorithm instance, got {what}.")
    if algo in _ALGORITHMS:
        return _ALGORITHMS[algo]()
    if algo in arrived():
        return class_of(arrived()[algo])()
    raise ValueError(f"algo={algo!r} is not one of {list_algorithms()}.{_hint(algo)}")


def own_algorithms() -> OwnAlgorithms:
    """Return the registered algorithms that are not the package's, to be pickled along."""
    here = {name: cls for name, cls in _ALGORITHMS.items() if not _is_ours(cls)}
    from_elsewhere = [ticket for name, ticket in arrived().items() if name not in _ALGORITHMS]
    return OwnAlgorithms(here.values(), from_elsewhere)


def _check_class(cls: Any) -> None:
    """Refuse what no name could stand for."""
    if isinstance(cls, Algorithm):
        raise TypeError(
            f"register_algorithm takes a class, got the instance {cls!r}: register "
            f"{type(cls).__name__}. Options other than its defaults are for instances, which "
            "estimators take as they are."
        )
    if not _is_class(cls):
        raise TypeError(f"register_algorithm takes a subclass of Algorithm, got {cls!r}.")
    name = getattr(cls, "name", None)
    if not isinstance(name, str) or not name:
        raise ValueError(
            f"{cls.__name__} has no name to be found by: set name = '...' in the class, got "
            f"{name!r}."
        )
    try:
        cls()
    except TypeError as error:
        raise TypeError(
            f"{cls.__name__} cannot be made without arguments, and a name stands for what is: give "
            f"its options defaults, or pass an instance to estimators ({error})."
        ) from error


def _is_ours(cls: type) -> bool:
    return cls.__module__.partition(".")[0] == __name__.partition(".")[0]


def _is_class(algo: Any) -> bool:
    return isinstance(algo, type) and issubclass(algo, Algorithm)


def _hint(algo: str) -> str:
    """Return a sentence with the name that was meant, or with a way out."""
    if algo.lower() in _OPTIMIZERS:
        return f" {algo!r} trains networks: it is an optimizer, not the algorithm of a layer."
    names = {}
    for name, cls in _ALGORITHMS.items():
        for known in (name, *cls.also_called, cls.__name__):
            names[_plain(known)] = name
    near = difflib.get_close_matches(_plain(algo), names, n=1)
    if near:
        return f" Did you mean {names[near[0]]!r}?"
    return " One of your own is an instance, module:Class in a command, or registered first."


def _plain(name: str) -> str:
    return "".join(filter(str.isalnum, name.lower()))
