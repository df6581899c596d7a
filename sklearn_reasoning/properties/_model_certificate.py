"""What is certified of a fitted model."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from sklearn_reasoning.algorithms import PerIteration

from ._certificate import Certificate, StabilityCertificate
from ._fitted import FittedLayer, MeasuredRows
from ._report import html_table, in_digits, summary_of

# A learned step size may lie beyond the end of its range by rounding.
_ROUNDING = 1e-9

# Outputs and minimisers are rounded, the latter times the condition number.
_N_ROUNDINGS = 128

# A constrained minimiser is iterated for, to this share of its length.
_SOLVED_TO = 1e-10


@dataclass(frozen=True, eq=False)
class ModelCertificate:
    """Convergence, stability and sensitivity of the layer of a fitted model.

    Parameters
    ----------
    layer : FittedLayer
        ``algorithm``, ``k``, ``phi`` (the learned step size, step sizes or weights), ``mu``,
        ``L``, ``step_size_range``, ``start_norm`` and ``penalty``.
    stable_region : (float, float) or None
        Where the iterates stay bounded, in 1/curvature; None for algorithms without a step size.
    convergence : Certificate
        Cvg at the model's k (Eq. 6), from the model's start.
    stability : StabilityCertificate
        Stab at the model's k, in Q, in b and in the start (Eq. 7).
    sensitivity : Certificate
        Sens at the model's k and step size (Eq. 8), per unit of the norm of the gradient at the
        start, which is b for the start 0.
    sensitivity_over_range : Certificate or None
        Sens(k) over the range in which the step size was kept.
    accuracy : float
        The fraction of the distance to the minimiser to which ``steps_needed`` refers.
    steps_needed : int or None
        Numbers of steps for that accuracy; None if too many, or nothing is proven.
    rows : MeasuredRows or None
        ``eigenvalues``, ``distance``, ``first_distance``, ``relative_distance``,
        ``gradient_norm`` and ``start_norm`` on the rows that were given.

    Examples
    --------
    >>> from sklearn_reasoning import HybridReasoningRegressor
    >>> model = HybridReasoningRegressor("opt", k=1, q_hidden=None, max_epochs=1, random_state=0)
    >>> certificate = model.fit([[0.0], [1.0]], [[0.0, 1.0], [1.0, 0.0]]).certify()
    >>> certificate.to_dict()["stability_in_b_certified"]
    10.0
    >>> print(certificate.summary())
    Layer: the exact minimiser on spectra in [0.1, 1] (condition number 10).
    Convergence: complete.
    Stability: if Q moves by e, the output moves by at most 100 e |b|; if b moves by e, by at ...
    """

    layer: FittedLayer
    stable_region: tuple[float, float] | None
    convergence: Certificate
    stability: StabilityCertificate
    sensitivity: Certificate
    sensitivity_over_range: Certificate | None
    accuracy: float
    steps_needed: int | None
    rows: MeasuredRows | None

    @property
    def k(self) -> int:
        """Number of steps."""
        return self.layer.k

    @property
    def mu(self) -> float:
        """Lower bound of the spectrum of Q."""
        return self.layer.mu

    @property
    def L(self) -> float:
        """Upper bound of the spectrum of Q."""
        return self.layer.L

    @property
    def step_size(self) -> float | list[float] | None:
        """The learned step size(s), in 1/curvature; a list where each iteration has its own."""
        phi = self.layer.phi
        if isinstance(phi, PerIteration):
            return [float(size) for size in phi.sizes]
        return phi if isinstance(phi, float) else None

    @property
    def is_stable(self) -> bool | None:
        """Whether the step size is in the stable region; None where there is none."""
        if self.stable_region is None or self.step_size is None:
            return None
        _, high = self.stable_region
        sizes = np.atleast_1d(self.step_size)
        # A range that a user sets may go below the region's lower end, which is nothing to fear.
        return bool((sizes > 0.0).all() and (sizes <= high * (1.0 + _ROUNDING)).all())

    @property
    def holds(self) -> bool | None:
        """Whether no row is left farther than Cvg times its first distance, but for rounding.

        None without rows, and where nothing is proven.
        """
        rows, certified = self.rows, float(self.convergence.certified)
        if rows is None or certified == float("inf"):
            return None
        # |c| + |Opt|, the latter at most the first distance plus |c|.
        lengths = 2.0 * rows.start_norm + rows.first_distance
        rounding = _N_ROUNDINGS * np.finfo(np.float64).eps * (self.L / self.mu) * lengths
        if self.layer.penalty is not None:
            rounding = rounding + _SOLVED_TO * lengths
        return bool((rows.distance <= certified * rows.first_distance + rounding).all())

    def to_dict(self) -> dict[str, Any]:
        """Return the numbers as a flat mapping of names to plain Python values.

        Returns
        -------
        dict
            Names end in ``_attained`` and ``_certified`` where there are two bounds; what was
            measured is there only if rows were given. ``stability_in_Q_on_rows`` is the largest
            change of their outputs per unit of Q, ``stability_in_Q`` times the norm of
            the gradient at the start plus ``stability_in_Q_per_start`` times that of the start.
        """
        layer = self.layer
        numbers: dict[str, Any] = {
            "algorithm": layer.algorithm.name,
            "k": layer.k,
            "mu": layer.mu,
            "L": layer.L,
            "condition_number": layer.L / layer.mu,
            "step_size": self.step_size,
            "step_size_range": layer.step_size_range,
            "stable_region": self.stable_region,
            "is_stable": self.is_stable,
            "start_norm": layer.start_norm,
            "penalty": None if layer.penalty is None else repr(layer.penalty),
        }
        for name, certificate in self._certificates():
            numbers[f"{name}_attained"] = float(certificate.attained)
            numbers[f"{name}_certified"] = float(certificate.certified)
        numbers["accuracy"] = float(self.accuracy)
        numbers["steps_needed"] = self.steps_needed
        if self.rows is not None and len(self.rows.distance):
            rows = self.rows
            numbers |= {
                "n_rows": len(rows.distance),
                "smallest_eigenvalue": float(rows.eigenvalues.min()),
                "largest_eigenvalue": float(rows.eigenvalues.max()),
                "mean_distance": float(rows.distance.mean()),
                "mean_relative_distance": float(rows.relative_distance.mean()),
                "max_relative_distance": float(rows.relative_distance.max()),
                "holds": self.holds,
            }
            if rows.gradient_norm is not None:
                moved = self.stability.in_Q_at(rows.gradient_norm, rows.start_norm)
                numbers["max_gradient_norm"] = float(rows.gradient_norm.max())
                numbers["max_start_norm"] = float(rows.start_norm.max())
                numbers["stability_in_Q_on_rows"] = float(np.max(moved.certified))
        return numbers

    def _certificates(self) -> list[tuple[str, Certificate]]:
        named = [
            ("convergence", self.convergence),
            ("stability_in_Q", self.stability.in_Q),
            ("stability_in_b", self.stability.in_b),
            ("stability_in_Q_per_start", self.stability.in_Q_per_start),
            ("stability_in_start", self.stability.in_start),
            ("sensitivity", self.sensitivity),
        ]
        if self.sensitivity_over_range is not None:
            named.append(("sensitivity_over_range", self.sensitivity_over_range))
        return named

    def summary(self) -> str:
        """Return what the numbers say, in plain sentences.

        Returns
        -------
        str
            A few lines, which ``print(certificate)`` shows too.
        """
        return summary_of(self.to_dict())

    def __str__(self) -> str:
        return self.summary()

    def __repr__(self) -> str:
        numbers = self.to_dict()
        parts = [f"algorithm={numbers['algorithm']!r}", f"k={self.k}"]
        for name in ("convergence", "stability_in_Q", "stability_in_b", "sensitivity"):
            parts.append(f"{name}={in_digits(numbers[f'{name}_certified'])}")
        return f"ModelCertificate({', '.join(parts)})"

    def _repr_html_(self) -> str:
        return html_table(self.to_dict())
