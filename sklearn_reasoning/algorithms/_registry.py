"""Algorithms by name."""

import difflib

from ._base import Algorithm

_ALGORITHMS: dict[str, type[Algorithm]] = {}


def register_algorithm(cls: type[Algorithm]) -> type[Algorithm]:
    """Make an algorithm known by its name; usable as a decorator.

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
    ValueError
        If another class has that name.

    Examples
    --------
    >>> from sklearn_reasoning.algorithms import GradientDescent
    >>> register_algorithm(GradientDescent) is GradientDescent
    True
    """
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
        raise TypeError(f"algo must be a name or an Algorithm instance, got {algo!r}.")
    if algo not in _ALGORITHMS:
        near = difflib.get_close_matches(algo, _ALGORITHMS, n=1)
        hint = f" Did you mean {near[0]!r}?" if near else ""
        raise ValueError(f"algo={algo!r} is not one of {list_algorithms()}.{hint}")
    return _ALGORITHMS[algo]()
