"""A stack of models of one architecture, as one torch module."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from sklearn_reasoning.algorithms import PerIteration
from sklearn_reasoning.algorithms._steps import StepCounts, Steps
from sklearn_reasoning.energies import DiagonalQuadratic, KnownSpectrum, SpectralQuadratic
from sklearn_reasoning.energies._anchored import AnchoredQuadratic
from sklearn_reasoning.energies._heads import (
    anchored_spectrum,
    cayley,
    free_spectrum,
    inner_spectrum,
)
from sklearn_reasoning.layer import minimize

from ._network import Layout, evaluate
from ._network import padded as padded
from ._settings import Architecture


class _Predicted(NamedTuple):
    """What the weights give at x, before it is put together."""

    energy: KnownSpectrum
    phi: Any


def layout_of(architecture: Architecture, at_most: int | None = None) -> Layout:
    """Return how the weights of a model lie in its row.

    Parameters
    ----------
    architecture : Architecture
    at_most : int or None, default=None
        How many weights there may be.

    Raises
    ------
    ValueError
        If there are more; no more is then worked out than that many weights need.
    """
    a, layout = architecture, Layout()
    n_logits, n_skew = _sizes(a)
    q_outputs = n_logits + (n_skew if a.rotation == "predicted" else 0)
    layout.add_network(a.n_features, a.q_hidden, q_outputs)
    if a.b_hidden is not None:
        layout.add_network(a.n_features, a.b_hidden, a.n_outputs)
    if a.rotation == "shared":
        layout.add_block("skew", (n_skew,))
    n_weights = sum(layout.sizes)
    for name, shape in a.algorithm.weight_shapes(a.n_outputs):
        layout.add_block(name, shape)
        n_weights += layout.sizes[-1]
        if at_most is not None and n_weights > at_most:
            break
    n_weights = layout.close()
    if at_most is not None and n_weights > at_most:
        raise ValueError(f"the architecture has more than the {at_most} weights that there are")
    return layout


def state_shapes(
    architecture: Architecture, n_sizes: int | None, n_weights: int
) -> dict[str, tuple[int, ...]]:
    """Return the shapes of the saved state of a stack of one, without making it.

    Parameters
    ----------
    architecture : Architecture
    n_sizes : int or None
        Number of step sizes, where each iteration has one.
    n_weights : int
        How many weights there may be.

    Raises
    ------
    ValueError
        If the architecture has more.
    """
    shapes: dict[str, tuple[int, ...]] = {
        "weights": (1, sum(layout_of(architecture, n_weights).sizes)),
        **{name: (1, *size) for name, size in _target_shapes(architecture).items()},
    }
    if architecture.algorithm.has_step_size:
        shapes["step_size"] = (1,) if n_sizes is None else (1, n_sizes)
    return shapes


def _sizes(a: Architecture) -> tuple[int, int]:
    """Return the numbers of predicted eigenvalues, and of entries above a diagonal."""
    d = a.n_outputs
    return d - 2 if a.spectrum == "anchored" else d, d * (d - 1) // 2


def _target_shapes(a: Architecture) -> dict[str, tuple[int, ...]]:
    """Return the shapes of what is known of the targets, for one model."""
    d = a.n_outputs
    return {"axes": (d, d), "offset": (d,), "scale": (d,), "unit": ()}


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
    ends: Tensor

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
        self._n_logits, self._n_skew = _sizes(a)
        self._layout = layout_of(a)
        q_network, *b_network = self._layout.networks
        self._drawn = q_network + (b_network[0][:-1] if b_network else ())
        self._cell = a.algorithm.initial_weights(d, a.mu, a.L)
        n_weights = sum(self._layout.sizes)
        self.weights = nn.Parameter(torch.zeros(n_models, n_weights, dtype=dtype))
        self.step_size: nn.Parameter | None = None
        if a.algorithm.has_step_size:
            shape = [n_models, self.k[0]] if step_size_per_iteration else [n_models]
            self.step_size = nn.Parameter(torch.full(shape, 1.0 / a.L, dtype=torch.float64))
        # Of the models, along the first of the three axes of an energy; part of no saved state.
        self.register_buffer("steps", torch.tensor(self.k).reshape(-1, 1, 1), persistent=False)
        self._step_counts = StepCounts(self.steps)
        # The outer eigenvalues where they are known, often enough to fill a vector register.
        ends = torch.tensor([a.L, a.mu], dtype=dtype).reshape(1, 2, 1).repeat(1, 1, 8)
        self.register_buffer("ends", ends, persistent=False)
        for name, size in _target_shapes(a).items():
            self.register_buffer(name, torch.zeros(n_models, *size, dtype=dtype))

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
        row = torch.zeros(1, self.weights.shape[1], dtype=torch.float64)
        pieces = row.split(self._layout.sizes, dim=1)
        for layer in self._drawn:
            if layer.matrix is not None:
                bound = math.sqrt(6.0 / sum(layer.matrix.shape))
                drawn = torch.rand(layer.matrix.shape, dtype=torch.float64, generator=generator)
                layer.matrix.cut(layer.matrix.of(pieces))[0] = bound * (2.0 * drawn - 1.0)
        for name, value in self._cell.items():
            block = self._layout.blocks[name]
            block.cut(block.of(pieces))[0] = value
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
        return self._predict(x, b, rotation).energy

    def _predict(self, x: Tensor, b: Tensor | None, rotation: Tensor | None) -> _Predicted:
        a = self.architecture
        outputs, blocks = evaluate(self.weights, x, self._layout)
        q_outputs = outputs[0]
        logits = q_outputs
        if a.rotation == "shared" and a.n_outputs > 1:
            upper = self._layout.blocks["skew"].cut(blocks["skew"])
            rotation = torch.matmul(self.axes, cayley(upper, a.n_outputs))
        elif a.rotation == "predicted" and a.n_outputs > 1:
            logits, upper = q_outputs.split([self._n_logits, self._n_skew], dim=1)
            rotation = torch.matmul(self.axes.unsqueeze(1), cayley(upper.mT, a.n_outputs))
        b = (outputs[1] * self.scale.unsqueeze(-1) if b is None else b).mT
        is_anchored = a.spectrum == "anchored"
        if is_anchored and rotation is None:
            inner = inner_spectrum(logits, a.mu, a.L).mT
            return _Predicted(AnchoredQuadratic(inner, self.ends.mT, b), self._phi(blocks))
        eigenvalues = (anchored_spectrum if is_anchored else free_spectrum)(logits, a.mu, a.L).mT
        if rotation is None:
            return _Predicted(DiagonalQuadratic(eigenvalues, b), self._phi(blocks))
        return _Predicted(SpectralQuadratic(eigenvalues, rotation, b), self._phi(blocks))

    def complete_energy(
        self, x: Tensor, b: Tensor | None = None, rotation: Tensor | None = None
    ) -> KnownSpectrum:
        r"""Return the energies with the offset c of the targets put into b.

        For a polynomial method :math:`b = b_\theta(x) - q_k(Q)^{-1} c`: then :math:`-q_k(Q) b`
        is :math:`-q_k(Q) b_\theta + c` at the k trained with. For other methods :math:`b =
        b_\theta(x) - Q c`, whose exact minimiser is off by c.

        Parameters are those of :meth:`energy`.
        """
        return self._complete(*self._predict(x, b, rotation))

    def energy_and_error(
        self,
        x: Tensor,
        b: Tensor | None = None,
        rotation: Tensor | None = None,
        k: int | None = None,
    ) -> tuple[KnownSpectrum, Tensor]:
        """Return :meth:`complete_energy` and what the layer leaves to its exact minimiser.

        Parameters are those of :meth:`forward`. The energies are those of the models' own k.

        Returns
        -------
        energy : KnownSpectrum
        error : Tensor of shape (n_models, n, d)
            Output minus minimiser, in ``unit`` and, where only its length is kept, in the
            eigenbasis.
        """
        a = self.architecture
        energy, phi = self._predict(x, b, rotation)
        energy = self._complete(energy, phi)
        if a.algorithm.is_polynomial:
            # Of the residual itself: a difference of outputs has no digits left near 0.
            steps = self._steps(k)
            left = energy.apply(lambda t: a.algorithm.residual(t, steps, phi, a.mu, a.L))
            return energy, left * energy.to_eigenbasis(energy.b) / energy.eigenvalues
        return energy, self._minimize(energy, k, phi) - energy.minimizer()

    def _complete(self, energy: KnownSpectrum, phi: Any) -> KnownSpectrum:
        if self.architecture.b_hidden is not None:
            energy.b = energy.b - energy.from_eigenbasis(self._offset_in_b(energy, phi))
        return energy

    def _offset_in_b(self, energy: KnownSpectrum, phi: Any) -> Tensor:
        """Return what the offset takes from b, in the eigenbasis."""
        a = self.architecture
        if a.algorithm.is_polynomial:
            steps = self._steps(None)
            q = energy.apply(lambda t: a.algorithm.filter(t, steps, phi, a.mu, a.L))
            # With k = 0 the output is 0 whatever b is.
            gain = torch.where(q == 0.0, 0.0, 1.0 / torch.where(q == 0.0, 1.0, q))
        else:
            gain = energy.eigenvalues
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
        energy, phi = self._predict(x, b, rotation)
        if self.architecture.b_hidden is None:
            return self._minimize(energy, k, phi)
        if not algorithm.commutes_with_rotations:
            return self._minimize(self._complete(energy, phi), k, phi)
        trained_k = k is None or (self.k == (k,) * self.n_models)
        if algorithm.is_polynomial and trained_k and 0 not in self.k:
            # The layer is linear in b: adding c afterwards is the same, and cheaper.
            return self._minimize(energy, k, phi) + self.offset.unsqueeze(1)
        completed = energy.to_eigenbasis(energy.b) - self._offset_in_b(energy, phi)
        decoupled = DiagonalQuadratic(energy.eigenvalues, completed)
        return energy.from_eigenbasis(self._minimize(decoupled, k, phi))

    def _minimize(self, energy: KnownSpectrum, k: int | None, phi: Any) -> Tensor:
        a = self.architecture
        return minimize(a.algorithm, energy, self._steps(k), phi, a.mu, a.L)

    def learned(self) -> float | PerIteration | dict[str, Tensor] | None:
        """Return the step size, the step sizes or the weights of the layer of a single model."""
        if self.step_size is not None:
            sizes = self.step_size.detach()[0].cpu()
            return PerIteration(tuple(sizes.tolist())) if sizes.ndim else float(sizes)
        pieces = self.weights.detach().split(self._layout.sizes, dim=1)
        blocks = self._layout.blocks
        return {name: blocks[name].cut(blocks[name].of(pieces))[0] for name in self._cell} or None

    def _steps(self, k: int | None) -> Steps:
        if k is not None:
            return k
        if len(set(self.k)) == 1:
            return self.k[0]
        if self._step_counts.k is not self.steps:  # moved to another device
            self._step_counts = StepCounts(self.steps)
        return self._step_counts

    def _phi(self, blocks: dict[str, Tensor]) -> Any:
        if self.step_size is not None:
            step_size = self.step_size.to(self.weights.dtype).unsqueeze(-1).unsqueeze(-1)
            if self.step_size_per_iteration:
                return PerIteration(tuple(step_size.unbind(1)))
            return step_size
        if self._cell:
            return {name: self._layout.blocks[name].cut(blocks[name]) for name in self._cell}
        return None
