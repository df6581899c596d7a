"""The regression models of one architecture, side by side."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor

from sklearn_reasoning._networks import (
    INITIAL_WEIGHTS,
    Layout,
    anchored_spectrum,
    cayley,
    evaluate,
    free_spectrum,
    inner_spectrum,
    padded,
)
from sklearn_reasoning.algorithms import Problem
from sklearn_reasoning.energies import (
    AnchoredQuadratic,
    DiagonalQuadratic,
    KnownSpectrum,
    SpectralQuadratic,
)
from sklearn_reasoning.penalties import Penalty

from ._adjoint import Adjoint
from ._batches import Inputs
from ._loss import StackLoss
from ._model import Model
from ._penalised import OfModels, counted_from_zero, rows_innermost
from ._settings import Architecture


def layout_of(architecture: Architecture, at_most: int | None = None) -> Layout:
    """Return how the weights of a model lie in its row.

    A ValueError if there are more than ``at_most``; no more is worked out than that many need.
    """
    a, layout = architecture, Layout()
    n_logits, n_skew = _sizes(a)
    q_outputs = n_logits + (n_skew if a.rotation == "predicted" else 0)
    layout.add_network("Q", a.n_features, a.q_hidden, q_outputs)
    if a.predicts_b:
        layout.add_network("b", a.n_features, a.b_hidden, a.n_outputs)
    if a.start == "predicted":
        layout.add_network("start", a.n_features, a.start_hidden, a.n_outputs)
    if a.rotation == "shared":
        layout.add_block("skew", (n_skew,))
    if a.start == "learned":
        layout.add_block("start", (a.n_outputs,))
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
    architecture: Architecture, n_sizes: int, n_weights: int, dtype: torch.dtype
) -> dict[str, tuple[tuple[int, ...], torch.dtype]]:
    """Return shapes and dtypes of the saved state of a single model, without making it.

    ``dtype`` is that of the weights; a ValueError if there are more than ``n_weights``.
    """
    a = architecture
    shapes = {
        "weights": ((1, sum(layout_of(a, n_weights).sizes)), dtype),
        **{name: ((1, *size), kept or dtype) for name, (size, kept) in _statistics(a).items()},
    }
    if a.algorithm.initial_step_size(a.mu, a.L) is not None:
        shapes["step_size"] = ((1,) if n_sizes == 1 else (1, n_sizes), torch.float64)
    return shapes


def _sizes(a: Architecture) -> tuple[int, int]:
    """Return the numbers of predicted eigenvalues, and of entries above a diagonal."""
    d = a.n_outputs
    return d - 2 if a.spectrum == "anchored" else d, d * (d - 1) // 2


def _statistics(a: Architecture) -> dict[str, tuple[tuple[int, ...], torch.dtype | None]]:
    """Return the shapes of what is known of the targets of one model, and the dtypes.

    Centre and unit are float64 whatever the weights are: float32 has no digits for a mean that is
    large against the spread.
    """
    d = a.n_outputs
    return {
        "unit": ((), torch.float64),
        "decay": ((), torch.float64),
        "offset": ((d,), torch.float64),
        "start": ((d,), torch.float64),
        "scale": ((d,), None),
        "axes": ((d, d), None),
        "spread": ((d,), None),
        # Padded: products of matrices of other sizes are rounded otherwise in a stack.
        "slopes": ((padded(d) * a.is_centred, padded(a.n_features)), None),
        "level": ((padded(d) * a.is_centred, 1), None),
    }


class RegressionModel(Model):
    """Models that predict an energy from x, and y from the energy.

    Activations are features times rows, one matrix a model: (n_models, features, n). All
    weights of a model lie in one row of ``weights``. Predictions and starting points are counted
    from ``offset``, in ``unit``.

    Parameters
    ----------
    architecture : Architecture
    k : tuple of int
        Number of steps of each model.
    n_sizes : int, default=1
        Number of step sizes of a model: 1 or k.
    dtype : torch.dtype, default=torch.float64

    Attributes
    ----------
    weights : Parameter of shape (n_models, n_weights)
        Networks, rotation, start and cell, padded with zeros.
    axes : Tensor of shape (n_models, d, d)
        The rotations that a learned one starts from.
    spread : Tensor of shape (n_models, d)
        How much the targets vary along them, in ``unit``.
    offset : Tensor of shape (n_models, d), float64
        What is taken off the targets, in ``unit``.
    start : Tensor of shape (n_models, d), float64
        Where the steps begin, or a learned or predicted start does before training.
    scale : Tensor of shape (n_models, d)
        The scale of the targets, in ``unit``.
    unit : Tensor of shape (n_models,), float64
    slopes : Tensor of shape (n_models, padded d, padded n_features)
    level : Tensor of shape (n_models, padded d, 1)
        A learned b is ``slopes x + level`` and what the network adds to it; empty where b is given.
    """

    criterion = StackLoss

    axes: Tensor
    spread: Tensor
    slopes: Tensor
    level: Tensor
    offset: Tensor
    start: Tensor
    scale: Tensor
    unit: Tensor
    decay: Tensor
    ends: Tensor

    def __init__(
        self,
        architecture: Architecture,
        k: tuple[int, ...],
        n_sizes: int = 1,
        dtype: torch.dtype = torch.float64,
    ) -> None:
        a = architecture
        super().__init__(a.algorithm, a.mu, a.L, k, n_sizes)
        self.architecture = a
        self._n_logits, self._n_skew = _sizes(a)
        self._layout = layout_of(a)
        self._cell = a.algorithm.initial_weights(a.n_outputs, a.mu, a.L)
        self._penalties: dict[Any, Penalty] = {}
        n_weights = sum(self._layout.sizes)
        self.weights = torch.nn.Parameter(torch.zeros(self.n_models, n_weights, dtype=dtype))
        # The outer eigenvalues where they are known, often enough to fill a vector register.
        ends = torch.tensor([a.L, a.mu], dtype=dtype).reshape(1, 2, 1).repeat(1, 1, 8)
        self.register_buffer("ends", ends, persistent=False)
        for name, (size, kept) in _statistics(a).items():
            self.register_buffer(name, torch.zeros(self.n_models, *size, dtype=kept or dtype))

    def __getstate__(self) -> dict[str, Any]:
        # What is made again when it is missed.
        return {**self.__dict__, "_penalties": {}}

    # ------------------------------------------------------------------ weights

    @torch.no_grad()
    def draw_weights(self, model: int, seed: int) -> None:
        """Draw the initial weights of one model; biases begin at zero.

        The last layers for b and for the start begin at zero, so that minimisers begin at the
        mean of y where b is learned: outputs that weigh little in the loss would otherwise keep
        the noise of their first weights.
        """
        generator = torch.Generator().manual_seed(seed)
        initial = INITIAL_WEIGHTS[self.architecture.initial_weights]
        row = torch.zeros(1, self.weights.shape[1], dtype=torch.float64)
        pieces = row.split(self._layout.sizes, dim=1)
        for name, network in self._layout.networks.items():
            ends_at_zero = name != "Q" or initial.ends_at_zero
            for layer in network[:-1] if ends_at_zero else network:
                if layer.matrix is not None:
                    drawn = initial.draw(layer.matrix.shape, generator)
                    layer.matrix.cut(layer.matrix.of(pieces))[0] = drawn
        for name, value in self._cell.items():
            block = self._layout.blocks[name]
            block.cut(block.of(pieces))[0] = value
        self.weights[model] = row[0].to(self.weights)

    def decaying(self) -> Tensor:
        """Return 1 for each weight of a network's matrices and 0 for the others, (1, n_weights)."""
        mask = torch.zeros_like(self.weights[:1])
        pieces = mask.split(self._layout.sizes, dim=1)
        for network in self._layout.networks.values():
            for layer in network:
                if layer.matrix is not None:
                    pieces[layer.matrix.piece].fill_(1.0)
        return mask

    def named_weights(self, model: int = 0) -> dict[str, Tensor]:
        """Return the matrices and vectors of one model by name, as views of its row.

        Parameters
        ----------
        model : int, default=0

        Returns
        -------
        dict of str to Tensor
            ``Q.0.matrix`` of shape (n_out, n_in) and ``Q.0.bias`` for the first layer of the
            network that predicts Q, and so on; ``b`` and ``start`` likewise; ``skew`` of a
            learned rotation, ``start`` of a learned start, and the weights of a cell.
        """
        pieces = self.weights.detach()[model : model + 1].split(self._layout.sizes, dim=1)
        return {name: block.cut(block.of(pieces))[0] for name, block in self._layout.named()}

    # ------------------------------------------------------------------ the model

    def problem(self, batch: Inputs) -> tuple[Problem, Any]:
        """Return the predicted energies with their starting points, and step sizes or weights.

        Parameters
        ----------
        batch : Inputs
            Of rows; where eigenvectors are given, a ``rotation`` of None says that b is in the
            eigenbasis already.

        Notes
        -----
        Points are counted from ``offset``. With a penalty in every step they are counted from 0,
        in float64, as what is allowed is.
        """
        a = self.architecture
        outputs, blocks = evaluate(self.weights, batch.x, self._layout)
        energy = self._energy(batch, outputs, blocks)
        start = None
        if a.penalty is None:
            if not a.starts_at_origin:
                start = self._start(outputs, blocks, n=batch.x.shape[-1])
            return Problem(energy, a.mu, a.L, start=start), self._phi(blocks)
        penalty, offset = self.penalty_of(batch.limits), self.offset.unsqueeze(1)
        start = rows_innermost(offset + self._start(outputs, blocks, n=batch.x.shape[-1]))
        if a.obeys_at_end:
            start = (penalty.project(start) - offset).to(self.weights.dtype)
            return Problem(energy, a.mu, a.L, start=start), self._phi(blocks)
        energy = counted_from_zero(energy, self.offset)
        return Problem(energy, a.mu, a.L, penalty, start), self._phi(blocks, torch.float64)

    def forward(self, batch: Inputs, k: int | None = None) -> Tensor:
        """Return the predictions of shape (n_models, n, d), counted from ``offset``.

        Parameters
        ----------
        batch : Inputs
        k : int or None, default=None
            Another number of steps for all models.
        """
        if self.architecture.penalty is None:
            return super().forward(batch, k)
        return (self.points(batch, k) - self.offset.unsqueeze(1)).to(self.weights.dtype)

    def points(self, batch: Inputs, k: int | None = None) -> Tensor:
        """Return the predictions in ``unit``, counted from 0, and at k = 0 the starting points.

        With a set as penalty they lie in it, to the bits that its projection gives; where there is
        a penalty they are float64.
        """
        a, offset = self.architecture, self.offset.unsqueeze(1)
        problem, phi = self.problem(batch)
        # The exact minimiser takes no steps.
        y = problem.start_point() if k == 0 else self.solve(problem, phi, k)
        if a.penalty is None:
            return y + offset
        return self.penalty_of(batch.limits).project(y + offset) if a.obeys_at_end else y

    def penalty_of(self, limits: Tensor | None) -> Penalty:
        """Return the penalty of rows with their limits, for points in ``unit`` counted from 0."""
        penalty, units = self.architecture.penalty, tuple(self.unit.tolist())
        assert penalty is not None
        if limits is not None:
            limits = limits.double() * self.unit.reshape(-1, 1, 1)
            return OfModels(penalty.with_columns(limits.mT), units, self.unit)
        key = units, self.unit.device
        if key not in self._penalties:
            self._penalties = {key: OfModels(penalty, units, self.unit)}
        return self._penalties[key]

    def adjoint(self, criterion: torch.nn.Module) -> Adjoint | None:
        """Return what takes gradients without autograd, where there is such a thing."""
        a = self.architecture
        if (
            isinstance(criterion, StackLoss)
            and self._has_adjoint_of_steps()
            and (a.rotation != "predicted" or a.n_outputs == 1)
            and (self.step_size is None or self.step_size.ndim == 1)
            # A subclass may make another problem.
            and type(self).problem is RegressionModel.problem
        ):
            return Adjoint(self, criterion)
        return None

    def _has_adjoint_of_steps(self) -> bool:
        a = self.architecture
        if a.obeys_in_steps:
            return a.algorithm._momentum(1.0 / a.L, a.mu) is not None
        return "polynomial" in a.algorithm.provides

    def _energy(
        self, batch: Inputs, outputs: dict[str, Tensor], blocks: dict[str, Tensor]
    ) -> KnownSpectrum:
        """Return energies of shape (n_models, n, d), with the rows innermost in memory."""
        a, logits, rotation = self.architecture, outputs["Q"], batch.rotation
        if a.rotation == "shared" and a.n_outputs > 1:
            upper = self._layout.blocks["skew"].cut(blocks["skew"]) * self.turns()
            rotation = torch.matmul(self.axes, cayley(upper, a.n_outputs))
        elif a.rotation == "predicted" and a.n_outputs > 1:
            logits, upper = logits.split([self._n_logits, self._n_skew], dim=1)
            upper = upper * self.turns().unsqueeze(-1)
            rotation = torch.matmul(self.axes.unsqueeze(1), cayley(upper.mT, a.n_outputs))
        b = self.linear_term(outputs, batch).mT
        is_anchored = a.spectrum == "anchored"
        if is_anchored and rotation is None:
            inner = inner_spectrum(logits, a.mu, a.L).mT
            return AnchoredQuadratic(inner, self.ends.mT, b)
        eigenvalues = (anchored_spectrum if is_anchored else free_spectrum)(logits, a.mu, a.L).mT
        if rotation is None:
            return DiagonalQuadratic(eigenvalues, b)
        return SpectralQuadratic(eigenvalues, rotation, b)

    def turns(self) -> Tensor:
        """Return how far a weight of 1 turns each pair of axes, of shape (n_models, n_skew).

        By the share of the smaller variance in the larger: a turn moves what varies much into
        what varies little, where it is noise that the loss does not see.
        """
        d = self.architecture.n_outputs
        rows, columns = torch.triu_indices(d, d, offset=1, device=self.spread.device)
        one, other = self.spread[:, rows], self.spread[:, columns]
        larger = torch.maximum(one, other)
        return torch.where(larger > 0.0, (torch.minimum(one, other) / larger).square(), 1.0)

    def linear_term(self, outputs: dict[str, Tensor], batch: Inputs) -> Tensor:
        """Return b, of shape (n_models, d, n): what is given or linear, and what is predicted."""
        a, known = self.architecture, batch.b
        if known is None:
            known = torch.baddbmm(self.level, self.slopes, batch.x).narrow(1, 0, a.n_outputs)
        if not a.predicts_b:
            return known
        return torch.addcmul(known, outputs["b"], self.scale.unsqueeze(-1))

    def _start(self, outputs: dict[str, Tensor], blocks: dict[str, Tensor], n: int) -> Tensor:
        """Return starting points of shape (n_models, n, d), with the rows innermost in memory."""
        start = self.start.to(self.weights.dtype).unsqueeze(-1)
        if self.architecture.start == "learned":
            learned = self._layout.blocks["start"].cut(blocks["start"])
            start = start + (self.scale * learned).unsqueeze(-1)
        elif self.architecture.start == "predicted":
            start = start + self.scale.unsqueeze(-1) * outputs["start"]
        # Written out: products with a single column are rounded as no others are.
        return start.expand(-1, -1, n).contiguous().mT

    def _phi(self, blocks: dict[str, Tensor], dtype: torch.dtype | None = None) -> Any:
        if self._cell:
            return {name: self._layout.blocks[name].cut(blocks[name]) for name in self._cell}
        return self.phi(dtype or self.weights.dtype)

    def learned(self) -> Any:
        """Return the step size, the step sizes or the weights of the layer of a single model."""
        if not self._cell:
            return super().learned()
        named = self.named_weights()
        return {name: named[name] for name in self._cell}

    def loss_units(self) -> np.ndarray[Any, Any]:
        """Return the units of y."""
        units: np.ndarray[Any, Any] = self.unit.cpu().numpy()
        return units
