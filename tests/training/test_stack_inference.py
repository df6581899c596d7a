"""Models of a stack, applied side by side, give the bits that each alone gives."""

from dataclasses import replace
from itertools import product

import numpy as np
import pytest
from _covering import covering

from sklearn_reasoning import HybridReasoningRegressor
from sklearn_reasoning.datasets import make_quadratic_reasoning
from sklearn_reasoning.estimators.regressor._architecture import architecture_of, settings_of
from sklearn_reasoning.training import _inference, fit_stack, predict, predict_stack, trained_models

# Columns of x, b and R of the data.
COLUMNS = {
    ("given", "given"): slice(None),
    ("shared", "learned"): slice(15),
    ("predicted", "learned"): slice(15),
    ("identity", "given"): slice(15),
    ("given", "learned"): [*range(10), *range(15, 40)],
}


def trained_stack(algo, rotation, linear_term, dtype, n):
    """A stack of models of unlike k, seeds and rates, and its rows."""
    X, y = (part.astype(dtype) for part in make_quadratic_reasoning(n_samples=n, random_state=0))
    model = HybridReasoningRegressor(
        algo, rotation=rotation, linear_term=linear_term, b_hidden=(12,), max_epochs=2
    )
    rows, torch_dtype = model._validated_rows(
        X[:, COLUMNS[rotation, linear_term]], y, None, reset=True
    )
    settings = settings_of(model, n, 0)
    models = [
        replace(settings, k=k, lr=lr, seed=seed)
        for seed, (k, lr) in enumerate(product((1, 5, 5, 30), (1e-2, 1e-3)))
    ]
    net = fit_stack(architecture_of(model), models, [rows] * len(models), dtype=torch_dtype)
    return net, (rows.x, rows.b, rows.rotation)


def part_of(given, rows):
    return tuple(None if each is None else each[rows] for each in given)


@covering("algo, columns, dtype", ["gd", "nag", "rnn", "cg", "opt"], COLUMNS, [
    np.float64, np.float32
])  # fmt: skip
def test_side_by_side_as_alone(algo, columns, dtype):
    net, given = trained_stack(algo, *columns, dtype, 70)
    # 70, 21 and 32 rows: two padded lengths, one of them shared.
    parts = [given, part_of(given, slice(21)), part_of(given, slice(20, 52))]
    wanted = [(model, part) for model in range(8) for part in parts]

    outputs = predict_stack(net.module_, wanted)

    singles = [trained.net.module_ for trained in trained_models(net)]
    for output, (model, part) in zip(outputs, wanted, strict=True):
        np.testing.assert_array_equal(output, predict(singles[model], *part))
    assert len({output.tobytes() for output in outputs[::3]}) == 8


@pytest.mark.parametrize("length", [16, 48])
def test_rows_in_blocks_and_models_in_parts(length, monkeypatch):
    """70 rows are cut into blocks; of 16 rows there are as many models at once as fill one."""
    net, given = trained_stack("nag", "shared", "learned", np.float64, 70)
    wanted = [(model, part_of(given, slice(n))) for model in range(8) for n in (16, 70)]
    monkeypatch.setattr(_inference, "_NUMBERS_AT_ONCE", 16 * length)
    assert _inference.rows_at_once(net.module_) == length

    outputs = predict_stack(net.module_, wanted)

    singles = [trained.net.module_ for trained in trained_models(net)]
    for output, (model, part) in zip(outputs, wanted, strict=True):
        np.testing.assert_array_equal(output, predict(singles[model], *part))


def test_nothing_is_wanted():
    net, _ = trained_stack("gd", "shared", "learned", np.float64, 20)

    assert predict_stack(net.module_, []) == []
