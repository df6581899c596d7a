"""What few-shot models are made of."""

from __future__ import annotations

from dataclasses import dataclass

from sklearn_reasoning.algorithms import Algorithm


@dataclass(frozen=True)
class FewShotArchitecture:
    """The shape of a model.

    Parameters
    ----------
    algorithm : Algorithm
    n_features : int
        Number of columns of X.
    n_outputs : int
        Number of columns of y.
    basis_hidden : tuple of int
        Hidden sizes of the network.
    n_basis : int
        Number of its outputs; the constant comes on top.
    adapt : {"head", "all"}
        What the steps change.
    """

    algorithm: Algorithm
    n_features: int
    n_outputs: int
    basis_hidden: tuple[int, ...]
    n_basis: int
    adapt: str

    # In units of the ridge, mu is 1 for every group; the L of each group is its own.
    mu = 1.0
    L = 100.0

    @property
    def n_weights(self) -> int:
        """Number of weights of an output: one for each basis function and one for the constant."""
        return self.n_basis + 1
