"""Scores told from predictions, where a scorer asks an estimator for nothing else."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sklearn.metrics import r2_score
from sklearn.metrics._scorer import _MultimetricScorer, _PassthroughScorer, _Scorer
from sklearn.model_selection._validation import _score

# From y, predictions and the scorer's parameters to a score, or scores by name.
FromPredictions = Callable[..., Any]


def from_predictions(scorer: Any, params: dict[str, Any]) -> FromPredictions | None:
    """Return a scorer as a function of y and predictions; None if it wants the estimator.

    ``params`` are what the scorer will be given besides; the estimator is a regressor whose
    ``score`` is scikit-learn's.
    """
    scores = _of_several(scorer, params)
    if scores is None:
        return None

    def checked(y: Any, predicted: Any, **params: Any) -> Any:
        # scikit-learn's check of what scores may be.
        return _score(predicted, None, y, lambda p, _, y: scores(y, p, **params), {}, "raise")

    return checked


def _of_several(scorer: Any, params: dict[str, Any]) -> FromPredictions | None:
    if type(scorer) is not _MultimetricScorer:
        return _of_one(scorer, params)
    each = {name: _of_one(one, params) for name, one in scorer._scorers.items()}
    # Which of several gets a parameter is for scikit-learn to say.
    if params or not all(each.values()):
        return None
    return lambda y, predicted: {
        name: one(y, predicted) for name, one in each.items() if one is not None
    }


def _of_one(scorer: Any, params: dict[str, Any]) -> FromPredictions | None:
    if not params.keys() <= {"sample_weight"}:
        return None
    if type(scorer) is _PassthroughScorer:
        return r2_score
    if type(scorer) is not _Scorer or scorer._response_method != "predict":
        return None
    if params.keys() & scorer._kwargs.keys():  # there is a warning for it
        return None

    def score(y: Any, predicted: Any, **params: Any) -> Any:
        return scorer._sign * scorer._score_func(y, predicted, **scorer._kwargs, **params)

    return score
