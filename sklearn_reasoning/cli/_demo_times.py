"""How long a batched search takes beside scikit-learn's, also while the machine does other things.

Other programs change how long a computation waits, and much less the processor time that it uses.
What is left, a faster or slower clock, meets both alike where they take turns.
"""

import time
from typing import Any

import numpy as np
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV

from sklearn_reasoning.estimators import HybridReasoningRegressor
from sklearn_reasoning.model_selection import BatchedGridSearchCV, l2_loss_scorer

_N_TURNS = 3
_MOST_EPOCHS = 10


def compare_times(
    model: HybridReasoningRegressor, depths: list[int], cv: int, X: Any, y: Any
) -> tuple[str, dict[str, float]]:
    """Return what was measured, and the median of CPU seconds by the class of search.

    The same fits, of ``model`` with each of the depths k on each of the folds, in this process.
    """
    epochs = min(_MOST_EPOCHS, model.max_epochs)
    seconds: dict[str, list[float]] = {}
    for _ in range(_N_TURNS):
        for kind in (BatchedGridSearchCV, GridSearchCV):
            estimator = clone(model).set_params(max_epochs=epochs)
            search = kind(estimator, {"k": depths}, scoring=l2_loss_scorer, cv=cv, refit=False)
            began = time.process_time()
            search.fit(X, y)
            seconds.setdefault(kind.__name__, []).append(time.process_time() - began)
    what = f"{len(depths) * cv} fits of {epochs} epochs, CPU time, median of {_N_TURNS} turns each"
    return what, {name: float(np.median(values)) for name, values in seconds.items()}
