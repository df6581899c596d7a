"""The settings of the paper's synthetic experiments (Section 7)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from numbers import Integral, Real
from pathlib import Path
from typing import Any

from sklearn.utils._param_validation import Interval, StrOptions

from sklearn_reasoning.algorithms import Algorithm

from ._settings import StudySettings, is_algorithm, is_count

_FULL_K = (*range(1, 11), 12, 14, 16, 18, 20, 25, 30)

_positive = [Interval(Real, 0, None, closed="neither")]
_counts = [Interval(Integral, 1, None, closed="left")]

_CONSTRAINTS: dict[str, list[Any]] = {
    "epochs": _counts,
    "repetitions": [Interval(Integral, 2, None, closed="left")],
    "n_samples": [Interval(Integral, 5, None, closed="left")],
    "n_features": _counts,
    "n_outputs": [Interval(Integral, 3, None, closed="left")],
    "mu": _positive,
    "L": _positive,
    "noise": [Interval(Real, 0, None, closed="left")],
    "population_size": _counts,
    "weight_decay": [Interval(Real, 0, None, closed="left")],
    "learn_step_size": ["boolean"],
    "same_initial_weights": ["boolean"],
    "held_out": [StrOptions({"population", "disjoint"})],
    "selection": [StrOptions({"training", "cross-validation"})],
    "true_energy": [str, Path, None],
    "fig6_epochs": [*_counts, None],
    "seed": [Interval(Integral, 0, 2**31 - 1, closed="left")],
}
_TUPLES: dict[str, Callable[[Any], bool]] = {
    "algos": is_algorithm,
    "k": is_count,
    "fig6_k": is_count,
    "q_hidden": is_count,
    "optimizers": lambda optimizer: optimizer in ("adam", "sgd"),
    "lrs": lambda lr: (
        isinstance(lr, int | float) and not isinstance(lr, bool) and 0.0 < lr < float("inf")
    ),
}


@dataclass(frozen=True)
class Protocol(StudySettings):
    """Settings of the synthetic study; the defaults are the paper's.

    Parameters
    ----------
    algos : tuple of str or Algorithm, default=("gd", "nag")
        Algorithms that are compared.
    k : tuple of int, default=(1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 12, 14, 16, 18, 20, 25, 30)
        Numbers of steps; each k is a model of its own.
    q_hidden : tuple of int, default=(0, 16, 32)
        Hidden units of Q_theta; 0 is a linear map. Q* has 3.
    optimizers : tuple of {"adam", "sgd"}, default=("adam", "sgd")
        Optimisers to try.
    lrs : tuple of float, default=(1e-2, 5e-3, 1e-3, 5e-4, 1e-4)
        Learning rates. Of all optimisers and rates the one with the best selection loss is kept.
    epochs : int, default=50_000
        Passes over the training rows.
    repetitions : int, default=20
        Number of training sets, drawn from the population.
    n_samples : int, default=100
        Training rows; batches hold half of them.
    n_features, n_outputs : int, default=10 and 5
        Dimension m of x, and d of y.
    mu, L : float, default=0.1 and 1.0
        Smallest and largest eigenvalue of Q*.
    noise : float, default=0.0
        Standard deviation of noise on the training labels, in units of y.
    population_size : int, default=10_000
        Number of rows of the population.
    weight_decay : float, default=1e-4
        L2 penalty on weights.
    learn_step_size : bool, default=False
        Whether the step size, which starts at 1/L, is trained. The paper's released code has the
        option and never does.
    same_initial_weights : bool, default=True
        Whether repetitions start from the same weights.
    held_out : {"population", "disjoint"}, default="population"
        Whether the held-out rows are the whole population, as in the paper, or the part of it
        that was not trained on.
    selection : {"training", "cross-validation"}, default="training"
        What the learning rate and the optimiser are chosen by: the training loss, as in the
        paper, or 5-fold cross-validation on the training rows.
    true_energy : str, Path or None, default=None
        An ``.npz`` file with the weights of another Q*, as the paper's authors released theirs:
        ``layers_w.0.weight``, ``layers_w.0.bias``, ``layers_w.1.weight``, ``layers_w.1.bias``.
    fig6_k : tuple of int or None, default=None
        Numbers of steps in figure 6, whose recurrent cell takes them one by one; None is ``k``.
    fig6_epochs : int or None, default=None
        Epochs in figure 6; None is ``epochs``.
    seed : int, default=0
        Seed of everything.

    Raises
    ------
    TypeError, ValueError
        If a setting is of the wrong kind or out of its domain.

    Examples
    --------
    >>> quick = Protocol.quick()
    >>> quick.epochs, quick.of_figure_6().epochs
    (5000, 2000)
    >>> quick.but({"noise": 0.1}).to_dict()["noise"]
    0.1
    """

    algos: tuple[str | Algorithm, ...] = ("gd", "nag")
    k: tuple[int, ...] = _FULL_K
    q_hidden: tuple[int, ...] = (0, 16, 32)
    optimizers: tuple[str, ...] = ("adam", "sgd")
    lrs: tuple[float, ...] = (1e-2, 5e-3, 1e-3, 5e-4, 1e-4)
    epochs: int = 50_000
    repetitions: int = 20
    n_samples: int = 100
    n_features: int = 10
    n_outputs: int = 5
    mu: float = 0.1
    L: float = 1.0
    noise: float = 0.0
    population_size: int = 10_000
    weight_decay: float = 1e-4
    learn_step_size: bool = False
    same_initial_weights: bool = True
    held_out: str = "population"
    selection: str = "training"
    true_energy: str | Path | None = None
    fig6_k: tuple[int, ...] | None = None
    fig6_epochs: int | None = None
    seed: int = 0

    _constraints = _CONSTRAINTS
    _tuples = _TUPLES

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.mu > self.L:
            raise ValueError(f"mu={self.mu} must be at most L={self.L}.")
        if self.n_samples >= self.population_size:
            raise ValueError(
                f"n_samples={self.n_samples} must be below population_size={self.population_size}."
            )

    @classmethod
    def quick(cls) -> Protocol:
        """Return settings that take minutes: fewer k, rates, epochs and repetitions.

        Returns
        -------
        Protocol
            All else is as by default.
        """
        return cls(
            k=(1, 2, 4, 6, 8, 12, 16, 20, 30),
            optimizers=("adam",),
            lrs=(1e-2, 1e-3),
            epochs=5_000,
            repetitions=10,
            fig6_k=(1, 2, 4, 8, 16),
            fig6_epochs=2_000,
        )

    def of_figure_6(self) -> Protocol:
        """Return the protocol whose k and epochs are those of figure 6.

        Returns
        -------
        Protocol
            With ``fig6_k`` as ``k`` and ``fig6_epochs`` as ``epochs``, where they are not None.
        """
        return replace(
            self,
            k=self.k if self.fig6_k is None else self.fig6_k,
            epochs=self.epochs if self.fig6_epochs is None else self.fig6_epochs,
        )

    def but(self, settings: Mapping[str, Any]) -> Protocol:
        """Return the same protocol with some settings replaced.

        Parameters
        ----------
        settings : mapping of str to object
            Values by the names of the parameters. Where ``k`` or ``epochs`` is given and that
            of figure 6 is not, figure 6 follows.

        Returns
        -------
        Protocol
            Another one; this one stays as it is.

        Raises
        ------
        TypeError, ValueError
            If a setting is unknown, of the wrong kind or out of its domain.
        """
        follows = {f"fig6_{name}": None for name in ("k", "epochs") if name in settings}
        return super().but({**follows, **settings})

    def _shown(self) -> dict[str, Any]:
        return {"true_energy": None if self.true_energy is None else Path(self.true_energy).name}
