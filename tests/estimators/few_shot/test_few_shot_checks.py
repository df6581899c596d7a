"""scikit-learn's own checks of the few-shot regressor: none may fail, be expected to, or skipped.

That is with ``SCIPY_ARRAY_API=1``, which conftest.py sets: else scikit-learn skips one.
"""

import pytest
from sklearn.utils.estimator_checks import check_estimator

from sklearn_reasoning import FewShotReasoningRegressor

CONFIGURATIONS = {
    "default": {},
    "gd": {"algo": "gd", "k": 3, "max_epochs": 60},
    "opt": {"algo": "opt"},
    "cg": {"algo": "cg", "k": 3},
    "all": {"adapt": "all", "k": 2, "max_epochs": 100, "basis_hidden": (16,)},
    "linear": {"basis_hidden": (), "shots": 5},
}
ORDINARY = ("default",)


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=() if name in ORDINARY else pytest.mark.hard)
        for name in CONFIGURATIONS
    ],
)
def test_every_check_passes(name):
    estimator = FewShotReasoningRegressor(
        **{"max_epochs": 12, "basis_hidden": (8,), "n_basis": 8} | CONFIGURATIONS[name]
    )
    results = check_estimator(estimator, on_fail=None, on_skip=None)
    others = [
        f"{result['check_name']}: {result['status']} ({result['exception']!r})"
        for result in results
        if result["status"] != "passed"
    ]
    assert not others, "\n".join(others)
    assert len(results) >= 50
