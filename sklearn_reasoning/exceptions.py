"""Errors and warnings of the package."""


class DivergenceError(FloatingPointError):
    """Training left the finite numbers.

    Examples
    --------
    >>> issubclass(DivergenceError, ArithmeticError)
    True
    """
