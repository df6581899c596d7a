"""Energies against NumPy, and what they refuse."""

import numpy as np
import pytest
import torch

from sklearn_reasoning.energies import (
    DenseQuadratic,
    DiagonalQuadratic,
    OperatorQuadratic,
    SpectralQuadratic,
)
from sklearn_reasoning.testing import check_energy

N, D = 4, 3
KINDS = ["diagonal", "one diagonal", "spectral", "shared rotation", "dense", "operator", "stack"]


def make(kind, dtype=torch.float64):
    """Return an energy of a kind, with its Q and b as arrays."""
    rng = np.random.default_rng(2)
    lead = (2, N) if kind == "stack" else (N,)
    eigenvalues = rng.uniform(0.2, 2.0, (*lead, D))
    R, _ = np.linalg.qr(rng.normal(size=(*lead, D, D)))
    if kind == "one diagonal":
        eigenvalues = eigenvalues[:1]
    if kind in ("diagonal", "one diagonal"):
        R = np.broadcast_to(np.eye(D), R.shape)
    elif kind == "shared rotation":
        R = np.broadcast_to(R[0], R.shape)
    Q = R * eigenvalues[..., None, :] @ np.swapaxes(R, -1, -2)
    b = rng.normal(size=(*lead, D))

    def to(array):
        return torch.tensor(array.copy(), dtype=dtype)

    if "diagonal" in kind:
        return DiagonalQuadratic(to(eigenvalues), to(b)), Q, b
    if kind == "dense":
        return DenseQuadratic(to(Q), to(b)), Q, b
    if kind == "operator":
        return OperatorQuadratic(lambda y: (to(Q) @ y.unsqueeze(-1)).squeeze(-1), to(b)), Q, b
    rotation = R[0] if kind == "shared rotation" else R
    return SpectralQuadratic(to(eigenvalues), to(rotation), to(b)), Q, b


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
@pytest.mark.parametrize("kind", KINDS)
def test_each_keeps_the_contract(kind, dtype):
    check_energy(make(kind, dtype)[0])


@pytest.mark.parametrize("kind", KINDS)
def test_against_numpy(kind):
    energy, Q, b = make(kind)
    y = np.random.default_rng(5).normal(size=b.shape)
    Qy = np.einsum("...ij,...j->...i", Q, y)
    point = torch.tensor(y)
    close = {"rtol": 1e-12, "atol": 1e-13}
    np.testing.assert_allclose(energy.product(point), Qy, **close)
    np.testing.assert_allclose(energy.gradient(point), Qy + b, **close)
    value = 0.5 * np.sum(y * Qy, -1) + np.sum(b * y, -1)
    np.testing.assert_allclose(energy.value(point), value, **close)
    minimizer = -np.linalg.solve(Q, b[..., None])[..., 0]
    np.testing.assert_allclose(energy.minimizer(), minimizer, rtol=1e-10)
    if isinstance(energy, SpectralQuadratic):
        np.testing.assert_allclose(energy.matrix().expand(Q.shape), Q, **close)


@pytest.mark.parametrize("kind", ["diagonal", "spectral", "dense", "operator"])
def test_provides_says_what_is_there(kind):
    energy, Q, _ = make(kind)
    known = kind in ("diagonal", "spectral")
    always = {"gradient", "product", "minimizer", "resolvent"}
    assert energy.provides == (always | {"spectrum"} if known else always)
    assert hasattr(energy, "eigenvalues") == known
    if known:
        np.testing.assert_allclose(np.sort(energy.eigenvalues), np.linalg.eigvalsh(Q), rtol=1e-12)


def ones(*shape, dtype=torch.float64):
    return torch.ones(shape, dtype=dtype)


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: DiagonalQuadratic(ones(4, 3), ones(4, 2)), r"diagonal .*\(4, 3\).* b .*\(4, 2\)"),
        (lambda: DiagonalQuadratic(ones(4, 3), ones(5, 3)), r"diagonal .*\(4, 3\).* b .*\(5, 3\)"),
        (lambda: DiagonalQuadratic(ones(3), ones(4, 3)), r"diagonal must have shape \(n, d\)"),
        (lambda: DiagonalQuadratic(ones(4, 3), ones(3)), r"b must have shape \(n, d\)"),
        (lambda: DenseQuadratic(ones(4, 3, 2), ones(4, 3)), r"Q of shape \(4, 3, 2\).* b of shape"),
        (lambda: DenseQuadratic(ones(3, 3), ones(4, 3)), r"Q of shape \(3, 3\).* b of shape"),
        (lambda: DenseQuadratic(ones(5, 3, 3), ones(4, 3)), r"Q of shape \(5, 3, 3\).* b of shape"),
        (lambda: SpectralQuadratic(ones(4, 3), ones(2, 2), ones(4, 3)), r"rotation of shape"),
        (lambda: SpectralQuadratic(ones(4, 3), ones(5, 3, 3), ones(4, 3)), r"rotation of shape"),
        (lambda: SpectralQuadratic(ones(4, 3), ones(3, 3), ones(4, 2)), r"b of shape \(4, 2\)"),
        (lambda: SpectralQuadratic(ones(4, 3), ones(3, 3), ones(5, 3)), r"b of shape \(5, 3\)"),
        (lambda: OperatorQuadratic(lambda y: y, ones(3)), r"b must have shape"),
    ],
)
def test_shapes_that_do_not_go_together(build, message):
    with pytest.raises(ValueError, match=message):
        build()


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: DiagonalQuadratic(np.ones((4, 3)), ones(4, 3)), "diagonal must be a torch.Tensor"),
        (
            lambda: DiagonalQuadratic(ones(4, 3, dtype=torch.int64), ones(4, 3)),
            "diagonal must have",
        ),
        (lambda: DenseQuadratic(ones(4, 3, 3), np.ones((4, 3))), "b must be a torch.Tensor"),
        (lambda: DenseQuadratic(ones(4, 3, 3, dtype=torch.complex64), ones(4, 3)), "Q must have a"),
        (lambda: SpectralQuadratic(ones(4, 3), np.eye(3), ones(4, 3)), "rotation must be"),
        (lambda: OperatorQuadratic(np.eye(3), ones(4, 3)), "matvec must be callable, got ndarray"),
        (lambda: OperatorQuadratic(lambda y: y, None), "b must be a torch.Tensor, got NoneType"),
        (
            lambda: DiagonalQuadratic(ones(4, 3), ones(4, 3, dtype=torch.float32)),
            "b of torch.float32 does not go with torch.float64",
        ),
        (
            lambda: DenseQuadratic(ones(4, 3, 3), ones(4, 3, dtype=torch.float32)),
            "b of torch.float32 does not go with torch.float64",
        ),
        (
            lambda: SpectralQuadratic(ones(4, 3), ones(3, 3, dtype=torch.float32), ones(4, 3)),
            "rotation of torch.float32 does not go with torch.float64",
        ),
    ],
)
def test_what_is_no_floating_point_tensor(build, message):
    with pytest.raises(TypeError, match=message):
        build()
