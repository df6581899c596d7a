"""The domain of every constructor parameter of the denoiser, and what they ask for."""

from __future__ import annotations

from numbers import Integral, Real
from typing import Any

import numpy as np
import torch
from sklearn.utils._param_validation import Interval, StrOptions

from sklearn_reasoning.algorithms import Algorithm, get_algorithm, list_algorithms
from sklearn_reasoning.estimators._parameters import check_device, check_numbers
from sklearn_reasoning.layer import resolve_step_size
from sklearn_reasoning.training import ModelSettings, check_callbacks, first_step_sizes

from ._settings import STEPS_PER_EPOCH, DenoiserArchitecture

_POSITIVE = Interval(Real, 0, np.inf, closed="neither")
_COUNT = Interval(Integral, 1, None, closed="left")
_COUNT_OR_NONE = Interval(Integral, 0, None, closed="left")

CONSTRAINTS: dict[str, list[Any]] = {
    "algo": [str, Algorithm],
    "k": [_COUNT_OR_NONE],
    "step_size": [_POSITIVE, None],
    "step_size_range": [StrOptions({"stable"}), tuple, list],
    "learn_step_size": ["boolean"],
    "L": [Interval(Real, 1, np.inf, closed="left")],
    "f_channels": [_COUNT],
    "f_layers": [_COUNT_OR_NONE],
    "g_channels": [_COUNT],
    "g_layers": [_COUNT_OR_NONE],
    "shuffle": [_COUNT],
    "patch_size": [Interval(Integral, 2, None, closed="left")],
    "batch_size": [_COUNT],
    "max_steps": [_COUNT],
    "lr": [_POSITIVE],
    "lr_schedule": [StrOptions({"cosine", "constant"})],
    "weight_decay": [Interval(Real, 0, np.inf, closed="left")],
    "augment": ["boolean"],
    "loss": [StrOptions({"squared", "l2"})],
    "mixed_precision": [StrOptions({"auto"}), "boolean"],
    "device": [str, torch.device],
    "callbacks": [list, tuple, None],
    "verbose": ["verbose"],
    "random_state": ["random_state"],
}


def architecture_of(estimator: Any) -> DenoiserArchitecture:
    """Return what is asked for, and check what the constraints cannot say of one parameter alone.

    The ValueError names the parameter.
    """
    algorithm = get_algorithm(estimator.algo)
    check_numbers(estimator, CONSTRAINTS)
    if "lengths" not in algorithm.provides:
        usable = [name for name in list_algorithms() if "lengths" in get_algorithm(name).provides]
        raise ValueError(
            f"algo={algorithm.name!r} learns weights for rows of a fixed length, and here every "
            f"pixel is a problem of its own. Use one of {usable}."
        )
    resolve_step_size(algorithm, estimator.step_size, estimator.step_size_range, 1.0, estimator.L)
    if not estimator.f_layers and not estimator.g_layers:
        raise ValueError("f_layers=0 and g_layers=0 leave nothing to learn; one may be 0.")
    if estimator.patch_size % estimator.shuffle:
        raise ValueError(
            f"patch_size={estimator.patch_size!r} must be a multiple of "
            f"shuffle={estimator.shuffle!r}."
        )
    check_callbacks(estimator.callbacks, has_validation=False, n_steps=STEPS_PER_EPOCH)
    check_device(estimator.device)
    mixed = estimator.mixed_precision
    return DenoiserArchitecture(
        algorithm=algorithm,
        L=float(estimator.L),
        f_channels=int(estimator.f_channels),
        f_layers=int(estimator.f_layers),
        g_channels=int(estimator.g_channels),
        g_layers=int(estimator.g_layers),
        shuffle=int(estimator.shuffle),
        mixed_precision=has_bfloat16(estimator.device) if isinstance(mixed, str) else bool(mixed),
    )


def settings_of(estimator: Any, seed: int) -> ModelSettings:
    """Return how an estimator, whose parameters are checked, wants to be trained.

    Its rate falls from step to step.
    """
    max_steps = int(estimator.max_steps)
    algorithm, L = get_algorithm(estimator.algo), float(estimator.L)
    sizes, ends = first_step_sizes(
        algorithm, estimator.step_size, estimator.step_size_range, 1.0, L
    )
    return ModelSettings(
        k=int(estimator.k),
        step_size=sizes,
        step_size_range=ends,
        learn_step_size=bool(estimator.learn_step_size),
        loss=estimator.loss,
        optimizer="adam",
        lr=float(estimator.lr),
        weight_decay=float(estimator.weight_decay),
        lr_schedule=estimator.lr_schedule,
        max_epochs=-(-max_steps // STEPS_PER_EPOCH),
        batch_size=int(estimator.batch_size),
        keep="last",
        patience=None,
        tol=0.0,
        seed=seed,
        max_steps=max_steps,
    )


def has_bfloat16(device: str | torch.device) -> bool:
    """Return whether a device multiplies bfloat16 numbers in hardware.

    Told from the device alone and not by a stopwatch, so that it is the same every time.
    """
    kind = torch.device(device).type
    if kind == "cuda":
        return torch.cuda.is_bf16_supported(including_emulation=False)
    if kind != "cpu":
        return False
    # Older releases of torch have no way to ask; they compute in float32.
    questions = ("_is_avx512_bf16_supported", "_is_amx_tile_supported")
    return any(getattr(torch.cpu, question, bool)() for question in questions)
