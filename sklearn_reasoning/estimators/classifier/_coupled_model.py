"""Models that classify: evidence from a network, and a coupling of cells that is learned."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice, repeat
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from sklearn_reasoning.algorithms import Problem
from sklearn_reasoning.energies import DenseQuadratic
from sklearn_reasoning.layer import CoupledSteps, Simplices, UnitBox, minimize, stepwise
from sklearn_reasoning.penalties import Box, Penalty, Simplex
from sklearn_reasoning.training import Model

from ._perception import perception_of
from ._settings import ClassifierArchitecture

# The least share of L that an energy curves upwards by, where it may not be concave.
CONVEX = 1e-3

# Scale of the normal numbers from which the coupling is drawn.
_SPREAD = 0.15


@dataclass(frozen=True)
class CellBatch:
    """Rows to train on.

    Parameters
    ----------
    x : Tensor of shape (n, n_features)
    target : Tensor of shape (n_cells, n_classes, n)
        1 for the class that is right.
    row_weight : Tensor of shape (n,)
        Sample weights, of mean 1 over all rows, over n.
    cell_weight : Tensor of shape (n_cells, n)
        Class weights, and 0 where a label is missing; its sums over cells have the mean 1.
    count : int
        n.
    order : Tensor of shape (n_classes, n), or None
        The order in which the layer is shown the classes of each row; None is their own.
    """

    x: Tensor
    target: Tensor
    row_weight: Tensor
    cell_weight: Tensor
    count: int
    order: Tensor | None = None


class CellLoss(nn.Module):
    """The weighted mean over rows of squared errors, or of norms, the mean over cells.

    ``losses`` has one of "squared" and "l2".
    """

    def __init__(self, losses: Sequence[str]) -> None:
        super().__init__()
        (self.loss,) = losses
        # In no unit that the history would have to know of.
        self.is_squared = [False]

    def forward(self, y: Tensor, batch: CellBatch) -> Tensor:
        """Return the loss, of shape (1,), of outputs (n_cells, n_classes, n)."""
        squares = (y - batch.target).square().sum(dim=1)
        of_rows = (squares * batch.cell_weight).sum(dim=0)
        if self.loss == "l2":
            # The gradient of a norm is 0, not 0/0, where the error is exactly 0.
            nonzero = of_rows > 0.0
            of_rows = torch.where(nonzero, torch.where(nonzero, of_rows, 1.0).sqrt(), 0.0)
        return (of_rows * batch.row_weight).sum().reshape(1)


class Curved(NamedTuple):
    """The matrix of an energy, with what bounds its spectrum.

    ``e`` is the share of the spectral norm L of A'A that its multiple of the identity has.
    """

    G: Tensor
    e: float
    L: float

    @property
    def mu(self) -> float:
        """The lower bound."""
        return self.e * self.L

    @property
    def largest(self) -> float:
        """A bound of the absolute curvature."""
        return (1.0 + abs(self.e)) * self.L


class CoupledModel(Model):
    r"""From features to distributions over the classes of each cell.

    The energy is :math:`\tfrac12 y'Qy - evidence'y` with :math:`Q = A'A + e L I`, the same for all
    rows and, coupled by classes, for each class; L is the spectral norm of A'A.
    """

    criterion = CellLoss

    def __init__(
        self,
        architecture: ClassifierArchitecture,
        k: tuple[int, ...],
        n_sizes: int = 0,
        dtype: torch.dtype = torch.float32,
    ) -> None:
        a = architecture
        super().__init__(a.algorithm, a.mu, a.L, k, 1)
        # It follows from the curvature, which is learned.
        self.step_size = None
        self.architecture = a
        self.perception = perception_of(a).to(dtype)
        self.coupling: nn.Parameter | None = None
        self.curvature: nn.Parameter | None = None
        if a.coupling is not None:
            self.coupling = nn.Parameter(torch.zeros(a.rank, a.n_coupled, dtype=dtype))
            self.curvature = nn.Parameter(torch.zeros((), dtype=dtype))
        self.cells = cells_of(a)

    @property
    def dtype(self) -> torch.dtype:
        """The dtype of the weights."""
        weights = [*self.parameters()]
        return weights[0].dtype if weights else torch.float64

    @torch.no_grad()
    def draw_weights(self, model: int, seed: int) -> None:
        """Draw the initial weights."""
        drawn = perception_of(self.architecture, seed)
        self.perception.load_state_dict(drawn.state_dict())
        if self.coupling is not None and self.curvature is not None:
            generator = torch.Generator().manual_seed(seed)
            A = torch.randn(self.coupling.shape, generator=generator, dtype=torch.float64)
            A *= _SPREAD
            if self.architecture.coupling_start == "repulsive":
                A = A.abs() * self._of_one_class()
            # Of classes that a cell does not have, nothing is learned: they would only add to L.
            there = torch.zeros(1, A.shape[1], dtype=A.dtype)
            there[:, columns_of(self.architecture)] = 1.0
            self.coupling.copy_(A * there)
            self.curvature.fill_(self._lowest)

    def _of_one_class(self) -> Tensor:
        """Return which entries of A may begin repulsive: in each row those of one class.

        Rows that repelled all classes alike would say nothing of cells, and make steps short.
        """
        a = self.architecture
        if a.n_coupled == a.n_cells:
            return torch.ones(1, 1)
        row, column = torch.arange(a.rank).unsqueeze(1), torch.arange(a.n_coupled)
        return (row % a.n_classes == column % a.n_classes).double()

    @property
    def _lowest(self) -> float:
        concavity = self.architecture.concavity
        return CONVEX if concavity == 0.0 else -concavity

    def clamp_step_sizes(self) -> None:
        """Put the curvature back into its range, after a step of the optimiser."""
        if self.curvature is not None:
            self.curvature.data.clamp_(min=self._lowest)

    def never_decaying(self) -> list[Tensor]:
        """Return the coupling: evidence counts beside it, and would be left as strong as it was."""
        if self.coupling is None or self.curvature is None:
            return []
        return [self.coupling, self.curvature]

    def evidence(self, x: Tensor) -> Tensor:
        """Return the evidence for each class of each cell, (n_cells, n_classes, n)."""
        a = self.architecture
        # Modules of one's own may do in training what they do not in use.
        if self.perception.training != torch.is_grad_enabled():
            self.perception.train(torch.is_grad_enabled())
        found: Tensor = self.perception(x).reshape(len(x), a.n_cells, a.n_classes)
        return found.permute(1, 2, 0).contiguous()

    def curved(self) -> Curved:
        """Return the matrix of the energies, of as many rows as the coupling has columns."""
        if self.coupling is None or self.curvature is None:
            return Curved(torch.eye(self.architecture.n_coupled, dtype=self.dtype), 0.0, 1.0)
        A = self.coupling
        # The smaller of the two products has the same norm.
        small = A.detach() @ A.detach().T if len(A) < A.shape[1] else A.detach().T @ A.detach()
        # Of a training that diverges the loss tells; eigenvalues of infinities would raise.
        is_finite = bool(torch.isfinite(small).all())
        L = float(torch.linalg.eigvalsh(small.double())[-1]) if is_finite else math.nan
        identity = torch.eye(A.shape[1], dtype=A.dtype, device=A.device)
        return Curved(A.T @ A + self.curvature * L * identity, float(self.curvature.detach()), L)

    def first(self, n: int) -> Tensor:
        """Return where steps begin: all classes that a cell has alike, 1/2 for labels."""
        a, dtype = self.architecture, self.dtype
        if a.is_multilabel:
            return torch.full((a.n_cells, 1, n), 0.5, dtype=dtype)
        each = torch.ones(a.n_cells, a.n_classes, 1, dtype=dtype)
        if a.allowed is not None:
            each *= allowed_of(a).to(dtype)
        return (each / each.sum(dim=1, keepdim=True)).expand(-1, -1, n).contiguous()

    def double_first(self) -> Tensor:
        """Return where the steps of a row begin, in float64."""
        a = self.architecture
        return self.first(1).double().flatten()[kept_of(a)]

    def forward(self, batch: Any, k: int | None = None) -> Tensor:
        """Return the outputs, (n_cells, n_classes, n)."""
        curved = self.curved()
        b = -self.evidence(batch.x)
        start = self.first(len(batch.x)).to(b.device)
        k = self.k[0] if k is None else k
        if batch.order is None:
            y = self.outputs(curved, b, start, k)
        else:
            there, back = (v.expand_as(b) for v in (batch.order, batch.order.argsort(dim=0)))
            y = self.outputs(curved, b.gather(1, there), start, k).gather(1, back)
        return _revived(y, b / -curved.largest, batch.target) if torch.is_grad_enabled() else y

    def outputs(self, curved: Curved, b: Tensor, start: Tensor, k: int) -> Tensor:
        """Return the outputs of k steps on energies that are made already."""
        if (steps := self.steps_on(curved)) is not None:
            if self.coupling is None:
                k = min(k, 1)  # Q is the identity: the first step ends at the minimiser
            return steps.last(curved.G, b, start, k)
        problem, phi = self.problem_of(curved, b, start)
        return self.as_cells(minimize(self.algorithm, problem, k, phi))

    def iterates(self, curved: Curved, b: Tensor, start: Tensor) -> Iterator[Tensor]:
        """Yield the outputs of 1, 2, ... steps, without end and without gradients.

        An output is overwritten by the one after the next.
        """
        if (steps := self.steps_on(curved)) is not None:
            yield from steps.iterates(curved.G, b, start)
        problem, phi = self.problem_of(curved, b, start)
        if "exact" in self.algorithm.provides:
            yield from repeat(self.as_cells(problem.minimizer()))
        for y in islice(stepwise(self.algorithm, problem, phi), 1, None):
            yield self.as_cells(y)

    def as_cells(self, y: Tensor) -> Tensor:
        """Return outputs (n, d) as (n_cells, n_classes, n)."""
        a = self.architecture
        all_classes = y.new_zeros(len(y), a.n_cells * a.n_classes).index_copy(1, kept_of(a), y)
        return all_classes.unflatten(1, (a.n_cells, a.n_classes)).permute(1, 2, 0)

    def steps_on(self, curved: Curved) -> CoupledSteps | None:
        """Return the steps of a method with momentum; None for another one."""
        mu, phi = self.lower_bound(curved), self.step_size_on(curved)
        if phi is None or self.algorithm._momentum(torch.tensor(phi), mu) is None:
            return None
        return CoupledSteps(self.algorithm, phi, mu, self.cells)

    def step_size_on(self, curved: Curved) -> float | None:
        """Return the step size that the curvature gives; None for methods without one."""
        return self.algorithm.initial_step_size(self.lower_bound(curved), curved.largest)

    def lower_bound(self, curved: Curved) -> float:
        """Return the lower bound of curvature that methods are told of."""
        # Those that ask for it are not allowed on concave energies.
        return max(curved.mu if self.coupling is not None else curved.L, CONVEX * curved.L)

    def problem(self, batch: Any) -> tuple[Problem, Any]:
        """Return the energies of all outputs of a row, cell by cell."""
        b = -self.evidence(batch.x)
        return self.problem_of(self.curved(), b, self.first(len(batch.x)).to(b.device))

    def problem_of(self, curved: Curved, b: Tensor, start: Tensor) -> tuple[Problem, Any]:
        """Return energies, made already, as any algorithm takes them, with the step size.

        Outputs are the classes that cells have, cell by cell.
        """
        kept = kept_of(self.architecture)
        rows, first = (v.permute(2, 0, 1).flatten(1)[:, kept] for v in (b, start))
        Q = matrix_of(self.architecture, curved.G)[kept][:, kept].expand(len(rows), -1, -1)
        penalty = penalty_of(self.architecture)
        mu = self.lower_bound(curved)
        problem = Problem(DenseQuadratic(Q, rows), mu, curved.largest, penalty, first)
        return problem, self.step_size_on(curved)


def _revived(y: Tensor, evidence: Tensor, target: Tensor) -> Tensor:
    """Return y, through which gradients reach the evidence of cells that could not learn.

    Where the right class has probability 0, projections are flat: no gradient would ever lead back.
    There the gradient of y is handed to the evidence of its cell as it is.
    """
    wrong = (y.detach() - target).abs().amax(dim=1, keepdim=True) >= 1.0
    free = evidence * wrong
    return y + (free - free.detach())


def cells_of(a: ClassifierArchitecture) -> Simplices | UnitBox:
    """Return the set of outputs, as cells times classes."""
    if a.is_multilabel:
        return UnitBox()
    return Simplices(None if a.allowed is None else allowed_of(a))


def penalty_of(a: ClassifierArchitecture) -> Penalty:
    """Return the set of the outputs of a row, cell by cell."""
    if a.is_multilabel:
        return Box(0.0, 1.0)
    if a.allowed is None:
        return Simplex(groups=(a.n_classes,) * a.n_cells)
    return Simplex(groups=tuple(map(len, a.allowed)))


def kept_of(a: ClassifierArchitecture) -> Tensor:
    """Return which outputs, cells times classes, are classes that their cell has."""
    if a.allowed is None:
        return torch.arange(a.n_cells * a.n_classes)
    return allowed_of(a).flatten().nonzero().squeeze(1)


def columns_of(a: ClassifierArchitecture) -> Tensor:
    """Return which columns of A are of cells, or of classes that their cells have."""
    return kept_of(a) if a.coupling == "full" else torch.arange(a.n_coupled)


def allowed_of(a: ClassifierArchitecture) -> Tensor:
    """Return which classes each cell has, of shape (n_cells, n_classes, 1)."""
    assert a.allowed is not None
    allowed = torch.zeros(a.n_cells, a.n_classes, 1, dtype=torch.bool)
    for cell, classes in enumerate(a.allowed):
        allowed[cell, list(classes)] = True
    return allowed


def matrix_of(a: ClassifierArchitecture, G: Tensor) -> Tensor:
    """Return Q of all outputs of a row, where classes of a cell are neighbours."""
    if len(G) == a.n_cells * a.n_classes:
        return G
    return torch.kron(G, torch.eye(a.n_classes, dtype=G.dtype, device=G.device))
