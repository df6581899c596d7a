"""One name for a parameter of the constructor and for a method.

``estimator.adapt`` is called, ``estimator.adapt(X, y, groups)``; the parameter of the same name
is what the estimator was made with. A descriptor keeps the latter in the instance's dict, where
pickles and copies find it, and hands out something to call that equals it. ``get_params`` returns
the parameter as it was given.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import update_wrapper
from inspect import signature
from typing import Any, overload


class BoundMethod:
    """A method of an instance, which is equal to, and prints as, the parameter of its name."""

    def __init__(self, function: Callable[..., Any], owner: Any, value: Any) -> None:
        self.__self__, self.__func__, self.value = owner, function, value
        update_wrapper(self, function)
        vars(self).pop("__wrapped__")  # of which the signature would be told
        own = signature(function)
        self.__signature__ = own.replace(parameters=[*own.parameters.values()][1:])

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Call the method."""
        return self.__func__(self.__self__, *args, **kwargs)

    def __eq__(self, other: object) -> bool:
        if isinstance(other, BoundMethod):
            return self.__self__ is other.__self__ and bool(self.value == other.value)
        return bool(self.value == other)

    def __hash__(self) -> int:
        return hash(self.value)

    def __str__(self) -> str:
        return str(self.value)

    def __repr__(self) -> str:
        return f"<method {self.__name__} of {type(self.__self__).__name__}, {self.value!r}>"  # type: ignore[attr-defined]


class ParameterAndMethod:
    """Descriptor of a method whose name is that of a parameter, too.

    Parameters
    ----------
    function : callable
        The method.
    """

    def __init__(self, function: Callable[..., Any]) -> None:
        self.function, self.name = function, function.__name__
        self.__doc__ = function.__doc__

    @overload
    def __get__(self, instance: None, owner: Any) -> Callable[..., Any]: ...
    @overload
    def __get__(self, instance: object, owner: Any) -> BoundMethod: ...
    def __get__(self, instance: Any, owner: Any) -> Callable[..., Any]:
        """Return the function itself of a class, and something to call of an instance."""
        if instance is None:
            return self.function
        if self.name not in vars(instance):
            raise AttributeError(f"{type(instance).__name__} has no {self.name!r} yet.")
        return BoundMethod(self.function, instance, vars(instance)[self.name])

    def __set__(self, instance: Any, value: Any) -> None:
        """Set the parameter."""
        vars(instance)[self.name] = value.value if isinstance(value, BoundMethod) else value
