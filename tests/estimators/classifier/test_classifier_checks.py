"""scikit-learn's own checks of the classifier: none may fail or be expected to fail."""

import pytest
from sklearn.utils import get_tags
from sklearn.utils.estimator_checks import check_estimator

from sklearn_reasoning import HybridReasoningClassifier

# The checks ask for an accuracy of 0.83 on three blobs.
TRAINING = {"max_epochs": 6, "lr": 0.05, "k": 4, "perception_hidden": (20,)}

# What differs most from the default; each has some sixty checks.
CONFIGURATIONS = {
    "default": {},
    "convex": {"algo": "nag", "concavity": 0, "coupling": "full", "class_weight": "balanced"},
    "gd": {"algo": "gd", "coupling": None, "loss": "l2"},
    "restarts": {"n_restarts": 2, "predict_k": "converged"},
    "sgd": {"optimizer": "sgd", "lr": 0.5},
    "admm": {"algo": "admm", "concavity": 0},
    "opt": {"algo": "opt", "concavity": 0},
    "mixed": {"coupling_start": "mixed", "rank": 2, "predict_k": 30},
}
ORDINARY = ("default",)

# Of classifiers that have probabilities instead, as a random forest has.
SKIPPED = "check_classifiers_multilabel_output_format_decision_function"


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=() if name in ORDINARY else pytest.mark.hard)
        for name in CONFIGURATIONS
    ],
)
def test_every_check_passes(name):
    estimator = HybridReasoningClassifier(**TRAINING | CONFIGURATIONS[name])
    results = check_estimator(estimator, on_fail=None, on_skip=None)
    others = {
        result["check_name"]: (result["status"], repr(result["exception"]))
        for result in results
        if result["status"] != "passed"
    }
    status, reason = others.pop(SKIPPED)
    assert status == "skipped"
    assert "does not have a decision_function" in reason
    assert not others, others
    assert len(results) >= 60


def test_tags():
    tags = get_tags(HybridReasoningClassifier())
    assert tags.estimator_type == "classifier"
    assert tags.classifier_tags.multi_class
    assert tags.classifier_tags.multi_label
    assert not tags.classifier_tags.poor_score
    assert tags.target_tags.multi_output
    assert tags.target_tags.single_output
    assert not tags.input_tags.sparse
