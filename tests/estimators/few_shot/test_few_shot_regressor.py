"""What fit, adapt, predict and score of the few-shot regressor promise."""

import copy
from datetime import datetime

import numpy as np
import pytest
import torch
from estimators.few_shot._small_groups import SMALL, fitted, make_lines
from sklearn.metrics import r2_score

from sklearn_reasoning import FewShotReasoningRegressor, load_model, save_model


def head_of(model, X, y, k=None):
    """Return the predictor of a group, by the closed form or by plain gradient steps."""
    module = model.module_
    start, ridge = model.start_, model.ridge_
    y_mean, y_scale = (module.get_buffer(f"y_{kind}")[0].numpy() for kind in ("mean", "scale"))

    def features(X):
        return model._use()._features(X).detach().numpy()

    P = features(X)
    t = (y.reshape(len(y), -1) - y_mean) / y_scale
    Q = P.T @ P / len(P) + ridge * np.eye(P.shape[1])
    b = -P.T @ t / len(P) - ridge * start
    if k is None:
        head = -np.linalg.solve(Q, b)
    else:
        # Gradient descent, whose step size lies at its share of the group's own stable region.
        high = 2.0 / (ridge + np.linalg.eigvalsh(Q)[-1])
        share = float(module.step_size.detach())
        head = start
        for _ in range(k):
            head = head - (0.01 + 0.99 * share) * high * (Q @ head + b)
    return lambda X: features(X) @ head * y_scale + y_mean


@pytest.mark.parametrize("params", [{"algo": "opt"}, {"algo": "gd", "k": 4}])
@pytest.mark.parametrize("n_rows", [3, 20], ids=["few rows", "more rows than features"])
def test_predictions_are_those_of_the_energy_of_the_group(params, n_rows):
    model, (X, y, groups) = fitted(**params), make_lines(3, n_rows, seed=5)
    adapted = model.adapt(X, y, groups)
    new = np.linspace(-2.0, 2.0, 5)[:, None]
    for group in range(3):
        here = groups == group
        expected = head_of(model, X[here], y[here], params.get("k"))(new)[:, 0]
        np.testing.assert_allclose(adapted.predict(new, [group] * 5), expected, rtol=1e-9)


def test_new_groups_are_learned_from_a_few_rows():
    model = FewShotReasoningRegressor(**SMALL | {"max_epochs": 200}).fit(*make_lines())
    X, y, groups = make_lines(100, 20, seed=1)
    assert model.score(X, y, groups) < 0.2  # which it has never seen
    assert model.score(X, y, groups + 1000, shots=3) > 0.9
    assert model.score(X, y, groups + 1000, shots=8) > 0.97


def test_known_groups_are_predicted_from_all_of_their_rows():
    model, (X, y, groups) = fitted(), make_lines()
    assert (model.groups_ == np.arange(40)).all()
    again = model.adapt(X, y, groups)
    assert (model.predict(X, groups) == again.predict(X, groups)).all()
    assert r2_score(y, model.predict(X, groups)) == model.score(X, y, groups)


def test_what_is_not_known_is_predicted_by_the_start():
    model, (X, _, groups) = fitted(), make_lines()
    at_start = model.predict(X, k=0)
    assert (model.predict(X) == at_start).all()
    assert (model.predict(X, ["nobody"] * len(X)) == at_start).all()
    assert (model.predict(X, groups, k=0) == at_start).all()
    mixed = model.predict(X, np.where(groups < 3, groups, -1))
    assert (mixed[groups >= 3] == at_start[groups >= 3]).all()
    assert (mixed[groups < 3] == model.predict(X, groups)[groups < 3]).all()


def test_adapt_leaves_the_original_as_it_was():
    model, (X, y, groups) = fitted(), make_lines(4, 5, seed=3)
    before = copy.deepcopy(vars(model)), model.predict(X, groups)
    other = model.adapt(X, y, groups + 38)
    assert list(other.groups_) == [*range(38), 38, 39, 40, 41]
    assert list(model.groups_) == list(range(40))
    assert (model.predict(X, groups) == before[1]).all()
    assert vars(model).keys() == before[0].keys()
    # Of those that were not replaced nothing has changed.
    assert (other.predict(X, groups) == before[1]).all()
    assert (other.predict(X, groups + 38) != model.predict(X, groups + 38)).all()
    assert other.net_ is model.net_


def test_without_groups_all_rows_are_one():
    model = fitted()
    x = np.linspace(-1.0, 1.0, 6)[:, None]
    adapted = model.adapt(x, 3.0 * x[:, 0] + 1.0)
    assert (adapted.predict(x) != model.predict(x)).all()
    named = model.adapt(x, 3.0 * x[:, 0] + 1.0, ["one"] * 6)
    np.testing.assert_allclose(adapted.predict(x), named.predict(x, ["one"] * 6), rtol=1e-12)
    assert adapted.groups_[-1] is None
    rng = np.random.default_rng(0)
    X = rng.normal(size=(80, 2))
    y = X @ [1.0, -2.0] + 5.0
    alone = FewShotReasoningRegressor(**SMALL | {"max_epochs": 100}).fit(X, y)
    assert alone.score(X, y) > 0.95


@pytest.mark.parametrize("params", [{}, {"adapt": "all", "k": 2, "max_epochs": 5}])
def test_other_numbers_of_steps(params):
    model, (X, y, groups) = fitted(**params), make_lines()
    k = model.k
    assert (model.predict(X, groups, k=k) == model.predict(X, groups)).all()
    losses = [np.mean((model.predict(X, groups, k=j) - y) ** 2) for j in (0, 1, k)]
    assert losses[0] > losses[1] > losses[2]


def test_scores_after_so_many_shots():
    model, (X, y, groups) = fitted(), make_lines(6, 9, seed=2)
    rng = np.random.default_rng(0)
    order = rng.permutation(len(X))
    X, y, groups = X[order], y[order], groups[order]
    first = np.zeros(len(X), dtype=bool)
    for group in range(6):
        first[np.flatnonzero(groups == group)[:4]] = True
    adapted = model.adapt(X[first], y[first], groups[first])
    expected = r2_score(y[~first], adapted.predict(X[~first], groups[~first]))
    assert model.score(X, y, groups, shots=4) == pytest.approx(expected, rel=1e-12)
    weight = rng.uniform(size=len(X))
    expected = r2_score(
        y[~first], adapted.predict(X[~first], groups[~first]), sample_weight=weight[~first]
    )
    found = model.score(X, y, groups, shots=4, sample_weight=weight)
    assert found == pytest.approx(expected, rel=1e-12)
    at_start = r2_score(y, model.predict(X, k=0))
    assert model.score(X, y, groups, shots=0) == pytest.approx(at_start, rel=1e-12)


@pytest.mark.parametrize("params", [{}, {"adapt": "all", "k": 2, "max_epochs": 2}])
def test_outputs_have_heads_of_their_own(params):
    X, y, groups = make_lines(n_outputs=2)
    model = FewShotReasoningRegressor(**SMALL | params).fit(X, y, groups)
    assert model.predict(X, groups).shape == (len(X), 2)
    assert model.n_outputs_ == 2
    adapted = model.adapt(X[:5], y[:5], ["a"] * 5)
    assert adapted.predict(X[:3], ["a"] * 3).shape == (3, 2)
    column = FewShotReasoningRegressor(**SMALL | params).fit(X, y[:, :1], groups)
    assert column.predict(X, groups).shape == (len(X), 1)


def test_names_of_groups_are_numbers_strings_or_objects():
    X, y, groups = make_lines(10, 4)
    by_number = FewShotReasoningRegressor(**SMALL).fit(X, y, groups)
    expected = by_number.predict(X, groups)
    for names in (groups.astype(str), [(int(g), "x") for g in groups], groups.astype(float)):
        model = FewShotReasoningRegressor(**SMALL).fit(X, y, names)
        assert (model.predict(X, names) == expected).all()
        assert len(model.groups_) == 10
    assert by_number.groups_.dtype == np.int64


def test_numbers_in_an_array_of_objects_are_numbers():
    X, y, groups = make_lines(6, 4)
    names = np.empty(len(groups), dtype=object)
    names[:] = [np.int64(group) for group in groups]
    model = FewShotReasoningRegressor(**SMALL | {"max_epochs": 2}).fit(X, y, names)
    assert model.groups_.dtype == np.int64


def test_times_name_groups_whatever_their_unit():
    X, y, groups = make_lines(10, 4)
    days = np.datetime64("2020-01-01") + groups.astype("m8[D]")
    model = FewShotReasoningRegressor(**SMALL).fit(X, y, days)
    expected = FewShotReasoningRegressor(**SMALL).fit(X, y, groups).predict(X, groups)
    as_objects = [datetime(2020, 1, 1 + group) for group in groups.tolist()]
    for names in (days, days.astype("M8[ns]"), list(days.astype("M8[s]")), as_objects):
        assert (model.predict(X, names) == expected).all()
    assert model.groups_[0] == datetime(2020, 1, 1)


def test_numbers_of_torch_name_groups():
    X, y, groups = make_lines(10, 4)
    model = FewShotReasoningRegressor(**SMALL).fit(X, y, [torch.tensor(g) for g in groups])
    assert (model.groups_ == np.arange(10)).all()


def test_the_same_seed_gives_the_same_bits_and_another_other_cuts():
    X, y, groups = make_lines()
    first, again, other = (
        FewShotReasoningRegressor(**SMALL | {"random_state": seed}).fit(X, y, groups)
        for seed in (0, 0, 1)
    )
    assert (first.predict(X, groups) == again.predict(X, groups)).all()
    assert (first.predict(X, groups) != other.predict(X, groups)).any()
    single = FewShotReasoningRegressor(**SMALL).fit(X.astype(np.float32), y, groups)
    assert single.module_.weights.numpy(force=True).dtype == np.float32


def test_groups_of_unlike_size_train_together():
    rng = np.random.default_rng(0)
    sizes = rng.integers(2, 30, size=60)
    groups = np.repeat(np.arange(60), sizes)
    slope = rng.normal(size=60)[groups]
    X = rng.normal(size=(len(groups), 1))
    model = FewShotReasoningRegressor(**SMALL | {"batch_size": 16, "max_epochs": 60, "shots": 5})
    model.fit(X, slope * X[:, 0], groups)
    assert model.score(X, slope * X[:, 0], groups) > 0.97


def test_early_stopping_holds_out_groups():
    X, y, groups = make_lines()
    model = FewShotReasoningRegressor(
        **SMALL | {"max_epochs": 300, "early_stopping": True, "n_iter_no_change": 3, "tol": 0.5}
    ).fit(X, y, groups)
    assert model.n_iter_ < 300
    assert len(model.history_[:, "valid_loss"]) == model.n_iter_
    assert len(model.groups_) == 40


def test_warm_start_goes_on():
    X, y, groups = make_lines()
    model = FewShotReasoningRegressor(**SMALL | {"warm_start": True}).fit(X, y, groups)
    first = model.history_[-1, "train_loss"]
    assert model.fit(X, y, groups).history_[-1, "train_loss"] < first
    with pytest.raises(ValueError, match="warm_start"):
        model.set_params(n_basis=3).fit(X, y, groups)


def test_a_thousand_groups_adapt_at_once():
    import time

    model, (X, y, groups) = fitted(), make_lines(1000, 10, seed=9)
    began = time.process_time()
    model.adapt(X, y, groups)
    assert time.process_time() - began < 1.0  # a tenth of it where nothing else runs


@pytest.mark.parametrize(("n_groups", "decay"), [(40, 0.06), (200, 0.01)])
def test_more_groups_ask_for_less_decay(n_groups, decay):
    model = FewShotReasoningRegressor(**SMALL | {"max_epochs": 1}).fit(*make_lines(n_groups, 4))
    (settings,) = model.net_.models
    assert settings.weight_decay == pytest.approx(decay)


def test_a_column_that_was_constant_tells_nothing_later(tmp_path):
    X = np.random.default_rng(0).normal(size=(40, 2))
    X[:, 1] = 5.0
    groups = np.repeat(np.arange(5), 8)
    model = FewShotReasoningRegressor(basis_hidden=(), max_epochs=3, random_state=0)
    model.fit(X, X[:, 0], groups)
    other = X.copy()
    other[:, 1] = 100.0
    np.testing.assert_array_equal(model.predict(other, groups), model.predict(X, groups))
    save_model(model, tmp_path / "model.safetensors")
    again = load_model(tmp_path / "model.safetensors")
    np.testing.assert_array_equal(again.predict(other, groups), model.predict(X, groups))
