"""A single trained regression model, applied to arrays."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from sklearn_reasoning._networks import padded
from sklearn_reasoning._support.threads import one_thread
from sklearn_reasoning.layer import first_distance, remaining
from sklearn_reasoning.penalties import Monotone

from ._batches import Inputs
from ._regression_model import RegressionModel
from ._settings import Given

_Array = np.ndarray[Any, Any]

# Numbers in the largest array of a block of rows: it stays in the cache from layer to layer.
_NUMBERS_AT_ONCE = 2**18


@dataclass(frozen=True)
class Measured:
    """How far the outputs for n rows are from the exact minimisers, in the units of y.

    Parameters
    ----------
    output, minimizer : ndarray of shape (n, d)
    eigenvalues : ndarray of shape (n, d)
        Of the predicted Q.
    distance : ndarray of shape (n,)
        Norms of output minus minimiser.
    first_distance : ndarray of shape (n,)
        Norms of start minus minimiser.
    gradient_norm : ndarray of shape (n,)
        Norms of the gradient at the start.
    start_norm : ndarray of shape (n,)
        Norms of the start.
    """

    output: _Array
    minimizer: _Array
    eigenvalues: _Array
    distance: _Array
    first_distance: _Array
    gradient_norm: _Array
    start_norm: _Array


def predict(
    module: RegressionModel,
    x: _Array,
    b: _Array | None = None,
    rotation: _Array | None = None,
    limits: _Array | None = None,
    *,
    k: int | None = None,
) -> _Array:
    """Return the outputs of a single model, computed in float64.

    Parameters
    ----------
    module : RegressionModel
    x : ndarray of shape (n, n_features)
    b : ndarray of shape (n, d) or None
    rotation : ndarray of shape (n, d, d) or None
    limits : ndarray of shape (n, n_limits) or None
    k : int or None, default=None
        Another number of steps than the model's own; 0 gives the starting points.

    Returns
    -------
    ndarray of shape (n, d)
    """
    module = in_float64(module)
    given = Given(x, b, rotation, limits)
    (y,) = _in_blocks(module, given, lambda inputs: (outputs(module, inputs, k),))
    return y


def predict_energy(
    module: RegressionModel,
    x: _Array,
    b: _Array | None = None,
    rotation: _Array | None = None,
    limits: _Array | None = None,
) -> tuple[_Array, _Array]:
    """Return the energies of a single model, computed in float64.

    Parameters are those of :func:`predict`.

    Returns
    -------
    Q : ndarray of shape (n, d, d)
    b : ndarray of shape (n, d)
    """
    module = in_float64(module)

    def energies(inputs: Inputs) -> tuple[Tensor, Tensor]:
        energy: Any = module.problem(inputs)[0].energy
        linear = energy.b
        a = module.architecture
        if a.is_centred and not a.obeys_in_steps:
            # 1/2 (y - m)'Q(y - m) + b'(y - m), written out.
            offset = module.offset.unsqueeze(1).expand(linear.shape)
            linear = linear - energy.product(offset.mT.contiguous().mT)
        return energy.matrix(), linear * module.unit

    Q, linear = _in_blocks(module, Given(x, b, rotation, limits), energies)
    return Q, linear


def measure(
    module: RegressionModel,
    x: _Array,
    b: _Array | None = None,
    rotation: _Array | None = None,
    limits: _Array | None = None,
    *,
    k: int | None = None,
) -> Measured:
    """Compare the outputs of a single model with the exact minimisers, in float64.

    Parameters are those of :func:`predict`. With a penalty the minimiser is that of energy and
    penalty, or, where a set is projected onto after the last step, the projected free one; the
    first distance is then to the free one, of which steps leave a part.
    """
    module = in_float64(module)

    def beside_the_set(inputs: Inputs) -> tuple[Tensor, ...]:
        problem, _ = module.problem(inputs)
        energy: Any = problem.energy
        offset, unit = module.offset.unsqueeze(1), module.unit
        y, start = module.points(inputs, k), module.points(inputs, 0)
        if module.architecture.obeys_at_end:
            limit, gradient = energy.minimizer() + offset, energy.gradient(start - offset)
            minimizer = module.penalty_of(inputs.limits).project(limit)
        else:
            limit = minimizer = problem.minimizer()
            gradient = energy.gradient(start)
        return (
            y * unit.reshape(-1, 1, 1),
            minimizer * unit.reshape(-1, 1, 1),
            energy.eigenvalues.broadcast_to(y.shape),
            (y - minimizer).norm(dim=-1) * unit,
            (start - limit).norm(dim=-1) * unit,
            gradient.norm(dim=-1) * unit,
            start.norm(dim=-1) * unit,
        )

    def measured(inputs: Inputs) -> tuple[Tensor, ...]:
        problem, phi = module.problem(inputs)
        energy: Any = problem.energy
        steps, unit = module.number_of_steps(k), module.unit
        left, first = remaining(module.algorithm, problem, steps, phi), first_distance(problem)
        minimizer = energy.minimizer()
        y = minimizer + energy.from_eigenbasis(left)
        return (
            _in_units(module, y),
            _in_units(module, minimizer),
            energy.eigenvalues.broadcast_to(left.shape),
            left.norm(dim=-1) * unit,
            first.norm(dim=-1) * unit,
            (energy.eigenvalues * first).norm(dim=-1) * unit,
            _in_units(module, problem.start_point()).norm(dim=-1),
        )

    function = measured if module.architecture.penalty is None else beside_the_set
    return Measured(*_in_blocks(module, Given(x, b, rotation, limits), function))


def single_start(module: RegressionModel) -> _Array | None:
    """Return the starting point that a single model has for all rows; None if they differ."""
    a = module.architecture
    if a.start == "predicted" or a.n_limits:
        return None
    module = in_float64(module)
    start = module.start
    if a.start == "learned":
        start = start + module.scale * module.named_weights()["start"]
    start = start + module.offset
    if a.penalty is not None:
        start = module.penalty_of(None).project(start.unsqueeze(1)).squeeze(1)
    result: _Array = (start * module.unit.unsqueeze(-1))[0].cpu().numpy()
    return result


def outputs(module: RegressionModel, inputs: Inputs, k: int | None = None) -> Tensor:
    """Return outputs of shape (n_models, n, d) in the units of y; k = 0 gives starting points."""
    return module.points(inputs, k) * module.unit.reshape(-1, 1, 1)


def _in_units(module: RegressionModel, y: Tensor) -> Tensor:
    return (y + module.offset.unsqueeze(1)) * module.unit.reshape(-1, 1, 1)


def _in_blocks(module: RegressionModel, given: Given, function: Any) -> list[_Array]:
    """Return what a function makes of all rows, a block of them at a time.

    The function maps inputs to tensors of shape (1, n, ...).
    """
    found: list[list[_Array]] = []
    with torch.no_grad(), one_thread():
        for rows in _blocks(module, len(given.x)):
            block = PaddedRows.of(*given.take(rows))
            tensors = function(inputs_of(module, [block], [0]))
            found.append([block.cut(tensor[0]) for tensor in tensors])
    columns = zip(*found, strict=True)
    return [parts[0] if len(parts) == 1 else np.concatenate(parts) for parts in columns]


def _blocks(module: RegressionModel, n: int) -> Iterator[slice]:
    length = rows_at_once(module)
    for first in range(0, max(n, 1), length):
        yield slice(first, first + length)


def rows_at_once(module: RegressionModel) -> int:
    """Return how many rows of a model are one block, a multiple of 16."""
    a = module.architecture
    hidden = (a.q_hidden or (), a.b_hidden or (), a.start_hidden)
    widest = max(a.n_features, a.n_outputs, *(size for sizes in hidden for size in sizes), 1)
    # Isotonic regression looks at all pairs of outputs.
    if a.rotation in ("given", "predicted") or isinstance(a.penalty, Monotone):
        widest = max(widest, a.n_outputs**2)
    return max(_NUMBERS_AT_ONCE // widest // 16, 1) * 16


@dataclass(frozen=True)
class PaddedRows:
    """Rows to predict, as the columns of matrices, float64.

    They are padded to a multiple of 16: a model gets the same bits in every stack.
    """

    n: int
    x: _Array
    b: _Array | None
    rotation: _Array | None
    limits: _Array | None

    @classmethod
    def of(
        cls,
        x: _Array,
        b: _Array | None,
        rotation: _Array | None,
        limits: _Array | None = None,
    ) -> PaddedRows:
        """Return n rows: x (n, m), b (n, d), R (n, d, d) and limits (n, n_limits)."""
        n, length = len(x), padded(len(x), 16)

        def columns(values: _Array, width: int) -> _Array:
            result = np.zeros((width, length))
            result[: values.shape[1], :n] = values.T
            return result

        # Zeros are no rotation, and may be no limits.
        if rotation is not None and 0 < n < length:
            rotation = np.concatenate([rotation, np.tile(rotation[:1], (length - n, 1, 1))])
        if limits is not None and 0 < n < length:
            limits = np.concatenate([limits, np.tile(limits[:1], (length - n, 1))])
        return cls(
            n,
            columns(x, padded(x.shape[1])),
            None if b is None else columns(b, b.shape[1]),
            None if rotation is None else np.ascontiguousarray(rotation, dtype=np.float64),
            None if limits is None else np.ascontiguousarray(limits.T, dtype=np.float64),
        )

    def cut(self, outputs: Tensor) -> _Array:
        """Return the outputs of one model for these rows, without those of the padding."""
        return np.ascontiguousarray(outputs[: self.n].cpu().numpy())


def inputs_of(
    module: RegressionModel, blocks: Sequence[PaddedRows], which: Sequence[int]
) -> Inputs:
    """Return the inputs of a module: to each model one of the blocks, of equal length."""

    def tensor(name: str) -> Tensor | None:
        if getattr(blocks[0], name) is None:
            return None
        parts = [torch.from_numpy(getattr(block, name)) for block in blocks]
        rows = torch.stack(parts) if len(parts) > 1 else parts[0].unsqueeze(0)
        if len(which) > 1:
            rows = rows.index_select(0, torch.tensor(which))
        return rows.to(module.weights.device)

    x, b = tensor("x"), tensor("b")
    assert x is not None
    b, limits = (
        None if each is None else each / module.unit.reshape(-1, 1, 1)
        for each in (b, tensor("limits"))
    )
    return Inputs(x=x, b=b, rotation=tensor("rotation"), limits=limits)


def in_float64(module: RegressionModel) -> RegressionModel:
    """Return a module of the same structure around float64 copies of all numbers."""
    if module.weights.dtype == torch.float64:
        return module
    return module.with_numbers(lambda old: old.double() if old.is_floating_point() else old)
