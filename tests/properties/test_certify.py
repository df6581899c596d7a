"""The certificate of a fitted model: what it measures, what it says, where models hide."""

import json
import re

import joblib
import numpy as np
import pandas as pd
import pytest
import torch
from _covering import covering
from sklearn.compose import TransformedTargetRegressor
from sklearn.ensemble import BaggingRegressor
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import Ridge
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklearn_reasoning import HybridReasoningRegressor, load_model, save_model
from sklearn_reasoning.algorithms import Algorithm, list_algorithms
from sklearn_reasoning.model_selection import BatchedGridSearchCV
from sklearn_reasoning.properties import (
    Certificate,
    ModelCertificate,
    certify,
    convergence,
    sensitivity,
    stability,
    stable_region,
    steps_needed,
)

NUMBERS = ("convergence", "stability_in_Q", "stability_in_b", "sensitivity")


def regressor(algo="nag", **parameters):
    defaults = {"k": 4, "max_epochs": 3, "q_hidden": (4,), "b_hidden": (4,), "random_state": 0}
    return HybridReasoningRegressor(algo, **(defaults | parameters))


@pytest.fixture(scope="module")
def data():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(30, 3))
    return X, 5.0 * np.tanh(X @ rng.normal(size=(3, 2))) + 0.1 * rng.normal(size=(30, 2))


@pytest.fixture(scope="module")
def fitted(data):
    return {algo: regressor(algo).fit(*data) for algo in list_algorithms()}


def lengths(model, X):
    """Return what is measured from the public predictions alone.

    That is |prediction - minimiser|, |start - minimiser|, |Q start + b| and |start|.
    """
    Q, b = model.predict_energy(X)
    minimiser = -np.linalg.solve(Q, b[..., None])[..., 0]
    y, start = model.predict(X), model.predict_start(X)
    left, first = (each.reshape(len(X), -1) - minimiser for each in (y, start))
    start = start.reshape(len(X), -1)
    gradient = (Q @ start[..., None])[..., 0] + b
    return [np.linalg.norm(each, axis=1) for each in (left, first, gradient, start)]


def holds(algo, start="mean"):
    """Return what ``holds`` says of a model whose bound is right.

    The cell has one where it starts, which is from where its steps count y, the mean.
    """
    return None if algo == "rnn" and start != "mean" else True


# ---------------------------------------------------------------------- numbers


@pytest.mark.parametrize("algo", list_algorithms())
def test_bounds_are_those_of_its_layer(fitted, algo):
    model = fitted[algo]
    certificate = model.certify()
    phi = model.step_size_
    if algo == "rnn":
        phi = certificate.layer.phi
        assert {name: tuple(value.shape) for name, value in phi.items()} == {
            "W1_state": (4, 2),
            "W1_gradient": (4, 2),
            "V": (2, 4),
        }
    arguments = (model.algorithm_, 4, phi, 0.1, 1.0)
    # The steps run from 0, counted from the start: a change of Q moves b' = Qc + b too.
    stab, own = stability(*arguments), certificate.stability
    expected = [convergence(*arguments), stab.in_Q, stab.in_b]
    in_start = stab.in_start if algo != "rnn" else Certificate(0.0, 1.0 + stab.in_b.certified)
    expected += [stab.in_b, in_start, sensitivity(*arguments)]
    found = [certificate.convergence, own.in_Q, own.in_b, own.in_Q_per_start, own.in_start]
    for one, other in zip([*found, certificate.sensitivity], expected, strict=True):
        assert one.certified == other.certified
        assert one.attained == other.attained
    assert (certificate.k, certificate.mu, certificate.L) == (4, 0.1, 1.0)
    assert certificate.step_size == model.step_size_
    needed = steps_needed(model.algorithm_, 0.01, phi, 0.1, 1.0)
    assert certificate.steps_needed == needed
    assert certificate.layer.start_norm == pytest.approx(np.linalg.norm(model.start_))
    assert certificate.rows is None
    assert certificate.holds is None
    if algo in ("gd", "nag", "heavy_ball", "fista", "admm"):
        region = stable_region(algo, 0.1, 1.0)
        assert certificate.stable_region == region
        assert certificate.is_stable
        over_range = sensitivity(algo, 4, region, 0.1, 1.0)
        assert certificate.sensitivity_over_range.certified == over_range.certified
        assert over_range.certified >= certificate.sensitivity.attained
    else:
        assert certificate.stable_region is None
        assert certificate.sensitivity_over_range is None
        assert certificate.is_stable is None


@covering("algo, start", list_algorithms(), ["zero", "mean", "learned", "predicted"])
def test_rows_are_measured(fitted, data, algo, start):
    X, _ = data
    model = fitted[algo] if start == "mean" else regressor(algo, start=start).fit(*data)
    certificate = model.certify(X)
    rows, (distance, first, gradient, length) = certificate.rows, lengths(model, X)
    options = {"rtol": 1e-9, "atol": 1e-12}
    np.testing.assert_allclose(rows.distance, distance, **options)
    np.testing.assert_allclose(rows.first_distance, first, **options)
    np.testing.assert_allclose(rows.gradient_norm, gradient, rtol=1e-9, atol=1e-10)
    np.testing.assert_allclose(rows.start_norm, length, **options)
    np.testing.assert_allclose(rows.relative_distance, distance / first, atol=1e-10)
    norm = certificate.layer.start_norm
    assert norm is None if start == "predicted" else norm == pytest.approx(length[0])
    spectrum = np.linalg.eigvalsh(model.predict_energy(X)[0])
    np.testing.assert_allclose(np.sort(rows.eigenvalues, axis=1), spectrum, rtol=1e-9)
    assert certificate.holds is holds(algo, start)
    assert (rows.relative_distance <= certificate.convergence.certified + 1e-12).all()


def test_a_distance_beyond_the_bound_is_told(fitted, data):
    certificate = fitted["nag"].certify(data[0])
    rows = _replace(certificate.rows, distance=1.0 + certificate.rows.first_distance)
    broken = _replace(certificate, rows=rows)
    assert broken.holds is False
    assert "MORE than the bound" in broken.summary()
    assert not broken.to_dict()["holds"]


def _replace(value, **changes):
    return type(value)(**(vars(value) | changes))


def test_step_size_per_iteration(data):
    for algo in ("gd", "nag"):
        model = regressor(algo, step_size_per_iteration=True, k=3).fit(*data)
        certificate = model.certify(data[0])
        assert certificate.step_size == pytest.approx(model.step_size_.tolist(), rel=1e-15)
        assert certificate.holds
        assert certificate.sensitivity_over_range is None
        assert certificate.is_stable
        if algo == "gd":
            left = np.prod([1 - size * 0.1 for size in model.step_size_])
            assert certificate.convergence.certified == pytest.approx(left, rel=1e-9)
        assert "Step sizes:" in certificate.summary()
        json.dumps(certificate.to_dict())


def test_float32_and_one_output(data):
    X, y = data
    model = regressor("gd", k=6).fit(X.astype(np.float32), y[:, 0].astype(np.float32))
    certificate = model.certify(X.astype(np.float32))
    distance, *_ = lengths(model, X.astype(np.float32))
    assert certificate.rows.eigenvalues.shape == (30, 1)
    np.testing.assert_allclose(certificate.rows.distance, distance, rtol=1e-4, atol=1e-6)
    assert certificate.holds
    assert isinstance(certificate.step_size, float)
    left = (1 - certificate.step_size * 0.1) ** 6
    assert certificate.convergence.certified == pytest.approx(left, rel=1e-9)


def test_a_step_size_range_beyond_the_stable_region(data):
    for algo in ("gd", "nag", "heavy_ball"):
        model = regressor(
            algo, step_size=1.9, step_size_range=(0.5, 1.95), learn_step_size=False
        ).fit(*data)
        certificate = model.certify(data[0])
        inside = stable_region(algo, 0.1, 1.0)[1] >= 1.9
        assert certificate.is_stable == inside
        assert ("OUTSIDE" not in certificate.summary()) == inside
        assert certificate.holds
        bounded = algo != "nag"  # nag's rate is proven up to the end of its region
        assert np.isfinite(certificate.sensitivity_over_range.certified) == bounded


def test_other_bounds_and_no_steps(data):
    model = regressor("nag", k=0, mu=0.01, L=4.0, linear_term="given").fit(*data)
    certificate = model.certify(data[0])
    assert certificate.convergence.attained == 1.0
    assert certificate.stability.in_b.certified == 0.0
    np.testing.assert_allclose(certificate.rows.relative_distance, 1.0, rtol=1e-12)
    assert certificate.holds
    assert certificate.to_dict()["condition_number"] == 400.0
    assert (certificate.rows.eigenvalues >= 0.01 * (1 - 1e-9)).all()
    # What is learned of b stays 0 without steps; its minimiser is the start, and nothing is left.
    learned = regressor("nag", k=0).fit(*data).certify(data[0])
    assert (learned.rows.distance <= 1e-12 * learned.rows.start_norm).all()
    assert learned.holds


def test_accuracy(fitted):
    for accuracy in (0.5, np.float64(1e-3), np.float32(0.1)):
        certificate = fitted["nag"].certify(accuracy=accuracy)
        assert certificate.accuracy == accuracy
        step_size = fitted["nag"].step_size_
        assert certificate.steps_needed == steps_needed("nag", accuracy, step_size)
        json.dumps(certificate.to_dict())
    for accuracy in (0.0, -1.0, np.nan, np.inf, "a", None):
        with pytest.raises(ValueError, match="accuracy="):
            fitted["nag"].certify(accuracy=accuracy)


# ---------------------------------------------------------------------- where models hide


def assert_same(one, other):
    assert one.to_dict() == other.to_dict()


def test_pipeline(data):
    X, y = data
    scaler = StandardScaler().fit(X)
    pipeline = make_pipeline(StandardScaler(), regressor()).fit(X, y)
    assert_same(certify(pipeline, X), pipeline[-1].certify(scaler.transform(X)))
    assert_same(certify(make_pipeline(regressor()).fit(X, y), X), regressor().fit(X, y).certify(X))
    frame = pd.DataFrame(X, columns=["a", "b", "c"])
    framed = make_pipeline(StandardScaler().set_output(transform="pandas"), regressor())
    found = certify(framed.fit(frame, y), frame)
    np.testing.assert_allclose(found.rows.distance, certify(pipeline, X).rows.distance, rtol=1e-9)


@pytest.mark.parametrize("search_class", [GridSearchCV, BatchedGridSearchCV])
def test_searches(data, search_class):
    X, y = data
    search = search_class(regressor(), {"k": [1, 5]}, cv=2).fit(X, y)
    certificate = certify(search, X)
    assert certificate.k == search.best_params_["k"]
    assert_same(certificate, search.best_estimator_.certify(X))


def test_nested(data):
    X, y = data
    inner = make_pipeline(StandardScaler(), regressor())
    search = GridSearchCV(inner, {"hybridreasoningregressor__k": [2]}, cv=2)
    outer = TransformedTargetRegressor(search, transformer=StandardScaler()).fit(X, y)
    best = outer.regressor_.best_estimator_
    scaled = best[:-1].transform(X)
    certificate = certify(outer, X)
    assert certificate.k == 2
    assert_same(certificate, best[-1].certify(scaled))
    assert certify(outer).rows is None


def test_after_saving(data, fitted, tmp_path):
    X, _ = data
    for algo, model in fitted.items():
        expected = model.certify(X)
        joblib.dump(model, tmp_path / "model.joblib")
        assert_same(joblib.load(tmp_path / "model.joblib").certify(X), expected)
        save_model(model, tmp_path / f"{algo}.safetensors")
        assert_same(load_model(tmp_path / f"{algo}.safetensors").certify(X), expected)


def test_what_is_not_fitted(data):
    for estimator in (
        regressor(),
        make_pipeline(StandardScaler(), regressor()),
        GridSearchCV(regressor(), {"k": [1]}),
        GridSearchCV(regressor(), {"k": [1]}, refit=False, cv=2).fit(*data),
        TransformedTargetRegressor(regressor()),
    ):
        with pytest.raises(NotFittedError, match="not fitted"):
            certify(estimator)
        with pytest.raises(NotFittedError, match="not fitted"):
            certify(estimator, data[0])


def test_what_is_none_of_ours(data):
    X, y = data
    with pytest.raises(TypeError, match=r"^estimator=Pipeline must .* \(found Ridge inside\)\.$"):
        certify(make_pipeline(StandardScaler(), Ridge()).fit(X, y))
    with pytest.raises(TypeError, match=r"^estimator=Ridge must .* ends with one\.$"):
        certify(Ridge().fit(X, y))
    for estimator in (
        Ridge().fit(X, y),
        make_pipeline(StandardScaler(), Ridge()).fit(X, y),
        make_pipeline(StandardScaler(), "passthrough").fit(X),
        BaggingRegressor(regressor(), n_estimators=2).fit(X, y[:, 0]),
        None,
        "nag",
        HybridReasoningRegressor,
    ):
        with pytest.raises(TypeError, match="must be a fitted HybridReasoningRegressor"):
            certify(estimator)


def test_rows_that_do_not_fit(fitted, data):
    with pytest.raises(ValueError, match="2 features"):
        fitted["nag"].certify(data[0][:, :2])
    with pytest.raises(ValueError, match="NaN"):
        fitted["nag"].certify(np.full((2, 3), np.nan))
    with pytest.raises(ValueError, match="0 sample"):
        fitted["nag"].certify(np.zeros((0, 3)))


class NormalisedDescent(Algorithm):
    """The step depends on the length of the gradient: no polynomial, and nothing is proven."""

    name, needs, is_polynomial = "normalised", frozenset({"gradient"}), False

    def step(self, state, problem, phi):
        (y,) = state
        slope = problem.gradient(y)
        return (y - phi * slope / (1.0 + slope.norm(dim=-1, keepdim=True)),)

    def stable_region(self, mu, L):
        return 0.01 / L, 1.0 / L


@pytest.mark.parametrize("start", ["zero", "learned"])
def test_of_an_own_method_that_is_no_polynomial_there_is_no_bound(data, start):
    certificate = regressor(NormalisedDescent(), start=start).fit(*data).certify(data[0])
    assert certificate.holds is None
    assert certificate.steps_needed is None
    numbers, text, page = certificate.to_dict(), str(certificate), certificate._repr_html_()
    assert all(numbers[f"{name}_certified"] == np.inf for name in NUMBERS)
    assert "Convergence: no bound; nothing is proven for this method" in text
    assert "at most; no bound." in text  # of the rows
    assert "within the bound" not in text
    assert repr(certificate).count("no bound") == len(NUMBERS)
    assert "inf" not in re.sub("info|infinity", "", text + page)


# ---------------------------------------------------------------------- how it shows


@pytest.mark.parametrize("algo", list_algorithms())
def test_to_dict(fitted, data, algo):
    for rows in (None, data[0]):
        certificate = fitted[algo].certify(rows)
        numbers = certificate.to_dict()
        back = json.loads(json.dumps(numbers))
        assert back["convergence_certified"] == float(certificate.convergence.certified)
        assert ("n_rows" in numbers) == (rows is not None)
        for name in NUMBERS:
            assert 0.0 <= numbers[f"{name}_attained"] <= numbers[f"{name}_certified"]
        assert numbers["algorithm"] == algo
        if rows is not None:
            assert numbers["max_relative_distance"] == certificate.rows.relative_distance.max()
            assert numbers["mean_distance"] == certificate.rows.distance.mean()
            assert numbers["holds"] is holds(algo)


@pytest.mark.parametrize("algo", list_algorithms())
def test_text_and_table_hold_the_numbers(fitted, data, algo):
    certificate = fitted[algo].certify(data[0])
    numbers, text = certificate.to_dict(), str(certificate)
    page, short = certificate._repr_html_(), repr(certificate)
    assert text == certificate.summary()
    for name in NUMBERS:
        shown = f"{numbers[f'{name}_certified']:.4g}".replace("inf", "no bound")
        assert f"<td>{shown}</td>" in page
        assert f"{name}={shown}" in short
        if numbers[f"{name}_certified"] < np.inf and name.startswith("stability"):
            assert shown in text
    assert algo in short
    assert f"{numbers['smallest_eigenvalue']:.4g}" in text
    assert "30 rows" in text
    assert "nan" not in (text + page + short).lower()
    assert text.count("\n") >= 3
    assert page.count("<tr>") == page.count("</tr>") >= 5
    # All that is in the text is in the table, with its special characters escaped.
    assert "|Q - Q'|" in page.replace("&#x27;", "'")
    assert re.search(r"&(?!amp;|lt;|gt;|#x27;|quot;)", page) is None


def test_names_of_algorithms_are_escaped(data):
    class Named(type(regressor().fit(*data).algorithm_)):
        name = "<b>&'"

    model = regressor(Named()).fit(*data)
    page = model.certify()._repr_html_()
    assert "<b>" not in page
    assert "&lt;b&gt;&amp;&#x27;" in page


# ---------------------------------------------------------------------- nothing is touched


@pytest.mark.parametrize("algo", list_algorithms())
def test_nothing_of_the_model_or_the_world_changes(fitted, data, algo):
    model, X = fitted[algo], data[0].copy()
    weights = {name: value.clone() for name, value in model.module_.state_dict().items()}
    attributes, parameters = set(vars(model)), model.get_params()
    np.random.seed(5)  # noqa: NPY002
    torch.manual_seed(5)
    states = np.random.get_state()[1].copy(), torch.get_rng_state()  # noqa: NPY002
    threads, predictions = torch.get_num_threads(), model.predict(X)
    first, second = model.certify(X), model.certify(X)
    assert isinstance(first, ModelCertificate)
    assert_same(first, second)
    assert model.get_params() == parameters
    assert set(vars(model)) == attributes
    for name, value in model.module_.state_dict().items():
        assert torch.equal(value, weights[name])
    assert (model.predict(X) == predictions).all()
    assert (data[0] == X).all()
    assert torch.get_num_threads() == threads
    assert (np.random.get_state()[1] == states[0]).all()  # noqa: NPY002
    assert torch.equal(torch.get_rng_state(), states[1])
