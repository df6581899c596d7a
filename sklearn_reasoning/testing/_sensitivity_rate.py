"""The promise of ``sensitivity_rate``, which certificates over ranges rest on."""

import numpy as np

from sklearn_reasoning.algorithms import Algorithm
from sklearn_reasoning.properties import sensitivity

from ._compare import require

_SPECTRA = ((0.1, 1.0), (1e-3, 1.0))
_STEPS = (1, 2, 7, 30)
_N_STEP_SIZES = 25
_SLACK = 1e-6


def check_sensitivity_rate(algorithm: Algorithm) -> None:
    """Compare the rate with the sensitivity itself, at step sizes of the stable region."""
    for mu, L in _SPECTRA:
        step_sizes = np.geomspace(*algorithm.stable_region(mu, L), _N_STEP_SIZES)
        rate = algorithm.sensitivity_rate(step_sizes, mu, L)
        if rate is None:
            return
        known = ~np.isnan(rate)
        step_sizes, rate = step_sizes[known], np.asarray(rate)[known]
        where = f"sensitivity_rate(step_size, mu={mu}, L={L})"
        require(bool((rate >= 0.0).all()), algorithm, f"{where} must not be negative.")
        falls = np.diff(rate) < 0.0
        require(
            bool((np.diff(falls.astype(int)) <= 0).all()),
            algorithm,
            f"{where} must be monotone, or fall and then rise, in the step size.",
        )
        for k in _STEPS:
            found = sensitivity(algorithm, k, step_sizes, mu, L).attained
            quotient = found / np.maximum(rate, 1e-12) ** (k - 1)
            require(
                bool((quotient[1:] >= quotient[:-1] * (1.0 - _SLACK)).all()),
                algorithm,
                f"{where} is no such rate: sup_t |dq_k/dphi| / rate^(k-1) falls as the step "
                f"size rises, at k={k}. Return None if there is no proof.",
            )
