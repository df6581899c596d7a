"""What the settings of all studies have in common: domains, changes, and how they are written."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import fields, replace
from typing import Any, ClassVar, Self

from sklearn.utils._param_validation import validate_parameter_constraints

from sklearn_reasoning.algorithms import get_algorithm


class StudySettings:
    """Base of a frozen dataclass of settings, among them ``algos``.

    ``_constraints`` are scikit-learn's, by name. ``_tuples`` are the settings with several entries,
    none of them twice, and whether an entry is allowed; None where that is the default.
    """

    _constraints: ClassVar[Mapping[str, list[Any]]]
    _tuples: ClassVar[Mapping[str, Callable[[Any], bool]]]

    def __post_init__(self) -> None:
        values = self._values()
        validate_parameter_constraints(
            self._constraints,
            {name: values[name] for name in self._constraints},
            caller_name=type(self).__name__,
        )
        for name, is_allowed in self._tuples.items():
            if values[name] is not None or getattr(type(self), name) is not None:
                _check_tuple(name, values[name], is_allowed)

    def but(self, settings: Mapping[str, Any]) -> Self:
        """Return the same settings with some replaced.

        Parameters
        ----------
        settings : mapping of str to object
            Values by the names of the parameters.

        Returns
        -------
        StudySettings
            Of the same kind; this one stays as it is.

        Raises
        ------
        TypeError, ValueError
            If a setting is unknown, of the wrong kind or out of its domain.
        """
        return replace(self, **settings)  # type: ignore[type-var]

    def to_dict(self) -> dict[str, Any]:
        """Return the settings as plain values, as they are written to files.

        Returns
        -------
        dict of str to object
            Values by the names of the parameters; algorithms by their names.
        """
        settings = {**self._values(), **self._shown()}
        settings["algos"] = [get_algorithm(algo).name for algo in settings["algos"]]
        return {
            name: list(value) if isinstance(value, tuple) else value
            for name, value in settings.items()
        }

    def _shown(self) -> dict[str, Any]:
        """Return what stands in files for values that are paths."""
        return {}

    def _values(self) -> dict[str, Any]:
        return {field.name: getattr(self, field.name) for field in fields(self)}  # type: ignore[arg-type]


def is_algorithm(value: Any) -> bool:
    """Return whether a value names an algorithm or is one; a ValueError that helps, if not."""
    return bool(get_algorithm(value))


def is_count(value: Any) -> bool:
    """Return whether a value is a whole number from 0 on."""
    # To Python, True is a whole number.
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def _check_tuple(name: str, entries: Any, is_allowed: Callable[[Any], bool]) -> None:
    if not isinstance(entries, tuple):
        raise TypeError(f"{name}={entries!r} must be a tuple.")
    if not entries:
        raise ValueError(f"{name}={entries!r} must hold at least one entry.")
    wrong = [entry for entry in entries if not is_allowed(entry)]
    if wrong:
        raise ValueError(f"{name}={entries!r} holds {wrong[0]!r}, which is not allowed.")
    # In tables and figures algorithms are told apart by their names.
    keys = {get_algorithm(entry).name if name == "algos" else entry for entry in entries}
    if len(keys) < len(entries):
        raise ValueError(f"{name}={entries!r} holds an entry twice.")
