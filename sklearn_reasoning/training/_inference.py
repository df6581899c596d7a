"""A trained stack of one, applied to arrays."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np
import torch
from torch import Tensor

from sklearn_reasoning._threads import one_thread

from ._stack import ReasoningStack, padded

_Array = np.ndarray[Any, Any]


def predict(
    module: ReasoningStack,
    x: _Array,
    b: _Array | None = None,
    rotation: _Array | None = None,
    k: int | None = None,
) -> _Array:
    """Return the outputs of a stack of one model, computed in float64.

    Parameters
    ----------
    module : ReasoningStack
    x : ndarray of shape (n, n_features)
    b : ndarray of shape (n, d) or None
    rotation : ndarray of shape (n, d, d) or None
    k : int or None, default=None
        Another number of steps than the model's own.

    Returns
    -------
    ndarray of shape (n, d)
    """
    module, inputs = _prepare(module, x, b, rotation)
    with torch.no_grad(), one_thread():
        y = module(*inputs, k=k)[0] * module.unit
    return np.ascontiguousarray(y.cpu().numpy())


def predict_energy(
    module: ReasoningStack,
    x: _Array,
    b: _Array | None = None,
    rotation: _Array | None = None,
) -> tuple[_Array, _Array]:
    """Return the energies of a stack of one model, computed in float64.

    Parameters are those of :func:`predict`.

    Returns
    -------
    Q : ndarray of shape (n, d, d)
    b : ndarray of shape (n, d)
    """
    module, inputs = _prepare(module, x, b, rotation)
    with torch.no_grad(), one_thread():
        energy = module.complete_energy(*inputs)
        Q, b_out = energy.matrix()[0], (energy.b * module.unit)[0]
    return np.ascontiguousarray(Q.cpu().numpy()), np.ascontiguousarray(b_out.cpu().numpy())


def distance_to_minimiser(
    module: ReasoningStack,
    x: _Array,
    b: _Array | None = None,
    rotation: _Array | None = None,
    k: int | None = None,
) -> tuple[_Array, _Array, _Array]:
    """Compare the outputs of a stack of one model with the exact minimisers, in float64.

    Parameters are those of :func:`predict`.

    Returns
    -------
    eigenvalues : ndarray of shape (n, d)
        Of the predicted Q.
    distance : ndarray of shape (n,)
        Norms of output minus minimiser.
    length : ndarray of shape (n,)
        Norms of the minimisers.
    """
    module, inputs = _prepare(module, x, b, rotation)
    with torch.no_grad(), one_thread():
        energy, left = module.energy_and_error(*inputs, k=k)
        distance = left[0].norm(dim=-1) * module.unit
        length = energy.minimizer()[0].norm(dim=-1) * module.unit
        results = energy.eigenvalues[0].broadcast_to(left[0].shape), distance, length
    eigenvalues, distance, length = (np.ascontiguousarray(r.cpu().numpy()) for r in results)
    return eigenvalues, distance, length


def _prepare(
    module: ReasoningStack, x: _Array, b: _Array | None, rotation: _Array | None
) -> tuple[ReasoningStack, tuple[Tensor, Tensor | None, Tensor | None]]:
    """Return the module in float64, and its inputs: features times rows, in units."""
    if module.weights.dtype != torch.float64:
        module = _in_float64(module)
    features = np.zeros((padded(x.shape[1]), len(x)))
    features[: x.shape[1]] = x.T

    def tensor(values: _Array) -> Tensor:
        contiguous = np.ascontiguousarray(values, dtype=np.float64)
        return torch.from_numpy(contiguous).to(module.weights.device).unsqueeze(0)

    return module, (
        tensor(features),
        None if b is None else tensor(b.T) / module.unit,
        None if rotation is None else tensor(rotation),
    )


def _in_float64(module: ReasoningStack) -> ReasoningStack:
    """Return a module of the same structure around float64 copies of all numbers.

    ``deepcopy(module).double()`` takes longer than the prediction of a small model.
    """
    twin = copy.copy(module)
    twin._parameters = {name: _double(p) for name, p in module._parameters.items()}
    twin._buffers = {name: _double(buffer) for name, buffer in module._buffers.items()}
    return twin


def _double(value: Any) -> Any:
    return value.detach().double() if value is not None and value.is_floating_point() else value
