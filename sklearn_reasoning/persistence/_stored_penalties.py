"""How sets and terms are stored: by the name of their class, with their options as numbers."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from sklearn_reasoning import penalties
from sklearn_reasoning.penalties import Columns, Penalty, penalty_of

# Ragged groups make an index of their number times the longest: more is not made of a few bytes.
_LARGEST_GROUPS = 1_000_000

_KNOWN = {
    name: kind
    for name in penalties.__all__
    if issubclass(kind := getattr(penalties, name), Penalty) and kind is not Penalty
}


def name_and_options(penalty: Penalty) -> tuple[str, dict[str, Any]]:
    """Return the class of a penalty by name, and its options; a TypeError if it is an own one."""
    name = type(penalty).__name__
    if _KNOWN.get(name) is not type(penalty):
        raise TypeError(
            f"{penalty!r} cannot be written to a model file, which knows {sorted(_KNOWN)} and "
            "holds no code. joblib.dump takes it, in a file that runs code when it is loaded."
        )
    return name, dict(vars(penalty))


def restored_penalty(name: Any, options: Mapping[str, Any]) -> Penalty:
    """Return the penalty of a name and options; KeyError, TypeError or ValueError if it is none."""
    groups: Any = options.get("groups")
    is_listed = isinstance(groups, list | tuple) and all(type(size) is int for size in groups)
    if is_listed and len(groups) * max(groups, default=0) > _LARGEST_GROUPS:
        raise ValueError("the groups are too large for a model file")
    try:
        penalty: Penalty = _KNOWN[name](**options)
    except OverflowError as error:
        raise ValueError(f"{name}: {error}") from error
    return penalty


def restored_together(parts: Any) -> Penalty:
    """Return a set and a term as one penalty."""
    constraint, term = parts
    if not (isinstance(constraint, Penalty) and isinstance(term, Penalty)):
        raise ValueError("a set and a term are penalties")
    found = penalty_of(constraint, term)
    assert found is not None
    return found


def infinity(sign: Any) -> float:
    """Return the infinity of a sign, "+" or "-"."""
    return {"+": math.inf, "-": -math.inf}[sign]


def restored_columns(names: Any) -> Columns:
    """Return the columns of names or indices."""
    if not isinstance(names, list):
        raise ValueError("columns are listed")
    return Columns(names)
