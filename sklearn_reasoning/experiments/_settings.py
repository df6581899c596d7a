"""What the settings of all studies have in common: domains, changes, and how they are written."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, replace
from typing import Any, ClassVar, Self

from sklearn.utils._param_validation import validate_parameter_constraints

from sklearn_reasoning.algorithms import get_algorithm


class StudySettings:
    """Base of a frozen dataclass of settings, among them ``algos``.

    ``_constraints`` are scikit-learn's, by name. What tuples may hold differs from study to study
    and is checked there.
    """

    _constraints: ClassVar[Mapping[str, list[Any]]]

    def __post_init__(self) -> None:
        values = self._values()
        validate_parameter_constraints(
            self._constraints,
            {name: values[name] for name in self._constraints},
            caller_name=type(self).__name__,
        )

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
        settings = self._values()
        settings["algos"] = [get_algorithm(algo).name for algo in settings["algos"]]
        return {
            name: list(value) if isinstance(value, tuple) else value
            for name, value in settings.items()
        }

    def _values(self) -> dict[str, Any]:
        return {field.name: getattr(self, field.name) for field in fields(self)}  # type: ignore[arg-type]
