"""scikit-learn's own checks: none may fail, be expected to fail, or be skipped.

That is with ``SCIPY_ARRAY_API=1``, which conftest.py sets: else scikit-learn skips one.
"""

import pytest
import sklearn
from sklearn.utils import get_tags
from sklearn.utils.estimator_checks import check_estimator

from sklearn_reasoning import HybridReasoningRegressor
from sklearn_reasoning.algorithms import list_algorithms
from sklearn_reasoning.penalties import L1, Box

# The checks ask for R^2 > 0.5 on their regression problem; three epochs at this rate give 0.78.
TRAINING = {"max_epochs": 3, "lr": 0.05}

CONFIGURATIONS = {algo: {"algo": algo} for algo in list_algorithms()} | {
    "cg": {"algo": "cg", "k": 4},
    "rnn": {"algo": "rnn", "k": 4},
    "given": {"linear_term": "given"},
    "identity": {"rotation": "identity"},
    "predicted": {"rotation": "predicted"},
    "two_hidden": {"q_hidden": (8, 8)},
    "constant_Q": {"q_hidden": None},
    "squared": {"loss": "squared"},
    "per_iteration": {"step_size_per_iteration": True, "k": 5},
    "sgd": {"optimizer": "sgd", "max_epochs": 6},
    "nonnegative": {"constraint": "nonnegative"},
    "simplex": {"constraint": "simplex", "algo": "gd", "project": "last_step"},
    "box": {"constraint": Box(-1.0, 1.0), "algo": "heavy_ball"},
    "l1": {"penalty": L1(0.1)},
    "rnn, predicted, sgd": {
        "algo": "rnn", "k": 4, "rotation": "predicted", "optimizer": "sgd", "max_epochs": 6
    },
    "given, simplex": {
        "algo": "gd", "linear_term": "given", "constraint": "simplex", "project": "last_step"
    },
}  # fmt: skip


# Each has some fifty checks. The default, and two or three things at a time that differ most from
# it: the algorithm, columns, what is predicted, how it is trained, sets.
ORDINARY = ("nag", "rnn, predicted, sgd", "given, simplex")


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=() if name in ORDINARY else pytest.mark.hard)
        for name in CONFIGURATIONS
    ],
)
@pytest.mark.filterwarnings("ignore:.*training rows of y are outside:UserWarning")
def test_every_check_passes(name):
    estimator = HybridReasoningRegressor(**TRAINING | CONFIGURATIONS[name])
    results = check_estimator(estimator, on_fail=None, on_skip=None)
    others = [
        f"{result['check_name']}: {result['status']} ({result['exception']!r})"
        for result in results
        if result["status"] != "passed"
    ]
    assert not others, "\n".join(others)
    names = [result["check_name"] for result in results]
    assert len(names) >= 50
    if tuple(map(int, sklearn.__version__.split(".")[:2])) >= (1, 9):
        # From then on it is run for estimators without support of the array API too.
        assert "check_array_api_input" in names


@pytest.mark.parametrize(
    ("parameters", "poor"),
    [
        ({}, False),
        ({"rotation": "identity"}, False),
        ({"rotation": "predicted"}, False),
        ({"linear_term": "given"}, True),
        ({"rotation": "given"}, True),
        ({"linear_term": ["b"]}, True),
        ({"rotation": [0]}, True),
        ({"constraint": "nonnegative"}, True),
        ({"penalty": L1(0.1)}, True),
    ],
)
def test_a_poor_score_is_announced_where_columns_are_given_or_outputs_obey(parameters, poor):
    tags = get_tags(HybridReasoningRegressor(**parameters))
    assert tags.regressor_tags.poor_score is poor
    assert tags.target_tags.multi_output
