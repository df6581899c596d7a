"""No room of the package imports what is private to another."""

import runpy
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent


@pytest.fixture(scope="module")
def private_imports():
    return runpy.run_path(ROOT / "tools" / "private_imports.py")["private_imports"]


def test_our_own_rooms(private_imports):
    assert list(private_imports(ROOT)) == []


@pytest.mark.parametrize(
    ("line", "is_refused"),
    [
        ("from sklearn_reasoning.there._inside import thing", True),
        ("from sklearn_reasoning.there.deep._inside import thing", True),
        ("from sklearn_reasoning.there import _inside", True),
        ("from sklearn_reasoning.there import _thing", True),
        ("from ..there._inside import thing", True),
        ("from .deeper._inside import thing", True),
        ("import sklearn_reasoning.there._inside", True),
        ("def f():\n    from sklearn_reasoning.there._inside import thing", True),
        ("from sklearn_reasoning.there import thing", False),
        ("from ._inside import thing", False),
        ("from sklearn_reasoning.here._inside import thing", False),
        ("from sklearn_reasoning._support.values import thing", False),
        ("from sklearn_reasoning import __version__", False),
        ("from torch._dynamo import thing", False),
    ],
)
def test_a_line(private_imports, tmp_path, line, is_refused):
    folder = tmp_path / "sklearn_reasoning" / "here"
    folder.mkdir(parents=True)
    (folder / "module.py").write_text(line + "\n")
    assert bool(list(private_imports(tmp_path))) is is_refused


def test_a_folder_below_may_use_what_is_private_above(private_imports, tmp_path):
    folder = tmp_path / "sklearn_reasoning" / "here" / "deep"
    folder.mkdir(parents=True)
    (folder / "module.py").write_text("from sklearn_reasoning.here._inside import thing\n")
    assert list(private_imports(tmp_path)) == []
