"""What a denoiser is made of, and when it tells of its training."""

from __future__ import annotations

from dataclasses import dataclass

from sklearn_reasoning.algorithms import Algorithm

# What skorch's events and history call an epoch: patches are drawn without end.
STEPS_PER_EPOCH = 100


@dataclass(frozen=True)
class DenoiserArchitecture:
    """The shapes and the code path of a denoiser.

    Parameters
    ----------
    algorithm : Algorithm
        One for rows of every length: every pixel is a problem of its own.
    L : float
        Upper bound of the spectrum; the lower one is 1.
    f_channels, f_layers : int
        Channels and number of hidden layers of f; no layers: f = 0.
    g_channels, g_layers : int
        The same of g.
    shuffle : int
        The networks see every ``shuffle`` x ``shuffle`` square of pixels as one cell.
    mixed_precision : bool
        Whether the convolutions of the training run in bfloat16.
    """

    algorithm: Algorithm
    L: float
    f_channels: int
    f_layers: int
    g_channels: int
    g_layers: int
    shuffle: int
    mixed_precision: bool

    @property
    def mu(self) -> float:
        """The lower bound of the spectrum: f adds to the identity."""
        return 1.0
