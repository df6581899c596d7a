"""Drawn grids: the batched search gives the bits of scikit-learn's, and the gap is arithmetic."""

import numpy as np
from hard._estimator_strategies import regression_cases, regressor_parameters
from hard._running import holds_for
from hypothesis import strategies as st
from sklearn.model_selection import GridSearchCV, KFold, RepeatedKFold, ShuffleSplit

from sklearn_reasoning import HybridReasoningRegressor
from sklearn_reasoning.model_selection import BatchedGridSearchCV, gap_table, l2_loss_scorer

# What says where b and R are among the columns is the data's to choose.
COLUMNS = ("linear_term", "rotation")

_scorings = st.sampled_from(
    [
        None,
        "neg_mean_squared_error",
        l2_loss_scorer,
        {"loss": l2_loss_scorer, "r2": "r2"},
        ["r2", "neg_mean_absolute_error"],
    ]
)
_cvs = st.one_of(
    st.integers(2, 4),
    st.builds(
        KFold, st.integers(2, 3), shuffle=st.sampled_from([True]), random_state=st.integers(0, 9)
    ),
    st.builds(
        ShuffleSplit,
        st.integers(1, 3),
        train_size=st.sampled_from([0.4, 0.7]),
        random_state=st.integers(0, 9),
    ),
    st.builds(
        RepeatedKFold,
        n_splits=st.just(2),
        n_repeats=st.integers(1, 2),
        random_state=st.integers(0, 9),
    ),
)


@st.composite
def grids(draw, case):
    """Draw candidates for a case: a grid of two parameters, and others that differ in all."""
    drawn = [draw(regressor_parameters(case.shape[-1])) for _ in range(draw(st.integers(1, 3)))]
    singles = [
        {name: [value] for name, value in parameters.items() if name not in COLUMNS}
        for parameters in drawn
    ]
    # A step size of one algorithm may be outside the stable region of another.
    sized = {"step_size": [None], "step_size_range": ["stable"]}
    grid = {"k": draw(st.lists(st.integers(0, 9), min_size=1, max_size=3, unique=True))}
    other = draw(
        st.sampled_from(
            [
                {"lr": [1e-2, 1e-3]},
                {"loss": ["l2", "squared"]},
                {"q_hidden": [None, (), 8]},
                {"random_state": [0, 1]},
                {"early_stopping": [True, False]},
                {"max_epochs": [1, 4]},
            ]
        )
    )
    return [{**grid, **other}, *({**sized, **single} for single in singles)]


@holds_for(regression_cases(smallest_n=12), st.data(), few=2, many=200)
def test_a_drawn_grid_gives_the_bits_of_scikit_learns_search(case, data):
    grid, scoring, cv = data.draw(grids(case)), data.draw(_scorings), data.draw(_cvs)
    refit = "r2" if isinstance(scoring, dict | list) else True
    options = {"cv": cv, "scoring": scoring, "refit": refit, "return_train_score": True}
    model = HybridReasoningRegressor(**case.parameters)
    ours, reference = (
        search(model, grid, error_score="raise", **options).fit(
            case.X, case.y, sample_weight=case.weight
        )
        for search in (BatchedGridSearchCV, GridSearchCV)
    )
    names = {name for name in reference.cv_results_ if "_time" not in name}
    assert names == {name for name in ours.cv_results_ if "_time" not in name}
    for name in names - {"params"}:
        np.testing.assert_array_equal(ours.cv_results_[name], reference.cv_results_[name], name)
    assert ours.cv_results_["params"] == reference.cv_results_["params"]
    assert ours.best_index_ == reference.best_index_
    assert ours.best_score_ == reference.best_score_
    np.testing.assert_array_equal(ours.predict(case.X), reference.predict(case.X))
    _check_gap_tables(ours, scoring)


def _check_gap_tables(search, scoring):
    """The columns of the gap are the differences of scikit-learn's, with the sign of a price."""
    results = search.cv_results_
    metrics = list(scoring) if isinstance(scoring, dict | list) else ["score"]
    for metric in metrics:
        table = gap_table(search, metric)
        kind = "loss" if "held_out_loss" in table else "score"
        is_loss = metric in ("loss", "neg_mean_absolute_error") or (
            metric == "score" and scoring is not None
        )
        assert kind == ("loss" if is_loss else "score")
        sign = -1.0 if is_loss else 1.0
        np.testing.assert_array_equal(
            table[f"held_out_{kind}"], sign * results[f"mean_test_{metric}"]
        )
        difference = results[f"mean_train_{metric}"] - results[f"mean_test_{metric}"]
        np.testing.assert_allclose(table["gap"], difference, rtol=1e-6, atol=1e-9)
