"""scikit-learn estimators whose last layer is an optimisation algorithm.

A neural module predicts an energy, k steps of an algorithm minimise it, and both are trained
end to end, after "Understanding Deep Architectures with Reasoning Layer" (NeurIPS 2020).
"""

import logging as _logging

from ._support import interrupts_of_command as _interrupts  # noqa: F401  (before what is slow)
from ._version import __version__ as __version__
from .estimators import (
    FewShotReasoningRegressor,
    HybridReasoningClassifier,
    HybridReasoningFolder,
    HybridReasoningRegressor,
)
from .imaging import HybridReasoningDenoiser
from .layer import ReasoningLayer
from .persistence import load_model, save_model

# Silent until the program that imports the package asks to hear it.
_logging.getLogger(__name__).addHandler(_logging.NullHandler())

__all__ = [
    "FewShotReasoningRegressor",
    "HybridReasoningClassifier",
    "HybridReasoningDenoiser",
    "HybridReasoningFolder",
    "HybridReasoningRegressor",
    "ReasoningLayer",
    "load_model",
    "save_model",
]
