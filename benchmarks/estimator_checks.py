"""scikit-learn's ``check_estimator``: nothing failed, expected to fail or skipped.

Fifteen configurations with everything else at its default, 200 epochs included (the test suite
runs the same checks with few epochs). Run: python benchmarks/estimator_checks.py
"""

import os

os.environ["SCIPY_ARRAY_API"] = "1"  # before scipy: without it one check is skipped

import collections
import warnings

from joblib import Parallel, delayed
from sklearn.utils.estimator_checks import check_estimator

from sklearn_reasoning import HybridReasoningRegressor
from sklearn_reasoning.algorithms import list_algorithms

CONFIGURATIONS = [{"algo": algo} for algo in list_algorithms()] + [
    {"linear_term": "given"},
    {"rotation": "identity"},
    {"rotation": "predicted"},
    {"q_hidden": (8, 8)},
    {"q_hidden": None},
    {"loss": "squared"},
    {"step_size_per_iteration": True},
    {"keep": "last", "lr_schedule": "constant"},
]


def statuses(parameters):
    """Return how many checks ended with which status."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = HybridReasoningRegressor(**parameters)
        results = check_estimator(model, on_fail=None, on_skip=None)
    return collections.Counter(result["status"] for result in results)


def main():
    counts = Parallel(n_jobs=2)(delayed(statuses)(each) for each in CONFIGURATIONS)
    names = ("passed", "failed", "xfail", "skipped")
    print("| configuration | " + " | ".join(names) + " |")
    print("|---|" + "---|" * len(names))
    for parameters, count in zip(CONFIGURATIONS, counts, strict=True):
        title = ", ".join(f"{name}={value!r}" for name, value in parameters.items())
        print(f"| {title} | " + " | ".join(str(count[name]) for name in names) + " |")


if __name__ == "__main__":
    main()
