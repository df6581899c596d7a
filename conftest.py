"""Examples in docstrings draw without a screen, and leave no figure open."""

import sys

import pytest


@pytest.fixture(autouse=True)
def no_windows(request, monkeypatch):
    if not isinstance(request.node, pytest.DoctestItem):
        yield
        return
    monkeypatch.setenv("MPLBACKEND", "Agg")
    yield
    if "matplotlib.pyplot" in sys.modules:
        sys.modules["matplotlib.pyplot"].close("all")
