"""The classifier, and what files and displays ask of it."""

from ._classifier import HybridReasoningClassifier
from ._relax import Relaxation as Relaxation
from ._stored_classifier import ClassifierState as ClassifierState

__all__ = ["HybridReasoningClassifier"]
