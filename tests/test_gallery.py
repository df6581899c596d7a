"""Every example of the gallery runs, draws and says something; warnings are errors here too."""

import runpy
from pathlib import Path

import matplotlib
import pytest
from matplotlib import pyplot as plt

EXAMPLES = sorted(Path(__file__).parents[1].joinpath("examples").glob("plot_*.py"))


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_an_example_runs(path, capsys):
    matplotlib.use("Agg")
    try:
        runpy.run_path(str(path))
        figures = [plt.figure(number) for number in plt.get_fignums()]
        assert figures
        assert all(figure.axes for figure in figures)
    finally:
        plt.close("all")
    assert capsys.readouterr().out
