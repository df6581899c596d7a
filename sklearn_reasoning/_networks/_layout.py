"""Where the weights of a model lie: its networks and other blocks in one row."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from torch import Tensor


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
