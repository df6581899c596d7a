"""What users hand to project and distance: refused where there is no projection."""

import numpy as np
import pytest
import torch

from sklearn_reasoning.penalties import Affine, Ball, Box, Monotone, Nonnegative, Simplex

SETS = [Nonnegative(), Box(0.0, 1.0), Ball(1.0), Simplex(), Affine([[1.0, 1.0]], 0.0), Monotone()]


@pytest.mark.parametrize("penalty", SETS, ids=lambda penalty: type(penalty).__name__)
def test_what_is_no_tensor_of_outputs(penalty):
    for method in (penalty.project, penalty.distance):
        with pytest.raises(TypeError, match=r"tensor, got ndarray: use torch.as_tensor"):
            method(np.ones((3, 2)))
        with pytest.raises(TypeError, match=r"floating point dtype, got torch.int64"):
            method(torch.ones(3, 2, dtype=torch.int64))
        with pytest.raises(ValueError, match=r"shape \(3, 0\) and no outputs"):
            method(torch.ones(3, 0))


@pytest.mark.parametrize("penalty", [Simplex(), Affine([[1.0, 1.0]], 0.0), Monotone()])
def test_what_is_not_finite_has_no_projection(penalty):
    with pytest.raises(ValueError, match="y contains NaN or infinity"):
        penalty.project(torch.tensor([[torch.inf, 1.0]]))
    # A box has one for it.
    assert Box(0.0, 1.0).project(torch.tensor([[torch.inf, 0.5]])).tolist() == [[1.0, 0.5]]


def test_other_rows_and_outputs_than_the_options():
    totals = Simplex(total=[1.0, 2.0, 3.0, 4.0])
    for n in (1, 2, 5):
        with pytest.raises(ValueError, match=f"Simplex: total is of 4 samples, and y has {n} rows"):
            totals.project(torch.ones(n, 3))
    assert totals.project(torch.ones(4, 3)).sum(dim=-1).tolist() == [1.0, 2.0, 3.0, 4.0]
    with pytest.raises(ValueError, match="Affine: A has 3 columns, and y has 2"):
        Affine([[1.0, 1.0, 1.0]], 0.0).project(torch.ones(1, 2))
