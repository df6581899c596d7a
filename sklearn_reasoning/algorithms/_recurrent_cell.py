"""The recurrent cell of the paper's Eq. 20."""

from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor

from sklearn_reasoning._polynomials import Phi, under_transform

from ._base import Algorithm, State
from ._problem import Problem


class RecurrentCell(Algorithm):
    r"""A learned update, the same in every step (Eq. 20).

    .. math::
        y_{k+1} = V s(W^n s(\cdots W^2 s(W^1_1 y_k + W^1_2 g_k))), \qquad
        g_k = \nabla E(y_k), \quad s = \mathrm{ReLU}

    It begins as gradient descent with step size 1/L: the first layer holds [I, -I/L] and its
    negative, V is [I, -I], and relu(t) - relu(-t) = t. Units beyond these 2d begin with small
    fixed inputs and no output.

    Parameters
    ----------
    width : int, default=2
        Hidden units per output, at least 2.
    n_layers : int, default=1
        Number of hidden layers, at least 1.

    Raises
    ------
    ValueError
        If ``width`` is below 2 or ``n_layers`` below 1.

    Examples
    --------
    >>> {name: tuple(w.shape) for name, w in RecurrentCell().initial_weights(3, 0.1, 1.0).items()}
    {'W1_state': (6, 3), 'W1_gradient': (6, 3), 'V': (3, 6)}
    """

    name = "rnn"
    also_called = ("recurrent_cell", "recurrent_network", "gru", "lstm")
    needs = frozenset({"gradient"})
    has_step_size = False
    is_polynomial = False
    commutes_with_rotations = False

    def __init__(self, width: int = 2, n_layers: int = 1) -> None:
        if width < 2:
            raise ValueError(f"width={width!r} must be at least 2: gradient descent needs 2.")
        if n_layers < 1:
            raise ValueError(f"n_layers={n_layers!r} must be at least 1.")
        self.width = width
        self.n_layers = n_layers

    def initial_weights(self, d: int, mu: float, L: float) -> dict[str, Tensor]:
        """Return weights with which the cell equals gradient descent with step size 1/L."""
        hidden = self.width * d
        identity = torch.eye(d, dtype=torch.float64)
        state = torch.zeros(hidden, d, dtype=torch.float64)
        state[: 2 * d] = torch.cat([identity, -identity])
        # A cosine pattern is deterministic and gives the spare units unlike directions.
        rows = torch.arange(hidden - 2 * d, dtype=torch.float64).unsqueeze(1) + 1.0
        columns = torch.arange(d, dtype=torch.float64) + 0.5
        state[2 * d :] = 0.1 * torch.cos(rows * columns)
        weights = {"W1_state": state, "W1_gradient": -state / L}
        for layer in range(2, self.n_layers + 1):
            weights[f"W{layer}"] = torch.eye(hidden, dtype=torch.float64)
        V = torch.zeros(d, hidden, dtype=torch.float64)
        V[:, : 2 * d] = torch.cat([identity, -identity], dim=1)
        weights["V"] = V
        return weights

    def weight_shapes(self, d: int) -> Iterator[tuple[str, tuple[int, ...]]]:
        """Yield names and shapes of the weights."""
        hidden = self.width * d
        yield from (("W1_state", (hidden, d)), ("W1_gradient", (hidden, d)))
        for layer in range(2, self.n_layers + 1):
            yield f"W{layer}", (hidden, hidden)
        yield "V", (d, hidden)

    def step(self, state: State, problem: Problem, phi: Phi) -> State:
        """Apply the cell to the iterate and its gradient."""
        (y,) = state
        W_y, W_g = phi["W1_state"], phi["W1_gradient"]
        g = problem.gradient(y)
        hidden = _relu(W_y @ _features_by_rows(y) + W_g @ _features_by_rows(g))
        for layer in range(2, self.n_layers + 1):
            # Derivative 1 at 0: with 1/2 again, the pair of _relu would no longer be the identity.
            hidden = (phi[f"W{layer}"] @ hidden).clamp_min(0.0)
        transpose: Any = _RowsByFeatures.apply
        return (transpose(phi["V"] @ hidden),)


def _relu(u: Tensor) -> Tensor:
    """Return max(u, 0), with the derivative 1/2 at 0.

    There relu(u) - relu(-u) is the identity, as it is everywhere. With torch's derivative of 0 a
    cell that begins at the minimiser of a first energy of zeros would never learn.
    """
    return 0.5 * (u + u.abs())


# Products of matrices whose rows are d apart in memory are rounded as their address happens to
# be: for odd d a model would get other bits in a stack than alone. Here rows are innermost.


def _features_by_rows(y: Tensor) -> Tensor:
    return y.mT.contiguous()


class _RowsByFeatures(torch.autograd.Function):
    @classmethod
    def apply(cls, y: Tensor) -> Any:
        return y.mT if under_transform() else super().apply(y)  # type: ignore[no-untyped-call]

    @staticmethod
    def forward(ctx: Any, y: Tensor) -> Tensor:
        return y.mT

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> Tensor:
        return _features_by_rows(grads[0])
