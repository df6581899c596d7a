"""What a folder is made of."""

from __future__ import annotations

from dataclasses import dataclass

from sklearn_reasoning.algorithms import Algorithm


@dataclass(frozen=True)
class FolderArchitecture:
    """The shapes and the code path of a folder.

    Parameters
    ----------
    algorithm : Algorithm
        One for the dual of a matching.
    sequence_channels, sequence_layers : int
        Of the network that reads sequences.
    pair_channels, pair_layers : int
        Of the network that scores pairs.
    has_prior : bool
        Whether probabilities of pairs are given.
    learned : {"network", "calibration"}
        What gives scores.
    """

    algorithm: Algorithm
    sequence_channels: int
    sequence_layers: int
    pair_channels: int
    pair_layers: int
    has_prior: bool
    learned: str

    # In the units of the dual; it need not be strongly convex.
    mu = 0.0
    L = 1.0
