"""What the lack of mu in its momentum adds to what is proven of FISTA without a penalty."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from sklearn_reasoning.algorithms import FISTA

from ._analysis import Analysis, PolynomialAnalysis, analysis_of
from ._arguments import Case
from ._chebyshev_series import Supremum
from ._polynomial import sensitivity_supremum


class FISTAAnalysis(PolynomialAnalysis):
    r"""A polynomial method with :math:`r_k(t; \phi) = R_k(\phi t)`.

    As :math:`\partial q_k / \partial \phi = -R_k'(\phi t)`, a range of step sizes is a range of
    eigenvalues at the step size 1.
    """

    def sensitivity_over_range(self, case: Case, low: float, high: float) -> Supremum:
        """Return the supremum of the one polynomial on [low mu, high L]."""
        ones = np.ones(case.k.shape)
        wide = replace(case, phi=ones, mu=low * case.mu, L=high * case.L)
        found = sensitivity_supremum(wide)
        # At either end of the range, the eigenvalue whose product with it is the point.
        return found._replace(point=np.clip(found.point / high, case.mu, case.L))


@analysis_of.register
def _(algorithm: FISTA) -> Analysis:
    return FISTAAnalysis()
