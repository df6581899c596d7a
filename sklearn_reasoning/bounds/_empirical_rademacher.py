"""The empirical Rademacher complexity of a model class, estimated by training."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.utils import check_array

from sklearn_reasoning._support.random_state import independent_random_state
from sklearn_reasoning._support.training_context import training_context
from sklearn_reasoning.estimators import HybridReasoningRegressor
from sklearn_reasoning.training import RegressionModel, Rows

from ._arguments import above_zero, whole
from ._network_norms import fitted_module
from ._signed_class import check_true_energies, signed_energies, signed_losses
from ._signed_training import largest_signed_means, trained_against_signs


@dataclass(frozen=True, eq=False)
class RademacherEstimate:
    """An estimate **from below** of an empirical Rademacher complexity.

    Each draw's value is reached by a member of the class that training found; the supremum over
    the class may be larger. Its error has two parts: ``standard_error`` is that of the draws, and
    what training did not find is not known.

    Parameters
    ----------
    estimate : float
        Mean over the draws, in the units of y for the class of the losses, of Q for that of Q.
    standard_error : float
        Standard error of that mean, in the units of y or Q.
    per_draw : ndarray of shape (n_draws,)
        The largest signed mean that was found for each draw of signs, in the units of y or Q.
    target : {"loss", "Q"}
        Which class.
    level : float or None
        The largest mean square of a member; None for the whole class.
    n_draws, n_samples : int
        Numbers of draws and of rows.
    side : str, default="below"
        That it is an estimate from below, and no upper bound.

    Notes
    -----
    The complexity is that of Eq. 14, or for "Q" the one on the right of Eq. 18.

    Examples
    --------
    >>> import numpy as np
    >>> print(RademacherEstimate(0.25, 0.01, np.array([0.24, 0.26]), "loss", None, 2, 100))
    0.25 +- 0.01, an estimate from below (2 draws of signs, 100 rows)
    """

    estimate: float
    standard_error: float
    per_draw: NDArray[np.float64]
    target: str
    level: float | None
    n_draws: int
    n_samples: int
    side: str = "below"

    def __str__(self) -> str:
        local = "" if self.level is None else f", level {self.level:.4g}"
        return (
            f"{self.estimate:.4g} +- {self.standard_error:.2g}, an estimate from {self.side} "
            f"({self.n_draws} draws of signs, {self.n_samples} rows{local})"
        )


def empirical_rademacher(
    estimator: HybridReasoningRegressor,
    X: Any,
    y: Any,
    *,
    n_draws: int = 100,
    level: float | None = None,
    target: str = "loss",
    Q_true: ArrayLike | None = None,
    n_restarts: int = 2,
    max_epochs: int = 300,
    lr: float = 0.03,
    random_state: int | np.random.RandomState | None = None,
) -> RademacherEstimate:
    r"""Estimate from below the empirical Rademacher complexity of an estimator's model class.

    .. math:: R_n \ell_F^{loc}(r) = E_\sigma \sup_{\phi, \theta} \frac1n \sum_{i=1}^n
        \sigma_i \, \ell_{\phi,\theta}(x_i, b_i), \qquad P_n \ell_{\phi,\theta}^2 \le r

    The class has the architecture and k of the fitted estimator, all weights, and all step sizes
    of its range (the fitted ones only where ``learn_step_size`` is False). For every draw of
    signs, models are trained to make the signed mean large. **The result is an estimate from
    below**: what training finds is a member of the class, the supremum may be larger.

    Parameters
    ----------
    estimator : HybridReasoningRegressor
        Fitted. It is left as it is.
    X : array-like of shape (n, n_features)
        Rows on which the complexity is taken.
    y : array-like of shape (n,) or (n, d)
        Their targets.
    n_draws : int, default=100
        Number of draws of signs, at least 2.
    level : float or None, default=None
        The mean square r, in squared units of y or Q, positive: only models whose mean square over
        the rows is at most r count (Eq. 14, with the rows in place of the population). None is the
        whole class.
    target : {"loss", "Q"}, default="loss"
        "loss" is the class of the losses. "Q" is that of the representations in Eq. 18, with a
        matrix of independent signs a row, scaled to norm 1:

        .. math:: R_n \ell_Q^{loc}(r) = E_\Sigma \sup_\theta \frac1n \sum_i \left\langle
            \tfrac1d \Sigma_i, Q_\theta(x_i) - Q^*(x_i) \right\rangle_F, \quad
            P_n \|Q_\theta - Q^*\|_F^2 \le r

        :func:`rademacher_transfer_bound` says why a sign for each norm will not do.
    Q_true : array-like of shape (n, d, d) or None, default=None
        Q* of each row, for ``target="Q"``.
    n_restarts : int, default=2
        Models trained for each draw. Without a level the first starts from the fitted model, the
        others at random. With one, all start from the fitted model, each at a third of the rate
        of the one before.
    max_epochs : int, default=300
        Steps of training.
    lr : float, default=0.03
        Adam's first rate; it falls to 0 as half a cosine.
    random_state : int, RandomState instance or None, default=None
        Seed of signs and starts. The same int gives the same bits; numpy's and torch's global
        states are neither used nor changed.

    Returns
    -------
    RademacherEstimate
        In the units of y for "loss", of Q for "Q".

    Raises
    ------
    TypeError
        If ``estimator`` is no HybridReasoningRegressor, or an argument is no number.
    NotFittedError
        If it is not fitted.
    ValueError
        If an argument is outside its domain; if the whole class is asked for where the losses
        are unbounded (``linear_term="learned"``, or the weights of "rnn"), so that its complexity
        is infinite; or if no model below ``level`` was found.

    Notes
    -----
    For one draw, models of all draws are candidates, each with the values at its best step. Up
    to 256 models are trained in one stack, in float64, with full batches and no decay.

    Examples
    --------
    >>> from sklearn_reasoning import HybridReasoningRegressor
    >>> from sklearn_reasoning.datasets import make_quadratic_reasoning
    >>> X, y = make_quadratic_reasoning(n_samples=40, random_state=0)
    >>> model = HybridReasoningRegressor(
    ...     k=5, linear_term="given", rotation="given", max_epochs=100, random_state=0
    ... ).fit(X, y)
    >>> options = {"n_draws": 10, "max_epochs": 50, "random_state": 0}
    >>> whole = empirical_rademacher(model, X, y, **options)
    >>> near = empirical_rademacher(model, X, y, level=200.0, **options)
    >>> bool(near.estimate < whole.estimate), near.side
    (True, 'below')
    """
    module = fitted_module(estimator)
    counts = {"n_draws": (n_draws, 2), "n_restarts": (n_restarts, 1), "max_epochs": (max_epochs, 1)}
    for name, (value, least) in counts.items():
        whole(name, value, least)
    above_zero(lr=lr)
    if level is not None:
        above_zero(level=level)
    if target not in ("loss", "Q"):
        raise ValueError(f"target={target!r} must be 'loss' or 'Q'.")
    if target == "loss" and Q_true is not None:
        raise ValueError("Q_true is for target='Q'; the losses are measured against y.")
    if target == "loss" and level is None:
        _check_bounded(module)
    rows = _rows(estimator, X, y)
    n, unit = len(rows.y), float(module.unit[0])
    Q = check_true_energies(Q_true, n, module.architecture) if target == "Q" else None
    rng = independent_random_state(random_state)
    if Q is None:
        signed = signed_losses(n, unit, n_draws, rng)
        level_in_units = None if level is None else float(level) / unit**2
    else:
        signed = signed_energies(module.architecture, rows, Q, n_draws, rng)
        level_in_units = None if level is None else float(level)
    settings = replace(
        estimator.net_.models[0],
        optimizer="adam",
        lr=float(lr),
        weight_decay=0.0,
        lr_schedule="cosine",
        max_epochs=int(max_epochs),
        batch_size=n,
        keep="last",
        patience=None,
    )
    with training_context():
        criteria = list(
            trained_against_signs(
                module, settings, rows, signed, level_in_units, int(n_restarts), rng
            )
        )
        per_draw = largest_signed_means(signed, criteria)
    if per_draw is None:
        smallest = min(float(criterion.least.min()) for criterion in criteria)
        scale = 1.0 if target == "Q" else unit**2
        raise ValueError(
            f"no model with a mean square of at most level={level!r} was found; the smallest was "
            f"{smallest * scale:.6g}. Raise level, or fit the estimator for longer."
        )
    return RademacherEstimate(
        estimate=float(per_draw.mean()),
        standard_error=float(per_draw.std(ddof=1) / np.sqrt(n_draws)),
        per_draw=per_draw,
        target=target,
        level=None if level is None else float(level),
        n_draws=int(n_draws),
        n_samples=n,
    )


def _rows(estimator: HybridReasoningRegressor, X: Any, y: Any) -> Rows:
    given = estimator._split(X)
    shape = (len(given.x), estimator.n_outputs_)
    targets = check_array(y, ensure_2d=False, dtype=np.float64, input_name="y")
    if targets.shape != shape and (targets.shape != shape[:1] or shape[1] != 1):
        raise ValueError(f"y has shape {targets.shape}; X and the estimator ask for {shape}.")
    x, *others = given
    return Rows(x, targets.reshape(shape), np.ones(len(x)), *others)


def _check_bounded(module: RegressionModel) -> None:
    a = module.architecture
    weights = a.algorithm.initial_weights(a.n_outputs, a.mu, a.L)
    what = f"algo={a.algorithm.name!r}"
    if a.predicts_b:
        what = f"linear_term={'corrected' if a.b_given else 'learned'!r}"
    if a.predicts_b or weights:
        raise ValueError(
            f"level=None asks for the whole class, in which {what} has outputs without bound: "
            "its complexity is infinite. Pass a level."
        )
