"""The norms of the network that predicts Q, which bound the size of its class."""

from __future__ import annotations

import math
from dataclasses import dataclass
from re import fullmatch
from typing import Any

import numpy as np
from sklearn.utils.validation import check_is_fitted

from sklearn_reasoning.estimators import HybridReasoningRegressor
from sklearn_reasoning.training import Architecture, RegressionModel

from ._arguments import above_zero, at_least_zero


@dataclass(frozen=True)
class NetworkNorms:
    r"""The class of all networks of one shape whose norms stay below bounds.

    Layer i is :math:`W_i a + c_i`, with ReLU between the layers; the head makes Q of the outputs.

    Parameters
    ----------
    sizes : tuple of int
        Numbers of inputs, hidden units and outputs; 0 inputs where only a bias is left.
    spectral : tuple of float
        Bounds of the spectral norms of the matrices, one a layer.
    frobenius : tuple of float
        Bounds of their Frobenius norms.
    bias : tuple of float
        Bounds of the Euclidean norms of the biases.
    input_norm : float
        Bound of the inputs: of every :math:`\|x\|_2`, or of their root mean square.
    lipschitz : float
        How far Q moves, in the Frobenius norm, as the outputs of the network move.
    radius : float
        Every Q lies within this distance of one matrix, in the Frobenius norm.
    n_skew : int, default=0
        Number of learned parameters of a rotation that all rows share.
    skew : float, default=0.0
        Bound of their Euclidean norm.
    skew_lipschitz : float, default=0.0
        How far Q moves as they move.

    Raises
    ------
    TypeError
        If a bound is no number.
    ValueError
        If a bound is negative or NaN, or there is not one for each layer.

    Notes
    -----
    Weights have no units; ``input_norm`` is in those of x, ``lipschitz`` and ``radius`` in those
    of Q. :func:`mlp_log_covering_number` makes log N(n) of Theorem 5.1 and Eq. 19 of them.

    Examples
    --------
    >>> NetworkNorms(
    ...     sizes=(3, 2),
    ...     spectral=(1.0,),
    ...     frobenius=(1.4,),
    ...     bias=(0.1,),
    ...     input_norm=2.0,
    ...     lipschitz=0.5,
    ...     radius=1.0,
    ... ).n_weights
    8
    """

    sizes: tuple[int, ...]
    spectral: tuple[float, ...]
    frobenius: tuple[float, ...]
    bias: tuple[float, ...]
    input_norm: float
    lipschitz: float
    radius: float
    n_skew: int = 0
    skew: float = 0.0
    skew_lipschitz: float = 0.0

    def __post_init__(self) -> None:
        n_layers = len(self.sizes) - 1
        for name in ("spectral", "frobenius", "bias"):
            values = getattr(self, name)
            at_least_zero(**{name: values})
            if len(values) != n_layers or n_layers < 1:
                raise ValueError(
                    f"{name}={values!r} must have one bound for each layer of sizes={self.sizes!r}."
                )
        for name in ("input_norm", "lipschitz", "radius", "n_skew", "skew", "skew_lipschitz"):
            at_least_zero(**{name: getattr(self, name)})

    @property
    def n_weights(self) -> int:
        """Number of weights, biases and parameters of the rotation."""
        layers = zip(self.sizes, self.sizes[1:], strict=False)
        return sum(n_out * (n_in + 1) for n_in, n_out in layers) + self.n_skew


def network_norms(
    estimator: HybridReasoningRegressor, X: Any, *, scale: float = 1.0, metric: str = "sup"
) -> NetworkNorms:
    """Return the smallest class of bounded norms that a fitted network is in.

    Parameters
    ----------
    estimator : HybridReasoningRegressor
        Fitted.
    X : array-like of shape (n, n_features)
        The rows whose x bounds the inputs.
    scale : float, default=1.0
        Factor of every bound of a weight: above 1 for a class with room around the fitted network.
        A bound that is to hold for a class chosen before the data were seen needs norms chosen
        before, not the fitted ones.
    metric : {"sup", "l2"}, default="sup"
        "sup" takes the largest norm of x, for coverings in the largest distance over the rows;
        "l2" the root mean square, for coverings in L2(P_n).

    Returns
    -------
    NetworkNorms
        Of the layers of Q's network, with the head's constants.

    Raises
    ------
    TypeError
        If ``estimator`` is no HybridReasoningRegressor, or ``scale`` no number.
    NotFittedError
        If it is not fitted.
    ValueError
        If ``metric`` or ``scale`` is outside its domain, or X does not fit the model.

    Notes
    -----
    The head's constants are derived in the documentation (docs/bounds.md).

    Examples
    --------
    >>> from sklearn_reasoning import HybridReasoningRegressor
    >>> from sklearn_reasoning.datasets import make_quadratic_reasoning
    >>> X, y = make_quadratic_reasoning(random_state=0)
    >>> model = HybridReasoningRegressor(
    ...     linear_term="given", rotation="given", max_epochs=5, random_state=0
    ... ).fit(X, y)
    >>> norms = network_norms(model, X)
    >>> norms.sizes, norms.n_weights
    ((10, 16, 3), 227)
    """
    module = fitted_module(estimator)
    if metric not in ("sup", "l2"):
        raise ValueError(f"metric={metric!r} must be 'sup' or 'l2'.")
    (factor,) = above_zero(scale=scale)
    lengths = np.linalg.norm(estimator._split(X).x, axis=1)
    input_norm = lengths.max() if metric == "sup" else math.sqrt((lengths**2).mean())
    a, c = module.architecture, float(factor)
    named = {name: w.double().cpu().numpy() for name, w in module.named_weights().items()}
    biases = [value for name, value in named.items() if fullmatch(r"Q\.\d+\.bias", name)]
    # Where only a bias is left there is no matrix.
    matrices = [
        named.get(f"Q.{i}.matrix", np.zeros((len(bias), 0))) for i, bias in enumerate(biases)
    ]
    skew = named.get("skew", np.zeros(0)) if a.n_outputs > 1 else np.zeros(0)
    return NetworkNorms(
        sizes=(matrices[0].shape[1], *(len(bias) for bias in biases)),
        spectral=tuple(c * float(np.linalg.norm(W, 2)) if W.size else 0.0 for W in matrices),
        frobenius=tuple(c * float(np.linalg.norm(W)) for W in matrices),
        bias=tuple(c * float(np.linalg.norm(bias)) for bias in biases),
        input_norm=float(input_norm),
        lipschitz=_head_lipschitz(a),
        radius=0.5 * (a.L - a.mu) * math.sqrt(a.n_outputs),
        n_skew=len(skew),
        skew=c * float(np.linalg.norm(skew)),
        skew_lipschitz=_rotation_lipschitz(a) if len(skew) else 0.0,
    )


def fitted_module(estimator: Any) -> RegressionModel:
    """Return the module of a fitted regressor; a TypeError if it is no HybridReasoningRegressor."""
    if not isinstance(estimator, HybridReasoningRegressor):
        raise TypeError(
            f"estimator={estimator!r} must be a HybridReasoningRegressor; of a pipeline, pass the "
            "last step and what the steps before it make of X."
        )
    check_is_fitted(estimator)
    return estimator.module_


def _head_lipschitz(a: Architecture) -> float:
    """Return how far Q moves with the outputs of the network (docs/bounds.md derives it)."""
    if a.spectrum == "free":
        spectrum = (a.L - a.mu) / 4.0
    else:
        # A softmax over a single output is 1, whatever the output.
        spectrum = (a.L - a.mu) / 2.0 if a.n_outputs > 3 else 0.0
    if a.rotation == "predicted" and a.n_outputs > 1:
        return math.hypot(spectrum, _rotation_lipschitz(a))
    return spectrum


def _rotation_lipschitz(a: Architecture) -> float:
    """Return how far Q moves with the parameters of Cayley's map."""
    return 2.0 * math.sqrt(2.0) * (a.L - a.mu)
