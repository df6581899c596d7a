"""``adapt`` is a parameter of the constructor and a method, wherever scikit-learn asks for it."""

import inspect
import pickle

import pytest
from estimators.few_shot._small_groups import SMALL, fitted, make_lines
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV

from sklearn_reasoning import FewShotReasoningRegressor


def test_the_parameter_is_the_word_that_was_given():
    model = FewShotReasoningRegressor(adapt="all")
    assert type(model.get_params()["adapt"]) is str
    assert model.get_params()["adapt"] == "all"
    assert model.adapt == "all"
    assert model.adapt != "head"
    assert repr(model) == "FewShotReasoningRegressor(adapt='all')"
    assert repr(FewShotReasoningRegressor()) == "FewShotReasoningRegressor()"
    assert "all" in model._repr_html_()
    assert model.set_params(adapt="head").get_params()["adapt"] == "head"


@pytest.mark.parametrize("copied", [clone, lambda m: pickle.loads(pickle.dumps(m))])
def test_copies_have_both(copied):
    model = copied(FewShotReasoningRegressor(**SMALL | {"adapt": "all", "k": 1}))
    assert model.get_params()["adapt"] == "all"
    X, y, groups = make_lines(6, 4)
    assert len(model.fit(X, y, groups).adapt(X[:2], y[:2], ["a", "a"]).groups_) == 7


def test_what_one_estimator_has_may_be_given_to_another():
    model = FewShotReasoningRegressor(adapt="all")
    assert FewShotReasoningRegressor(adapt=model.adapt).get_params()["adapt"] == "all"


def test_the_method_looks_like_one():
    model = fitted()
    assert callable(model.adapt)
    assert list(inspect.signature(model.adapt).parameters) == ["X", "y", "groups"]
    assert model.adapt.__doc__ == FewShotReasoningRegressor.adapt.__doc__
    X, y, groups = make_lines(2, 3, seed=4)
    by_class = FewShotReasoningRegressor.adapt(model, X, y, groups)
    assert (by_class.predict(X, groups) == model.adapt(X, y, groups).predict(X, groups)).all()


def test_a_search_over_it():
    X, y, _ = make_lines(8, 4)
    search = GridSearchCV(
        FewShotReasoningRegressor(**SMALL | {"max_epochs": 3, "k": 2}),
        {"adapt": ["head", "all"]},
        cv=2,
    ).fit(X, y)
    assert list(search.cv_results_["param_adapt"]) == ["head", "all"]
    assert search.best_estimator_.get_params()["adapt"] == search.best_params_["adapt"]
