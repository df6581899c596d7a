"""What answers several discrete questions at once: the package, and what users have beside it."""

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, ShuffleSplit
from sklearn.multioutput import ClassifierChain, MultiOutputClassifier
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklearn_reasoning import HybridReasoningClassifier


class CellsAsLabels(ClassifierMixin, BaseEstimator):
    """A classifier of labels for cells: a label for each class of each cell, the likeliest wins."""

    def __init__(self, estimator):
        self.estimator = estimator

    def fit(self, X, y):
        self.classes_ = [np.unique(cell) for cell in y.T]
        there = [y[:, cell, None] == own for cell, own in enumerate(self.classes_)]
        self.estimator_ = clone(self.estimator).fit(X, np.hstack(there).astype(int))
        return self

    def predict(self, X):
        proba, first, cells = self.estimator_.predict_proba(X), 0, []
        for own in self.classes_:
            cells.append(own[proba[:, first : first + len(own)].argmax(axis=1)])
            first += len(own)
        return np.stack(cells, axis=1)


def share_of_cells(model, X, y):
    """Score: the share of cells that are right."""
    return float((model.predict(X) == y).mean())


def chosen(model, grid):
    """Return a search on a quarter of the training rows, behind a scaler of the features."""
    split = ShuffleSplit(1, test_size=0.25, random_state=0)
    search = GridSearchCV(model, grid, scoring=share_of_cells, cv=split, error_score="raise")
    return make_pipeline(StandardScaler(), search)


def rivals(are_labels):
    """Return what users have, by name."""
    logistic = LogisticRegression(max_iter=1000)
    chain = ClassifierChain(logistic, order="random", random_state=0)
    perceptron = MLPClassifier(random_state=0)
    inner = "" if are_labels else "estimator__"
    if not are_labels:
        chain, perceptron = CellsAsLabels(chain), CellsAsLabels(perceptron)
    penalties = [0.01, 0.1, 1.0]
    return {
        "one logistic regression a cell": chosen(
            MultiOutputClassifier(logistic), {"estimator__C": penalties}
        ),
        "chain of logistic regressions": chosen(chain, {f"{inner}estimator__C": penalties}),
        "random forest": chosen(
            RandomForestClassifier(100, random_state=0), {"min_samples_leaf": [1, 5]}
        ),
        "perceptron": chosen(perceptron, {f"{inner}alpha": [1e-4, 1.0]}),
    }


def ours(are_labels, perception):
    """Return the package's classifiers, by name: with their defaults, and with decay chosen."""

    def hybrid(**parameters):
        model = HybridReasoningClassifier(
            perception=perception, max_epochs=20, random_state=0
        ).set_params(**parameters)
        return chosen(model, {"weight_decay": [0.0, 0.01]})

    mixed = {"coupling_start": "mixed"}
    models = {
        "no coupling": hybrid(coupling=None),
        "coupled": hybrid(**mixed),
        "coupled, convex": hybrid(**mixed, concavity=0.0),
    }
    if not are_labels:
        models["coupled, full"] = hybrid(**mixed, coupling="full")
    if perception != "joint":
        models["coupled, joint perception"] = hybrid(**mixed, perception="joint")
    models["all defaults"] = make_pipeline(
        StandardScaler(), HybridReasoningClassifier(perception=perception, random_state=0)
    )
    return models
