"""The warning for a given b that cannot fit y."""

from __future__ import annotations

import warnings

import numpy as np

from sklearn_reasoning.energies import misfit
from sklearn_reasoning.training import Architecture, Rows


def warn_of_misfit(architecture: Architecture, rows: Rows, stacklevel: int) -> None:
    """Warn where no Q with its spectrum in [mu, L] leads from b to y.

    The text has no number that differs a little from fold to fold: Python shows it once then.
    """
    a = architecture
    # With a penalty y is no multiple of b. What an algorithm has learned may bring b to another
    # scale.
    if (
        rows.b is None
        or a.penalty is not None
        or next(a.algorithm.weight_shapes(a.n_outputs), None) is not None
    ):
        return
    factor = misfit(rows.b.astype(np.float64), rows.y, rows.weight, a.mu, a.L)
    if factor is None:
        return
    if factor < 0.0:
        what = (
            "linear_term: b has the wrong sign for y. A minimiser y of y'Qy/2 + b'y has b'y < 0. "
            "Hand over -b, with mu and L as sklearn_reasoning.energies.suggest_spectrum(-b, y) "
            "proposes them."
        )
    else:
        power = int(abs(np.log10(factor)))
        times = f"{10**power:,d}" if power else "five"
        size = "large" if factor > 1.0 else "small"
        what = (
            f"linear_term: b is more than {times} times too {size} for y and a spectrum of Q in "
            f"[mu, L] = [{a.mu:g}, {a.L:g}]. Set mu and L as "
            "sklearn_reasoning.energies.suggest_spectrum(b, y) proposes them, or bring b back to "
            "its own unit, if a scaler changed it."
        )
    warnings.warn(what, UserWarning, stacklevel=stacklevel + 1)
