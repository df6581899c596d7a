"""A row gets the same bits whatever the batch that it is in, and whatever its neighbours are."""

import numpy as np
import pytest
import torch

from sklearn_reasoning.penalties import (
    L1,
    Affine,
    Ball,
    Box,
    Budget,
    GroupL1,
    Monotone,
    Nonnegative,
    Simplex,
)


def made(d):
    sizes = (d - d // 3, d // 3) if d > 2 else (d,)
    A = np.random.default_rng(0).normal(size=(min(d, 3), d))
    return [
        Nonnegative(),
        Box(-0.3, 0.4),
        Simplex(),
        Simplex(2.0, groups=sizes),
        Budget(1.0, high=2.0 / d),
        Ball(0.7),
        Affine(A, np.ones(len(A))),
        Monotone(),
        L1(0.3),
        GroupL1(0.3, groups=sizes),
    ]


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("d", [1, 2, 3, 5, 8, 13, 20, 64, 100])
def test_rows_alone_and_together(d, dtype):
    v = torch.tensor(np.random.default_rng(1).normal(size=(37, d)), dtype=dtype)
    for penalty in made(d):
        together = penalty.prox(v, 0.7)
        for rows in ([0], [36], range(5), range(36, -1, -1), range(0, 37, 3)):
            rows = list(rows)
            assert torch.equal(penalty.prox(v[rows], 0.7), together[rows]), penalty
        assert torch.equal(penalty.prox(v.expand(3, 37, d), 0.7)[1], together), penalty
        assert torch.equal(penalty.prox(v.mT.contiguous().mT, 0.7), together), penalty
        assert torch.equal(penalty.prox(v[3], 0.7), together[3]), penalty


def test_no_rows():
    for penalty in made(6):
        assert penalty.prox(torch.empty(0, 6), 0.7).shape == (0, 6)
        assert penalty.value(torch.empty(0, 6)).shape == (0,)


def test_the_rows_of_gradients():
    v = torch.tensor(np.random.default_rng(2).normal(size=(37, 9)))
    pull = torch.tensor(np.random.default_rng(3).normal(size=(37, 9)))

    def gradients(v, pull):
        v = v.clone().requires_grad_()
        return torch.autograd.grad(penalty.prox(v, 0.7), v, pull)[0]

    for penalty in made(9):
        together = gradients(v, pull)
        assert torch.equal(gradients(v[4:9], pull[4:9]), together[4:9]), penalty
        assert torch.equal(gradients(v[36:], pull[36:]), together[36:]), penalty
