"""The networks of all models of a stack, as one differentiable operation."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable
from torch.nn import functional


def padded(size: int, multiple: int = 8) -> int:
    """Return the size rounded up, so that each model begins on a vector boundary.

    Vectorised kernels treat the last few elements of a tensor with scalar code that may round
    differently; a model on boundaries of its own gets the same bits in every stack.
    """
    return -(-size // multiple) * multiple


@dataclass(frozen=True)
class Block:
    """A matrix or a vector in the row of weights of a model, padded with zeros.

    ``piece`` is its number among the pieces of the row, ``shape`` is without the padding.
    """

    piece: int
    shape: tuple[int, ...]

    @property
    def padded_shape(self) -> tuple[int, ...]:
        """The shape with each axis padded to a multiple of 8."""
        return tuple(map(padded, self.shape))

    def of(self, pieces: Sequence[Tensor]) -> Tensor:
        """Return the padded blocks of all models, of shape (n_models, *padded_shape)."""
        piece = pieces[self.piece]
        return piece if len(self.shape) == 1 else piece.unflatten(1, self.padded_shape)

    def cut(self, blocks: Tensor) -> Tensor:
        """Return padded blocks without their padding."""
        for axis, size in enumerate(self.shape, start=1):
            blocks = blocks.narrow(axis, 0, size)
        return blocks


@dataclass(frozen=True)
class Affine:
    """One layer of a network; without inputs only the bias is left."""

    bias: Block
    matrix: Block | None

    @property
    def n_out(self) -> int:
        """Number of outputs."""
        return self.bias.shape[0]


Network = tuple[Affine, ...]


class Layout:
    """How the weights of a model lie in its row, which is padded to a multiple of 16.

    ``sizes`` are those of the pieces of a row, ``blocks`` the weights that are in no network.
    """

    def __init__(self) -> None:
        self.sizes: list[int] = []
        self.networks: dict[str, Network] = {}
        self.blocks: dict[str, Block] = {}

    def add_network(self, name: str, n_in: int, hidden: Sequence[int] | None, n_out: int) -> None:
        """Reserve the weights of a network; a hidden of None is a constant."""
        # Without features, or for a constant, only a bias is left.
        sizes = [0, n_out] if hidden is None or n_in == 0 else [n_in, *hidden, n_out]
        layers = []
        for before, after in pairwise(sizes):
            matrix = self._reserve(after, before) if before else None
            layers.append(Affine(self._reserve(after), matrix))
        self.networks[name] = tuple(layers)

    def add_block(self, name: str, shape: tuple[int, ...]) -> None:
        """Reserve a block of weights."""
        self.blocks[name] = self._reserve(*shape)

    def close(self) -> int:
        """Pad the row and return its length."""
        if sum(self.sizes) % 16:
            self.sizes.append(8)
        return sum(self.sizes)

    def _reserve(self, *shape: int) -> Block:
        block = Block(len(self.sizes), shape)
        self.sizes.append(math.prod(block.padded_shape))
        return block

    def named(self) -> Iterator[tuple[str, Block]]:
        """Yield the name and the place of every matrix and vector.

        ``Q.0.matrix`` and ``Q.0.bias`` are those of the first layer of the network named Q.
        """
        for name, network in self.networks.items():
            for i, layer in enumerate(network):
                if layer.matrix is not None:
                    yield f"{name}.{i}.matrix", layer.matrix
                yield f"{name}.{i}.bias", layer.bias
        yield from self.blocks.items()


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


_BYTES_IN_CACHE = 2**20


def _cuts(n_models: int, x: Tensor, layout: Layout) -> list[slice]:
    """Cut a stack into parts whose activations stay in the cache from one layer to the next."""
    widest = max(padded(layer.n_out) for network in layout.networks.values() for layer in network)
    per_model = widest * x.shape[-1] * x.element_size()
    length = max(_BYTES_IN_CACHE // per_model, 1) if per_model else n_models
    return [slice(first, first + length) for first in range(0, n_models, length)]


class _Evaluate(torch.autograd.Function):
    """One pass over the rows of weights, forwards and backwards.

    The gradient of a row is put together once. Autograd would add up one row of zeros for
    every piece of it.
    """

    @staticmethod
    def forward(ctx: Any, weights: Tensor, x: Tensor, layout: Layout) -> tuple[Tensor, ...]:
        n_models, n = len(weights), x.shape[-1]
        networks = layout.networks.values()
        outputs = [weights.new_empty(n_models, padded(net[-1].n_out), n) for net in networks]
        runs = []
        for part in _cuts(n_models, x, layout):
            pieces = weights[part].split(layout.sizes, dim=1)
            inputs = [
                _run_network(network, pieces, x[part], output[part])
                for network, output in zip(networks, outputs, strict=True)
            ]
            runs.append((part, pieces, inputs))
        ctx.set_materialize_grads(False)
        ctx.runs, ctx.layout, ctx.n_models = runs, layout, n_models
        pieces = weights.split(layout.sizes, dim=1)
        return (
            *(out[:, : net[-1].n_out] for net, out in zip(networks, outputs, strict=True)),
            *(block.of(pieces).clone() for block in layout.blocks.values()),
        )

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *grads: Tensor | None) -> tuple[Tensor | None, ...]:
        layout, networks = ctx.layout, ctx.layout.networks.values()
        padded_grads = [
            grad if grad is None else functional.pad(grad, (0, 0, 0, -grad.shape[1] % 8))
            for grad in grads[: len(networks)]
        ]
        weights_ = ctx.runs[0][1][0].new_empty(ctx.n_models, sum(layout.sizes))
        for part, pieces, inputs_of in ctx.runs:
            pulled: list[Tensor | None] = [None] * len(pieces)
            for network, inputs, grad in zip(networks, inputs_of, padded_grads, strict=True):
                if grad is not None:
                    _pull_network(network, pieces, inputs, grad[part], pulled)
            for block, grad in zip(layout.blocks.values(), grads[len(networks) :], strict=True):
                if grad is not None:
                    pulled[block.piece] = grad[part].flatten(1)
            row_ = [
                torch.zeros_like(piece) if piece_ is None else piece_
                for piece, piece_ in zip(pieces, pulled, strict=True)
            ]
            torch.cat(row_, dim=1, out=weights_[part])
        return weights_, None, None


def _run_network(
    network: Network, pieces: Sequence[Tensor], x: Tensor, output: Tensor
) -> list[Tensor]:
    """Write the outputs of a network, and return the inputs of each of its layers."""
    inputs: list[Tensor] = []
    values = x
    for i, layer in enumerate(network):
        if i > 0:
            values = torch.relu_(values)
        inputs.append(values)
        bias = layer.bias.of(pieces).unsqueeze(-1)
        last = i + 1 == len(network)
        if layer.matrix is None:
            output.copy_(bias)
        else:
            matrix = layer.matrix.of(pieces)
            values = torch.baddbmm(bias, matrix, values, out=output if last else None)
    return inputs


def _pull_network(
    network: Network,
    pieces: Sequence[Tensor],
    inputs: list[Tensor],
    grad: Tensor,
    pulled: list[Tensor | None],
) -> None:
    """Put the gradients of a network's pieces into ``pulled``."""
    for i, layer in reversed(list(enumerate(network))):
        pulled[layer.bias.piece] = grad.sum(dim=-1)
        if layer.matrix is None:
            continue
        pulled[layer.matrix.piece] = torch.bmm(grad, inputs[i].mT).flatten(1)
        if i > 0:
            grad = torch.bmm(layer.matrix.of(pieces).mT, grad)
            # ReLU: what was cut off has no gradient. The inputs are not needed again.
            grad.mul_(inputs[i].sign_())
