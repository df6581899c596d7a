"""Few-shot regressors in pickles and in model files: the same bits, the same groups."""

import pickle

import joblib
import numpy as np
import pytest
from estimators.few_shot._small_groups import SMALL, fitted, make_lines

from sklearn_reasoning import FewShotReasoningRegressor, load_model, save_model
from sklearn_reasoning.exceptions import ModelFileError

X, Y, GROUPS = make_lines()


@pytest.mark.parametrize(
    "params", [{}, {"algo": "cg", "k": 3}, {"adapt": "all", "k": 2, "max_epochs": 2}]
)
def test_the_same_bits_come_back(params, tmp_path):
    model = fitted(**params).adapt(X[:3], Y[:3], ["new"] * 3)
    save_model(model, tmp_path / "model")
    for loaded in (load_model(tmp_path / "model"), pickle.loads(pickle.dumps(model))):
        assert loaded.groups_.tolist() == model.groups_.tolist()
        for k in (None, 1):
            assert (loaded.predict(X, GROUPS, k=k) == model.predict(X, GROUPS, k=k)).all()
        assert (loaded.predict(X, ["new"] * len(X)) == model.predict(X, ["new"] * len(X))).all()
        other = loaded.adapt(X[:4], Y[:4])
        assert (other.predict(X) == model.adapt(X[:4], Y[:4]).predict(X)).all()
        assert loaded.get_params() == model.get_params()


def test_the_group_of_all_rows_is_in_files_too(tmp_path):
    frame = pytest.importorskip("pandas").DataFrame({"x": X[:, 0]})
    model = FewShotReasoningRegressor(**SMALL).fit(frame, Y)
    save_model(model, tmp_path / "model")
    loaded = load_model(tmp_path / "model")
    assert (loaded.predict(frame) == model.predict(frame)).all()
    assert list(loaded.feature_names_in_) == ["x"]


def test_names_that_a_file_cannot_hold(tmp_path):
    names = [(int(g),) for g in GROUPS]
    model = FewShotReasoningRegressor(**SMALL).fit(X, Y, names)
    with pytest.raises(ValueError, match="numbers or strings"):
        save_model(model, tmp_path / "model")


@pytest.mark.parametrize("rows", [np.zeros((3, 2)), np.full((320, 1), np.nan)])
def test_a_file_whose_rows_do_not_fit_is_refused(rows, tmp_path):
    from dataclasses import replace

    model = FewShotReasoningRegressor(**SMALL).fit(X, Y, GROUPS)
    known = model._known
    model._known = replace(known, rows=replace(known.rows, x=rows))
    save_model(model, tmp_path / "model")
    with pytest.raises(ModelFileError):
        load_model(tmp_path / "model")


@pytest.mark.filterwarnings("error")
def test_arrays_that_joblib_maps_are_read_only(tmp_path):
    model = fitted()
    joblib.dump(model, tmp_path / "model.joblib")
    mapped = joblib.load(tmp_path / "model.joblib", mmap_mode="r")
    assert not mapped._known.heads.flags.writeable
    save_model(mapped, tmp_path / "model")
    for loaded in (mapped, load_model(tmp_path / "model")):
        assert (loaded.predict(X, GROUPS) == model.predict(X, GROUPS)).all()
