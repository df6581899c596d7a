"""docs/model-files.md says all that it takes to predict from a file."""

import numpy as np
import pytest
from _covering import covering

from sklearn_reasoning import HybridReasoningRegressor, save_model
from sklearn_reasoning.datasets import make_quadratic_reasoning
from sklearn_reasoning.penalties import Box, Columns, Simplex

D = 5  # columns of X: 10 of x, D of b, D * D of R


@covering(
    "case, dtype",
    [  # the number of columns, and parameters
        (10, {}),
        (10, {"algo": "gd", "start": "zero", "rotation": "identity", "b_hidden": ()}),
        (10, {"start": "learned", "q_hidden": None, "spectrum": "anchored"}),
        (10, {"start": "predicted", "rotation": "predicted", "q_hidden": (5, 9)}),
        (10 + D, {"linear_term": "given"}),
        (10 + D, {"linear_term": list(range(D)), "start": "mean"}),
        (10 + D + D * D, {"linear_term": "given", "rotation": "given", "start": "learned"}),
        (D, {"linear_term": "given", "start": "predicted"}),
        (10 + D, {"linear_term": "corrected"}),
        (10 + D + D * D, {"linear_term": "corrected", "rotation": "given", "algo": "gd"}),
        (D * D, {"rotation": "given"}),
        (10, {"constraint": Simplex(15.0), "start": "learned"}),
        (10, {"constraint": Simplex(15.0), "project": "last_step", "algo": "gd"}),
        (10 + D, {"constraint": Box(-9.0, Columns([0])), "linear_term": "given"}),
    ],
    [np.float64, np.float32],
)
@pytest.mark.filterwarnings("ignore:.*training rows of y are outside:UserWarning")
def test_a_reader_of_the_page_predicts(documented, tmp_path, case, dtype):
    n_columns, parameters = case
    X, y = make_quadratic_reasoning(n_samples=30, random_state=0)
    X = {D: X[:, 10 : 10 + D], D * D: X[:, 10 + D :]}.get(n_columns, X[:, :n_columns])
    # A rate at which rotations and networks leave where they begin.
    model = HybridReasoningRegressor(k=3, max_epochs=9, lr=0.05, random_state=0)
    model.set_params(**parameters).fit(X.astype(dtype), y + 3.0)
    save_model(model, tmp_path / "model")
    found = documented.predict(*documented.take_apart((tmp_path / "model").read_bytes()), X)
    tolerance = 1e-12 if dtype is np.float64 else 1e-5
    np.testing.assert_allclose(found, model.predict(X), rtol=tolerance, atol=tolerance)
