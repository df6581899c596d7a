"""Certificates in words: each sentence, for each kind of number."""

from dataclasses import replace

import numpy as np
import pytest

from sklearn_reasoning.algorithms import PerIteration, get_algorithm
from sklearn_reasoning.penalties import Nonnegative
from sklearn_reasoning.properties import ModelCertificate
from sklearn_reasoning.properties._certificate import Certificate, StabilityCertificate
from sklearn_reasoning.properties._fitted import FittedLayer, MeasuredRows

NAG = ModelCertificate(
    layer=FittedLayer(get_algorithm("nag"), 10, 0.75, 0.1, 1.0, (0.01, 1.29)),
    stable_region=(0.01, 1.29),
    convergence=Certificate(0.125, 0.25),
    stability=StabilityCertificate(
        in_Q=Certificate(60.0, 75.5),
        in_b=Certificate(7.0, 7.5),
        in_Q_per_start=Certificate(7.0, 8.5),
        in_start=Certificate(0.125, 0.25),
    ),
    sensitivity=Certificate(1.5, 2.5),
    sensitivity_over_range=Certificate(30.0, 40.5),
    accuracy=0.01,
    steps_needed=17,
    rows=None,
)
ROWS = MeasuredRows(
    eigenvalues=np.array([[0.125, 0.5], [0.25, 0.875]]),
    distance=np.array([1.0, 3.0]),
    first_distance=np.array([20.0, 20.0]),
    gradient_norm=np.array([2.0, 1.0]),
    start_norm=np.zeros(2),
)


def layer(name="nag", k=10, phi=None, start_norm=0.0, penalty=None):
    return FittedLayer(get_algorithm(name), k, phi, 0.1, 1.0, None, start_norm, penalty)


def lines(**changes):
    """Return the sentences of a certificate that differs in these from nag's."""
    return replace(NAG, **changes).summary().splitlines()


def test_every_sentence():
    assert lines(rows=ROWS) == [
        "Layer: 10 steps of nag on spectra in [0.1, 1] (condition number 10).",
        "Step size: 0.75, inside the stable region that ends at 1.29.",
        "Convergence: after 10 steps at most 25 % of the way to the minimiser is left; 1 % takes "
        "17 steps.",
        "Stability: if Q moves by e, the output moves by at most 75.5 e |b|; if b moves by e, by "
        "at most 7.5 e.",
        "Sensitivity: if the step size moves by a small e, the output moves by at most 2.5 e |b|; "
        "anywhere in the range of step sizes, by at most 40.5 e |b|.",
        "On 2 rows: eigenvalues from 0.125 to 0.875; 10 % of the way is left on average, 15 % at "
        "most, within the bound.",
    ]
    assert str(replace(NAG, rows=ROWS)) == replace(NAG, rows=ROWS).summary()


def test_rows_beyond_the_bound():
    far = replace(ROWS, distance=np.array([5.0, 15.0]))
    assert lines(rows=far)[-1] == (
        "On 2 rows: eigenvalues from 0.125 to 0.875; 50 % of the way is left on average, 75 % at "
        "most: MORE than the bound."
    )
    assert lines(rows=replace(ROWS, distance=np.zeros(0)))[-1].startswith("Sensitivity")


def test_one_step():
    first, _, convergence, *_ = lines(layer=layer(k=1, phi=0.75), steps_needed=1)
    assert first == "Layer: 1 step of nag on spectra in [0.1, 1] (condition number 10)."
    assert convergence == (
        "Convergence: after 1 step at most 25 % of the way to the minimiser is left; 1 % takes 1 "
        "step."
    )


@pytest.mark.parametrize(
    ("left", "needed", "sentence"),
    [
        (1.0, 17, "after 10 steps at most 100 % of the way to the minimiser is left; 1 % takes 17"),
        (2.5, 17, "after 10 steps the proven bound is 2.5 times the first distance to the "
                  "minimiser; 1 % takes 17"),
        (0.25, None, "after 10 steps at most 25 % of the way to the minimiser is left; that it "
                     "ever falls to 1 % is not proven."),
        (np.inf, None, "no bound; nothing is proven for this method."),
    ],
)  # fmt: skip
def test_convergence(left, needed, sentence):
    found = lines(convergence=Certificate(0.125, left), steps_needed=needed)[2]
    assert found == f"Convergence: {sentence}{' steps.' if needed else ''}"


def test_the_exact_minimiser():
    nothing = Certificate(0.0, 0.0)
    found = lines(
        layer=layer("opt"),
        stable_region=None,
        convergence=nothing,
        sensitivity=nothing,
        sensitivity_over_range=None,
        rows=ROWS,
    )
    assert found == [
        "Layer: the exact minimiser on spectra in [0.1, 1] (condition number 10).",
        "Convergence: complete.",
        "Stability: if Q moves by e, the output moves by at most 75.5 e |b|; if b moves by e, by "
        "at most 7.5 e.",
        "On 2 rows: eigenvalues from 0.125 to 0.875.",
    ]


def test_step_sizes_of_each_iteration():
    sizes = PerIteration((0.5, 0.25, 1.25))
    assert lines(layer=layer(phi=sizes))[1] == (
        "Step sizes: 0.25 to 1.25, inside the stable region that ends at 1.29. The bounds are "
        "for these sizes in this order."
    )
    outside = PerIteration((0.5, 1.5))
    assert "0.5 to 1.5, OUTSIDE the stable" in lines(layer=layer(phi=outside))[1]
    assert lines(layer=layer(k=0, phi=PerIteration(())))[1].startswith("Convergence")


def test_weights_and_what_is_not_proven():
    unproven = Certificate(1.5, np.inf)
    found = lines(
        layer=layer("rnn", phi={"V": None}),
        stable_region=None,
        stability=StabilityCertificate(unproven, unproven, unproven, unproven),
        sensitivity=unproven,
        sensitivity_over_range=None,
    )
    assert found[1].startswith("Convergence")
    assert found[2] == (
        "Stability: if Q moves by e, no bound (found: 1.5 e |b|); if b moves by e, no bound "
        "(found: 1.5 e)."
    )
    assert found[3] == (
        "Sensitivity: if the weights move by a small e, no bound (found: 1.5 e |b|)."
    )
    # What is found, or what is proven, is worth a sentence by itself.
    assert "Sensitivity" in lines(sensitivity=Certificate(0.0, np.inf))[4]


START = (
    "Stability: if Q moves by e, the output moves by at most (75.5 |g| + 8.5 |c|) e, where g is "
    "the gradient at {}; if b moves by e, by at most 7.5 e; if c moves by e, by at most 0.25 e."
)


@pytest.mark.parametrize(
    ("norm", "where"), [(3.2, "the start c and |c| = 3.2"), (None, "each row's start c")]
)
def test_from_a_start(norm, where):
    rows = replace(ROWS, start_norm=np.array([4.0, 3.2]))
    found = lines(layer=layer(phi=0.75, start_norm=norm), rows=rows)
    assert found[3] == START.format(where)
    assert found[4].endswith("by at most 2.5 e |g|; anywhere in the range of step sizes, by at "
                             "most 40.5 e |g|.")  # fmt: skip
    # 75.5 * 2 + 8.5 * 4, of the first row
    assert found[5].endswith("within the bound. If Q moves by e, their outputs move by at most "
                             "185 e.")  # fmt: skip
    unmeasured = replace(rows, gradient_norm=None)
    found = lines(layer=layer(phi=0.75, start_norm=norm), rows=unmeasured)
    assert found[5].endswith("within the bound.")


def test_the_exact_minimiser_knows_no_start():
    at_zero, elsewhere = (lines(layer=layer("opt", start_norm=c)) for c in (0.0, 3.2))
    assert at_zero == elsewhere


def test_no_bound_from_a_start_or_with_a_penalty():
    unproven = Certificate(1.5, np.inf)
    elsewhere = lines(convergence=unproven, layer=layer(start_norm=1.0), rows=ROWS)
    assert elsewhere[1] == (
        "Convergence: no bound; nothing is proven for this method from this start."
    )
    assert elsewhere[-1].partition(" If ")[0].endswith("15 % at most; no bound.")
    penalised = lines(convergence=unproven, layer=layer(penalty=Nonnegative()))
    assert penalised[1] == (
        "Convergence: no bound; nothing is proven for this method with Nonnegative()."
    )
    unproven_in_start = replace(NAG.stability, in_Q_per_start=unproven)
    found = lines(stability=unproven_in_start, layer=layer(start_norm=2.0))[2]
    assert "if Q moves by e, no bound (found: 60 e |g|), where" in found


def test_where_nothing_is_proven_there_is_no_bound():
    unproven, unknown = Certificate(1.5, np.inf), Certificate(0.0, np.inf)
    certificate = replace(
        NAG,
        convergence=unproven,
        stability=StabilityCertificate(unknown, unknown, unknown, unknown),
        sensitivity=unproven,
        sensitivity_over_range=unproven,
        rows=ROWS,
    )
    assert certificate.holds is None
    assert repr(certificate) == (
        "ModelCertificate(algorithm='nag', k=10, convergence=no bound, stability_in_Q=no bound, "
        "stability_in_b=no bound, sensitivity=no bound)"
    )
    text = certificate.summary()
    assert "Stability: if Q moves by e, no bound; if b moves by e, no bound." in text
    assert text.count("no bound") == 6
    page = certificate._repr_html_()
    assert "<td>1.5</td><td>no bound</td>" in page
    assert "inf<" not in page


def test_the_table_for_notebooks():
    table, sentences = replace(NAG, sensitivity_over_range=None)._repr_html_().split("</table>")
    body = table.partition("<tbody>")[2]
    cells = [row.partition("</th>")[2] for row in body.split("<tr>")[1:]]
    assert [cell.removesuffix("</tr>").removesuffix("</tr></tbody>") for cell in cells] == [
        "<td>0.125</td><td>0.25</td>",
        "<td>60</td><td>75.5</td>",
        "<td>7</td><td>7.5</td>",
        "<td>1.5</td><td>2.5</td>",
    ]
    titles = [row.partition("'>")[2].partition("</th>")[0] for row in body.split("title=")[1:]]
    assert titles == ["Convergence", "Stability in Q", "Stability in b", "Sensitivity"]
    assert "title='change of the output per unit of |Q - Q&#x27;| and |b|'" in body
    assert table.startswith("<div class='sklearn-reasoning-certificate'><table><thead><tr>")
    escaped = "<br>".join(lines(sensitivity_over_range=None))
    assert sentences == f"<p>{escaped}</p></div>"
    assert "<td>30</td><td>40.5</td>" in NAG._repr_html_()
    from_start = replace(NAG, layer=layer(start_norm=2.0))._repr_html_()
    assert from_start.count("<tr>") == NAG._repr_html_().count("<tr>") + 2
    assert "and |c|'>... and</th><td>7</td><td>8.5</td>" in from_start
    assert "Stability in c</th><td>0.125</td><td>0.25</td>" in from_start


def test_the_numbers_as_plain_values():
    numbers = replace(NAG, rows=ROWS).to_dict()
    assert numbers == {
        "algorithm": "nag",
        "k": 10,
        "mu": 0.1,
        "L": 1.0,
        "condition_number": 10.0,
        "step_size": 0.75,
        "step_size_range": (0.01, 1.29),
        "stable_region": (0.01, 1.29),
        "is_stable": True,
        "start_norm": 0.0,
        "penalty": None,
        "convergence_attained": 0.125,
        "convergence_certified": 0.25,
        "stability_in_Q_attained": 60.0,
        "stability_in_Q_certified": 75.5,
        "stability_in_b_attained": 7.0,
        "stability_in_b_certified": 7.5,
        "stability_in_Q_per_start_attained": 7.0,
        "stability_in_Q_per_start_certified": 8.5,
        "stability_in_start_attained": 0.125,
        "stability_in_start_certified": 0.25,
        "sensitivity_attained": 1.5,
        "sensitivity_certified": 2.5,
        "sensitivity_over_range_attained": 30.0,
        "sensitivity_over_range_certified": 40.5,
        "accuracy": 0.01,
        "steps_needed": 17,
        "n_rows": 2,
        "smallest_eigenvalue": 0.125,
        "largest_eigenvalue": 0.875,
        "mean_distance": 2.0,
        "mean_relative_distance": 0.1,
        "max_relative_distance": 0.15,
        "holds": True,
        "max_gradient_norm": 2.0,
        "max_start_norm": 0.0,
        "stability_in_Q_on_rows": 151.0,
    }
    elsewhere = replace(NAG, layer=layer(start_norm=None, penalty=Nonnegative())).to_dict()
    assert elsewhere["start_norm"] is None
    assert elsewhere["penalty"] == "Nonnegative()"
    assert "n_rows" not in NAG.to_dict()
    assert repr(NAG) == (
        "ModelCertificate(algorithm='nag', k=10, convergence=0.25, stability_in_Q=75.5, "
        "stability_in_b=7.5, sensitivity=2.5)"
    )


@pytest.mark.parametrize(
    ("phi", "stable"),
    [
        (1.29, True),
        (1.29 * (1 + 1e-12), True),
        (1.2901, False),
        (1e-9, True),  # below the lower end the iterates stay bounded all the same
        (PerIteration((0.5, 1.3)), False),
        ({"V": None}, None),
    ],
)
def test_whether_the_step_size_is_stable(phi, stable):
    assert replace(NAG, layer=layer(phi=phi)).is_stable is stable


@pytest.mark.parametrize(
    ("distance", "first", "start", "holds"),
    [
        (5.0, 20.0, 0.0, True),
        (5.0 + 1e-12, 20.0, 0.0, True),  # rounding, of the lengths that it has come from
        (5.0 + 1e-10, 20.0, 0.0, False),
        (5.0001, 20.0, 0.0, False),
        (0.0, 0.0, 0.0, True),
        (1e-300, 0.0, 0.0, False),
        # A start that happens to be the minimiser: the rounding of both, whatever the ratio.
        (1e-10, 0.0, 1e3, True),
        (1e-10, 1e-12, 1e3, True),
        (1e-6, 0.0, 1e3, False),
    ],
)
def test_whether_the_bound_holds(distance, first, start, holds):
    eigenvalues = np.ones((2, 2))
    rows = MeasuredRows.of(eigenvalues, np.array([0.0, distance]), np.array([1.0, first]), None,
                           start)  # fmt: skip
    assert replace(NAG, rows=rows).holds is holds
    assert replace(NAG, rows=rows, convergence=Certificate(0.0, np.inf)).holds is None


def test_whether_the_bound_holds_on_no_rows():
    none = MeasuredRows.of(np.zeros((0, 2)), np.zeros(0), np.zeros(0))
    assert replace(NAG, rows=none).holds is True
    assert NAG.holds is None


def test_relative_distances():
    distance, first = np.array([1.0, 0.0, 3.0, 1.0]), np.array([2.0, 0.0, 4.0, 0.0])
    rows = MeasuredRows.of(np.ones((4, 1)), distance, first)
    np.testing.assert_array_equal(rows.relative_distance, [0.5, 0.0, 0.75, np.inf])
    np.testing.assert_array_equal(rows.distance, distance)
    np.testing.assert_array_equal(rows.start_norm, np.zeros(4))
    assert rows.gradient_norm is None
    each = MeasuredRows.of(np.ones((4, 1)), distance, first, 2.0 * first, first)
    np.testing.assert_array_equal(each.start_norm, first)
    np.testing.assert_array_equal(each.gradient_norm, 2.0 * first)
