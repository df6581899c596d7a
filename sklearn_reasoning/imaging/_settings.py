"""What a denoiser is made of, and how it is trained."""

from __future__ import annotations

from dataclasses import dataclass

from sklearn_reasoning.algorithms import Algorithm

# What skorch's events and history call an epoch: patches are drawn without end.
STEPS_PER_EPOCH = 100


@dataclass(frozen=True)
class DenoiserArchitecture:
    """The shapes and the layer of a denoiser.

    Parameters
    ----------
    algorithm : Algorithm
        One that commutes with rotations: every pixel is a problem of its own.
    k : int
        Number of steps.
    L : float
        Upper bound of the spectrum; the lower one is 1.
    step_size : float or None
        The initial step size; None for algorithms without one.
    step_size_range : (float, float) or None
    learn_step_size : bool
    f_channels, f_layers : int
        Channels and number of hidden layers of f; no layers: f = 0.
    g_channels, g_layers : int
        The same of g.
    shuffle : int
        The networks see every ``shuffle`` x ``shuffle`` square of pixels as one cell.
    """

    algorithm: Algorithm
    k: int
    L: float
    step_size: float | None
    step_size_range: tuple[float, float] | None
    learn_step_size: bool
    f_channels: int
    f_layers: int
    g_channels: int
    g_layers: int
    shuffle: int


@dataclass(frozen=True)
class DenoiserSettings:
    """How a denoiser is trained.

    Parameters
    ----------
    max_steps : int
        Number of steps of the optimiser.
    lr : float
    lr_schedule : {"cosine", "constant"}
    weight_decay : float
    mixed_precision : bool
        Whether the convolutions of the training run in bfloat16.
    """

    max_steps: int
    lr: float
    lr_schedule: str
    weight_decay: float
    mixed_precision: bool
