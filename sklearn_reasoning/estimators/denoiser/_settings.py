"""What a denoiser is made of, and how it is trained."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sklearn_reasoning.algorithms import Algorithm
from sklearn_reasoning.layer import resolve_step_size
from sklearn_reasoning.training import ModelSettings

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


def denoiser_settings(
    algorithm: Algorithm,
    L: float,
    *,
    k: int,
    max_steps: int,
    lr: float,
    weight_decay: float,
    loss: str,
    seed: int,
    lr_schedule: str = "cosine",
    step_size: float | None = None,
    step_size_range: str | Sequence[float] = "stable",
    learn_step_size: bool = True,
    batch_size: int = 1,
) -> ModelSettings:
    """Return the settings of a denoiser, whose rate falls from step to step.

    Parameters are those of the estimator.
    """
    resolved = resolve_step_size(algorithm, step_size, step_size_range, 1.0, L)
    initial, low, high = (1.0, 1.0, 1.0) if resolved is None else resolved
    return ModelSettings(
        k=k,
        step_size=() if resolved is None else (initial,),
        step_size_range=(low, high),
        learn_step_size=learn_step_size,
        loss=loss,
        optimizer="adam",
        lr=lr,
        weight_decay=weight_decay,
        lr_schedule=lr_schedule,
        max_epochs=-(-max_steps // STEPS_PER_EPOCH),
        batch_size=batch_size,
        keep="last",
        patience=None,
        tol=0.0,
        seed=seed,
        max_steps=max_steps,
    )
