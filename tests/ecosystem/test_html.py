"""Diagrams of scikit-learn: parameters, fitted attributes, and links to the documentation."""

import html
import re
from importlib.metadata import version

import numpy as np
import pytest
from sklearn import __version__ as sklearn_version
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils import estimator_html_repr

from sklearn_reasoning import (
    HybridReasoningClassifier,
    HybridReasoningDenoiser,
    HybridReasoningRegressor,
)
from sklearn_reasoning._support.documentation import documentation_url
from sklearn_reasoning.datasets import LocallyAdaptiveNoise
from sklearn_reasoning.model_selection import BatchedGridSearchCV, BatchedRandomizedSearchCV

X = np.random.default_rng(0).normal(size=(20, 3))
Y = X[:, :2] - X[:, 1:]
PAGES = "https://docs.example/stable/api/generated/"


@pytest.fixture
def published(tmp_path, monkeypatch):
    """Metadata of an installed package that has published its documentation."""
    folder = tmp_path / f"sklearn_reasoning-{version('sklearn-reasoning')}.dist-info"
    folder.mkdir()
    (folder / "METADATA").write_text(
        f"Metadata-Version: 2.4\nName: sklearn-reasoning\nVersion: {version('sklearn-reasoning')}\n"
        "Project-URL: Source, https://example/source\n"
        "Project-URL: Documentation, https://docs.example/stable\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    documentation_url.cache_clear()
    yield
    monkeypatch.undo()
    documentation_url.cache_clear()


def regressor(**parameters):
    return HybridReasoningRegressor(max_epochs=1, b_hidden=(4,), random_state=0, **parameters)


def links(estimator):
    """Return the pages that a diagram leads to, without scikit-learn's own and places in them."""
    found = re.findall(r'href="([^"]*)"', estimator_html_repr(estimator))
    pages = dict.fromkeys(html.unescape(link).partition("#")[0] for link in found)
    return [page for page in pages if not page.startswith("https://scikit-learn.org/")]


def words(estimator):
    body = re.sub(r"<(style|script).*?</\1>", "", estimator_html_repr(estimator), flags=re.DOTALL)
    return html.unescape(re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", body)))


ESTIMATORS = {
    "sklearn_reasoning.HybridReasoningRegressor": regressor(),
    "sklearn_reasoning.HybridReasoningClassifier": HybridReasoningClassifier(),
    "sklearn_reasoning.HybridReasoningDenoiser": HybridReasoningDenoiser(),
    "sklearn_reasoning.datasets.LocallyAdaptiveNoise": LocallyAdaptiveNoise(),
    "sklearn_reasoning.model_selection.BatchedGridSearchCV": BatchedGridSearchCV(
        StandardScaler(), {}
    ),
    "sklearn_reasoning.model_selection.BatchedRandomizedSearchCV": BatchedRandomizedSearchCV(
        StandardScaler(), {}
    ),
}


@pytest.mark.usefixtures("published")
@pytest.mark.parametrize("name", ESTIMATORS)
def test_a_diagram_leads_to_the_page_of_its_estimator(name):
    assert links(ESTIMATORS[name]) == [f"{PAGES}{name}.html"]


@pytest.mark.usefixtures("published")
@pytest.mark.parametrize("fitted", [False, True])
def test_inside_pipelines_and_searches(fitted):
    pipeline = make_pipeline(StandardScaler(), regressor())
    search = GridSearchCV(pipeline, {"hybridreasoningregressor__k": [1]}, cv=2)
    if fitted:
        search.fit(X, Y)
    page = f"{PAGES}sklearn_reasoning.HybridReasoningRegressor.html"
    assert links(search) == links(pipeline) == [page]


@pytest.mark.parametrize("name", ESTIMATORS)
def test_nothing_is_linked_where_nothing_is_published(name):
    assert documentation_url() is None
    assert links(ESTIMATORS[name]) == []


class Mine(HybridReasoningRegressor):
    pass


@pytest.mark.usefixtures("published")
def test_a_class_of_the_user_has_no_page():
    assert links(Mine()) == []


def since(major, minor):
    return pytest.mark.skipif(
        tuple(map(int, sklearn_version.split(".")[:2])) < (major, minor),
        reason=f"shown since scikit-learn {major}.{minor}",
    )


@since(1, 7)
def test_parameters_are_shown():
    shown = words(regressor(k=3))
    assert "k 3" in shown
    assert "q_hidden (16,)" in shown
    assert "Not fitted" in shown


@since(1, 9)
def test_fitted_attributes_are_shown():
    shown = words(regressor().fit(X, Y))
    assert "Fitted attributes" in shown
    for name in ("empirical_loss_ float", "n_outputs_ int 2", "step_size_ float", "n_iter_ int 1"):
        assert name in shown
