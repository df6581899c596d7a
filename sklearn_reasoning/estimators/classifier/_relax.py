"""What a fitted classifier makes of rows: steps in float64, as many as are asked for."""

from __future__ import annotations

import copy
import math
from collections.abc import Iterator
from itertools import islice
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from sklearn_reasoning._support.threads import one_thread

from ._coupled_model import CoupledModel, Curved

_Array = np.ndarray[Any, Any]

# Numbers in the outputs of a block of rows: they stay in the cache from step to step.
_NUMBERS_AT_ONCE = 2**17


class Relaxed(NamedTuple):
    """Outputs of rows.

    Parameters
    ----------
    outputs : ndarray of shape (n, n_cells, n_classes)
    steps : ndarray of int and shape (n,)
        The steps that each row took.
    movement : ndarray of shape (n,)
        Norms of the last step.
    """

    outputs: _Array
    steps: _Array
    movement: _Array


class Relaxation:
    """The energies of a model, made once, in float64.

    Parameters
    ----------
    model : CoupledModel
        A fitted one.
    evidence_scale : float, default=1.0
        What its evidence is multiplied with.
    """

    def __init__(self, model: CoupledModel, evidence_scale: float = 1.0) -> None:
        self.model, self._evidence_scale = in_float64(model), evidence_scale
        with torch.no_grad():
            self.curved: Curved = self.model.curved()

    def rows_at_once(self) -> int:
        """Return how many rows make one block."""
        a = self.model.architecture
        return max(_NUMBERS_AT_ONCE // (a.n_cells * a.n_classes), 1)

    def evidence(self, x: _Array) -> Tensor:
        """Return the evidence of rows, (n_cells, n_classes, n)."""
        device = self.curved.G.device
        with torch.no_grad():
            # A copy: arrays behind frames are read-only, of which torch warns.
            evidence = self.model.evidence(torch.tensor(x, dtype=torch.float64, device=device))
            return evidence if self._evidence_scale == 1.0 else evidence * self._evidence_scale

    def relax(self, x: _Array, k: int, until: float | None = None) -> Relaxed:
        """Return what k steps make of rows, or fewer where a step is shorter than ``until``."""
        parts = []
        with torch.no_grad(), one_thread():
            for rows in self._blocks(len(x)):
                b = -self.evidence(x[rows])
                parts.append(self.steps(b, self.model.first(b.shape[2]).to(b.device), k, until))
        return Relaxed(*(np.concatenate(each) for each in zip(*parts, strict=True)))

    def _blocks(self, n: int) -> Iterator[slice]:
        length = self.rows_at_once()
        for first in range(0, max(n, 1), length):
            yield slice(first, first + length)

    def steps(self, b: Tensor, start: Tensor, k: int, until: float | None = None) -> Relaxed:
        """Return what k steps make of energies from a start, (n_cells, n_classes, n)."""
        n = b.shape[2]
        outputs, going = start.clone(), torch.ones(n, dtype=torch.bool, device=b.device)
        steps = torch.zeros(n, dtype=torch.int64, device=b.device)
        movement = b.new_full((n,), math.inf)
        enough, before = -1.0 if until is None else until, start
        iterates = self.model.iterates(self.curved, b, start)
        for i, y in enumerate(islice(iterates, k), start=1):
            if until is not None or i == k:
                moved = (y - before).flatten(0, 1).norm(dim=0)
                stops = going & ((moved <= enough) if i < k else going)
                outputs[:, :, stops] = y[:, :, stops]
                steps[stops], movement[stops] = i, moved[stops]
                going &= ~stops
                if not bool(going.any()):
                    break
            if until is not None or i == k - 1:
                before = y.clone()
        if not bool(torch.isfinite(outputs).all()):
            raise ValueError(
                "Steps on the evidence leave the finite numbers: X, or "
                f"evidence_scale={self._evidence_scale!r}, is too large."
            )
        return Relaxed(_rows(outputs), steps.cpu().numpy(), movement.cpu().numpy())

    def curve(self, x: _Array, k: int) -> Iterator[tuple[_Array, _Array]]:
        """Yield the outputs of 0, 1, ..., k steps, and how far the next step moves each row."""
        with torch.no_grad(), one_thread():
            b = -self.evidence(x)
            start = self.model.first(b.shape[2]).to(b.device)
            before = start
            iterates = self.model.iterates(self.curved, b, start)
            for _ in range(k + 1):
                y = next(iterates).clone()
                yield _rows(before), (y - before).flatten(0, 1).norm(dim=0).cpu().numpy()
                before = y

    def energy(self, outputs: _Array, b: Tensor) -> _Array:
        """Return the energies of outputs (n, n_cells, n_classes)."""
        y = torch.as_tensor(outputs, dtype=torch.float64, device=b.device).permute(1, 2, 0)
        matrix = (len(self.curved.G), -1)
        y = y.contiguous()
        product = (self.curved.G @ y.reshape(matrix)).view(y.shape)
        energies: _Array = (y * (0.5 * product + b)).sum(dim=(0, 1)).cpu().numpy()
        return energies

    def quadratics(self, x: _Array) -> tuple[_Array, _Array]:
        """Return Q, one read-only matrix for all rows, and b: all outputs, cell by cell."""
        b = -self.evidence(x)
        problem, _ = self.model.problem_of(self.curved, b, torch.zeros_like(b))
        energy: Any = problem.energy
        Q, b = (v.detach().cpu().numpy() for v in (energy.Q, energy.b))
        Q.flags.writeable = False
        return Q, b


def rounded(outputs: _Array) -> _Array:
    """Return the nearest whole answer, of the same shape."""
    if outputs.shape[2] == 1:
        return (outputs >= 0.5).astype(np.float64)
    whole = np.zeros_like(outputs)
    np.put_along_axis(whole, outputs.argmax(axis=2)[:, :, None], 1.0, axis=2)
    return whole


def distance_to_whole(outputs: _Array) -> _Array:
    """Return how far each cell, (n, n_cells), is from a whole answer: 0 is decided."""
    if outputs.shape[2] == 1:
        return np.minimum(outputs, 1.0 - outputs)[:, :, 0]
    return 1.0 - outputs.max(axis=2)


def in_float64(model: CoupledModel) -> CoupledModel:
    """Return a model with float64 copies of all numbers."""
    if model.dtype == torch.float64:
        return model
    twin = model.with_numbers(lambda old: old.double() if old.is_floating_point() else old)
    modules = dict(vars(twin)["_modules"])
    modules["perception"] = copy.deepcopy(modules["perception"]).double()
    vars(twin)["_modules"] = modules
    return twin


def _rows(y: Tensor) -> _Array:
    rows: _Array = y.permute(2, 0, 1).contiguous().cpu().numpy()
    return rows
