"""Heads: spectra and rotations made of what networks predict."""

import numpy as np
import pytest
import torch

from sklearn_reasoning._networks import anchored_spectrum, cayley, free_spectrum


def test_free_spectrum_is_a_sigmoid_into_the_interval():
    logits = torch.tensor([[-800.0], [0.0], [np.log(3.0)], [800.0]], dtype=torch.float64)
    eigenvalues = free_spectrum(logits, 0.2, 2.2)
    torch.testing.assert_close(eigenvalues[:, 0], logits.new_tensor([0.2, 1.2, 1.7, 2.2]))


def test_anchored_spectrum_has_both_ends():
    logits = torch.tensor([[0.0], [np.log(3.0)]], dtype=torch.float64)
    eigenvalues = anchored_spectrum(logits, 0.2, 2.2)
    torch.testing.assert_close(eigenvalues[:, 0], logits.new_tensor([2.2, 0.7, 1.7, 0.2]))


@pytest.mark.parametrize("d", [1, 2, 4])
def test_cayley_makes_rotations(d):
    upper = torch.tensor(np.random.default_rng(0).normal(size=(3, d * (d - 1) // 2)))
    R = cayley(upper, d).numpy()
    np.testing.assert_allclose(
        R @ R.transpose(0, 2, 1), np.broadcast_to(np.eye(d), R.shape), atol=1e-14
    )
    np.testing.assert_allclose(np.linalg.det(R), 1)
    # (I + R) A = R - I gives A back.
    A = np.linalg.solve(np.eye(d) + R, R - np.eye(d))
    np.testing.assert_allclose(A[:, *np.triu_indices(d, 1)], upper, rtol=1e-10)
    np.testing.assert_array_equal(cayley(torch.zeros_like(upper), d)[0], np.eye(d))
