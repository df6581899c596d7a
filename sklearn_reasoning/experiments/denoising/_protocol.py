"""The settings of the paper's denoising experiment (Section 7, Figure 7)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from numbers import Integral, Real
from pathlib import Path
from typing import Any, ClassVar

from sklearn.utils._param_validation import Interval, StrOptions

from sklearn_reasoning.algorithms import Algorithm, get_algorithm
from sklearn_reasoning.estimators.denoiser import HybridReasoningDenoiser, architecture_of
from sklearn_reasoning.experiments._settings import StudySettings, is_algorithm, is_count

_CHANNELS = 3
_MANY_CHANNELS = 20
_HIDDEN_LAYERS = 2

_counts = [Interval(Integral, 1, None, closed="left")]

_CONSTRAINTS: dict[str, list[Any]] = {
    "repetitions": [Interval(Integral, 2, None, closed="left")],
    "n_patches": _counts,
    "patch_size": [Interval(Integral, 2, None, closed="left")],
    "max_steps": _counts,
    "lr": [Interval(Real, 0, None, closed="neither")],
    "weight_decay": [Interval(Real, 0, None, closed="left")],
    "L": [Interval(Real, 1, None, closed="neither")],
    "learn_step_size": ["boolean"],
    "same_initial_weights": ["boolean"],
    "loss": [StrOptions({"l2", "squared"})],
    "images": [str, Path, None],
    "seed": [Interval(Integral, 0, 2**31 - 1, closed="left")],
}


@dataclass(frozen=True)
class Parameterisation:
    """One of the paper's three sizes of the networks f and g, by the role that it plays.

    f has two hidden layers of ``f_channels``, g has 3 channels; without a g the layer can only
    darken pixels.
    """

    name: str
    f_channels: int
    has_g: bool

    def __str__(self) -> str:
        g = f"g with {_CHANNELS}" if self.has_g else "g = 0"
        return f"f with {self.f_channels} channels, {g}"


PARAMETERISATIONS = (
    Parameterisation("under-parameterised", _CHANNELS, has_g=False),
    Parameterisation("about right", _CHANNELS, has_g=True),
    Parameterisation("over-parameterised", _MANY_CHANNELS, has_g=True),
)


@dataclass(frozen=True)
class DenoisingProtocol(StudySettings):
    """Settings of the denoising study; the defaults are the full size.

    In each repetition, patches are cut from two disjoint sets of images. Every model is trained
    twice: on the first set with the second held out, and the other way round. The gap of a
    repetition is the mean of both, so that sets whose content is easier or harder to restore
    cancel out; all k, algorithms and parameterisations see the same patches and the same noise.

    Parameters
    ----------
    algos : tuple of str or Algorithm, default=("gd", "nag")
        Algorithms that act on scalar problems, of which every pixel is one.
    k : tuple of int, default=(1, 2, 3, 4, 6, 8, 10, 12, 16, 20)
        Numbers of steps; each k is a model of its own.
    repetitions : int, default=20
        Number of pairs of sets of images, each with noise of its own.
    n_patches : int, default=6
        Patches in a set, each from an image of its own. Every step of the training sees them all.
    patch_size : int, default=16
        Side of a patch, in pixels.
    max_steps : int, default=3000
        Steps of Adam, whose rate falls to 0 like a cosine.
    lr : float, default=0.01
        Adam's first rate.
    weight_decay : float, default=0.0
        L2 penalty on weights.
    L : float, default=4.0
        Upper bound of the spectrum of Q; the lower one is 1, and the step size 1/L.
    learn_step_size : bool, default=False
        Whether the step size is trained.
    same_initial_weights : bool, default=True
        Whether repetitions start from the same weights. Within a repetition all models of a
        parameterisation do.
    loss : {"l2", "squared"}, default="l2"
        Mean over patches of the norm of the error, a pixel (Eq. 10), or of its square.
    images : str, Path or None, default=None
        A folder that holds BSD400, see :func:`~sklearn_reasoning.datasets.load_bsd400`; all 400
        images are drawn from. None: the photographs of
        :func:`~sklearn_reasoning.datasets.load_natural_images`.
    seed : int, default=0
        Seed of everything.

    Raises
    ------
    TypeError, ValueError
        If a setting is of the wrong kind or out of its domain, or an algorithm has no form for
        scalar problems, as rnn.

    Examples
    --------
    >>> quick = DenoisingProtocol.quick()
    >>> quick.but({"repetitions": 4}).repetitions
    4
    """

    algos: tuple[str | Algorithm, ...] = ("gd", "nag")
    k: tuple[int, ...] = (1, 2, 3, 4, 6, 8, 10, 12, 16, 20)
    repetitions: int = 20
    n_patches: int = 6
    patch_size: int = 16
    max_steps: int = 3000
    lr: float = 1e-2
    weight_decay: float = 0.0
    L: float = 4.0
    learn_step_size: bool = False
    same_initial_weights: bool = True
    loss: str = "l2"
    images: str | Path | None = None
    seed: int = 0

    _constraints = _CONSTRAINTS
    _tuples: ClassVar[Mapping[str, Callable[[Any], bool]]] = {"algos": is_algorithm, "k": is_count}

    def __post_init__(self) -> None:
        for name in self._tuples:
            if not getattr(self, name):
                raise TypeError(f"{name}={getattr(self, name)!r} must be a tuple of some entries.")
        super().__post_init__()
        for algorithm in map(get_algorithm, self.algos):
            # Refuses what has no form for single pixels.
            architecture_of(denoiser_of(self, PARAMETERISATIONS[0], algorithm, k=1))

    @classmethod
    def quick(cls) -> DenoisingProtocol:
        """Return settings that take minutes: fewer k, repetitions and steps.

        Returns
        -------
        DenoisingProtocol
            All else is as by default.
        """
        return cls(k=(1, 2, 4, 8, 12, 20), repetitions=8, max_steps=600)

    def _shown(self) -> dict[str, Any]:
        return {"images": "photographs" if self.images is None else "BSD400"}


def denoiser_of(
    protocol: DenoisingProtocol, parameterisation: Parameterisation, algorithm: Algorithm, k: int
) -> HybridReasoningDenoiser:
    """Return a model of the study, not fitted."""
    p = protocol
    return HybridReasoningDenoiser(
        algo=algorithm,
        k=k,
        learn_step_size=p.learn_step_size,
        L=p.L,
        f_channels=parameterisation.f_channels,
        f_layers=_HIDDEN_LAYERS,
        g_channels=_CHANNELS,
        g_layers=_HIDDEN_LAYERS if parameterisation.has_g else 0,
        shuffle=1,
        max_steps=p.max_steps,
        lr=p.lr,
        weight_decay=p.weight_decay,
        loss=p.loss,
        mixed_precision=False,
    )
