"""All analyses, registered."""

from sklearn_reasoning.algorithms import Algorithm, check_takes_penalty
from sklearn_reasoning.penalties import Penalty

from . import (  # noqa: F401  (they register themselves)
    _accelerated,
    _admm,
    _conjugate_gradient,
    _fista,
    _recurrent_cell,
)
from ._analysis import Analysis, analysis_of as _without_penalty
from ._penalised import under_penalty


def analysis_of(algorithm: Algorithm, penalty: Penalty | None = None) -> Analysis:
    """Return the proofs that apply to an algorithm; a ValueError if it takes no penalty."""
    free = _without_penalty(algorithm)
    if penalty is None:
        return free
    check_takes_penalty(algorithm, penalty)
    return under_penalty(algorithm, free)


__all__ = ["analysis_of"]
