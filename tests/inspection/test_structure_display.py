"""Arcs of a structure: one for each pair, in the colours of what is right."""

import matplotlib
import numpy as np
import pytest
from estimators.folder._small_folders import MORE, SEQUENCES, STRUCTURES, THEIRS, folder

from sklearn_reasoning import HybridReasoningRegressor
from sklearn_reasoning.inspection import StructureDisplay
from sklearn_reasoning.rna import pair_f1, parse_dot_bracket

matplotlib.use("Agg")
plt = pytest.importorskip("matplotlib.pyplot")


@pytest.fixture(autouse=True)
def _no_figure_stays_open():
    yield
    plt.close("all")


def ends(lines):
    return [[round(line.get_xdata()[0]), round(line.get_xdata()[-1])] for line in lines]


def test_an_arc_for_each_pair():
    sequence, structure, known = "GGGGAAAACCCC", "((((....))))", "(.((....)).)"
    display = StructureDisplay(sequence, structure, known=known).plot()
    assert ends(display.lines_) == parse_dot_bracket(structure).tolist()
    assert ends(display.known_lines_) == parse_dot_bracket(known).tolist()
    colors = [line.get_color() for line in display.lines_]
    assert colors[1] not in {colors[0], colors[2], colors[3]}
    assert {line.get_color() for line in display.known_lines_} == {colors[0]}
    assert [text.get_text() for text in display.ax_.texts[:12]] == list(sequence)
    assert min(line.get_ydata().min() for line in display.lines_) > 0.0
    assert max(line.get_ydata().max() for line in display.known_lines_) < 0.0


def test_from_an_estimator():
    model = folder(max_epochs=20).fit(SEQUENCES, STRUCTURES)
    _, ax = plt.subplots()
    display = StructureDisplay.from_estimator(
        model, MORE[0], known=THEIRS[0], k=5, ax=ax, line_kw={"lw": 3}
    )
    (pairs,) = model.predict_pairs(MORE[:1], 5)
    np.testing.assert_array_equal(display.pairs, pairs)
    assert display.f1 == pair_f1(parse_dot_bracket(THEIRS[0]), pairs)
    assert display.ax_ is ax
    assert all(line.get_linewidth() == 3 for line in display.known_lines_)
    with pytest.raises(TypeError, match="estimator=HybridReasoningRegressor must be"):
        StructureDisplay.from_estimator(HybridReasoningRegressor(), MORE[0])


def test_without_a_known_structure():
    display = StructureDisplay("A" * 200, [[0, 150]]).plot()
    assert (display.known_lines_, display.f1) == ([], None)
    assert not display.ax_.texts


def test_wrong_structures():
    with pytest.raises(ValueError, match=r"structures\[1\]: has 2 letters"):
        StructureDisplay("ACG", "...", known="..")
