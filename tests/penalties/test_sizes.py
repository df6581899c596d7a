"""Rows whose squares are no floats, and penalties that do not go with the outputs of a layer."""

import pytest
import torch

from sklearn_reasoning import ReasoningLayer
from sklearn_reasoning.energies import DiagonalQuadratic
from sklearn_reasoning.penalties import Ball, Budget, GroupL1


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("exponent", [-0.6, 0.6])
def test_lengths_are_right_where_squares_are_no_floats(exponent, dtype):
    size = torch.tensor(torch.finfo(dtype).max, dtype=dtype) ** exponent
    v = size * torch.tensor([[3.0, 4.0, 0.0]], dtype=dtype)
    expected = torch.tensor([[0.6, 0.8, 0.0]], dtype=dtype)
    radius = size.item()
    torch.testing.assert_close(Ball(radius).prox(v, 1.0) / size, expected)
    shorter = GroupL1(4.0 * radius, (3,)).prox(v, 1.0) / size
    torch.testing.assert_close(shorter, expected)


def test_a_layer_refuses_sets_that_are_empty_or_of_another_width():
    energy = DiagonalQuadratic(torch.full((2, 3), 0.5), torch.ones(2, 3))
    with pytest.raises(ValueError, match="the set is empty"):
        ReasoningLayer("nag", k=5, penalty=Budget(5.0, low=2, high=3))(energy)
    with pytest.raises(ValueError, match="high holds 2 numbers, and there are 3 outputs"):
        ReasoningLayer("nag", k=5, penalty=Budget(1.0, high=[1.0, 1.0]))(energy)
    # The right number of outputs is found out anew for each.
    layer = ReasoningLayer("gd", k=1, penalty=Budget(1.0, high=[1.0, 1.0, 1.0]))
    torch.testing.assert_close(layer(energy).sum(dim=-1), torch.ones(2))
