"""Soft matchings: pairs with scores, vertices with capacities, and a dual that algorithms climb."""

from ._certificate import MatchingCertificate
from ._dual import DualMatching, bipartite_scores, within_capacity as within_capacity
from ._layer import (
    MatchingLayer,
    dual_problem as dual_problem,
    matching_algorithm as matching_algorithm,
)

__all__ = ["DualMatching", "MatchingCertificate", "MatchingLayer", "bipartite_scores"]
