"""Products of parameters, of which the ordinary suite runs each value and `make test-hard` all."""

import itertools

import pytest


def covering(names, *values):
    """Parametrize a test by the product of ``values``; only a diagonal is not hard.

    The diagonal has as many cases as the longest of the values, and each value at least once.
    It is shifted each time that one of the values is through, to meet other pairs.
    """
    values = [list(options) for options in values]
    diagonal = {
        tuple((i + i // len(options)) % len(options) for options in values)
        for i in range(max(map(len, values)))
    }
    cases = []
    for places in itertools.product(*(range(len(options)) for options in values)):
        case = [options[place] for options, place in zip(values, places, strict=True)]
        marks = () if places in diagonal else pytest.mark.hard
        cases.append(pytest.param(*case, marks=marks, id="-".join(map(_label, case))))
    return pytest.mark.parametrize(names, cases)


def _label(value):
    return getattr(value, "__name__", str(value)).removeprefix("torch.")
