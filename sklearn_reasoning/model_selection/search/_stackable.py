"""Which fits can be trained in one stack, told from parameters before any data are touched."""

from __future__ import annotations

from collections.abc import Hashable, Iterator
from typing import Any

from sklearn.compose import TransformedTargetRegressor
from sklearn.pipeline import Pipeline

from sklearn_reasoning.estimators import FewShotReasoningRegressor, HybridReasoningRegressor
from sklearn_reasoning.estimators.regressor import batch_size_of, n_held_out_of
from sklearn_reasoning.training import cut

# What changes the shapes or the code path of a model.
_OF_REGRESSOR = (
    "algo",
    "q_hidden",
    "mu",
    "L",
    "spectrum",
    "rotation",
    "linear_term",
    "b_hidden",
    "initial_weights",
    "start",
    "optimizer",
    "step_size_per_iteration",
    "constraint",
    "penalty",
    "project",
    "early_stopping",
    "device",
)

_OF_FEW_SHOTS = (
    "algo",
    "basis_hidden",
    "n_basis",
    "adapt",
    "optimizer",
    "batch_size",
    "early_stopping",
    "device",
)

_STACKED = (HybridReasoningRegressor, FewShotReasoningRegressor)

# Those whose fit does nothing after the training.
_KNOWN = (*_STACKED, Pipeline, TransformedTargetRegressor)


def find_regressor(estimator: Any) -> Any:
    """Return what does the regression inside pipelines and transformations of the target.

    It is the given one, where there is nothing inside.
    """
    *_, regressor = _inwards(estimator)
    return regressor


def _inwards(estimator: Any) -> Iterator[Any]:
    """Yield an estimator, what it hands X and y to, and so on."""
    while True:
        yield estimator
        if isinstance(estimator, Pipeline) and estimator.steps:
            estimator = estimator.steps[-1][-1]
        elif isinstance(estimator, TransformedTargetRegressor):
            estimator = estimator.regressor
        else:
            return


def is_watched(estimator: Any) -> bool:
    """Return whether an estimator, or one inside it, has scikit-learn's callbacks."""
    parts = [estimator]
    if hasattr(estimator, "get_params"):
        parts += estimator.get_params(deep=True).values()
    return any(getattr(part, "_skl_callbacks", None) for part in parts)


def why_not_stacked(estimator: Any) -> str | None:
    """Return why a candidate is trained on its own; None if it can be trained in a stack."""
    *around, regressor = _inwards(estimator)
    if not isinstance(regressor, _STACKED):
        return f"{type(regressor).__name__} is none of ours that are trained side by side"
    for part in (*around, regressor):
        # Another fit may use what it has fitted, which is not trained yet.
        if all(type(part).fit is not known.fit for known in _KNOWN):
            return f"{type(part).__name__} has a fit of its own"
    if is_watched(estimator):
        return "scikit-learn's callbacks watch one fit at a time"
    nested = estimator.get_params(deep=True).values() if regressor is not estimator else ()
    if sum(isinstance(value, _STACKED) for value in nested) > 1:
        return "it holds more than one regressor of ours"
    if regressor.callbacks:
        return "its callbacks watch one model at a time"
    if regressor.verbose:
        return "verbose prints the epochs of one model at a time"
    return None


def likely_stack(estimator: Any, n: int) -> Hashable:
    """Return what estimators of one stack have in common, as far as parameters and n rows tell.

    The shapes that preprocessing gives the data are known later only; they decide
    (``TrainingTask.stack_key``).
    """
    regressor = find_regressor(estimator)
    if isinstance(regressor, FewShotReasoningRegressor):
        # Sizes of groups, which decide, are not known here.
        params = regressor.get_params(deep=False)
        return tuple(repr(params[name]) for name in _OF_FEW_SHOTS)
    shapes = tuple(repr(getattr(regressor, name)) for name in _OF_REGRESSOR)
    k = repr(regressor.k) if regressor.step_size_per_iteration else None
    try:
        n_train = n - n_held_out_of(regressor, n)
        batches = cut(n_train, batch_size_of(regressor, n_train))
    except (TypeError, ValueError, ArithmeticError):
        batches = None  # out of its domain: fit will say so
    return (*shapes, k, batches)
