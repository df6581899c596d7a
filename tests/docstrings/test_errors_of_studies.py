"""Every error that a search, a display or an experiment is said to raise, asked for.

A row is a public name, an error of its Raises section, a part of the message, and a call. Of an
ImportError the part is the module that is missing, and the call returns the call to make then.
"""

from functools import cache, partial

import numpy as np
import pytest
from sklearn.linear_model import Ridge
from sklearn.model_selection import GridSearchCV

from sklearn_reasoning import (
    FewShotReasoningRegressor,
    HybridReasoningClassifier,
    HybridReasoningFolder,
    HybridReasoningRegressor,
    experiments,
    inspection,
    model_selection,
)

# Errors that take a full disk or a training, and the tests that make them.
ELSEWHERE = {
    ("BatchedGridSearchCV", "OSError"): "model_selection/test_checkpoint.py",
    ("decompose_gap", "DivergenceError"): "model_selection/test_decompose_gap.py",
}

X, Y = np.array([[0.0], [1.0], [2.0], [3.0]]), np.array([0.0, 1.0, 2.0, 3.0])
TABLE = {"k": [1, 2], "bound": [1.0, 2.0], "gap": [0.5, 0.5]}
GAPS = {
    "param_k": [1, 2],
    "split0_empirical_loss": [1.0, 1.0],
    "split0_held_out_loss": [1.0, 2.0],
    "split0_gap": [0.0, 1.0],
}
Gaps = model_selection.GeneralizationGapDisplay
Properties = inspection.AlgorithmPropertiesDisplay
Residuals = inspection.ResidualPolynomialDisplay
Certificates = inspection.CertificateDisplay
Bounds = inspection.BoundDisplay
Steps = inspection.StepsDisplay
Structures = inspection.StructureDisplay


def Regressor(algo="nag", max_epochs=1, **parameters):
    return HybridReasoningRegressor(algo, max_epochs=max_epochs, random_state=0, **parameters)


@cache
def fitted(**parameters):
    return Regressor(**parameters).fit(X, Y)


@cache
def classifier():
    return HybridReasoningClassifier(max_epochs=1, random_state=0).fit(X, Y)


def steps(**change):
    shares = {"rows_right": [0.0, 1.0], "cells_right": [0.0, 1.0]}
    moved = {"median_movement": [1.0, 0.1], "largest_movement": [1.0, 0.1]}
    return Steps(**{**shares, **moved, "trained_k": 1, **change})


@cache
def search(return_train_score):
    found = GridSearchCV(Ridge(), {"alpha": [1.0]}, cv=2, return_train_score=return_train_score)
    return found.fit(X, Y)


def written(folder, name="a.png", content=b"no image"):
    path = folder / name
    path.write_bytes(content)
    return path


def selection_rows():
    gap = model_selection.generalization_gap
    grid = partial(model_selection.BatchedGridSearchCV, cv=2)
    drawn = model_selection.BatchedRandomizedSearchCV
    yield (
        "BatchedGridSearchCV",
        "ValueError",
        "n_repeats",
        partial(grid(Ridge(solver="svd"), {"alpha": [1.0]}, n_repeats=0).fit, X, Y),
    )
    yield (
        "BatchedRandomizedSearchCV",
        "ValueError",
        "random_state",
        lambda folder: drawn(Regressor(), {"k": [1, 2]}, n_iter=1, cv=2, checkpoint_dir=folder).fit(
            X, Y
        ),
    )
    yield (
        "BatchedSearch.fit",
        "ValueError",
        "checkpoint_dir",
        lambda folder: grid(Regressor(), {"k": [1]}, checkpoint_dir=written(folder).parent).fit(
            X, Y
        ),
    )
    yield "gap_table", "TypeError", "search", partial(model_selection.gap_table, 3)
    yield (
        "gap_table",
        "NotFittedError",
        "fitted",
        partial(model_selection.gap_table, grid(Ridge(), {"alpha": [1.0]})),
    )
    yield (
        "gap_table",
        "ValueError",
        "return_train_score",
        lambda: model_selection.gap_table(search(return_train_score=False)),
    )
    few_shot_gap = partial(model_selection.few_shot_gap_table, X=X, y=Y, groups=[0, 0, 1, 1])
    yield "few_shot_gap_table", "TypeError", "estimator", partial(few_shot_gap, Ridge(), shots=1)
    few = FewShotReasoningRegressor()
    yield "few_shot_gap_table", "ValueError", "shots", partial(few_shot_gap, few, shots=0)
    yield "generalization_gap", "TypeError", "estimator", partial(gap, 3, X, Y)
    yield (
        "generalization_gap",
        "ValueError",
        "metric",
        partial(gap, Ridge(), X, Y, 2, scoring=["r2", "max_error"]),
    )
    yield (
        "mean_l2_loss",
        "ValueError",
        "inconsistent",
        partial(model_selection.mean_l2_loss, Y, Y[:2]),
    )
    for name in ("cell_brier_loss", "cell_l2_loss", "cell_log_loss"):
        loss = getattr(model_selection, name)
        yield name, "ValueError", "must sum to 1", partial(loss, [0, 1], [[0.5, 0.6]] * 2)
    decompose = model_selection.decompose_gap
    yield "decompose_gap", "TypeError", "estimator", partial(decompose, Ridge(), X, Y)
    yield "decompose_gap", "TypeError", "problem", lambda: decompose(fitted(), X, Y, problem=3)
    yield "decompose_gap", "ValueError", "y_test", lambda: decompose(fitted(), X, Y, X)
    from_search, from_table = Gaps.from_search, Gaps.from_table
    from_estimator = partial(Gaps.from_estimator, Ridge(), X, Y, cv=2)
    ridge = {"param_name": "alpha", "param_range": [1.0]}
    name = "GeneralizationGapDisplay"
    yield name, "ValueError", "table", partial(Gaps, table={"a": [1]})
    yield f"{name}.from_table", "ValueError", "kind", partial(from_table, GAPS, kind="a")
    yield f"{name}.from_table", "ImportError", "matplotlib", lambda: partial(from_table, GAPS)
    yield f"{name}.plot", "ValueError", "kind", partial(Gaps(table=GAPS).plot, kind="a")
    yield f"{name}.plot", "ImportError", "matplotlib", lambda: Gaps(table=GAPS).plot
    yield (
        f"{name}.from_search",
        "ValueError",
        "return_train_score",
        lambda: from_search(search(return_train_score=False)),
    )
    yield (
        f"{name}.from_search",
        "ImportError",
        "matplotlib",
        lambda: partial(from_search, search(return_train_score=True), x="alpha"),
    )
    yield (
        f"{name}.from_estimator",
        "ValueError",
        "param_name",
        partial(from_estimator, param_range=[1]),
    )
    yield (
        f"{name}.from_estimator",
        "ImportError",
        "matplotlib",
        lambda: partial(from_estimator, **ridge),
    )


def structure_rows():
    name = "StructureDisplay"
    yield name, "ValueError", "has 2 letters", partial(Structures, "ACG", "..")
    yield name, "TypeError", "len()", partial(Structures, 3, "...")
    plain = Structures("ACG", "...")
    yield f"{name}.plot", "ImportError", "matplotlib", lambda: plain.plot
    draw, model = Structures.from_estimator, HybridReasoningFolder
    yield f"{name}.from_estimator", "ImportError", "matplotlib", lambda: partial(draw, plain, "A")
    yield f"{name}.from_estimator", "TypeError", "estimator", partial(draw, Ridge(), "ACG")
    yield f"{name}.from_estimator", "NotFittedError", "fitted", partial(draw, model(), "ACG")
    fitted_one = model(max_epochs=1, random_state=0).fit(["GGGAAAACCC"], ["(((....)))"])
    yield f"{name}.from_estimator", "ValueError", "is empty", partial(draw, fitted_one, "")


def display_rows():
    name = "AlgorithmPropertiesDisplay"
    yield name, "ValueError", "curves", partial(Properties, curves=[], mu=0.1, L=1.0)
    from_algorithms = partial(Properties.from_algorithms, k=[1, 2])
    yield f"{name}.from_algorithms", "TypeError", "algo", partial(from_algorithms, [3])
    yield f"{name}.from_algorithms", "ValueError", "mu", partial(from_algorithms, "gd", mu=2.0)
    yield (
        f"{name}.from_algorithms",
        "ImportError",
        "matplotlib",
        (lambda call=from_algorithms: partial(call, "gd")),
    )
    name = "ResidualPolynomialDisplay"
    yield name, "ValueError", "curves", partial(Residuals, curves=[], mu=0.1, L=1.0)
    from_algorithms = partial(Residuals.from_algorithms, k=2)
    yield f"{name}.from_algorithms", "TypeError", "'cg'", partial(from_algorithms, "cg")
    yield (
        f"{name}.from_algorithms",
        "ValueError",
        "n_points",
        partial(from_algorithms, "gd", n_points=1),
    )
    yield (
        f"{name}.from_algorithms",
        "ImportError",
        "matplotlib",
        (lambda call=from_algorithms: partial(call, "gd")),
    )
    name = "BoundDisplay"
    yield name, "ValueError", "curves", partial(Bounds, curves=[])
    yield f"{name}.from_table", "ValueError", "'a'", partial(Bounds.from_table, TABLE, x="a")
    yield (
        f"{name}.from_table",
        "ImportError",
        "matplotlib",
        lambda: partial(Bounds.from_table, TABLE),
    )
    name = "CertificateDisplay"
    yield name, "ValueError", "rows", lambda: Certificates(certificate=fitted().certify())
    of = Certificates.from_estimator
    yield f"{name}.from_estimator", "TypeError", "estimator", partial(of, Ridge(), X)
    yield f"{name}.from_estimator", "ValueError", "X=None", lambda: of(fitted(), None)
    yield f"{name}.from_estimator", "NotFittedError", "fitted", partial(of, Regressor(), X)
    yield f"{name}.from_estimator", "ImportError", "matplotlib", lambda: partial(of, fitted(), X)
    name = "StepsDisplay"
    yield name, "ValueError", "one entry", partial(steps, rows_right=[])
    yield f"{name}.plot", "ValueError", "2 Axes", lambda: steps().plot([])
    yield f"{name}.plot", "ImportError", "matplotlib", lambda: steps().plot
    of_steps = Steps.from_estimator
    unfitted = HybridReasoningClassifier()
    yield f"{name}.from_estimator", "TypeError", "estimator", partial(of_steps, Ridge(), X, Y)
    yield f"{name}.from_estimator", "ValueError", "X=None", lambda: of_steps(classifier(), None, Y)
    yield f"{name}.from_estimator", "NotFittedError", "fitted", partial(of_steps, unfitted, X, Y)
    yield (
        f"{name}.from_estimator",
        "ImportError",
        "matplotlib",
        lambda: partial(of_steps, classifier(), X, Y),
    )
    for name, drawn in [
        ("AlgorithmPropertiesDisplay", lambda: Properties.from_algorithms("gd", k=[1, 2])),
        ("ResidualPolynomialDisplay", lambda: Residuals.from_algorithms("gd", k=2)),
        ("BoundDisplay", lambda: Bounds.from_table(TABLE)),
        ("CertificateDisplay", lambda: Certificates(certificate=fitted().certify(X))),
    ]:
        yield f"{name}.plot", "ValueError", "yscale", lambda d=drawn: d().plot(yscale="a")
        yield f"{name}.plot", "ImportError", "matplotlib", lambda d=drawn: d().plot
    yield "properties_table", "TypeError", "algo", partial(inspection.properties_table, [3], 2)
    yield (
        "properties_table",
        "ValueError",
        "twice",
        partial(inspection.properties_table, ["gd", "gd"], 2),
    )


def experiment_rows():
    # DenoisingProtocol has the method of its base.
    for name, owner in (("Protocol", "Protocol"), ("DenoisingProtocol", "StudySettings")):
        protocol = getattr(experiments, name)
        yield name, "TypeError", "k=3", partial(protocol, k=3)
        yield name, "ValueError", "holds", partial(protocol, k=(1, 1))
        yield f"{owner}.but", "TypeError", "depth", partial(protocol().but, {"depth": 1})
        yield f"{owner}.but", "ValueError", "holds", partial(protocol().but, {"k": (-1,)})
    tiny, reproduce = experiments.Protocol(k=(1, 2), repetitions=2), experiments.reproduce
    yield "reproduce", "ValueError", "figures", lambda folder: reproduce(["fig1"], folder)
    yield (
        "reproduce",
        "OSError",
        "out",
        lambda folder: reproduce(["fig2"], written(folder), protocol=tiny, verbose=0),
    )
    yield (
        "reproduce",
        "ImportError",
        "matplotlib",
        lambda folder: partial(reproduce, ["fig2"], folder, protocol=tiny, verbose=0),
    )


ROWS = [
    row
    for rows in (selection_rows, structure_rows, display_rows, experiment_rows)
    for row in rows()
]


@pytest.mark.parametrize(("name", "error", "part", "call"), ROWS, ids=[row[0] for row in ROWS])
def test_error(name, error, part, call, provoke):
    provoke(error, part, call)


def test_every_documented_error_is_asked_for(documented_errors):
    asked = {(name, error) for name, error, *_ in ROWS} | set(ELSEWHERE)
    assert asked == documented_errors("experiments", "inspection", "model_selection")
