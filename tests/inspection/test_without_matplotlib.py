"""Without matplotlib the displays say how to get it; the table needs none."""

import sys

import pytest

from sklearn_reasoning.inspection import (
    AlgorithmPropertiesDisplay,
    BoundDisplay,
    CertificateDisplay,
    ResidualPolynomialDisplay,
    StepsDisplay,
    properties_table,
)

TABLE = {"k": [1], "bound": [1.0], "gap": [0.1]}


@pytest.fixture(autouse=True)
def _no_matplotlib(monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib", None)


@pytest.mark.parametrize(
    ("caller", "draw"),
    [
        (
            "AlgorithmPropertiesDisplay.from_algorithms",
            lambda: AlgorithmPropertiesDisplay.from_algorithms("gd"),
        ),
        (
            "ResidualPolynomialDisplay.from_algorithms",
            lambda: ResidualPolynomialDisplay.from_algorithms("gd", 2),
        ),
        (
            "CertificateDisplay.from_estimator",
            lambda: CertificateDisplay.from_estimator(None, [[0.0]]),
        ),
        (
            "StepsDisplay.from_estimator",
            lambda: StepsDisplay.from_estimator(None, [[0.0]], [0]),
        ),
        ("BoundDisplay.from_table", lambda: BoundDisplay.from_table(TABLE)),
    ],
)
def test_the_remedy_is_named(caller, draw):
    with pytest.raises(ImportError, match=rf"{caller} needs matplotlib.*\[plot\]"):
        draw()


def test_the_table_needs_none():
    assert properties_table("gd", 1)["k"].tolist() == [1]
