"""Measured against certified: the measurements against plain loops on the predicted energies."""

import matplotlib
import numpy as np
import pytest
from sklearn.datasets import load_linnerud
from sklearn.exceptions import NotFittedError
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklearn_reasoning import HybridReasoningRegressor
from sklearn_reasoning.algorithms import RecurrentCell
from sklearn_reasoning.inspection import CertificateDisplay
from sklearn_reasoning.properties import Certificate, FittedLayer, MeasuredRows

matplotlib.use("Agg")
plt = pytest.importorskip("matplotlib.pyplot")

X, Y = load_linnerud(return_X_y=True)


@pytest.fixture(autouse=True)
def _no_figure_stays_open():
    yield
    plt.close("all")


def fitted(algo, **options):
    settings = {"k": 4, "max_epochs": 5, "random_state": 0, **options}
    return HybridReasoningRegressor(algo, **settings).fit(X, Y)


@pytest.fixture(scope="module")
def gd():
    return fitted("gd")


def left_by_steps(model, rows, k):
    """Run k steps of gradient descent on each row, and return the share of the distance left."""
    left, (Qs, bs) = [], model.predict_energy(rows)
    for Q, b, start in zip(Qs, bs, model.predict_start(rows), strict=True):
        minimiser, y = -np.linalg.solve(Q, b), start
        for _ in range(k):
            y = y - model.step_size_ * (Q @ y + b)
        first, size = np.linalg.norm(start - minimiser), np.linalg.norm(start)
        # Units that are all off leave b at 0 and the row at its start.
        left.append(np.linalg.norm(y - minimiser) / first if first > 1e-12 * size else 0.0)
    return np.array(left)


def test_the_share_of_rows_at_the_models_own_k(gd):
    display = CertificateDisplay.from_estimator(gd, X)

    expected = np.sort(left_by_steps(gd, X, 4))
    measured, certified = display.lines_
    np.testing.assert_allclose(measured.get_xdata()[1:], expected, atol=1e-12)
    np.testing.assert_allclose(measured.get_ydata(), np.arange(len(X) + 1) / len(X))
    np.testing.assert_allclose(certified.get_xdata(), (1 - 0.1 * gd.step_size_) ** 4, rtol=1e-6)
    assert measured.get_drawstyle() == "steps-post"
    assert display.ax_.get_title() == "4 steps of gd on 20 rows"
    assert display.k.tolist() == [4]


def test_other_k_for_the_same_energies(gd):
    steps = [0, 1, 2, 9, 60]

    display = CertificateDisplay.from_estimator(gd, X, k=steps)

    expected = np.stack([left_by_steps(gd, X, k) for k in steps])
    np.testing.assert_allclose(display.relative_distance, expected, atol=1e-12)
    median, worst, certified = display.lines_
    np.testing.assert_array_equal(worst.get_xdata(), steps)
    np.testing.assert_allclose(
        median.get_ydata(), np.median(expected, axis=1), rtol=1e-8, atol=1e-12
    )
    np.testing.assert_allclose(worst.get_ydata(), expected.max(axis=1), rtol=1e-8, atol=1e-12)
    np.testing.assert_allclose(
        certified.get_ydata(), (1 - 0.1 * gd.step_size_) ** np.array(steps), rtol=1e-6
    )
    assert (worst.get_ydata() <= certified.get_ydata() * (1 + 1e-9)).all()
    assert display.ax_.get_yscale() == "log"
    assert display.ax_.get_title() == "gd on 20 rows, trained with k = 4"


@pytest.mark.parametrize("algo", ["cg", "rnn", "opt", "chebyshev"])
def test_other_algorithms_at_their_own_k_agree_with_their_certificate(algo):
    model = fitted(algo, k=2)

    display = CertificateDisplay.from_estimator(model, X, k=[2, 5])
    display.figure_.canvas.draw()

    certificate = model.certify(X)
    rows = certificate.rows
    np.testing.assert_allclose(display.relative_distance[0], rows.relative_distance, atol=1e-10)
    expected = certificate.convergence.certified
    np.testing.assert_allclose(display.convergence.certified[0], expected, rtol=1e-9)
    assert (display.relative_distance[0] <= display.convergence.certified[0] + 1e-9).all()


def test_the_spectrum_lies_between_mu_and_L(gd):
    display = CertificateDisplay.from_estimator(gd, X)

    eigenvalues = np.linalg.eigvalsh(gd.predict_energy(X)[0])
    median, mu, L = display.eigenvalue_lines_
    np.testing.assert_allclose(median.get_ydata(), np.median(eigenvalues, axis=0), rtol=1e-8)
    assert (mu.get_ydata()[0], L.get_ydata()[0]) == (0.1, 1.0)
    (bars,) = display.axes_[1].collections
    ends = np.array([segment[:, 1] for segment in bars.get_segments()])
    np.testing.assert_allclose(ends[:, 0], eigenvalues.min(axis=0), rtol=1e-8)
    np.testing.assert_allclose(ends[:, 1], eigenvalues.max(axis=0), rtol=1e-8)
    assert display.axes_[1].get_title() == "Eigenvalues of Q"


def test_a_pipeline_is_measured_behind_its_scaler(gd):
    scaler = StandardScaler().fit(X)
    inner = HybridReasoningRegressor("gd", k=4, max_epochs=5, random_state=0)
    pipeline = make_pipeline(StandardScaler(), inner).fit(X, Y)

    display = CertificateDisplay.from_estimator(pipeline, X, k=[1, 4])

    model = pipeline[-1]
    expected = left_by_steps(model, scaler.transform(X), 4)
    np.testing.assert_allclose(display.relative_distance[1], expected, rtol=1e-8)


def test_a_bound_that_is_not_proven_is_not_drawn(gd):
    certificate = gd.certify(X)
    nothing = Certificate(np.array([0.5, 0.5]), np.array([np.inf, np.inf]))
    one = Certificate(np.array([0.5]), np.array([np.inf]))

    over_k = CertificateDisplay(
        certificate=certificate, k=[1, 2], relative_distance=np.full((2, 3), 0.5),
        convergence=nothing,
    ).plot()  # fmt: skip
    at_one_k = CertificateDisplay(certificate=certificate, convergence=one).plot()

    assert (len(over_k.lines_), len(at_one_k.lines_)) == (2, 1)
    for display in (over_k, at_one_k):
        texts = [text.get_text() for text in display.ax_.get_legend().get_texts()]
        assert texts[-1] == "certified: nothing proven"


class Rnn:
    """A model of two rows, of which one begins at its minimiser and leaves it."""

    def _fitted_layer(self):
        weights = RecurrentCell().initial_weights(2, 0.1, 1.0)
        weights["V"] = 0.9 * weights["V"]
        return FittedLayer(RecurrentCell(), 2, weights, 0.1, 1.0, None, start_norm=3.0)

    def _measure_rows(self, X, k=None):
        return MeasuredRows.of(
            np.array([[0.1, 1.0], [0.2, 0.5]]), np.array([0.5, 0.25]), np.array([0.0, 0.5]), None,
            3.0,
        )  # fmt: skip


def test_a_row_that_begins_at_its_minimiser_and_leaves_it():
    at_one_k = CertificateDisplay.from_estimator(Rnn(), X)
    over_k = CertificateDisplay.from_estimator(Rnn(), X, k=[1, 2])
    for display in (at_one_k, over_k):
        display.figure_.canvas.draw()
        assert np.isinf(display.convergence.certified).all()
        assert np.isinf(display.relative_distance[:, 0]).all()
        texts = [text.get_text() for text in display.ax_.get_legend().get_texts()]
        assert texts[-1] == "certified: nothing proven"
    assert at_one_k.ax_.get_xlim()[1] == pytest.approx(1.08 * 0.5)


def test_own_axes_and_styles(gd):
    figure, axes = plt.subplots(1, 2)
    display = CertificateDisplay.from_estimator(gd, X, k=[1, 2], ax=axes, yscale="linear")
    assert display.figure_ is figure
    assert display.axes_.tolist() == axes.tolist()
    assert axes[0].get_yscale() == "linear"
    with pytest.raises(ValueError, match="ax must hold 2 Axes"):
        display.plot(axes[0])


def test_one_output():
    model = HybridReasoningRegressor("gd", k=3, max_epochs=3, random_state=0).fit(X, Y[:, 0])
    display = CertificateDisplay.from_estimator(model, X, k=[1, 3])
    display.figure_.canvas.draw()
    assert len(display.eigenvalue_lines_[0].get_ydata()) == 1


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"X": None}, ValueError, "X=None"),
        ({"k": -1}, ValueError, "-1"),
        ({"k": [1.5]}, TypeError, "k="),
        ({"yscale": "up"}, ValueError, "yscale='up'"),
        ({"X": X[:, :2]}, ValueError, "2 features"),
        ({"estimator": StandardScaler()}, TypeError, "StandardScaler"),
        ({"estimator": HybridReasoningRegressor()}, NotFittedError, "not fitted"),
    ],
)
def test_bad_input_is_named_before_anything_is_drawn(gd, arguments, error, message):
    with pytest.raises(error, match=message):
        CertificateDisplay.from_estimator(**{"estimator": gd, "X": X, **arguments})
    assert plt.get_fignums() == []


def test_more_steps_than_step_sizes():
    model = fitted("gd", k=3, step_size_per_iteration=True)
    assert CertificateDisplay.from_estimator(model, X, k=[1, 3]).k.tolist() == [1, 3]
    plt.close("all")
    with pytest.raises(ValueError, match="k=4 steps"):
        CertificateDisplay.from_estimator(model, X, k=[2, 4])


def test_a_certificate_without_rows_or_of_other_shapes(gd):
    with pytest.raises(ValueError, match="pass X to certify"):
        CertificateDisplay(certificate=gd.certify())
    with pytest.raises(ValueError, match="got 2, 1 and 1"):
        CertificateDisplay(certificate=gd.certify(X), k=[1, 2])
