"""The theory of a model that was fitted, in one call."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Any

from sklearn_reasoning.algorithms import PerIteration

from ._analyses import analysis_of
from ._certificate import Certificate, StabilityCertificate
from ._convergence import convergence
from ._fitted import Certifiable, FittedLayer
from ._model_certificate import ModelCertificate
from ._sensitivity import sensitivity
from ._stability import stability
from ._steps_needed import steps_needed


def certify(estimator: Any, X: Any = None, *, accuracy: float = 0.01) -> ModelCertificate:
    r"""Certify how converged, stable and sensitive the layer of a fitted model is.

    Parameters
    ----------
    estimator : fitted estimator
        A :class:`~sklearn_reasoning.HybridReasoningRegressor` or
        :class:`~sklearn_reasoning.HybridReasoningDenoiser`, a Pipeline that ends with one, a
        fitted search (its ``best_estimator_`` is taken) or a TransformedTargetRegressor.
    X : array-like of shape (n, n_features), images or None, default=None
        Rows, or noisy images, on which to measure the spectrum of :math:`Q_\theta(x)` and the
        distance between the outputs and the exact minimisers. None: the bounds alone, which
        need no data.
    accuracy : float, default=0.01
        The fraction of the distance to the minimiser to which ``steps_needed`` refers.

    Returns
    -------
    ModelCertificate
        Prints as a plain summary, shows as a table in notebooks; ``to_dict()`` holds the numbers.

    Raises
    ------
    TypeError
        If ``estimator`` holds no model of ours.
    ValueError
        If ``accuracy`` is not positive, or X does not fit the model.
    NotFittedError
        If it is not fitted.

    Notes
    -----
    The properties are those of Eq. 6 to 8 at the k, the step size and the mu and L of the model,
    from the start of the model, with its penalty where it has one: with one, gd and admm have all
    of them, nag and fista a Cvg and bounds of Stab that grow with k, and heavy_ball has none.

    Examples
    --------
    >>> from sklearn.datasets import load_linnerud
    >>> from sklearn_reasoning import HybridReasoningRegressor
    >>> X, y = load_linnerud(return_X_y=True)
    >>> model = HybridReasoningRegressor("gd", k=30, learn_step_size=False, random_state=0)
    >>> certificate = certify(model.fit(X, y), X)
    >>> round(float(certificate.convergence.certified), 4)  # 0.9^30
    0.0424
    >>> certificate.steps_needed  # to a hundredth of the distance
    44
    >>> bool(certificate.rows.relative_distance.max() <= certificate.convergence.certified)
    True
    """
    model, X = model_of(estimator, X)
    layer = model._fitted_layer()
    algorithm, mu, L = layer.algorithm, layer.mu, layer.L
    elsewhere, penalty = _starts_elsewhere(layer), layer.penalty
    sens = partial(
        sensitivity, algorithm, layer.k, mu=mu, L=L, any_start=elsewhere, penalty=penalty
    )
    over_range = None
    if layer.step_size_range is not None and not isinstance(layer.phi, PerIteration):
        over_range = sens(layer.step_size_range)
    certificate = ModelCertificate(
        layer=layer,
        stable_region=None if layer.step_size_range is None else algorithm.stable_region(mu, L),
        convergence=convergence_of(layer, layer.k),
        stability=_stability_of(layer),
        sensitivity=sens(layer.phi),
        sensitivity_over_range=over_range,
        accuracy=accuracy,
        steps_needed=steps_needed(
            algorithm, accuracy, layer.phi, mu, L, any_start=elsewhere, penalty=penalty
        ),
        rows=None if X is None else model._measure_rows(X),
    )
    moves_along = layer.counted_from != "elsewhere" or analysis_of(algorithm).moves_along
    return certificate if moves_along else _without_bounds(certificate)


def _stability_of(layer: FittedLayer) -> StabilityCertificate:
    found = stability(layer.algorithm, layer.k, layer.phi, layer.mu, layer.L, penalty=layer.penalty)
    if layer.counted_from != "start":
        return found
    # The steps run from 0 on the linear term Qc + b, which a change of Q moves too, or one of c.
    found = replace(found, in_Q_per_start=found.in_b)
    if analysis_of(layer.algorithm).moves_along:
        return found
    with_start = Certificate(0.0, 1.0 + layer.L * found.in_b.certified)
    return replace(found, in_start=with_start)


def convergence_of(layer: FittedLayer, k: Any) -> Certificate:
    """Bound what k steps of a layer leave from its start."""
    return convergence(
        layer.algorithm,
        k,
        layer.phi,
        layer.mu,
        layer.L,
        any_start=_starts_elsewhere(layer),
        penalty=layer.penalty,
    )


def _starts_elsewhere(layer: FittedLayer) -> bool:
    """Tell whether the steps begin anywhere but at 0, counted from where they count y."""
    if layer.counted_from == "zero":
        return layer.start_norm != 0.0
    return layer.counted_from == "elsewhere"


def _without_bounds(certificate: ModelCertificate) -> ModelCertificate:
    """Return a certificate that proves nothing but convergence.

    Of one with a method that does not move along with the place from which its steps count y; what
    is known of its convergence is told by :func:`convergence_of`.
    """
    nothing = Certificate(0.0, float("inf"))
    over_range = certificate.sensitivity_over_range
    return replace(
        certificate,
        stability=StabilityCertificate(nothing, nothing, nothing, nothing),
        sensitivity=nothing,
        sensitivity_over_range=None if over_range is None else nothing,
        steps_needed=None,
    )


def model_of(estimator: Any, X: Any) -> tuple[Certifiable, Any]:
    """Find our model inside a pipeline or a search, and bring X to where it stands."""
    model = estimator
    while isinstance(model, type) or not hasattr(model, "_fitted_layer"):
        if hasattr(model, "best_estimator_"):
            model = model.best_estimator_
        elif hasattr(model, "regressor_"):
            model = model.regressor_
        # Not fitted, or without a refit: what is inside says so itself.
        elif hasattr(model, "refit") and hasattr(model, "estimator"):
            model = model.estimator
        elif hasattr(model, "regressor"):
            model = model.regressor
        elif isinstance(getattr(model, "steps", None), list) and model.steps:
            if X is not None and len(model.steps) > 1:
                X = model[:-1].transform(X)
            model = model.steps[-1][1]
        else:
            inside = "" if model is estimator else f" (found {type(model).__name__} inside)"
            raise TypeError(
                f"estimator={type(estimator).__name__} must be a fitted HybridReasoningRegressor "
                f"or HybridReasoningDenoiser, or a pipeline or search that ends with one{inside}."
            )
    found: Certifiable = model
    return found, X
