"""How far a pairing after k steps of dual ascent can be from the best one."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ._dual import DualMatching

_Array = np.ndarray[Any, Any]


@dataclass(frozen=True, eq=False)
class MatchingCertificate:
    r"""How far the feasible pairings after k steps are from the minimisers, sample by sample.

    Parameters
    ----------
    k : int
        Number of steps.
    gap : ndarray of shape (n_samples,)
        The measured duality gap, in units of y squared: the energy of the pairing is at most this
        above the least one.
    distance : ndarray of shape (n_samples,)
        :math:`\sqrt{2\,gap}`, in units of y: the pairing is at most this far from the minimiser, in
        the norm over pairs i < j.
    dual_bound : ndarray of shape (n_samples,)
        How far the dual function is below its maximum after k steps, at most; known beforehand.
    distance_bound : ndarray of shape (n_samples,)
        The distance of the pairing to the minimiser, at most; known beforehand.
    gap_bound : ndarray of shape (n_samples,)
        The duality gap, at most; known beforehand. Infinite for k = 0, like the two before it.

    Notes
    -----
    The optimal multipliers are at most :math:`u_i = \max_j \max(0, U_{ij})`: above, a vertex has no
    pairs left, and then its multiplier is 0. So in the units in which the curvature is at most 1,
    they are at most :math:`R = (\sum_i 2 d_i u_i^2)^{1/2}` long. After k accelerated steps the dual
    function is at most :math:`\delta = 2 R^2 / (k + 1)^2` below its maximum (Su, Boyd and Candes
    2016, Theorem 6), after k plain ones :math:`R^2 / (2 k)` (Beck and Teboulle 2009, Theorem 3.1).
    The Lagrangian is 1-strongly convex in y, so :math:`\|y(\lambda) - y^*\| \le \sqrt{2 \delta}`.
    Making the pairing feasible moves it by at most :math:`(\sum_i \max(0, r_i - c_i)^2)^{1/2}`, r
    being its sums of rows, which is at most :math:`\sqrt{L}` times that distance, L being
    :meth:`DualMatching.curvature`. So ``distance_bound`` is
    :math:`\Delta = (1 + \sqrt{L}) \sqrt{2 \delta}`, and ``gap_bound``
    :math:`\delta + \|U\| \Delta + \Delta^2 / 2`, the norm over the pairs of positive scores: there
    :math:`|\nabla E(y^*)| = |y^* - U| \le U`.

    Examples
    --------
    >>> import torch
    >>> from sklearn_reasoning.matching import DualMatching, MatchingLayer
    >>> scores = torch.tensor([[[0.0, 2.0, 1.9], [2.0, 0.0, 0.1], [1.9, 0.1, 0.0]]])
    >>> certificate = MatchingLayer().certify(DualMatching(scores), k=20)
    >>> bool(certificate.gap[0] <= certificate.gap_bound[0]), bool(certificate.gap[0] < 0.01)
    (True, True)
    """

    k: int
    gap: _Array
    distance: _Array
    dual_bound: _Array
    distance_bound: _Array
    gap_bound: _Array

    def __str__(self) -> str:
        rows = [
            ("duality gap", self.gap),
            ("distance to the minimiser, from the gap", self.distance),
            ("distance to the minimiser, from k", self.distance_bound),
        ]
        lines = [f"Pairings after k = {self.k} steps of dual ascent, {self.gap.size} of them:"]
        for name, values in rows:
            middle, most = (f"{q:.3g}" for q in np.quantile(values, [0.5, 1.0]))
            lines.append(f"  {name}: at most {most}, half of them at most {middle}")
        return "\n".join(lines)


def joined(certificates: Iterable[MatchingCertificate]) -> MatchingCertificate:
    """Return one certificate for the samples of several, after the same number of steps."""
    parts = list(certificates)
    columns = [field.name for field in fields(MatchingCertificate) if field.name != "k"]
    return MatchingCertificate(
        parts[0].k, *(np.concatenate([getattr(part, name) for part in parts]) for name in columns)
    )


@torch.no_grad()
def certificate_of(
    energy: DualMatching, s: Tensor, k: int, *, is_accelerated: bool
) -> MatchingCertificate:
    """Return what is certified of the multipliers after k steps from 0."""
    # Differences of energies have few digits: they are taken in double precision.
    energy = energy._double()
    gap = energy.gap(s.double()).clamp(min=0.0)
    squared = (2.0 * energy.degree * energy._largest_scores().square()).sum(dim=-1)
    if k == 0:
        # Without a positive score the start is the minimiser.
        dual = torch.where(squared > 0.0, torch.inf, 0.0)
    else:
        dual = squared * (2.0 / (k + 1) ** 2 if is_accelerated else 0.5 / k)
    away = (1.0 + energy.curvature().sqrt()) * (2.0 * dual).sqrt()
    norm = energy._norm()
    bound = dual + norm * away + 0.5 * away.square()
    columns = (gap, (2.0 * gap).sqrt(), dual, away, bound)
    return MatchingCertificate(k, *(np.atleast_1d(column.cpu().numpy()) for column in columns))
