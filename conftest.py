"""Examples in docstrings draw without a screen, and leave no figure open."""

import gc
import sys

import pytest


def pytest_collection():
    """Search for no garbage while everything is imported: there is next to none."""
    gc.disable()


def pytest_collection_finish():
    """Leave what was imported out of every later search for garbage: there is a lot of it."""
    gc.collect()
    gc.freeze()
    gc.enable()


@pytest.fixture(autouse=True)
def no_windows(request, monkeypatch):
    if not isinstance(request.node, pytest.DoctestItem):
        yield
        return
    monkeypatch.setenv("MPLBACKEND", "Agg")
    yield
    if "matplotlib.pyplot" in sys.modules:
        sys.modules["matplotlib.pyplot"].close("all")
