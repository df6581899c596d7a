"""A stack of models of one architecture, as one torch module."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import torch
from torch import Tensor, nn

from sklearn_reasoning.algorithms import PerIteration
from sklearn_reasoning.energies import DiagonalQuadratic, KnownSpectrum, SpectralQuadratic
from sklearn_reasoning.energies._heads import anchored_spectrum, cayley, free_spectrum
from sklearn_reasoning.layer import minimize

from ._settings import Architecture


def padded(size: int, multiple: int = 8) -> int:
    """Return the size rounded up, so that each model begins on a vector boundary.

    Vectorised kernels treat the last few elements of a tensor with scalar code that may round
    differently; a model on boundaries of its own gets the same bits in every stack.
    """
    return -(-size // multiple) * multiple


@dataclass(frozen=True)
class _Dense:
    """One affine map: true sizes, and the pieces of the row of weights that hold it."""

    n_in: int
    n_out: int
    matrix: int
    bias: int

    def views(self, pieces: Sequence[Tensor]) -> tuple[Tensor, Tensor]:
        """Return the matrices and the biases of all models."""
        matrix = pieces[self.matrix].unflatten(1, (padded(self.n_out), padded(self.n_in)))
        return matrix, pieces[self.bias].unsqueeze(-1)


class ReasoningStack(nn.Module):
    """Models that differ in weights, step sizes and k, evaluated as one tensor program.

    Activations are features times rows, one matrix a model: (n_models, features, n). All
    weights of a model lie in one row of ``weights``.

    Parameters
    ----------
    architecture : Architecture
    k : tuple of int
        Number of steps of each model.
    step_size_per_iteration : bool, default=False
        Whether each of the k iterations has a step size (all models then have the same k).
    dtype : torch.dtype, default=torch.float64

    Attributes
    ----------
    weights : Parameter of shape (n_models, n_weights)
        Networks, rotation and cell, padded with zeros.
    step_size : Parameter of shape (n_models,) or (n_models, k), float64, or None
    axes : Tensor of shape (n_models, d, d)
        The rotations that a learned one starts from.
    offset, scale : Tensor of shape (n_models, d)
        Centre and scale of the targets, in ``unit``.
    unit : Tensor of shape (n_models,)
        Outputs are in this unit.
    """

    axes: Tensor
    offset: Tensor
    scale: Tensor
    unit: Tensor
    steps: Tensor

    def __init__(
        self,
        architecture: Architecture,
        k: tuple[int, ...],
        step_size_per_iteration: bool = False,
        dtype: torch.dtype = torch.float64,
    ) -> None:
        super().__init__()
        self.architecture = a = architecture
        self.k = tuple(k)
        self.step_size_per_iteration = step_size_per_iteration
        n_models, d = len(self.k), a.n_outputs
        self._n_logits = d - 2 if a.spectrum == "anchored" else d
        self._n_skew = d * (d - 1) // 2
        self._sizes: list[int] = []
        q_outputs = self._n_logits + (self._n_skew if a.rotation == "predicted" else 0)
        self._q_layers = self._reserve_network(a.q_hidden, q_outputs)
        self._b_layers = [] if a.b_hidden is None else self._reserve_network(a.b_hidden, d)
        self._skew = self._reserve(self._n_skew if a.rotation == "shared" else 0)
        self._cell = {
            name: (self._reserve(value.numel()), value)
            for name, value in a.algorithm.initial_weights(d, a.mu, a.L).items()
        }
        self._reserve(padded(sum(self._sizes), 16) - sum(self._sizes))
        self.weights = nn.Parameter(torch.zeros(n_models, sum(self._sizes), dtype=dtype))
        self.step_size: nn.Parameter | None = None
        if a.algorithm.has_step_size:
            shape = [n_models, self.k[0]] if step_size_per_iteration else [n_models]
            self.step_size = nn.Parameter(torch.full(shape, 1.0 / a.L, dtype=torch.float64))
        # Of the models, along the first of the three axes of an energy; part of no saved state.
        self.register_buffer("steps", torch.tensor(self.k).reshape(-1, 1, 1), persistent=False)
        shapes = {"axes": (d, d), "offset": (d,), "scale": (d,), "unit": ()}
        for name, size in shapes.items():
            self.register_buffer(name, torch.zeros(n_models, *size, dtype=dtype))

    def _reserve(self, size: int) -> int:
        self._sizes.append(padded(size))
        return len(self._sizes) - 1

    def _reserve_network(self, hidden: tuple[int, ...] | None, n_out: int) -> list[_Dense]:
        n_in = self.architecture.n_features
        # Without features, or for a constant, only a bias is left.
        sizes = [0, n_out] if hidden is None or n_in == 0 else [n_in, *hidden, n_out]
        return [
            _Dense(
                n_in,
                n_out,
                matrix=self._reserve(padded(n_out) * padded(n_in)),
                bias=self._reserve(n_out),
            )
            for n_in, n_out in pairwise(sizes)
        ]

    @property
    def n_models(self) -> int:
        """Number of models in the stack."""
        return len(self.k)

    # ------------------------------------------------------------------ initial values

    @torch.no_grad()
    def draw_weights(self, model: int, seed: int) -> None:
        """Draw the initial weights of one model: Glorot-uniform matrices, zero biases.

        The last layer for b begins at zero, so that predictions begin at the mean of y: outputs
        that weigh little in the loss would otherwise keep the noise of their first weights.
        """
        generator = torch.Generator().manual_seed(seed)
        row = torch.zeros(1, sum(self._sizes), dtype=torch.float64)
        pieces = row.split(self._sizes, dim=1)
        for layer in self._q_layers + self._b_layers[:-1]:
            if layer.n_in:
                bound = math.sqrt(6.0 / (layer.n_in + layer.n_out))
                shape = (layer.n_out, layer.n_in)
                drawn = torch.rand(shape, dtype=torch.float64, generator=generator)
                matrix, _ = layer.views(pieces)
                matrix[0, : layer.n_out, : layer.n_in] = bound * (2.0 * drawn - 1.0)
        for place, value in self._cell.values():
            pieces[place][0, : value.numel()] = value.flatten()
        self.weights[model] = row[0].to(self.weights)

    # ------------------------------------------------------------------ the model

    def energy(
        self, x: Tensor, b: Tensor | None = None, rotation: Tensor | None = None
    ) -> KnownSpectrum:
        """Return the energies that the models predict, before the offset is put in.

        Parameters
        ----------
        x : Tensor of shape (n_models, padded n_features, n)
        b : Tensor of shape (n_models, d, n) or None
            The linear terms, where they are given.
        rotation : Tensor of shape (n_models, n, d, d) or None
            The eigenvectors, where they are given. None where they are given says that b is
            in the eigenbasis already.

        Returns
        -------
        KnownSpectrum
            Of shape (n_models, n, d), with the rows innermost in memory.
        """
        a = self.architecture
        pieces = self.weights.split(self._sizes, dim=1)
        outputs = _run_network(self._q_layers, pieces, x)
        head = anchored_spectrum if a.spectrum == "anchored" else free_spectrum
        eigenvalues = head(outputs[:, : self._n_logits], a.mu, a.L).mT
        if b is None:
            b = _run_network(self._b_layers, pieces, x)[:, : a.n_outputs]
            b = b * self.scale.unsqueeze(-1)
        if a.rotation == "shared" and a.n_outputs > 1:
            upper = pieces[self._skew][:, : self._n_skew]
            rotation = torch.matmul(self.axes, cayley(upper, a.n_outputs))
        elif a.rotation == "predicted" and a.n_outputs > 1:
            upper = outputs[:, self._n_logits : self._n_logits + self._n_skew].mT
            rotation = torch.matmul(self.axes.unsqueeze(1), cayley(upper, a.n_outputs))
        if rotation is None:
            return DiagonalQuadratic(eigenvalues, b.mT)
        return SpectralQuadratic(eigenvalues, rotation, b.mT)

    def complete_energy(
        self, x: Tensor, b: Tensor | None = None, rotation: Tensor | None = None
    ) -> KnownSpectrum:
        r"""Return the energies with the offset c of the targets put into b.

        For a polynomial method :math:`b = b_\theta(x) - q_k(Q)^{-1} c`: then :math:`-q_k(Q) b`
        is :math:`-q_k(Q) b_\theta + c` at the k trained with. For other methods :math:`b =
        b_\theta(x) - Q c`, whose exact minimiser is off by c.

        Parameters are those of :meth:`energy`.
        """
        energy = self.energy(x, b, rotation)
        if self.architecture.b_hidden is not None:
            energy.b = energy.b - energy.from_eigenbasis(self._offset_in_b(energy))
        return energy

    def _offset_in_b(self, energy: KnownSpectrum) -> Tensor:
        """Return what the offset takes from b, in the eigenbasis."""
        a = self.architecture
        gain = energy.eigenvalues
        if a.algorithm.is_polynomial:
            q = a.algorithm.filter(gain, self._steps(None), self._phi(), a.mu, a.L)
            # With k = 0 the output is 0 whatever b is.
            gain = torch.where(q == 0.0, 0.0, 1.0 / torch.where(q == 0.0, 1.0, q))
        return gain * energy.to_eigenbasis(self.offset.unsqueeze(1))

    def forward(
        self,
        x: Tensor,
        b: Tensor | None = None,
        rotation: Tensor | None = None,
        k: int | None = None,
    ) -> Tensor:
        """Return the predictions, in ``unit``.

        Parameters
        ----------
        x, b, rotation
            As for :meth:`energy`.
        k : int or None, default=None
            Another number of steps for all models.

        Returns
        -------
        Tensor of shape (n_models, n, d)
        """
        algorithm = self.architecture.algorithm
        trained_k = k is None or (self.k == (k,) * self.n_models)
        if self.architecture.b_hidden is None:
            return self._minimize(self.energy(x, b, rotation), k)
        if not algorithm.commutes_with_rotations:
            return self._minimize(self.complete_energy(x, b, rotation), k)
        energy = self.energy(x, b, rotation)
        if algorithm.is_polynomial and trained_k and 0 not in self.k:
            # The layer is linear in b: adding c afterwards is the same, and cheaper.
            return self._minimize(energy, k) + self.offset.unsqueeze(1)
        completed = energy.to_eigenbasis(energy.b) - self._offset_in_b(energy)
        decoupled = DiagonalQuadratic(energy.eigenvalues, completed)
        return energy.from_eigenbasis(self._minimize(decoupled, k))

    def _minimize(self, energy: KnownSpectrum, k: int | None) -> Tensor:
        a = self.architecture
        return minimize(a.algorithm, energy, self._steps(k), self._phi(), a.mu, a.L)

    def _steps(self, k: int | None) -> int | Tensor:
        if k is not None:
            return k
        if len(set(self.k)) == 1:
            return self.k[0]
        return self.steps

    def _phi(self) -> Any:
        if self.step_size is not None:
            step_size = self.step_size.to(self.weights.dtype).unsqueeze(-1).unsqueeze(-1)
            if self.step_size_per_iteration:
                return PerIteration(tuple(step_size.unbind(1)))
            return step_size
        if self._cell:
            pieces = self.weights.split(self._sizes, dim=1)
            return {
                name: pieces[place][:, : value.numel()].unflatten(1, value.shape)
                for name, (place, value) in self._cell.items()
            }
        return None


def _run_network(layers: list[_Dense], pieces: Sequence[Tensor], x: Tensor) -> Tensor:
    """Apply affine maps with ReLU between them to (n_models, features, n)."""
    hidden = x
    for i, layer in enumerate(layers):
        matrix, bias = layer.views(pieces)
        if layer.n_in:
            hidden = torch.baddbmm(bias, matrix, hidden)
        else:
            hidden = bias.expand(-1, -1, x.shape[-1])
        if i + 1 < len(layers):
            hidden = torch.relu(hidden)
    return hidden
