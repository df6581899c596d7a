"""What the property-based tests draw: quadratic problems, settings of estimators, data."""

from dataclasses import dataclass, field

import numpy as np
import torch
from hypothesis import strategies as st

from sklearn_reasoning.algorithms import get_algorithm, list_algorithms
from sklearn_reasoning.energies import (
    DenseQuadratic,
    DiagonalQuadratic,
    OperatorQuadratic,
    SpectralQuadratic,
)

KINDS = ["diagonal", "spectral", "shared rotation", "dense", "operator"]

ANY_ALGORITHM = st.sampled_from(list_algorithms())
EITHER_FLOAT = st.sampled_from([torch.float64, torch.float32])

seeds = st.integers(0, 2**32 - 1)


@st.composite
def spectra(draw, largest_condition=1e8):
    """Draw mu and L: equal, close, or far apart, of any size."""
    mu = 10.0 ** draw(st.floats(-4, 2))
    condition = draw(st.one_of(st.just(1.0), st.floats(0, 1).map(lambda x: largest_condition**x)))
    return mu, mu * condition


@dataclass(frozen=True)
class Problem:
    """Energies of n samples in d dimensions, and a layer to minimise them.

    ``eigenvalues`` (n, d), ``R`` (n, d, d) and ``b`` (n, d) are float64 arrays of numbers that
    the dtype of the energy can hold; ``k`` is an int or has one entry a sample.
    """

    name: str
    kind: str
    dtype: torch.dtype
    mu: float
    L: float
    k: int | np.ndarray
    step_size: float | None
    eigenvalues: np.ndarray = field(repr=False)
    R: np.ndarray = field(repr=False)
    b: np.ndarray = field(repr=False)

    @property
    def condition(self):
        return self.L / self.mu

    @property
    def largest_k(self):
        return int(np.max(self.k, initial=0))

    def matrices(self):
        """Return Q of each sample, as the energy holds it where it holds one."""
        R = self.R.astype(np.longdouble)
        Q = (R * self.eigenvalues[:, None]) @ R.swapaxes(1, 2)
        if self.kind in ("dense", "operator"):
            return self._rounded(Q.astype(np.float64))
        return Q

    def _rounded(self, array):
        return torch.tensor(array).to(self.dtype).double().numpy()

    def tensors(self):
        """Return the tensors that the energy is made of, under their names."""
        parts = {"eigenvalues": self.eigenvalues, "b": self.b}
        if self.kind == "spectral":
            parts["R"] = self.R
        elif self.kind == "shared rotation":
            parts["R"] = self.R[0] if len(self.R) else np.eye(self.b.shape[1])
        elif self.kind != "diagonal":
            del parts["eigenvalues"]
            parts["Q"] = self.matrices()
        return {name: torch.tensor(part.copy(), dtype=self.dtype) for name, part in parts.items()}

    def energy(self, **tensors):
        """Return the energy, of the tensors given or of its own."""
        t = tensors or self.tensors()
        if self.kind == "diagonal":
            return DiagonalQuadratic(t["eigenvalues"], t["b"])
        if self.kind in ("spectral", "shared rotation"):
            return SpectralQuadratic(t["eigenvalues"], t["R"], t["b"])
        if self.kind == "dense":
            return DenseQuadratic(t["Q"], t["b"])
        return OperatorQuadratic(lambda y: (t["Q"] @ y.unsqueeze(-1)).squeeze(-1), t["b"])


@st.composite
def problems(
    draw,
    names=ANY_ALGORITHM,
    dtypes=EITHER_FLOAT,
    ks=None,
    smallest_n=0,
    largest_condition=1e8,
):
    """Draw a :class:`Problem`."""
    name, kind, dtype = draw(names), draw(st.sampled_from(KINDS)), draw(dtypes)
    n, d = draw(st.integers(smallest_n, 4)), draw(st.integers(1, 6))
    if kind in ("dense", "operator"):
        # Rounding Q moves its eigenvalues by the resolution of L; mu must stay above it.
        largest_condition = min(largest_condition, 1e-2 / torch.finfo(dtype).eps)
    mu, L = draw(spectra(largest_condition))
    if ks is None:
        ks = st.one_of(st.integers(0, 5), st.integers(6, 60), st.sampled_from([127, 500, 1000]))
    k = draw(ks)
    if draw(st.booleans()):
        k = np.array([min(k, draw(st.integers(0, 60))) for _ in range(n)], dtype=np.int64)
    algorithm = get_algorithm(name)
    step_size = None
    if algorithm.has_step_size:
        low, high = algorithm.stable_region(mu, L)
        step_size = low + draw(st.one_of(st.floats(0, 1), st.sampled_from([0, 1]))) * (high - low)
    rng = np.random.default_rng(draw(seeds))
    eigenvalues = mu + (L - mu) * rng.random((n, d)) ** rng.choice([1, 4])
    if draw(st.booleans()) and n:
        eigenvalues[:, 0], eigenvalues[:, -1] = mu, L
    b = rng.normal(size=(n, d)) * 10.0 ** draw(st.floats(-3, 3))
    R = np.linalg.qr(rng.normal(size=(max(n, 1), d, d)))[0][:n]
    if kind == "diagonal":
        R = np.broadcast_to(np.eye(d), R.shape)
    elif kind == "shared rotation" and n:
        R = np.broadcast_to(R[0], R.shape)

    def held(array):
        return torch.tensor(array.copy()).to(dtype).double().numpy()

    return Problem(name, kind, dtype, mu, L, k, step_size, held(eigenvalues), held(R), held(b))
