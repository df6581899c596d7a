"""The networks of all models of a stack, as one differentiable operation."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable
from torch.nn import functional

from ._layout import Layout, Network, padded


def evaluate(
    weights: Tensor, x: Tensor, layout: Layout
) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    """Run all networks on x, and cut out the weights that are in none.

    Parameters
    ----------
    weights : Tensor of shape (n_models, n_weights)
    x : Tensor of shape (n_models, padded n_features, n)
    layout : Layout

    Returns
    -------
    outputs : dict of str to Tensor of shape (n_models, n_out, n)
        Of each network; affine maps with ReLU between them.
    blocks : dict of str to Tensor
        The other weights, padded.
    """
    apply: Any = _Evaluate.apply
    results = apply(weights, x, layout)
    named = dict(zip((*layout.networks, *layout.blocks), results, strict=True))
    return {name: named.pop(name) for name in layout.networks}, named


class _Evaluate(torch.autograd.Function):
    """One pass over the rows of weights, forwards and backwards."""

    @staticmethod
    def forward(ctx: Any, weights: Tensor, x: Tensor, layout: Layout) -> tuple[Tensor, ...]:
        networks = Networks(weights, x.shape[-1], layout)
        outputs, ctx.pull = networks.run(x)
        ctx.set_materialize_grads(False)
        ctx.layout = layout
        return (
            *(networks.true(name, output) for name, output in outputs.items()),
            *(block.clone() for block in networks.blocks.values()),
        )

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *grads: Tensor | None) -> tuple[Tensor | None, ...]:
        named = dict(zip((*ctx.layout.networks, *ctx.layout.blocks), grads, strict=True))
        for name in ctx.layout.networks:
            grad = named[name]
            if grad is not None:
                named[name] = functional.pad(grad, (0, 0, 0, -grad.shape[1] % 8))
        return ctx.pull(named), None, None


_BYTES_IN_CACHE = 2**20


class Networks:
    """The networks of a stack, for batches of n rows.

    Parameters
    ----------
    weights : Tensor of shape (n_models, n_weights)
        What changes in them is seen.
    n : int
    layout : Layout

    Attributes
    ----------
    blocks : dict of str to Tensor
        The weights that are in no network, padded.
    """

    def __init__(self, weights: Tensor, n: int, layout: Layout) -> None:
        self._layout, self._weights, self._n = layout, weights, n
        # A stack is cut into parts whose activations stay in the cache from layer to layer.
        widest = max(padded(layer.n_out) for net in layout.networks.values() for layer in net)
        per_model = widest * n * weights.element_size()
        n_models = len(weights)
        length = max(_BYTES_IN_CACHE // per_model, 1) if per_model else n_models
        self._parts = [
            _Part.of(weights, slice(first, first + length), layout)
            for first in range(0, n_models, length)
        ]
        pieces = weights.split(layout.sizes, dim=1)
        self.blocks = {name: block.of(pieces) for name, block in layout.blocks.items()}

    def true(self, name: str, output: Tensor) -> Tensor:
        """Return padded outputs of a network without their padding."""
        return output.narrow(1, 0, self._layout.networks[name][-1].n_out)

    def empty_outputs(self) -> dict[str, Tensor]:
        """Return room for the padded outputs of each network, (n_models, padded n_out, n)."""
        return {
            name: self._weights.new_empty(len(self._weights), padded(net[-1].n_out), self._n)
            for name, net in self._layout.networks.items()
        }

    def run(self, x: Tensor) -> tuple[dict[str, Tensor], Callable[..., Tensor]]:
        """Return the padded outputs of all networks, and what pulls gradients back.

        That maps padded gradients of outputs and blocks, by name, to the gradient of the weights;
        a gradient of zeros may be left out or None. It may be called once.
        """
        outputs = self.empty_outputs()
        inputs = [
            [
                _run_network(layers, part.cut(x), part.cut(outputs[name]))
                for name, layers in part.networks.items()
            ]
            for part in self._parts
        ]
        return outputs, partial(self._pull, inputs)

    def _pull(self, inputs: list[list[list[Tensor]]], grads: dict[str, Tensor | None]) -> Tensor:
        """Put the gradient of each row together once.

        Autograd would add up one row of zeros for every piece of it.
        """
        rows = []
        for part, inputs_of in zip(self._parts, inputs, strict=True):
            pulled: list[Tensor | None] = [None] * len(part.pieces)
            for (name, network), values in zip(
                self._layout.networks.items(), inputs_of, strict=True
            ):
                grad = grads.get(name)
                if grad is not None:
                    _pull_network(network, part.networks[name], values, part.cut(grad), pulled)
            for name, block in self._layout.blocks.items():
                grad = grads.get(name)
                if grad is not None:
                    pulled[block.piece] = part.cut(grad).flatten(1)
            row_ = [
                torch.zeros_like(piece) if piece_ is None else piece_
                for piece, piece_ in zip(part.pieces, pulled, strict=True)
            ]
            rows.append(torch.cat(row_, dim=1))
        return rows[0] if len(rows) == 1 else torch.cat(rows)


# The bias of a layer, as a column, and its matrix.
_Layer = tuple[Tensor, Tensor | None]


class _Part(NamedTuple):
    """Some models of a stack, None for all, and views of their weights."""

    models: slice | None
    pieces: tuple[Tensor, ...]
    networks: dict[str, list[_Layer]]

    @classmethod
    def of(cls, weights: Tensor, models: slice, layout: Layout) -> _Part:
        is_all = models.start == 0 and models.stop >= len(weights)
        pieces = (weights if is_all else weights[models]).split(layout.sizes, dim=1)
        networks = {
            name: [
                (
                    layer.bias.of(pieces).unsqueeze(-1),
                    None if layer.matrix is None else layer.matrix.of(pieces),
                )
                for layer in network
            ]
            for name, network in layout.networks.items()
        }
        return cls(None if is_all else models, pieces, networks)

    def cut(self, values: Tensor) -> Tensor:
        """Return the values of these models."""
        return values if self.models is None else values[self.models]


def _run_network(layers: list[_Layer], x: Tensor, output: Tensor) -> list[Tensor]:
    """Write the outputs of a network, and return the inputs of each of its layers."""
    inputs: list[Tensor] = []
    values = x
    for i, (bias, matrix) in enumerate(layers):
        if i > 0:
            values = torch.relu_(values)
        inputs.append(values)
        last = i + 1 == len(layers)
        if matrix is None:
            output.copy_(bias)
        else:
            values = torch.baddbmm(bias, matrix, values, out=output if last else None)
    return inputs


def _pull_network(
    network: Network,
    layers: list[_Layer],
    inputs: list[Tensor],
    grad: Tensor,
    pulled: list[Tensor | None],
) -> None:
    """Put the gradients of a network's pieces into ``pulled``."""
    for i, layer in reversed(list(enumerate(network))):
        pulled[layer.bias.piece] = grad.sum(dim=-1)
        matrix = layers[i][1]
        if layer.matrix is None or matrix is None:
            continue
        pulled[layer.matrix.piece] = torch.bmm(grad, inputs[i].mT).flatten(1)
        if i > 0:
            grad = torch.bmm(matrix.mT, grad)
            # ReLU: what was cut off has no gradient. The inputs are not needed again.
            grad.mul_(inputs[i].sign_())
