"""What reads x: networks that give each cell its evidence for each class."""

from __future__ import annotations

import copy
import inspect
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import pairwise
from math import isqrt
from typing import Any

import torch
from torch import Tensor, nn

from ._settings import ClassifierArchitecture

_CHANNELS = (8, 16)

# torch draws the weights of its modules from the one generator of the process.
_one_at_a_time = threading.RLock()


@contextmanager
def drawing(seed: int, device: str = "cpu") -> Iterator[None]:
    """Draw from a seed what torch draws; its global states are afterwards as they were before."""
    kind = torch.device(device)
    with torch.random.fork_rng(devices=[kind] if kind.type == "cuda" else []):
        torch.default_generator.manual_seed(seed)
        if kind.type == "cuda":
            torch.cuda.manual_seed(seed)
        yield


def perception_of(a: ClassifierArchitecture, seed: int = 0) -> nn.Module:
    """Return the network of an architecture, drawn from a seed; global states stay as they are.

    It maps (n, n_features) to as many numbers as (n, n_cells, n_classes).
    """
    with _one_at_a_time, drawing(seed):
        if callable(a.perception):
            return _own(a)
        if a.perception == "joint":
            return perceptron(a.n_features, a.perception_hidden, a.n_cells * a.n_classes)
        width = a.n_features // a.n_cells
        if a.perception == "per_cell":
            return PerCell(a.n_cells, perceptron(width, a.perception_hidden, a.n_classes))
        return PerCell(a.n_cells, convolutions(width, a.perception_hidden, a.n_classes))


def perceptron(n_inputs: int, hidden: tuple[int, ...], n_outputs: int) -> nn.Sequential:
    """Return linear maps with rectifiers between them; float32 whatever torch's default is."""
    sizes = list(pairwise((n_inputs, *hidden, n_outputs)))
    layers: list[nn.Module] = []
    for i, size in enumerate(sizes):
        layers.append(nn.Linear(*size, dtype=torch.float32))
        if i < len(sizes) - 1:
            layers.append(nn.ReLU())
    return nn.Sequential(*layers)


def convolutions(n_pixels: int, hidden: tuple[int, ...], n_outputs: int) -> nn.Sequential:
    """Return two strided convolutions of a square image, and a perceptron of what they give."""
    side = isqrt(n_pixels)
    first, second = _CHANNELS
    end = -(-side // 4)
    return nn.Sequential(
        nn.Unflatten(1, (1, side, side)),
        nn.Conv2d(1, first, 5, stride=2, padding=2, dtype=torch.float32),
        nn.ReLU(),
        nn.Conv2d(first, second, 3, stride=2, padding=1, dtype=torch.float32),
        nn.ReLU(),
        nn.Flatten(),
        *perceptron(second * end * end, hidden, n_outputs),
    )


class PerCell(nn.Module):
    """One network that reads the block of columns of each cell.

    Blocks of zeros, such as empty cells, are read once.

    Parameters
    ----------
    n_cells : int
        Number of equal blocks.
    network : nn.Module
        From a block to the evidence of a cell.
    """

    def __init__(self, n_cells: int, network: nn.Module) -> None:
        super().__init__()
        self.n_cells, self.network = n_cells, network

    def forward(self, x: Tensor) -> Tensor:
        """Return the evidence, of shape (n, n_cells, n_classes)."""
        blocks = x.reshape(len(x) * self.n_cells, -1)
        seen = blocks.amax(1) != blocks.amin(1)
        seen |= blocks[:, 0] != 0.0
        where = seen.nonzero().squeeze(1)
        read = self.network(torch.cat([blocks[where], blocks.new_zeros(1, blocks.shape[1])]))
        of_block = torch.full((len(blocks),), len(where), device=x.device)
        of_block[where] = torch.arange(len(where), device=x.device)
        return read.index_select(0, of_block).unflatten(0, (-1, self.n_cells))


def _own(a: ClassifierArchitecture) -> nn.Module:
    """Return the module that a callable makes."""
    make: Any = a.perception
    sizes = (a.n_features, a.n_cells, a.n_classes)
    name = f"perception={make!r}"
    if isinstance(make, nn.Module):
        raise TypeError(
            f"{name} is a module, and must be what makes one, so that every fit begins anew: "
            "perception=lambda n_features, n_cells, n_classes: ..."
        )
    if (least := _n_required(make)) > len(sizes):
        raise TypeError(
            f"{name} takes {least} arguments, and is given (n_features, n_cells, n_classes) or as "
            "many of them as it takes."
        )
    module = make(*sizes[: _n_positional(make)])
    if not isinstance(module, nn.Module):
        raise TypeError(f"{name} made {type(module).__name__}, and must make a torch module.")
    # It may be one that the callable keeps.
    return copy.deepcopy(module)


def check_module(module: nn.Module, a: ClassifierArchitecture, x: Tensor) -> None:
    """Refuse a module of one's own that gives other numbers of outputs, on rows of X."""
    # In use: what modules count or draw in training is not for this.
    with torch.no_grad():
        try:
            given = module.eval()(x)
        except (RuntimeError, TypeError, ValueError) as error:
            raise ValueError(
                f"perception={a.perception!r} made a module that cannot read X, of shape "
                f"(n, {a.n_features}): {error}"
            ) from error
    shapes = [(len(x), a.n_cells, a.n_classes), (len(x), a.n_cells * a.n_classes)]
    if not isinstance(given, Tensor) or tuple(given.shape) not in shapes:
        shape = tuple(given.shape) if isinstance(given, Tensor) else type(given).__name__
        raise ValueError(
            f"perception={a.perception!r} made a module that gives {shape} for {len(x)} rows, and "
            f"must give {shapes[0]} or {shapes[1]}: rows, cells and classes."
        )


def _n_positional(function: Any) -> int:
    """Return how many of three arguments a callable takes."""
    parameters = _parameters(function)
    if any(p.kind is p.VAR_POSITIONAL for p in parameters):
        return 3
    return min(sum(_is_positional(p) for p in parameters), 3)


def _n_required(function: Any) -> int:
    """Return how many arguments a callable cannot do without."""
    return sum(_is_positional(p) and p.default is p.empty for p in _parameters(function))


def _is_positional(parameter: inspect.Parameter) -> bool:
    return parameter.kind in (parameter.POSITIONAL_ONLY, parameter.POSITIONAL_OR_KEYWORD)


def _parameters(function: Any) -> list[inspect.Parameter]:
    try:
        return list(inspect.signature(function).parameters.values())
    except (TypeError, ValueError):
        return []


def shapes_of(a: ClassifierArchitecture) -> Iterator[tuple[str, tuple[int, ...]]]:
    """Yield names and shapes of the weights of a network that is not one's own."""
    for name, value in perception_of(a).state_dict().items():
        yield name, tuple(value.shape)
