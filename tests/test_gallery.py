"""Every example of the gallery runs, draws and says something; warnings are errors here too.

`make docs` runs them as well, and so all but a quick one are hard.
"""

import runpy
from importlib.util import find_spec
from pathlib import Path

import matplotlib
import pytest
from matplotlib import pyplot as plt

EXAMPLES = sorted(Path(__file__).parents[1].joinpath("examples").glob("plot_*.py"))


QUICK = "plot_polynomials"
# Packages that ship an example's data.
NEEDS = {"plot_long_only": "skfolio"}


@pytest.mark.parametrize(
    "path",
    [
        pytest.param(path, id=path.stem, marks=() if path.stem == QUICK else pytest.mark.hard)
        for path in EXAMPLES
    ],
)
def test_an_example_runs(path, capsys):
    needed = NEEDS.get(path.stem)
    if needed and find_spec(needed) is None:
        pytest.skip(f"pip install --no-deps {needed}")
    matplotlib.use("Agg")
    try:
        runpy.run_path(str(path))
        figures = [plt.figure(number) for number in plt.get_fignums()]
        assert figures
        assert all(figure.axes for figure in figures)
    finally:
        plt.close("all")
    assert capsys.readouterr().out
