"""What an estimator's parameters ``constraint`` and ``penalty`` come to together."""

from __future__ import annotations

import difflib
from numbers import Real
from typing import Any

from torch import Tensor

from ._ball import Ball
from ._base import Penalty
from ._box import Box
from ._group_l1 import GroupL1
from ._l1 import L1
from ._nonnegative import Nonnegative
from ._options import Numbers
from ._simplex import Simplex

_BY_NAME = {"nonnegative": Nonnegative, "simplex": Simplex}


def penalty_of(constraint: Any = None, penalty: Any = None) -> Penalty | None:
    """Return the one penalty that a set and a term are together, or None.

    ``constraint`` is None, "nonnegative", "simplex", a pair of numbers (low, high), or a Penalty
    that is a set; ``penalty`` is None or a Penalty. Raises TypeError or ValueError for anything
    else, and ValueError where the proximal step of the two is not known.
    """
    constraint = _set_of(constraint)
    if penalty is not None and not isinstance(penalty, Penalty):
        raise TypeError(f"penalty={penalty!r} must be a Penalty or None.")
    if constraint is None or penalty is None:
        return penalty if constraint is None else constraint
    for pair, order in _EXACT.items():
        if isinstance(constraint, pair[0]) and isinstance(penalty, pair[1]):
            return order(constraint, penalty)
    raise ValueError(
        f"constraint={constraint!r} and penalty={penalty!r}: their proximal step is not known. "
        "Together go 'nonnegative' with L1 and GroupL1, a box with L1, and a ball with both; "
        "leave one of the two out otherwise."
    )


def parts_of(penalty: Penalty) -> list[Penalty] | None:
    """Return the set and the term that :func:`penalty_of` made one of; None of a single one."""
    return [penalty.constraint, penalty.term] if isinstance(penalty, _Together) else None


def rows_of_options(penalty: Penalty) -> int:
    """Return for how many samples a penalty has numbers; 1 where they are the same for all."""
    if not type(penalty).__module__.startswith(__package__ or "."):
        return 1  # what an own one's tensors mean is not known
    counts = [1]
    for value in vars(penalty).values():
        tensor = value.tensor if type(value) is Numbers else value
        if isinstance(value, Penalty):
            counts.append(rows_of_options(value))
        elif isinstance(tensor, Tensor) and tensor.ndim > 1:
            counts.append(tensor.shape[-2])
    return max(counts)


def _set_of(constraint: Any) -> Penalty | None:
    if constraint is None:
        return None
    if isinstance(constraint, str):
        if constraint not in _BY_NAME:
            close = difflib.get_close_matches(constraint, _BY_NAME, n=1, cutoff=0.5)
            hint = f" Did you mean {close[0]!r}?" if close else ""
            raise ValueError(f"{constraint=} is not one of {list(_BY_NAME)}.{hint}")
        return _BY_NAME[constraint]()
    if isinstance(constraint, Penalty):
        if not constraint.is_set:
            raise ValueError(f"{constraint=} is no set. Hand it over as penalty={constraint!r}.")
        return constraint
    if (
        isinstance(constraint, tuple | list)
        and len(constraint) == 2
        and all(isinstance(bound, Real) and not isinstance(bound, bool) for bound in constraint)
    ):
        try:
            return Box(*constraint)
        except ValueError as error:
            raise ValueError(f"{constraint=}: {error}") from None
    raise TypeError(
        f"{constraint=} must be None, one of {list(_BY_NAME)}, a pair of numbers (low, high), or a "
        "Penalty that is a set; for bounds of each output use Box(low, high)."
    )


class _Together(Penalty):
    """A term on a set. It is no set, and :meth:`project` leads into the set all the same."""

    def __init__(self, constraint: Penalty, term: Penalty) -> None:
        self.constraint, self.term = constraint, term

    def value(self, y: Tensor) -> Tensor:
        return self.constraint.value(y) + self.term.value(y)

    def in_units(self, unit: float) -> Penalty:
        return type(self)(self.constraint.in_units(unit), self.term.in_units(unit))

    def project(self, y: Tensor) -> Tensor:
        return self.constraint.project(y)

    def largest_norm(self, d: int) -> float:
        return self.constraint.largest_norm(d)


class _TermFirst(_Together):
    """Where all goes output by output; and for balls, around whose middle terms are even."""

    def prox(self, v: Tensor, step: Tensor | float) -> Tensor:
        return self.constraint.prox(self.term.prox(v, step), step)


class _SetFirst(_Together):
    """Where negative entries are 0 whatever the term, which then shortens the others."""

    def prox(self, v: Tensor, step: Tensor | float) -> Tensor:
        return self.term.prox(self.constraint.prox(v, step), step)


_EXACT = {
    (Nonnegative, L1): _TermFirst,
    (Box, L1): _TermFirst,
    (Ball, L1 | GroupL1): _TermFirst,
    (Nonnegative, GroupL1): _SetFirst,
}
