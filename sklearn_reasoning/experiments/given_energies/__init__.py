"""Learning to optimise: the energies are given, the algorithm is learned."""

from ._learning_to_optimise import run_learning_to_optimise as run_learning_to_optimise

__all__ = []
