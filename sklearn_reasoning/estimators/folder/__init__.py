"""The folder: pairs of bases, scored by a network and matched by dual ascent."""

from ._folder import HybridReasoningFolder
from ._stored_folder import FolderState as FolderState

__all__ = ["HybridReasoningFolder"]
