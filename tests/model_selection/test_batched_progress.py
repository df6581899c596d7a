"""What a batched search tells while it runs: to scikit-learn's callbacks, and by verbose."""

import pytest
from model_selection._both_searches import GRID, X, Y, assert_equal_searches, make_model
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklearn_reasoning.model_selection import BatchedGridSearchCV

# ---------------------------------------------------------------------- scikit-learn's callbacks


class Log:
    def __init__(self):
        self.tasks = []

    def setup(self, estimator, context):
        self.tasks.append(f"setup {type(estimator).__name__}")

    def teardown(self, estimator, context):
        self.tasks.append("teardown")

    def on_fit_task_begin(self, estimator, context, **_):
        self.tasks.append(context.task_name)

    def on_fit_task_end(self, estimator, context, **_):
        return False


@pytest.mark.skipif(
    not hasattr(BatchedGridSearchCV, "set_callbacks"), reason="callbacks came with 1.9"
)
class TestCallbacks:
    def test_on_the_search(self, capsys):
        logs = []
        searches = []
        for kind in (BatchedGridSearchCV, GridSearchCV):
            logs.append(Log())
            search = kind(make_model(), GRID, cv=2).set_callbacks(logs[-1])
            searches.append(search.fit(X, Y))

        assert_equal_searches(*searches)
        assert logs[0].tasks[1:] == logs[1].tasks[1:]
        assert logs[0].tasks.count("candidate-split-evaluation") == 4
        assert capsys.readouterr().out == ""

    def test_on_the_estimator(self):
        logs = []
        for kind in (BatchedGridSearchCV, GridSearchCV):
            logs.append(Log())
            pipeline = make_pipeline(StandardScaler(), make_model()).set_callbacks(logs[-1])
            kind(pipeline, {"hybridreasoningregressor__k": [1, 4]}, cv=2).fit(X, Y)

        assert logs[0].tasks == logs[1].tasks
        assert logs[0].tasks.count("setup Pipeline") == 5

    def test_restarts_are_refused(self):
        search = BatchedGridSearchCV(make_model(), GRID, n_repeats=2).set_callbacks(Log())
        with pytest.raises(ValueError, match="n_repeats cannot be used together"):
            search.fit(X, Y)


# ---------------------------------------------------------------------- verbose


def test_verbose_says_what_is_done(capsys):
    BatchedGridSearchCV(make_model(), GRID, cv=2, verbose=1).fit(X, Y)

    out, err = capsys.readouterr()
    assert out == "Fitting 2 folds for each of 2 candidates, totalling 4 fits: 4 in 1 stack.\n"
    assert "4/4" in err
    assert "model/s" in err
    assert "best score" in err


def test_the_bar_shows_the_score_of_refit(capsys):
    scoring = {"r2": "r2", "mae": "neg_mean_absolute_error"}
    search = BatchedGridSearchCV(make_model(), GRID, cv=2, verbose=2, scoring=scoring, refit="mae")

    search.fit(X, Y)

    err = capsys.readouterr().err
    assert f"best mae {search.best_score_:.4g}" in err
    assert err.count("fold 1, restart 0: k=4") == 1


def test_it_is_silent_by_default(capfd):
    BatchedGridSearchCV(make_model(), GRID, cv=2).fit(X, Y)

    assert capfd.readouterr() == ("", "")
