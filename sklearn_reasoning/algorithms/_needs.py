"""Whether a problem provides what an algorithm needs, asked before any work."""

from sklearn_reasoning.penalties import Penalty

from ._base import Algorithm
from ._problem import Problem
from ._registry import get_algorithm, list_algorithms

# What a problem with a penalty provides, where its energy is quadratic.
_WITH_PENALTY = frozenset({"descend", "explicit", "prox", "resolvent", "minimizer"})


def check_needs(algorithm: Algorithm, problem: Problem) -> None:
    """Refuse a problem that does not provide what an algorithm needs.

    Parameters
    ----------
    algorithm : Algorithm
        The method, an instance.
    problem : Problem
        What it is to minimise.

    Raises
    ------
    TypeError
        If the penalty of the problem is neither a Penalty nor None.
    ValueError
        If something is missing; it says what, and which algorithms would do.

    Notes
    -----
    What an algorithm ``needs`` is compared with what a problem ``provides``; no type is asked.

    Examples
    --------
    >>> import torch
    >>> from sklearn_reasoning.algorithms import get_algorithm
    >>> from sklearn_reasoning.energies import Energy
    >>> class Quartic(Energy):
    ...     def value(self, y):
    ...         return (0.25 * y**4 + y.square()).sum(dim=-1)
    ...
    ...     def zeros(self):
    ...         return torch.zeros(1, 2)
    >>> check_needs(get_algorithm("gd"), Problem(Quartic(), mu=2.0, L=5.0))
    >>> check_needs(get_algorithm("cg"), Problem(Quartic(), mu=2.0, L=5.0))
    Traceback (most recent call last):
    ...
    ValueError: algo='cg' needs 'minimizer' and 'product', which energies of Quartic do not ...
    """
    check_takes_penalty(algorithm, problem.penalty)
    _check_provided(algorithm, problem.provides, f"energies of {type(problem.energy).__name__} do")


def check_takes_penalty(algorithm: Algorithm, penalty: Penalty | None) -> None:
    """Refuse a penalty that an algorithm cannot take, whatever the energy.

    Parameters
    ----------
    algorithm : Algorithm
        The method, an instance.
    penalty : Penalty or None
        The set or the term.

    Raises
    ------
    TypeError
        If ``penalty`` is neither a Penalty nor None.
    ValueError
        If the algorithm uses more of a problem than the step that has the penalty in it.

    Notes
    -----
    A method that ``needs`` "descend" alone takes every penalty, and so do "admm" and "opt".

    Examples
    --------
    >>> from sklearn_reasoning.algorithms import get_algorithm
    >>> from sklearn_reasoning.penalties import Nonnegative
    >>> check_takes_penalty(get_algorithm("gd"), Nonnegative())
    >>> check_takes_penalty(get_algorithm("chebyshev"), Nonnegative())
    Traceback (most recent call last):
    ...
    ValueError: algo='chebyshev' needs 'gradient', which a problem with penalty=Nonnegative() ...
    """
    if penalty is None:
        return
    if not isinstance(penalty, Penalty):
        raise TypeError(f"penalty={penalty!r} must be a Penalty or None.")
    _check_provided(algorithm, _WITH_PENALTY, f"a problem with {penalty=} does")


def _check_provided(algorithm: Algorithm, provided: frozenset[str], what: str) -> None:
    missing = sorted(algorithm.needs - provided)
    if missing:
        usable = [name for name in list_algorithms() if get_algorithm(name).needs <= provided]
        raise ValueError(
            f"algo={algorithm.name!r} needs {' and '.join(map(repr, missing))}, which {what} not "
            f"provide. Use one of {usable}."
        )
