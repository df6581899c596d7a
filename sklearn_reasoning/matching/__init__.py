"""Soft matchings: pairs with scores, vertices with capacities, and a dual that algorithms climb."""

from ._certificate import (
    MatchingCertificate,
    certificate_of as certificate_of,
    joined as joined,
)
from ._dual import DualMatching, bipartite_scores, within_capacity as within_capacity
from ._layer import (
    MATCHING_ALGORITHMS as MATCHING_ALGORITHMS,
    MatchingLayer,
    dual_problem as dual_problem,
    matching_algorithm as matching_algorithm,
)

__all__ = ["DualMatching", "MatchingCertificate", "MatchingLayer", "bipartite_scores"]
