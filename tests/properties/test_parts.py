"""What a certificate for many k costs: which rows are run together."""

from typing import ClassVar

import numpy as np

from sklearn_reasoning.algorithms import GradientDescent
from sklearn_reasoning.properties import convergence


class Counted(GradientDescent):
    """Tells how many steps the rows take that are run together."""

    name = "counted"
    runs: ClassVar[list[list[int]]] = []

    def _residual(self, t, k, phi, mu, L):
        self.runs.append(sorted({int(each) for each in np.ravel(k)}))
        return super()._residual(t, k, phi, mu, L)


def test_rows_of_similar_k_are_run_together():
    """A row costs what the largest k beside it costs, so those of far larger k stay apart."""
    Counted.runs.clear()
    k = np.random.default_rng(0).permutation(np.arange(1, 101))
    found = convergence(Counted(), k, 0.5)
    np.testing.assert_allclose(found.certified, 0.95**k, rtol=2e-3)
    parts = sorted({tuple(run) for run in Counted.runs if len(run) > 1})
    assert parts == [tuple(range(1, 8)), tuple(range(8, 36)), tuple(range(36, 101))]
