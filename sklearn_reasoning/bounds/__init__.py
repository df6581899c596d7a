"""Bounds of approximation and generalisation, and an estimate to hold them against."""

from ._approximation import approximation_bound
from ._covering_number import covering_number_bound, step_size_log_covering_number
from ._empirical_rademacher import RademacherEstimate, empirical_rademacher
from ._local_rademacher import CoveringTerms, LocalTerms, local_rademacher_bound
from ._loss_difference import loss_difference_bound
from ._network_covering import mlp_log_covering_number
from ._network_norms import NetworkNorms, network_norms
from ._rademacher_transfer import rademacher_transfer_bound, representation_level
from ._representation import representation_bound

__all__ = [
    "CoveringTerms",
    "LocalTerms",
    "NetworkNorms",
    "RademacherEstimate",
    "approximation_bound",
    "covering_number_bound",
    "empirical_rademacher",
    "local_rademacher_bound",
    "loss_difference_bound",
    "mlp_log_covering_number",
    "network_norms",
    "rademacher_transfer_bound",
    "representation_bound",
    "representation_level",
    "step_size_log_covering_number",
]
