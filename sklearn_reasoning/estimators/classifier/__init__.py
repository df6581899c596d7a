"""The classifier, and what files and displays ask of it."""

from ._classifier import HybridReasoningClassifier
from ._labels import missing_of as missing_of, read_cells as read_cells
from ._stored_classifier import ClassifierState as ClassifierState

__all__ = ["HybridReasoningClassifier"]
