"""The classifier, and what files ask of it."""

from ._classifier import HybridReasoningClassifier
from ._stored_classifier import ClassifierState as ClassifierState

__all__ = ["HybridReasoningClassifier"]
