"""Conjugate gradients that are done before their last step: the derivative is the minimiser's.

The steps that led there would say something else, since nearby problems are not done yet and go
on. References: the closed form, the layer "opt", and differences of the layer's own output.
"""

import numpy as np
import pytest
import torch
from _covering import covering

from sklearn_reasoning import ReasoningLayer
from sklearn_reasoning.energies import (
    DenseQuadratic,
    DiagonalQuadratic,
    OperatorQuadratic,
    SpectralQuadratic,
)

MU, L = 0.1, 1.0
WEIGHTS = np.array([[0.3, 1.0]])
#: Eigenvalues and b; with k = d = 2 the layer is the minimiser near each of them.
CASES = {
    "Q is a multiple of I": ([[0.5, 0.5]], [[1.0, -2.0]]),
    "b is an eigenvector": ([[0.5, 0.25]], [[1.0, 0.0]]),
    "generic": ([[0.5, 0.25]], [[1.0, -2.0]]),
}


def turned(angle):
    c, s = np.cos(angle), np.sin(angle)
    return torch.tensor([[c, -s], [s, c]], dtype=torch.float64)


ROTATION = turned(0.7)


def make(kind, spectrum, b):
    """Return an energy with these eigenvalues, and b given in the eigenbasis."""
    if kind == "diagonal":
        return DiagonalQuadratic(spectrum, b)
    b = b @ ROTATION.mT
    if kind == "spectral":
        return SpectralQuadratic(spectrum, ROTATION, b)
    Q = (ROTATION * spectrum.unsqueeze(-2)) @ ROTATION.mT
    if kind == "dense":
        return DenseQuadratic(Q, b)
    return OperatorQuadratic(lambda y: torch.einsum("nij,nj->ni", Q, y), b)


def output(name, kind, spectrum, b, k, start=None):
    """Return the layer's output in the eigenbasis."""
    if start is not None and kind != "diagonal":
        start = start @ ROTATION.mT
    y = ReasoningLayer(name, k, MU, L)(make(kind, spectrum, b), start=start)
    return y if kind == "diagonal" else y @ ROTATION


def leaf(values):
    return torch.tensor(values, dtype=torch.float64, requires_grad=True)


def gradients(name, kind, spectrum, b, k, start=None):
    """Return the derivatives of a weighted sum of outputs by eigenvalues, b and the start."""
    leaves = [leaf(spectrum), leaf(b), *([] if start is None else [leaf(start)])]
    y = output(name, kind, *leaves[:2], k, *leaves[2:])
    total = (torch.tensor(WEIGHTS) * y).sum()
    return [x.numpy() for x in torch.autograd.grad(total, leaves, materialize_grads=True)]


@covering("case, kind, k", CASES, ["diagonal", "spectral", "dense", "operator"], [2, 3, 10])
def test_the_gradient_is_that_of_the_minimiser(case, kind, k):
    spectrum, b = map(np.array, CASES[case])
    by_spectrum, by_b = gradients("cg", kind, spectrum, b, k)
    np.testing.assert_allclose(by_spectrum, WEIGHTS * b / spectrum**2, rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(by_b, -WEIGHTS / spectrum, rtol=1e-9, atol=1e-9)
    for ours, exact in zip(
        gradients("opt", kind, spectrum, b, k), (by_spectrum, by_b), strict=True
    ):
        np.testing.assert_allclose(ours, exact, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("case", CASES)
def test_it_is_the_difference_quotient_of_the_layer_itself(case):
    inputs = [np.array(values) for values in CASES[case]]
    for which, gradient in enumerate(gradients("cg", "diagonal", *inputs, 2)):
        for i in range(2):
            sides = []
            for width in (1e-6, -1e-6):
                moved = [torch.tensor(x) for x in inputs]
                moved[which][0, i] += width
                sides.append(
                    float((torch.tensor(WEIGHTS) * output("cg", "diagonal", *moved, 2)).sum())
                )
            assert gradient[0, i] == pytest.approx((sides[0] - sides[1]) / 2e-6, rel=1e-6, abs=1e-6)


@pytest.mark.parametrize("k", [1, 2, 7])
@pytest.mark.parametrize("kind", ["diagonal", "spectral", "dense", "operator"])
def test_where_b_is_zero_it_learns_as_the_minimiser_does(kind, k):
    """A model whose b begins at 0, as a learned correction does, is done before its first step."""
    by_spectrum, by_b = gradients("cg", kind, [[0.5, 0.25]], [[0.0, 0.0]], k)
    np.testing.assert_array_equal(by_spectrum, [[0.0, 0.0]])
    np.testing.assert_allclose(by_b, -WEIGHTS / [[0.5, 0.25]], rtol=1e-12)


@pytest.mark.parametrize("kind", ["diagonal", "spectral", "dense", "operator"])
def test_started_at_the_minimiser(kind):
    spectrum, b = np.array([[0.5, 0.25]]), np.array([[1.0, -2.0]])
    for k in (2, 5):
        *rest, by_start = gradients("cg", kind, spectrum, b, k, start=-b / spectrum)
        np.testing.assert_allclose(rest[0], WEIGHTS * b / spectrum**2, rtol=1e-9, atol=1e-9)
        np.testing.assert_allclose(rest[1], -WEIGHTS / spectrum, rtol=1e-9, atol=1e-9)
        np.testing.assert_allclose(by_start, [[0.0, 0.0]], atol=1e-9)


def test_rows_that_are_done_and_rows_that_are_not_are_each_as_alone():
    rng = np.random.default_rng(0)
    spectrum, b = rng.uniform(MU, L, (4, 6)), rng.normal(size=(4, 6))
    spectrum[1], b[2] = 0.5, 0.0
    b[3] *= [0, 0, 1, 0, 0, 0]
    weights = torch.tensor(rng.normal(size=(4, 6)))

    def run(rows):
        leaves = leaf(spectrum[rows]), leaf(b[rows])
        y = ReasoningLayer("cg", 3, MU, L)(DiagonalQuadratic(*leaves))
        return y.detach(), *torch.autograd.grad((weights[rows] * y).sum(), leaves)

    together = run(slice(None))
    for row in range(4):
        for whole, alone in zip(together, run(slice(row, row + 1)), strict=True):
            torch.testing.assert_close(whole[row], alone[0], rtol=1e-12, atol=1e-14)
    for row in (1, 2, 3):
        expected = -weights[row] / torch.tensor(spectrum[row])
        torch.testing.assert_close(together[2][row], expected, rtol=1e-9, atol=1e-9)


def test_the_values_do_not_depend_on_whether_gradients_are_recorded():
    for spectrum, b in CASES.values():
        for kind in ("diagonal", "dense"):
            recorded = output("cg", kind, leaf(spectrum), leaf(b), 5)
            with torch.no_grad():
                plain = output("cg", kind, leaf(spectrum), leaf(b), 5)
            assert torch.equal(recorded.detach(), plain)
            np.testing.assert_allclose(plain, -np.array(b) / np.array(spectrum), atol=1e-14)


def test_second_derivatives_are_those_of_the_minimiser():
    """Of b_i / q_i by q_i and q_i again: 2 b_i / q_i^3."""
    for spectrum, b in CASES.values():
        leaves = leaf(spectrum), leaf(b)
        y = ReasoningLayer("cg", 6, MU, L)(DiagonalQuadratic(*leaves))
        (slope,) = torch.autograd.grad(y.sum(), leaves[0], create_graph=True)
        (bend,) = torch.autograd.grad(slope.sum(), leaves[0])
        expected = -2 * np.array(b) / np.array(spectrum) ** 3
        np.testing.assert_allclose(bend, expected, rtol=1e-8, atol=1e-8)


@pytest.mark.parametrize(
    ("dtype", "exponent"),
    [
        (torch.float64, -1000),
        (torch.float64, -560),
        (torch.float64, 530),
        (torch.float64, 1000),
        (torch.float32, -110),
        (torch.float32, 66),
        (torch.float32, 120),
    ],
)
def test_the_unit_of_b_does_not_matter(dtype, exponent):
    """The squares of these gradients are beyond the floats."""
    unit = 2.0**exponent
    generator = torch.Generator().manual_seed(0)
    eigenvalues = 0.1 + 0.9 * torch.rand(5, 4, generator=generator, dtype=dtype)
    b = torch.randn(5, 4, generator=generator, dtype=dtype)
    b[0] = 0.0
    for k in (1, 3, 6):
        layer = ReasoningLayer("cg", k=k, mu=0.1, L=1.0)
        results, slopes = [], []
        for scale in (1.0, unit):
            given = (scale * b).requires_grad_()
            y = layer(DiagonalQuadratic(eigenvalues, given))
            results.append(y.detach() / scale)
            # Of y in units by b in units.
            slopes.append(torch.autograd.grad((y / scale).sum(), given)[0] * scale)
        torch.testing.assert_close(results[1], results[0], rtol=0, atol=0)
        torch.testing.assert_close(slopes[1], slopes[0])
    exact = -b / eigenvalues
    torch.testing.assert_close(results[1], exact, rtol=1e-4, atol=1e-5)


def test_rows_of_unlike_units_do_not_spoil_one_another():
    eigenvalues = torch.tensor([[0.5, 0.25]], dtype=torch.float64).expand(4, 2)
    units = torch.tensor([[1e-170], [1.0], [1e160], [0.0]], dtype=torch.float64)
    b = units * torch.tensor([1.0, -2.0], dtype=torch.float64)
    y = ReasoningLayer("cg", k=3, mu=0.1, L=1.0)(DiagonalQuadratic(eigenvalues, b))
    torch.testing.assert_close(y, -b / eigenvalues, rtol=1e-12, atol=0.0)
