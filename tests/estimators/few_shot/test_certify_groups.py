"""Certificates of the adaptation of groups: spectra, distances and bounds against plain algebra."""

import numpy as np
import pytest
from estimators.few_shot._small_groups import SMALL, fitted, make_lines

from sklearn_reasoning import FewShotReasoningRegressor
from sklearn_reasoning.algorithms import get_algorithm
from sklearn_reasoning.properties import certify, convergence, stability

ALGORITHMS = ["gd", "nag", "heavy_ball", "chebyshev", "cg", "opt", "admm"]


def energy_of(model, group):
    """Return Q and b of a known group."""
    X, y, groups = make_lines()
    here = groups == group
    P = model._use()._features(X[here]).detach().numpy()
    y_mean, y_scale = (model.module_.get_buffer(f"y_{n}")[0].numpy() for n in ("mean", "scale"))
    t = (y[here, None] - y_mean) / y_scale
    Q = P.T @ P / len(P) + model.ridge_ * np.eye(P.shape[1])
    return Q, -P.T @ t / len(P) - model.ridge_ * model.start_


@pytest.mark.parametrize("algo", ALGORITHMS)
def test_each_group_is_as_far_as_the_table_says(algo):
    model = fitted(algo=algo, k=4)
    certificate = model.certify()
    table = certificate.table()
    assert certificate.holds
    assert list(table["group"]) == list(range(40))
    assert (table["distance"] <= table["bound"] * (1 + 1e-9) + 1e-12).all()
    for group in (0, 17):
        Q, b = energy_of(model, group)
        assert table["L"][group] == pytest.approx(np.linalg.eigvalsh(Q)[-1])
        assert table["mu"][group] == pytest.approx(model.ridge_)
        minimiser = -np.linalg.solve(Q, b)
        first = np.linalg.norm(model.start_ - minimiser)
        assert table["first_distance"][group] == pytest.approx(first)
        head = model._known.heads[group]
        distance = np.linalg.norm(head - minimiser)
        assert table["distance"][group] == pytest.approx(distance, abs=1e-12)
        if algo not in ("cg", "opt"):
            phi = table["step_size"][group] if "step_size" in table else None
            r = get_algorithm(algo).residual(
                np.linalg.eigvalsh(Q), 4, phi, model.ridge_, table["L"][group]
            )
            assert table["contraction"][group] == pytest.approx(np.abs(r).max())


def test_one_group_and_the_worst_of_all():
    model = fitted(algo="gd", k=4)
    certificate = model.certify()
    table, worst = certificate.table(), int(np.argmax(certificate.table()["L"]))
    mu, L = model.ridge_, table["L"][worst]
    of_worst = convergence("gd", 4, table["step_size"][worst], mu, L)
    assert float(certificate.convergence.certified) == pytest.approx(float(of_worst.certified))
    one = certificate.of(3)
    expected = stability("gd", 4, table["step_size"][3], mu, table["L"][3])
    assert float(one.stability.in_b.certified) == pytest.approx(float(expected.in_b.certified))
    assert one.holds
    assert pytest.approx(L) == certify(model).L
    assert "gd" in str(certificate)
    with pytest.raises(ValueError, match="none of those"):
        certificate.of("x")


def test_which_groups_are_far():
    model = fitted(algo="gd", k=4)
    certificate = model.certify(accuracy=0.5)
    relative = certificate.rows.relative_distance
    assert set(certificate.far()) == set(np.flatnonzero(relative > 0.5))
    assert list(certificate.far(0.0)) == list(np.argsort(-relative, kind="stable"))
    few = model.certify([5, 2])
    assert list(few.groups) == [5, 2]
    assert few.rows.distance[0] == pytest.approx(certificate.rows.distance[5])


def test_groups_are_named_as_groups_lists_them():
    X, y, groups = make_lines(6, 4)
    names = [("a", g) if g % 2 else g for g in groups.tolist()]
    model = FewShotReasoningRegressor(**SMALL).fit(X, y, names)
    assert model.certify([("a", 1), 2]).groups.tolist() == [("a", 1), 2]
    assert model.certify(model.groups_[1:3]).groups.tolist() == [("a", 1), 2]
    for name in (4, np.int64(4), np.array(4)):
        assert model.certify(name).groups.tolist() == [4]
    of_all = FewShotReasoningRegressor(**SMALL).fit(X, y)
    assert of_all.certify(of_all.groups_).holds


def test_what_cannot_be_certified():
    with pytest.raises(ValueError, match="adapt='all'"):
        fitted(adapt="all", k=2, max_epochs=2).certify()
    with pytest.raises(ValueError, match="77 is not known"):
        fitted().certify([77])
