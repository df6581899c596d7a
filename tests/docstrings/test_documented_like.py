"""Docstrings that take what they do not say themselves from others."""

import inspect

import pytest

from sklearn_reasoning._support.documentation import documented_like


def source():
    """Do something.

    Parameters
    ----------
    mu, L : float, default=0.1 and 1.0
        Bounds.

        Of a spectrum.
    k : int
        Steps.

    Raises
    ------
    ValueError
        If one is not.

    Notes
    -----
    k
    """


def test_entries_without_a_description_take_that_of_the_source():
    @documented_like(source)
    def target():
        """Do something else.

        Parameters
        ----------
        k
        x : float
            Its own.
        mu, L : float

        Raises
        ------
        ValueError

        Notes
        -----
        k
        """

    expected = """Do something else.

Parameters
----------
k : int
    Steps.
x : float
    Its own.
mu, L : float
    Bounds.

    Of a spectrum.

Raises
------
ValueError
    If one is not.

Notes
-----
k"""
    assert target.__doc__ == expected == inspect.getdoc(target)


def test_the_first_source_comes_first_and_names_are_looked_up_one_by_one():
    def first():
        """Do.

        Parameters
        ----------
        k : float
            Of the first.
        j : int
            Of the first, too.
        """

    @documented_like(first, source)
    def target():
        """Do.

        Parameters
        ----------
        j, k
        """

    assert target.__doc__.endswith("j : int\n    Of the first, too.\nk : float\n    Of the first.")


@pytest.mark.parametrize("names", ["other", "mu", "ValueError"])
def test_what_no_source_describes_is_refused(names):
    def target():
        pass

    target.__doc__ = f"Do.\n\nParameters\n----------\n{names}\n"
    with pytest.raises(LookupError, match=f"'{names}' of .*target"):
        documented_like(source)(target)


def test_without_docstrings_nothing_happens():
    def silent():
        pass

    assert documented_like(silent)(silent).__doc__ is None
