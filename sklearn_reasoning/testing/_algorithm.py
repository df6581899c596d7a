"""The contract of algorithms: what one declares of itself is what it is held against."""

import copy
from collections.abc import Callable

from sklearn_reasoning.algorithms import Algorithm, get_algorithm

from ._compare import require
from ._layer import (
    check_convergence,
    check_dtypes,
    check_energies,
    check_layer_derivatives,
    check_start,
    check_tensor_k,
)
from ._needs import check_constraint, check_needs
from ._polynomial import check_closed_form, check_polynomial, check_polynomial_derivatives
from ._problem import has_step_size
from ._recurrence import check_bounded, check_region, check_state, check_value
from ._sensitivity_rate import check_sensitivity_rate


def check_algorithm(algorithm: str | Algorithm) -> None:
    """Check that an algorithm keeps the contract that layer, estimator and properties rely on.

    Parameters
    ----------
    algorithm : str or Algorithm
        A registered name or an instance; a class of your own need not be registered.

    Raises
    ------
    AssertionError
        If something does not hold, with what it is and what to do about it. What the
        algorithm's own methods raise passes through.
    TypeError
        If ``algorithm`` is neither a name nor an Algorithm.
    ValueError
        If the name is unknown.

    Notes
    -----
    Checked, as far as the class declares that it applies:

    - it is a value: ``==``, ``hash``, ``copy`` and ``pickle`` work, and running it changes nothing;
    - ``start`` puts y first, ``step`` keeps shapes and dtypes and changes no state in place;
    - ``stable_region`` is a range, with bounded iterates at both of its ends and convergence to
      the minimiser between them (not asked of methods with learned weights);
    - r_k = 1 - t q_k, closed forms equal the recurrence for every kind of k and step size, q_k is
      finite at t = 0, and derivatives equal finite differences;
    - ``sensitivity_rate``, where there is one, is such a rate;
    - the layer has right first and second derivatives, gives the same result for every class of
      energies and from every start, and with a tensor k stops each row at its own step;
    - what ``needs`` leaves out is not used; with "descend" alone, every iterate obeys a set and
      the last one is the minimiser over it.

    Examples
    --------
    >>> from sklearn_reasoning.algorithms import Algorithm
    >>> class DampedRichardson(Algorithm):
    ...     name = "damped_richardson"
    ...
    ...     def __init__(self, damping=0.5):
    ...         self.damping = damping
    ...
    ...     def step(self, state, problem, phi):
    ...         (y,) = state
    ...         return (problem.descend(y, self.damping * phi),)
    ...
    ...     def stable_region(self, mu, L):
    ...         high = 2.0 / (self.damping * L)
    ...         return high / 100.0, high
    >>> check_algorithm(DampedRichardson())

    A region that promises too much is found out:

    >>> class Rash(DampedRichardson):
    ...     def stable_region(self, mu, L):
    ...         return 0.1, 5.0 / L
    >>> check_algorithm(Rash())
    Traceback (most recent call last):
    ...
    AssertionError: damped_richardson: with step size 5, inside its stable_region, ...
    """
    algorithm = get_algorithm(algorithm)
    before = copy.deepcopy(algorithm)
    check_value(algorithm)
    check_region(algorithm)
    checks: list[Callable[[Algorithm], None]] = []
    if "exact" not in algorithm.provides:
        checks += [check_state, check_bounded]
    if "polynomial" in algorithm.provides:
        checks += [check_polynomial, check_polynomial_derivatives]
        if "exact" not in algorithm.provides:
            checks += [check_closed_form]
        if has_step_size(algorithm):
            checks += [check_sensitivity_rate]
    checks += [check_needs, check_energies, check_start, check_convergence, check_constraint]
    checks += [check_dtypes, check_tensor_k]
    checks += [check_layer_derivatives]
    for check in checks:
        check(algorithm)
    require(
        algorithm == before and hash(algorithm) == hash(before),
        algorithm,
        "running it has changed its attributes; keep what changes in the state.",
    )
