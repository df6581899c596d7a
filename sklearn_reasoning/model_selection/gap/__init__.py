"""The generalisation gap: measured, taken apart and drawn."""

from ._decompose_gap import decompose_gap
from ._decomposition import GapDecomposition
from ._display import GeneralizationGapDisplay
from ._few_shot import few_shot_gap_table
from ._generalization_gap import generalization_gap
from ._parts import GapPart, standard_error as standard_error
from ._table import gap_table, last_step as last_step

__all__ = [
    "GapDecomposition",
    "GapPart",
    "GeneralizationGapDisplay",
    "decompose_gap",
    "few_shot_gap_table",
    "gap_table",
    "generalization_gap",
]
